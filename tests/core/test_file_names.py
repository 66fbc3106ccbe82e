from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from artfactoryd.core import file_names
from artfactoryd.core.names import PATTERN
from tests.orders import MODEL, model

SHA = "3f9ac2d1" * 8


def values(index: int = 1, prompt: str = "A red car", extension: str = "png", **more: Any) -> dict[str, Any]:
    of_order = file_names.of_order("My cars", "Summer/Cars", "0193-id", datetime(2026, 3, 7))
    tokens = [("prompt", "[colour]", "Dark red"), ("prompt", "[1,2]", "1")]
    of_item = file_names.of_item(MODEL, {"prompt": prompt, "steps": 2, "guidance": 3.5, **more}, tokens, ["colour"])
    return {**of_order, **of_item, **file_names.of_bytes(index, 2, 7, SHA, extension), "width": 640, "height": 480}


@pytest.mark.parametrize(("pattern", "name"), [
    (PATTERN, "0001-a-red-car-3f9ac2d1.png"),
    ("{project}/{order}_{index}.{ext}", "summer-cars/my-cars_1.png"),
    ("{year}/{month}/{day}/{seed:05d}-{copy}.{ext}", "2026/03/07/00007-2.png"),
    ("{colour}/{steps:03d} {guidance}.{ext}", "dark-red/002 3.5.png"),
    ("{model}-{family}-{provider}-{width}x{height}.{ext}", "painter-painter-acme-640x480.png"),
    ("{negative_prompt}{{a}}.{ext}", "none{a}.png"),
    ("{order_id}/{hash}.{ext}", f"0193-id/{SHA}.png"),
])  # fmt: skip
def test_a_pattern_is_filled_in(pattern: str, name: str) -> None:
    assert file_names.problems(pattern, MODEL, ["colour"]) == []
    assert file_names.name(pattern, values()) == name


@pytest.mark.parametrize(("pattern", "column", "words"), [
    ("{indx}.{ext}", 1, "Did you mean {index}?"), ("{INDEX}.{ext}", 1, "Did you mean {index}?"),
    ("a-{colour}.{ext}", 3, "there is no field {colour}"), ("{filename}.{ext}", 1, "Did you mean {photo}?"),
    ("a-[seed].{ext}", 3, "Write {seed}."), ("%Seed%.{ext}", 1, "Write {seed}."), ("${number}.{ext}", 2, "{index}"),
    ("<title>.{ext}", 1, "Write {title}."), ("{date}.{ext}", 1, "{year}-{month}-{day}"),
    ("{slug:04d}.{ext}", 1, "takes no format"),
    ("{prompt:04d}.{ext}", 1, "takes no format"),
    ("{index:>9}.{ext}", 1, "is no format"),
    ("a{index.{ext}", 2, "a single {"),
    ("a}.{ext}", 2, "a single }"),
    ("{}.{ext}", 1, "there is no field {}"),
    ("/a/{index}.{ext}", 1, "not with /"),
    ("../{index}.{ext}", 1, "empty, or begins with a dot"),
    ("a//{index}.{ext}", 1, "empty, or begins with a dot"),
    ("a/.{ext}", 1, "empty, or begins with a dot"),
    ("{index:04d}:{seed}.{ext}", 12, "cannot hold ':'"),
    ("Inputs/{index}.{ext}", 1, "the folder `inputs`"),
    ("{seed}/Sidecars/{index}.{ext}", 1, "the folder `sidecars`"),
    ("sheets/{index}.{ext}", 1, "the folder `sheets`"),
    (".sidecars/{index}.{ext}", 1, "begins with a dot"),
    ("Contact-Sheet.{ext}", 1, "written by the program itself"),
    ("/".join("abcdefgh") + "/{index}.{ext}", 1, "at most 8 parts"),
    ("{index}", 7, "ends with .{ext}"),
])  # fmt: skip
def test_a_bad_pattern_is_answered_with_its_column_and_what_to_write(pattern: str, column: int, words: str) -> None:
    (problem,) = file_names.problems(pattern, MODEL)
    assert (problem.path, problem.column_in_value) == (("file",), column)
    assert words in f"{problem.message} {problem.fix}"


