"""The decoder's side: lines in, lines out; what cannot be read says nothing of the picture."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from artfactoryd.shelf import looker
from tests.pictures import draw


def test_each_line_is_answered_by_one(tmp_path: Path) -> None:
    draw(tmp_path / "car.png")
    (tmp_path / "odd.png").write_bytes(b"\x89PNG\r\n\x1a\nno more of it")
    names = ("car.png", "odd.png", "gone.png")
    asked = [json.dumps({"path": str(tmp_path / name), "megapixels": 1.0}).encode() + b"\n" for name in names]
    answers = io.BytesIO()
    looker.serve(io.BytesIO(b"".join(asked)), answers)
    told = [json.loads(line) for line in answers.getvalue().splitlines()]
    assert [answer["fault"] for answer in told][::2] == ["", None] and "damaged" in told[1]["fault"]
    assert all(answer["seconds"] >= 0 for answer in told)


def test_what_is_made_of_each_picture_hangs_on_the_one_decoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw(tmp_path / "car.png")
    sizes = list[tuple[int, int]]()
    monkeypatch.setattr(looker, "SEEN", (lambda picture: sizes.append(picture.size),))
    assert looker.look(tmp_path / "car.png", 1.0)["fault"] == "" and len(sizes) == 1
