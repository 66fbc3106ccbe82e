"""An order's contact sheet: there when the order is over, in its own axes, never in place of a person's file."""

from __future__ import annotations

from pathlib import Path

import pytest

from artfactoryd import documents
from artfactoryd.core.sheets.sheet import Sheet
from artfactoryd.errors import RunFailed
from artfactoryd.execution.shelving.eye import Eye
from artfactoryd.shelf.sheets.marks import mark_of
from tests.homes import TestHome
from tests.works import Works, at_work, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
Patch = pytest.MonkeyPatch


@pytest.fixture
def drawn(monkeypatch: Patch) -> list[tuple[Sheet, Path]]:
    """Every sheet that was drawn, and where."""
    sheets = list[tuple[Sheet, Path]]()
    draw = Eye.draw

    async def noted(eye: Eye, sheet: Sheet, home: Path, thumbnails: Path, megapixels: float, target: Path) -> object:
        sheets.append((sheet, target))
        return await draw(eye, sheet, home, thumbnails, megapixels, target)

    monkeypatch.setattr(Eye, "draw", noted)
    return sheets


def folder(works: Works, order_id: str) -> Path:
    return works.house.home.root / works.folder(order_id)


async def made(works: Works, text: str) -> Path:
    order_id = await works.make(text)
    await works.rests()
    return folder(works, order_id)


async def test_an_order_of_several_pictures_has_one_when_it_is_over(
    home: TestHome, monkeypatch: Patch, drawn: list[tuple[Sheet, Path]]
) -> None:
    async with at_work(home, monkeypatch) as works:
        place = await made(works, order("a [red,blue] [car,house]", count=1))
        mark = mark_of(place / "contact-sheet.jpg")
        sheet, target = drawn[-1]
        assert mark is not None and mark.digest == sheet.digest and target == place / "contact-sheet.jpg"
        assert [header.lines for header in sheet.layout.rows] == [("red",), ("blue",)]
        assert not any(one.picture and one.picture.blank for one in sheet.layout.places)
        assert not list((works.house.home.private / "sheets").iterdir())


@pytest.mark.parametrize("text", [order("a red car"), order("a [red,blue] car", sheet=False)])
async def test_an_order_of_one_picture_and_one_that_wants_none_have_none(
    home: TestHome, monkeypatch: Patch, drawn: list[tuple[Sheet, Path]], text: str
) -> None:
    async with at_work(home, monkeypatch) as works:
        place = await made(works, text)
        assert not list(place.glob("contact-sheet*")) and not drawn


