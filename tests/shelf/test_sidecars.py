"""Where sidecars lie: written by the setting, found wherever they lie, and moved only when a person says so."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from artfactoryd.shelf import placing, reading
from artfactoryd.shelf.moving import move_sidecars
from artfactoryd.shelf.sidecars import product_of, sidecar_of

LAYOUTS = ("beside", "folder", "hidden")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "Projects" / "summer-cars" / "2026-11-22" / "cars"
    made.mkdir(parents=True)
    (made / "receipt.yaml").write_text("order_id: o")
    return made


def placed(folder: Path, name: str, layout: str, identity: str = "") -> Path:
    source = folder.parents[3] / "work"
    source.write_bytes(name.encode())
    told = {"id": identity or name, "file": {}}
    chosen = placing.place(source, folder, name, lambda _: told, layout)
    source.unlink()
    return folder / chosen


@pytest.mark.parametrize(
    ("layout", "card"),
    [("beside", "a/b/1.png.json"), ("folder", "sidecars/a/b/1.png.json"), ("hidden", ".sidecars/a/b/1.png.json")],
)
def test_it_is_written_by_the_setting_and_found_by_its_product_and_its_product_by_it(
    folder: Path, layout: str, card: str
) -> None:
    product = placed(folder, "a/b/1.png", layout)
    projects = folder.parents[2]
    assert sidecar_of(product) == sidecar_of(product, projects) == folder / card
    assert product_of(folder / card) == product
    assert list(reading.walk(projects)) == [(product, folder / card)]


def test_what_lies_beside_comes_before_what_lies_in_a_folder_and_the_nearest_before_what_lies_above(
    folder: Path,
) -> None:
    product = folder / "a" / "1.png"
    project = folder.parents[1]
    ways = [
        folder / "a" / "1.png.json", folder / "a" / "sidecars" / "1.png.json",
        folder / "a" / ".sidecars" / "1.png.json",
        folder / "sidecars" / "a" / "1.png.json", folder.parent / "sidecars" / "cars" / "a" / "1.png.json",
        project / ".sidecars" / "2026-11-22" / "cars" / "a" / "1.png.json",
    ]  # fmt: skip
    for card in (product, *ways):
        card.parent.mkdir(parents=True, exist_ok=True)
        card.write_text(json.dumps({"id": "x", "file": {}}))
    above = project.parent / "sidecars" / "summer-cars" / "2026-11-22" / "cars" / "a" / "1.png.json"
    for card in ways:
        assert sidecar_of(product, project.parent) == card
        assert (product, card) in list(reading.walk(project.parent))
        card.unlink()
    above.parent.mkdir(parents=True)
    above.write_text("{}")
    assert sidecar_of(product, project.parent) is None


def test_a_name_is_taken_by_a_sidecar_wherever_it_lies(folder: Path) -> None:
    first = placed(folder, "1.png", "hidden", "one")
    first.unlink()
    assert placed(folder, "1.png", "folder", "two").name == "1-2.png"
    assert placed(folder, "1.png", "folder", "one") == first and not (folder / "sidecars" / "1.png.json").exists()


def test_an_order_folder_keeps_its_sidecars_wherever_it_is_moved(folder: Path, tmp_path: Path) -> None:
    placed(folder, "a/1.png", "folder")
    there = tmp_path / "elsewhere"
    shutil.move(folder, there)
    assert sidecar_of(there / "a" / "1.png") == there / "sidecars" / "a" / "1.png.json"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_they_are_moved_when_a_person_says_so_and_twice_is_once(folder: Path, layout: str) -> None:
    products = [placed(folder, f"{before}/1.png", before) for before in LAYOUTS]
    own = folder.parents[1] / "best"  # a person's own folder, in no order's
    own.mkdir()
    products.append(placed(own, "1.png", "hidden", "best"))
    projects = folder.parents[2]
    expected = len([1 for before in (*LAYOUTS, "hidden") if before != layout])
    assert len(list(move_sidecars(projects, layout))) == expected
    assert list(move_sidecars(projects, layout)) == []
    pairs = dict(reading.walk(projects))
    assert sorted(pairs) == sorted(products)
    wanted = {"beside": None, "folder": "sidecars", "hidden": ".sidecars"}[layout]
    for product, card in pairs.items():
        top = own if product.parent == own else folder
        assert card == (top / wanted if wanted else top) / f"{product.relative_to(top)}.json"
    assert not [path for path in projects.rglob("*sidecars") if path.name != wanted]  # no empty folder stays


def test_what_has_the_new_place_is_not_overwritten_and_the_same_in_both_is_one(folder: Path) -> None:
    taken, same = placed(folder, "1.png", "beside"), placed(folder, "2.png", "beside")
    inside = folder / "sidecars"
    inside.mkdir()
    (inside / "1.png.json").write_text("a person's own")
    shutil.copy(folder / "2.png.json", inside)  # as a kill between the two names leaves it
    assert list(move_sidecars(folder.parents[2], "folder")) == [inside / "2.png.json"]
    assert (inside / "1.png.json").read_text() == "a person's own" and sidecar_of(taken) == folder / "1.png.json"
    assert sidecar_of(same) == inside / "2.png.json"
