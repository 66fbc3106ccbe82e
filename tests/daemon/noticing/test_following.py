"""Sidecars go along with products that take places of others."""

from __future__ import annotations

from pathlib import Path

import pytest

from artfactoryd.clock import now
from artfactoryd.planning.accepted import expander
from artfactoryd.shelf import reading
from artfactoryd.shelf.desktop import product_in
from artfactoryd.shelf.sidecars import places
from artfactoryd.storage import rebuild
from tests.homes import TestHome
from tests.works import Works, at_work, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
Patch = pytest.MonkeyPatch


@pytest.mark.parametrize("running", [True, False])
async def test_products_that_change_places_keep_their_sidecars(
    tmp_path: Path, monkeypatch: Patch, running: bool
) -> None:
    home = TestHome.make(tmp_path / "home")
    async with at_work(home, monkeypatch) as works:
        await works.make(order("a [red,blue,green,grey,pink] car"))
        await works.until(lambda: len(works.house.books.index.rows("SELECT 1 FROM lying WHERE what = ''")) == 5)
        a, b, c, d, e = home.products()
        taken = d.read_bytes()
        ids = [str(product_in(file)) for file in (a, b, c, d, e)]
        now_at = dict(zip([ids[1], ids[2], ids[0], ids[4]], (a, b, c, d), strict=True))
        if running:
            change_places(a, b, c, d, e)
            await works.until(lambda: all_lie(works, home, now_at))
    if not running:
        change_places(a, b, c, d, e)
    async with at_work(home, monkeypatch) as works:
        await works.until(lambda: all_lie(works, home, now_at) and is_missing(works, ids[3]))
    with home.home.lock("reindex"):
        report = rebuild.reindex(home.home, expander, now)
    assert report.differences == [] and report.bare == []
    async with at_work(home, monkeypatch) as works:
        await works.until(lambda: works.daemon._noticer.has_looked and is_missing(works, ids[3]))
        assert all_lie(works, home, now_at)
        d.rename(e)
        await works.until(lambda: all_lie(works, home, {ids[4]: e}))
        d.write_bytes(taken)
        await works.until(lambda: not is_missing(works, ids[3]) and all_lie(works, home, {ids[3]: d}))
        assert not works.house.books.index.rows("SELECT 1 FROM shelf_state WHERE edited")
    owners = [reading.owner_of(card) for card in home.home.projects.rglob("*.png.json")]
    assert {*owners} >= {*now_at} and len(home.lines("ticket")) == 5


def change_places(a: Path, b: Path, c: Path, d: Path, e: Path) -> None:
    aside = a.rename(a.with_name("t.png"))
    b.rename(a)
    c.rename(b)
    aside.rename(c)
    e.replace(d)


def is_missing(works: Works, product: str) -> bool:
    return bool(works.house.books.index.rows("SELECT 1 FROM shelf_state WHERE product = ? AND missing", (product,)))


def all_lie(works: Works, home: TestHome, now_at: dict[str, Path]) -> bool:
    """In the index, with their sidecars."""
    index = works.house.books.index
    there = {id: home.root / row.path for id in now_at if (row := index.product(id))}
    cards = (next((card for card in places(file) if card.exists()), file) for file in now_at.values())
    return there == now_at and [*map(reading.owner_of, cards)] == [*now_at]
