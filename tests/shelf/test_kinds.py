"""What came is named by its bytes and never refused; real pictures that are odd are whole."""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from artfactoryd.shelf.media import examine


def a_png(text: str = "", size: tuple[int, int] = (40, 30)) -> bytes:
    data, info = io.BytesIO(), PngImagePlugin.PngInfo()
    if text:
        info.add_text("workflow", text)
    Image.effect_noise(size, 50).save(data, "PNG", pnginfo=info)
    return data.getvalue()


def a_jpeg() -> bytes:
    data = io.BytesIO()
    Image.effect_noise((40, 30), 50).save(data, "JPEG")
    return data.getvalue()


def an_animation(frames: int) -> bytes:
    data = io.BytesIO()
    pictures = [Image.new("RGB", (64, 64), (n, 0, 0)) for n in range(frames)]
    pictures[0].save(data, "WEBP", save_all=True, append_images=pictures[1:], lossless=True)
    return data.getvalue()


def a_claim(width: int, height: int) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


ODD = {
    "a JPEG with a film in its tail": lambda: a_jpeg() + os.urandom(100_000),
    "a PNG with a workflow of two megabytes": lambda: a_png("x" * 2_000_000),
    "a PNG with a tail": lambda: a_png() + bytes(100_000),
    "a PNG of 12,000 x 12,000": lambda: a_claim(12000, 12000),
    "a film of 120 frames in WebP": lambda: an_animation(120),
}


@pytest.mark.parametrize("name", ODD)
def test_a_real_picture_that_is_odd_or_larger_than_what_is_decoded_is_whole(tmp_path: Path, name: str) -> None:
    path = tmp_path / "download.part"
    path.write_bytes(ODD[name]())
    media = examine(path)
    assert (media.kind, media.fault) == ("image", "") and media.width and media.height


@pytest.mark.parametrize("whole", [a_png(size=(400, 300)), a_claim(12000, 12000), an_animation(120), a_jpeg()])
def test_one_that_is_cut_short_says_so_and_is_named_all_the_same(tmp_path: Path, whole: bytes) -> None:
    path = tmp_path / "download.part"
    path.write_bytes(whole[: len(whole) - 9])
    media = examine(path)
    assert media.kind == "image" and media.fault


def saved(name: str) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (40, 30)).save(data, name)
    return data.getvalue()


SORTS: dict[str, tuple[bytes, str, str]] = {
    "tif": (saved("TIFF"), "image/tiff", "image"),
    "bmp": (saved("BMP"), "image/bmp", "image"),
    "mov": (b"\0\0\0\x14ftypqt  " + bytes(8), "video/quicktime", "video"),
    "webm": (b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm" + bytes(20), "video/webm", "video"),
    "mkv": (b"\x1aE\xdf\xa3\x9fB\x82\x88matroska" + bytes(20), "video/x-matroska", "video"),
    "wav": (b"RIFF\x24\0\0\0WAVEfmt " + bytes(28), "audio/wav", "audio"),
    "flac": (b"fLaC" + bytes(40), "audio/flac", "audio"),
    "ogg": (b"OggS" + bytes(24) + b"OpusHead", "audio/ogg", "audio"),
    "m4a": (b"\0\0\0\x14ftypM4A " + bytes(8), "audio/mp4", "audio"),
    "heic": (b"\0\0\0\x14ftypheic" + bytes(8), "image/heic", "image"),
    "zip": (b"PK\x03\x04" + bytes(30), "application/zip", "other"),
    "pdf": (b"%PDF-1.7\n%\xe2\xe3", "application/pdf", "other"),
    "safetensors": (struct.pack("<Q", 20) + b'{"a": {}}' + bytes(40), "application/octet-stream", "other"),
    "bin": (bytes(range(256)), "application/octet-stream", "other"),
    "txt": ("ein Bär\n".encode(), "text/plain", "other"),
}


@pytest.mark.parametrize("ending", SORTS)
def test_each_sort_of_file_is_named_by_its_bytes(tmp_path: Path, ending: str) -> None:
    data, mime, kind = SORTS[ending]
    path = tmp_path / "download.part"
    path.write_bytes(data)
    media = examine(path)
    assert (media.extension, media.mime, media.kind) == (ending, mime, kind)


def test_any_beginning_of_anything_is_named_and_never_an_error(tmp_path: Path) -> None:
    path = tmp_path / "download.part"
    for data in (*(data for data, _, _ in SORTS.values()), a_png(), a_jpeg(), an_animation(3)):
        for length in {1, 2, 5, 9, 13, 20, 33, len(data) // 2, len(data) - 1} & set(range(1, len(data))):
            path.write_bytes(data[:length])
            assert examine(path).mime


def test_a_page_is_text_by_its_name_and_said_to_be_one(tmp_path: Path) -> None:
    path = tmp_path / "download.part"
    path.write_bytes(b"<!DOCTYPE html><html><script>alert(1)</script></html>")
    media = examine(path)
    assert media.extension == "txt" and "web page" in media.fault
