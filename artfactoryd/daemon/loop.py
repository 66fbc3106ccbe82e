"""The program at work: wires the services to the loop, owns the signals and the one TaskGroup.

    inbox -> intake -> execution -> shelf;   commands -> control;   receipts once a second

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
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

from artfactoryd import failpoints, log_outlet
from artfactoryd.clock import until_tick
from artfactoryd.daemon import cleanup, mailbox, reindexing, sleep_inhibitor
from artfactoryd.daemon.app import App
from artfactoryd.daemon.backups import Backups
from artfactoryd.daemon.keys import look_for_keys
from artfactoryd.daemon.noticing.noticer import Noticer
from artfactoryd.daemon.opening import LATE, opened
from artfactoryd.daemon.receipts import Receipts
from artfactoryd.daemon.resumption import Resumption, unfinished
from artfactoryd.daemon.run import RunOptions, RunReport, Tally, hangup
from artfactoryd.daemon.sheets import Sheets
from artfactoryd.daemon.sleep_inhibitor import Wakefulness
from artfactoryd.daemon.steady import Steady, end
from artfactoryd.daemon.supervisors import notify
from artfactoryd.daemon.upgrade import OwnFiles
from artfactoryd.errors import ArtFactoryError, HomeMoved, OutputBad, StorageFull, WrongUse
from artfactoryd.factories.registry import unsafe_start
from artfactoryd.home import Home
from artfactoryd.intake.consumer import Consumer
from artfactoryd.intake.held_folder import HeldFolder
from artfactoryd.intake.inbox import Inbox
from artfactoryd.intake.outcomes import Accepted, Outcome
from artfactoryd.intake.watching.inotify import looks
from artfactoryd.medium import in_words
from artfactoryd.planning import defaults
from artfactoryd.settings import Settings
from artfactoryd.storage.index import Index
from artfactoryd.storage.rows import ItemRow

log = logging.getLogger(__name__)

Health = Callable[[], dict[str, Any]]
Spawn = Callable[[Coroutine[Any, Any, None]], None]
Act = Callable[[dict[str, Any]], Coroutine[Any, Any, dict[str, Any]]]
Serve = Callable[[App, Mapping[str, str], Health, Act, Spawn, asyncio.Event], Coroutine[Any, Any, None]]
Watch = Callable[[Index, Sequence[str]], None]
GRACE = 4.0  # seconds for creates on the way when asked to stop
COMMANDS_EVERY = 1.0  # seconds between looks for a command where the system does not tell of it
RECEIPTS_EVERY = 1.0
IDLE_EVERY = 5.0  # seconds between looks for a receipt while nothing is made, and for a command that was not told


class Daemon:
    def __init__(
        self, app: App, options: RunOptions, environ: dict[str, str], *, serve: Serve | None = None,
        watch: Watch | None = None,
    ) -> None:  # fmt: skip
        """`serve`: the status page, for as long as the daemon is at work; `watch`: looks at the orders met so far."""
        self.app, self.options, self._environ, self._serve, self._watch = app, options, environ, serve, watch
        self.stop = asyncio.Event()
        self._tally = Tally()
        if options.only:
            app.execution.queues.limit_to(options.orders)
        self._group: asyncio.TaskGroup | None = None
        self._makers: set[asyncio.Task[None]] = set()
        self._services: set[asyncio.Task[None]] = set()
        self._expanding: set[str] = set()
        self._reindexing: set[asyncio.Task[None]] = set()
        self._consumer = Consumer(
            app.claims, app.intake, app.books.index, app.settings, options.only, self._note,
            lambda: notify.tell(environ, "WATCHDOG=1"),
        )  # fmt: skip
        self._asked = False  # to stop
        self._moved: HomeMoved | None = None  # the home is not where it was: this run ends
        self._page: set[asyncio.Task[None]] = set()  # closes by itself at a stop
        self._looked = time.monotonic()  # when the inbox was last looked at
        self._steady = Steady(app.home, lambda: app.execution.disk.refuses, self.stop)
        self._own_files, self._unfit = OwnFiles(), ""
        self._blind = ""  # why the inbox, or a drop-box, could not be looked into just now
        self._open = 0  # in the inbox, and in an editor
        self._taken_all = False  # the inbox has been looked at and holds nothing to take
        self._held = HeldFolder(app.claims, app.books.index, self._cancel)
        self._receipts = Receipts(app, lambda: self._steady.refused)
        self._noticer = Noticer(app, self.carry_out, once=options.until_done)
        self._sheets = Sheets(app, lambda: app.execution.dispatcher.idle and not app.execution.later.at_work)
        app.execution.later.tell, app.execution.receipts.tell = self._sheets.came, self._sheets.touch
        self._awake = Wakefulness(sleep_inhibitor.command(sys.platform, os.getpid()), time.monotonic)

    @property
    def report(self) -> RunReport:
        return self._tally.report(self._consumer.pending + bool(self._blind) + self._open)

    async def run(self) -> None:
        """Until stopped (SIGTERM, SIGINT, SIGHUP) or, for `until_done`, until nothing can go on by itself."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, *hangup()):
            loop.add_signal_handler(number, self._asked_to_stop, number)
        async with asyncio.TaskGroup() as group:
            self._group = group
            await self._take_up()
            self._start_services()
            inbox = self.app.settings.now.inbox
            status = f"at work; the inbox is {inbox.path or self.app.home.inbox}"
            notify.ready(self._environ, status, inbox.scan_seconds)
            await self.stop.wait()
            await self._wind_down()
        if self._moved:
            raise self._moved
        cleanup.unmark(self.app.home)

    def _asked_to_stop(self, number: int) -> None:
        """Asked twice: at once. A window that closes says so as often as it likes, also beside a SIGTERM."""
        if number != signal.SIGHUP:
            if self._asked:
                log_outlet.interrupted()
            self._asked = True
        if self.stop.is_set():
            return
        log.info("asked to stop")
        notify.tell(self._environ, "STOPPING=1")
        self.stop.set()

    def _is_moved(self) -> bool:
        """A home (or index) that is not where it was stops the run: creates on the way get tickets, no more is done."""
        try:
            self.app.home.check_held()
            self.app.books.check_index()
        except HomeMoved as error:
            self._stop_for(error)
        return self._moved is not None

    def _stop_for(self, error: HomeMoved) -> None:
        if self._moved is None:
            log.error("%s. %s", error.title, error)
        self._moved = error
        self.stop.set()

    async def _take_up(self) -> None:
        """What the last run left, before anything new: tickets and outputs, then claims, then orders.

        What the system refuses is waited out, step by step; a run that is to end by itself ends with it.
        """
        left = Resumption(self.app, self.options, self._tally, self._consumer, self._start_item, self._begin)
        for step in left.steps:
            if self.options.until_done:
                await step()
            else:
                await self._steady.run(step, lambda reason: notify.ready(self._environ, f"waits: {reason}", LATE))

    def _start_services(self) -> None:
        dispatcher, reconciliation = self.app.execution.dispatcher, self.app.execution.reconciliation
        services: list[Callable[[], Coroutine[Any, Any, None]]] = [
            self._serve_inbox, self._serve_commands, self._write_receipts, *self.app.services,
            self._sheets.run, self._noticer.run, partial(self.app.warm_up, self.options.loaded),
            partial(look_for_keys, self.app, self._environ),
            *([] if self.options.until_done else [Backups(self.app.home, self.app.settings, self.stop.is_set).run]),
            *(partial(dispatcher.dispatch, name, self._start_item, self.stop) for name in self.app.factories),
            *(partial(reconciliation.reconcile, name, self._start_item) for name in reconciliation.providers),
        ]  # fmt: skip
        for service in services:
            self._spawn_service(self._steady.run(service))
        if self._serve is not None:
            page = self._serve(self.app, self._environ, self.health, self.carry_out, self._spawn_service, self.stop)
            self._spawn(page, self._page)

    def _spawn_service(self, service: Coroutine[Any, Any, None]) -> None:
        self._spawn(service, self._services)

    def health(self) -> dict[str, Any]:
        """Whether the daemon is at work, for whoever would start it again if it were not."""
        ago = time.monotonic() - self._looked
        late = ago > max(LATE, 3 * self.app.settings.now.inbox.scan_seconds)
        alive = (books := self.app.books.alive) and not late and not self._blind
        health: dict[str, Any] = {"alive": alive, "books": books, "inbox_seconds_ago": round(ago, 1)}
        if self._blind:
            health["inbox"] = self._blind
        if self._steady.refused:
            health["waits"] = self._steady.refused
        return health

    def _spawn(self, work: Coroutine[Any, Any, None], owner: set[asyncio.Task[None]]) -> None:
        assert self._group is not None
        task = self._group.create_task(work)
        owner.add(task)
        task.add_done_callback(owner.discard)

    async def _wind_down(self) -> None:
        flights = self.app.execution.flights
        flights.stop()
        until = time.monotonic() + GRACE
        while flights.is_sending and time.monotonic() < until:
            await asyncio.sleep(0.02)
        await end(self._services, self._makers, self._reindexing)
        if self._page:
            await asyncio.wait(self._page, timeout=GRACE)  # it closes by itself, within a second
        await end(self._services, self._makers, self._page)  # what it began while it was opening
        if not self._is_moved():
            await self._receipts.bring_up_to_date()
        await asyncio.to_thread(self._awake.end)

    # --- items ---

    def _start_item(self, row: ItemRow) -> None:
        self.app.execution.flights.begin(row)
        self._spawn(self._make(row), self._makers)

    async def _make(self, row: ItemRow) -> None:
        try:
            await self.app.execution.worker.make(row)
        except HomeMoved as error:
            self._stop_for(error)

    def _note(self, outcome: Outcome) -> None:
        """Of something dropped. A run that is for some orders only is for what it takes, too."""
        self._tally.add(outcome)
        for order_id in outcome.ready if isinstance(outcome, Accepted) else ():
            if self.options.only:
                self.app.execution.queues.admit(order_id)
            self._begin(order_id)

    def _begin(self, order_id: str) -> None:
        """An accepted order: its folder is there, its items get their rows, and the queues look at it."""
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
            self.app.execution.wake(order_id)

    async def _expand_once(self, order_id: str) -> bool:
        row = self.app.books.index.order(order_id)
        try:
            if row is not None and not row.cancelled:
                await self.app.intake.open_folder(row)
                if row.expanded_items < row.total_items:
                    await self.app.books.expand(row)
            return True
        except (StorageFull, OutputBad, OSError) as error:
            self._steady.waits(in_words(error))
            return False

    # --- the inbox ---

    async def _serve_inbox(self) -> None:
        inbox = self._inbox()
        async for scan in inbox.scans(self.stop):
            notify.tell(self._environ, "WATCHDOG=1")  # only from here: an inbox nobody looks into is a dead daemon
            # a link may lead elsewhere by now
            unfit = self._own_files.replaced() or self.app.home.check_inbox(inbox.folder)
            self._looked, self._blind = time.monotonic(), unfit or scan.blind
            if self._is_moved():
                return
            if unfit:
                self._say_unfit(unfit)
                continue
            self.app.reread_settings()
            self.app.execution.heed_date()
            self.app.key_notices.tidy()
            await self._consumer.take_waiting()
            await self._consumer.take_scan(scan)
            if scan.is_empty:  # an order that is not whole yet may name the same picture
                await self.app.intake.clear_inbox()
            self._taken_all = not scan.waiting and not self._consumer.is_behind(scan)
            self._open = len(scan.open)
            await self._held.look(self._taken_all and not scan.open)

    def _say_unfit(self, words: str) -> None:
        if self._unfit != words:
            log.error("%s", words)
            notify.tell(self._environ, f"STATUS={words}")
        self._unfit, self._taken_all = words, True

    def _inbox(self) -> Inbox:
        settings, home = self.app.settings.now.inbox, self.app.home
        return Inbox(
            settings.path or home.inbox, settle_seconds=settings.settle_seconds, scan_seconds=settings.scan_seconds,
            dropboxes=home.work / "dropboxes.json", standing=lambda: self.app.settings.now.inbox.defaults or (),
            defaults=lambda folder, project: defaults.of_box(folder, project, self.app.settings.now),
        )  # fmt: skip

    # --- commands and receipts ---

    async def _serve_commands(self) -> None:
        folder = self.app.home.commands
        async for _ in looks(folder, told=IDLE_EVERY, untold=COMMANDS_EVERY):
            if self.stop.is_set() or self._is_moved():
                return
            try:
                # one look without a thread: an idle daemon wakes the machine as rarely as it can
                for command in await asyncio.to_thread(mailbox.waiting, folder) if mailbox.any_there(folder) else ():
                    if command["name"] == reindexing.NAME:
                        self._reindex(command["id"])
                        continue
                    answer = await self.carry_out(command)
                    await asyncio.to_thread(mailbox.answer, folder, command["id"], answer)
            except StorageFull as error:
                log.error("a command waits for its answer: %s", error)

    def _reindex(self, command_id: str) -> None:
        """Beside everything else, and one at a time: the command lies there until it is answered."""
        if not self._reindexing:
            self._spawn(reindexing.reindex(self.app, command_id, self.stop.is_set), self._reindexing)

    async def carry_out(self, command: dict[str, Any]) -> dict[str, Any]:
        answer, ids = await self.app.control.carry_out(command)
        for order_id in ids:
            self._begin(order_id)
        return answer

    async def _cancel(self, order_id: str) -> None:
        await self.app.control.carry_out(mailbox.command("cancel", order=order_id))

    async def _write_receipts(self) -> None:
        due = 0.0
        while True:
            await asyncio.sleep(self._until_receipts())
            if time.monotonic() >= due:
                if await self._steady.tell():  # each order that is worked on says so, and says when it is over
                    self.app.execution.receipts.add_all(row.id for row in unfinished(self.app))
                is_due = bool(self.app.execution.receipts or self.app.proofs.late)
                await self._receipts.bring_up_to_date()
                if is_due:  # behind it, so that whatever a receipt tells of is looked at: what moves later is due again
                    await self.app.proofs.look()
                due = time.monotonic() + RECEIPTS_EVERY / 2
                if (at_work := self.app.execution.dispatcher.at_work) or self._awake.follows:
                    await asyncio.to_thread(self._awake.follow, at_work)
            if self._watch:
                self._watch(self.app.books.index, self._tally.orders)
            if self.options.until_done and self.done:
                self.stop.set()

    def _until_receipts(self) -> float:
        if self.options.until_done:
            return 0.05
        execution = self.app.execution
        return RECEIPTS_EVERY if execution.receipts or execution.flights else until_tick(IDLE_EVERY)

    @property
    def done(self) -> bool:
        """Nothing can go on by itself."""
        return (
            self._taken_all
            and not (self._consumer.awaits_picture or self._expanding)
            and self.app.is_arranged
            and self.app.execution.dispatcher.idle
            and not self._owes_proof
            and not self.app.execution.later.owes(self._tally.orders if self.options.only else None)
            and not self._sheets.owes
            and not self._noticer.owes
        )

    @property
    def _owes_proof(self) -> bool:
        """A proof has ended, and a person is about to be told."""
        return bool(self.app.proofs.done) and not self.app.proofs.late


async def work(
    home: Home, settings: Settings, options: RunOptions, environ: dict[str, str], *, serve: Serve | None = None,
    watch: Watch | None = None,
) -> RunReport:  # fmt: skip
    """Work in a home whose lock is held, until stopped or done. `serve` and `watch`: services of whoever starts it.

    Raises WrongUse where a library that is installed may buy twice, and in a copy of another home.
    """
    # nothing is at stake until the loop has its signals, and to open a home may take long
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, log_outlet.interrupted)
    home.settle()
    if why := unsafe_start(settings):
        raise WrongUse(why)
    try:
        async with AsyncExitStack() as stack:
            app = await opened(stack, home, settings, environ, options)
            daemon = Daemon(app, options, environ, serve=serve, watch=watch)
            await daemon.run()
            return daemon.report
    except BaseException as error:
        home.check_held()  # of a home that is gone many things are missing: that is said, and not which
        if not isinstance(error, BaseExceptionGroup):
            raise
        known, unknown = error.split(ArtFactoryError)  # the TaskGroup's wrapping says nothing to a person
        raise (unknown or known or error).exceptions[0] from None
