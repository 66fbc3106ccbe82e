"""Products say inside what they are; as inputs they are known, and sent, as the bytes that came."""

from __future__ import annotations

import asyncio
import json
from contextlib import closing
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sd_parsers import ParserManager

from artfactoryd import __version__
from artfactoryd.clock import now
from artfactoryd.core.inside.undo import restored, told
from artfactoryd.core.inside.xmp import ALGORITHMIC, COMPOSITE, TRAINED, source_type_in
from artfactoryd.execution.shelving.lineage import Lineage
from artfactoryd.factories import Outputs
from artfactoryd.planning.accepted import expander
from artfactoryd.settings import Products
from artfactoryd.storage.index import Index
from artfactoryd.storage.lists.recognition import products_of
from artfactoryd.storage.rebuild import reindex
from artfactoryd.storage.rows import ProductRow
from tests.execution.test_payload import Uploader, uploads
from tests.homes import TestHome, card_of
from tests.pictures import draw, edit, with_editor
from tests.shelf.inside.carriers import pixels
from tests.works import Works, at_work, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
Patch = pytest.MonkeyPatch


def products(works: Works, order_id: str) -> list[ProductRow]:
    return works.house.books.index.products(order_id)


def card(home: TestHome, row: ProductRow) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(card_of(home.root / row.path).read_text())
    return document


