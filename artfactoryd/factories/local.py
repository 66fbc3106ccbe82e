"""Provider `local`: work done on this machine, free, without a network.

A ticket is the whole call as JSON, and a result is a pure function of it, so nothing can be
lost: what is gone from the work folder is drawn again, byte for byte.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from artfactoryd.errors import AskAgain, CallRefused
from artfactoryd.factories import Absent, Call, Output, Outputs, ProviderSettings, Ticket


@dataclass(frozen=True, slots=True)
class Sketch:
    """The parameters of the model `sketch`; output j is drawn with seed + j."""

    prompt: str
    width: int = 512
    height: int = 512
    seed: int = 0
    num_outputs: int = 1


def make(settings: ProviderSettings, work: Path) -> Local:
    return Local(work)


class Local:
    name = "local"
    first_ask = 0.0  # drawing happens when it is asked for
    output_hosts: frozenset[str] = frozenset()

    def __init__(self, work: Path) -> None:
        self._work = work

    async def submit(self, call: Call) -> Ticket:
        if call.model != "sketch":
            raise CallRefused(f"The provider local has no model {call.model!r}; it has sketch.")
        sketch = _read_sketch(call.parameters)
        asked = {"model": "sketch", "parameters": asdict(sketch), "mark": secrets.token_hex(8)}
        return Ticket(json.dumps(asked, sort_keys=True))  # the mark keeps equal calls' files apart

    async def collect(self, ticket: Ticket) -> Outputs:
        sketch = Sketch(**json.loads(ticket.text)["parameters"])
        name = hashlib.sha256(ticket.text.encode()).hexdigest()
        paths = [self._work / f"{name}-{number}.png" for number in range(sketch.num_outputs)]
        try:
            await asyncio.to_thread(_draw_missing, sketch, paths)
        except OSError as error:
            raise AskAgain(f"The sketch could not be written to {self._work}: {error.strerror}.", after=60) from error
        return Outputs(tuple(Output(path.absolute().as_uri(), "image/png") for path in paths), asdict(sketch))

    async def cancel(self, ticket: Ticket) -> None:
        """Nothing to stop: drawing happens in `collect`."""

    async def reconcile(self, call: Call) -> Absent:
        """Drawing is free, so nothing was ever bought."""
        return Absent()

    async def close(self) -> None: ...


def _read_sketch(parameters: Mapping[str, Any]) -> Sketch:
    """Checked here too, because an order may say `validate: false`."""
    unknown = sorted(set(parameters) - set(Sketch.__dataclass_fields__))
    if unknown:
        raise CallRefused(f"sketch has no parameter {unknown[0]!r}; it has {', '.join(Sketch.__dataclass_fields__)}.")
    if not isinstance(parameters.get("prompt"), str):
        raise CallRefused("sketch needs a prompt, and it must be text.")
    for name, least, most in (("width", 64, 4096), ("height", 64, 4096), ("num_outputs", 1, 4), ("seed", None, None)):
        _check_whole(name, parameters.get(name, least or 0), least, most)
    return Sketch(**parameters)


def _check_whole(name: str, value: object, least: int | None, most: int | None) -> None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or (least is not None and most is not None and not least <= int(str(value)) <= most):
        bounds = f" from {least} to {most}" if least is not None else ""
        raise CallRefused(f"sketch needs a whole number{bounds} as {name}, not {value!r}.")


def _draw_missing(sketch: Sketch, paths: list[Path]) -> None:
    # imported late: Pillow takes longer to load than `artfactoryd status` may take to answer
    from artfactoryd.factories.sketch import draw

    for number, path in enumerate(paths):
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, draw(sketch.prompt, sketch.width, sketch.height, sketch.seed + number))


def _write(path: Path, picture: Any) -> None:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("xb") as file:
            picture.save(file, "PNG", compress_level=6)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    finally:
        temporary.unlink(missing_ok=True)
