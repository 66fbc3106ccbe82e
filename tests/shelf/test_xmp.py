"""XMP files beside products: well-formed whatever was said, ours alone written over."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from artfactoryd.shelf import xmp

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
DIGIKAM = "{http://www.digikam.org/ns/1.0/}TagsList"
LIGHTROOM = "{http://ns.adobe.com/lightroom/1.0/}hierarchicalSubject"
DC = "{http://purl.org/dc/elements/1.1/}"
RATING = "{http://ns.adobe.com/xap/1.0/}Rating"


def told(**said: Any) -> dict[str, Any]:
    prompt = {"generation": {"prompt": "a red car"}}
    return {"rating": None, "tags": [], "notes": None, "parameters": prompt, **said}


def read(data: bytes) -> dict[str, list[str]]:
    (described,) = ElementTree.fromstring(data).iter(f"{RDF}Description")
    return {part.tag: [str(text.text) for text in part.iter(f"{RDF}li")] or [str(part.text)] for part in described}


@pytest.mark.parametrize(
    ("said", "properties"),
    [
        ({}, {f"{DC}description": ["a red car"]}),
        ({"rating": 0, "notes": "for <the> & cover"}, {RATING: ["0"], f"{DC}description": ["for <the> & cover"]}),
        (
            {"rating": 5, "tags": ["type/car", "birds, and allies", "日本", "a|b"], "notes": "x"},
            {RATING: ["5"], f"{DC}description": ["x"], f"{DC}subject": ["car", "birds, and allies", "日本", "a|b"],
             DIGIKAM: ["type/car", "birds, and allies", "日本", "a|b"],
             LIGHTROOM: ["type|car", "birds, and allies", "日本", "a b"]},
        ),
        ({"notes": "no\x00 \ud800XML\ufffe", "tags": ["/", " "]}, {f"{DC}description": ["no XML"]}),
    ],
)  # fmt: skip
def test_what_was_said_is_read_again_by_who_reads_xmp(said: dict[str, Any], properties: dict[str, list[str]]) -> None:
    assert read(xmp.document(told(**said))) == properties


def test_ours_is_brought_up_to_date_and_one_that_was_changed_or_is_a_link_is_left(tmp_path: Path) -> None:
    product, path = tmp_path / "a.png", tmp_path / "a.png.xmp"
    assert b"hierarchicalSubject><rdf:Bag>" in xmp.document(told(tags=["a/b"]))  # digiKam takes a Seq for flat ones
    assert xmp.keep(product, told(rating=1)) and xmp.keep(product, told(rating=2)) and xmp.keep(product, told(rating=2))
    assert read(path.read_bytes())[RATING] == ["2"] and [*tmp_path.iterdir()] == [path]
    path.write_bytes(changed := path.read_bytes().replace(b">2<", b">3<"))
    assert not xmp.keep(product, told(rating=4)) and path.read_bytes() == changed
    path.rename(tmp_path / "mine")
    path.symlink_to(tmp_path / "mine")
    assert not xmp.keep(product, told(rating=5)) and path.is_symlink()
