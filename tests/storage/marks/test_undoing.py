"""What was said last is taken back, command by command, also from an index made again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.homes import TestHome
from tests.postgres import lose
from tests.works import at_work, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
DRAWN: dict[str, Any] = {"id": "again", "provider": "other", "model": "editor", "wait": "liked"}


async def test_undo_takes_back_the_last_command_whole_and_the_one_before_it_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = TestHome.make(tmp_path / "home")

    def said() -> list[tuple[bool, list[str] | None, int | None, str | None]]:
        rows = works.house.books.index.newest_products(2)
        return [(row.liked, row.tags, row.rating, row.notes) for row in rows]

    async with at_work(home, monkeypatch) as works:
        assert "no mark to take back" in (await works.tell("undo"))["text"]
        await works.make(order(then=[DRAWN], tags=["car"]))
        await works.tell("pause", target="other")
        both = [row.id for row in works.house.books.index.newest_products(2)]
        states = [said()]
        for name, fields in (
            ("tag", {"changes": ["+best"]}), ("rate", {"rating": 3}), ("note", {"notes": "both"}),
            ("like", {"off": False}),
        ):  # fmt: skip
            assert (await works.tell(name, products=both, **fields))["done"]
            states.append(said())
        assert states[-1] == [(True, ["car", "best"], 3, "both")] * 2
        await works.rests()
        assert (await works.tell("undo"))["done"] and said() == states[-2]
        assert [item.waits for item in works.items(works.house.books.index.orders()[0].id)][2:] == [2, 2]
    lose(home.home.index_file)
    async with at_work(home, monkeypatch) as works:
        for before in (states[2], states[1]):
            text = (await works.tell("undo"))["text"]
            assert "Taken back: " in text and "2 products are marked as before" in text and said() == before
        await works.tell("undo")
        assert said() == [(False, ["car"], None, None)] * 2  # what its order said, and nothing else
        assert "no mark to take back" in (await works.tell("undo"))["text"] and works.other.calls() == []
