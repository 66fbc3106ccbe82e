"""A provider that runs a command on this machine: free, kept in a folder of its own, ended with its order.

A ticket is the whole call, and the command runs when it is first asked about. Of one that a kill ended nothing is left
but its folder, which is made anew: so nothing can be lost, and nothing is ever bought.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artfactory_command import runner
from artfactory_command.model_file import FOLDER, PLACE
from artfactory_command.sandbox import TOO_FREE, wrapped
from artfactoryd.errors import CallRefused, OutputLost, RunFailed
from artfactoryd.factories import Absent, Attempt, Call, Output, Outputs, ProviderSettings, Ticket

SOON = 5.0  # seconds
LONGEST = 3600.0  # seconds, where the model file does not say
MOST_WORDS = 300  # of what it said when it failed, in characters
FAILED = "failed.txt"
KEPT = ("PATH", "LANG", "LC_ALL", "HOME", "USER", "HF_HOME", "CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH")


def make(settings: ProviderSettings, work: Path) -> Commands:
    return Commands(settings.name, work)


@dataclass(frozen=True)
class Run:
    """A command at work; it ends when its standard input is closed."""

    process: asyncio.subprocess.Process
    ended: asyncio.Task[bytes]


class Commands:
    first_ask = 0.0  # it runs when it is asked about
    output_hosts: frozenset[str] = frozenset()

    def __init__(self, name: str, work: Path) -> None:
        self.name, self._work = name, work
        self._running: dict[str, Run] = {}
        self._stopped: set[str] = set()

    async def submit(self, call: Call) -> Ticket:
        words = list(_filled(call, Path(FOLDER)))
        if shutil.which(words[0]) is None:
            raise CallRefused(f"There is no program {words[0]} on this machine. Nothing was made.")
        if wrapped(words, Path(FOLDER), [], call.recipe.get("sandbox")) is None:
            raise CallRefused(TOO_FREE)
        self._clear()
        told = {"parameters": dict(call.parameters), "recipe": dict(call.recipe), "mark": secrets.token_hex(8)}
        return Ticket(json.dumps(told, sort_keys=True))

    async def collect(self, ticket: Ticket) -> Outputs | None:
        call, folder = self._read(ticket)
        if ticket.text in self._stopped:
            raise RunFailed("It was stopped.", charged=False, cancelled=True)
        if (failed := folder / FAILED).is_file():
            raise RunFailed(failed.read_text(), charged=False)
        if folder.is_dir():
            return Outputs(tuple(Output(path.as_uri()) for path in _files(folder, call)), dict(call.parameters))
        run = self._running.get(ticket.text)
        if run is None:
            self._running[ticket.text] = await self._started(call, _part(folder))
        elif run.ended.done():
            del self._running[ticket.text]
            self._finish(call, folder, run)
        return None

    async def cancel(self, ticket: Ticket) -> None:
        self._stopped.add(ticket.text)
        if run := self._running.pop(ticket.text, None):
            await _stop(run)

    async def reconcile(self, doubts: Sequence[Attempt], known: Sequence[Attempt]) -> Mapping[str, Absent]:
        """A command is free, so nothing was ever bought."""
        return {doubt.id: Absent() for doubt in doubts}

    async def close(self) -> None:
        for text in list(self._running):
            await _stop(self._running.pop(text))

    def _clear(self) -> None:
        """Folders of runs whose files are on the shelf."""
        for path in self._work.glob("*"):
            if path.suffix != ".part":
                with contextlib.suppress(OSError):
                    path.rmdir()

    def _read(self, ticket: Ticket) -> tuple[Call, Path]:
        """The call, and where its files lie once they are made: what a ticket names is not cleared away."""
        try:
            told = json.loads(ticket.text)
            call, mark = Call("", None, told["parameters"], told["recipe"]), str(told["mark"])
        except (ValueError, KeyError, TypeError) as error:
            raise OutputLost("This is no ticket of a command.") from error
        return call, self._work.absolute() / mark

    async def _started(self, call: Call, folder: Path) -> Run:
        shutil.rmtree(folder, ignore_errors=True)  # of one that a kill ended
        folder.mkdir(parents=True)
        recipe = call.recipe
        writes = [Path(place).expanduser() for place in recipe.get("writes") or ()]
        words = wrapped(list(_filled(call, folder)), folder, writes, recipe.get("sandbox"))
        if words is None:
            raise RunFailed(TOO_FREE, charged=False)
        environ = {name: os.environ[name] for name in KEPT if name in os.environ}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-S", runner.__file__, str(recipe.get("seconds") or LONGEST), *words, cwd=folder,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
            env={**environ, "TMPDIR": str(folder)},
        )  # fmt: skip
        return Run(process, asyncio.create_task(_said(process)))

    def _finish(self, call: Call, folder: Path, run: Run) -> None:
        """Its folder under its name, at once, with what it made or why it made nothing."""
        part, code = _part(folder), run.process.returncode
        said = run.ended.result().decode(errors="replace").strip()[-MOST_WORDS:]
        if code:
            words = f"{call.recipe['command'][0]} ended with {code}: {said or 'it said nothing'}"
            (part / FAILED).write_text(" ".join(words.split()))
        elif not (made := _files(part, call)):
            (part / FAILED).write_text(f"{call.recipe['command'][0]} made no file {call.recipe['output']}.")
        else:
            _keep_alone(part, made)
        part.replace(folder)


def _keep_alone(folder: Path, files: Sequence[Path]) -> None:
    """What else lies there goes, so that nothing is left once the files are on the shelf."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink():
            with contextlib.suppress(OSError):  # a file that is kept lies in it
                path.rmdir()
        elif path not in files:
            path.unlink()


def _part(folder: Path) -> Path:
    return folder.with_suffix(".part")


async def _said(process: asyncio.subprocess.Process) -> bytes:
    assert process.stderr is not None
    said = b""
    while part := await process.stderr.read(1 << 16):
        said = (said + part)[-(1 << 16) :]
    await process.wait()
    return said


async def _stop(run: Run) -> None:
    assert run.process.stdin is not None
    run.process.stdin.close()
    with contextlib.suppress(TimeoutError):  # of one that hides from its end; nobody waits for it
        async with asyncio.timeout(SOON):
            await run.ended


def _filled(call: Call, folder: Path) -> Iterator[str]:
    """The words of the command. Raises CallRefused for a text that would be taken for an option."""
    values: dict[str, Any] = {**call.recipe["defaults"], **call.parameters, FOLDER: folder}
    for word in call.recipe["command"]:
        missing = [name for name in PLACE.findall(word) if name not in values]
        if missing:
            raise CallRefused(f"The command needs {', '.join(missing)}, which was not given. Nothing was made.")
        alone = PLACE.fullmatch(word)
        if alone and isinstance(values[alone[1]], str) and values[alone[1]].startswith("-"):
            raise CallRefused(f"{alone[1]} begins with -, and would be taken for an option. Nothing was made.")
        yield PLACE.sub(lambda place: str(values[place[1]]), word)


def _files(folder: Path, call: Call) -> list[Path]:
    """What it made, in its own folder: no link leads out of there."""
    output = call.recipe["output"]
    patterns = output if isinstance(output, list) else [output]
    found = dict.fromkeys(path for pattern in patterns for path in sorted(folder.glob(str(pattern))))
    return [path for path in found if path.is_file() and path.resolve().is_relative_to(folder.resolve())]
