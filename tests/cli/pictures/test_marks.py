"""Marks from the command line: many at once by a query, for a price that is shown first; a note, and the way back."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from artfactoryd.cli.program import main
from tests.homes import TestHome, card_of
from tests.works import at_work, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
DRAWN: dict[str, Any] = {"id": "again", "provider": "other", "model": "editor", "wait": "liked"}


async def call(home: TestHome, *words: str) -> str:
    """In a thread: it has a loop of its own."""
    done = await asyncio.to_thread(CliRunner().invoke, main, ["--home", str(home.root), *words])
    return f"{done.exit_code} {done.output}"


async def test_what_a_query_finds_is_marked_at_once_and_likes_name_their_price_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = TestHome.make(tmp_path / "home")
    async with at_work(home, monkeypatch) as works:
        await works.make(order("a [red,blue,green] car", then=[DRAWN]))
        await works.stop()
    red = str(home.products()[0])
    for words, said in (
        (["like"], "2 artfactoryd: That does not work. Say which products"),
        (["like", red, "--query", "red"], "say either which products, or `--query`"),
        (["like", "--query", "purple"], "Nothing fits 'purple', so nothing is marked."),
        (["like", "--query", "width:"], "2 artfactoryd:"),
        (["note", red], "Say which products, and last the text"),
        (["note", red, "a\x1bb"], "The notes hold a control character"),
        (["like", "--query", "car"], "Liking these 3 products sends on 3 items, for up to $0.06. Nothing is marked"),
        (["rate", "--query", "red OR blue", "4"], "Nothing fits"),
        (["rate", "--query", "car", "4"], "0 3 of 3 products are rated 4 of 5."),
        (["tag", "--query", "rating:>3 red", "+best"], "0 1 of 1 product has other tags now."),
        (["note", red, "for the\ncover"], "0 1 of 1 product is noted."),
        (["products", "cover"], "1-a-red-car"),
        (["products", "notes:cover -green"], "1-a-red-car"),
        (["explain", red], "notes      for the\\ncover"),
        (["undo"], " is marked as before."),
        (["like", "--query", "red", "--yes"], "liked. 1 item may be sent for them, for up to $0.02."),
        (["undo"], " is marked as before."),
        (["projects"], "  unsorted  3 products, $0.03"),
        (
            ["projects", "unsorted", "--status", "archived", "--featured", red],
            "  unsorted  3 products, $0.03  archived",
        ),
        (["projects", "none"], "There is no project 'none'."),
        (["projects", "--status", "active"], "Name the project"),
    ):
        assert said in (out := await call(home, *words)), (words, out)
    (paper,) = home.home.projects.rglob("project.yaml")
    assert f"featured: {json.loads(card_of(Path(red)).read_text())['id']}\n" in paper.read_text()
    assert [line["liked"] for line in home.lines("mark")][-2:] == [True, False] and works.other.calls() == []
