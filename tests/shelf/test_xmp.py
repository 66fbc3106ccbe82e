"""XMP files beside products: well-formed whatever was said, ours alone written over."""

from __future__ import annotations

import re
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

DARKTABLE = """<?xml version="1.0" encoding="UTF-8"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 4.4.0-Exiv2">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"> <!-- a hand wrote this -->
  <rdf:Description rdf:about=""
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:darktable="http://darktable.sf.net/"
   xmp:Rating="1"
   darktable:history_end="7">
   <dc:subject>
    <rdf:Bag>
     <rdf:li>sunset</rdf:li>
    </rdf:Bag>
   </dc:subject>
   <dc:description><rdf:Alt><rdf:li>theirs</rdf:li></rdf:Alt></dc:description>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
"""


def told(**said: Any) -> dict[str, Any]:
    prompt = {"generation": {"prompt": "a red car"}}
    return {"rating": None, "tags": [], "notes": None, "parameters": prompt, **said}


def read(data: bytes) -> dict[str, list[str]]:
    (described,) = ElementTree.fromstring(data).iter(f"{RDF}Description")
    return {
        part.tag: [str(text.text) for text in part.iter(f"{RDF}li")] or [str(part.text)] for part in described
        if not part.tag.startswith("{urn:artfactoryd")
    }  # fmt: skip


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


def test_ours_is_brought_up_to_date_and_a_link_is_left(tmp_path: Path) -> None:
    product, path = tmp_path / "a.png", tmp_path / "a.png.xmp"
    assert b"hierarchicalSubject><rdf:Bag>" in xmp.document(told(tags=["a/b"]))  # digiKam takes a Seq for flat ones
    assert xmp.keep(product, told(rating=1)) and xmp.keep(product, told(rating=2)) and xmp.keep(product, told(rating=2))
    assert read(path.read_bytes())[RATING] == ["2"] and [*tmp_path.iterdir()] == [path]
    path.rename(tmp_path / "mine")
    path.symlink_to(tmp_path / "mine")
    assert not xmp.keep(product, told(rating=5)) and path.is_symlink()


def test_what_was_said_is_put_into_anothers_and_all_else_in_it_stays(tmp_path: Path) -> None:
    product, path = tmp_path / "a.png", tmp_path / "a.png.xmp"
    theirs = DARKTABLE.encode()
    path.write_bytes(theirs)
    assert xmp.keep(product, told(rating=4, tags=["type/car"])) and xmp.keep(product, told(rating=4, tags=["type/car"]))
    merged = path.read_bytes()
    assert (len(re.findall(b"Rating", merged)), merged.count(b'xmp:Rating="4"')) == (3, 1)
    for stays in (b"<!-- a hand wrote this -->", b'darktable:history_end="7"', b"<rdf:li>theirs</rdf:li>", b"sunset"):
        assert stays in merged
    assert [*tmp_path.iterdir()] == [path]


def test_what_another_program_says_since_is_overruled_by_nothing_but_a_new_word(tmp_path: Path) -> None:
    product, path = tmp_path / "a.png", tmp_path / "a.png.xmp"
    assert xmp.keep(product, told(rating=2, tags=["a", "b"]))
    path.write_bytes(
        path.read_bytes().replace(b"<xmp:Rating>2<", b"<xmp:Rating>3<").replace(b"<rdf:li>a<", b"<rdf:li>x<", 2)
    )
    assert xmp.keep(product, told(rating=2, tags=["a", "c"]))
    now = read(path.read_bytes())
    assert (now[RATING], now[f"{DC}subject"], now[DIGIKAM]) == (["3"], ["x", "c"], ["x", "c"])
    assert xmp.keep(product, told(rating=5, tags=["a", "c"])) and read(path.read_bytes())[RATING] == ["5"]


@pytest.mark.parametrize(
    "theirs", [b"", b"my notes", b"<a/>", DARKTABLE.encode("utf-16"), b"<!DOCTYPE a [<!ENTITY b 'c'>]><a/>"]
)
def test_what_is_no_xmp_is_left(tmp_path: Path, theirs: bytes) -> None:
    (tmp_path / "a.png.xmp").write_bytes(theirs)
    assert not xmp.keep(tmp_path / "a.png", told(rating=5)) and (tmp_path / "a.png.xmp").read_bytes() == theirs
