"""Films, sounds and scenes walked through: how long, how large, of what, whether whole, and what they are called."""

from __future__ import annotations

import io
import json
import os
import shutil
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from artfactoryd.shelf.look import probe
from artfactoryd.shelf.media import Media, examine, examined
from tests import films

HD = (320, 180)
MAKES: dict[str, tuple[Callable[[], bytes], tuple[object, ...]]] = {
    # what it is: its bytes, then mime, extension, sides, seconds, codec
    "an index behind the frames": (lambda: films.mp4(2.5), ("video/mp4", "mp4", *HD, 2.5, "mjpeg")),
    "an index before them": (lambda: films.mp4(2.5, index_last=False), ("video/mp4", "mp4", *HD, 2.5, "mjpeg")),
    "a phone's, on its side": (lambda: films.mp4(1, turned=True), ("video/mp4", "mp4", 180, 320, 1.0, "mjpeg")),
    "QuickTime": (lambda: films.mp4(1, brand=b"qt  "), ("video/quicktime", "mov", *HD, 1.0, "mjpeg")),
    "streamed, no length at its beginning": (
        lambda: films.fragmented(3), ("video/mp4", "mp4", *HD, 3.0, "mjpeg")
    ),
    "WebM": (lambda: films.webm(2), ("video/webm", "webm", *HD, 2.0, "mjpeg")),
    "WebM as it was recorded": (lambda: films.webm(2, live=True), ("video/webm", "webm", *HD, 2.0, "mjpeg")),
    "WebM called mp4": (lambda: films.webm(2), ("video/webm", "webm", *HD, 2.0, "mjpeg")),
    "speech in a film's box": (lambda: spoken(films.mp4(2)), ("audio/mp4", "m4a", None, None, 2.0, None)),
    "WAV": (lambda: films.wav(0.5), ("audio/wav", "wav", None, None, 0.5, "pcm")),
    "WAV of a stream": (lambda: films.wav(0.5, 0xFFFFFFFF), ("audio/wav", "wav", None, None, 0.5, "pcm")),
    "WAV of another stream": (lambda: films.wav(0.5, 0x7FFFFFFF), ("audio/wav", "wav", None, None, 0.5, "pcm")),
    "WAV with lengths of nothing": (lambda: films.wav(0.5, 0), ("audio/wav", "wav", None, None, 0.5, "pcm")),
    "WAV of a stream that was to be 2 GB": (
        lambda: films.wav(0.5, 2_000_000_000), ("audio/wav", "wav", None, None, 0.5, "pcm")
    ),
    "a film that begins in its index and goes on in pieces": (
        lambda: films.fragmented(3, begins=2), ("video/mp4", "mp4", *HD, 5.0, "mjpeg")
    ),
    "AIFF": (lambda: films.aiff(0.5), ("audio/aiff", "aiff", None, None, 0.5, "pcm")),
    "MP3": (lambda: films.mp3(1), ("audio/mpeg", "mp3", None, None, 0.993, "mp3")),
    "MP3 that tells its frames": (
        lambda: films.xing(38) + films.mp3(1), ("audio/mpeg", "mp3", None, None, 0.993, "mp3")
    ),
    "MP3 that tells no frames": (
        lambda: films.xing(0) + films.mp3(1), ("audio/mpeg", "mp3", None, None, 0.993, "mp3")
    ),
    "MP3 by Fraunhofer, its first frame small": (
        lambda: films.vbri(38) + films.mp3(1), ("audio/mpeg", "mp3", None, None, 0.993, "mp3")
    ),
    "MP3 of changing rate that tells nothing": (
        lambda: films.mp3(1) + loud(38), ("audio/mpeg", "mp3", None, None, 1.985, "mp3")
    ),
    "MP3 in pieces, each with its tag": (
        lambda: films.mp3(1, films.id3()) + films.mp3(1, films.id3(5000)) + b"TAG" + bytes(125),
        ("audio/mpeg", "mp3", None, None, 1.985, "mp3"),
    ),
    "FLAC": (lambda: films.flac(1.3), ("audio/flac", "flac", None, None, 1.3, "flac")),
    "FLAC of a stream": (lambda: films.flac(1.3, told=False), ("audio/flac", "flac", None, None, 1.3, "flac")),
    "FLAC behind a tag of MP3": (
        lambda: films.id3(6000) + films.flac(1.3), ("audio/flac", "flac", None, None, 1.3, "flac")
    ),
    "AAC": (lambda: films.aac(1), ("audio/aac", "aac", None, None, 0.998, "aac")),
    "samples that begin as MP3 does": (
        lambda: b"\xff\xfb\x90\xc4\0\x01" * 9000, ("application/octet-stream", "bin", None, None, None, None)
    ),
    "Ogg": (lambda: films.ogg(1.5), ("audio/ogg", "ogg", None, None, 1.5, "opus")),
    "a scene": (films.glb, ("model/gltf-binary", "glb", None, None, None, None)),
}  # fmt: skip
OPEN = {  # nobody can see that they are cut
    "samples that begin as MP3 does",
    "WAV of a stream that was to be 2 GB",
    "WAV of a stream", "WAV of another stream", "WAV with lengths of nothing", "MP3 in pieces, each with its tag",
}  # fmt: skip


