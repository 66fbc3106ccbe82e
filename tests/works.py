"""The whole house at work inside the test's own loop, with scripted factories behind it."""

from __future__ import annotations

import asyncio
import errno
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from artfactoryd import documents
from artfactoryd.clock import now
from artfactoryd.daemon.app import App, open_app
from artfactoryd.daemon.loop import Daemon
from artfactoryd.daemon.run import RunOptions
from artfactoryd.execution import collection
from artfactoryd.execution.assembly import Execution
from artfactoryd.execution.flights import Phase
from artfactoryd.execution.pacing import machine
from artfactoryd.factories import ProviderSettings, registry
from artfactoryd.intake.claim import Claim
from artfactoryd.planning.accepted import expander
from artfactoryd.settings import Desktop, Http, Inbox, Limits, Provider, Settings
from artfactoryd.storage import ledger
from artfactoryd.storage.index import Index
from artfactoryd.storage.rows import ItemRow, OrderRow
from artfactoryd.storage.writer import catch_up
from artfactoryd.web import server
from tests.fakes import FakeFactory
from tests.homes import TestHome
from tests.pauses import SHORT

PATIENCE = 20.0  # seconds; only a broken program needs them
PRICE = 10_000  # micro-dollars a picture of the painter costs
PAINTER: dict[str, Any] = {
    "provider": "fake", "model": "acme/painter", "aliases": ["painter"], "family": "painter",
    "modality": "text-to-image", "batch": "num_outputs", "seed": "seed",
    "schema": {
        "type": "object", "required": ["prompt"],
        "properties": {
            "prompt": {"type": "string"}, "seed": {"type": "integer", "minimum": 0},
            "num_outputs": {"type": "integer", "minimum": 1, "maximum": 4, "default": 1},
        },
    },
    "price": {"usd": 0.01, "per": "image", "as_of": "2026-05-01"},
}  # fmt: skip
EDITOR: dict[str, Any] = {
    "provider": "other", "model": "acme/editor", "aliases": ["editor"], "modality": "image-to-image", "image": "image",
    "seed": "seed",
    "schema": {
        "type": "object", "required": ["image"],
        "properties": {
            "image": {"type": "string", "format": "uri"}, "strength": {"type": "integer"},
            "seed": {"type": "integer", "minimum": 0},
        },
    },
    "price": {"usd": 0.02, "per": "image", "as_of": "2026-05-01"},
}  # fmt: skip
MODELS: list[dict[str, Any]] = [
    PAINTER,
    EDITOR,
    {**PAINTER, "provider": "other"},
    {**PAINTER, "model": "acme/timer", "aliases": ["timer"], "price": {"usd": 0.001, "per": "second", "seconds": 10}},
    {key: value for key, value in {**PAINTER, "model": "acme/mute", "aliases": ["mute"]}.items() if key != "price"},
]
MODEL_FILES = [documents.dump_yaml(model) for model in MODELS]


def order(prompt: str | list[str] = "a [red,blue] car", **keys: Any) -> str:
    parameters = {"prompt": prompt, **keys.pop("parameters", {})}
    return documents.dump_yaml({"provider": "fake", "model": "painter", **keys, "parameters": parameters})


