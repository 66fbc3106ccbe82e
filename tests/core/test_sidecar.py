from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from artfactoryd import schema
from artfactoryd.core.model import Model
from artfactoryd.core.sidecar import sidecar
from artfactoryd.core.slug import LONGEST_SLUG, folder_name, prompt_of, slug

SHA = "3f9ac2d1" + "0" * 56


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A red car", "a-red-car"), ("  a -- car, (fast)!  ", "a-car-fast"),
        ("well-known_thing", "well-known_thing"),
        ("Ein grüner Käfer", "ein-grüner-käfer"), ("зелёная машина", "зелёная-машина"), ("赤い車、夜", "赤い車-夜"),
        ("e\u0301te\u0301", "été"), ("हिन्दी", "हिन्दी"), ("a/b\\c:d*e?f\"g<h>i|j", "a-b-c-d-e-f-g-h-i-j"),
        ("../../etc/passwd", "etc-passwd"), ("a\x00b\nc\td", "a-b-c-d"), ("I ❤️ cars 🚗", "i-cars"),
        ("1️⃣ one", "1️⃣-one"),
        ("\ud800x", "x"), ("-rf", "rf"), ("a.", "a"), ("CON", "con"), ("İ", "i̇"), ("a--b", "a--b"),
    ],
)  # fmt: skip
def test_a_slug_keeps_letters_of_any_script_and_nothing_unsafe(text: str, found: str) -> None:
    assert slug(text) == found


@pytest.mark.parametrize("text", ["", " ", ".", "..", "-", "--_", "/", "🚗", "\u0301", "\u200d", "???"])
def test_a_slug_is_never_empty(text: str) -> None:
    assert slug(text) == "picture"
    assert slug(text, otherwise="order") == folder_name(text, rehearsal=False) == "order"


def test_a_slug_ends_after_48_letters_whatever_their_bytes() -> None:
    assert slug("車" * 60) == "車" * 48
    assert slug("𠀀" * 60) == "𠀀" * 48
    assert slug("a" * 47 + " bcd") == "a" * 47
    assert slug("word " * 300_000) == "-".join(["word"] * 9) + "-wor"
    assert slug("-" * 300_000 + "x") == "picture"


@given(st.text())
@example("a\u0301.\u0301")
@example("ﬃ" * 60)
@example("a\u0327.\u0301")
@example("İ\u0327")
def test_a_slug_is_one_safe_short_composed_name(text: str) -> None:
    found = slug(text)
    assert 1 <= len(found) <= LONGEST_SLUG
    assert found not in (".", "..") and found[0] not in "-_." and found[-1] not in "-_."
    assert all(unicodedata.category(char)[0] in "LNM" or char in "-_" for char in found)
    assert unicodedata.normalize("NFC", found) == found
    assert slug(unicodedata.normalize("NFD", text)) == slug(unicodedata.normalize("NFC", text))


@given(st.text(), st.booleans())
@example("𠀀" * 300, True)
def test_an_orders_folder_has_a_safe_name_that_says_when_it_is_a_rehearsal(name: str, rehearsal: bool) -> None:
    found = folder_name(name, rehearsal)
    assert len(found.encode()) <= 240
    assert found not in (".", "..") and not set(found) & set("/\\:\x00")
    assert found.endswith("-rehearsal") or not rehearsal


@pytest.mark.parametrize(
    ("parameters", "prompt"),
    [
        ({"prompt": "a", "title": "b"}, "a"), ({"title": "b"}, "b"), ({"prompt": "", "title": "b"}, "b"),
        ({"n": 1}, ""),
        ({"prompt": None}, ""), ({"prompt": 7}, "7"), ({"other": "c"}, ""),
    ],
)  # fmt: skip
def test_what_an_item_is_about_is_its_prompt_else_its_first_text(parameters: dict[str, Any], prompt: str) -> None:
    assert prompt_of(parameters, Model("p", "m", text=("title",))) == prompt


