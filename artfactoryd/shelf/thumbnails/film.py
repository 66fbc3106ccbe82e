"""What stands for what is played, by the ffmpeg that is on this machine: a frame of a film, the wave of a sound.

Without one, or where it finds none, there is nothing.
"""

from __future__ import annotations

import io
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from artfactoryd.shelf.look.probe import program

if TYPE_CHECKING:
    from artfactoryd.shelf.decoding.pillow import Image

PROGRAM = "ffmpeg"
FILMS = {  # by the mime type: ffmpeg is not left to guess, since among its formats are lists of other files
    "video/mp4": "mov", "video/quicktime": "mov", "video/webm": "matroska", "video/x-matroska": "matroska",
    "video/x-msvideo": "avi", "video/ogg": "ogg", "video/mpeg": "mpeg", "video/mp2t": "mpegts", "video/x-flv": "flv",
    "video/x-ms-wmv": "asf",
}  # fmt: skip
SOUNDS = {
    "audio/mpeg": "mp3", "audio/wav": "wav", "audio/flac": "flac", "audio/mp4": "mov", "audio/ogg": "ogg",
    "audio/aac": "aac", "audio/aiff": "aiff", "audio/webm": "matroska", "audio/x-matroska": "matroska",
}  # fmt: skip
DEMUXERS = FILMS | SOUNDS
LOOKED_AT = 60  # frames among which the most typical is chosen: the first one is often black
LONGEST_SOUND = 900  # seconds of it that are drawn
GROUND, INK, WAVE = "#e3e5ea", "0x2b4a6f", (800, 450)  # colours, and pixels
LONGEST = 30.0  # seconds
MOST_BYTES = 64 << 20  # of the picture


def is_shown(mime: str) -> bool:
    """Whether there will be something to see of it, here."""
    return mime in DEMUXERS and program(PROGRAM) is not None


def frame(path: Path, mime: str) -> Image.Image | None:
    if mime in FILMS:
        chosen = f"scale='min(1600,iw)':-2,thumbnail={LOOKED_AT}"
        return _picture(path, mime, (), ("-map", "0:v:0", "-vf", chosen))
    if mime not in SOUNDS:
        return None
    size = "x".join(map(str, WAVE))
    wave = f"[0:a:0]aformat=channel_layouts=mono,showwavespic=s={size}:colors={INK}:scale=sqrt"
    drawn = _picture(path, mime, ("-t", str(LONGEST_SOUND)), ("-filter_complex", wave))
    if drawn is None:
        return None
    from artfactoryd.shelf.decoding.pillow import Image

    card = Image.new("RGB", WAVE, GROUND)
    card.paste(drawn.convert("RGBA"), mask=drawn.convert("RGBA"))
    return card


def _picture(path: Path, mime: str, before: Sequence[str], after: Sequence[str]) -> Image.Image | None:
    """`before` and `after` the file is named."""
    from artfactoryd.shelf.decoding.pillow import Image

    ffmpeg = program(PROGRAM)
    if ffmpeg is None:
        return None
    command = [
        ffmpeg, "-v", "error", "-nostdin", "-threads", "1", "-protocol_whitelist", "file", "-f", DEMUXERS[mime],
        *before, "-i", f"file:{path}", *after, "-frames:v", "1", "-c:v", "png", "-f", "image2pipe", "pipe:1",
    ]  # fmt: skip
    try:
        told = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=LONGEST,
            check=False,
        )  # fmt: skip
        if not told.stdout or len(told.stdout) > MOST_BYTES:
            return None
        picture = Image.open(io.BytesIO(told.stdout), formats=["PNG"])
        picture.load()
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return picture
