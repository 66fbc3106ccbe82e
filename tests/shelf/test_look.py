"""Files walked through: whole ones are whole, with their size; cut, broken and invented ones get a verdict, quickly."""

from __future__ import annotations

import io
import struct
import time
import zlib
from collections.abc import Callable
from functools import cache

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image, features

from artfactoryd.shelf import look
from artfactoryd.shelf.look.seen import Seen

FORMS: dict[str, tuple[str, str, dict[str, object]]] = {  # Pillow's format, extension, and how it is written
    "png": ("PNG", "png", {}), "palette png": ("PNG", "png", {"mode": "P"}), "jpeg": ("JPEG", "jpg", {}),
    "progressive jpeg": ("JPEG", "jpg", {"progressive": True}), "gif": ("GIF", "gif", {}),
    "moving gif": ("GIF", "gif", {"frames": 3}), "moving png": ("PNG", "png", {"frames": 3}),
    "webp": ("WEBP", "webp", {}), "lossless webp": ("WEBP", "webp", {"lossless": True}),
    "moving webp": ("WEBP", "webp", {"frames": 3}),
    "webp with a profile": ("WEBP", "webp", {"icc_profile": b"x" * 301}),
}  # fmt: skip
if features.check("avif"):
    FORMS |= {"avif": ("AVIF", "avif", {}), "moving avif": ("AVIF", "avif", {"frames": 2})}


@cache
def picture(form: str) -> bytes:
    kind, _, options = FORMS[form]
    more = dict(options)
    frames, mode = int(str(more.pop("frames", 1))), str(more.pop("mode", "RGB"))
    pictures = [Image.effect_noise((40, 30), 50 + n).convert("RGB").convert(mode) for n in range(frames)]
    data = io.BytesIO()
    if frames > 1:
        more |= {"save_all": True, "append_images": pictures[1:]}
    pictures[0].save(data, kind, **more)
    return data.getvalue()


def walked(data: bytes, extension: str) -> Seen:
    return look.walked(io.BytesIO(data), extension)


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


SIGNATURE = b"\x89PNG\r\n\x1a\n"


def header(width: int = 4, depth: int = 8, colour: int = 2) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, 3, depth, colour, 0, 0, 0))


HEADER = header()
PIXELS, END = chunk(b"IDAT", zlib.compress(bytes(39))), chunk(b"IEND", b"")


@pytest.mark.parametrize("form", FORMS)
def test_a_whole_picture_is_whole_whatever_follows_and_its_size_is_known(form: str) -> None:
    extension = FORMS[form][1]
    assert walked(picture(form), extension) == Seen(40, 30)
    if extension != "avif":  # whose boxes have no end: what follows is one more
        assert walked(picture(form) + bytes(range(256)) * 9, extension) == Seen(40, 30)


@pytest.mark.parametrize("form", FORMS)
def test_a_picture_cut_short_anywhere_is_not_whole(form: str) -> None:
    data, extension = picture(form), FORMS[form][1]
    assert [length for length in range(len(data)) if not walked(data[:length], extension).fault] == []


@pytest.mark.parametrize("form", ["png", "palette png", "moving png"])
def test_any_byte_of_a_png_that_is_flipped_shows(form: str) -> None:
    data = picture(form)
    for place in range(8, len(data), 3):
        assert walked(data[:place] + bytes([data[place] ^ 0x41]) + data[place + 1 :], "png").fault


WRONG = {
    "no header": SIGNATURE + PIXELS + END,
    "two headers": SIGNATURE + HEADER + HEADER + PIXELS + END,
    "no pixels": SIGNATURE + HEADER + END,
    "pixels apart": SIGNATURE + HEADER + PIXELS + chunk(b"tEXt", b"a\0b") + PIXELS + END,
    "a width of nothing": SIGNATURE + header(width=0) + PIXELS + END,
    "a depth that there is not": SIGNATURE + header(depth=7) + PIXELS + END,
    "a palette that is missing": SIGNATURE + header(colour=3) + PIXELS + END,
    "a length of half a world": SIGNATURE + HEADER + b"\xff\xff\xff\xffIDAT" + bytes(40),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_chunks_out_of_order_are_damage(wrong: str) -> None:
    assert "damaged" in walked(WRONG[wrong], "png").fault
    assert walked(SIGNATURE + HEADER + chunk(b"tEXt", b"a\0b") + PIXELS + PIXELS + END, "png") == Seen(4, 3)


def test_the_end_mark_of_a_preview_inside_is_not_the_end_of_the_picture() -> None:
    data = picture("jpeg")
    preview = b"\xff\xe1" + struct.pack(">H", len(data) + 2) + data
    assert walked(data[:2] + preview + data[2:], "jpg") == Seen(40, 30)
    assert walked(data[:2] + preview + data[2:-2], "jpg").fault


def test_a_picture_whose_data_lie_behind_the_end_of_its_file_is_cut() -> None:
    """Of an AVIF whose last box says that it reaches to the end, wherever that is."""
    if "avif" not in FORMS:
        pytest.skip("this Pillow has no AVIF")
    data = picture("avif")
    place = data.index(b"mdat") - 4
    open_ended = data[:place] + bytes(4) + data[place + 4 :]
    assert walked(open_ended, "avif") == Seen(40, 30)
    assert "cut short" in walked(open_ended[:-1], "avif").fault


@pytest.mark.parametrize("extension", look.WALKERS)
@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=300))
@example(data=b"")
def test_whatever_the_bytes_there_is_a_verdict(extension: str, data: bytes) -> None:
    assert isinstance(walked(data, extension), Seen)


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_whatever_is_done_to_a_picture_there_is_a_verdict(form: str, data: st.DataObject) -> None:
    whole, extension = picture(form), FORMS[form][1]
    first, last = (data.draw(st.integers(0, min(len(whole), 400))) for _ in range(2))
    spoiled = whole[:first] + data.draw(st.binary(max_size=24)) + whole[last:]
    seen = walked(spoiled, extension)
    assert isinstance(seen, Seen) and all(side is None or side > 0 for side in seen[:2])


