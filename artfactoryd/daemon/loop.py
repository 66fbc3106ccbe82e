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
import sys
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any

from artfactoryd import failpoints, news
from artfactoryd.core import lifecycle
from artfactoryd.core.lifecycle import OrderState
from artfactoryd.daemon import cleanup, mailbox, sleep_inhibitor
from artfactoryd.daemon.app import House, open_house
from artfactoryd.daemon.endings import end
from artfactoryd.daemon.receipts import Receipts
from artfactoryd.daemon.sleep_inhibitor import Wakefulness
from artfactoryd.daemon.supervisors import notify
from artfactoryd.errors import ArtFactoryError, OutputBad, StorageFull, WrongUse
from artfactoryd.factories.registry import unsafe_start
from artfactoryd.home import Home
from artfactoryd.intake.consumer import Taking, Work
from artfactoryd.intake.held_folder import HeldFolder
from artfactoryd.intake.inbox import Inbox
from artfactoryd.reporting import receipt
from artfactoryd.settings import Settings, read_settings
from artfactoryd.storage.rows import ItemRow

log = logging.getLogger(__name__)

Health = Callable[[], dict[str, Any]]
Spawn = Callable[[Coroutine[Any, Any, None]], None]
Serve = Callable[[House, Mapping[str, str], Health, Spawn, asyncio.Event], Coroutine[Any, Any, None]]
GRACE = 4.0  # seconds for creates on the way when asked to stop
COMMANDS_EVERY = 1.0
RECEIPTS_EVERY = 1.0
IDLE_EVERY = 5.0  # seconds between looks for a receipt while nothing is made
WRITTEN = 0.3  # seconds for which the settings must lie quiet: half a file would be a file without caps
LATE = 60.0  # seconds without a look at the inbox: something is badly wrong