def test_an_item_without_words_is_about_its_picture() -> None:
    schema = {"properties": {"mask": {"type": "string", "format": "uri"}, "width": {"type": "integer"}}}
    resize = Model("local", "resize", image="image", schema=schema)
    assert prompt_of({"image": "in/beach.v2.jpg", "width": 3}, resize) == "beach.v2"
    assert prompt_of({"mask": "hole.png", "image": "beach.jpg"}, resize) == "hole" and prompt_of({}, resize) == ""


BASE_OF = {"sha256": SHA, "path": "Projects/summer-cars/2026-11-22/cars/order.yaml"}


def facts(**changes: Any) -> dict[str, Any]:
    return {
        "project": "summer-cars", "order_id": "0196f5a0-0000-7000-8000-000000000000", "order_name": "cars",
        "document_sha256": SHA, "git": None, "number": 2, "copy": 0, "seed": 7,
        "tokens": [{"parameter": "prompt", "token": "[red,blue]", "value": "red"}], "provider": "replicate",
        "model": {"id": "acme/painter", "version": None, "family": "painter", "modality": "text-to-image", "text": ()},
        "ticket": "t1", "base": {"prompt": "A [red,blue] car"}, "base_of": BASE_OF,
        "generation": {"prompt": "A red car"}, "actual": {}, "returned": {}, "asked": 1, "delivered": 1,
        "cost_usd": 0.003, "cost_estimated": False,
        "timings": {"seconds": 1.5},
        "parents": [], "stage": None,
        "inputs": [{"parameter": "image", "sha256": SHA, "file": "inputs/a.png", "source": "a.png"}],
        "tags": ["a"], "notes": "", "rehearsal": False, "origin": {"file": "cars.yaml"},
        "software_version": "1", **changes,
    }  # fmt: skip


FILE: dict[str, Any] = {
    "name": "0001-a-red-car-3f9ac2d1.png", "index": 1, "sha256": SHA, "original_sha256": SHA, "bytes": 9,
    "mime": "image/png",
    "width": 8, "height": 8, "duration": None,
}  # fmt: skip
CHOSEN = {"id": "0196f5a0-0000-7000-8000-000000000001", "created_at": "2026-11-22T10:00:00.000+01:00", "index": 1}


NOTHING: dict[str, Any] = {"ticket": None, "seed": None, "tokens": [], "git": {"commit": "c", "dirty": True}}


@pytest.mark.parametrize("changes", [{}, NOTHING])
def test_a_sidecar_is_complete_by_its_schema(changes: dict[str, Any]) -> None:
    assert schema.check_mapping(sidecar(facts(**changes), FILE, CHOSEN), "sidecar") == []


def test_a_sidecar_tells_what_was_asked_sent_and_paid() -> None:
    found = sidecar(facts(), FILE, CHOSEN)
    assert (found["id"], found["created_at"], found["file"]) == (CHOSEN["id"], CHOSEN["created_at"], FILE)
    assert found["item"] == {"index": 2, "copy": 0, "seed": 7, "tokens": facts()["tokens"]}
    assert found["parameters"] == {
        "base": {"prompt": "A [red,blue] car"}, "base_of": BASE_OF, "generation": {"prompt": "A red car"}, "actual": {},
        "returned": {},
    }  # fmt: skip
    assert found["cost"] == {"usd": 0.003, "estimated": False} and found["inputs"] == facts()["inputs"]
    assert "text" not in found["model"]


def test_one_of_the_first_version_with_whole_lists_is_as_good_and_one_of_the_second_names_its_order() -> None:
    card = sidecar(facts(), FILE, CHOSEN)
    first = {**card, "parameters": {**card["parameters"], "base": {"prompt": ["A [red,blue] car", "A bus"]}}}
    del first["version"], first["parameters"]["base_of"]
    assert card["version"] == 2 and schema.check_mapping(first, "sidecar") == []
    (problem,) = schema.check_mapping({**first, "version": 2}, "sidecar")
    assert "base_of" in str(problem)
