"""Whether a file is whole by its structure: lengths, checksums and marks of the end, as its kind has them.

No pixel is made, and no decoder is asked, so whatever bytes come there is a verdict: one pass, a megabyte in memory
(of a film its index), never an error but the disk's own. What lies behind the end is nobody's business.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import BinaryIO

from artfactoryd.shelf.look import boxes, gif, jpeg, png, riff
from artfactoryd.shelf.look.seen import Seen

WALKERS: Mapping[str, Callable[[BinaryIO, int], Seen]] = {  # by extension, as `kinds` gives it
    "png": png.walk, "jpg": jpeg.walk, "gif": gif.walk, "webp": riff.picture,
    "avif": boxes.picture, "heic": boxes.picture, "heif": boxes.picture,
    "mp4": boxes.film, "mov": boxes.film, "m4a": boxes.film, "avi": riff.film, "wav": riff.sound,
}  # fmt: skip


def walked(file: BinaryIO, extension: str) -> Seen:
    """Of a file of this kind; one that has no walker is taken as it came."""
    walker = WALKERS.get(extension)
    if walker is None:
        return Seen()
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    return walker(file, size)
