"""What the ffprobe that is on this machine tells of a film or a sound of a kind that is not walked through here.

It is not asked of the others: what a film costs may not depend on a program that is there or not.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from artfactoryd.shelf.look.seen import Seen

DEMUXERS = {  # by extension: it is not left to guess, since among its formats are lists of other files
    "mpg": "mpeg", "ts": "mpegts", "flv": "flv", "wmv": "asf", "amr": "amr", "caf": "caf",
}  # fmt: skip
PLACES = ("/opt/homebrew/bin", "/usr/local/bin", "/opt/local/bin", "/home/linuxbrew/.linuxbrew/bin")
LONGEST = 10.0  # seconds
ASKED = "format=duration:stream=codec_type,codec_name,width,height"


def program(name: str) -> str | None:
    """Where it is: what a service has as PATH leaves out where people install such programs."""
    return shutil.which(name) or shutil.which(name, path=os.pathsep.join(PLACES))


def told(path: Path, extension: str) -> Seen:
    """Nothing without one, or where it does not know."""
    ffprobe, demuxer = program("ffprobe"), DEMUXERS.get(extension)
    if ffprobe is None or demuxer is None:
        return Seen()
    command = [
        ffprobe, "-v", "error", "-protocol_whitelist", "file", "-f", demuxer, "-show_entries", ASKED, "-of", "json",
        f"file:{path}",
    ]  # fmt: skip
    try:
        answer = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=LONGEST,
            check=True,
        )  # fmt: skip
        return _read(json.loads(answer.stdout))
    except (OSError, subprocess.SubprocessError, ValueError, TypeError, AttributeError):
        return Seen()


def _read(answer: Mapping[str, Any]) -> Seen:
    streams = answer.get("streams") or []
    codecs = [str(one["codec_name"]) for one in streams if one.get("codec_name")]
    pictures = [one for one in streams if one.get("codec_type") == "video"]
    seen = Seen(codecs=tuple(dict.fromkeys(codecs)), shows=bool(pictures) if streams else None)
    if pictures:
        seen = seen.sized(int(pictures[0].get("width") or 0), int(pictures[0].get("height") or 0))
    seconds = float((answer.get("format") or {}).get("duration") or 0)
    return seen.lasting(seconds if math.isfinite(seconds) else None)
