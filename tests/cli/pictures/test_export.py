"""Products handed out: into a folder or a zip, as they are or made anew, never over what is there."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
import json
import os
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from artfactoryd.cli import main
from artfactoryd.shelf.exporting import folder
from artfactoryd.shelf.inside.foreign import written_in
from tests.homes import TestHome, card_of
from tests.shelf.inside.carriers import pixels
from tests.works import at_work, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")


def export(home: TestHome, *words: str, code: int = 0) -> str:
    done = CliRunner().invoke(main, ["--home", str(home.root), "export", *words])
    assert done.exit_code == code, done.output
    return done.output


def manifest(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((path / "manifest.csv").read_text("utf-8-sig"))))


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> TestHome:
    """For all tests of one process: each leaves it as it was."""
    home = TestHome.make(tmp_path_factory.mktemp("stocked") / "home")
    with pytest.MonkeyPatch.context() as patch:
        asyncio.run(_fill(home, patch))
    return home


async def _fill(home: TestHome, patch: pytest.MonkeyPatch) -> None:
    async with at_work(home, patch) as works:
        await works.make(order("a [red,blue] car", project="cars", tags=["fast"], file="{slug}.{ext}"))
        await works.make(order("a [red,green] car", project="more", file="{slug}.{ext}"))
        products = works.house.books.index.newest_products(4)
        (red,) = (row for row in products if row.path.startswith("Projects/cars/") and "red" in row.path)
        await works.house.control.carry_out({"id": "m", "name": "rate", "products": [red.id], "rating": 5})
        await works.stop()


def test_products_are_handed_out_and_an_export_goes_on_where_it_ended(stocked: TestHome, tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    (target / "a-green-car.png").write_bytes(b"a person's own")
    assert "4 products exported" in export(stocked, "car", "--to", str(target))
    rows = {row["file"]: row for row in manifest(target)}
    assert rows.keys() == {"a-red-car.png", "a-red-car-2.png", "a-blue-car.png", "a-green-car-2.png"}
    assert (target / "a-green-car.png").read_bytes() == b"a person's own"
    for name, row in rows.items():
        on_shelf, out = (stocked.root / row["path"]).read_bytes(), (target / name).read_bytes()
        told = written_in(target / name)  # tags that it has now are inside; without any it is the same file
        assert (out != on_shelf) == bool(row["tags"])
        assert set(told.tags) == {row["project"], row["tags"]} - {""}
        assert str(told.rating or "") == row["rating"] and pixels(out) == pixels(on_shelf)
    assert (rows["a-red-car.png"]["rating"], rows["a-blue-car.png"]["rating"]) == ("5", "")
    assert rows["a-blue-car.png"]["tags"] == "fast" and rows["a-red-car-2.png"]["project"] == "more"
    before = {path.name: path.stat().st_ino for path in target.glob("*.png")}
    (target / "manifest.csv").unlink()  # killed before it was written
    (target / "a-blue-car.png").unlink()
    export(stocked, "car", "--to", str(target))
    after = {path.name: path.stat().st_ino for path in target.iterdir() if path.suffix == ".png"}
    assert {name: after[name] for name in before if name != "a-blue-car.png"} == {
        name: inode for name, inode in before.items() if name != "a-blue-car.png"
    }  # fmt: skip
    assert after.keys() == before.keys() and len(manifest(target)) == 4
    assert "4 were there already" in export(stocked, "car", "--to", str(target))
    export(stocked, "rating:5", "--to", str(tmp_path / "one"), "--name", "{hash8}.{ext}")
    came = json.loads(card_of(stocked.root / rows["a-red-car.png"]["path"]).read_text())["file"]["original_sha256"]
    assert (tmp_path / "one" / f"{came[:8]}.png").is_file()


def test_pictures_are_converted_made_smaller_named_and_packed(stocked: TestHome, tmp_path: Path) -> None:
    target = tmp_path / "out.zip"
    words = ("--as", "jpg", "--max-side", "4", "--metadata", "full", "--name", "{project}/{number:02d}-{slug}.{ext}")
    export(stocked, "is:image", "--to", str(target), *words)
    with zipfile.ZipFile(target) as packed:
        names = packed.namelist()
        picture = Image.open(io.BytesIO(packed.read("cars/01-a-red-car.jpg")))
        card = json.loads(packed.read("cars/01-a-red-car.jpg.json"))
    assert "a red car\nSteps: 1, Sampler: fake" in picture.getexif().get_ifd(0x8769)[0x9286][8:].decode("utf-16-be")
    assert (picture.format, max(picture.size)) == ("JPEG", 4) and b"<xmp:Rating>5" in picture.info["xmp"]
    assert (card["rating"], card["parameters"]["generation"]["prompt"]) == (5, "a red car")
    assert len(names) == 9 and "more/04-a-green-car.jpg" in names
    assert [path.name for path in tmp_path.iterdir() if "out" in path.name] == ["out.zip"]
    assert "is there already" in export(stocked, "--all", "--to", str(target), code=2)


def test_words_are_taken_out_and_what_does_not_go_is_said(stocked: TestHome, tmp_path: Path) -> None:
    paths = [stocked.root / row["path"] for row in rows_of(stocked)]
    before = [path.read_bytes() for path in paths]
    paths[0].write_bytes(b"no picture any more")
    paths[1].unlink()
    words = ("--all", "--metadata", "none", "--as", "webp", "--json")
    try:
        said = json.loads(export(stocked, *words, "--to", str(tmp_path / "out"), code=1))
    finally:
        for path, data in zip(paths, before, strict=True):
            path.write_bytes(data)
    assert said["exported"] == 2 and len(said["failed"]) == 2
    _as_they_lie(tmp_path / "out")
    tagged = next(path for path in paths if "Projects/cars/" in str(path))
    whole = tagged.read_bytes()
    tagged.write_bytes(b"no picture any more")
    try:
        assert "stand in manifest.csv alone" in export(stocked, "--all", "--to", str(tmp_path / "odd"))
    finally:
        tagged.write_bytes(whole)
    edited = Image.new("RGB", (3, 5))
    edited.save(paths[0])
    try:
        for _ in range(2):  # what is there already is told as it is, too
            export(stocked, "--all", "--to", str(tmp_path / "plain"))
            _as_they_lie(tmp_path / "plain")
    finally:
        paths[0].write_bytes(before[0])
    assert {one["path"] for one in said["failed"]} == {str(path.relative_to(stocked.root)) for path in paths[:2]}


@pytest.mark.parametrize("instead", ["link", "folder", "pipe"])
def test_what_is_no_file_any_more_is_left_out_and_said(stocked: TestHome, tmp_path: Path, instead: str) -> None:
    (secret := tmp_path / "secret").write_text("nobody's")
    product = next(stocked.home.projects.glob("cars/*/*/a-red-car.png"))
    product.rename(aside := tmp_path / "aside.png")
    try:
        if instead == "link":
            product.symlink_to(secret)
        else:
            product.mkdir() if instead == "folder" else os.mkfifo(product)
        said = export(stocked, "project:cars", "--to", str(tmp_path / "out"), code=1)
        assert "lies in its place by now" in said and {path.name for path in (tmp_path / "out").iterdir()} == {
            "a-blue-car.png", "manifest.csv",
        }  # fmt: skip
    finally:
        product.rmdir() if instead == "folder" else product.unlink()
        aside.rename(product)


def test_what_a_kill_left_of_an_export_goes_with_the_next(stocked: TestHome, tmp_path: Path) -> None:
    (left := tmp_path / ".export.0123abcd.tmp").write_bytes(b"half")
    (own := tmp_path / ".mine.tmp").write_bytes(b"a person's")
    for path in (left, own):
        os.utime(path, (1, 1))
    export(stocked, "project:cars", "--to", str(tmp_path))
    assert own.exists() and not left.exists()


def test_what_has_no_sidecar_is_exported_without_and_said(stocked: TestHome, tmp_path: Path) -> None:
    card = card_of(stocked.root / rows_of(stocked)[0]["path"])
    away = card.rename(tmp_path / "away")
    try:
        said = export(stocked, "--all", "--metadata", "full", "--to", str(tmp_path / "out"))
    finally:
        away.rename(card)
    assert "Exported without a sidecar, as the shelf has none: 1 product." in said
    assert len([*(tmp_path / "out").glob("*.json")]) == 3


def _as_they_lie(target: Path) -> None:
    for row in manifest(target):
        data = (target / row["file"]).read_bytes()
        assert (row["sha256"], row["bytes"]) == (hashlib.sha256(data).hexdigest(), str(len(data)))
        width, height = Image.open(io.BytesIO(data)).size
        assert (row["width"], row["height"]) == (str(width), str(height))


def rows_of(home: TestHome) -> list[dict[str, str]]:
    done = CliRunner().invoke(main, ["--home", str(home.root), "products", "--json"])
    rows: list[dict[str, str]] = json.loads(done.output)["products"]
    return rows


WRONG = [
    ([], "Say which products"),
    (["zebra:1"], "zebra is no field"),
    (["nothing"], "Nothing fits."),
    (["--all", "--name", "{nmae}.{ext}"], "Did you mean {name}?"),
    (["--all", "--name", "{slug}"], "a name ends with .{ext}"),
    (["--all", "--to", "Projects/x"], "inside the factory folder"),
]


def test_what_cannot_be_exported_is_said(stocked: TestHome, tmp_path: Path) -> None:
    for words, text in WRONG:
        given = [str(stocked.root / word) if word.startswith("Projects") else word for word in words]
        assert text in export(stocked, *given, code=2)
    (tmp_path / folder.MANIFEST).write_text("sku,price\n")
    assert "is not of an export" in export(stocked, "--all", "--to", str(tmp_path), code=2)