def spoken(film: bytes) -> bytes:
    """Its track is heard, and called nothing that is known."""
    return (
        film.replace(b"vide", b"soun")
        .replace(b"jpeg", b"talk")
        .replace(struct.pack(">II", 320 << 16, 180 << 16), bytes(8))
    )


def loud(frames: int) -> bytes:
    """At 320 kbit/s."""
    return (b"\xff\xfb\xe0\xc4" + bytes(1040)) * frames


def facts(seen: Media) -> tuple[object, ...]:
    return seen.mime, seen.extension, seen.width, seen.height, seen.duration, seen.codec


@pytest.mark.parametrize("name", MAKES)
def test_a_film_or_a_sound_is_known_by_its_content_and_cut_where_its_end_is_missing(name: str) -> None:
    make, known = MAKES[name]
    seen = examined(io.BytesIO(make()))
    assert (facts(seen), seen.fault) == (known, "")
    if name not in OPEN:
        assert "cut short" in examined(io.BytesIO(make()[:-3])).fault


FAULTS = {
    "a film without a frame": (lambda: films.mp4(0), "no frame"),
    "a film whose frames lie behind its end": (lambda: films.mp4(1, index_last=False)[:-3], "cut short"),
    "an MP3 without a frame": (lambda: films.id3() + bytes(100), "cut short"),
    "an MP3 of fewer frames than it tells": (lambda: films.xing(80) + films.mp3(1), "cut short"),
    "a FLAC whose last frame was spoiled": (lambda: films.flac(1)[:-2] + b"\x01\x02", "cut short"),
    "a scene that is none": (lambda: films.glb().replace(b"JSON", b"BIN\0"), "no scene"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_not_whole_says_so(name: str) -> None:
    make, words = FAULTS[name]
    assert words in examined(io.BytesIO(make())).fault


@pytest.mark.parametrize("told", [bytes(4), b"\xff" * 4])
@pytest.mark.parametrize("names", [(b"mvhd",), (b"mvhd", b"mdhd")])
def test_frames_of_a_film_whose_index_says_no_length_tell_it(told: bytes, names: tuple[bytes, ...]) -> None:
    """As some programs write it: nothing, or all ones, of the whole or of its track, too."""
    film, units = films.mp4(2.5), struct.pack(">II", films.SCALE, 2500)
    for name in names:
        place = film.index(units, film.index(name))
        film = film[: place + 4] + told + film[place + 8 :]
    assert examined(io.BytesIO(film)).duration == 2.5


def test_ffprobe_is_asked_only_of_kinds_that_are_not_walked_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "ffprobe"
    stream = {"codec_type": "video", "codec_name": "mpeg2video", "width": 640, "height": 360}
    answer = json.dumps({"streams": [stream], "format": {"duration": "2.5"}})
    program.write_text(f"#!/bin/sh\necho \"$@\" >> '{tmp_path}/asked'\necho '{answer}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    broadcast, film = tmp_path / "broadcast", tmp_path / "film"
    broadcast.write_bytes((b"\x47" + bytes(187)) * 3)
    film.write_bytes(films.mp4(1))
    assert facts(examine(broadcast)) == ("video/mp2t", "ts", 640, 360, 2.5, "mpeg2video")
    assert examine(film).duration == 1.0
    assert (tmp_path / "asked").read_text().count("-f mpegts") == 1
    program.write_text("#!/bin/sh\nexit 1\n")
    assert facts(examine(broadcast)) == ("video/mp2t", "ts", None, None, None, None)
    monkeypatch.setattr(shutil, "which", lambda name, **more: None)
    assert probe.told(broadcast, "ts").duration is None


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="there is no ffprobe here")
def test_the_films_of_the_tests_are_films(tmp_path: Path) -> None:
    for name, data in {"a.mp4": films.mp4(2), "b.mp4": films.fragmented(2), "c.webm": films.webm(2)}.items():
        (tmp_path / name).write_bytes(data)
        told = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", str(tmp_path / name)]
        assert float(subprocess.run(told, capture_output=True, check=True).stdout) == 2.0