@dataclass
class Works:
    home: TestHome
    house: App
    daemon: Daemon
    fake: FakeFactory
    other: FakeFactory
    running: asyncio.Task[None]

    async def until(self, true: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not true():
                assert not self.running.done() or self.daemon.stop.is_set(), self.running.exception()
                await asyncio.sleep(0.01)

    @property
    def execution(self) -> Execution:
        return self.house.execution

    async def rests(self) -> None:
        """Until nothing can go on by itself."""
        await self.until(lambda: self.daemon.done)

    async def take(self, text: str, name: str = "cars.yaml") -> str:
        """Drop it, and wait until it is an order; its id."""
        before = self._orders()
        self.home.drop(name, text)
        await self.until(lambda: self._orders() - before)
        await self.until(lambda: not (self.home.home.inbox / name).exists())
        return str(self.house.books.index.orders()[0].id)

    def _orders(self) -> set[str]:
        return {row["id"] for row in self.house.books.index.rows("SELECT id FROM orders")}

    async def lined_up(self, items: int) -> None:
        """Until so many have their rows and the lines know of them."""
        await self.until(lambda: len(self.states()) == items and not self.daemon._expanding)

    async def make(self, text: str, name: str = "cars.yaml") -> str:
        """Take it, and work until nothing can go on by itself."""
        order_id = await self.take(text, name)
        await self.until(lambda: self.order(order_id).held or self.items(order_id))
        await self.rests()
        return order_id

    async def tell(self, name: str, order_id: str = "", **fields: Any) -> dict[str, Any]:
        command = {"id": f"{name}-{len(self.lines('command'))}", "name": name, "order": order_id, **fields}
        return await self.daemon.carry_out(command)

    async def stop(self) -> None:
        self.daemon.stop.set()
        await self.running

    def order(self, order_id: str) -> OrderRow:
        row = self.house.books.index.order(order_id)
        assert row is not None
        return row

    def folder(self, order_id: str) -> str:
        """Of its papers, in the home."""
        folder = self.order(order_id).folder
        assert folder is not None
        return folder

    def items(self, order_id: str) -> list[ItemRow]:
        return self.house.books.index.items(order_id)

    def states(self, order_id: str | None = None) -> list[str]:
        orders = [order_id] if order_id else sorted(row.id for row in self.house.books.index.orders())
        return [item.state for each in orders for item in self.items(each)]

    def phases(self, order_id: str) -> list[Phase]:
        """Of its items that somebody works on just now."""
        phases = (self.execution.flights.phase(item.item_key) for item in self.items(order_id))
        return [phase for phase in phases if phase]

    def state(self, order_id: str) -> str:
        return str(self.house.books.index.state(self.order(order_id)))

    def committed(self, order_id: str) -> int:
        return int(self.order(order_id).committed)

    def lines(self, kind: str | None = None) -> list[dict[str, Any]]:
        return self.home.lines(kind)

    def kinds(self, item: int = 1) -> list[str]:
        """What the ledger says happened to an item, in order."""
        return [line["kind"] for line in self.lines() if line.get("item") == item]

    def prompts(self) -> list[str]:
        return [str(call.parameters["prompt"]) for call in self.fake.calls()]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses that matter to nobody, made short; those that wait for a person too."""
    for place, pause in SHORT.items():
        monkeypatch.setattr(place.replace(":", "."), pause)
    monkeypatch.setattr("artfactoryd.execution.pacing.gate.FIRST_PAUSE", 0.01)
    monkeypatch.setattr(collection, "ATTEMPT_AGAIN", (0.01, 0.02))
    monkeypatch.setattr(collection, "ASK_AGAIN", 0.01)
    monkeypatch.setattr(collection, "STOPPED_AGAIN", 0.01)
    monkeypatch.setattr(machine, "ROOM_AGAIN", 0.05)


@asynccontextmanager
async def at_work(
    home: TestHome, monkeypatch: pytest.MonkeyPatch, *, concurrency: int = 1, job: RunOptions | None = None,
    fake: type[FakeFactory] = FakeFactory, script: Callable[[FakeFactory], object] = lambda made: None,
    clock: Callable[[], datetime] = now, **settings: Any,
) -> AsyncIterator[Works]:  # fmt: skip
    """`script`: what the fake is told before the house takes up what was left."""
    for place, text in enumerate(MODEL_FILES):
        (home.home.library / "models" / f"{place}.yaml").write_text(text)
    made: dict[str, FakeFactory] = {}

    def maker(provider: ProviderSettings, work: Path) -> FakeFactory:
        made[provider.name] = fake(work)
        before = len(home.lines("ticket"))  # no provider gives a ticket twice
        made[provider.name]._tickets.extend(f"fake-{number}" for number in range(before + 1, before + 100))
        script(made[provider.name])
        return made[provider.name]

    monkeypatch.setattr(registry, "_installed", lambda: {"fake": maker, "other": maker})
    providers = {name: Provider(concurrency=concurrency) for name in ("fake", "other")}
    given = {
        "inbox": Inbox(settle_seconds=0.02, scan_seconds=0.1), "limits": Limits(free_disk_bytes=1000),
        "http": Http(port=0), "desktop": Desktop(notify=False),
    }  # fmt: skip
    async with open_app(home.home, Settings(providers=providers, **{**given, **settings}), {}, clock) as opened:
        daemon = Daemon(opened, job or RunOptions(), {}, serve=None if job and job.until_done else server.serve)
        running = asyncio.create_task(daemon.run())
        try:
            yield Works(home, opened, daemon, made["fake"], made["other"], running)
        finally:
            daemon.stop.set()
            await running


@contextmanager
def full_disk(home: TestHome, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No room for the ledger, nothing kept aside."""
    real = os.write

    def write(fd: int, data: bytes) -> int:
        if b'"kind"' in bytes(data[:20]):
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(fd, data)

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", write)
        patched.setattr(ledger.Ledger, "give_room", lambda self: False)
        yield


def found_again(home: TestHome, file: Path) -> Counter[str]:
    """Item states as the next start will find them, from the ledger alone."""
    index = Index.open(file)
    try:
        catch_up(index, home.home.ledger, expander)
        return Counter(row["state"] for row in index.rows("SELECT state FROM item"))
    finally:
        index.close()


def claim_of(works: Works) -> list[Claim]:
    return works.house.claims.open()
