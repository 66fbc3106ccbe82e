"""A loose order and its pictures in the inbox: before it, after it, never; and nothing dropped is ever lost."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from uuid import uuid4

import pytest

from artfactoryd.clock import now
from artfactoryd.intake import attachments
from artfactoryd.intake.attachments import Attachments
from artfactoryd.intake.claims import Claims
from artfactoryd.intake.inbox import Inbox
from artfactoryd.settings import Limits
from tests.homes import TestHome
from tests.pictures import draw, edit, with_editor
from tests.works import Works, at_work, claim_of, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
Patch = pytest.MonkeyPatch


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.name.startswith("."))


def inputs_of(works: Works, order_id: str) -> dict[str, bytes]:
    folder = works.home.root / works.folder(order_id) / "inputs"
    return {path.name: path.read_bytes() for path in folder.iterdir()}


async def waits(works: Works) -> None:
    await works.until(lambda: works.daemon._consumer.awaits_picture)


@pytest.fixture
def hasty(monkeypatch: Patch) -> None:
    """What lies quiet and is no order is a stray at once."""
    monkeypatch.setattr(Inbox.__init__, "__kwdefaults__", {"polling": None, "stray_seconds": 0.0})


# --- arriving ---


async def test_a_picture_dropped_before_its_order_goes_with_it_into_inputs(home: TestHome, monkeypatch: Patch) -> None:
    data = draw(home.home.inbox / "beach.png")
    async with at_work(with_editor(home), monkeypatch) as works:
        made = await works.make(edit())
        assert works.states(made) == ["completed"] and inputs_of(works, made) == {"beach.png": data}
        await works.until(lambda: names(home.home.inbox) == [])
    assert names(home.home.rejected) == [] and works.house.claims.open() == []


async def test_a_picture_dropped_after_its_order_is_waited_for(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(with_editor(home), monkeypatch) as works:
        home.drop("cars.yaml", edit(["a.png", "sub/b.png"]))
        await waits(works)
        await works.until(lambda: works.daemon._taken_all)
        assert not works.daemon.done and works.house.books.index.orders() == []
        draw(home.home.inbox / "a.png")
        await works.until(lambda: list(home.home.claims.glob("*/companions/a.png")))
        draw(home.home.inbox / "sub" / "b.png")
        await works.until(lambda: works.states() == ["completed", "completed"])
        await works.until(lambda: names(home.home.inbox) == ["sub"])
    assert names(home.home.rejected) == []


async def test_a_drop_box_holds_orders_with_pictures_too(home: TestHome, monkeypatch: Patch) -> None:
    draw(home.home.inbox / "summer" / "beach.png")
    async with at_work(with_editor(home), monkeypatch) as works:
        made = await works.make(edit(), "summer/cars.yaml")
        await works.until(lambda: names(home.home.inbox) == ["summer"])
        assert works.order(made).project == "summer"


async def test_two_orders_dropped_together_may_name_one_picture(home: TestHome, monkeypatch: Patch) -> None:
    data = draw(home.home.inbox / "beach.png")
    home.drop("one.yaml", edit())
    home.drop("two.yaml", edit(prompt="make it winter"))
    async with at_work(with_editor(home), monkeypatch) as works:
        await works.until(lambda: works.states() == ["completed", "completed"])
        await works.until(lambda: names(home.home.inbox) == [])
        assert [inputs_of(works, row.id) for row in works.house.books.index.orders()] == [{"beach.png": data}] * 2


async def test_a_picture_stays_while_another_order_in_the_inbox_is_not_whole_yet(
    home: TestHome, monkeypatch: Patch
) -> None:
    draw(home.home.inbox / "beach.png")
    async with at_work(with_editor(home), monkeypatch) as works:
        with (home.home.inbox / "two.yaml").open("w") as slow:
            slow.write(edit(prompt="make it winter"))
            slow.flush()
            made = await works.take(edit())
            await works.until(lambda: works.states(made) == ["completed"])
            assert names(home.home.inbox) == ["beach.png", "two.yaml"]
        await works.until(lambda: works.states() == ["completed", "completed"])


@pytest.mark.usefixtures("hasty")
async def test_a_picture_that_lay_there_long_before_is_no_stray_once_an_order_names_it(
    home: TestHome, monkeypatch: Patch
) -> None:
    draw(home.home.inbox / "a.png")
    home.drop("cars.yaml", edit(["a.png", "b.png"]))
    async with at_work(with_editor(home), monkeypatch) as works:
        await waits(works)
        await works.until(lambda: list(home.home.claims.glob("*/companions/a.png")))
        assert names(home.home.inbox) == ["a.png", "cars.yaml.waiting.txt"]
        draw(home.home.inbox / "b.png")
        await works.until(lambda: works.states() == ["completed", "completed"])
        await works.until(lambda: names(home.home.inbox) == [])
    assert names(home.home.rejected) == []


# --- not arriving, or not as it was ---


async def test_a_picture_that_never_comes_is_named_and_the_one_that_came_is_not_lost(
    home: TestHome, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(attachments, "PATIENCE", 0.3)
    data = draw(home.home.inbox / "a.png")
    async with at_work(with_editor(home), monkeypatch) as works:
        home.drop("cars.yaml", edit(["a.png", "b.png"]))
        await works.until(lambda: names(home.home.rejected) == ["cars.yaml", "cars.yaml.error.txt"])
        await works.rests()
        assert works.fake.calls() == [] and len(works.daemon.report.rejected) == 1
    assert "no b.png beside the order" in home.words("cars.yaml") and "no a.png" not in home.words("cars.yaml")
    assert (home.home.inbox / "a.png").read_bytes() == data


async def test_a_picture_that_is_there_is_not_called_missing_because_something_else_is_wrong(
    home: TestHome, monkeypatch: Patch
) -> None:
    draw(home.home.inbox / "beach.png")
    async with at_work(with_editor(home), monkeypatch) as works:
        home.drop("cars.yaml", edit() + "---\n" + order(parameters={"stpes": 2}))
        await works.until(lambda: home.words("cars.yaml"))
    assert "stpes" in home.words("cars.yaml") and "beach.png" not in home.words("cars.yaml")
    assert names(home.home.inbox) == ["beach.png"]


async def test_a_picture_replaced_while_its_order_waits_stays_in_the_inbox(home: TestHome, monkeypatch: Patch) -> None:
    first = draw(home.home.inbox / "a.png", "blue")
    async with at_work(with_editor(home), monkeypatch) as works:
        home.drop("cars.yaml", edit(["a.png", "b.png"]))
        await works.until(lambda: list(home.home.claims.glob("*/companions/a.png")))
        other = draw(home.home.inbox / "a.png", "red")
        draw(home.home.inbox / "b.png")
        await works.until(lambda: works.states() == ["completed", "completed"])
        await works.until(lambda: names(home.home.inbox) == ["a.png"])
        assert inputs_of(works, works.house.books.index.orders()[0].id)["a.png"] == first
    assert (home.home.inbox / "a.png").read_bytes() == other


@pytest.mark.parametrize("linked", ["beach.png", "sub"])
async def test_a_link_in_the_inbox_is_never_followed_nor_its_target_removed(
    home: TestHome, monkeypatch: Patch, tmp_path: Path, linked: str
) -> None:
    monkeypatch.setattr(attachments, "PATIENCE", 0.3)
    draw(tmp_path / "elsewhere" / "beach.png")
    target = tmp_path / "elsewhere" / ("beach.png" if linked == "beach.png" else "")
    (home.home.inbox / linked).symlink_to(target)
    home.drop("cars.yaml", edit("beach.png" if linked == "beach.png" else "sub/beach.png"))
    async with at_work(with_editor(home), monkeypatch) as works:
        await works.until(lambda: home.words("cars.yaml"))
        await works.rests()
    assert ("a link" if linked == "beach.png" else "no sub/beach.png") in home.words("cars.yaml")
    assert (tmp_path / "elsewhere" / "beach.png").exists() and works.fake.calls() == []


def test_of_a_picture_too_large_only_so_much_is_copied_that_it_is_seen_to_be(home: TestHome) -> None:
    draw(home.home.inbox / "beach.png", size=(640, 480))
    claims = Claims(home.home.claims, home.home.rejected, home.home.held)
    claim = claims.take(home.drop("cars.yaml", edit()), id=str(uuid4()), project=None, taken_at=now().isoformat())
    assert claim is not None
    assert Attachments().take_along(claim, ["beach.png"], settle=0, wall=time.time() + 1, most_bytes=200)
    assert (claim.beside / "beach.png").stat().st_size == 201


async def test_a_persons_own_file_of_the_name_of_a_waiting_note_stays(home: TestHome, monkeypatch: Patch) -> None:
    own = home.drop("cars.yaml.waiting.txt", "Ask Ann about the beach.")
    async with at_work(with_editor(home), monkeypatch) as works:
        home.drop("cars.yaml", edit())
        await waits(works)
        assert own.read_text() == "Ask Ann about the beach."
        draw(home.home.inbox / "beach.png")
        await works.until(lambda: works.states() == ["completed"])
        assert own.read_text() == "Ask Ann about the beach."


@pytest.mark.parametrize("again", ["photo.png", "order.yaml"])
def test_the_rest_of_a_bundle_goes_and_a_second_drop_of_it_stays(home: TestHome, again: str) -> None:
    bundle = home.home.inbox / "beach"
    bundle.mkdir()
    (bundle / "order.yaml").write_text(edit(["photo.png"]))
    draw(bundle / "photo.png")
    claims, known = Claims(home.home.claims, home.home.rejected, home.home.held), Attachments()
    claim = claims.take(bundle, id=str(uuid4()), project=None, taken_at=now().isoformat())
    assert claim is not None
    bundle.mkdir()
    for name in {again, "photo.png"}:
        shutil.copyfile(claim.entry / name, bundle / name)
    known.decided(claim)
    known.take_away()
    assert names(home.home.inbox) == (["beach", "beach/order.yaml", "beach/photo.png"] if again == "order.yaml" else [])


async def test_a_picture_too_large_is_refused_and_stays_in_the_inbox(home: TestHome, monkeypatch: Patch) -> None:
    data = draw(home.home.inbox / "beach.png", size=(640, 480))
    async with at_work(with_editor(home), monkeypatch, limits=Limits(free_disk_bytes=1000, product_bytes=200)) as works:
        home.drop("cars.yaml", edit())
        await works.until(lambda: home.words("cars.yaml"))
        await works.rests()
    assert "limits.product_bytes" in home.words("cars.yaml")
    assert (home.home.inbox / "beach.png").read_bytes() == data


# --- held ---


async def test_a_held_order_keeps_its_picture_and_is_made_when_it_is_moved_back(
    home: TestHome, monkeypatch: Patch
) -> None:
    data = draw(home.home.inbox / "beach.png")
    async with at_work(with_editor(home), monkeypatch) as works:
        made = await works.make(edit(budget=0.001))
        assert works.order(made).held and names(home.home.inbox) == []
        shutil.move(home.home.held / "cars.yaml", home.home.inbox / "cars.yaml")
        await works.until(lambda: works.states(made) == ["completed"])
        assert inputs_of(works, made) == {"beach.png": data} and works.house.claims.open() == []


@pytest.mark.parametrize("binned", [False, True])
async def test_the_picture_of_a_held_order_that_is_cancelled_goes_to_rejected(
    home: TestHome, monkeypatch: Patch, binned: bool
) -> None:
    monkeypatch.setattr("artfactoryd.intake.held_folder.GONE_FOR", 0.0)
    data = draw(home.home.inbox / "beach.png")
    async with at_work(with_editor(home), monkeypatch) as works:
        made = await works.make(edit(budget=0.001))
        if binned:
            (home.home.held / "cars.yaml").unlink()
        else:
            await works.tell("cancel", made)
        await works.until(lambda: (home.home.rejected / "beach.png").exists())
        await works.until(lambda: works.house.claims.open() == [])
    assert (home.home.rejected / "beach.png").read_bytes() == data and names(home.home.held) == []
    assert "cars.yaml, which was cancelled" in home.words("beach.png")


async def test_a_bundle_cancelled_by_word_goes_to_rejected_and_one_in_the_bin_does_not(
    home: TestHome, monkeypatch: Patch
) -> None:
    monkeypatch.setattr("artfactoryd.intake.held_folder.GONE_FOR", 0.0)
    async with at_work(with_editor(home), monkeypatch) as works:
        for name in ("one", "two"):
            draw(home.home.inbox / f".{name}" / "beach.png", "red" if name == "one" else "blue")
            (home.home.inbox / f".{name}" / "order.yaml").write_text(edit(budget=0.001))
            (home.home.inbox / f".{name}").rename(home.home.inbox / name)
        await works.until(lambda: names(home.home.held) and len(works.house.books.index.held_orders()) == 2)
        await works.tell("cancel", next(row.id for row in works.house.books.index.orders() if row.file == "one"))
        shutil.rmtree(home.home.held / "two")
        await works.until(lambda: works.house.claims.open() == [])
    assert names(home.home.rejected) == ["one", "one.error.txt", "one/beach.png", "one/order.yaml"]


# --- bundles ---


async def test_what_no_order_of_a_bundle_names_goes_to_rejected_with_a_word(home: TestHome, monkeypatch: Patch) -> None:
    bundle = home.home.inbox / ".photos"
    draw(bundle / "beach.png")
    spare = draw(bundle / "more" / "spare.png", "red")
    (bundle / "order.yaml").write_text(edit())
    bundle.rename(home.home.inbox / "photos")
    async with at_work(with_editor(home), monkeypatch) as works:
        await works.until(lambda: works.states() == ["completed"])
        await works.rests()
    assert names(home.home.rejected) == ["photos", "photos.error.txt", "photos/more", "photos/more/spare.png"]
    assert (home.home.rejected / "photos" / "more" / "spare.png").read_bytes() == spare
    assert "no order in it names" in home.words("photos") and works.house.claims.open() == []


async def test_of_two_spellings_of_a_picture_s_name_the_one_that_is_not_used_is_not_lost(
    home: TestHome, monkeypatch: Patch
) -> None:
    bundle = home.root / "photos"
    bundle.mkdir()
    draw(bundle / "caf\u00e9.png")
    (bundle / "cafe\u0301.png").write_bytes(b"another")
    if len(names(bundle)) < 2:
        pytest.skip("on this disk they are one name")
    (bundle / "order.yaml").write_text(edit("caf\u00e9.png"))
    bundle.rename(home.home.inbox / "photos")
    async with at_work(with_editor(home), monkeypatch) as works:
        await works.until(lambda: works.states() == ["completed"])
        await works.until(lambda: home.words("photos"))
    assert (home.home.rejected / "photos" / "cafe\u0301.png").read_bytes() == b"another"


async def test_a_bundle_without_its_picture_is_rejected_whole_after_a_minute(
    home: TestHome, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(attachments, "PATIENCE", 0.3)
    bundle = home.home.inbox / ".photos"
    draw(bundle / "other.png")
    (bundle / "order.yaml").write_text(edit())
    bundle.rename(home.home.inbox / "photos")
    async with at_work(with_editor(home), monkeypatch) as works:
        await works.until(lambda: home.words("photos"))
        await works.rests()
    assert names(home.home.rejected) == ["photos", "photos.error.txt", "photos/order.yaml", "photos/other.png"]


async def test_a_bundle_that_arrives_in_pieces_waits_where_it_lies_and_is_taken_when_it_is_whole(
    home: TestHome, monkeypatch: Patch
) -> None:
    bundle = home.home.inbox / "photos"
    bundle.mkdir()
    (bundle / "order.yaml").write_text(edit(["a.png", "b.png"]))
    note = home.home.inbox / "photos.waiting.txt"
    async with at_work(with_editor(home), monkeypatch) as works:
        await works.until(note.exists)
        await works.until(lambda: bundle.exists() and not claim_of(works))  # at rest: nothing is taken until more comes
        assert "no a.png" in note.read_text() and not works.daemon.done
        draw(bundle / "a.png")
        await works.until(lambda: note.exists() and "no a.png" not in note.read_text())
        await works.until(lambda: bundle.exists() and not claim_of(works))
        assert "no b.png" in note.read_text()
        draw(bundle / "b.png")
        await works.until(lambda: works.states() == ["completed", "completed"])
        await works.until(lambda: names(home.home.inbox) == [])
    assert names(home.home.rejected) == []


async def test_of_a_bundle_whose_rest_came_while_it_was_taken_everything_is_used_and_nothing_stays(
    home: TestHome, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(Claims, "give_back", lambda self, claim: False)  # its name is not free any more
    bundle = home.home.inbox / "photos"
    bundle.mkdir()
    (bundle / "order.yaml").write_text(edit(["a.png", "b.png"]))
    async with at_work(with_editor(home), monkeypatch) as works:
        await works.until(lambda: works.daemon._consumer.awaits_picture and not bundle.exists())
        draw(bundle / "a.png")
        draw(bundle / "b.png")
        await works.until(lambda: works.states() == ["completed", "completed"])
        await works.until(lambda: names(home.home.inbox) == [])
    assert names(home.home.rejected) == []


async def test_a_bundle_that_a_person_takes_away_while_it_waits_leaves_no_word(
    home: TestHome, monkeypatch: Patch
) -> None:
    bundle = home.home.inbox / "photos"
    bundle.mkdir()
    (bundle / "order.yaml").write_text(edit())
    async with at_work(with_editor(home), monkeypatch) as works:
        await works.until(lambda: works.daemon._consumer.awaits_picture)
        bundle.rename(home.root / "photos")
        await works.until(lambda: names(home.home.inbox) == [] and not works.daemon._consumer.awaits_picture)
    assert names(home.home.rejected) == []


async def test_what_a_loose_order_waits_for_is_said_beside_it_until_it_is_there_also_after_a_restart(
    home: TestHome, monkeypatch: Patch
) -> None:
    home.drop("cars.yaml", edit())
    note = home.home.inbox / "cars.yaml.waiting.txt"
    async with at_work(with_editor(home), monkeypatch) as works:
        await works.until(note.exists)
        assert "beach.png" in note.read_text()
    draw(home.home.inbox / "beach.png")
    async with at_work(with_editor(home), monkeypatch) as works:
        await works.until(lambda: works.states() == ["completed"])
        await works.until(lambda: names(home.home.inbox) == [])


async def test_a_file_that_is_open_in_an_editor_is_waited_for_as_long_as_it_is(
    home: TestHome, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(attachments, "PATIENCE", 0.0)
    draw(home.home.inbox / "beach.png")
    lock = home.home.inbox / ".~lock.beach.png#"
    lock.write_text("ann")
    home.drop("cars.yaml", edit())
    note = home.home.inbox / "cars.yaml.waiting.txt"
    async with at_work(with_editor(home), monkeypatch) as works:
        await works.until(note.exists)
        await works.until(
            lambda: works.daemon.done and works.daemon.report.waiting
        )  # `once` would not wait for a person
        assert "beach.png: open in an editor" in note.read_text()
        lock.unlink()
        await works.until(lambda: works.states() == ["completed"])
        await works.until(lambda: names(home.home.inbox) == [])
