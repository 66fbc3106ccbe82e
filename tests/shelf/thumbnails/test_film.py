"""A frame of a film: by the ffmpeg that is there, of the format that it is and no other."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest
from PIL import Image

from artfactoryd.shelf.thumbnails import film
from tests import films


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An ffmpeg that gives a frame and writes down what it was asked."""
    data = io.BytesIO()
    Image.new("RGB", (32, 18), "red").save(data, "PNG")
    (tmp_path / "frame.png").write_bytes(data.getvalue())
    program = tmp_path / "ffmpeg"
    program.write_text(f'#!/bin/sh\necho "$@" > "{tmp_path}/asked"\n/bin/cat "{tmp_path}/frame.png"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path / "asked"


def test_a_frame_is_taken_and_the_format_is_not_guessed(tmp_path: Path, asked: Path) -> None:
    frame = film.frame(tmp_path / "clip.mp4", "video/mp4")
    assert frame is not None and frame.size == (32, 18)
    words = asked.read_text()
    assert "-f mov" in words and "-protocol_whitelist file" in words


def test_what_is_no_film_is_not_shown_to_it(tmp_path: Path, asked: Path) -> None:
    assert film.frame(tmp_path / "list.txt", "text/plain") is None and not asked.exists()


@pytest.mark.parametrize("gives", [b"", b"no picture"])
def test_where_it_finds_no_frame_there_is_none(tmp_path: Path, asked: Path, gives: bytes) -> None:
    (tmp_path / "frame.png").write_bytes(gives)
    assert film.frame(tmp_path / "clip.mp4", "video/mp4") is None and asked.exists()


def test_a_sound_is_drawn_as_its_wave(tmp_path: Path, asked: Path) -> None:
    wave = film.frame(tmp_path / "song.mp3", "audio/mpeg")
    assert wave is not None and wave.size == film.WAVE
    assert "-f mp3" in asked.read_text() and "showwavespic" in asked.read_text()


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="there is no ffmpeg here")
def test_the_ffmpeg_of_this_machine_shows_a_film_and_a_sound(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(films.mp4(1, (64, 36), "red"))
    (tmp_path / "a.wav").write_bytes(films.wav(0.2))
    frame, wave = (film.frame(tmp_path / name, mime) for name, mime in (("a.mp4", "video/mp4"), ("a.wav", "audio/wav")))
    assert frame is not None and frame.size == (64, 36) and frame.convert("RGB").tobytes()[0] > 200
    assert wave is not None and wave.size == film.WAVE


def test_without_it_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, **more: None)
    assert film.frame(tmp_path / "clip.mp4", "video/mp4") is None
