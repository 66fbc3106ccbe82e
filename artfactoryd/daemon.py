"""The house at work: wires the rooms to the loop, owns the signals and the one TaskGroup.

    inbox -> intake -> (foreman's lines) -> shelf;   commands -> steering;   receipts once a second

A stop: nothing new is taken or sent; creates on the way get four seconds; the rest is cancelled
where it stands, because every state can be taken up again.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uuid_utils

from artfactoryd import commands, fault, paperwork, reports, shelf
from artfactoryd import settings as settings_room
from artfactoryd.claims import Claim
from artfactoryd.core.dropped import PICTURE
from artfactoryd.core.lifecycle import OrderState
from artfactoryd.errors import ArtFactoryError, OutputBad, Refusal, StorageFull, WrongUse
from artfactoryd.home import Home
from artfactoryd.house import House, now, open_house
from artfactoryd.inbox import Inbox, Ready, Scan, Stray
from artfactoryd.settings import Settings

log = logging.getLogger(__name__)

Row = dict[str, Any]
GRACE = 4.0  # seconds for creates on the way when asked to stop
COMMANDS_EVERY = 1.0
RECEIPTS_EVERY = 1.0
GONE_FOR = 30.0  # seconds an entry must be gone from Held/ before that means: cancel


@dataclass
class Work:
    """What a run is for. `until_done`: end when nothing can go on by itself (`once`, `submit --wait`)."""

    until_done: bool = False
    only: frozenset[Path] = frozenset()  # take just these entries of the inbox
    watch: Callable[[House, Sequence[str]], None] | None = None  # looks at the orders seen, for a progress bar
    seen: list[str] = field(default_factory=list)  # orders this run took or found unfinished
    rejected: int = 0


class Daemon:
    def __init__(self, house: House, work: Work, environ: dict[str, str]) -> None:
        self.house, self.work, self._environ = house, work, environ
        self.stop = asyncio.Event()
        for turns in house.foreman.turns.values() if work.only else ():
            turns.only = set()
        self._group: asyncio.TaskGroup | None = None
        self._makers: set[asyncio.Task[None]] = set()
        self._services: set[asyncio.Task[None]] = set()
        self._expanding: set[str] = set()
        self._unfinished: list[Claim] = []  # taken, and waiting for a picture or for room on the disk
        self._waiting: set[str] = set()  # of these, those that wait for a picture
        self._left: set[Path] = set()  # entries of the inbox that cannot be taken just now
        self._taken_all = False  # the inbox has been looked at and holds nothing to take
        self._gone: dict[str, float] = {}
        self._pen = threading.Lock()
        self._settings_seen = _stamp(house.home.settings_file)

    async def run(self) -> None:
        """Until stopped (SIGTERM, SIGINT) or, for `until_done`, until nothing can go on by itself."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self._asked_to_stop)
        async with asyncio.TaskGroup() as group:
            self._group = group
            await self._take_up()
            self._start_services()
            await self.stop.wait()
            await self._wind_down()

    def _asked_to_stop(self) -> None:
        if self.stop.is_set():  # asked twice: at once
            os._exit(130)
        log.info("asked to stop")
        self.stop.set()

    async def _take_up(self) -> None:
        """What the last run left, before anything new: tickets and outputs, then claims, then orders."""
        index, foreman = self.house.books.index, self.house.foreman
        self._look_over()
        await asyncio.to_thread(foreman.clear_leftovers)
        foreman.resume_all(self._start_item)
        if not self.work.only:
            self._unfinished = await asyncio.to_thread(self.house.claims.open)
            await self._take_unfinished()
        for row in index.unexpanded_orders():
            self._begin(row["id"])

    def _look_over(self) -> None:
        """Orders that are not finished, and those whose receipt a kill has left behind."""
        for row in self.house.books.index.orders():
            state = self.house.books.index.state(row)
            unfinished = state in reports.UNFINISHED
            if unfinished and not self.work.only:
                self.work.seen.append(row["id"])
            if row["folder"] and (unfinished or self._receipt_is_behind(row, state)):
                self.house.foreman.touched.add(row["id"])

    def _receipt_is_behind(self, row: Row, state: OrderState) -> bool:
        """A receipt that a person removed stays removed."""
        said = paperwork.receipt_state(self.house.home.root / row["folder"])
        return said is not None and said != state

    def _start_services(self) -> None:
        foreman = self.house.foreman
        services: list[Coroutine[Any, Any, None]] = [
            self._serve_inbox(), self._serve_commands(), self._write_receipts(),
            *(foreman.line(provider, self._start_item, self.stop) for provider in self.house.factories),
        ]  # fmt: skip
        for service in services:
            self._spawn(service, self._services)

    def _spawn(self, work: Coroutine[Any, Any, None], owner: set[asyncio.Task[None]]) -> None:
        assert self._group is not None
        task = self._group.create_task(work)
        owner.add(task)
        task.add_done_callback(owner.discard)

    async def _wind_down(self) -> None:
        foreman = self.house.foreman
        foreman.stopping = True
        until = time.monotonic() + GRACE
        while foreman.sending and time.monotonic() < until:
            await asyncio.sleep(0.02)
        for task in [*self._services, *self._makers]:
            task.cancel()
        await asyncio.gather(*self._services, *self._makers, return_exceptions=True)
        await self._bring_receipts_up_to_date()

    # --- items ---

    def _start_item(self, row: Row) -> None:
        self.house.foreman.making.add((row["order_id"], row["number"]))
        self._spawn(self.house.foreman.make(row), self._makers)

    def _begin(self, order_id: str) -> None:
        """An accepted order: its folder is there, its items get their rows, and the lines look at it."""
        if order_id not in self._expanding:
            self._expanding.add(order_id)
            self._spawn(self._expand(order_id), self._makers)

    async def _expand(self, order_id: str) -> None:
        try:
            while not await self._expand_once(order_id):
                await asyncio.sleep(RECEIPTS_EVERY)
            fault.point("order_expanded")
        finally:
            self._expanding.discard(order_id)
            self.house.foreman.wake(order_id)

    async def _expand_once(self, order_id: str) -> bool:
        row = self.house.books.index.order(order_id)
        try:
            if row is not None and not row["cancelled"]:
                await self.house.intake.open_folder(row)
                if row["expanded_items"] < row["total_items"]:
                    await self.house.books.expand(row)
            return True
        except (StorageFull, OutputBad) as error:
            log.error("an order waits: %s", error)
            return False

    # --- the inbox ---

    async def _serve_inbox(self) -> None:
        inbox = self._inbox()
        async for scan in inbox.scans(self.stop):
            self._reload_settings()
            await self._take_unfinished()
            await self._take_scan(scan)
            if not scan.waiting:  # an order that is not whole yet may name the same picture
                await self.house.intake.clear_inbox()
            left = [found for found in scan.ready if self._is_wanted(found, scan) and found.path not in self._left]
            self._taken_all = not scan.waiting and not left
            await self._look_at_held()

    def _inbox(self) -> Inbox:
        settings, home = self.house.settings.inbox, self.house.home
        return Inbox(
            settings.path or home.inbox, settle_seconds=settings.settle_seconds, scan_seconds=settings.scan_seconds,
            dropboxes=home.work / "dropboxes.json",
        )  # fmt: skip

    async def _take_scan(self, scan: Scan) -> None:
        everything: tuple[Ready | Stray, ...] = (*scan.ready, *scan.strays)
        for found in everything:
            if not self._is_wanted(found, scan):
                continue
            try:
                await self._take_entry(found)
                self._left.discard(found.path)
            except (StorageFull, OSError) as error:
                if found.path not in self._left:
                    log.error("%s stays in the inbox: %s", found.path.name, error)
                self._left.add(found.path)

    def _is_wanted(self, found: Ready | Stray, scan: Scan) -> bool:
        """A picture that lay here long before its order is no stray while the order is on its way."""
        if isinstance(found, Stray) and (found.what == PICTURE.what and scan.waiting):
            return False
        spoken_for = self.house.intake.is_spoken_for(found.path)
        return not spoken_for and (not self.work.only or found.path in self.work.only)

    async def _take_unfinished(self) -> None:
        """What was taken goes on from where a kill or a full disk stopped it."""
        unfinished, self._unfinished = self._unfinished, []
        for claim in unfinished:
            await self._take(claim)

    async def _take_entry(self, found: Ready | Stray) -> None:
        project = found.project if isinstance(found, Ready) else None
        taken_at = now().isoformat(timespec="milliseconds")
        claim = await asyncio.to_thread(
            self.house.claims.take, found.path, id=str(uuid_utils.uuid7()), project=project, taken_at=taken_at
        )
        if claim is None:
            return
        fault.point("claimed")
        if isinstance(found, Stray):
            self.work.rejected += 1
            text = f"{claim.name} is not an order: it is {found.what}.\n\n{found.advice}\n"
            await asyncio.to_thread(self.house.claims.reject, claim, text)
        else:
            await self._take(claim)

    async def _take(self, claim: Claim) -> None:
        try:
            ids = await self.house.intake.take(claim)
        except (StorageFull, OutputBad) as error:  # OutputBad: a picture in the claim itself is damaged
            log.error("%s is taken, and waits: %s", claim.name, error)
            self._unfinished.append(claim)
            return
        if ids is None:
            if claim.id not in self._waiting:
                log.info("%s waits for a picture that it names", claim.name)
            self._waiting.add(claim.id)
            self._unfinished.append(claim)
            return
        rows = self.house.books.index.orders_of_claim(claim.id)
        self.work.seen += [row["id"] for row in rows if row["id"] not in self.work.seen]
        self.work.rejected += 0 if rows or ids else 1
        for order_id in ids:
            self.work.seen += [] if order_id in self.work.seen else [order_id]
            for turns in self.house.foreman.turns.values() if self.work.only else ():
                turns.only = {*(turns.only or ()), order_id}
            self._begin(order_id)
        self._waiting.discard(claim.id)

    async def _look_at_held(self) -> None:
        """An entry gone from Held/ and not in the inbox at a full scan 30 s later means: cancel."""
        await asyncio.to_thread(self._restore_held_folder)
        for row in self.house.books.index.held_orders():
            entry = row["held_entry"]
            if not self.house.claims.held_gone(entry):
                self._gone.pop(row["id"], None)
                continue
            since = self._gone.setdefault(row["id"], time.monotonic())
            if time.monotonic() - since > GONE_FOR and self._taken_all:
                del self._gone[row["id"]]
                command = commands.command("cancel", order=row["id"])
                await self.house.steering.carry_out(command)
                log.info("order %s left Held/ and is cancelled", row["name"])

    def _restore_held_folder(self) -> None:
        """A vanished Held/ is made again from the claims and cancels nothing."""
        claims, rows = self.house.claims, self.house.books.index.held_orders()
        held = {row["claim"]: row for row in rows if claims.held_vanished(row["held_entry"])}
        for claim in claims.open() if held else ():
            row = held.get(claim.id)
            if row is not None:
                words = "\n".join(reason["text"] for reason in row["held"])
                text = f"{claim.name} waits for you. Nothing of it was sent.\n\n{words}\n"
                claims.restore_held(claim, row["held_entry"], text)

    def _reload_settings(self) -> None:
        """A bad file leaves the last good settings, and a word beside it."""
        path = self.house.home.settings_file
        stamp = _stamp(path)
        if stamp == self._settings_seen:
            return
        self._settings_seen = stamp
        found = read_settings(self.house.home, self._environ)
        if found is not None:
            self.house.use(found)
            log.info("the settings were read again")

    # --- commands and receipts ---

    async def _serve_commands(self) -> None:
        while not self.stop.is_set():
            try:
                for command in await asyncio.to_thread(commands.waiting, self.house.home.commands):
                    answer = await self.carry_out(command)
                    await asyncio.to_thread(commands.answer, self.house.home.commands, command["id"], answer)
            except StorageFull as error:
                log.error("a command waits for its answer: %s", error)
            await asyncio.sleep(COMMANDS_EVERY)

    async def carry_out(self, command: dict[str, Any]) -> dict[str, Any]:
        answer, ids = await self.house.steering.carry_out(command)
        for order_id in ids:
            self._begin(order_id)
        return answer

    async def _write_receipts(self) -> None:
        while True:
            await asyncio.sleep(RECEIPTS_EVERY if not self.work.until_done else 0.05)
            await self._bring_receipts_up_to_date()
            if self.work.watch:
                self.work.watch(self.house, self.work.seen)
            if self.work.until_done and self.done:
                self.stop.set()

    async def _bring_receipts_up_to_date(self) -> None:
        touched = self.house.foreman.touched
        for order_id in list(touched):
            touched.discard(order_id)
            try:
                await asyncio.to_thread(self._write_receipt, order_id)
            except (StorageFull, OSError) as error:
                log.warning("a receipt waits: %s", error)
                touched.add(order_id)
            except asyncio.CancelledError:
                touched.add(order_id)
                raise

    def _write_receipt(self, order_id: str) -> None:
        with self._pen:  # a stop leaves the thread of a cancelled writing to its end: the later one comes after it
            write_receipt(self.house, order_id)

    @property
    def done(self) -> bool:
        """Nothing can go on by itself."""
        return self._taken_all and not self._waiting and not self._expanding and self.house.foreman.idle


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
        return found.st_mtime_ns, found.st_size
    except OSError:
        return None