async def test_a_product_says_inside_what_it_is_and_is_known_by_what_came(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        original = Path(works.fake.picture("x").address.removeprefix("file://")).read_bytes()
        works.fake.script("collect", lambda ticket: Outputs((works.fake.picture("x"),)))
        (row,) = products(works, await works.make(order("a red car", tags=["fast"], project="cars")))
        output = works.fake.picture("y")
        with Image.open(output.address.removeprefix("file://")) as drawn:
            drawn.save(output.address.removeprefix("file://"), "GIF")
        works.fake.script("collect", Outputs((output,)))
        (other,) = products(works, await works.make(order("a red dog"), "dog.yaml"))
    file, sidecar = home.root / row.path, card(home, row)["file"]
    inside, hashed = file.read_bytes(), sha256(original).hexdigest()
    assert restored(inside) == original and pixels(inside) == pixels(original)
    assert told(inside) == (row.id, hashed) and source_type_in(inside) == TRAINED
    assert (row.sha256, row.original_sha256, row.bytes) == (sha256(inside).hexdigest(), hashed, len(inside))
    assert (sidecar["sha256"], sidecar["original_sha256"]) == (row.sha256, hashed)
    assert sidecar["embedded"] == "minimal" and f"-{hashed[:8]}.png" in file.name
    assert b"<rdf:li>cars</rdf:li><rdf:li>fast</rdf:li>" in inside and b"artfactoryd:Parameters" not in inside
    read = ParserManager().parse(file)
    assert read is not None and [prompt.value for prompt in read.prompts] == ["a red car"]
    (chosen,) = home.lines("result")[0]["outputs"]
    assert (chosen["embed"], chosen["software"]) == ("minimal", __version__)
    assert home.lines("settlement")[0]["products"][0]["original_sha256"] == hashed
    assert not list((home.home.work / "outputs").iterdir())
    assert card(home, other)["file"]["untouched"] == "Nothing is written into a file of its kind (gif)."


@pytest.mark.parametrize("level", ["none", "full"])
async def test_the_settings_say_how_much(home: TestHome, monkeypatch: Patch, level: str) -> None:
    async with at_work(home, monkeypatch, products=Products(embed=level)) as works:
        (row,) = products(works, await works.make(order("a red car")))
    inside, file = (home.root / row.path).read_bytes(), card(home, row)["file"]
    if level == "none":
        assert file["sha256"] == file["original_sha256"] == row.original and row.original_sha256 is None
        assert told(inside) is None and not {"embedded", "untouched"} & file.keys()
    else:
        assert file["embedded"] == "full" and b'<artfactoryd:Parameters>{"prompt":"a red car"' in inside


async def test_as_an_input_it_is_the_bytes_that_came_and_no_prompt_travels(
    home: TestHome, monkeypatch: Patch, tmp_path: Path
) -> None:
    """By its id, as a copy beside the order, and as the provider's own file: one upload, equal items, one purchase."""
    async with at_work(with_editor(home), monkeypatch, fake=Uploader) as works:
        (row,) = products(works, await works.make(order("a secret car")))
        inside = (home.root / row.path).read_bytes()
        original = restored(inside)
        assert original is not None
        first = await works.make(edit(f"product:{row.id}", seed=5), "a.yaml")
        for name, data in (("b", inside), ("c", original)):
            (home.home.inbox / f"{name}.png").write_bytes(data)
            again = await works.make(edit(f"{name}.png", seed=5), f"{name}.yaml")
            (copy,) = products(works, again)
            told_of = card(home, copy)
            assert told_of["reused_from"] and told_of["parents"] == [row.id]
            assert told_of["inputs"][0]["sha256"] == row.original
            assert (home.root / works.folder(again) / "inputs" / f"{name}.png").read_bytes() == original
        (uploaded,) = uploads(works)
        assert uploaded[1] == original and len(works.fake.calls()) == 2
        (edited,) = products(works, first)
    assert (home.root / edited.path).read_bytes() == (home.root / copy.path).read_bytes()
    assert copy.original_sha256 == edited.original_sha256 != edited.sha256


async def test_it_says_how_it_came_to_be_by_what_it_was_made_from(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(with_editor(home), monkeypatch) as works:
        (own,) = products(works, await works.make(order("a car")))
        draw(home.home.inbox / "beach.png")
        foreign = await works.make(edit(), "foreign.yaml")
        (mixed,) = products(works, foreign)
        types = {"own": own, "mixed": mixed}
        for name, source in (("of own", own), ("of mixed", mixed)):
            (types[name],) = products(works, await works.make(edit(f"product:{source.id}"), f"{name}.yaml"))
        (item,), accepted = works.items(foreign), works.order(foreign)
        lineage = Lineage(home.home, works.house.books.index)
        assert lineage.source_type(item, replace(accepted, rehearsal=True)) == ALGORITHMIC
        assert lineage.source_type(replace(item, provider="local"), accepted) == ""  # the photograph says nothing
        beach = home.root / works.folder(foreign) / "inputs" / "beach.png"
        beach.write_bytes(b"digitalsourcetype/digitalCapture newscodes/digitalsourcetype/digitalCapture")
        assert lineage.source_type(replace(item, provider="local"), accepted) == "digitalCapture"
        monkeypatch.setattr("artfactoryd.execution.shelving.lineage.UPSCALE", "acme/editor")  # a network adds to it
        assert lineage.source_type(replace(item, provider="local"), accepted) == COMPOSITE
    found = {name: source_type_in((home.root / row.path).read_bytes()) for name, row in types.items()}
    assert found == {
        "own": TRAINED, "mixed": COMPOSITE, "of own": TRAINED, "of mixed": COMPOSITE,
    }  # fmt: skip


async def test_it_is_found_by_the_id_inside_and_by_the_bytes_that_came(
    home: TestHome, monkeypatch: Patch, tmp_path: Path
) -> None:
    async with at_work(home, monkeypatch) as works:
        rows = products(works, await works.make(order("a [red,blue] car")))
        inside = (home.root / rows[0].path).read_bytes()
        files = {"edited": inside + b"edited", "original": restored(inside) or b"", "foreign": b"else"}
        for name, data in files.items():
            (tmp_path / name).write_bytes(data)
        await works.stop()
    await asyncio.to_thread(reindex, home.home, expander, now)
    with closing(Index.look(home.home.index_file)) as index:
        found = {name: [row.id for row in products_of(home.home, index, tmp_path / name)] for name in files}
        assert found == {"edited": [rows[0].id], "original": [rows[0].id], "foreign": []}


async def test_made_again_after_a_kill_it_is_the_same_file_whatever_the_settings_say_by_then(
    home: TestHome, monkeypatch: Patch
) -> None:
    """Killed before its settlement was written, and the shelf lost what lay there."""
    async with at_work(home, monkeypatch) as works:
        made = await works.make(order("a red car"))
    (file,) = home.products()
    inside, sidecar = file.read_bytes(), card_of(file).read_bytes()
    ledger = next(home.home.ledger.glob("*.jsonl"))
    lines = ledger.read_text().splitlines(keepends=True)
    assert '"settlement"' in lines[-1]
    ledger.write_text("".join(lines[:-1]))
    for path in (file, card_of(file)):
        path.unlink()
    await asyncio.to_thread(reindex, home.home, expander, now)
    (home.home.work / "made" / "fake" / "fake-1.png").write_bytes(restored(inside) or b"")
    async with at_work(home, monkeypatch, products=Products(embed="full")) as works:
        await works.until(lambda: works.states(made) == ["completed"])
    assert file.read_bytes() == inside and json.loads(card_of(file).read_bytes())["file"] == json.loads(sidecar)["file"]
