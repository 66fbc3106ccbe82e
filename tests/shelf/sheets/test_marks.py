"""A sheet of ours is known by the mark inside; a person's file, or ours that a person changed, is left alone."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from artfactoryd.planning.input_patterns import matches
from artfactoryd.shelf.sheets.marks import Mark, is_sheet, mark_of, marked, place_for

MARK = Mark("0193-order", 1, "digest")


def drawn(**more: object) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (40, 30), "teal").save(data, "JPEG", **more)
    return data.getvalue()


def test_the_mark_is_read_back_and_the_picture_is_the_same(tmp_path: Path) -> None:
    (tmp_path / "sheet.jpg").write_bytes(marked(drawn(), MARK))
    assert mark_of(tmp_path / "sheet.jpg") == MARK and is_sheet(tmp_path / "sheet.jpg")
    with Image.open(tmp_path / "sheet.jpg") as ours, Image.open(io.BytesIO(drawn())) as plain:
        assert ours.tobytes() == plain.tobytes()


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\xff\xd8", drawn(), drawn(comment=b"holiday"), drawn(comment=b"artfactoryd contact sheet {}"),
        marked(drawn(), MARK).replace(b"digest", b"tigest", 1)[:-3], b"\xff\xd8\xff\xfe\xff\xffartfactoryd",
    ],
)  # fmt: skip
def test_what_is_not_ours_or_was_changed_has_none_and_keeps_its_name(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "contact-sheet.jpg").write_bytes(data)
    assert mark_of(tmp_path / "contact-sheet.jpg") is None
    assert place_for(tmp_path, "contact-sheet.jpg", "0193-order", 1) == (tmp_path / "contact-sheet-2.jpg", None)


def test_ours_is_replaced_wherever_it_went_behind_a_persons_own(tmp_path: Path) -> None:
    (tmp_path / "contact-sheet.jpg").write_bytes(drawn())
    (tmp_path / "contact-sheet-2.jpg").write_bytes(marked(drawn(), MARK))
    assert place_for(tmp_path, "contact-sheet.jpg", "0193-order", 1) == (tmp_path / "contact-sheet-2.jpg", MARK)
    assert place_for(tmp_path, "contact-sheet.jpg", "other", 1) == (tmp_path / "contact-sheet-3.jpg", None)


def test_a_pattern_for_pictures_passes_over_sheets(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(drawn())
    (tmp_path / "contact-sheet.jpg").write_bytes(marked(drawn(), MARK))
    assert matches(tmp_path, "*.jpg") == ["a.jpg"]
