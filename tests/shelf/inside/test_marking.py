"""Rating and tags as they are now go into a picture's own XMP; pixels and all else that it tells stay."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from artfactoryd.core.inside.undo import told
from artfactoryd.shelf import media
from artfactoryd.shelf.inside import LeftAlone
from artfactoryd.shelf.inside.foreign import written_in
from artfactoryd.shelf.inside.marking import marked
from artfactoryd.shelf.inside.merging import Marks
from artfactoryd.shelf.inside.stripping import without_ours
from tests.shelf.inside.carriers import CARRIERS, PRODUCT, carrying, picture, pixels, text_in, with_chunk
from tests.shelf.inside.carriers import told as texts

MARKS = Marks(4, ("wet & red", "things/wheeled/car", "日本"))
PROPERTIES = '<r:Description r:about="" {}{}>{}</r:Description>'
SPACES = 'xmlns:a="http://ns.adobe.com/xap/1.0/" xmlns:b="http://purl.org/dc/elements/1.1/" '
RDF = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    "{}</r:RDF></x:xmpmeta>"
)


@pytest.mark.parametrize("name", CARRIERS)
@pytest.mark.parametrize("is_ours", [True, False])
def test_marks_go_in_and_out_again_and_the_pixels_stay(name: str, is_ours: bool, tmp_path: Path) -> None:
    extension, came = CARRIERS[name]()
    before = carrying(extension, came) if is_ours else came
    inside, path = marked(before, MARKS), tmp_path / f"a.{extension}"
    path.write_bytes(inside)
    read = written_in(path)
    assert (read.rating, read.tags) == (4, MARKS.tags)
    assert pixels(inside) == pixels(came) and not media.examined(io.BytesIO(inside)).fault
    assert marked(inside, MARKS) == inside and text_in(inside) == text_in(before)
    assert (b"theirs" in inside) == (b"theirs" in came)
    if is_ours:
        assert (now := told(inside)) is not None and now.product == PRODUCT
        assert pixels(without_ours(inside)) == pixels(came) and b"wheeled" not in without_ours(inside)
    path.write_bytes(again := marked(inside, Marks(None, ("日本",))))
    assert (written_in(path).rating, written_in(path).tags) == (None, ("日本",)) and pixels(again) == pixels(came)


@pytest.mark.parametrize(
    ("theirs", "marks", "rating", "tags"),
    [
        (' a:Rating="2"', Marks(None, ("x",)), 2, {"x"}),
        (' a:Rating="2"', Marks(3, ()), 3, set()),
        ("><a:Rating>1</a:Rating", Marks(5, ()), 5, set()),
        ("><b:subject><r:Bag><r:li>sun</r:li></r:Bag></b:subject", Marks(None, ("x/y",)), None, {"sun", "x/y"}),
        ("><b:subject><r:Bag><r:li>sun</r:li></r:Bag></b:subject", Marks(None, (), alone=True), None, set()),
    ],
    ids=["their rating stays", "ours", "an element", "their tags stay", "what was taken over"],
)  # fmt: skip
def test_what_somebody_else_wrote_is_added_to(
    theirs: str, marks: Marks, rating: int | None, tags: set[str], tmp_path: Path
) -> None:
    attributes, _, inner = theirs.partition(">")
    packet = RDF.format(PROPERTIES.format(SPACES, attributes, f"{inner}>" if inner else ""))
    path = tmp_path / "a.png"
    path.write_bytes(marked(picture("PNG", pnginfo=texts(xmp=packet)), marks))
    read = written_in(path)
    assert (read.rating, set(read.tags)) == (rating, tags)


@pytest.mark.parametrize(
    "data",
    [
        with_chunk(picture("PNG"), b"caBX", b"seal"),
        picture("GIF"),
        picture("PNG", pnginfo=texts(xmp="no XML")),
        picture("JPEG", xmp=RDF.format(PROPERTIES.format("", "", "x" * 64_800)).encode()),
    ],
    ids=["sealed", "another kind", "no XMP", "no room"],
)
def test_what_cannot_be_written_into_is_left_alone(data: bytes) -> None:
    with pytest.raises(LeftAlone):
        marked(data, MARKS)


@pytest.mark.skipif(not shutil.which("exiftool"), reason="exiftool is not installed, so it is not asked what it reads")
def test_exiftool_reads_them_without_a_warning(tmp_path: Path) -> None:
    for number, made in enumerate(CARRIERS.values()):
        extension, came = made()
        (tmp_path / f"{number:02d}.{extension}").write_bytes(marked(carrying(extension, came), MARKS))
    run = subprocess.run(["exiftool", "-j", "-validate", "-warning", "-a", "-Rating", "-Subject", "-TagsList",
                          "-HierarchicalSubject", str(tmp_path)], capture_output=True, check=True)  # fmt: skip
    for read in json.loads(run.stdout):
        assert (read["Rating"], read["Subject"]) == (4, ["wet & red", "car", "日本"]), read
        assert read["TagsList"] == list(MARKS.tags) and read["HierarchicalSubject"][1] == "things|wheeled|car"
        assert "Error" not in read and "XMP" not in str(read.get("Warning")).replace(
            "XMP is missing xpacket wrapper", ""
        )
