"""What a file is, judged by its content alone and only after all of it was decoded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from PIL import Image, ImageSequence, UnidentifiedImageError

from artfactoryd.errors import OutputBad
from artfactoryd.failpoints import point

KINDS = {  # Pillow's format: mime type and extension; an MPO is a JPEG with more pictures in its tail
    "PNG": ("image/png", "png"),
    "JPEG": ("image/jpeg", "jpg"),
    "MPO": ("image/jpeg", "jpg"),
    "WEBP": ("image/webp", "webp"),
    "GIF": ("image/gif", "gif"),
    "AVIF": ("image/avif", "avif"),
}
ENDS = {  # how a whole file ends, and in how many of its last bytes (some writers add padding)
    "PNG": (b"IEND\xaeB`\x82", 65536),
    "JPEG": (b"\xff\xd9", 65536),
    "GIF": (b"\x00;", 16),
}

Image.MAX_IMAGE_PIXELS = None  # the bound is ours: `most_megapixels`, checked before anything is decoded


@dataclass(frozen=True, slots=True)
class Media:
    """`extension` without its dot; width and height in pixels, as stored."""

    mime: str
    extension: str
    width: int
    height: int
    kind: Literal["image"] = "image"


def identify(path: Path, most_megapixels: float) -> Media:
    """Decodes every frame. Raises OutputBad for what is no picture, is cut short, or is larger than the bound.

    A file that cannot be read at all stays an OSError: that says nothing about the picture.
    """
    with path.open("rb") as file, _condemned():
        point("decoding")
        picture = _opened(file)
        _decode(picture, int(most_megapixels * 1_000_000))
        _check_end(file, str(picture.format))
        mime, extension = KINDS[str(picture.format)]
        return Media(mime, extension, *picture.size)


def _opened(file: BinaryIO) -> Image.Image:
    try:
        return Image.open(file, formats=[name for name in KINDS if name != "MPO"])
    except UnidentifiedImageError:
        file.seek(0)
        raise OutputBad(f"What came is no picture: {_beginning(file.read(200))}.") from None


def _decode(picture: Image.Image, most_pixels: int) -> None:
    left = most_pixels
    for frame in ImageSequence.Iterator(picture):
        left -= frame.width * frame.height
        if left < 0:
            size = f"{picture.width} x {picture.height} pixels, frame {picture.tell() + 1}"
            raise OutputBad(
                f"The picture is too large ({size}): limits.megapixels allows {most_pixels / 1_000_000:g} in all."
            )
        frame.load()


@contextmanager
def _condemned() -> Iterator[None]:
    """Decoders meet damaged bytes with errors of every type; those of the system carry a number."""
    try:
        yield
    except (OutputBad, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise OutputBad(f"The picture is damaged or cut short ({str(error).rstrip('.')}).") from error


def _check_end(file: BinaryIO, name: str) -> None:
    """Pillow lets a missing end pass when the pixels (of a GIF: of one frame) were there."""
    end, window = ENDS.get(name, (b"", 0))
    file.seek(0, 2)
    file.seek(max(0, file.tell() - window))
    if end not in file.read():
        raise OutputBad("The picture is cut short: its end is missing.")


def _beginning(data: bytes) -> str:
    """What a person may recognise: an error page says so in its first words."""
    if not data:
        return "the file is empty"
    text = " ".join(data.decode("utf-8", "replace").split())
    if sum(letter.isprintable() and letter != "\ufffd" for letter in text) * 10 < len(text) * 9:
        return "its content is of no known kind"
    return f"it begins with “{text[:80]}”"
