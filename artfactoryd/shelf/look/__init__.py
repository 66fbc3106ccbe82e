"""Whether a file is whole by its structure: lengths, checksums and marks of the end, as its kind has them.

No pixel is made, and no decoder is asked, so whatever bytes come there is a verdict: one pass, a megabyte in memory
(of a film its index), never an error but the disk's own. What lies behind the end is nobody's business.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import BinaryIO

from artfactoryd.shelf.look import film, flac, frames, gif, glb, heif, jpeg, matroska, ogg, png, riff, wave
from artfactoryd.shelf.look.seen import Seen

WALKERS: Mapping[str, Callable[[BinaryIO, int], Seen]] = {  # by extension, as `kinds` gives it
    "png": png.walk, "jpg": jpeg.walk, "gif": gif.walk, "webp": riff.picture,
    "avif": heif.walk, "heic": heif.walk, "heif": heif.walk,
    "mp4": film.walk, "mov": film.walk, "m4a": film.walk, "webm": matroska.walk, "mkv": matroska.walk,
    "avi": riff.film, "wav": wave.wav, "aiff": wave.aiff, "mp3": frames.mp3, "aac": frames.aac, "flac": flac.walk,
    "ogg": ogg.walk, "ogv": ogg.walk, "glb": glb.walk,
}  # fmt: skip


def walked(file: BinaryIO, extension: str) -> Seen:
    """Of a file of this kind; one that has no walker is taken as it came."""
    walker = WALKERS.get(extension)
    if walker is None:
        return Seen()
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    return walker(file, size)
