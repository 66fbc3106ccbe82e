from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from artfactoryd.errors import OverCap
from artfactoryd.execution.capped_orders import CappedOrders
from artfactoryd.execution.pacing.gate import Gate
from artfactoryd.execution.queue import Queues
from artfactoryd.storage.index import Index
from tests.execution.hangar import A1, B1, accept, item

TODAY, TOMORROW = "2026-11-29", "2026-11-30"
OF_ORDER, OF_DAY = OverCap("Its cap is reached."), OverCap("The cap of the day is reached.", TODAY)


@pytest.fixture
def queues(tmp_path: Path) -> Iterator[Queues]:
    index = Index.open(tmp_path / "index.sqlite3")
    for name in ("a", "b"):
        accept(index, name, 1)
    yield Queues(index, {"acme": Gate(1, lambda: 0.0)})
    index.close()


@pytest.fixture
def capped(queues: Queues) -> CappedOrders:
    return CappedOrders(queues)


def orders(queues: Queues) -> set[str]:
    """Those that have something to send."""
    return queues["acme"].orders()


def test_a_stopped_order_gives_nothing_and_the_others_go_on(capped: CappedOrders, queues: Queues) -> None:
    capped.stop(item(A1), OF_ORDER)
    assert orders(queues) == {"b"}


def test_money_that_comes_back_to_an_order_lets_it_try_again(capped: CappedOrders, queues: Queues) -> None:
    capped.stop(item(A1), OF_ORDER)
    capped.money_came_back("b")
    before = orders(queues)
    capped.money_came_back("a")
    assert (before, orders(queues)) == ({"b"}, {"a", "b"})


def test_money_that_comes_back_to_any_order_lets_those_try_again_that_wait_for_a_day(
    capped: CappedOrders, queues: Queues
) -> None:
    capped.stop(item(A1), OF_DAY)
    capped.money_came_back("b")
    assert orders(queues) == {"a", "b"} and capped.days == {}


def test_another_day_lets_those_try_again_that_wait_for_it_and_no_others(capped: CappedOrders, queues: Queues) -> None:
    capped.stop(item(A1), OF_DAY)
    capped.stop(item(B1), OF_ORDER)
    capped.heed_date(TODAY)
    before = orders(queues), dict(capped.days)
    capped.heed_date(TOMORROW)
    assert before == (set(), {"a": TODAY}) and (orders(queues), capped.days) == ({"a"}, {})


def test_an_order_that_a_person_lifted_is_no_longer_stopped(capped: CappedOrders, queues: Queues) -> None:
    capped.stop(item(A1), OF_ORDER)
    capped.lift("a")
    capped.money_came_back("a")  # whoever lifted it has it looked at
    assert orders(queues) == {"b"}
    queues.look_again("a")
    assert orders(queues) == {"a", "b"}


def test_the_log_has_when_an_order_begins_to_wait_and_when_it_need_not_any_more(
    capped: CappedOrders, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    for _ in range(13):  # items that were on their way to the gate when the cap was reached
        capped.stop(item(A1), OF_DAY)
    capped.money_came_back("a")
    capped.stop(item(A1), OF_DAY)
    began = list(caplog.messages)
    capped.heed_date(TOMORROW)
    capped.heed_date(TOMORROW)
    ended = caplog.messages[len(began) :]
    capped.stop(item(A1), OF_ORDER)
    capped.lift("a")
    assert began == ["order a waits: The cap of the day is reached."]
    assert ended == ["order a waits for its cap no more: it is another day"] and len(caplog.messages) == 4
