"""What every name of a file has in common."""

from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artfactoryd.core import names

TEXTS = st.text(max_size=300)


@pytest.mark.parametrize(
    ("one", "other"), [("Cars", "cars"), ("é", "e\u0301"), ("É", "e\u0301"), ("Straße", "STRASSE")]
)
def test_what_is_one_file_on_some_disk_is_folded_to_one(one: str, other: str) -> None:
    assert names.folded(one) == names.folded(other) != names.folded("other")


@given(TEXTS, st.integers(0, 300))
def test_what_is_cut_fits_and_is_the_beginning_without_half_a_letter(text: str, most: int) -> None:
    cut = names.cut(text, most)
    assert names.size(cut) <= most
    assert "".join(char for char in text if not "\ud800" <= char <= "\udfff").startswith(cut)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300), st.sampled_from(["", ".png"]))
def test_numbered_names_differ_and_fit_any_disk(stem: str, extension: str) -> None:
    first = list(islice(names.numbered(stem, extension), 12))
    assert len(set(first)) == 12
    assert all(names.size(name) <= names.LONGEST and name.endswith(extension) for name in first)
    assert first[1].endswith(f"-2{extension}")


def test_a_free_name_is_one_file_with_none_that_is_taken() -> None:
    assert names.free("a", ".png", []) == "a.png"
    assert names.free("A", ".png", ["a.png", "a-3.png"]) == "A-2.png"
    assert names.free("e\u0301", "", ["é", "É-2"]) == "e\u0301-3"


def test_a_count_is_put_into_words() -> None:
    counts = [names.counted(number, "picture", "waits", "wait") for number in (0, 1, 2)]
    assert counts == ["0 pictures wait", "1 picture waits", "2 pictures wait"]
    assert [names.counted(1, "item"), names.counted(2.5, "second")] == ["1 item", "2.5 seconds"]


@pytest.mark.parametrize(
    ("kinds", "reused", "seconds", "words"),
    [
        ({"image": 48}, 40, 0, "48 pictures (40 reused)"),
        ({"video": 1}, 0, 5.0, "1 film of 5 s"),
        ({"video": 2}, 1, 9.98, "2 films of 10 s together (1 reused)"),
        ({"audio": 3}, 0, 0, "3 sounds"),
        ({"audio": 1}, 0, 3723.2, "1 sound of 1:02:03"),
        ({"video": 1, "audio": 1}, 0, 90, "1 film and 1 sound of 1:30 together"),
        ({"video": 1, "image": 1}, 0, 5.0, "1 picture and 1 film"),
        ({"image": 2, "3d": 1, "other": 1}, 0, 0, "2 pictures, 1 3D scene and 1 other product"),
        ({"other": 2}, 0, 0, "2 products"),
        ({}, 0, 0, "0 pictures"),
    ],
)
def test_what_was_made_is_told_by_its_kinds(kinds: dict[str, int], reused: int, seconds: float, words: str) -> None:
    assert names.made_words(kinds, reused, seconds) == words


def test_a_kind_is_told_by_the_mime_type() -> None:
    mimes = ["image/png", "video/mp4", "audio/mpeg", "model/gltf-binary", "text/html", "application/zip"]
    assert [names.kind_of(mime) for mime in mimes] == ["image", "video", "audio", "3d", "text", "other"]
