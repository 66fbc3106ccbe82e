"""The decoder's side: lines in, lines out; what cannot be read says nothing of the picture."""

from __future__ import annotations

import io
import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from artfactoryd.core.sheets.facts import Picture
from artfactoryd.core.sheets.layout import lay_out
from artfactoryd.core.sheets.sheet import Sheet
from artfactoryd.shelf import looker
from artfactoryd.shelf.sheets.marks import Mark, mark_of
from artfactoryd.shelf.thumbnails.cache import Cache
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


def test_one_that_never_comes_to_an_end_is_ended_by_the_system_after_its_time_of_the_processor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def never(request: object) -> dict[str, object]:
        while True:
            pass

    monkeypatch.setattr(looker, "answer", never)
    if (child := os.fork()) == 0:
        looker.serve(io.BytesIO(b'{"longest": 0.02}\n'), io.BytesIO())
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGPROF


def test_thumbnails_are_made_once_of_the_one_decoding(tmp_path: Path) -> None:
    draw(tmp_path / "car.png")
    cache = Cache(tmp_path / "thumbnails")
    asked = {
        "path": str(tmp_path / "car.png"), "megapixels": 1.0, "mime": "image/png", "sha256": "ab12",
        "thumbnails": str(cache.folder),
    }  # fmt: skip
    first = looker.look(asked)
    assert first["fault"] == "" and cache.has("ab12")
    assert first["bytes"] == sum(path.stat().st_size for path in cache.folder.rglob("*.jpg"))
    assert looker.look(asked)["bytes"] == 0


def test_what_is_larger_than_the_bound_gets_none(tmp_path: Path) -> None:
    draw(tmp_path / "car.png")
    cache = Cache(tmp_path / "thumbnails")
    asked = {"path": str(tmp_path / "car.png"), "sha256": "ab12", "mime": "image/png", "thumbnails": str(cache.folder)}
    answer = looker.look({**asked, "megapixels": 0.00001})
    assert (answer["fault"], answer["bytes"]) == ("", 0) and not cache.folder.exists()


@pytest.mark.parametrize("mime", ["video/mp4", "audio/mpeg", "text/plain"])
def test_what_is_no_picture_and_shows_no_frame_is_well_all_the_same(tmp_path: Path, mime: str) -> None:
    (tmp_path / "clip").write_bytes(b"\0\0\0\x18ftypmp42")
    cache = Cache(tmp_path / "thumbnails")
    asked = {"path": str(tmp_path / "clip"), "megapixels": 1.0, "sha256": "ab12", "mime": mime}
    answer = looker.look({**asked, "thumbnails": str(cache.folder)})
    assert (answer["fault"], answer["bytes"]) == ("", 0)


def test_a_sheet_is_drawn_of_thumbnails_and_those_that_are_gone_are_made_again(tmp_path: Path) -> None:
    draw(tmp_path / "car.png")
    (tmp_path / "song.txt").write_text("la la la")
    picture = Picture({}, name="car.png", path="car.png", sha256="ab12", mime="image/png", width=64, height=48)
    text = Picture({}, name="song.txt", path="song.txt", sha256="cd34", mime="text/plain")
    sheet = Sheet("cars", ["a car"], lay_out([picture, text, replace(picture, blank="waits")]), "0193", 1, 1)
    asked = {
        "sheet": sheet.to_json(), "home": str(tmp_path), "thumbnails": str(tmp_path / "thumbnails"), "megapixels": 1.0,
        "target": str(tmp_path / "contact-sheet.jpg"),
    }  # fmt: skip
    answer = looker.answer(asked)
    assert answer["fault"] == "" and answer["bytes"] and Cache(tmp_path / "thumbnails").has("ab12")
    assert mark_of(tmp_path / "contact-sheet.jpg") == Mark("0193", 1, sheet.digest)
    assert looker.answer({**asked, "target": str(tmp_path / "nowhere" / "sheet.jpg")})["fault"] is None
