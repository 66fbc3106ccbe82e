"""The index made again: from the ledger what was ordered and paid, from the shelf what was made."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from artfactoryd import documents
from artfactoryd.clock import now
from artfactoryd.core.expansion.item_keys import key_in
from artfactoryd.core.inside.undo import restored
from artfactoryd.errors import InDoubt, StorageSick
from artfactoryd.factories import Outputs
from artfactoryd.planning import accepted
from artfactoryd.planning.accepted import expander
from artfactoryd.shelf.desktop import name_product, product_in
from artfactoryd.storage import rebuild, writer
from artfactoryd.storage.engines import places
from artfactoryd.storage.index import Index
from artfactoryd.storage.lists import search
from artfactoryd.storage.rebuild import Report
from artfactoryd.storage.rows import OrderRow
from artfactoryd.storage.writing import mending
from tests.homes import SIDECAR, TestHome, card_of
from tests.permissions import obeyed
from tests.pictures import draw
from tests.postgres import as_it_is, lose
from tests.works import EDITOR, PRICE, at_work, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
Patch = pytest.MonkeyPatch
TABLES = ("orders", "item", "generation_log", "product", "provider_stop", "command")


@pytest.fixture
def home(tmp_path: Path) -> TestHome:
    return TestHome.make(tmp_path / "home")


async def filled(home: TestHome, monkeypatch: Patch) -> str:
    """Three items: two made, one in doubt; an order that waits, and one that is held. The first order's id."""
    async with at_work(home, monkeypatch) as works:
        works.fake.script("submit", "ok", "ok", InDoubt("lost"))
        made = await works.make(order("a [red,blue,green] car"))
        await works.tell("pause", target="fake")
        await works.make(order("a late car"), "late.yaml")
        held = await works.make(order("a car", budget=0.001), "dear.yaml")
        assert works.order(held).held
    return made


def again(home: TestHome) -> Report:
    with home.home.lock("reindex"):
        return rebuild.reindex(home.home, expander, now)


def rows(home: TestHome) -> dict[str, list[dict[str, Any]]]:
    with closing(Index.look(home.home.index_file)) as index:
        return {table: index.rows(f"SELECT * FROM {table} ORDER BY 1, 2") for table in TABLES}


def paths(home: TestHome) -> list[str]:
    return [row["path"] for row in rows(home)["product"]]


def cards(home: TestHome) -> list[Path]:
    return [card_of(path) for path in home.products()]


async def test_all_comes_back_as_it_was_and_twice_is_once(home: TestHome, monkeypatch: Patch, engine: str) -> None:
    await filled(home, monkeypatch)
    before, files = rows(home), sorted(home.root.rglob("Projects/**/*"))
    assert {table for table, found in before.items() if found} == set(TABLES)
    first, second = again(home), again(home)
    assert rows(home) == before and sorted(home.root.rglob("Projects/**/*")) == files
    assert first.differences == second.differences == [] and first.lines == len(home.lines())
    assert first.counts == {"orders": 3, "items": 4, "attempts": 3, "products": 2}
    assert "Ledger and shelf agree" in first.text() and (first.kept is None) == (engine == "postgresql")
    if first.kept is not None:
        with closing(Index.look(first.kept)) as old:  # whole, though it was not closed by its last writer
            assert len(old.rows("SELECT * FROM item")) == 4
    async with at_work(home, monkeypatch) as works:  # and is gone on from: nothing is bought again
        await works.rests()
        assert works.fake.calls() == []
        await works.tell("resume", target="fake")
        await works.until(lambda: works.states() == ["completed", "completed", "in_doubt", "completed"])
        assert len(works.fake.calls()) == 1


