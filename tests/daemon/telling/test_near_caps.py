"""Four fifths of a cap are told of once: of an order, a day, a month, and not again after a start."""

from __future__ import annotations

from pathlib import Path

import pytest

from artfactoryd.daemon.telling.near_caps import CapNear, NearCaps
from artfactoryd.storage.events import from_line
from tests.accounts import ORDER, UPPER, acceptance, books_in, release, wish

FAR = 10**9
TEN = 10 * UPPER  # of ten items eight are four fifths


@pytest.mark.parametrize(
    ("of", "order_cap", "day", "month", "reserved", "told"),
    [
        ("order", TEN, FAR, FAR, UPPER, [8]),
        ("day", FAR, TEN, FAR, UPPER, [8]),
        ("month", FAR, FAR, TEN, UPPER, [8]),
        ("day, of which nothing is near", FAR, FAR, FAR, UPPER, []),
        ("what is free", TEN, TEN, TEN, 0, []),
        ("no money at all", 0, 0, 0, 0, []),
    ],
)
async def test_a_cap_is_told_of_once_where_it_comes_near(
    tmp_path: Path, of: str, order_cap: int, day: int, month: int, reserved: int, told: list[int]
) -> None:
    """`told`: by which wishes."""
    near = NearCaps()
    heard: list[tuple[int, CapNear]] = []
    async with books_in(tmp_path) as books:
        await books.record(acceptance(items=10, cap=order_cap))
        await books.expand(books.index.orders()[0])
        for item in range(1, 11):
            line = wish(item, reserved=reserved, caps={"day": day, "month": month})
            await books.record(line)
            heard += [(item, news) for news in near.news(books.index, [from_line(line)])]
    assert [item for item, _ in heard] == told and {news.of for _, news in heard} <= {of}
    for _, news in heard:
        assert news.words == f"the cap of {_whose(of)} is near: $0.024 of $0.03 are spent or set aside"
        assert (news.order, news.name, news.counted, news.cap) == (ORDER, "cars", 0.024, 0.03)


async def test_that_the_cap_of_agents_comes_near_is_told_by_their_wishes_alone(tmp_path: Path) -> None:
    near, caps, other = NearCaps(), {"day": 10 * TEN, "month": 10 * TEN}, f"{ORDER[:-1]}2"
    async with books_in(tmp_path) as books:
        await books.record({**acceptance(items=3, cap=TEN), "agent": "claude"}, acceptance(other, items=3, cap=TEN))
        for row in books.index.orders():
            await books.expand(row)
        mine, theirs = wish(1, other, caps=caps), wish(1, caps={**caps, "agents": 2 * UPPER})
        more = wish(2, caps={**caps, "agents": 2 * UPPER})
        for line in (mine, theirs, more):
            await books.record(line)
        assert [*near.news(books.index, [from_line(mine)])] == []
        [news] = near.news(books.index, [from_line(mine), from_line(theirs), from_line(more)])
        assert news.words == "the cap of agents for the day is near: $0.006 of $0.006 are spent or set aside"


async def test_what_comes_back_and_is_set_aside_again_and_a_start_tell_nothing_twice(tmp_path: Path) -> None:
    near = NearCaps()
    async with books_in(tmp_path) as books:
        await books.record(acceptance(items=10, cap=TEN))
        await books.expand(books.index.orders()[0])
        lines = [wish(item) for item in range(1, 9)]
        await books.record(*lines)
        assert len(list(near.news(books.index, [from_line(line) for line in lines]))) == 1  # written together
        await books.record(release(8))
        again = wish(8, nth=2)
        await books.record(again)
        assert list(near.news(books.index, [from_line(again)])) == []
        more = wish(9)
        await books.record(more)
        assert list(NearCaps().news(books.index, [from_line(more)])) == []  # it was near before this run


def _whose(of: str) -> str:
    return "cars" if of == "order" else f"the {of}"
