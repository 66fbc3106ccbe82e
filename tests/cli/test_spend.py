"""`spend` over a ledger of known lines: each sum told right, by whatever it is added up."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from artfactoryd.cli import spend
from artfactoryd.home import Home
from artfactoryd.reporting.caps import Caps, Period
from artfactoryd.settings import Budget, Settings
from tests.accounts import (
    ORDER,
    UPPER,
    LineBooks,
    acceptance,
    clock,
    expander,
    failure,
    order_row,
    release,
    result,
    settlement,
    ticket,
    wish,
)

OTHER, REHEARSAL = ORDER[:-1] + "2", ORDER[:-1] + "3"
CAPS = Settings(budget=Budget(per_day=0.02, per_month=0.01))


@pytest.fixture
async def home(tmp_path: Path) -> Home:
    """One item spent, one on the way, one in doubt, one given back; another order the day before; a rehearsal."""
    made = Home(tmp_path)
    made.ledger.mkdir()
    with closing(LineBooks(made.ledger, made.index_file, expander, clock)) as books:
        for order, more in ((ORDER, {}), (OTHER, {"project": "winter"}), (REHEARSAL, {"rehearsal": True})):
            await books.record(acceptance(order, **more))
            await books.expand(order_row(books.index, order))
        await books.record(wish(1), ticket(1), result(1), settlement(1, cost=2000))
        await books.record(wish(2), wish(3), failure(3, "in_doubt"), wish(4), release(4))
        await books.record(wish(1, OTHER, day="2026-11-21"), failure(1, "refused", OTHER, cost=0))
        await books.record(wish(2, OTHER, day="2026-11-21"), ticket(2, OTHER), failure(2, "lost", OTHER, cost=UPPER))
        await books.record(wish(1, REHEARSAL, reserved=0), ticket(1, REHEARSAL))
    return made


def found(home: Home, by: str) -> dict[str, Any]:
    return figures(home, by).to_json()


def figures(home: Home, by: str) -> spend.SpendDocument:
    return spend.document(home, CAPS, by, "2026-11-22")


SUMMER = {"attempts": 3, "spent_usd": 0.002, "reserved_usd": 0.003, "in_doubt_usd": 0.003}
WINTER = {"attempts": 2, "spent_usd": 0.003, "reserved_usd": 0.0, "in_doubt_usd": 0.0}
TOTAL = {"name": "total", "attempts": 5, "spent_usd": 0.005, "reserved_usd": 0.003, "in_doubt_usd": 0.003}


@pytest.mark.parametrize(
    ("by", "groups"),
    [
        ("project", [{"name": "winter", **WINTER}, {"name": "summer", **SUMMER}]),
        ("day", [{"name": "2026-11-22", **SUMMER}, {"name": "2026-11-21", **WINTER}]),
        ("model", [{**TOTAL, "name": "fake fake/painter"}]),
        (
            "order",
            [
                {"name": "winter/cars", "order_id": OTHER, **WINTER},
                {"name": "summer/cars", "order_id": ORDER, **SUMMER},
            ],
        ),
    ],
)
def test_it_adds_up_by_what_is_asked(home: Home, by: str, groups: list[dict[str, Any]]) -> None:
    told = found(home, by)
    assert told["groups"] == groups and told["total"] == TOTAL and told["by"] == by


def test_what_is_left_of_day_and_month_stands_at_the_top(home: Home) -> None:
    told = found(home, "project")
    assert told["budget"] == {
        "day": {"day": "2026-11-22", "counted_usd": 0.008, "cap_usd": 0.02, "left_usd": 0.012},
        "month": {"month": "2026-11", "counted_usd": 0.011, "cap_usd": 0.01, "left_usd": 0.0},
        "agents": {"day": "2026-11-22", "counted_usd": 0.0, "cap_usd": 5.0, "left_usd": 5.0},
    }
    first, second, _, *table = spend.text(figures(home, "project")).splitlines()
    assert first == "Today   $0.008 of $0.02, $0.012 left" and second == "Month   $0.011 of $0.01, $0.00 left"
    assert table[0].split() == ["project", "attempts", "spent", "on", "the", "way", "in", "doubt"]
    assert table[-1].split() == ["total", "5", "$0.005", "$0.003", "$0.003"]
    assert len({len(line) for line in table}) == 1


def test_where_nothing_was_made_yet_nothing_was_spent(tmp_path: Path) -> None:
    told = found(Home(tmp_path), "day")
    assert (told["groups"], told["total"]["spent_usd"], told["budget"]["day"]["left_usd"]) == ([], 0.0, 0.02)
    assert "Nothing was spent yet." in spend.text(figures(Home(tmp_path), "day"))


@pytest.mark.parametrize(
    ("counted", "cap", "told"),
    [
        (233_000, 250_000, "$0.233 of $0.25, $0.017 left"),
        (232_600, 250_000, "$0.233 of $0.25, $0.017 left"),  # half a tenth of a cent on either side: still a sum
        (20_000, 5_000_000, "$0.02 of $5.00, $4.98 left"),
        (400, 5_000_000, "$0.0004 of $5.00, $4.9996 left"),
        (1_234_567, 5_000_000, "$1.23 of $5.00, $3.77 left"),
        (4_999_600, 5_000_000, "$4.9996 of $5.00, $0.0004 left"),
        (0, 5_000_000, "$0.00 of $5.00, $5.00 left"),
        (11_000, 10_000, "$0.011 of $0.01, $0.00 left"),
    ],
)
def test_spent_and_left_are_told_as_finely_and_add_up(counted: int, cap: int, told: str) -> None:
    period = Period("day", "2026-11-22", *(one / 1_000_000 for one in (counted, cap, max(0, cap - counted))))
    assert next(Caps(period, period, period).lines()) == f"Today   {told}"