def read_settings(home: Home, environ: dict[str, str]) -> Settings | None:
    """The settings, or None with their problems in `artfactory.yaml.error.txt` beside them."""
    word = home.settings_file.with_name(home.settings_file.name + ".error.txt")
    try:
        found = settings_room.load(home.settings_file, environ)
    except (Refusal, WrongUse) as error:
        text = f"These settings are not used; the last good ones are.\n\n{error}\n"
        word.write_text(text)
        log.error("bad settings: %s", error)
        return None
    word.unlink(missing_ok=True)
    return found


def write_receipt(house: House, order_id: str) -> None:
    """Bring one order's receipt up to date with the index."""
    index = house.books.index
    row = index.order(order_id)
    if row is None or row["folder"] is None:
        return
    notes = reports.reasons(index, row, house.home, house.settings)
    shelf.write_receipt(house.home.root / row["folder"], paperwork.receipt(index, row, notes).encode())


async def work(home: Home, settings: Settings, job: Work, environ: dict[str, str]) -> None:
    """Run the house of a home whose lock is held."""
    try:
        async with open_house(home, settings, environ) as house:
            await Daemon(house, job, environ).run()
    except BaseExceptionGroup as group:  # the TaskGroup's wrapping says nothing to a person
        known, unknown = group.split(ArtFactoryError)
        raise (unknown or known or group).exceptions[0] from None


def outcome(house_index: Any, seen: Sequence[str], rejected: int) -> int:
    """The exit code for orders: 1 something failed or was rejected, 3 something waits, 0 all is done."""
    states = {house_index.state(row) for row in map(house_index.order, seen) if row is not None}
    if rejected or states & {OrderState.FAILED, OrderState.PARTIAL}:
        return 1
    return 3 if states & reports.UNFINISHED else 0
