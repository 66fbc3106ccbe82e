"""Collections: a folder of clones that follows the marks, is no product, and never costs a changed file."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from artfactoryd.clock import now
from artfactoryd.planning.accepted import expander
from artfactoryd.shelf import desktop
from artfactoryd.storage import rebuild
from artfactoryd.storage.index import Index
from tests.cli.pictures.test_marks import call
from tests.homes import TestHome, card_of
from tests.works import at_work, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")


def lying(home: TestHome) -> dict[str, bytes]:
    """By their paths in Collections."""
    folder = home.root / "Collections"
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


async def test_a_collection_is_a_folder_of_clones_that_follows_what_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = TestHome.make(tmp_path / "home")
    async with at_work(home, monkeypatch) as works:
        await works.make(order("a [red,blue,green] car"))
        await works.stop()
    red, blue, green = products = home.products()
    nothing = "Nothing changes: that is in best already."
    for words, told, clones in (
        (["collections"], "There is no collection yet", []),
        (["collect", "red"], "2 artfactoryd: That does not work. Say which products", []),
        (["collect", "purple", "best"], "Nothing fits 'purple'", []),
        (["collect", str(red), "blue", "best"], "blue is no product, while others of these are.", []),
        (["collect", "red", "a/b"], "cannot hold / \\ or : and 'a/b' does. Try 'a-b'.", []),
        (["collect", "red", " "], "name", []),
        (["collect", str(red), str(blue), "best"], "0 2 of 2 products are in best now.", [red, blue]),
        (["collect", "-green", "Best"], nothing, [red, blue]),  # one folder on a Mac's disk
        (["collect", str(red), str(green), "best"], "0 1 of 2 products is in best now.", [red, blue, green]),
        (["collections"], "  best  3 products", [red, blue, green]),
        (["collections", "--json"], '"folder": "Collections/best"', [red, blue, green]),
        (["products", "collection:BEST -green"], "2-a-blue-car", [red, blue, green]),
        (["products", "has:collection", "--most", "1"], "3-a-green-car", [red, blue, green]),
        (["products", "red -collection:best"], "0 Nothing", [red, blue, green]),
        (["collect", "green", "best", "--off"], "0 1 of 1 product is in best no more.", [red, blue]),
        (["undo"], "Taken back: collect.", [red, blue, green]),
        (["undo"], "Taken back: collect.", [red, blue]),
        (["explain", f"{home.root}/Collections/best/{red.name}"], "collected  best", [red, blue]),
        (["like", f"{home.root}/Collections/best/{red.name}"], "0 1 of 1 product is marked as liked.", [red, blue]),
        (["products", "is:liked"], "1-a-red-car", [red, blue]),
    ):
        assert told in (out := await call(home, *words)), (words, out)
        assert lying(home) == {f"best/{path.name}": path.read_bytes() for path in clones}, words
    assert desktop.product_in(home.root / "Collections/best" / red.name) == json.loads(card_of(red).read_text())["id"]
    assert json.loads(card_of(red).read_text())["collections"] == ["best"]
    assert json.loads(card_of(green).read_text())["collections"] == []

    (home.root / "Collections/best" / red.name).unlink()
    (home.root / "Collections/best" / blue.name).write_bytes(b"edited")
    for away in ((home.home.private,), (home.home.ledger, home.home.private)):
        for folder in away:
            shutil.rmtree(folder)
        home.home.make()
        with home.home.lock("reindex"):
            rebuild.reindex(home.home, expander, now)
        with closing(Index.look(home.home.index_file)) as index:
            assert len(index.newest_products(9)) == 3
            assert [row.collections for row in reversed(index.newest_products(9))][:2] == [["best"], ["best"]]
        assert "Nothing changes" in await call(home, "collect", "blue", "best")  # and what is missing is there again
        both = {f"best/{red.name}": red.read_bytes(), f"best/{blue.name}": b"edited"}
        assert lying(home).items() >= both.items() and products == home.products()
    assert "in best no more" in await call(home, "collect", "has:collection", "best", "--off")
    assert list(lying(home)) == [f"best/{blue.name}"]  # what was changed stays


async def test_what_the_disk_has_no_room_for_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = TestHome.make(tmp_path / "home")
    async with at_work(home, monkeypatch) as works:
        await works.make(order("a red car"))
        await works.stop()
    monkeypatch.setattr("artfactoryd.execution.shelving.clones.clones.takes_room", lambda source, folder: True)
    monkeypatch.setattr("shutil.disk_usage", lambda folder: shutil._ntuple_diskusage(9, 9, 1_000_000))  # type: ignore[attr-defined]
    assert "free, of which 1.0 MB stay free (limits.free_disk_bytes). Make room" in await call(
        home, "collect", "red", "best"
    )
    assert home.lines("mark") == [] and not (home.root / "Collections").exists()
