"""The pictures that are being enlarged: one process at a time, asked about again and again, ended when nobody waits."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import artfactoryd
from artfactoryd.durable import make_folders
from artfactoryd.errors import AskAgain, RunFailed
from artfactoryd.factories.local.parameters import Upscale
from artfactoryd.factories.local.upscaling import engine

log = logging.getLogger(__name__)

WAITED = 0.2  # seconds in which a question waits for its answer
STALLED = 900.0  # seconds without a piece, after which it hangs
TILES = {"photo": 96, "small": 256}  # pixels a side, where nobody says
OUTSIDE = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "VK_ICD_FILENAMES", "OMP_NUM_THREADS")


@dataclass
class _Enlargement:
    """`device`: its name, once it is known. `done`, `of`: pieces."""

    call: Upscale
    target: Path
    task: asyncio.Task[None] | None = None
    device: str = ""
    is_cpu: bool = False
    done: int = 0
    of: int = 0
    began: float = field(default_factory=time.monotonic)


class Upscaling:
    """By the name of what is made, which follows from the ticket."""

    def __init__(self, work: Path) -> None:
        self._work, self._running = work, dict[str, _Enlargement]()
        self._cancelled: set[str] = set()
        self._turn = asyncio.Semaphore(1)

    async def made(self, name: str, call: Upscale) -> tuple[Path, float | None] | None:
        """Where it lies, and how long it took, in seconds; None while it is being made. Raises RunFailed."""
        if name in self._cancelled:
            raise RunFailed("It was cancelled.", charged=False, cancelled=True)
        if (path := self._lying(name)) and name not in self._running:
            return path, None
        run = self._running.get(name) or self._begin(name, call)
        assert run.task is not None
        await asyncio.wait({run.task}, timeout=WAITED)
        if not run.task.done():
            return None
        self._running.pop(name, None)
        run.task.result()
        if (path := self._lying(name)) is None:
            raise RunFailed(f"{Path(call.image).name} was enlarged, and is not there.", charged=False, passing=True)
        return path, time.monotonic() - run.began

    def progress(self, name: str) -> str:
        """In words; empty while nothing is known."""
        run = self._running.get(name)
        if run is None or not run.of:
            return ""
        return f"It is enlarged on {run.device}: {run.done} of {run.of} pieces are done."

    async def cancel(self, name: str) -> None:
        """Also of what an earlier run of the program began; what is made already stays."""
        run = self._running.pop(name, None)
        if run is not None or self._lying(name) is None:
            self._cancelled.add(name)
        if run is not None:
            await _ended(run)

    async def close(self) -> None:
        while self._running:
            await _ended(self._running.popitem()[1])

    def _lying(self, name: str) -> Path | None:
        return next(iter(sorted(self._work.glob(f"{name}.*"))), None)

    def _begin(self, name: str, call: Upscale) -> _Enlargement:
        run = self._running[name] = _Enlargement(call, self._work / name)
        run.task = asyncio.create_task(self._make(run))
        return run

    async def _make(self, run: _Enlargement) -> None:
        """Where the graphics processor fails, the other one does it."""
        async with self._turn:
            await asyncio.to_thread(make_folders, self._work)
            fault = await self._run(run, cpu=False)
            if fault and not run.is_cpu and not fault.passing:
                log.warning("%s is enlarged on the processor: %s", Path(run.call.image).name, fault)
                fault = await self._run(run, cpu=True)
            if fault:
                raise fault

    async def _run(self, run: _Enlargement, *, cpu: bool) -> RunFailed | None:
        """What went wrong. Raises AskAgain for what the disk refuses."""
        lies = engine.folder()
        if lies is None:
            return RunFailed(f"{Path(run.call.image).name} is not enlarged: {engine.lack()}", charged=False)
        call = run.call
        run.began, process = time.monotonic(), await start()
        try:
            told = await _heard(process, run, {
                "library": str(lies), "image": call.image, "scale": call.scale, "model": call.model,
                "tile": call.tile or TILES[call.model], "target": str(run.target), "cpu": cpu,
            })  # fmt: skip
        finally:
            await end(process)
        return _fault(run, told, process.returncode or 0)


async def _heard(process: Process, run: _Enlargement, request: dict[str, Any]) -> dict[str, Any]:
    """Its last words; none where it ended without. One that hangs is ended by whoever asked."""
    assert process.stdin is not None and process.stdout is not None
    try:
        process.stdin.write(json.dumps(request).encode() + b"\n")
        while True:
            async with asyncio.timeout(STALLED):
                line = await process.stdout.readline()
            if not line.endswith(b"\n"):
                await process.wait()
                return {}
            told: dict[str, Any] = json.loads(line)
            if "done" in told:
                run.done, run.of = told["done"], told["of"]
            elif "device" in told:
                run.device, run.is_cpu = told["device"], not told["gpu"]
            else:
                return told
    except TimeoutError:
        return {"error": f"for {STALLED / 60:g} minutes no piece of it was done"}


def _fault(run: _Enlargement, told: dict[str, Any], code: int) -> RunFailed | None:
    if "made" in told:
        return None
    name = Path(run.call.image).name
    if "refused" in told:
        raise AskAgain(f"What was made of {name} cannot be written: {told['refused']}", after=60)
    if "error" in told:
        return RunFailed(f"{name} cannot be enlarged: {told['error']}.", charged=False)
    smaller = "A smaller `tile` needs less memory."
    if code == engine.BLACK:
        return RunFailed(f"{name} came out black. {smaller}", charged=False)
    if -code in OUTSIDE:
        words = f"Enlarging {name} was ended from outside ({signal.Signals(-code).name}), as for want of memory."
        return RunFailed(f"{words} {smaller}", charged=False, passing=True)
    how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return RunFailed(f"What enlarges pictures fell over {name} ({how}). {smaller}", charged=False)


async def _ended(run: _Enlargement) -> None:
    if run.task is not None:
        run.task.cancel()
        await asyncio.wait({run.task})


async def device() -> tuple[str, str]:
    """The name of what it would run on, and what keeps it from that. Raises RunFailed."""
    run, process = _Enlargement(Upscale(""), Path()), await start()
    try:
        told = await _heard(process, run, {"library": str(engine.folder())})
    finally:
        await end(process)
    return run.device, "" if run.device else str(told.get("error") or "it ends without a word")


async def start() -> Process:
    """In a session of its own: what a terminal says to us, we tell it. It is given no credential."""
    environ = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    environ["PYTHONPATH"] = str(Path(artfactoryd.__file__).parents[1])
    try:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "artfactoryd.factories.local.upscaling.child", stdin=PIPE, stdout=PIPE,
            stderr=DEVNULL, env=environ, start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        words = f"No process can be started to enlarge it: {error.strerror}."
        raise RunFailed(words, charged=False, passing=True) from error


async def end(process: Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
