from __future__ import annotations

import io
import struct
import sys
import zlib
from pathlib import Path

import pytest
from PIL import Image, features

from artfactoryd.errors import OutputBad
from artfactoryd.shelf.media import Media, identify

FORMATS = {
    "PNG": Media("image/png", "png", 40, 30),
    "JPEG": Media("image/jpeg", "jpg", 40, 30),
    "WEBP": Media("image/webp", "webp", 40, 30),
    "GIF": Media("image/gif", "gif", 40, 30),
}
if features.check("avif"):
    FORMATS["AVIF"] = Media("image/avif", "avif", 40, 30)


def a_picture(name: str, frames: int = 1) -> bytes:
    pictures = [Image.linear_gradient("L").resize((40, 30)).rotate(90 * n).convert("RGB") for n in range(frames)]
    data = io.BytesIO()
    more = {"save_all": True, "append_images": pictures[1:]} if frames > 1 else {}
    pictures[0].save(data, name, **more)
    return data.getvalue()


def a_file(folder: Path, data: bytes) -> Path:
    path = folder / "download.part"
    path.write_bytes(data)
    return path


def test_a_file_is_named_by_its_content_whatever_it_is_called(tmp_path: Path) -> None:
    for name, media in FORMATS.items():
        assert identify(a_file(tmp_path, a_picture(name)), 1) == media


@pytest.mark.parametrize("name", FORMATS)
def test_a_picture_cut_short_anywhere_is_refused(tmp_path: Path, name: str) -> None:
    whole = a_picture(name)
    for length in range(len(whole)):
        with pytest.raises(OutputBad):
            identify(a_file(tmp_path, whole[:length]), 1)


def test_an_animation_cut_between_its_frames_is_refused(tmp_path: Path) -> None:
    one, three = a_picture("GIF"), a_picture("GIF", frames=3)
    with pytest.raises(OutputBad, match="cut short"):
        identify(a_file(tmp_path, three[: len(one) + 20]), 1)
    assert identify(a_file(tmp_path, three), 1).extension == "gif"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "the file is empty"),
        (b"<html><title>502 Bad Gateway</title>", "502 Bad Gateway"),
        (b'{"detail": "gone"}', "gone"),
        (bytes(range(256)) * 4, "no known kind"),
        (b"%PDF-1.7 ...", "%PDF"),
        (b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 40, "no known kind"),
    ],
)
def test_what_is_no_picture_says_what_came_instead(tmp_path: Path, data: bytes, words: str) -> None:
    with pytest.raises(OutputBad, match="no picture") as caught:
        identify(a_file(tmp_path, data), 1)
    assert words in str(caught.value)


def test_a_flipped_byte_in_the_pixels_is_damage(tmp_path: Path) -> None:
    data = bytearray(a_picture("PNG"))
    data[len(data) // 2] ^= 0xFF
    with pytest.raises(OutputBad, match="damaged"):
        identify(a_file(tmp_path, bytes(data)), 1)


def a_bomb(width: int, height: int) -> bytes:
    """A few bytes that claim to be a huge picture, and hold no pixels at all."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def test_a_bomb_is_refused_by_its_claim_before_anything_is_decoded(tmp_path: Path) -> None:
    with pytest.raises(OutputBad, match=r"too large \(60000 x 60000 pixels") as caught:
        identify(a_file(tmp_path, a_bomb(60000, 60000)), 100)
    assert "limits.megapixels allows 100" in str(caught.value)


def test_the_bound_counts_every_frame(tmp_path: Path) -> None:
    path = a_file(tmp_path, a_picture("GIF", frames=3))
    assert identify(path, 3 * 40 * 30 / 1e6).width == 40
    with pytest.raises(OutputBad, match="frame 3"):
        identify(path, 2.5 * 40 * 30 / 1e6)


def test_a_picture_above_pillows_own_limit_is_ours_to_judge(tmp_path: Path) -> None:
    with pytest.raises(OutputBad, match="truncated"):
        identify(a_file(tmp_path, a_bomb(14000, 13000)), 183)


def test_a_file_that_cannot_be_read_is_not_called_a_bad_picture(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        identify(tmp_path / "missing.png", 1)
    with pytest.raises(IsADirectoryError):
        identify(tmp_path, 1)


@pytest.mark.skipif(sys.platform != "linux", reason="a file whose reading fails: /proc/self/mem")
def test_a_disk_that_fails_while_reading_is_not_called_a_bad_picture() -> None:
    with pytest.raises(OSError, match="Input/output error"):
        identify(Path("/proc/self/mem"), 1)