async def test_moved_copied_removed_and_changed_products_are_found_and_told(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        await works.make(order("a [red,blue,green,grey,black] car"))
    moved, copied, removed, changed, bare = home.products()
    away = home.home.projects / "other" / "shelf"
    away.mkdir(parents=True)
    for path in (moved, card_of(moved)):
        path.rename(away / path.name)
        shutil.copy(copied if path.suffix == ".png" else card_of(copied), away / f"z{path.name}")
    removed.unlink()
    changed.write_bytes(changed.read_bytes() + b"more")
    card_of(bare).unlink()
    said = again(home).text()
    assert f"1 file moved since, and known there: {moved.relative_to(home.root)} to Projects/other/shelf" in said
    assert f"1 file copied from a product; the first counts: Projects/other/shelf/z{moved.name}" in said
    assert f"1 file no longer on the shelf, and known as made: {removed.relative_to(home.root)}" in said
    assert (
        f"1 file of another size than in the sidecar (changed since, or damaged): {changed.relative_to(home.root)}"
        in said
    )
    assert f"1 file without a sidecar, known by the ledger: {bare.relative_to(home.root)}" in said
    expected = [str(path.relative_to(home.root)) for path in (away / moved.name, copied, removed, changed, bare)]
    assert paths(home) == expected
    later = again(home).text()
    assert "moved since" not in later and later.count("\n- ") == said.count("\n- ") - 1  # it is known there by now
    assert paths(home) == expected


async def test_products_moved_without_their_sidecars_are_found_by_their_id_or_bytes(
    home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch) as works:
        await works.make(order("a [red,blue,green,grey,black] car"))
    named, plain, bare, stuck, copied = home.products()
    before, ids = {row["id"]: row for row in rows(home)["product"]}, [product_in(path) for path in home.products()]
    (away := home.home.projects / "best").mkdir()
    (full := home.home.projects / "full").mkdir()
    new = [*(away / f"{name}.png" for name in ("named", "plain", "bare")), full / "stuck.png", away / "copied.png"]
    for path, target in zip((named, plain, bare, stuck), new, strict=False):
        path.rename(target)
    data = new[1].read_bytes()
    new[1].unlink()
    new[1].write_bytes(data)  # as a program does that keeps no attributes
    card_of(bare).unlink()
    (in_the_way := full / "sidecars").write_text("mine")
    shutil.copy(copied, new[4])
    name_product(new[4], str(ids[4]))
    (away / "nobodys.png").write_bytes(new[0].read_bytes()[:-1] + b"x")
    said = again(home).text()
    assert "4 files moved since, and known there" in said and "no longer on the shelf" not in said
    assert f"1 file without a sidecar, known by the ledger: {new[2].relative_to(home.root)}" in said
    assert "moved, whose sidecar could not be taken along and lies where it did: Projects/full/stuck.png" in said
    after = {row["id"]: row for row in rows(home)["product"]}
    for id_, path in zip(ids, [*new[:4], copied], strict=True):
        lies_at = path.relative_to(home.root)
        assert id_ and after[id_] == {**before[id_], "path": str(lies_at), "project": lies_at.parts[1]}
    assert card_of(new[0]).is_file() and card_of(new[1]).is_file() and not card_of(named).exists()
    assert card_of(stuck).is_file()  # as it lay there
    shutil.rmtree(home.home.ledger)
    lose(home.home.index_file)
    in_the_way.unlink()
    again(home)  # the shelf alone: what has no sidecar is nobody's
    assert {row["id"]: row["path"] for row in rows(home)["product"]} == {
        id_: after[id_]["path"] for id_ in ids if id_ != ids[2]
    }


async def test_what_was_only_moved_is_copied_as_soon_as_that_is_noticed(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        await works.make(order("a car"))
        [moved], [card] = home.products(), cards(home)
        (away := home.home.projects / "best").mkdir()
        for path in (moved, card):
            path.rename(away / path.name)
        index = works.house.books.index
        await works.until(lambda: index.newest_products(1)[0].path.startswith("Projects/best/"))
        again = await works.make(order("a car", notes="once more"))
        assert works.state(again) == "completed" and works.committed(again) == 0 and len(works.fake.calls()) == 1


async def test_a_shelf_without_a_ledger_gives_its_products(home: TestHome, monkeypatch: Patch) -> None:
    made = await filled(home, monkeypatch)
    before = rows(home)["product"]
    shutil.rmtree(home.home.ledger)
    (cards(home)[0].parent / "mine.png").write_bytes(b"no product")
    (cards(home)[0].parent / "mine.png.json").write_text("{}")
    said = again(home).text()
    assert rows(home)["product"] == before and rows(home)["orders"] == []
    assert (
        "2 products lie on the shelf that the ledger does not tell of, 2 of them of 1 order that it does not know"
        in said
    )
    assert "The old index had 3 orders, the new one has 0." in said and "$0.02 were spent, by the ledger $0" in said
    with closing(Index.look(home.home.index_file)) as index:
        assert len(list(search.find(index, "prompt:car has:seed order:cars"))) == 2
    assert "1 file that cannot be read as sidecar" in said and "mine.png.json" in said
    assert home.call("why", str(home.products()[0])).stdout.count(made) == 1
    assert home.ask("status")["products"]


async def test_what_a_person_said_of_a_product_is_known_though_the_shelf_alone_tells_of_it(
    home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch) as works:
        await works.make(order("a [red,blue,green] car", tags=["car"]))
    for month in home.home.ledger.iterdir():
        month.unlink()
    again(home)
    red, blue, _ = paths(home)
    async with at_work(home, monkeypatch) as works:
        await works.tell("like", products=[red, blue])
        await works.tell("tag", products=[red], changes=["+best"])
        await works.tell("like", products=[blue], off=True)
    before = rows(home)["product"]
    assert [(row["liked"], row["tags"]) for row in before] == [(1, ["car", "best"]), (0, ["car"]), (0, ["car"])]
    again(home)
    assert rows(home)["product"] == before
    lose(home.home.index_file)
    async with at_work(home, monkeypatch) as works:
        await works.rests()
    assert rows(home)["product"] == before


async def test_what_is_on_its_way_to_the_shelf_is_left_to_delivery(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        made = await works.make(order("a car"))
    settled = home.home.ledger / f"{home.lines()[0]['at'][:7]}.jsonl"
    text = settled.read_text().splitlines(keepends=True)
    assert '"settlement"' in text[-1]
    settled.write_text("".join(text[:-1]))
    assert again(home).differences == [
        "The old index had 1 product, the new one has 0.", "By the old index $0.01 were spent, by the ledger $0.00."
    ]  # fmt: skip
    (home.home.work / "made" / "fake" / "fake-1.png").write_bytes(restored(home.products()[0].read_bytes()) or b"")
    async with at_work(home, monkeypatch) as works:
        await works.until(lambda: works.states(made) == ["completed"])
        assert works.fake.calls() == [] and len(home.products()) == len(home.sidecars()) == 1


@pytest.mark.sqlite
@pytest.mark.parametrize("how", ["missing", "no database", "torn"])
async def test_a_start_makes_a_missing_or_unreadable_index_again(home: TestHome, monkeypatch: Patch, how: str) -> None:
    await filled(home, monkeypatch)
    before, file = rows(home), home.home.index_file
    if how == "missing":
        shutil.rmtree(home.home.private)
    else:
        with closing(sqlite3.connect(file)) as database:  # what was written last lies beside it, and would do
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        data = file.read_bytes()
        file.write_bytes(b"no database" * 1000 if how == "no database" else data[:16] + os.urandom(4000))
    async with at_work(home, monkeypatch) as works:
        await works.rests()
    assert rows(home) == before
    assert how == "missing" or len(list((home.home.private / "backups").glob("*.sqlite3"))) == 1


async def test_how_far_it_is_with_a_lost_index_is_told(home: TestHome, monkeypatch: Patch) -> None:
    await filled(home, monkeypatch)
    lose(home.home.index_file)
    monkeypatch.setattr(writer, "TELL_EVERY", 1)
    told: list[tuple[str, int, int]] = []
    waits: set[str | None] = set()

    def tell(what: str, done: int, of: int) -> None:
        told.append((what, done, of))
        waits.add((home.home.holder() or {}).get("waits") if what else None)

    with home.home.lock("run"):
        mending.mend(home.home, expander, now, tell)
        assert (home.home.holder() or {}).get("waits") is None
    ledger = sum(path.stat().st_size for path in home.home.ledger.glob("*.jsonl"))
    assert ("ledger", ledger, ledger) in told and ("shelf", 2, 2) in told and told[-1] == ("", 0, 0)
    assert waits == {"The index is made again from the ledger and the shelf; then the work goes on.", None}
    passed = [done for what, done, _ in told if what == "ledger"]
    assert passed == sorted(passed)


@pytest.mark.sqlite
async def test_an_old_copy_of_the_index_is_brought_up_to_the_ledger(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        await works.make(order("a car"))
    shutil.copy(home.home.index_file, home.root / "copy")
    await filled(home, monkeypatch)
    before = rows(home)
    shutil.copy(home.root / "copy", home.home.index_file)
    async with at_work(home, monkeypatch) as works:
        await works.rests()
    assert rows(home) == before


async def test_other_rules_of_expansion_are_told(home: TestHome, monkeypatch: Patch) -> None:
    await filled(home, monkeypatch)

    def other(row: OrderRow) -> Any:
        provider, items = expander(row)
        return provider, (item for item in items if row.name != "late")

    monkeypatch.setattr(accepted, "_plans", {})
    with home.home.lock("reindex"):
        [said] = [
            each for each in rebuild.reindex(home.home, other, now).differences if "item" in each and "accepted" in each
        ]
    assert "Order late" in said and "accepted with 1 item, and its document gives 0 now" in said
    file = home.home.ledger / f"{home.lines()[0]['at'][:7]}.jsonl"
    sent = file.read_text()
    file.write_text(sent.replace('"actual":{"prompt":"a red car"', '"actual":{"prompt":"a ted car"'))
    assert sent != file.read_text()
    assert any("1 attempt of order cars" in each for each in again(home).differences)


async def test_a_failure_leaves_the_old_index_as_it_was(home: TestHome, monkeypatch: Patch) -> None:
    await filled(home, monkeypatch)
    before = rows(home)
    with (home.home.ledger / "2099-01.jsonl").open("w") as file:
        file.write(json.dumps({"kind": "ticket", "order": "x", "item": 1, "attempt": "y", "ticket": "t"}) + "\n")
    done = home.call("reindex")
    assert done.returncode == 1 and "does not fit" in done.stderr and "Traceback" not in done.stderr
    assert rows(home) == before


@pytest.mark.parametrize("shut", ["", "unsorted", "a sidecar"])
async def test_a_shelf_that_cannot_be_read_changes_nothing(home: TestHome, monkeypatch: Patch, shut: str) -> None:
    """What lies there would be missing in the new index, and bought again."""
    await filled(home, monkeypatch)
    before = as_it_is(home.home.index_file)
    path = cards(home)[0] if shut == "a sidecar" else home.home.projects / shut
    mode = path.stat().st_mode
    with obeyed():
        path.chmod(0)
        with pytest.raises(StorageSick, match=f"no permission to use {path}.* stands as it did") as refused:
            again(home)
        path.chmod(mode)
    assert refused.value.title == "The shelf cannot be read" and as_it_is(home.home.index_file) == before
    assert again(home).counts["products"] == 2


@pytest.mark.sqlite
async def test_the_command_counts_and_waits_for_nobody_but_a_daemon(home: TestHome, monkeypatch: Patch) -> None:
    await filled(home, monkeypatch)
    document = home.ask("reindex")
    assert document["orders"] == 3 and document["differences"] == [] and Path(document["old_index"]).exists()
    with home.home.lock("once"):
        done = home.call("reindex")
    assert done.returncode == 1 and f"kill {os.getpid()}" in done.stderr
    with sqlite3.connect(home.home.index_file) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.mark.sqlite
def test_only_the_last_old_indexes_are_kept(home: TestHome) -> None:
    for _ in range(places.BACKUPS + 2):
        Index.open(home.home.index_file).close()
        again(home)
    assert len(list((home.home.private / "backups").glob("*.sqlite3"))) == places.BACKUPS


# --- reuse: what only the shelf tells of is not bought again ---


def lost(home: TestHome) -> None:
    """The ledger and all that follows from it; the shelf stays."""
    shutil.rmtree(home.home.ledger)
    shutil.rmtree(home.home.private)
    home.home.make()


@pytest.mark.parametrize("how", ["reindex", "start"])
async def test_what_only_the_shelf_tells_of_is_not_bought_again(home: TestHome, monkeypatch: Patch, how: str) -> None:
    text = order("a [red,blue] car", count=2)
    async with at_work(home, monkeypatch) as works:
        await works.make(text)
    before = home.sidecars()
    lost(home)
    if how == "reindex":
        again(home)
    async with at_work(home, monkeypatch) as works:
        made = await works.make(text)
        assert works.fake.calls() == [] and works.state(made) == "completed" and works.committed(made) == 0
    reused = [card for card in home.sidecars() if card["reused_from"]]
    assert {card["reused_from"] for card in reused} == {card["id"] for card in before}
    assert [card["parameters"]["actual"] for card in reused] == [card["parameters"]["actual"] for card in before]


async def test_a_project_copied_into_another_home_is_not_bought_again_there(
    home: TestHome, tmp_path: Path, monkeypatch: Patch
) -> None:
    text = order("a [red,blue] car")
    async with at_work(home, monkeypatch) as works:
        await works.make(text)
    other = TestHome.make(tmp_path / "other")
    shutil.copytree(home.home.projects, other.home.projects, dirs_exist_ok=True)
    again(other)
    async with at_work(other, monkeypatch) as works:
        made = await works.make(text)
        assert works.fake.calls() == [] and works.state(made) == "completed"


async def test_what_was_taken_from_the_shelf_is_asked_about_though_only_the_shelf_tells_of_it(
    home: TestHome, monkeypatch: Patch
) -> None:
    text = order("a car", count=2)
    async with at_work(home, monkeypatch) as works:
        works.fake.script("collect", Outputs((works.fake.picture("one"), works.fake.picture("two"))))
        await works.make(text)
    one, _ = home.products()
    one.unlink()
    lost(home)
    again(home)
    async with at_work(home, monkeypatch) as works:
        made = await works.make(text)
        assert works.order(made).held and works.fake.calls() == []


async def test_a_ledger_that_lost_its_end_does_not_buy_again_what_lies_on_the_shelf(
    home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch) as works:
        await works.make(order("a car"))
    (month,) = home.home.ledger.glob("2*.jsonl")
    lines = month.read_bytes().splitlines(keepends=True)
    wish = next(number for number, line in enumerate(lines) if b'"kind":"wish"' in line)
    month.write_bytes(b"".join(lines[:wish]))
    [waiting] = again(home).held
    assert waiting.stake == PRICE and again(home).held == []  # it is the ledger that the new index follows
    async with at_work(home, monkeypatch) as works:
        await works.rests()
        assert works.fake.calls() == [] and works.state(waiting.id) == "held"
        assert "may have been bought since" in works.order(waiting.id).reasons[0].text
        assert (await works.tell("approve", waiting.id))["done"]
        await works.rests()
        assert works.fake.calls() == [] and works.states() == ["completed"]


async def test_the_key_in_a_sidecar_is_the_items_key(home: TestHome, monkeypatch: Patch) -> None:
    draw(home.home.inbox / "a.png")
    async with at_work(home, monkeypatch) as works:
        await works.make(order("a [red,blue] car", count=2))
        await works.make("provider: other\nmodel: editor\nparameters: {image: a.png, strength: [1, 2]}\n", "edit.yaml")
    keys = {(row["order_id"], row["number"]): row["key"] for row in rows(home)["item"]}
    cards = home.sidecars()
    assert any(card["inputs"] for card in cards)
    for card in cards:
        bare = {**card, "item": {name: value for name, value in card["item"].items() if name != "key"}}
        assert key_in(card) == key_in(bare) == keys[card["order"]["id"], card["item"]["index"]]
        assert key_in({**card, "rehearsal": True}) is None


UP: dict[str, Any] = {"id": "up", "provider": "other", "model": "editor", "parameters": {"strength": 9}, "keep": False}
OUT: dict[str, Any] = {"id": "out", "provider": "other", "model": "editor", "parameters": {"strength": [1, 2]}}


async def chained(home: TestHome, monkeypatch: Patch, text: str, **known: Any) -> tuple[str, int, int]:
    """Its state, and how many were bought at each provider by this run."""
    async with at_work(home, monkeypatch, **known) as works:
        made = await works.make(text)
        assert all(SIDECAR.is_valid(card) for card in home.sidecars())
        return works.state(made), len(works.fake.calls()), len(works.other.calls())


async def test_what_stages_did_not_keep_is_not_bought_again_when_the_shelf_alone_tells_of_it(
    home: TestHome, monkeypatch: Patch
) -> None:
    twice = {**UP, "id": "twice", "parameters": {"strength": 8}}
    text = order("a [red,blue] car", then=[UP, twice, OUT])
    assert await chained(home, monkeypatch, text) == ("completed", 2, 8)
    lost(home)
    again(home)
    assert await chained(home, monkeypatch, text) == ("completed", 0, 0)
    lost(home)
    again(home)  # what was copied tells of it as well
    assert await chained(home, monkeypatch, text + "notes: edited\n") == ("completed", 0, 0)


async def test_for_something_new_what_was_not_kept_is_bought_again_after_the_shelf_alone_told_of_it(
    home: TestHome, monkeypatch: Patch
) -> None:
    await chained(home, monkeypatch, order("a car", then=[UP, OUT]))
    lost(home)
    again(home)
    new = {**OUT, "parameters": {"strength": [1, 2, 3]}}
    assert await chained(home, monkeypatch, order("a car", then=[UP, new])) == ("completed", 0, 2)


async def test_a_list_of_files_is_known_by_the_shelf_alone(home: TestHome, monkeypatch: Patch) -> None:
    """Also by a sidecar of a release that did not write down what its item equals."""
    for name, colour in (("a", "red"), ("b", "blue")):
        draw(home.home.inbox / f"{name}.png", colour)
    blender = {**EDITOR, "model": "acme/blender", "aliases": ["blender"], "image": "images"}
    del blender["seed"]
    files = {"type": "array", "items": {"type": "string", "format": "uri"}}
    blender["schema"] = {"type": "object", "required": ["images"], "properties": {"images": files}}
    (home.home.library / "models" / "blender.yaml").write_text(documents.dump_yaml(blender))
    text = "provider: other\nmodel: blender\nparameters: {images: [a.png, b.png]}\n"
    assert await chained(home, monkeypatch, text) == ("completed", 0, 1)
    for path in cards(home):
        card = json.loads(path.read_bytes())
        del card["item"]["key"]
        path.write_text(json.dumps(card))
    lost(home)
    again(home)
    for name, colour in (("a", "red"), ("b", "blue")):
        draw(home.home.inbox / f"{name}.png", colour)
    assert await chained(home, monkeypatch, text) == ("completed", 0, 0)


@pytest.mark.sqlite
@pytest.mark.parametrize("kind", ["folder", "pipe", "device"])
def test_an_index_that_is_no_plain_file_is_set_aside_and_made_again(home: TestHome, kind: str) -> None:
    home.drop("car.yaml", "provider: local\nmodel: sketch\nparameters: {prompt: a car, width: 64, height: 64}\n")
    assert home.once() == 0
    index = home.home.index_file
    for file in index.parent.glob("index.sqlite3*"):
        file.unlink()
    if kind == "folder":
        (index / "x").mkdir(parents=True)
    elif kind == "pipe":
        os.mkfifo(index)
    else:
        index.symlink_to("/dev/null")
    looked = home.call("status")
    assert looked.returncode and "is no plain file" in looked.stderr
    assert home.once() == 0
    assert home.states() == ["completed"] and len(home.products()) == 1
    assert list((index.parent / "backups").iterdir()) or kind == "device"


ODD = {  # where in a sidecar, and what no index can hold
    "side": ("file.width", {"a": 1}), "sides": ("file.height", 1 << 70), "bytes": ("file.bytes", 1 << 70),
    "item": ("item.index", 1 << 70), "asked": ("outputs.asked", 1 << 70), "id": ("id", "half \ud800"),
    "mime": ("file.mime", "\udfff"), "order": ("order", None), "infinite": ("file.index", "1e999"),
}  # fmt: skip


async def test_one_odd_file_on_the_shelf_stops_no_reindex(home: TestHome, monkeypatch: Patch) -> None:
    await filled(home, monkeypatch)
    before, folder, product = rows(home)["product"], home.products()[0].parent, home.products()[0]
    whole = json.loads(cards(home)[0].read_bytes())
    for name, (place, value) in ODD.items():
        shutil.copy(product, folder / f"{name}.png")
        *path, last = place.split(".")
        card = json.loads(json.dumps({**whole, "id": f"01a0c0de-0000-7000-8000-{name:x>12}"}))
        (card[path[0]] if path else card)[last] = value
        (folder / f"{name}.png.json").write_text(json.dumps(card).replace('"1e999"', "1e999"))
    for name in ("pipe.png.json", "piped.png"):
        os.mkfifo(folder / name)
    for name in ("nowhere.png", "pathless.png.json"):
        (folder / name).symlink_to("/nowhere/at/all")
    for name in ("pipe.png", "pathless.png", os.fsdecode(b"caf\xe9.png")):
        shutil.copy(product, folder / name)
    for name in ("piped.png.json", "nowhere.png.json", os.fsdecode(b"caf\xe9.png.json")):
        (folder / name).write_text(json.dumps(whole))
    said = again(home).text()
    new = [row for row in rows(home)["product"] if row not in before]
    assert [Path(row["path"]).stem for row in sorted(new, key=lambda row: row["path"])] == ["asked", "side", "sides"]
    assert f"{len(ODD) - 3 + 4} files that cannot be read as sidecar" in said
    assert "1 file with a name that is no UTF-8, passed over until renamed" in said
    assert "caf\\xe9.png" in said


async def test_sidecars_are_moved_by_the_setting_when_a_person_says_so(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        await works.make(order("a car"))
    (product,) = home.products()
    home.configure(products={"sidecars": "beside"})
    assert "moved_sidecars" not in home.ask("reindex") and card_of(product).parent.name == "sidecars"
    told = home.ask("reindex", "--move-sidecars")
    assert told["moved_sidecars"] == 1 and told["differences"] == []
    assert card_of(product).parent == product.parent and not (product.parent / "sidecars").exists()
    assert home.call("reindex", "--move-sidecars").stdout.startswith("0 sidecars moved")
