"""Hooks: what they read, that they run beside the work, and what is told of one that fails."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from artfactoryd import news
from artfactoryd.daemon.telling import command, hooks
from artfactoryd.daemon.telling.hooks import Hooks, failures
from artfactoryd.home import Home
from artfactoryd.settings import Hook, Settings
from tests.accounts import clock
from tests.daemon.telling.test_command import is_gone
from tests.homes import until

Patch = pytest.MonkeyPatch
READ = news.SettingsRead()
DONE = news.OrderCompleted(
    order="o1", name="cars token=abcdef123456", items=2, completed=2, failed=0, products=2, usd=0.02, folder="/x/é",
    what="2 films of 10 s together",
)  # fmt: skip


def shell(script: str) -> Hook:
    return Hook(("sh", "-c", script), "sh")


@contextmanager
def at_work(folder: Path, **given: tuple[Hook, ...]) -> Iterator[Hooks]:
    """`given`: by what happens, with `_` for the dot."""
    home = Home(folder)
    home.private.mkdir(exist_ok=True)
    settings = Settings(hooks={event.replace("_", ".", 1): of for event, of in given.items()})
    working = Hooks(home, lambda: settings, os.environ, clock)
    try:
        yield working
    finally:
        working.close()


def over(working: Hooks) -> Callable[[], bool]:
    return lambda: not working.owes


def test_a_hook_reads_what_happened_as_the_log_has_it(tmp_path: Path) -> None:
    with at_work(tmp_path, order_completed=(shell("cat > one; pwd > where"), shell("cat > two"))) as working:
        working.told(READ)
        working.told(DONE)
        until(over(working))
    texts = [(tmp_path / name).read_text() for name in ("one", "two")]
    assert json.loads(texts[0]) == json.loads(texts[1]) == {
        "event": "order.completed", "at": "2026-11-22T12:00:00.000Z", "level": "info", "home": str(tmp_path),
        "order": "o1", "name": "cars token=[key]", "items": 2, "completed": 2, "failed": 0, "products": 2, "usd": 0.02,
        "folder": "/x/é", "pictures": 0, "reused": 0, "what": "2 films of 10 s together",
        "text": "cars token=[key] is completed: 2 films of 10 s together, $0.02, in /x/é",
    }  # fmt: skip
    assert (tmp_path / "where").read_text().strip() == str(tmp_path)


def test_one_that_fails_is_told_of_once_and_to_doctor_until_it_works(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    hook = shell("[ -e well ] || { echo 'no way' >&2; exit 4; }")
    absent = Hook(("no-such-program",), "no-such-program")
    with at_work(tmp_path, settings_read=(hook,), order_completed=(absent,)) as working:
        for piece in (READ, READ, DONE):
            working.told(piece)
            until(over(working))
    told = [record.getMessage() for record in caplog.records]
    assert told == [
        "the hook of settings.read (sh) failed: it ended with code 4: no way. It is told once, until it works",
        "the hook of order.completed (no-such-program) failed: there is no program no-such-program. "
        "It is told once, until it works",
    ]
    known = [(failed.event, failed.name, failed.trouble) for failed in failures(Home(tmp_path))]
    assert known[0] == ("settings.read", "sh", "it ended with code 4: no way") and len(known) == 2
    (tmp_path / "well").touch()
    with at_work(tmp_path, settings_read=(hook,)) as working:
        working.told(READ)
        until(over(working))
    assert [failed.event for failed in failures(Home(tmp_path))] == ["order.completed"]
    assert caplog.records[-1].getMessage() == "the hook of settings.read (sh) works again"


def test_a_few_run_at_once_the_rest_waits_and_what_is_too_much_is_left_out(
    tmp_path: Path, monkeypatch: Patch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(hooks, "MOST_WAITING", 6)
    open_door = threading.Event()
    at_once: list[int] = []
    inside: list[int] = []

    def run(*words: Any, **given: Any) -> command.Ending:
        inside.append(1)
        at_once.append(len(inside))
        open_door.wait()
        inside.pop()
        return command.Ending()

    monkeypatch.setattr(command, "run", run)
    with at_work(tmp_path, settings_read=(shell("true"),)) as working:
        for _ in range(9):
            working.told(READ)
        until(lambda: len(inside) == hooks.AT_ONCE)
        open_door.set()
        until(over(working))
    assert len(at_once) == 6 and max(at_once) <= hooks.AT_ONCE
    assert [record.getMessage() for record in caplog.records] == [
        "hooks: 6 wait for their turn; what comes now is left out", "hooks: 3 runs were left out",
    ]  # fmt: skip


def test_a_stop_waits_for_none_and_leaves_none_behind(
    tmp_path: Path, monkeypatch: Patch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(hooks, "PATIENCE", 0.05)
    monkeypatch.setattr(command, "GRACE", 0.02)
    with at_work(tmp_path, settings_read=(shell("echo $$ >> pid; while :; do sleep 0.05; done"),)) as working:
        for _ in range(5):
            working.told(READ)
        until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip())
        began = time.monotonic()
    assert time.monotonic() - began < 10  # a hook has thirty seconds
    until(lambda: all(map(is_gone, map(int, (tmp_path / "pid").read_text().split()))))
    assert "5 hooks were ended, or not begun" in caplog.text and not list(failures(Home(tmp_path)))


@pytest.mark.parametrize("note", ["", "{", "[1]", '[{"event": "x"}]', "null", '{"a": 1}'])
def test_a_note_that_cannot_be_read_says_nothing(tmp_path: Path, note: str) -> None:
    home = Home(tmp_path)
    home.private.mkdir()
    (home.private / "hooks.json").write_text(note)
    assert list(failures(home)) == []
