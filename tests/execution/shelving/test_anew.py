"""A sidecar that was deleted is written anew by `reindex`, as it was."""

from __future__ import annotations

import asyncio

import pytest
from click.testing import CliRunner

from artfactoryd.cli import main
from artfactoryd.daemon import mailbox
from artfactoryd.shelf.reading import read_sidecar
from tests.homes import TestHome, card_of
from tests.works import at_work, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")


def said(home: TestHome, code: int, *words: str) -> str:
    done = CliRunner().invoke(main, ["--home", str(home.root), *words])
    assert done.exit_code == code, done.output
    return done.output or str(done.exception)


async def test_what_the_ledger_tells_all_of_has_its_sidecar_again(
    home: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with at_work(home, monkeypatch) as works:
        await works.make(order("a [red,blue,green] car", project="cars", tags=["fast"], notes="mine"))
        await works.make(order("a red car", project="cars", notes="again"), "again.yaml")  # copied, not bought
        first, second, edited, *rest = home.products()
        await works.tell("rate", products=[works.house.books.index.newest_products(9)[-1].id], rating=3)
        before = {path: read_sidecar(card_of(path)) for path in home.products()}
        for path in before:
            card_of(path).unlink()
        edited.write_bytes(edited.read_bytes() + b"more")
        named = str(edited.relative_to(home.root))
        assert "`artfactoryd reindex` writes it anew" in said(home, 2, "explain", named)
        command = mailbox.command("reindex")
        answer = await asyncio.to_thread(mailbox.ask, home.home.commands, command, lambda: True)
        assert f"{len(before) - 1} files whose sidecar is written anew" in answer["text"], answer
    assert len(rest) == 1 and not card_of(edited).exists()
    for path in (first, second, *rest):
        assert read_sidecar(card_of(path)) == before[path]
    card_of(first).unlink()
    assert "1 file whose sidecar is written anew from the ledger" in said(home, 0, "reindex")
    assert read_sidecar(card_of(first)) == before[first]
    assert "(as made)" in said(home, 0, "explain", str(first))
