"""Whoever waits for an order goes by its blockers: on as long as all of them pass soon."""

from __future__ import annotations

import pytest

from artfactoryd.core.lifecycle import OrderState
from artfactoryd.reporting.blockers import Blocker, Code, Outlook, Who

LASTS = Blocker(Code.ORDER_CAP, Who.PERSON, None, "Its cap is reached.")
PASSES = Blocker(Code.PUT_BACK, Who.PROVIDER, "fal", "It asks to wait.")


@pytest.mark.parametrize(
    ("state", "was_asked", "on_the_way", "blockers", "rests"),
    [
        (OrderState.COMPLETED, False, 0, [], True),
        (OrderState.FAILED, False, 0, [LASTS], True),
        (OrderState.HELD, True, 0, [], True),
        (OrderState.PROCESSING, True, 2, [], True),  # cancelled while it was held, and something came all the same
        (OrderState.QUEUED, False, 0, [], False),
        (OrderState.PROCESSING, False, 0, [], False),
        (OrderState.PROCESSING, False, 0, [PASSES], False),
        (OrderState.PROCESSING, False, 0, [LASTS], True),
        (OrderState.PROCESSING, False, 0, [PASSES, LASTS], True),
        (OrderState.PROCESSING, False, 1, [LASTS], False),
    ],
)
def test_nobody_waits_for_an_order_that_has_ended_or_is_blocked_for_long(
    state: OrderState, was_asked: bool, on_the_way: int, blockers: list[Blocker], rests: bool
) -> None:
    assert Outlook(state, was_asked, on_the_way, blockers).rests is rests


def test_the_reasons_are_the_blockers_texts_in_their_order() -> None:
    outlook = Outlook(OrderState.PROCESSING, False, 0, [LASTS, PASSES])
    assert outlook.reasons == ["Its cap is reached.", "It asks to wait."]


def test_an_item_that_can_be_sent_is_waited_for_beside_one_that_cannot() -> None:
    away = Blocker(Code.UPLOAD_LASTS, Who.PROVIDER, "fal", "It could not be uploaded.")
    stopped = Blocker(Code.STOPPED, Who.PERSON, "fal", "fal is stopped.")
    assert Outlook(OrderState.PROCESSING, False, 0, [away]).rests
    assert not Outlook(OrderState.PROCESSING, False, 0, [away], sends_on=True).rests
    assert [blocker.keeps(name) for blocker in (away, stopped, LASTS) for name in ("fal", "local")] == [
        False, False, True, False, True, True,
    ]  # fmt: skip
