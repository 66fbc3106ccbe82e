"""A sidecar asks for its picture again; one that a drag took from the shelf is put back."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from artfactoryd import documents
from artfactoryd.clock import now
from artfactoryd.core.sidecar_again import is_sidecar, order_again
from artfactoryd.intake import put_back
from artfactoryd.planning import remake
from artfactoryd.planning.accepted import _plan_again, plan_of
from artfactoryd.planning.origin import Origin
from artfactoryd.planning.planner import Scholar
from artfactoryd.settings import Settings
from tests.homes import TestHome, card_of
from tests.pictures import EDITOR, draw, edit, with_editor
from tests.works import Works, at_work, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
Patch = pytest.MonkeyPatch


def first_product(works: Works, order_id: str, place: int = 0) -> tuple[Path, Path]:
    row = works.house.books.index.products(order_id)[place]
    product = works.home.root / row.path
    return product, card_of(product)


def newest(works: Works) -> str:
    return str(works.house.books.index.orders()[0].id)


async def drop_and_make(works: Works, *files: Path) -> str:
    """Copies of them; the order that it became, made."""
    before = newest(works)
    for file in files:
        hidden = works.home.home.inbox / f".{file.name}"
        shutil.copyfile(file, hidden)
        hidden.rename(works.home.home.inbox / file.name)
    await works.until(lambda: newest(works) != before)
    made = newest(works)
    await works.until(lambda: works.items(made))
    await works.rests()
    return made


async def test_a_sidecar_makes_its_whole_call_again_with_its_very_parameters(
    home: TestHome, monkeypatch: Patch
) -> None:
    text = order("a \\[real\\] [red,blue] car || the sea", count=2, tags=["x"], notes="why")
    async with at_work(home, monkeypatch) as works:
        was = await works.make(text)
        product, card = first_product(works, was)
        made = await drop_and_make(works, card)
        assert works.states(made) == ["completed"]
        (item,), before = works.items(made), works.items(was)[0]
        asked = [call.parameters for call in works.fake.calls()]
        assert (item.generation, item.seed, item.asked) == (before.generation, before.seed, 2)
        assert asked[-1] == asked[0] and "[real]" in asked[0]["prompt"]
        row = works.order(made)
        assert (row.tags, row.notes, row.name, row.project) == (["x"], "why", "cars", "unsorted")
        assert row.document.startswith(f"# {product.name} again: product ")


@pytest.mark.parametrize("prompts", [10, 10_000])
async def test_a_sidecar_does_not_grow_with_its_order_and_makes_its_picture_again_in_any_home(
    home: TestHome, monkeypatch: Patch, tmp_path: Path, prompts: int
) -> None:
    written = [f"[oil,ink] number {number:05}" for number in range(prompts)]
    other = TestHome.make(tmp_path / "other")
    async with at_work(home, monkeypatch) as works:
        was = await works.make(order(written, sample=1))
        _, card = first_product(works, was)
        whole, words = json.loads(card.read_text()), card.read_text()
        prompt = whole["parameters"]["generation"]["prompt"]
        assert whole["parameters"]["base"]["prompt"] == f"[oil,ink] number {prompt[-5:]}"
        named = whole["parameters"]["base_of"]
        document = (home.root / named["path"]).read_bytes()
        assert named["sha256"] == whole["order"]["sha256"] == sha256(document).hexdigest()
        assert len(words) < 3_000
    async with at_work(other, monkeypatch) as works:  # where nothing is known of it but these two files
        again = await works.make(words, "again.json")
        (item,) = works.items(again)
        assert item.generation["prompt"] == prompt and works.states(again) == ["completed"]


async def test_of_a_batch_the_plan_says_that_all_of_the_call_are_made(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        product, card = first_product(works, await works.make(order("a car", count=3)))
        scholar = Scholar(home.home, Settings(), works.house.books.index, now)
        (found,) = scholar.study(card.read_bytes(), Origin(card.name, card.stem, folder=card.parent))
    assert (found.plan.total_items, found.plan.total_products) == (1, 3)
    assert [str(each.message) for each in found.plan.warnings] == [
        f"{product.name} is one of 3 of one call: all 3 of that call are made again."
    ]


async def test_its_pictures_are_found_in_the_folder_of_its_order(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(with_editor(home), monkeypatch) as works:
        data = draw(works.home.home.inbox / "beach.png")
        _, card = first_product(works, await works.make(edit("beach.png")))
        made = await drop_and_make(works, card)
        (known,) = works.order(made).inputs
        assert (known["value"], known["source"]) == ("inputs/beach.png", "beach.png")
        assert (works.home.root / works.folder(made) / "inputs" / "beach.png").read_bytes() == data
        assert works.items(made)[0].seed == works.items(works.house.books.index.orders()[1].id)[0].seed


async def test_with_its_inputs_in_a_folder_it_is_an_order_in_any_home(
    home: TestHome, monkeypatch: Patch, tmp_path: Path
) -> None:
    async with at_work(with_editor(home), monkeypatch) as works:
        data = draw(works.home.home.inbox / "beach.png")
        _, card = first_product(works, await works.make(edit("beach.png")))
    carried = tmp_path / "again"
    shutil.copytree(card.parents[1] / "inputs", carried / "inputs")
    shutil.copyfile(card, carried / "order.json")
    async with at_work(with_editor(TestHome.make(tmp_path / "other")), monkeypatch) as there:
        carried.rename(there.home.home.inbox / "again")
        await there.until(there.house.books.index.orders)
        made = newest(there)
        await there.until(lambda: there.items(made))
        await there.rests()
        assert there.states(made) == ["completed"]
        assert (there.home.root / (there.order(made).folder or "") / "inputs" / "beach.png").read_bytes() == data


async def test_a_copy_of_both_asks_again_and_leaves_no_picture_about(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        product, card = first_product(works, await works.make(order("a car")))
        made = await drop_and_make(works, product, card)
        assert works.states(made) == ["completed"]
        assert list(works.home.home.inbox.iterdir()) == [] and product.is_file()


async def test_what_a_drag_moved_is_put_back_and_nothing_is_made(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        product, card = first_product(works, await works.make(order("a car")))
        picture, words = product.read_bytes(), card.read_bytes()
        for file in (product, card):
            file.rename(works.home.home.inbox / file.name)
        await works.until(lambda: card.exists() and not list(works.home.home.inbox.iterdir()))
        await works.rests()
        assert (product.read_bytes(), card.read_bytes()) == (picture, words)
        assert len(works.house.books.index.orders()) == 1 and works.daemon.report.rejected == ()
        await works.until(lambda: works.house.claims.open() == [])


async def test_a_sidecar_alone_goes_back_to_its_picture(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        _, card = first_product(works, await works.make(order("a car")))
        card.rename(works.home.home.inbox / card.name)
        await works.until(card.exists)
        await works.rests()
        assert len(works.house.books.index.orders()) == 1


async def test_killed_after_it_was_put_back_it_is_still_no_request(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        _, card = first_product(works, await works.make(order("a car")))
        claim = works.house.claims.take(card, id="0" * 32, project=None, taken_at=now().isoformat())
        assert claim is not None
        assert put_back.put_back(home.home, works.house.books.index, claim, "folder") and card.is_file()
        assert put_back.put_back(home.home, works.house.books.index, claim, "folder")


async def test_a_sidecar_of_another_home_is_a_request(home: TestHome, monkeypatch: Patch, tmp_path: Path) -> None:
    async with at_work(home, monkeypatch) as works:
        _, card = first_product(works, await works.make(order("a car")))
        said = {**json.loads(card.read_text()), "id": "0192f000-0000-7000-8000-000000000000"}
        (tmp_path / "from-elsewhere.json").write_text(json.dumps(said))
        made = await drop_and_make(works, tmp_path / "from-elsewhere.json")
        assert works.states(made) == ["completed"]


async def test_a_damaged_sidecar_is_rejected_in_words(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        _, card = first_product(works, await works.make(order("a car")))
        said = {**json.loads(card.read_text()), "id": "0192f000-0000-7000-8000-000000000000", "provider": 7}
        works.home.drop("bad.png.json", json.dumps(said))
        word = works.home.home.rejected / "bad.png.json.error.txt"
        await works.until(word.exists)
        assert "provider" in word.read_text()


async def test_a_price_that_stood_in_the_order_goes_with_the_sidecar_and_is_no_warning(
    home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch) as works:
        price = {"usd": 0.03, "per": "image"}
        made = await works.make(order("a car", model="mute", price=price))
        assert works.states(made) == ["completed"] and home.sidecars()[0]["cost"]["price"] == price
        assert "W_PRICE" not in (home.root / works.folder(made) / "receipt.yaml").read_text()
        card = next(home.home.projects.rglob("*.png.json"))
        (home.home.inbox / "again.json").write_bytes(card.read_bytes())
        await works.until(lambda: len(works.house.books.index.orders()) == 2)
        await works.rests()
        assert not any(row.is_held for row in works.house.books.index.orders())
        await works.until(lambda: works.states() == ["completed"] * 2)
        assert len(works.fake.calls()) == 2
        painted = await works.make(order("a van", price=price), "van.yaml")  # of a model whose price is known
        cards = {card["order"]["id"]: card for card in home.sidecars()}
        assert "price" not in cards[painted]["cost"]  # the catalogue's own was used


async def test_a_sidecar_of_an_earlier_release_takes_its_price_from_the_ledger(
    home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch) as works:
        price = {"usd": 0.03, "per": "image"}
        made = await works.make(order("a car", model="mute", price=price))
        (card,) = home.sidecars()
        assert card["cost"].pop("price") == price
        works.home.drop("again.json", json.dumps(card))
        await works.until(lambda: len(works.house.books.index.orders()) == 2)
        await works.rests()
        assert not any(row.is_held for row in works.house.books.index.orders())
        await works.until(lambda: works.states() == ["completed"] * 2)
        assert [line["reserved"] for line in works.lines("wish")] == [30_000] * 2
        assert home.sidecars()[-1]["cost"]["price"] == price and works.states(made) == ["completed"]
        assert all("W_PRICE" not in path.read_text() for path in home.home.projects.rglob("receipt.yaml"))


def test_a_rehearsal_is_drawn_again_and_lists_of_lists_stay_one_value() -> None:
    card: dict[str, Any] = {
        "rehearsal": True, "model": {"id": "sketch", "version": None}, "provider": "local", "project": "p",
        "order": {"name": "cars"}, "tags": [], "notes": "", "inputs": [{"parameter": "image", "file": "inputs/a.png"}],
        "parameters": {"generation": {"prompt": "a car"}, "actual": {"prompt": "a car", "points": [[1, 2]]}},
    }  # fmt: skip
    assert order_again(card) == {
        "provider": "local", "model": "sketch", "project": "p", "name": "cars", "rehearse": True,
        "parameters": {"prompt": "a car", "points": [[[1, 2]]]}, "raw": ["points", "prompt"],
        "reuse": "never",
    }  # fmt: skip


def test_no_order_is_taken_for_a_sidecar() -> None:
    assert not is_sidecar({"provider": "fake", "model": "painter", "parameters": {}})
    assert remake.asked(order().encode(), "x") is None and remake.asked(b"{", "x") is None
    assert documents.dump_yaml({}) and remake.read_card(b"[1]") is None


FILM = {
    **{key: value for key, value in EDITOR.items() if key not in ("image", "synonyms")}, "model": "acme/film",
    "aliases": ["film"],
    "schema": {"type": "object", "properties": {
        "seed": {"type": "integer"}, "prompt": {"type": "string"},
        "shots": {"type": "array", "items": {"properties": {"prompt": {"type": "string"}}}},
    }},
}  # fmt: skip


async def test_texts_inside_a_value_are_made_told_and_made_again(home: TestHome, monkeypatch: Patch) -> None:
    (home.home.library / "models" / "film.yaml").write_text(documents.dump_yaml(FILM))
    written = [{"prompt": "[red,blue] \\[x\\]"}, {"prompt": "[=hue], [~a,b]"}]
    text = order("a [hue]", model="film", lookups={"hue": ["pink"]}, parameters={"shots": written})
    async with at_work(home, monkeypatch) as works:
        was = await works.make(text)
        cards = [json.loads(card_of(home.root / row.path).read_text()) for row in works.house.books.index.products(was)]
        sent = [card["parameters"]["generation"]["shots"] for card in cards]
        assert [shots[0]["prompt"] for shots in sent] == ["red [x]", "blue [x]"]
        assert {shots[1]["prompt"] for shots in sent} <= {"pink, a", "pink, b"}
        assert [card["parameters"]["base"]["shots"] for card in cards] == [written] * 2
        assert {"parameter": "shots", "token": "[red,blue]", "value": "blue"} in cards[1]["item"]["tokens"]
        again = await drop_and_make(works, first_product(works, was, 1)[1])
        (item,) = works.items(again)
        assert item.generation == cards[1]["parameters"]["generation"]
        row = works.order(was)
        assert row.library["nested"] and plan_of(row).total_items == 2
        assert _plan_again(replace(row, library={})).total_items == 1  # as an older release took it
