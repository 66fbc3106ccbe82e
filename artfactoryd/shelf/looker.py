"""A process that decodes pictures, one after the other, and says of each whether it is well.

    python -m artfactoryd.shelf.looker    a line of JSON in: {"path", "megapixels"}; one out: {"fault", "seconds"}

A decoder that falls over a picture ends this process and nobody else, whoever asks can end one that never comes to an
end, and its memory is bounded. It takes the time that nobody else wants, and ends with whoever started it.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import BinaryIO

from artfactoryd.errors import OutputBad
from artfactoryd.shelf import pixels
from artfactoryd.shelf.pixels import Seen

NICE = 19
MEMORY, MEMORY_A_PIXEL = 1 << 30, 24  # bytes: for the program, and for what it decodes
SEEN: tuple[Seen, ...] = ()  # what is made of each decoded picture


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    for line in requests:
        request = json.loads(line)
        answers.write(json.dumps(look(Path(request["path"]), request["megapixels"])).encode() + b"\n")
        answers.flush()


def look(path: Path, megapixels: float) -> dict[str, object]:
    """`fault`: None where it could not be looked at, which says nothing about the picture."""
    began, fault = time.process_time(), None
    with contextlib.suppress(OSError, OutputBad):
        fault = pixels.fault(path, megapixels, SEEN)
    return {"fault": fault, "seconds": time.process_time() - began}


def _step_back() -> None:
    with contextlib.suppress(OSError):
        os.nice(NICE)


def _bound(megapixels: float) -> None:
    most = MEMORY + int(megapixels * 1_000_000) * MEMORY_A_PIXEL
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


if __name__ == "__main__":
    _step_back()
    _bound(float(sys.argv[1]))
    serve(sys.stdin.buffer, sys.stdout.buffer)
