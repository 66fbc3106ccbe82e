"""What products are called on the shelf, by the pattern of their order or of the settings."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from artfactoryd.settings import Products
from tests.homes import TestHome
from tests.works import Works, at_work, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")


def names(works: Works, order_id: str) -> list[str]:
    folder = works.folder(order_id)
    return [str(Path(row.path).relative_to(folder)) for row in works.house.books.index.products(order_id)]


def test_equal_names_are_told_apart_and_nothing_is_overwritten(home: TestHome, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        async with at_work(home, monkeypatch) as works:
            order_id = await works.make(order("a [red,blue] car", file="{order}/all.{ext}"))
            assert sorted(names(works, order_id)) == ["cars/all-2.png", "cars/all.png"]
            assert len(home.products()) == len(home.sidecars()) == 2

    asyncio.run(scene())


def test_an_order_keeps_the_pattern_of_the_settings_it_was_accepted_under(
    home: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene() -> None:
        async with at_work(home, monkeypatch, products=Products("{colour} {slug}.{ext}")) as works:
            works.fake.hold("collect")
            order_id = await works.take(order("a [colour] car", lookups={"colour": ["red"]}))
            await works.fake.reached("collect")
            works.house.use(replace(works.house.settings.now, products=Products("other.{ext}")))
            works.fake.release("collect")
            await works.until(lambda: works.state(order_id) == "completed")
            assert names(works, order_id) == ["red a-red-car.png"]
            folder = home.root / works.folder(order_id)
            assert "file: '{colour} {slug}.{ext}'" in (folder / "order.resolved.yaml").read_text()

    asyncio.run(scene())
