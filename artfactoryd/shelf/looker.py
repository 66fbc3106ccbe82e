"""A process that decodes pictures, one after the other, says of each whether it is well, and makes its thumbnails.

    python -m artfactoryd.shelf.looker MEGAPIXELS    a line of JSON in and a line out, for each picture:
    in:  {"path", "megapixels"}, where thumbnails are wanted also {"mime", "sha256", "thumbnails": their folder}
    out: {"fault", "seconds", "bytes": written}

or a sheet that is drawn of such thumbnails: {"sheet", "home", "thumbnails", "megapixels", "target"}. Each has
"longest", the seconds of the processor after which the system ends this process.

A decoder that falls over a picture, or never comes to an end with it, ends this process and nobody else, and its memory
is bounded. It takes the time that nobody else wants, and ends with whoever started it.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from artfactoryd.core.sheets.sheet import Sheet
from artfactoryd.durable import write_note
from artfactoryd.errors import OutputBad
from artfactoryd.shelf.decoding import pixels
from artfactoryd.shelf.media import DECODED
from artfactoryd.shelf.sheets import drawing, marks
from artfactoryd.shelf.sheets.tiles import Tiles
from artfactoryd.shelf.thumbnails import film
from artfactoryd.shelf.thumbnails.cache import Cache
from artfactoryd.shelf.thumbnails.making import Thumbnails

NICE = 19
MEMORY, MEMORY_A_PIXEL = 1 << 30, 24  # bytes: for the program, and for what it decodes


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    for line in requests:
        request = json.loads(line)
        signal.setitimer(signal.ITIMER_PROF, request.get("longest", 0.0))  # of time that others took, nothing counts
        answers.write(json.dumps(answer(request)).encode() + b"\n")
        answers.flush()


def answer(request: Mapping[str, Any]) -> dict[str, object]:
    return draw(request) if "sheet" in request else look(request)


def look(request: Mapping[str, Any]) -> dict[str, object]:
    """`fault`: None where it could not be looked at, which says nothing about the picture."""
    began, fault = time.process_time(), None
    path, mime = Path(request["path"]), request.get("mime")
    thumbnails = Thumbnails(Path(request["thumbnails"]) if "thumbnails" in request else None, request.get("sha256", ""))
    if mime is None or mime in DECODED:
        with contextlib.suppress(OSError, OutputBad):
            fault = pixels.fault(path, float(request["megapixels"]), (thumbnails.make,))
    else:
        fault = ""
        if thumbnails.are_wanted and (frame := film.frame(path, mime)):
            thumbnails.make(frame)
    return {"fault": fault, "seconds": time.process_time() - began, "bytes": thumbnails.bytes}


def draw(request: Mapping[str, Any]) -> dict[str, object]:
    """`fault`: None where the disk does not take it."""
    began, sheet, target = time.process_time(), Sheet.from_json(request["sheet"]), Path(request["target"])
    tiles = Tiles(Path(request["home"]), Cache(Path(request["thumbnails"])), float(request["megapixels"]))
    picture = drawing.draw(sheet, tiles.of)
    data = marks.marked(drawing.jpeg(picture), marks.Mark(sheet.order, sheet.page, sheet.digest))
    written = write_note(target, data)
    return {"fault": "" if written else None, "seconds": time.process_time() - began, "bytes": tiles.bytes}


def _step_back() -> None:
    with contextlib.suppress(OSError):
        os.nice(NICE)


def _bound(megapixels: float) -> None:
    most = MEMORY + int(megapixels * 1_000_000) * MEMORY_A_PIXEL
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


if __name__ == "__main__":
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # whoever started it may have ignored it
    _step_back()
    _bound(float(sys.argv[1]))
    serve(sys.stdin.buffer, sys.stdout.buffer)
