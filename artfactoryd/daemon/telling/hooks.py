"""Commands of a person, run when something happens (`hooks` in the settings): beside the work, and never for it.

What happened is a JSON object on their standard input, as it stands in the log. A few run at once; what comes too fast
waits, and what is too much is left out and said so. One that fails is told of once, in the log and to `doctor`, until
it does again what it was to do.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from artfactoryd import clock
from artfactoryd.core.names import counted
from artfactoryd.daemon.telling import command
from artfactoryd.durable import write_note
from artfactoryd.entries import bounded
from artfactoryd.home import Home
from artfactoryd.news import News
from artfactoryd.printable import printable, redact
from artfactoryd.settings import Hook, Settings

log = logging.getLogger(__name__)

AT_ONCE = 3
SECONDS = 30.0  # for each
MOST_WAITING = 10_000
PATIENCE = 0.3  # seconds for those at work when the program stops
MOST_NOTE = 1 << 20  # bytes


@dataclass(frozen=True, slots=True)
class Failed:
    """Of a hook, by what it stands at and its program: the last that went wrong."""

    event: str
    name: str
    at: str
    trouble: str


class Hooks:
    """`told` may be called by any thread, and is quick. `close` ends what is still at work."""

    def __init__(
        self, home: Home, settings: Callable[[], Settings], environ: Mapping[str, str],
        moment: Callable[[], datetime] = clock.now,
    ) -> None:  # fmt: skip
        self._home, self._settings, self._moment = home, settings, moment
        self._environ = command.environment(environ, home.root)
        self._threads = ThreadPoolExecutor(AT_ONCE, "hook")
        self._stop = threading.Event()
        self._lock, self._pen = threading.Lock(), threading.Lock()
        self._waiting = 0  # for their turn, and at work
        self._left_out = 0
        self._failed = {(failed.event, failed.name): failed for failed in failures(home)}
        self._told: set[tuple[str, str]] = set()

    @property
    def owes(self) -> bool:
        """Whether one has its turn still to come, or is at work."""
        return bool(self._waiting)

    def told(self, news: News) -> None:
        hooks = self._settings().hooks.get(news.event, ())
        if not hooks or self._stop.is_set():
            return
        given = document(news, self._home, self._moment())
        for hook in hooks:
            if self._has_room():
                with suppress(RuntimeError):  # it is closed by now
                    self._threads.submit(self._run, hook, news.event, given)

    def _has_room(self) -> bool:
        with self._lock:
            if self._waiting >= MOST_WAITING:
                self._left_out += 1
                if self._left_out == 1:
                    log.warning("hooks: %s wait for their turn; what comes now is left out", MOST_WAITING)
                return False
            self._waiting += 1
            return True

    def _run(self, hook: Hook, event: str, given: bytes) -> None:
        try:
            ending = command.run(
                hook.words, given, self._environ, folder=self._home.root, seconds=SECONDS, stop=self._stop
            )
            if not ending.is_cut:
                self._note((event, hook.name), ending.trouble)
        except Exception:  # whatever it is, it is not the work's
            log.exception("a hook of %s failed: a defect of this program", event)
        finally:
            self._is_over()

    def _is_over(self) -> None:
        with self._lock:
            self._waiting -= 1
            if not self._waiting and self._left_out:
                log.warning("hooks: %s left out", counted(self._left_out, "run", "was", "were"))
                self._left_out = 0

    def _note(self, which: tuple[str, str], trouble: str) -> None:
        with self._pen:
            if not trouble and which not in self._failed:
                return
            event, name = which
            if trouble:
                self._failed[which] = Failed(event, name, clock.iso(self._moment()), trouble)
                if which not in self._told:
                    self._told.add(which)
                    log.warning("the hook of %s (%s) failed: %s. It is told once, until it works", event, name, trouble)
            else:
                del self._failed[which]
                self._told.discard(which)
                log.info("the hook of %s (%s) works again", event, name)
            write_note(_note_of(self._home), json.dumps([asdict(failed) for failed in self._failed.values()]).encode())

    def close(self) -> None:
        """Those at work have a moment more; then they are ended, and what waits is left out and said so."""
        until = time.monotonic() + PATIENCE
        while self.owes and time.monotonic() < until:
            time.sleep(0.01)
        self._stop.set()
        left = self._waiting
        self._threads.shutdown(cancel_futures=True)
        if left:
            log.warning("%s ended, or not begun, because this program stops", counted(left, "hook", "was", "were"))


def document(news: News, home: Home, moment: datetime) -> bytes:
    """What a hook reads: as the log has it, and where the factory folder is."""
    facts = {name: _clean(value) for name, value in news.facts.items()}
    level = logging.getLevelName(news.level).lower()
    head = {"event": news.event, "at": clock.iso(moment), "level": level, "home": str(home.root)}
    return json.dumps({**head, **facts, "text": _clean(news.words)}, ensure_ascii=False).encode("utf-8", "replace")


def _clean(value: object) -> object:
    if isinstance(value, tuple):
        return [_clean(part) for part in value]
    return value if isinstance(value, bool | int | float | None) else printable(redact(str(value)))


def _note_of(home: Home) -> Path:
    return home.private / "hooks.json"


def failures(home: Home) -> Iterator[Failed]:
    """Those that did not do what they were to when they were run last; nothing where that cannot be read."""
    with suppress(OSError, ValueError, TypeError, AttributeError):
        for entry in json.loads(bounded(_note_of(home), MOST_NOTE)):
            yield Failed(**{name: str(value) for name, value in entry.items()})