@given(st.integers(1, 10**7), st.text(), st.sampled_from(["png", "webp", "jpeg"]))
@example(1, "𠀀" * 60, "webp")
@example(1, "../../etc", "png")
def test_a_products_name_fits_every_disk_even_as_a_sidecar(index: int, prompt: str, extension: str) -> None:
    name = file_names.name(PATTERN, values(index, prompt, extension))
    assert len(f"{name}.json".encode()) <= 255
    assert re.fullmatch(rf"\d{{4,}}-[^/]+-3f9ac2d1\.{extension}", name)


@given(st.text())
@example("..")
@example("inputs")
@example("../" * 50)
def test_no_value_leads_out_of_the_orders_folder_or_into_its_inputs(text: str) -> None:
    name = file_names.name("{title}/ {title}/{prompt}{prompt}{prompt}{prompt}.{ext}", values(prompt=text, title=text))
    folders = name.split("/")
    assert len(folders) == 3 and folders[0] != "inputs"
    assert all(part and not part.startswith(".") and len(part.encode()) < 250 for part in folders)


@pytest.mark.parametrize(("pattern", "may"), [(PATTERN, False), ("{slug}.{ext}", True), ("{hash}.{ext}", False)])
def test_what_tells_products_apart_is_known(pattern: str, may: bool) -> None:
    assert file_names.may_collide(pattern) == may


TAKER = model(
    image="image", synonyms={"foto": "image"}, seed=None,
    schema={"properties": {
        "image": {"type": "string", "format": "uri"}, "fit": {"type": "string"},
        "faces": {"type": "array", "items": {"properties": {"url": {"type": "string", "format": "uri"}}}},
    }},
)  # fmt: skip
KNOWN = {"product:0193": "0007-red.png", "https://x.org/y?z=1": "Y b.jpg", "product 5": ""}
BEFORE = {"photo": file_names.Stem("First"), "image": file_names.Stem("beach"), "colour": "Dark red", "steps": 4}


@pytest.mark.parametrize(("parameters", "before", "pattern", "name"), [
    ({"image": "trip/IMG_7 (2).b.JPG"}, None, "{image} {foto} {photo}.{ext}", "IMG_7-2-b IMG_7-2-b IMG_7-2-b.png"),
    ({"image": "product:0193"}, None, "{image}.{ext}", "0007-red.png"),
    ({"image": "https://x.org/y?z=1"}, None, "{image}.{ext}", "Y-b.png"),
    ({"image": "product 5"}, BEFORE, "{image} {photo} {colour} {steps:02d}.{ext}", "none First dark-red 04.png"),
    ({"fit": "pad"}, BEFORE, "{fit} {image}.{ext}", "pad beach.png"),
    ({"faces": [{"url": "a.png"}, {"url": "b/c.png"}]}, None, "{faces}-{photo}.{ext}", "a-c-a-c.png"),
    ({}, None, "{image}-{photo}-{seed}.{ext}", "none-none-none.png"),
    ({"image": "x" * 90 + "1.png"}, None, "{image}.{ext}", "x" * 90 + "1.png"),
])  # fmt: skip
def test_a_picture_is_told_by_its_name_and_the_rest_by_what_was_before(
    parameters: dict[str, Any], before: dict[str, Any] | None, pattern: str, name: str
) -> None:
    values = file_names.of_item(TAKER, parameters, [], [], KNOWN, before)
    assert file_names.name(pattern, {**values, **file_names.of_bytes(1, 0, None, SHA, "png")}) == name


@pytest.mark.parametrize(("pattern", "given", "name"), [
    ("{slug}.{ext}", {"slug": "contact-sheet"}, "contact-sheet-1.png"),
    ("{slug}/1.{ext}", {"slug": "contact-sheet"}, "contact-sheet/1.png"),
    ("{seed}/{slug}/1.{ext}", {"slug": "Sidecars"}, "7/sidecars-1/1.png"),
    ("{slug}.{ext}", {"slug": "receipt", "ext": "yaml"}, "receipt-1.yaml"),
])  # fmt: skip
def test_no_value_gives_a_product_the_name_of_what_the_program_writes(
    pattern: str, given: dict[str, str], name: str
) -> None:
    assert file_names.name(pattern, values() | given) == name


def test_pictures_of_a_sidecar_are_told_by_their_names_too() -> None:
    inputs = [{"parameter": "image", "file": "inputs/IMG_7.jpg"}, {"parameter": "faces.0.url", "file": "inputs/a.png"},
              {"parameter": "faces.1.url", "file": "b.png"}]  # fmt: skip
    assert file_names.of_inputs(inputs) == {"image": "IMG_7", "faces": "a-b"}
