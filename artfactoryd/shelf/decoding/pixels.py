"""Pixels made, once: what is whole by its structure and does not decode is damaged.

It is done after delivery, by a process of its own (`looker`); before it only where what comes next goes by the pixels.
Whoever wants to make something of the decoded picture (a thumbnail) hangs on `seen`, and costs no second decoding.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artfactoryd.errors import OutputBad
from artfactoryd.shelf import look, media
from artfactoryd.shelf.media import NO_PICTURE, TooManyPixels

if TYPE_CHECKING:
    from artfactoryd.shelf.decoding.pillow import Image

log = logging.getLogger(__name__)

Seen = Callable[["Image.Image"], None]  # is shown the first frame, decoded
UNDECODABLE = "The picture is damaged: it cannot be decoded."
ENDS_EARLY = "The picture is cut short: its pixels end before it does."
GREY, NEARLY = 128, 2  # what a decoder makes of pixels that are not there, in each channel
JUNK = bytes(range(1, 200)) * 50  # of which pixels are made where some are missing, and nothing where none are
LARGEST_JPEG = 64 << 20  # bytes


def fault(path: Path, most_megapixels: float, seen: Sequence[Seen] = ()) -> str:
    """Why not, in words; empty where all is well. What is larger than the bound is not decoded.

    Only of a picture that is decoded here. A file that cannot be read at all stays an OSError.
    """
    corner: list[Any] = []

    def show(picture: Image.Image) -> None:
        corner[:] = [picture.getpixel((picture.width - 1, picture.height - 1)), "progressive" in picture.info]
        for one in seen:
            _show(one, picture)

    try:
        found = media.identify(path, most_megapixels, show)
    except (TooManyPixels, MemoryError):
        return ""
    except OutputBad as error:
        return UNDECODABLE if str(error).startswith(NO_PICTURE) else str(error)
    is_suspect = found.extension == "jpg" and bool(corner) and (corner[1] or _is_grey(corner[0]))
    return ENDS_EARLY if is_suspect and _ends_early(path) else ""


def _show(seen: Seen, picture: Image.Image) -> None:
    try:
        seen(picture)
    except Exception:
        log.exception("nothing could be made of a decoded picture: a defect of this program")


def _is_grey(pixel: Any) -> bool:
    values = pixel if isinstance(pixel, tuple) else (pixel,)
    return all(abs(value - GREY) <= NEARLY for value in values)


def _ends_early(path: Path) -> bool:
    """Of a JPEG that has its end mark: decoders fill up what is missing before it, and say nothing. So more is put
    there: if that shows, pixels were missing."""
    with path.open("rb") as file:
        if look.walked(file, "jpg").fault or file.tell() > LARGEST_JPEG:
            return False
        length = file.tell() - 2
        file.seek(0)
        data = file.read(length)
    return _decoded(data) != _decoded(data + JUNK)


def _decoded(data: bytes) -> bytes:
    from artfactoryd.shelf.decoding.pillow import Image

    with Image.open(io.BytesIO(data + b"\xff\xd9"), formats=["JPEG"]) as picture:
        return picture.tobytes()
