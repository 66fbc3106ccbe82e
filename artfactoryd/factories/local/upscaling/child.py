"""The process in which pictures are enlarged: one picture, then it ends.

    python -m artfactoryd.factories.local.upscaling.child
    in:  {"library": its folder, "image", "scale", "model", "tile", "target": without its ending, "cpu"}
    out: {"device": its name, "gpu"}, {"done", "of"} again and again, then {"made": extension}, {"error": why} or
         {"refused": why}, by the disk

Whatever compiled code does, it does to this process alone; the system takes this one first where memory runs out. It
ends when whoever started it does. `{"library"}` alone only asks what it would run on.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Any

from artfactoryd.durable import write_new
from artfactoryd.factories.local import images
from artfactoryd.factories.local.upscaling import engine, network, tiles
from artfactoryd.medium import in_words

NICE = 10
MEMORY = 8 << 30  # bytes, on the processor


def main() -> int:
    request = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_asker, daemon=True).start()
    try:
        _say(**_answer(request))
    except tiles.Black:
        return engine.BLACK
    except Exception as error:  # decoders meet odd bytes with errors of every type
        _say(error=images.why_not(error))
    return 0


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    lies = Path(request["library"])
    library = network.load(lies)
    device, name = (network.CPU, network.PROCESSOR) if request.get("cpu") else network.device(library)
    _say(device=name, gpu=device != network.CPU)
    if "image" not in request:
        return {}
    if device == network.CPU:
        _bound()
    enlarge = network.network(library, lies, request["model"], device)
    work = partial(tiles.enlarged, enlarge=enlarge, tile=request["tile"], scale=request["scale"], tell=_tell)
    made = images.enlarged(Path(request["image"]), request["scale"], engine.FACTOR, work)
    try:
        write_new(Path(f"{request['target']}.{made.extension}"), made.data)
    except OSError as error:
        return {"refused": in_words(error)}
    return {"made": made.extension}


def _tell(done: int, of: int) -> None:
    _say(done=done, of=of)


def _say(**words: object) -> None:
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


def _end_with_asker() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


def _bound() -> None:
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def _step_back() -> None:
    with contextlib.suppress(OSError):
        os.nice(NICE)
    with contextlib.suppress(OSError):
        score = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
        with contextlib.closing(os.fdopen(score, "wb", buffering=0)) as file:
            file.write(b"500")


if __name__ == "__main__":
    _step_back()
    sys.exit(main())
