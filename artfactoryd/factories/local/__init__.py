"""Provider `local`: work done on this machine, free, without a network: `sketch`, `resize`, `convert`, `upscale`.

A ticket is the whole call as JSON, and a result is a pure function of it and of the picture it
names, so nothing can be lost: what is gone from the work folder is made again, byte for byte.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

from artfactoryd.core.json_types import Document
from artfactoryd.durable import make_folders, write_new
from artfactoryd.errors import AskAgain, CallRefused, RunFailed
from artfactoryd.factories import Absent, Attempt, Call, Output, Outputs, ProviderSettings, Ticket
from artfactoryd.factories.local.parameters import Convert, LocalCall, Resize, Sketch, Upscale, call_of, checked
from artfactoryd.factories.local.upscaling import engine
from artfactoryd.factories.local.upscaling.running import Upscaling


def make(settings: ProviderSettings, work: Path) -> Local:
    return Local(work)


class Local:
    name = "local"
    first_ask = 0.0  # drawing happens when it is asked for
    output_hosts: frozenset[str] = frozenset()

    def __init__(self, work: Path) -> None:
        self._work, self._upscaling = work, Upscaling(work)

    async def submit(self, call: Call) -> Ticket:
        # The mark keeps equal calls' files apart.
        asked = {
            "model": call.model, "parameters": checked(call.model, call.parameters), "mark": secrets.token_hex(8)
        }  # fmt: skip
        if call.model == "upscale" and (why := engine.lack()):
            raise CallRefused(f"Nothing can be enlarged here: {why}")
        return Ticket(json.dumps(asked, sort_keys=True))

    async def collect(self, ticket: Ticket) -> Outputs | None:
        asked: Document = json.loads(ticket.text)
        call, seconds = call_of(asked["model"], asked["parameters"]), None
        name = _name(ticket)
        try:
            if isinstance(call, Upscale):
                made = await self._upscaling.made(name, call)
                if made is None:
                    return None
                paths, seconds = [made[0]], made[1]
            else:
                paths = await asyncio.to_thread(_make_missing, call, self._work, name)
        except _NoPicture as error:
            raise RunFailed(str(error), charged=False) from error
        except OSError as error:
            raise AskAgain(f"{self._work} cannot be written: {error.strerror}.", after=60) from error
        note = await asyncio.to_thread(_note, call)
        files = tuple(Output(path.absolute().as_uri()) for path in paths)
        return Outputs(files, asked["parameters"], seconds, note)

    def progress(self, ticket: Ticket) -> str:
        return self._upscaling.progress(_name(ticket))

    async def cancel(self, ticket: Ticket) -> None:
        """What is drawn is done in `collect`; only what takes long is ended."""
        if json.loads(ticket.text)["model"] == "upscale":
            await self._upscaling.cancel(_name(ticket))

    async def reconcile(self, doubts: Sequence[Attempt], known: Sequence[Attempt]) -> Mapping[str, Absent]:
        """Drawing is free, so nothing was ever bought."""
        return {doubt.id: Absent() for doubt in doubts}

    async def close(self) -> None:
        await self._upscaling.close()


class _NoPicture(Exception):
    """The input cannot be worked on; the sentence says why."""


def _name(ticket: Ticket) -> str:
    """Begins the names of the files that are made."""
    return hashlib.sha256(ticket.text.encode()).hexdigest()


def _make_missing(call: LocalCall, work: Path, name: str) -> list[Path]:
    """The files that a call makes, all of whose names begin with `name`; what is there is not made again."""
    make_folders(work)
    if isinstance(call, Sketch):
        return [_drawn(call, number, work / f"{name}-{number}.png") for number in range(call.num_outputs)]
    assert not isinstance(call, Upscale)
    made = sorted(work.glob(f"{name}.*"))
    return made[:1] or [_worked(call, work, name)]


def _note(call: LocalCall) -> str:
    """What a person should know of a picture that was worked on."""
    if isinstance(call, Sketch):
        return ""
    from artfactoryd.factories.local import images

    try:
        is_cut = images.loses_frames(Path(call.image), call)
    except Exception:  # it was worked on earlier, and is gone or changed since
        return ""
    asks = "" if isinstance(call, Upscale) else ": ask for webp or png"
    return f"{Path(call.image).name} moves, and its first frame was taken{asks}." if is_cut else ""


def _drawn(sketch: Sketch, number: int, path: Path) -> Path:
    # imported late: Pillow takes longer to load than `artfactoryd status` may take to answer
    from artfactoryd.factories.local.sketch import draw

    if not path.exists():
        picture = draw(sketch.prompt, sketch.width, sketch.height, sketch.seed + number, sketch.stands_for or "")
        data = io.BytesIO()
        picture.save(data, "PNG", compress_level=6)
        write_new(path, data.getvalue())
    return path


def _worked(call: Resize | Convert, work: Path, name: str) -> Path:
    from artfactoryd.factories.local import images

    source = Path(call.image)
    try:
        made = images.resize(source, call) if isinstance(call, Resize) else images.convert(source, call)
    except Exception as error:  # decoders meet odd bytes with errors of every type
        raise _NoPicture(f"{source.name} cannot be worked on: {images.why_not(error)}.") from error
    path = work / f"{name}.{made.extension}"
    write_new(path, made.data)
    return path