async def test_a_persons_own_file_is_left_and_ours_takes_a_number(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        place = await made(works, order("a [red,blue] car"))
        (place / "contact-sheet.jpg").write_bytes(b"mine")
        works.daemon._sheets.touch(works.house.books.index.orders()[0].id)
        await works.rests()
        assert (place / "contact-sheet.jpg").read_bytes() == b"mine"
        assert mark_of(place / "contact-sheet-2.jpg") is not None


async def test_what_did_not_come_has_a_box_with_its_reason(
    home: TestHome, monkeypatch: Patch, drawn: list[tuple[Sheet, Path]]
) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.script("collect", RunFailed("refused by a filter", charged=True))
        await made(works, order("a [red,blue,green] car"))
        blanks = [place.picture.blank for place in drawn[-1][0].layout.places if place.picture]
        assert sum(bool(blank) for blank in blanks) == 1 and "refused by a filter" in "".join(blanks)


async def test_models_that_two_providers_call_the_same_are_columns_of_their_own(
    home: TestHome, monkeypatch: Patch, drawn: list[tuple[Sheet, Path]]
) -> None:
    models = [{"provider": name, "model": "painter"} for name in ("fake", "other")]
    async with at_work(home, monkeypatch) as works:
        await made(works, documents.dump_yaml({"models": models, "parameters": {"prompt": "a car"}}))
        columns = [header.lines for header in drawn[-1][0].layout.columns]
        assert columns == [("painter (fake)",), ("painter (other)",)]


async def test_a_kill_before_it_was_drawn_forgets_none(
    home: TestHome, monkeypatch: Patch, drawn: list[tuple[Sheet, Path]]
) -> None:
    async with at_work(home, monkeypatch) as works:
        place = await made(works, order("a [red,blue] car"))
    (place / "contact-sheet.jpg").unlink()
    order_id = drawn[-1][0].order
    (home.home.private / "sheets" / order_id).write_bytes(b"")
    async with at_work(home, monkeypatch) as works:
        await works.until(lambda: not list((home.home.private / "sheets").iterdir()))
        assert mark_of(place / "contact-sheet.jpg") is not None


async def test_what_looks_the_same_is_not_drawn_again(
    home: TestHome, monkeypatch: Patch, drawn: list[tuple[Sheet, Path]]
) -> None:
    async with at_work(home, monkeypatch) as works:
        await made(works, order("a [red,blue] car"))
        before = len(drawn)
        works.daemon._sheets.touch(drawn[-1][0].order)
        await works.rests()
        assert len(drawn) == before


async def test_many_pictures_are_pages_and_a_value_can_be_one(
    home: TestHome, monkeypatch: Patch, drawn: list[tuple[Sheet, Path]]
) -> None:
    monkeypatch.setattr("artfactoryd.reporting.sheets.MOST", 4)
    async with at_work(home, monkeypatch) as works:
        place = await made(works, order("a [red,blue,green] [car,house]"))
        assert [
            mark_of(path) is not None for path in (place / "contact-sheet.jpg", place / "sheets/contact-sheet-2.jpg")
        ]
        assert sorted(path.name for path in (place / "sheets").iterdir()) == ["contact-sheet-2.jpg"]
        monkeypatch.setattr("artfactoryd.reporting.sheets.MOST", 300)
        place = await made(works, order("an old [red,blue] car", parameters={"seed": [1, 2]}, sheet={"page": "seed"}))
        assert [sheet.lines[0] for sheet, _ in drawn[-2:]] == ["seed 1", "seed 2"]


async def test_a_page_of_an_order_with_stages_has_what_was_made_of_its_pictures_and_none_that_nobody_likes(
    home: TestHome, monkeypatch: Patch, drawn: list[tuple[Sheet, Path]]
) -> None:
    monkeypatch.setattr("artfactoryd.reporting.sheets.MOST", 4)
    then = {"provider": "other", "model": "editor"}
    text = order("a [red,blue] [car,house]", then=[{"id": "up", **then}, {"id": "best", "wait": "liked", **then}])
    async with at_work(home, monkeypatch) as works:
        await made(works, text)
    last = {sheet.page: sheet for sheet, _ in drawn}
    assert sorted(last) == [
        1,
        2,
        3,
        4,
    ]  # with those that may be liked, more than one of the first is too much for a page
    for sheet in last.values():
        assert [header.lines for header in sheet.layout.columns] == [("painter",), ("up",)] and not sheet.more
        assert not any(picture.blank for picture in sheet.pictures) and "1 more for likes" in sheet.lines[-1]


@pytest.mark.parametrize(
    ("wish", "words"), [({"x": "promt"}, "Did you mean prompt?"), ({"z": "prompt"}, "z"), ("yes", "sheet")]
)
async def test_a_wish_for_what_is_not_in_the_order_is_told_with_the_nearest_name(
    home: TestHome, monkeypatch: Patch, wish: object, words: str
) -> None:
    async with at_work(home, monkeypatch) as works:
        works.home.drop("cars.yaml", order("a [red,blue] car", sheet=wish))
        rejected = works.house.home.rejected
        await works.until(lambda: list(rejected.glob("*.error.txt")))
        told = next(rejected.glob("*.error.txt")).read_text()
        assert words in told and "cars.yaml, line" in told
