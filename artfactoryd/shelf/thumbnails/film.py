"""A frame of a film, by the ffmpeg that is on this machine; without one, or where it finds none, there is no frame."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from artfactoryd.shelf.decoding.pillow import Image

DEMUXERS = {  # by the film's mime type: ffmpeg is not left to guess, since among its formats are lists of other files
    "video/mp4": "mov", "video/quicktime": "mov", "video/webm": "matroska", "video/x-matroska": "matroska",
    "video/x-msvideo": "avi", "video/ogg": "ogg", "video/mpeg": "mpeg", "video/mp2t": "mpegts", "video/x-flv": "flv",
    "video/x-ms-wmv": "asf",
}  # fmt: skip
LOOKED_AT = 60  # frames among which the most typical is chosen: the first one is often black
LONGEST = 30.0  # seconds
MOST_BYTES = 64 << 20  # of the frame


def frame(path: Path, mime: str) -> Image.Image | None:
    from artfactoryd.shelf.decoding.pillow import Image

    program, demuxer = shutil.which("ffmpeg"), DEMUXERS.get(mime)
    if program is None or demuxer is None:
        return None
    command = [
        program, "-v", "error", "-nostdin", "-threads", "1", "-protocol_whitelist", "file", "-f", demuxer,
        "-i", f"file:{path}", "-map", "0:v:0", "-frames:v", "1", "-vf",
        f"scale='min(1600,iw)':-2,thumbnail={LOOKED_AT}", "-c:v", "png", "-f", "image2pipe", "pipe:1",
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
