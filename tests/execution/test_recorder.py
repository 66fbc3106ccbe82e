from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from artfactoryd.core.lifecycle import Verdict
from artfactoryd.errors import IllegalMove, OverCap, StorageFull
from artfactoryd.execution import recorder
from artfactoryd.execution.capped_orders import CappedOrders
from artfactoryd.execution.doubts import Doubts
from artfactoryd.execution.pacing.gate import Gate
from artfactoryd.execution.queue import Queues
from artfactoryd.execution.receipts_due import ReceiptsDue
from artfactoryd.execution.recorder import Recorder
from artfactoryd.factories import Ticket
from artfactoryd.storage.events import Wish, from_line
from artfactoryd.storage.rows import ItemRow
from tests.accounts import ORDER, LineBooks, acceptance, books_in, item_row, order_row, wish

Patch = pytest.MonkeyPatch


@dataclass
class Desk:
    """A recorder, what hangs on it, and the books it writes; two items are planned."""

    books: LineBooks
    receipts: ReceiptsDue = field(default_factory=ReceiptsDue)
    doubts: Doubts = field(default_factory=lambda: Doubts(["fake"]))

    def __post_init__(self) -> None:
        self.queues = Queues(self.books.index, {"fake": Gate(1, lambda: 0.0)})
        self.capped = CappedOrders(self.queues)
        self.recorder = Recorder(self.books, self.doubts, self.capped, self.receipts)

    async def wished(self, number: int = 1) -> ItemRow:
        await self.recorder.wish(the_wish(number))
        return item_row(self.books.index, number=number)


def the_wish(number: int = 1, **money: Any) -> Wish:
    event = from_line(wish(number, **money))
    assert isinstance(event, Wish)
    return event


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with books_in(tmp_path) as books:
        await books.record(acceptance(items=2, folder="Projects/summer/cars"))
        await books.expand(order_row(books.index))
        yield Desk(books)


def full(desk: Desk, monkeypatch: Patch, times: int) -> list[str]:
    """So often the disk has no room; what was tried, by its kind."""
    real, tried = desk.books.record, list[str]()

    async def record(*events: Any) -> None:
        tried.append(events[0].kind)
        if len(tried) <= times:
            raise StorageFull("no room")
        await real(*events)

    monkeypatch.setattr(desk.books, "record", record)
    monkeypatch.setattr(recorder, "WRITE_AGAIN", 0.0)
    return tried


async def test_what_is_recorded_is_in_the_index_and_its_receipt_is_due(desk: Desk) -> None:
    row = await desk.wished()
    desk.receipts.take(ORDER)
    running = await desk.recorder.take_ticket(row, Ticket("t-1"))
    assert (row.state, running.state, running.ticket) == ("submitting", "running", "t-1")
    assert desk.receipts.orders == [ORDER] and desk.receipts.moved.is_set()


async def test_an_answer_about_money_is_written_down_however_long_the_disk_has_no_room(
    desk: Desk, monkeypatch: Patch
) -> None:
    row = await desk.wished()
    tried = full(desk, monkeypatch, times=3)
    running = await desk.recorder.take_ticket(row, Ticket("t-1"))
    assert running.state == "running" and tried == ["ticket"] * 4


async def test_a_wish_that_could_not_be_written_is_not_tried_again(desk: Desk, monkeypatch: Patch) -> None:
    tried = full(desk, monkeypatch, times=1)
    with pytest.raises(StorageFull):
        await desk.recorder.wish(the_wish())
    assert tried == ["wish"] and item_row(desk.books.index).state == "planned" and not desk.receipts


@pytest.mark.parametrize(("money", "error"), [({"caps": {"day": 1}}, OverCap), ({"nth": 1}, IllegalMove)])
async def test_a_wish_that_may_not_be_is_not_written(desk: Desk, money: dict[str, Any], error: type[Exception]) -> None:
    if error is IllegalMove:
        await desk.wished()
    before = item_row(desk.books.index).state
    with pytest.raises(error):
        await desk.recorder.wish(the_wish(**money))
    assert item_row(desk.books.index).state == before


@pytest.mark.parametrize(("verdict", "asked"), [(Verdict.IN_DOUBT, True), (Verdict.REFUSED, False)])
async def test_what_is_in_doubt_is_asked_about_and_what_was_refused_is_not(
    desk: Desk, verdict: Verdict, asked: bool
) -> None:
    failed = await desk.recorder.fail(await desk.wished(), verdict, "lost", cost=None if asked else 0)
    assert failed.state == ("in_doubt" if asked else "failed")
    assert (desk.doubts.is_new("fake"), desk.doubts.hopeful) == (asked, asked)


async def test_nobody_is_asked_where_the_provider_cannot_tell(desk: Desk) -> None:
    desk.doubts = Doubts([])
    desk.recorder = Recorder(desk.books, desk.doubts, desk.capped, desk.receipts)
    failed = await desk.recorder.fail(await desk.wished(), Verdict.IN_DOUBT, "lost", cost=None)
    assert failed.state == "in_doubt" and not desk.doubts.hopeful


async def test_money_that_comes_back_lets_a_capped_order_try_again(desk: Desk) -> None:
    row = await desk.wished()
    desk.capped.stop(row, OverCap("Its cap is reached."))
    before = desk.queues["fake"].orders()
    released = await desk.recorder.release(row, "not sent")
    assert released.state == "planned" and (before, desk.queues["fake"].orders()) == (set(), {ORDER})


async def test_what_costs_as_much_as_was_set_aside_gives_nothing_back(desk: Desk) -> None:
    row = await desk.recorder.take_ticket(await desk.wished(), Ticket("t-1"))
    desk.capped.stop(row, OverCap("Its cap is reached."))
    await desk.recorder.fail(row, Verdict.LOST, "gone", cost=3_000)
    assert desk.queues["fake"].orders() == set()
