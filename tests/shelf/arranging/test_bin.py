"""Products go into the bin and come back with their sidecars, wherever the settings had these laid."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from artfactoryd.shelf.arranging import bin
from artfactoryd.shelf.reading import owner_of, walk
from artfactoryd.shelf.sidecars import sidecar_of, written_at

ORDER = "Projects/cars/2026-11-22/red"
DIGEST = hashlib.sha256(b"picture").hexdigest()


def lay(root: Path, name: str, layout: str, product: str = "p1") -> str:
    path = root / ORDER / name
    card = written_at(path, root / ORDER, layout)
    for file, data in ((path, b"picture"), (card, json.dumps({"id": product, "file": {}}).encode())):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    (root / ORDER / "receipt.yaml").touch()
    return f"{ORDER}/{name}"


def files(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("layout", ["folder", "beside", "hidden"])
@pytest.mark.parametrize("name", ["0001-a.png", "big/0001-a.png"])
def test_a_product_goes_into_the_bin_and_comes_back_as_it_lay(tmp_path: Path, layout: str, name: str) -> None:
    path = lay(tmp_path, name, layout)
    before, away = files(tmp_path), bin.path_for(path, "2026-11-30")
    for _ in range(2):  # a second time changes nothing
        assert bin.move(tmp_path, path, away, "p1", DIGEST) == away
    card = sidecar_of(tmp_path / away, tmp_path / "Projects")
    assert card is not None and owner_of(card) == "p1" and len(files(tmp_path)) == len(before)
    assert [product for product, _ in walk(tmp_path / bin.FOLDER)] == [tmp_path / away]
    assert (bin.day_in(away), bin.was_at(away)) == ("2026-11-30", path)
    assert bin.move(tmp_path, away, path, "p1", DIGEST) == path
    assert files(tmp_path) == before and not (tmp_path / "Projects/.bin").exists()


def test_what_is_another_file_stays_and_what_lies_in_the_way_is_not_overwritten(tmp_path: Path) -> None:
    path = lay(tmp_path, "a.png", "folder")
    away = bin.path_for(path, "2026-11-30")
    (tmp_path / path).write_bytes(b"edited")  # in place of it: its sidecar says whose it is
    (tmp_path / away).parent.mkdir(parents=True)
    (tmp_path / away).write_bytes(b"in the way")
    second = away.replace("a.png", "a-2.png")
    assert bin.move(tmp_path, path, away, "p1", DIGEST) == second
    assert (tmp_path / away).read_bytes() == b"in the way" and (tmp_path / second).read_bytes() == b"edited"
    assert not bin.take_away(tmp_path, second, "p1", DIGEST) and (tmp_path / second).exists()
    other = lay(tmp_path, "b.png", "folder", "p2")
    (tmp_path / other).write_bytes(b"another")
    assert bin.move(tmp_path, other, bin.path_for(other, "2026-11-30"), "p3", DIGEST).startswith(bin.FOLDER)
    assert (tmp_path / other).exists()
    whole = lay(tmp_path, "c.png", "hidden", "p4")
    gone = bin.move(tmp_path, whole, bin.path_for(whole, "2026-11-30"), "p4", DIGEST)
    assert bin.take_away(tmp_path, gone, "p4", DIGEST) and bin.take_away(tmp_path, gone, "p4", DIGEST)
    assert not any("c.png" in name for name in files(tmp_path))


def test_a_sidecar_of_another_in_the_way_is_set_aside_under_its_id(tmp_path: Path) -> None:
    path = lay(tmp_path, "a.png", "folder")
    away = bin.path_for(path, "2026-11-30")
    other = written_at(tmp_path / away, (tmp_path / away).parent, "folder")
    other.parent.mkdir(parents=True)
    other.write_text(json.dumps({"id": "p9", "file": {}}))
    assert bin.move(tmp_path, path, away, "p1", DIGEST) == away
    assert owner_of(other) == "p1" and owner_of(other.with_name("p9.json")) == "p9"
