"""Outputs are found in answers of any shape, and what is no file is the text that it is."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from artfactoryd.factories.http.shapes import outputs_in, text_in

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(80)).decode()
FILM = base64.b64encode(b"\0\0\0\x20ftypisom" + bytes(80)).decode()
FOUND: list[tuple[Any, list[str]]] = [
    (
        {"result": {"files": [{"href": "https://a/1"}, {"download": {"link": "HTTPS://a/2"}}]}},
        ["https://a/1", "HTTPS://a/2"],
    ),
    ({"a": {"b": {"c": {"d": {"e": ["https://a/deep.png"]}}}}}, ["https://a/deep.png"]),
    (PNG, [f"data:;base64,{PNG}"]),
    ({"image": FILM}, [f"data:;base64,{FILM}"]),
    ({"data": [{"b64_json": "QUJDREVGR0hJSktMTU5P"}]}, ["data:;base64,QUJDREVGR0hJSktMTU5P"]),
    ({"image": f"base64,{PNG}"}, [f"data:;base64,{PNG}"]),
    ("DATA:image/png;base64,AAAA", ["data:image/png;base64,AAAA"]),
    ("  https://a/1.png \n", ["https://a/1.png"]),
    ('{"url": "https://a/1"}', ["https://a/1"]),
    ("Here it is: ![cat](https://a/cat.png)", ["https://a/cat.png"]),
    (["https://a/1", "https://a/1"], ["https://a/1"]),
    ({"prompt": "like https://a/cat.png", "images": []}, []),
    ("A cat on a mat, see https://example.com.", []),
    ({"seed": 3, "images": [], "has_nsfw_concepts": []}, []),
    ([[[[None, True, 3.5]]]], []),
]


@pytest.mark.parametrize(("answer", "addresses"), FOUND, ids=lambda value: str(value)[:50])
def test_every_address_and_every_picture_written_out_is_found(answer: Any, addresses: list[str]) -> None:
    assert [output.address for output in outputs_in(answer)] == addresses


def test_what_came_beside_is_marked_unless_it_came_alone() -> None:
    both = outputs_in({"image": {"url": "https://a/1"}, "mask_image": {"url": "https://a/m"}})
    assert [output.byproduct for output in both] == [False, True]
    assert [output.byproduct for output in outputs_in({"masks": ["https://a/m"]})] == [False]


WORDS: list[tuple[Any, str | None]] = [
    ("a cat", "a cat"), (["a ", "cat"], "a cat"), ({"text": "a cat"}, "a cat"), ({"prompt": "x", "seed": 1}, None),
    ([], None), ("", None), (None, None), ({"images": [], "seed": 1}, None), ({"score": 0.5}, '{\n  "score": 0.5\n}'),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "words"), WORDS, ids=str)
def test_what_a_model_says_is_a_text(answer: Any, words: str | None) -> None:
    output = text_in(answer)
    assert (output and base64.b64decode(output.address.partition(",")[2]).decode()) == words
