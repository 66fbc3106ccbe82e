"""A factory of our own contract that does as it is told and remembers what was asked of it."""

from __future__ import annotations

import asyncio
import io
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from PIL import Image

from artfactoryd.factories import Call, Output, Outputs, Ticket

Verb = Literal["submit", "collect", "cancel"]
# An exception is raised; anything callable is called with the call or ticket; the rest is the answer.
Step = Any


@dataclass(frozen=True)
class Asked:
    """One line of the history: what was asked of the factory, in order."""

    verb: Verb
    call: Call | None = None
    ticket: Ticket | None = None


class FakeFactory:
    """Without a script every submit gives a new ticket and every collect one small picture.

        fake = FakeFactory(work)
        fake.script("submit", Throttled("wait", after=0), "ok")
        fake.script("collect", None, RunFailed("no", charged=False))
        fake.hold("submit")           # from now on a submit waits, until release("submit")
        await fake.reached("submit")  # until one is waiting there

    The script belongs to the verb, not to the ticket: steps are used up in the order of asking.
    "ok" stands for what would be answered without a script.
    """

    name = "fake"
    first_ask = 0.0
    output_hosts: frozenset[str] = frozenset()

    def __init__(self, work: Path, tickets: Iterable[str] = ()) -> None:
        self.history: list[Asked] = []
        self.closed = False
        self._work = work
        self._tickets = deque(tickets)
        self._steps: dict[Verb, deque[Step]] = {"submit": deque(), "collect": deque(), "cancel": deque()}
        self._open: dict[Verb, asyncio.Event] = {}
        self._waiting: dict[Verb, asyncio.Event] = {}

    def script(self, verb: Verb, *steps: Step) -> None:
        self._steps[verb].extend(steps)

    def hold(self, verb: Verb) -> None:
        self._open[verb], self._waiting[verb] = asyncio.Event(), asyncio.Event()

    def release(self, verb: Verb) -> None:
        self._open.pop(verb).set()

    async def reached(self, verb: Verb) -> None:
        async with asyncio.timeout(10):
            await self._waiting[verb].wait()

    def calls(self) -> list[Call]:
        """What was submitted, in order: what a provider would have been asked to make."""
        return [asked.call for asked in self.history if asked.call is not None]

    async def submit(self, call: Call) -> Ticket:
        self.history.append(Asked("submit", call=call))
        given = await self._step("submit", call)
        if isinstance(given, Ticket):
            return given
        return Ticket(self._tickets.popleft() if self._tickets else f"fake-{len(self.calls())}")

    async def collect(self, ticket: Ticket) -> Outputs | None:
        self.history.append(Asked("collect", ticket=ticket))
        given = await self._step("collect", ticket)
        if given is None or isinstance(given, Outputs):
            return given
        return Outputs((self.picture(ticket.text),), {"seed": 7}, seconds=0.5)

    async def cancel(self, ticket: Ticket) -> None:
        self.history.append(Asked("cancel", ticket=ticket))
        await self._step("cancel", ticket)

    async def close(self) -> None:
        self.closed = True

    def picture(self, text: str) -> Output:
        """A small real picture in the work folder; another text, other bytes."""
        file = io.BytesIO()
        Image.new("RGB", (8, 8), tuple(text.encode()[-3:].rjust(3))).save(file, "PNG")
        path = self._work / f"{text}.png"
        path.write_bytes(file.getvalue())
        return Output(path.as_uri(), "image/png")

    async def _step(self, verb: Verb, asked: Call | Ticket) -> Step:
        gate = self._open.get(verb)
        if gate is not None:
            self._waiting[verb].set()
            await gate.wait()
        step = self._steps[verb].popleft() if self._steps[verb] else "ok"
        if isinstance(step, BaseException):
            raise step
        return step(asked) if callable(step) else step


def install(packages: Path, source: str = "import surely_not_installed\n") -> None:
    """A plug-in for the provider acme in a folder for packages; as it is, it cannot be loaded."""
    (found := packages / "acme_factory-1.0.dist-info").mkdir(parents=True)
    (found / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-factory\nVersion: 1.0\n")
    (found / "entry_points.txt").write_text("[artfactoryd.factories]\nacme = acme_factory:make\n")
    (packages / "acme_factory.py").write_text(source)
