"""Pixels made: what is whole by its structure alone is found out, what is well is shown, what is too large is left."""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from artfactoryd.shelf import look
from artfactoryd.shelf.decoding import pixels
from artfactoryd.shelf.media import examine

NOISE = Image.effect_noise((96, 80), 60).convert("RGB")


def saved(kind: str, picture: Image.Image = NOISE, **options: Any) -> bytes:
    data = io.BytesIO()
    picture.save(data, kind, **options)
    return data.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def a_png(pixels: bytes) -> bytes:
    """Every checksum right, whatever the pixels are."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 96, 80, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def glued(data: bytes) -> bytes:
    """Half a JPEG with the mark of the end after it."""
    return data[: len(data) // 2] + b"\xff\xd9"


DAMAGED = {
    "no stream": a_png(bytes(200)),
    "half a stream": a_png(zlib.compress(os.urandom(96 * 80 * 3))[:9000]),
    "a stream with a flipped byte": a_png((lambda data: data[:3000] + b"\0\1\2" + data[3003:])(zlib.compress(
        b"".join(b"\0" + os.urandom(96 * 3) for _ in range(80))))),
    "half a JPEG with an end": glued(saved("JPEG")),
    "half a grey one": glued(saved("JPEG", NOISE.convert("L"))),
    "half a progressive one": glued(saved("JPEG", progressive=True)),
    "half a sharp one": glued(saved("JPEG", quality=98, subsampling=0)),
}  # fmt: skip
WELL = {
    "png": saved("PNG"), "jpeg": saved("JPEG"), "progressive": saved("JPEG", progressive=True),
    "grey all over": saved("JPEG", Image.new("RGB", (96, 80), (128, 128, 128))),
    "grey in the corner": saved("JPEG", Image.composite(NOISE, Image.new("RGB", (96, 80), (128,) * 3),
                                                         Image.linear_gradient("L").resize((96, 80)).rotate(180))),
    "with a film behind it": saved("JPEG", Image.new("L", (50, 41), 128)) + os.urandom(9000) + b"\xff\xd9",
    "in print colours": saved("JPEG", NOISE.convert("CMYK")), "webp": saved("WEBP"), "gif": saved("GIF"),
}  # fmt: skip


def a_file(folder: Path, data: bytes) -> Path:
    path = folder / "picture"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", DAMAGED)
def test_what_is_whole_by_its_structure_alone_is_found_out(tmp_path: Path, name: str) -> None:
    path = a_file(tmp_path, DAMAGED[name])
    media = examine(path)
    assert (media.fault, media.width, media.height) == ("", 96, 80)
    assert pixels.fault(path, 1.0)


@pytest.mark.parametrize("name", WELL)
def test_what_is_well_has_no_fault(tmp_path: Path, name: str) -> None:
    path = a_file(tmp_path, WELL[name])
    assert (examine(path).fault, pixels.fault(path, 1.0)) == ("", "")


def test_the_decoded_picture_is_shown_once_and_what_goes_wrong_there_says_nothing_of_it(tmp_path: Path) -> None:
    sizes = list[tuple[int, int]]()

    def fails(picture: Image.Image) -> None:
        raise RuntimeError("no thumbnail")

    frames = [Image.new("RGB", (96, 80), colour) for colour in ("red", "blue", "green")]
    path = a_file(tmp_path, saved("GIF", frames[0], save_all=True, append_images=frames[1:]))
    assert pixels.fault(path, 1.0, [fails, lambda picture: sizes.append(picture.size)]) == ""
    assert sizes == [(96, 80)]


def test_what_is_larger_than_the_bound_is_not_decoded(tmp_path: Path) -> None:
    assert pixels.fault(a_file(tmp_path, DAMAGED["no stream"]), 0.001) == ""


def test_a_file_that_is_not_there_stays_an_error_of_the_disk(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        pixels.fault(tmp_path / "gone", 1.0)


def test_how_a_jpeg_is_walked_and_decoded_agree_about_where_it_ends(tmp_path: Path) -> None:
    file = io.BytesIO(WELL["with a film behind it"])
    assert not look.walked(file, "jpg").fault
    assert file.getvalue()[: file.tell()] == saved("JPEG", Image.new("L", (50, 41), 128))
