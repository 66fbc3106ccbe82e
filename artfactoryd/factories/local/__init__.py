"""Provider `local`: work done on this machine, free, without a network: `sketch`, `resize`, `convert`.

A ticket is the whole call as JSON, and a result is a pure function of it and of the picture it
names, so nothing can be lost: what is gone from the work folder is made again, byte for byte.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artfactoryd.durable import make_folders, write_new
from artfactoryd.errors import AskAgain, CallRefused, RunFailed
from artfactoryd.factories import Absent, Attempt, Call, Output, Outputs, ProviderSettings, Ticket

if TYPE_CHECKING:
    from artfactoryd.factories.local.images import Made

Parameters = Mapping[str, Any]
SKETCH = {"prompt": None, "width": 512, "height": 512, "seed": 0, "num_outputs": 1}
RESIZE = {"image": None, "width": None, "height": None, "fit": "contain", "background": None, "resample": "lanczos"}
CONVERT = {"image": None, "format": None, "quality": 92, "colours": None, "strip_metadata": False}
MODELS: Mapping[str, Mapping[str, Any]] = {"sketch": SKETCH, "resize": RESIZE, "convert": CONVERT}
WHOLE = {
    "width": (1, 16384), "height": (1, 16384), "num_outputs": (1, 4), "quality": (1, 100), "colours": (2, 256),
    "seed": (None, None),
}  # fmt: skip
SKETCH_SIDES = (64, 4096)
CHOICES = {
    "fit": ("contain", "cover", "pad", "stretch"),
    "resample": ("lanczos", "bicubic", "bilinear", "box", "nearest"),
    "format": ("jpg", "png", "webp"),
}


def make(settings: ProviderSettings, work: Path) -> Local:
    return Local(work)


class Local:
    name = "local"
    first_ask = 0.0  # drawing happens when it is asked for
    output_hosts: frozenset[str] = frozenset()

    def __init__(self, work: Path) -> None:
        self._work = work

    async def submit(self, call: Call) -> Ticket:
        asked = {"model": call.model, "parameters": _read(call), "mark": secrets.token_hex(8)}
        return Ticket(json.dumps(asked, sort_keys=True))  # the mark keeps equal calls' files apart

    async def collect(self, ticket: Ticket) -> Outputs:
        asked = json.loads(ticket.text)
        name = hashlib.sha256(ticket.text.encode()).hexdigest()
        try:
            made = await asyncio.to_thread(_make_missing, asked, self._work, name)
        except _NoPicture as error:
            raise RunFailed(str(error), charged=False) from error
        except OSError as error:
            raise AskAgain(f"{self._work} cannot be written: {error.strerror}.", after=60) from error
        return Outputs(tuple(Output(path.absolute().as_uri()) for path in made), asked["parameters"])

    async def cancel(self, ticket: Ticket) -> None:
        """Nothing to stop: drawing happens in `collect`."""

    async def reconcile(self, doubts: Sequence[Attempt], known: Sequence[Attempt]) -> Mapping[str, Absent]:
        """Drawing is free, so nothing was ever bought."""
        return {doubt.id: Absent() for doubt in doubts}

    async def close(self) -> None: ...


class _NoPicture(Exception):
    """The input cannot be worked on; the sentence says why."""


def _read(call: Call) -> dict[str, Any]:
    """Checked here too, because an order may say `validate: false`."""
    known = MODELS.get(call.model)
    if known is None:
        raise CallRefused(f"The provider local has no model {call.model!r}; it has {', '.join(MODELS)}.")
    unknown = sorted(set(call.parameters) - set(known))
    if unknown:
        raise CallRefused(f"{call.model} has no parameter {unknown[0]!r}; it has {', '.join(known)}.")
    first = next(iter(known))
    if not isinstance(call.parameters.get(first), str):
        raise CallRefused(f"{call.model} needs {first}, and it must be text.")
    for name, value in call.parameters.items():
        _check(call.model, name, value)
    given = {name: call.parameters.get(name, default) for name, default in known.items()}
    return {name: value for name, value in given.items() if value is not None}


def _check(model: str, name: str, value: object) -> None:
    if name in WHOLE:
        least, most = SKETCH_SIDES if model == "sketch" and name in ("width", "height") else WHOLE[name]
        _check_whole(model, name, value, least, most)
    elif name in CHOICES and value not in CHOICES[name]:
        raise CallRefused(f"{model} takes {', '.join(CHOICES[name])} as {name}, not {value!r}.")


def _check_whole(model: str, name: str, value: object, least: int | None, most: int | None) -> None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or (least is not None and most is not None and not least <= int(str(value)) <= most):
        bounds = f" from {least} to {most}" if least is not None else ""
        raise CallRefused(f"{model} needs a whole number{bounds} as {name}, not {value!r}.")


def _make_missing(asked: Mapping[str, Any], work: Path, name: str) -> list[Path]:
    make_folders(work)
    if asked["model"] == "sketch":
        return [_drawn(asked["parameters"], work, name, number) for number in range(asked["parameters"]["num_outputs"])]
    found = sorted(work.glob(f"{name}.*"))
    return found[:1] or [_worked(asked["model"], asked["parameters"], work, name)]


def _drawn(parameters: Parameters, work: Path, name: str, number: int) -> Path:
    # imported late: Pillow takes longer to load than `artfactoryd status` may take to answer
    from artfactoryd.factories.local.sketch import draw

    path = work / f"{name}-{number}.png"
    if not path.exists():
        picture = draw(parameters["prompt"], parameters["width"], parameters["height"], parameters["seed"] + number)
        data = io.BytesIO()
        picture.save(data, "PNG", compress_level=6)
        write_new(path, data.getvalue())
    return path


def _worked(model: str, parameters: Parameters, work: Path, name: str) -> Path:
    from artfactoryd.factories.local import images

    source = Path(parameters["image"])
    work_of: Callable[[Path, Parameters], Made] = {"resize": images.resize, "convert": images.convert}[model]
    try:
        made = work_of(source, parameters)
    except Exception as error:  # decoders meet odd bytes with errors of every type
        words = str(error).rstrip(".") or type(error).__name__
        raise _NoPicture(f"{source.name} cannot be worked on: {words}.") from error
    path = work / f"{name}.{made.extension}"
    write_new(path, made.data)
    return path