def box(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data) + 8) + name + data


MADE_TO_LAST: dict[str, tuple[str, Callable[[], bytes]]] = {
    "short scans": ("jpg", lambda: b"\xff\xd8\xff\xc0\0\x0b\x08\0\x10\0\x10\1\1\x11\0" + b"\xff\xda\0\2" * 60_000),
    "padding": ("jpg", lambda: b"\xff" * 1_000_000),
    "restarts": ("jpg", lambda: b"\xff\xd8" + b"\xff\xd0" * 100_000),
    "empty blocks": ("gif", lambda: b"GIF89a" + bytes(7) + b"!\xf9\0" * 100_000),
    "small blocks": ("gif", lambda: b"GIF89a" + bytes(7) + b"!\xf9" + b"\1x" * 100_000),
    "empty chunks": ("png", lambda: SIGNATURE + HEADER + chunk(b"tEXt", b"") * 60_000),
    "empty parts": ("webp", lambda: b"RIFF\xff\xff\x0f\0WEBP" + b"ALPH\0\0\0\0" * 140_000),
    "frames that are none": ("mp3", lambda: b"\xff\xfb\x90\0" * 250_000),
    "empty elements": ("webm", lambda: b"\x1a\x45\xdf\xa3\x80" + b"\xec\x80" * 100_000),
    "pages without an end": ("ogg", lambda: (b"OggS" + bytes(23)) * 40_000),
    "tags": ("aac", lambda: (b"ID3\x04" + bytes(6)) * 100_000),
    "marks of frames": ("flac", lambda: b"fLaC\x80\0\0\x22" + b"\xff" * 34 + b"\xff\xf8" * 500_000),
    "empty boxes": ("mp4", lambda: box(b"free", b"") * 100_000),
    "extents of nothing": (
        "avif", lambda: box(b"meta", bytes(4) + box(b"iloc", b"\1\0\0\0\0\0\xff\xff" + b"\xff" * 400_000))
    ),
    "properties": ("avif", lambda: box(b"meta", bytes(4) + box(b"iprp", box(b"ipma", b"\0" * 8 + b"\1" * 400_000)))),
}  # fmt: skip


@pytest.mark.parametrize("name", MADE_TO_LAST)
def test_what_is_made_to_keep_us_busy_is_done_with_in_time_by_its_length(name: str) -> None:
    extension, make = MADE_TO_LAST[name]
    began = time.process_time()
    assert isinstance(walked(make(), extension), Seen)
    assert time.process_time() - began < 2.0  # of a machine that is busy; a hundredth of it is usual


def film(moov: bytes) -> bytes:
    return box(b"ftyp", b"isom" + bytes(4)) + box(b"moov", moov) + box(b"mdat", bytes(100))


def test_a_film_tells_its_length_and_size_and_is_cut_where_a_box_is() -> None:
    mvhd = box(b"mvhd", bytes(12) + struct.pack(">II", 1000, 2500) + bytes(80))
    tkhd = box(b"tkhd", bytes(76) + struct.pack(">II", 640 << 16, 360 << 16))
    whole = film(mvhd + box(b"trak", tkhd))
    assert walked(whole, "mp4") == Seen(640, 360, 2.5)
    assert walked(whole[:-1], "mp4").fault and walked(whole[:16], "mov").fault


def test_an_avi_is_cut_where_it_is_shorter_than_it_says() -> None:
    whole = b"RIFF" + struct.pack("<I", 4004) + b"AVI " + bytes(4000)
    assert not walked(whole, "avi").fault and walked(whole[:-1], "avi").fault


def test_a_kind_without_a_walker_is_taken_as_it_came() -> None:
    assert walked(b"", "zip") == Seen()
