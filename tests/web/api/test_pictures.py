from __future__ import annotations

import shutil

import pytest

from artfactoryd.shelf.thumbnails import cache
from tests.homes import TestHome
from tests.web.visits import visited
from tests.works import order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")


async def test_a_thumbnail_is_sent_once_and_made_again_where_it_was_taken_away(
    home: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with visited(home, monkeypatch) as (works, visitor):
        await works.make(order("a car"))
        product = works.house.books.index.newest_products(1)[0]
        address = f"/api/v1/products/{product.id}/thumbnail"
        first = await visitor.ask(address)
        assert first.status == 200 and first.body[:2] == b"\xff\xd8"
        tag = {"If-None-Match": first.headers["ETag"]}
        assert (await visitor.ask(address, headers=tag)).status == 304
        assert (await visitor.ask(f"{address}?size=small", headers=tag)).status == 200
        shutil.rmtree(home.home.private / cache.FOLDER)
        assert (await visitor.ask(address)).body[:2] == b"\xff\xd8"
        file = await visitor.ask(f"/api/v1/products/{product.id}/file")
        path = home.root / product.path
        assert file.body == path.read_bytes() and "sandbox" in file.headers["Content-Security-Policy"]
        assert file.headers["Content-Type"] == product.mime
        aside = path.rename(home.root / "elsewhere.png")
        path.symlink_to(aside)
        for wanted, status in (
            (f"/api/v1/products/{product.id}/file", 404), ("/api/v1/products/nobody/thumbnail", 404),
            (f"{address}?size=huge", 400), (f"/pictures/{product.id}", 200), ("/pictures/nobody", 404),
            ("/pictures?before=nobody", 400),
        ):  # fmt: skip
            assert (await visitor.ask(wanted)).status == status, wanted