class Daemon:
    def __init__(self, house: House, work: Work, environ: dict[str, str], serve: Serve | None = None) -> None:
        """`serve`: the status page, for as long as the house is at work."""
        self.house, self.work, self._environ, self._serve = house, work, environ, serve
        self.stop = asyncio.Event()
        for turns in house.bench.turns.values() if work.only else ():
            turns.only = set(work.orders)
        self._group: asyncio.TaskGroup | None = None
        self._makers: set[asyncio.Task[None]] = set()
        self._services: set[asyncio.Task[None]] = set()
        self._expanding: set[str] = set()
        self._taking = Taking(house, work, self._begin, lambda: notify.tell(environ, "WATCHDOG=1"))
        self._page: set[asyncio.Task[None]] = set()  # closes by itself at a stop
        self._looked = time.monotonic()  # when the inbox was last looked at
        self._taken_all = False  # the inbox has been looked at and holds nothing to take
        self._held, self._receipts = HeldFolder(house), Receipts(house)
        self._awake = Wakefulness(sleep_inhibitor.command(sys.platform, os.getpid()), time.monotonic)
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
            inbox = self.house.settings.inbox
            status = f"at work; the inbox is {inbox.path or self.house.home.inbox}"
            notify.ready(self._environ, status, inbox.scan_seconds)
            await self.stop.wait()
            await self._wind_down()
        cleanup.unmark(self.house.home)

    def _asked_to_stop(self) -> None:
        if self.stop.is_set():  # asked twice: at once
            os._exit(130)
        log.info("asked to stop")
        notify.tell(self._environ, "STOPPING=1")
        self.stop.set()

    async def _take_up(self) -> None:
        """What the last run left, before anything new: tickets and outputs, then claims, then orders."""
        index, lines = self.house.books.index, self.house.lines
        for provider in index.outages():  # as it was then; it is tried at once
            await self.house.books.note_outage(provider, None)
        self._look_over()
        await asyncio.to_thread(self._clear_leftovers)
        lines.resume_all(self._start_item)
        self.house.doubts.take_up()
        if not self.work.only:
            self._taking.unfinished = await asyncio.to_thread(self.house.claims.open)
            await self._taking.take_unfinished()
        for row in index.unexpanded_orders():
            self._begin(row.id)

    def _clear_leftovers(self) -> None:
        home, bench = self.house.home, self.house.bench
        cleanup.clear(home, self.house.books.index, bench.touched, everywhere=cleanup.mark(home))

    def _look_over(self) -> None:
        """Orders that are not finished, and those whose receipt a kill has left behind."""
        for row in self.house.books.index.orders():
            state = self.house.books.index.state(row)
            unfinished = state in lifecycle.UNFINISHED_ORDERS
            if unfinished and (not self.work.only or row.id in self.work.orders):
                self.work.seen.append(row.id)
            if row.folder and (unfinished or self._receipt_is_behind(row.folder, state)):
                self.house.bench.touched.add(row.id)

    def _receipt_is_behind(self, folder: str, state: OrderState) -> bool:
        """A receipt that a person removed stays removed."""
        said = receipt.receipt_state(self.house.home.root / folder)
        return said is not None and said != state

    def _start_services(self) -> None:
        services: list[Coroutine[Any, Any, None]] = [
            self._serve_inbox(), self._serve_commands(), self._write_receipts(),
            *(self.house.lines.line(provider, self._start_item, self.stop) for provider in self.house.factories),
            *(self.house.doubts.find_out(provider, self._start_item) for provider in self.house.doubts.providers),
        ]  # fmt: skip
        for service in services:
            self._spawn_service(service)
        if self._serve is not None:
            self._spawn(self._serve(self.house, self._environ, self.health, self._spawn_service, self.stop), self._page)

    def _spawn_service(self, service: Coroutine[Any, Any, None]) -> None:
        self._spawn(service, self._services)

    def health(self) -> dict[str, Any]:
        """Whether the house is at work, for whoever would start it again if it were not."""
        ago = time.monotonic() - self._looked
        books = self.house.books.alive
        late = ago > max(LATE, 3 * self.house.settings.inbox.scan_seconds)
        return {"alive": books and not late, "books": books, "inbox_seconds_ago": round(ago, 1)}

    def _spawn(self, work: Coroutine[Any, Any, None], owner: set[asyncio.Task[None]]) -> None:
        assert self._group is not None
        task = self._group.create_task(work)
        owner.add(task)
        task.add_done_callback(owner.discard)

    async def _wind_down(self) -> None:
        bench = self.house.bench
        bench.stopping = True
        until = time.monotonic() + GRACE
        while bench.sending and time.monotonic() < until:
            await asyncio.sleep(0.02)
        await end(self._services, self._makers)
        if self._page:
            await asyncio.wait(self._page, timeout=GRACE)  # it closes by itself, within a second
        await end(self._services, self._makers, self._page)  # what it began while it was opening
        await self._receipts.bring_up_to_date()
        await asyncio.to_thread(self._awake.end)

    # --- items ---

    def _start_item(self, row: ItemRow) -> None:
        self.house.bench.making.add(row.item_key)
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
            failpoints.point("order_expanded")
        finally:
            self._expanding.discard(order_id)
            self.house.bench.wake(order_id)

    async def _expand_once(self, order_id: str) -> bool:
        row = self.house.books.index.order(order_id)
        try:
            if row is not None and not row.cancelled:
                await self.house.intake.open_folder(row)
                if row.expanded_items < row.total_items:
                    await self.house.books.expand(row)
            return True
        except (StorageFull, OutputBad) as error:
            log.error("an order waits: %s", error)
            return False

    # --- the inbox ---

    async def _serve_inbox(self) -> None:
        inbox = self._inbox()
        async for scan in inbox.scans(self.stop):
            notify.tell(self._environ, "WATCHDOG=1")  # only from here: an inbox nobody looks into is a dead daemon
            self._looked = time.monotonic()
            self._reload_settings()
            self.house.bench.heed_date()
            await self._taking.take_unfinished()
            await self._taking.take_scan(scan)
            if not scan.waiting:  # an order that is not whole yet may name the same picture
                await self.house.intake.clear_inbox()
            self._taken_all = not scan.waiting and not self._taking.is_behind(scan)
            await self._held.look(self._taken_all)

    def _inbox(self) -> Inbox:
        settings, home = self.house.settings.inbox, self.house.home
        return Inbox(
            settings.path or home.inbox, settle_seconds=settings.settle_seconds, scan_seconds=settings.scan_seconds,
            dropboxes=home.work / "dropboxes.json",
        )  # fmt: skip

    def _reload_settings(self) -> None:
        """A bad file leaves the last good settings, and a word beside it."""
        path = self.house.home.settings_file
        stamp = _stamp(path)
        if stamp == self._settings_seen or (stamp and abs(time.time() - stamp[0] / 1e9) < WRITTEN):
            return
        self._settings_seen = stamp
        found = read_settings(self.house.home, self._environ, running=True)
        if found is not None:
            self.house.use(found)
            news.tell(news.SettingsRead())

    # --- commands and receipts ---

    async def _serve_commands(self) -> None:
        folder = self.house.home.commands
        while not self.stop.is_set():
            try:
                # one look without a thread: an idle house wakes the machine as rarely as it can
                for command in await asyncio.to_thread(mailbox.waiting, folder) if mailbox.any_there(folder) else ():
                    answer = await self.carry_out(command)
                    await asyncio.to_thread(mailbox.answer, folder, command["id"], answer)
            except StorageFull as error:
                log.error("a command waits for its answer: %s", error)
            await asyncio.sleep(COMMANDS_EVERY)

    async def carry_out(self, command: dict[str, Any]) -> dict[str, Any]:
        answer, ids = await self.house.steering.carry_out(command)
        for order_id in ids:
            self._begin(order_id)
        return answer

    async def _write_receipts(self) -> None:
        due = 0.0
        while True:
            await asyncio.sleep(self._until_receipts())
            if time.monotonic() >= due:
                if self.house.bench.touched or self.house.proofs.late:
                    await self.house.proofs.look()
                await self._receipts.bring_up_to_date()
                due = time.monotonic() + RECEIPTS_EVERY / 2
                if (at_work := self.house.lines.at_work) or self._awake.follows:
                    await asyncio.to_thread(self._awake.follow, at_work)
            if self.work.watch:
                self.work.watch(self.house, self.work.seen)
            if self.work.until_done and self.done:
                self.work.waiting = len(self._taking.unfinished) + len(self._taking.left)
                self.stop.set()

    def _until_receipts(self) -> float:
        if self.work.until_done:
            return 0.05
        bench = self.house.bench
        return RECEIPTS_EVERY if bench.touched or bench.making else IDLE_EVERY

    @property
    def done(self) -> bool:
        """Nothing can go on by itself."""
        return (
            self._taken_all
            and not self._taking.waiting
            and not self._expanding
            and self.house.lines.idle
            and not self._owes_proof
        )

    @property
    def _owes_proof(self) -> bool:
        """A proof has ended, and a person is about to be told."""
        return bool(self.house.proofs.done) and not self.house.proofs.late


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
        return found.st_mtime_ns, found.st_size
    except OSError:
        return None


async def work(home: Home, settings: Settings, job: Work, environ: dict[str, str], serve: Serve | None = None) -> None:
    """Run the house of a home whose lock is held. Raises WrongUse where a library that is installed may buy twice."""
    if why := unsafe_start(settings):
        raise WrongUse(why)
    try:
        async with open_house(home, settings, environ) as house:
            await Daemon(house, job, environ, serve).run()
    except BaseExceptionGroup as group:  # the TaskGroup's wrapping says nothing to a person
        known, unknown = group.split(ArtFactoryError)
        raise (unknown or known or group).exceptions[0] from None


def outcome(house_index: Any, seen: Sequence[str], rejected: int, waiting: int = 0) -> int:
    """The exit code for orders: 1 something failed or was rejected, 3 something waits, 0 all is done."""
    states = {house_index.state(row) for row in map(house_index.order, seen) if row is not None}
    if rejected or states & {OrderState.FAILED, OrderState.PARTIAL}:
        return 1
    return 3 if waiting or states & lifecycle.UNFINISHED_ORDERS else 0
