"""Outputs are found in answers of any shape, and what is no file is the text that it is."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from artfactoryd.factories.http.shapes import outputs_in, text_beside, text_in

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


PICTURE = "data:image/png;base64,iVBORw0KGgo="
TEXTS: list[tuple[Any, list[bool]]] = [
    (["https://a/1.png", "data:text/plain;base64,YSBjYXQ="], [False, True]),
    ({"images": [PICTURE], "report": "data:application/json,%7B%7D"}, [False, True]),
    ({"images": [PICTURE], "words": "data:,a cat"}, [False, True]),
    (
        {"image": "https://a/1", "log": {"url": "https://a/2", "content_type": "text/plain;a=b"}},
        [False, True],
    ),
    (["https://a/1.webp", "https://a/words.SRT?x=1.png"], [False, True]),
    (["data:text/plain,a", "data:text/plain,b"], [False, False]),
    (["https://a/1.txt"], [False]),
    (["https://a/drawing.svg", "data:image/svg+xml,%3Csvg/%3E", "https://a/2.png"], [False, False, False]),
    (["http://[odd/1.txt", "https://a/2.png"], [True, False]),
]


@pytest.mark.parametrize(("answer", "beside"), TEXTS, ids=lambda value: str(value)[:50])
def test_a_text_beside_a_picture_is_not_paid_for_as_one(answer: Any, beside: list[bool]) -> None:
    assert [output.byproduct for output in outputs_in(answer)] == beside


WORDS: list[tuple[Any, str | None]] = [
    ("a cat", "a cat"), (["a ", "cat"], "a cat"), ({"text": "a cat"}, "a cat"), ({"prompt": "x", "seed": 1}, None),
    ([], None), ("", None), (None, None), ({"images": [], "seed": 1}, None), ({"score": 0.5}, '{\n  "score": 0.5\n}'),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "words"), WORDS, ids=str)
def test_what_a_model_says_is_a_text(answer: Any, words: str | None) -> None:
    output = text_in(answer)
    assert (output and base64.b64decode(output.address.partition(",")[2]).decode()) == words


A, B = "https://a/1.png", "https://a/2.png"
DETECTED = [{"label": "mug", "bbox": [1, 2, 3, 4]}]
BESIDE: list[tuple[Any, str | None]] = [
    ([A, "a caption of the picture"], "a caption of the picture"),
    ({"image": A, "caption": "a red car"}, "a red car"),
    ({"image": A, "caption": "sunset"}, "sunset"),
    ([A, "一只猫"], "一只猫"),
    ([A, "one caption", B, "another"], "one caption\nanother"),
    (["Here ", "it is: ", A], "Here it is: "),
    ([{"url": A, "width": 8, "caption": "a red car"}], '[\n  {\n    "caption": "a red car"\n  }\n]'),
    ("Here it is: ![cat](https://a/cat.png)", "Here it is: ![cat](https://a/cat.png)"),
    (f'{{"url": "{A}", "text": "a red car"}}', "a red car"),
    ({"audio": A, "transcription": "so it is", "detected_language": "english"}, "so it is"),
    ({"result_image": A, "detections": DETECTED}, f'{{"detections": {DETECTED}}}'.replace("'", '"')),
    ({"image": A, "embedding": [0.5] * 9}, '{"embedding": [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]}'),
    ([A, "ok"], None),
    ({"image": A, "status": "all is well", "id": "8d0c7cb0", "score": 0.5, "nsfw": False}, None),
    ({"images": [{"url": A, "file_name": "my cat.png", "content_type": "image/png"}], "seed": 1}, None),
    ({"image": A, "revised_prompt": "a red car"}, None),
    ({"image": A, "text": "as it was sent"}, None),
    ([A, f"data:image/png;base64,{PNG}", PNG], None),
    ([A, B], None),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "words"), BESIDE, ids=lambda value: str(value)[:50])
def test_what_a_model_says_beside_its_files_is_a_text_that_costs_nothing(answer: Any, words: str | None) -> None:
    output = text_beside(answer, {"prompt": "as it was sent"})
    told = output and base64.b64decode(output.address.partition(",")[2]).decode()
    assert told == words or json.loads(told or "null") == json.loads(words or "null")
    assert output is None or (output.byproduct and output.mime == "text/plain")
