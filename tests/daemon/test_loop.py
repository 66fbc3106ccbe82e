"""The loop around the work: what must not end it, and when `once` ends."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from artfactoryd.cli.orders import status_document, status_text
from artfactoryd.daemon import loop, opening, steady
from artfactoryd.daemon.receipts import Receipts
from artfactoryd.daemon.run import RunOptions
from artfactoryd.errors import HomeMoved, IndexGone, StorageSick, WrongUse
from artfactoryd.execution import worker
from artfactoryd.execution.pacing import machine
from artfactoryd.intake import claims, judging
from artfactoryd.medium import in_words
from artfactoryd.reporting import receipt
from artfactoryd.settings import Budget, Http, Settings
from artfactoryd.storage.derived import RECEIPTS
from artfactoryd.storage.rows import OutageRow
from artfactoryd.web import page
from artfactoryd.web.overview import Overview
from tests.emulator.client import Emulator
from tests.homes import PATIENCE, TestHome, until
from tests.works import at_work, full_disk, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
Patch = pytest.MonkeyPatch


async def test_new_settings_count_at_once_and_bad_ones_leave_the_last_good(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        word = home.home.settings_file.with_name("artfactory.yaml.error.txt")
        home.configure(providers={"replicate": {"concurrency": 4}}, budget={"per_order": 0.5})
        await works.until(lambda: works.house.settings.now.budget.per_order == 0.5)
        home.home.settings_file.write_text("budgit: 1\n")
        await works.until(word.exists)
        assert "budgit" in word.read_text() and works.house.settings.now.budget.per_order == 0.5
        await works.until(lambda: "budgit" in works.house.settings.trouble)
        assert "The daemon works on with the last good ones" in works.house.settings.trouble
        home.configure(budget={"per_order": 0.75})
        await works.until(lambda: works.house.settings.now.budget.per_order == 0.75 and not word.exists())
        assert not works.house.settings.trouble


@pytest.mark.parametrize("text", [None, "", "# all of it taken out\n", "---\n", "{}\n", "budget:\n"])
async def test_settings_that_vanish_or_say_nothing_leave_the_caps_as_they_were(
    home: TestHome, monkeypatch: Patch, text: str | None
) -> None:
    home.configure(budget={"per_day": 0.003})
    async with at_work(home, monkeypatch, budget=Budget(per_day=0.003)) as works:
        word = home.home.settings_file.with_name("artfactory.yaml.error.txt")
        home.home.settings_file.unlink()
        if text is not None:
            home.home.settings_file.write_text(text)
        await works.until(word.exists)
        await works.make(order("a [red,blue,green] car", budget=1))
        assert works.house.settings.now.budget.per_day == 0.003 and len(works.lines("wish")) == 0
        assert "the last good ones are" in word.read_text() and "init" in word.read_text()
        home.configure(budget={"per_day": 9})
        await works.until(lambda: works.house.settings.now.budget.per_day == 9 and not word.exists())


@pytest.mark.parametrize("text", ["", "no json", "[]", '{"name": "cancel"}', '{"name": 7, "order": {}}'])
async def test_a_strange_command_file_does_not_end_the_daemon(home: TestHome, monkeypatch: Patch, text: str) -> None:
    async with at_work(home, monkeypatch) as works:
        strange = home.home.commands / "strange.json"
        strange.write_text(text)
        await works.until(lambda: not strange.exists())
        await works.make(order("a car"))
        assert works.states() == ["completed"]


async def test_a_command_is_answered_in_a_file(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        made = await works.make(order("a car"))
        (home.home.commands / "7.json").write_text(json.dumps({"id": "7", "name": "cancel", "order": made}))
        answer = home.home.commands / "7.answer.json"
        await works.until(answer.exists)
        assert json.loads(answer.read_text())["order_id"] == made
        await works.until(lambda: not (home.home.commands / "7.json").exists())


async def test_a_command_on_a_full_disk_is_answered_when_there_is_room(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        made = await works.make(order("a car"))
        answer = home.home.commands / "7.answer.json"
        with full_disk(home, monkeypatch):
            (home.home.commands / "7.json").write_text(json.dumps({"id": "7", "name": "cancel", "order": made}))
            await works.until(answer.exists)
            assert not json.loads(answer.read_text())["done"] and works.lines("cancel") == []


async def test_an_entry_that_cannot_be_moved_does_not_end_the_daemon(home: TestHome, monkeypatch: Patch) -> None:
    real = claims.os.rename

    def busy(source: Any, target: Any, *more: Any) -> None:
        if Path(source).name == "busy.yaml":
            raise OSError(16, "Device or resource busy", str(source))
        real(source, target, *more)

    monkeypatch.setattr(claims.os, "rename", busy)
    async with at_work(home, monkeypatch) as works:
        home.drop("busy.yaml", order("a boat"))
        await works.make(order("a car"))
        assert works.states() == ["completed"] and (home.home.inbox / "busy.yaml").exists()


async def test_once_for_some_entries_leaves_the_others_and_ends(home: TestHome, monkeypatch: Patch) -> None:
    wanted = home.drop("cars.yaml", order("a car"))
    home.drop("boats.yaml", order("a boat"))
    async with at_work(home, monkeypatch, job=RunOptions(until_done=True, only=frozenset({wanted}))) as works:
        await works.running
        assert works.states() == ["completed"] and works.prompts() == ["a car"]
        assert (home.home.inbox / "boats.yaml").exists()


async def test_the_receipt_of_an_order_folder_that_a_person_removed_is_not_made_again(
    home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch) as works:
        made = await works.make(order("a car"))
        folder = home.root / works.folder(made)
    shutil.rmtree(folder)
    async with at_work(home, monkeypatch) as works:
        await works.rests()
    assert not folder.exists()


async def test_a_receipt_left_behind_by_a_kill_is_brought_up_to_date(home: TestHome, monkeypatch: Patch) -> None:
    stack = ExitStack()
    async with at_work(home, monkeypatch) as works:
        await works.make(order("a first car"))  # up to here all are written

        async def killed(receipts: Receipts) -> None:
            """Nothing was written any more."""

        stack.enter_context(monkeypatch.context()).setattr(Receipts, "bring_up_to_date", killed)
        folder = home.root / works.folder(await works.make(order("a car"), "late.yaml"))
    stack.close()
    assert "state: queued" in (folder / "receipt.yaml").read_text()
    async with at_work(home, monkeypatch) as works:
        await works.until(lambda: "state: completed" in (folder / "receipt.yaml").read_text())


async def test_a_start_does_not_look_at_receipts_that_are_known_to_be_written(
    home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch) as works:
        await works.make(order("a car"))
        index = works.house.books.index
        await works.until(lambda: index.meta(RECEIPTS) == index.meta("ledger"))
    monkeypatch.setattr(receipt, "receipt_state", lambda folder: pytest.fail("it was looked at"))
    async with at_work(home, monkeypatch) as works:
        await works.rests()


async def test_a_cancellation_that_is_swallowed_is_asked_again_and_the_stop_ends(
    home: TestHome, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(steady, "END_AGAIN", 0.01)
    swallowed: list[str] = []

    async def deaf(*given: Any) -> None:
        while len(swallowed) < 3:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                swallowed.append("once more")

    monkeypatch.setattr(loop.Daemon, "_serve_commands", deaf)
    async with at_work(home, monkeypatch) as works:
        await works.rests()
        await works.stop()
    assert len(swallowed) == 3


async def test_what_never_ends_is_named_and_left_for_the_next_start(
    home: TestHome, monkeypatch: Patch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(steady, "END_AGAIN", 0.01)
    exits: list[int] = []

    async def serve_for_ever(*given: Any) -> None:
        while not exits:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0.01)

    monkeypatch.setattr(steady.os, "_exit", exits.append)
    monkeypatch.setattr(loop.Daemon, "_serve_commands", serve_for_ever)
    async with at_work(home, monkeypatch) as works:
        await works.rests()
        await works.stop()
    assert exits == [1] and "serve_for_ever" in caplog.text


def test_stopped_with_fifty_on_the_way_and_started_again_there_are_fifty_creates_and_fifty_products(
    home: TestHome, emulator: Emulator
) -> None:
    home.base_url = emulator.base_url
    home.configure(
        providers={"replicate": {"base_url": emulator.base_url, "concurrency": 50, "requests_per_minute": 60_000}}
    )
    emulator.control(run_seconds=1.0, create_latency=0.3)
    numbers = ",".join(map(str, range(50)))
    home.drop("cars.yaml", f"provider: replicate\nmodel: flux-schnell\nparameters: {{prompt: 'car [{numbers}]'}}\n")
    with home.running() as process:
        until(lambda: len(emulator.creates()) > 25)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)
        assert process.returncode == 0 and time.monotonic() - began < 5
    left = set(home.states())
    assert left <= {"planned", "running", "delivering", "completed"} and left != {"completed"}
    emulator.control(run_seconds=0.0, create_latency=0.0)
    assert home.once() == 0
    assert len(home.products()) == 50 == len(emulator.creates()) and set(home.states()) == {"completed"}


def rename(home: Path) -> None:
    home.rename(home.with_name("elsewhere"))


def delete(home: Path) -> None:
    while home.exists():  # the program makes files meanwhile
        shutil.rmtree(home, ignore_errors=True)


def exchange(home: Path) -> None:
    rename(home)
    subprocess.run(["cp", "-a", home.with_name("elsewhere"), home], stderr=subprocess.DEVNULL)


def mount_over(home: Path) -> None:
    """As if: another folder under the name, what was there is nowhere."""
    subprocess.run(["cp", "-a", home, home.with_name("copy")], stderr=subprocess.DEVNULL)
    delete(home)
    home.with_name("copy").rename(home)


def leave_a_file(home: Path) -> None:
    rename(home)
    home.write_text("no folder")


@pytest.mark.parametrize("away", [rename, delete, exchange, mount_over, leave_a_file], ids=lambda f: f.__name__)
@pytest.mark.parametrize("command", ["run", "once"])
def test_a_home_that_is_not_where_it_was_ends_the_run_with_words(
    tmp_path: Path, emulator: Emulator, away: Callable[[Path], None], command: str
) -> None:
    """While four of sixty are on their way."""
    home = TestHome.make(tmp_path / "home", emulator.base_url, inbox={"scan_seconds": 3600})
    emulator.control(run_seconds=1.0)
    home.drop("cars.yaml", order("a car", provider="replicate", model="flux-schnell", parameters={"seed": "1..60"}))
    process = home.start(command)
    try:
        until(lambda: len(emulator.creates()) >= 4)
        away(home.root)
        out, err = process.communicate()
    finally:
        process.kill()
    words = ["The factory folder is not where it was"]
    if away in (delete, mount_over):  # not in one moment: its ledger or its index may be missed first
        words += ["was taken away while it was in use", "was taken away or exchanged while it was in use"]
    assert any(word in err for word in words) and "Traceback" not in out + err, err
    assert process.returncode == 1 and len(emulator.creates()) < 20


async def test_between_two_looks_the_next_wish_notices_it(home: TestHome, monkeypatch: Patch) -> None:
    with home.home.lock() as locked, pytest.raises(HomeMoved, match="Another folder"):
        monkeypatch.setattr(home, "home", locked)
        async with at_work(home, monkeypatch) as works:
            monkeypatch.setattr(works.daemon, "_is_moved", lambda: works.daemon._moved is not None)
            await works.until(lambda: works.daemon._noticer.has_looked)  # who reads later would open the other index
            exchange(home.root)
            home.drop("cars.yaml", order("a [red,blue] car"))
            await asyncio.wait({works.running}, timeout=PATIENCE)
            assert works.fake.calls() == [] and home.lines("wish") == []


@pytest.mark.parametrize("how", ["deleted", "exchanged"])
async def test_between_two_looks_the_next_wish_notices_an_index_that_is_gone(
    home: TestHome, monkeypatch: Patch, how: str
) -> None:
    with home.home.lock() as locked, pytest.raises(IndexGone, match="taken away or exchanged"):
        monkeypatch.setattr(home, "home", locked)
        async with at_work(home, monkeypatch) as works:
            await works.until(lambda: works.daemon._noticer.has_looked)
            monkeypatch.setattr(works.daemon, "_is_moved", lambda: works.daemon._moved is not None)
            home.home.index_file.unlink()
            if how == "exchanged":
                home.home.index_file.write_bytes(b"another")
            home.drop("cars.yaml", order("a [red,blue] car"))
            await asyncio.wait({works.running}, timeout=PATIENCE)
            assert works.fake.calls() == [] and home.lines("wish") == []


@pytest.mark.parametrize(
    "signals",
    [(signal.SIGHUP,), (signal.SIGHUP,) * 3, (signal.SIGTERM, signal.SIGHUP), (signal.SIGHUP, signal.SIGTERM)],
)
def test_a_window_that_closes_stops_it_as_sigterm_does(
    tmp_path: Path, emulator: Emulator, signals: tuple[signal.Signals, ...]
) -> None:
    """Creates on the way get their tickets, however often it is said."""
    home = TestHome.make(tmp_path / "home", emulator.base_url)
    emulator.control(run_seconds=0.2)
    home.drop("cars.yaml", order("a car", provider="replicate", model="flux-schnell", parameters={"seed": "1..40"}))
    with home.running() as process:
        until(lambda: len(home.lines("wish")) >= 4)
        for number in signals:
            process.send_signal(number)
            time.sleep(0.05)
        assert process.wait(PATIENCE) == 0
    assert len(home.lines("ticket")) == len(emulator.creates()) and "in_doubt" not in home.states()


def test_whoever_starts_it_with_nohup_wants_it_to_outlive_the_window(home: TestHome) -> None:
    command = ["nohup", *home.command("run")]
    with subprocess.Popen(
        command, env=home.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        until(home.home.holder)
        until((home.home.work / "at-work.txt").exists)
        process.send_signal(signal.SIGHUP)
        home.drop("car.yaml", "provider: local\nmodel: sketch\nparameters: {prompt: a car, width: 64, height: 64}\n")
        until(lambda: home.states() == ["completed"])
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0


def a_file(inbox: Path) -> None:
    inbox.rmdir()
    inbox.write_text("no folder")


def a_dead_link(inbox: Path) -> None:
    inbox.rmdir()
    inbox.symlink_to("/nowhere/at/all")


def a_link_to_itself(inbox: Path) -> None:
    inbox.rmdir()
    inbox.symlink_to("Inbox")


@pytest.mark.parametrize("spoil", [a_file, a_dead_link, a_link_to_itself], ids=lambda f: f.__name__)
async def test_health_says_when_the_inbox_cannot_be_looked_into(
    home: TestHome, monkeypatch: Patch, spoil: Callable[[Path], None]
) -> None:
    async with at_work(home, monkeypatch) as works:
        await works.until(lambda: works.daemon.health()["alive"] and works.daemon._taken_all)
        is_spoilt = False
        while not is_spoilt:  # an inbox that is gone may be made anew in between
            with suppress(FileExistsError, IsADirectoryError):
                spoil(home.home.inbox)
                is_spoilt = True
        await works.until(lambda: not works.daemon.health()["alive"])
        assert "cannot be looked into" in works.daemon.health()["inbox"]
        home.home.inbox.unlink()
        await works.until(lambda: works.daemon.health()["alive"])
        assert "inbox" not in works.daemon.health()


async def test_health_says_when_one_drop_box_cannot_be_looked_into(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        (home.home.inbox / "cars").mkdir()
        await works.make(order("a car"), "cars/car.yaml")
        real = judging.listing

        def listing(folder: Path) -> Any:
            if folder.name == "cars":
                raise PermissionError(13, "Permission denied")
            return real(folder)

        monkeypatch.setattr(judging, "listing", listing)
        await works.until(lambda: not works.daemon.health()["alive"])


def test_once_that_could_not_look_into_the_inbox_is_not_done(home: TestHome) -> None:
    home.configure(inbox={"path": str(home.root.parent / "file")})
    (home.root.parent / "file").write_text("no folder")
    done = home.call("once")
    assert done.returncode == 3 and "cannot be looked into" in done.stderr


async def test_an_inbox_that_becomes_a_link_around_the_home_is_not_emptied(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        await works.until(lambda: works.daemon._taken_all)
        (link := home.root.with_name("link")).symlink_to(home.root)
        while link.is_symlink():  # the daemon makes an inbox that is gone again, at once
            with suppress(OSError):
                home.home.inbox.rmdir()
                link.rename(home.home.inbox)
        await works.until(lambda: "around or inside" in works.daemon.health().get("inbox", ""))
        before = sorted(home.root.iterdir())
        await asyncio.sleep(0.3)
        assert sorted(home.root.iterdir()) == before and not list(home.home.rejected.iterdir())


async def test_a_password_in_an_address_is_not_in_the_word_beside_the_file(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        home.drop("car.yaml", order("a car", priority="https://anna:s3cret@example.org/a.jpg"))
        await works.until(lambda: home.words("car.yaml"))
        assert "example.org" in home.words("car.yaml") and "s3cret" not in home.words("car.yaml")


# --- what the system refuses ---


@pytest.mark.parametrize("folder", ["commands", "claims", "temp", "logs", "held", "rejected"])
async def test_a_folder_that_is_gone_is_made_again_and_the_work_goes_on(
    home: TestHome, monkeypatch: Patch, folder: str
) -> None:
    async with at_work(home, monkeypatch) as works:
        shutil.rmtree(getattr(home.home, folder))
        await works.make(order("a car"))
        await works.until((home.home.commands).exists)
        (home.home.commands / "7.json").write_text(json.dumps({"id": "7", "name": "pause", "target": "fake"}))
        await works.until((home.home.commands / "7.answer.json").exists)
        home.drop("wrong.yaml", "- 1\n")
        await works.until(lambda: home.words("wrong.yaml"))
        assert works.states() == ["completed"]


SERVICES = [
    "artfactoryd.daemon.mailbox.any_there", "artfactoryd.daemon.receipts.Receipts.bring_up_to_date",
    "artfactoryd.execution.queue.Turns.ready", "artfactoryd.intake.held_folder.HeldFolder.look",
    "artfactoryd.execution.reuse.Reuse.instead", "artfactoryd.intake.acceptance.Intake.open_folder",
]  # fmt: skip


@pytest.mark.parametrize("refused", SERVICES)
@pytest.mark.parametrize(
    "error", [OSError(errno.EMFILE, "Too many open files"), OSError(errno.EIO, "I/O error")], ids=str
)
async def test_what_the_system_refuses_is_waited_out_with_its_reason(
    home: TestHome, monkeypatch: Patch, caplog: pytest.LogCaptureFixture, refused: str, error: OSError
) -> None:
    monkeypatch.setattr(steady, "AGAIN", 0.05)
    monkeypatch.setattr(worker, "MACHINE_AGAIN", 0.05)
    monkeypatch.setattr(machine, "ROOM_AGAIN", 0.05)
    async with at_work(home, monkeypatch) as works:
        with monkeypatch.context() as patched:
            patched.setattr(refused, _refuses(error))
            home.drop("cars.yaml", order("a car"))
            await works.until(lambda: in_words(error) in caplog.text)
        await works.until(lambda: works.states() == ["completed"])
        assert len(works.fake.calls()) == 1


TAKEN_UP = [
    "artfactoryd.storage.writer.Books.note_outage", "artfactoryd.storage.lists.order_lists.unfinished",
    "artfactoryd.daemon.cleanup.clear", "artfactoryd.execution.dispatcher.Dispatcher.resume_all",
    "artfactoryd.execution.reconciliation.Reconciliation.take_up", "artfactoryd.intake.claims.Claims.open",
    "artfactoryd.storage.index.Index.unexpanded_orders",
]  # fmt: skip


@pytest.fixture
def locked(home: TestHome) -> Iterator[None]:
    with home.home.lock("run"):
        yield


@pytest.mark.usefixtures("locked")
@pytest.mark.parametrize("refused", TAKEN_UP)
async def test_what_is_refused_while_the_work_is_taken_up_is_waited_out_and_told(
    home: TestHome, monkeypatch: Patch, refused: str
) -> None:
    async with at_work(home, monkeypatch, script=lambda fake: fake.hold("collect")) as works:
        await works.take(order("a car"))
        await works.until(lambda: works.states() == ["running"])
        await works.house.books.note_outage("other", OutageRow("other", "away", AT, AT, False))
    monkeypatch.setattr(steady, "AGAIN", 0.05)
    with monkeypatch.context() as patched:
        patched.setattr(refused, _refuses(OSError(errno.EMFILE, "Too many open files")))
        async with at_work(home, monkeypatch) as works:
            await works.until(lambda: "Too many files are open" in ((home.home.holder() or {}).get("waits") or ""))
            patched.undo()
            await works.until(lambda: works.states() == ["completed"])
    assert len(home.lines("wish")) == 1


OPENED = [
    "artfactoryd.storage.writing.mending.mend", "artfactoryd.daemon.app.Books", "artfactoryd.daemon.app.make_factories",
]  # fmt: skip


@pytest.mark.usefixtures("locked")
@pytest.mark.parametrize("refused", OPENED)
async def test_what_is_refused_while_the_home_is_opened_is_waited_out_by_a_daemon_and_ends_once(
    home: TestHome, monkeypatch: Patch, refused: str
) -> None:
    monkeypatch.setattr(opening, "AGAIN", 0.05)
    with monkeypatch.context() as patched:
        patched.setattr(refused, _refuses(OSError(errno.EMFILE, "Too many open files")))
        with pytest.raises(OSError, match="Too many"):
            await loop.work(home.home, Settings(), RunOptions(until_done=True), {})
        daemon = asyncio.create_task(loop.work(home.home, Settings(http=Http(port=0)), RunOptions(), {}))
        async with asyncio.timeout(PATIENCE):
            while "Too many files are open" not in ((home.home.holder() or {}).get("waits") or ""):
                await asyncio.sleep(0.01)
    home.drop("car.yaml", GREEN)
    async with asyncio.timeout(PATIENCE):
        while not list(home.home.projects.rglob("*.png")):
            await asyncio.sleep(0.01)
    assert not (home.home.holder() or {}).get("waits")
    os.kill(os.getpid(), signal.SIGTERM)
    await daemon


@pytest.mark.usefixtures("locked")
@pytest.mark.parametrize(
    "error",
    [PermissionError(errno.EACCES, "Permission denied"), OSError(errno.EROFS, "Read-only"), StorageSick("damaged")],
)
async def test_what_a_person_must_mend_before_the_home_opens_ends_a_run_on_a_terminal_and_no_supervised_one(
    home: TestHome, monkeypatch: Patch, error: Exception
) -> None:
    monkeypatch.setattr(opening, "AGAIN", 0.05)
    with monkeypatch.context() as patched:
        patched.setattr(OPENED[0], _refuses(error))
        with pytest.raises(
            StorageSick if isinstance(error, StorageSick) else WrongUse, match=re.escape(in_words(error))
        ):
            await loop.work(home.home, Settings(), RunOptions(), {})
        options = RunOptions(supervised=True)
        daemon = asyncio.create_task(loop.work(home.home, Settings(http=Http(port=0)), options, {}))
        async with asyncio.timeout(PATIENCE):
            while in_words(error) not in ((home.home.holder() or {}).get("waits") or ""):
                await asyncio.sleep(0.01)
    home.drop("car.yaml", GREEN)
    async with asyncio.timeout(PATIENCE):
        while not list(home.home.projects.rglob("*.png")):
            await asyncio.sleep(0.01)
    os.kill(os.getpid(), signal.SIGTERM)
    await daemon


GREEN = "provider: local\nmodel: sketch\nparameters: {prompt: a green car, width: 64, height: 64}\n"


@pytest.mark.usefixtures("locked")
async def test_what_the_machine_refuses_stands_in_status_and_in_every_receipt_until_it_is_over(
    home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch, concurrency=2, script=lambda fake: fake.hold("collect")) as works:
        for name in ("cars", "boats"):
            await works.take(order(f"a picture of {name}"), f"{name}.yaml")
        await works.until(lambda: works.states() == ["running"] * 2)
        monkeypatch.setattr(machine, "ROOM_AGAIN", 60.0)
        works.execution.disk.refused_ledger("The ledger cannot be written.")
        folders = [home.root / works.folder(row.id) for row in works.house.books.index.orders()]
        await works.until(lambda: [home.receipt(folder).get("reasons") for folder in folders] == [TOLD, TOLD])
        settings = works.house.settings.now
        document = await asyncio.to_thread(status_document, home.home, settings)
        assert "Waits   The ledger cannot be written." in status_text(document)
        assert [order.reasons for order in document.open] == [TOLD, TOLD]
        assert "The ledger cannot be written." in page.draw(Overview(document, [], None))
        monkeypatch.setattr(works.execution.disk, "_full_until", 0.0)
        await works.until(lambda: not any("reasons" in home.receipt(folder) for folder in folders))
        assert not (home.home.holder() or {}).get("waits")


AT, TOLD = "2026-11-01T10:00:00+00:00", ["The ledger cannot be written."]


def _refuses(error: Exception) -> Callable[..., object]:
    def refuses(*_: object, **more: object) -> object:
        raise error

    return refuses
