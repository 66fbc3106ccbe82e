"""The process that decodes pictures (`shelf.looker`), kept while there is something to look at."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from dataclasses import dataclass
from pathlib import Path

import artfactoryd

LONGEST = 120.0  # seconds for one picture, at the lowest priority
TRIES = 2  # a process that is killed from outside says nothing about the picture
FELL = "Decoding it ended the decoder, so nothing here opens it again. Open it with care."
KEPT = (  # of the environment: it is given no credential
    "PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "ARTFACTORY_FAULT",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Glance:
    """`fault`: empty of what is well, None where it could not be looked at. `seconds`: of the processor."""

    fault: str | None
    seconds: float = 0.0


class Eye:
    def __init__(self) -> None:
        self._process: Process | None = None
        self._megapixels = 0.0
        self._turn = asyncio.Lock()

    async def look(self, path: Path, megapixels: float) -> Glance:
        """One at a time. Raises OSError where no process can be started."""
        async with self._turn:
            for _ in range(TRIES):
                if (glance := await self._look_once(path, megapixels)) is not None:
                    return glance
            return Glance(FELL)

    async def _look_once(self, path: Path, megapixels: float) -> Glance | None:
        if self._process is None or self._megapixels != megapixels:
            await self._end()
            self._process, self._megapixels = await _start(megapixels), megapixels
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None
        answer = b""
        try:
            stdin.write(json.dumps({"path": str(path), "megapixels": megapixels}).encode() + b"\n")
            async with asyncio.timeout(LONGEST):
                await stdin.drain()
                answer = await stdout.readline()
        except (TimeoutError, ConnectionError):
            pass
        finally:
            if not answer:
                await self._end()
        return Glance(**json.loads(answer)) if answer else None

    async def close(self) -> None:
        async with self._turn:
            await self._end()

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _start(megapixels: float) -> Process:
    """In a session of its own: what a terminal says to us, we tell it."""
    environ = {name: os.environ[name] for name in KEPT if name in os.environ}
    environ["PYTHONPATH"] = str(Path(artfactoryd.__file__).parents[1])
    return await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "artfactoryd.shelf.looker", str(megapixels), stdin=PIPE, stdout=PIPE,
        stderr=DEVNULL, env=environ, start_new_session=True,
    )  # fmt: skip
