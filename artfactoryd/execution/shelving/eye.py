"""The processes that decode pictures (`shelf.looker`), kept while there is something to look at."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import artfactoryd
from artfactoryd.core.sheets.sheet import Sheet

MOST = min(4, os.cpu_count() or 1)  # processes; more than that only wait for the disk
LONGEST = 120.0  # seconds of the processor for one picture
LONGEST_SHEET = 900.0  # of one whose thumbnails are all to be made first
STARVED = 3  # times as long by the clock: a machine that has other things to do says nothing about the picture
TRIES = 2  # a process that is killed from outside says nothing about the picture
FELL = "Decoding it ended the decoder, so nothing here opens it again. Open it with care."
KEPT = (  # of the environment: it is given no credential
    "PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "ARTFACTORY_FAULT",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Glance:
    """`fault`: empty of what is well, None where it could not be looked at. `seconds`: of the processor. `bytes`: of
    the thumbnails that were made. `is_starved`: it got too little of the processor to tell; later it may get more."""

    fault: str | None
    seconds: float = 0.0
    bytes: int = 0
    is_starved: bool = False


@dataclass(frozen=True, slots=True)
class Thumbnails:
    """Where those of a file go, and what it is."""

    folder: Path
    sha256: str
    mime: str


def request_for(path: Path, megapixels: float, thumbnails: Thumbnails | None = None) -> dict[str, Any]:
    request: dict[str, Any] = {"path": str(path), "megapixels": megapixels}
    if thumbnails is None:
        return request
    asked = {"mime": thumbnails.mime, "sha256": thumbnails.sha256, "thumbnails": str(thumbnails.folder)}
    return request | asked


class Eye:
    """Looks at `MOST` files at once. Whoever looks at one at a time keeps one process busy, and no other is started."""

    def __init__(self) -> None:
        self._free: list[Decoder] = []
        self._room = asyncio.Semaphore(MOST)

    async def look(self, path: Path, megapixels: float, thumbnails: Thumbnails | None = None) -> Glance:
        """Raises OSError where no process can be started."""
        return await self._answer(request_for(path, megapixels, thumbnails), megapixels, LONGEST)

    async def draw(self, sheet: Sheet, home: Path, thumbnails: Path, megapixels: float, target: Path) -> Glance:
        """The sheet as a JPEG at `target`. Raises OSError where no process can be started."""
        request: dict[str, Any] = {
            "sheet": sheet.to_json(), "home": str(home), "thumbnails": str(thumbnails), "megapixels": megapixels,
            "target": str(target),
        }  # fmt: skip
        return await self._answer(request, megapixels, LONGEST_SHEET)

    async def _answer(self, request: dict[str, Any], megapixels: float, longest: float) -> Glance:
        async with self._decoder() as decoder:
            for _ in range(TRIES):
                if (glance := await decoder.look(request, megapixels, longest)) is not None:
                    return glance
            return Glance(FELL)

    @asynccontextmanager
    async def _decoder(self) -> AsyncIterator[Decoder]:
        async with self._room:
            decoder = self._free.pop() if self._free else Decoder()
            try:
                yield decoder
            finally:
                self._free.append(decoder)

    async def close(self) -> None:
        """Those that look at something just now are ended by whoever ends that look."""
        while self._free:
            await self._free.pop().end()


class Decoder:
    """One process, started when it is asked something. One question at a time."""

    def __init__(self) -> None:
        self.process: Process | None = None
        self._killed: list[Process] = []  # and not yet seen to have ended
        self._megapixels = 0.0

    async def look(self, request: dict[str, Any], megapixels: float, longest: float) -> Glance | None:
        """None where it ended without an answer, as it does after `longest` seconds of the processor."""
        if self.process is None or self._megapixels != megapixels:
            await self.end()
            self.process, self._megapixels = await _start(megapixels), megapixels
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None and stdout is not None
        answer = b""
        try:
            stdin.write(json.dumps(request | {"longest": longest}).encode() + b"\n")
            async with asyncio.timeout(longest * STARVED):
                await stdin.drain()
                answer = await stdout.readline()
        except TimeoutError:
            return Glance(None, is_starved=True)
        except ConnectionError:
            pass
        finally:
            if not answer:
                await self.end()
        return Glance(**json.loads(answer)) if answer else None

    async def end(self) -> None:
        """Whoever is cancelled while the process ends leaves that to the next call."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            self._killed.append(self.process)
            self.process = None
        for process in [*self._killed]:
            await process.wait()
            self._killed.remove(process)


async def _start(megapixels: float) -> Process:
    """In a session of its own: what a terminal says to us, we tell it."""
    environ = {name: os.environ[name] for name in KEPT if name in os.environ}
    environ["PYTHONPATH"] = str(Path(artfactoryd.__file__).parents[1])
    return await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "artfactoryd.shelf.looker", str(megapixels), stdin=PIPE, stdout=PIPE,
        stderr=DEVNULL, env=environ, start_new_session=True,
    )  # fmt: skip
