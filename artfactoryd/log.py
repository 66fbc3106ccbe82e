"""What the program says while it works: words on stderr, and in files one JSON object a line.

    application  artfactoryd.log   everything that is logged, from `logging.level` on; also on stderr
    generation   generation.log    one line for each thing that happened to an attempt (see `generation`)
    access       access.log        one line for each request to the status page: logger `artfactoryd.access`

Of what happens to orders, items and providers a line has the `event`, its facts and its words (see `news`); any other
line has the module that says it. Every line passes `redact`, tracebacks included: nothing that looks like a key is
ever written.
"""

from __future__ import annotations

import logging
import os
import stat
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import lru_cache
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, Literal

from artfactoryd.core import strict_json
from artfactoryd.core.names import counted
from artfactoryd.durable import make_folders
from artfactoryd.errors import StorageFull
from artfactoryd.printable import printable, redact

Stderr = Literal["everything", "aloud", "trouble", "nothing"]
FILE = "artfactoryd.log"
FILES = {"application": FILE, "generation": "generation.log", "access": "access.log"}
OWN_FILE = ("generation", "access")  # at every level, and nowhere else
FILE_BYTES = 5 * 1024 * 1024
OLD_FILES = 3
FIRST_WAIT, LONGEST_WAIT = 30.0, 3600.0  # seconds until one and the same line is shown again
MOST_LINES_KNOWN = 1000
SHORT_ID = 13  # letters of an order's id: enough to name it in a command
CHATTY = ("httpx", "httpcore", "aiohttp", "watchfiles", "PIL", "asyncio", "peewee", "urllib3", "keyring")

_OF_ATTEMPT = (
    "order", "item", "attempt", "provider", "model", "ticket", "verdict", "estimated", "reason", "note",
)  # fmt: skip
_fields: ContextVar[Mapping[str, object]] = ContextVar("artfactoryd_log_fields", default={})  # noqa: B039 never written to


@contextmanager
def fields(**ids: object) -> Iterator[None]:
    """Put ids (`order=`, `item=`) on every line logged inside, also from threads started with `to_thread`."""
    token = _fields.set({**_fields.get(), **ids})
    try:
        yield
    finally:
        _fields.reset(token)


def generation(line: Mapping[str, Any]) -> None:
    """Tell the generation log what happened to an attempt. `line`: the ledger's, with provider and model.

    For reading along only: it comes after the ledger, which alone is the truth, so a kill may lose a line.
    """
    cost = line.get("cost", line.get("reserved"))
    facts = {name: line[name] for name in _OF_ATTEMPT if line.get(name) not in (None, "")}
    if cost is not None:
        facts["usd"] = cost / 1_000_000
    logging.getLogger("artfactoryd.generation").info("%s", line["kind"], extra={"facts": facts})


def setup(level: str, logs_folder: Path | None, stderr: Stderr = "aloud") -> None:
    """Send all logging of this process to stderr, to files, or to both. May be called again.

    `stderr`: of "aloud" all but the news that is for the file alone; of "trouble" warnings, without those of orders,
    for commands that tell in words of their own what became of these.
    """
    files = {name: [_to_file(logs_folder / FILES[name])] if logs_folder else [] for name in FILES}
    root = logging.getLogger()
    shared = [*_to_stderr(stderr), *files["application"]]
    rarely = _Rarely()
    for handler in shared:
        handler.addFilter(rarely)
    _use(root, shared)
    for name in OWN_FILE:
        own = logging.getLogger(f"artfactoryd.{name}")
        own.setLevel(logging.INFO)
        own.propagate = False
        _use(own, files[name])
    root.setLevel(level.upper())
    # No line says from where in the code, which thread or which process; to find that out takes as long as the rest.
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.captureWarnings(True)
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def _use(logger: logging.Logger, handlers: list[logging.Handler]) -> None:
    """These in place of the ones of an earlier `setup`."""
    for old in [handler for handler in logger.handlers if isinstance(handler.formatter, _Line)]:
        logger.removeHandler(old)
        old.close()
    for handler in handlers:
        logger.addHandler(handler)


def _to_stderr(which: Stderr) -> list[logging.Handler]:
    if which == "nothing":
        return []
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_PlainLine())
    if which != "everything":
        handler.addFilter(_is_aloud)
    if which == "trouble":
        handler.setLevel(logging.WARNING)
        handler.addFilter(_is_of_no_order)
    return [handler]


def _is_aloud(record: logging.LogRecord) -> bool:
    news = getattr(record, "news", None)
    return news is None or bool(news.aloud)


def _is_of_no_order(record: logging.LogRecord) -> bool:
    news = getattr(record, "news", None)
    return news is None or not news.event.startswith("order.")


def _to_file(file: Path) -> logging.Handler:
    make_folders(file.parent, 0o700)
    handler = _File(file, maxBytes=FILE_BYTES, backupCount=OLD_FILES, encoding="utf-8", delay=True)
    handler.setFormatter(_JsonLine())
    return handler


class _Rarely:
    """One line that comes again and again: the first at once, then ever more rarely, with how often it came.

    News is never the same twice. The handlers share one, so that all of them show the same.
    """

    def __init__(self) -> None:
        self._shown: dict[object, tuple[float, float, int]] = {}  # when it may be shown again, after what wait, times

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING or hasattr(record, "news"):
            return True
        known = vars(record)
        if "shown" not in known:
            known["shown"] = self._is_due(record, time.monotonic())
        return bool(known["shown"])

    def _is_due(self, record: logging.LogRecord, now: float) -> bool:
        key = (record.name, record.getMessage(), str(_fields.get()))
        due, wait, times = self._shown.get(key, (now, FIRST_WAIT / 2, 0))
        if now < due:
            self._shown[key] = (due, wait, times + 1)
            return False
        if len(self._shown) >= MOST_LINES_KNOWN:
            self._shown.clear()
        wait = FIRST_WAIT if now - due > LONGEST_WAIT else min(2 * wait, LONGEST_WAIT)
        self._shown[key] = (now + wait, wait, 0)
        if times:
            record.msg, record.args = (
                f"{record.getMessage()} ({counted(times, 'more time')} since it was last told)",
                (),
            )
        return True


class _Together(threading.local):
    """Of a thread that has several lines to write. `files`: those that it wrote into, None of one that has not."""

    files: set[_File] | None = None


_together = _Together()


@contextmanager
def together() -> Iterator[None]:
    """The lines logged inside are written to each file at once, at the end."""
    files: set[_File] = set()
    _together.files = files
    try:
        yield
    finally:
        _together.files = None
        for file in files:
            with suppress(OSError, ValueError):  # as for a single line: lost, nothing else
                file.flush()


class NoPlainFile(OSError):
    """Something else lies in the place of a log."""


def _to_plain(path: str, flags: int) -> int:
    try:
        number = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
    except OSError as error:
        if os.path.lexists(path) and not os.path.isfile(path):
            raise NoPlainFile(f"{path} is no plain file") from error
        raise
    if stat.S_ISREG(os.fstat(number).st_mode):
        return number
    os.close(number)
    raise NoPlainFile(f"{path} is no plain file")


class _File(RotatingFileHandler):
    _is_told = False

    def emit(self, record: logging.LogRecord) -> None:
        """Into the file of that name: one that a person took away, or moved, is begun anew."""
        if self._is_under_way:
            super().emit(record)
            return
        if self.stream is not None and not self._leads_to(self.stream.fileno()):
            self.stream.close()
            self.stream = None
        folder = Path(self.baseFilename).parent
        if self.stream is None and not folder.is_dir() and folder.parent.is_dir():  # never a home that was taken away
            with suppress(OSError, StorageFull):
                make_folders(folder, 0o700)
        super().emit(record)

    def _open(self) -> TextIOWrapper:
        """Never waits: a pipe in its place has nobody to read it, and a device would never end."""
        return open(self.baseFilename, "a", encoding="utf-8", errors="backslashreplace", opener=_to_plain)

    def _leads_to(self, number: int) -> bool:
        try:
            return os.path.samestat(os.fstat(number), os.stat(self.baseFilename))
        except OSError:
            return False

    @property
    def _is_under_way(self) -> bool:
        """Not the first of several lines that are written together: the file was looked at for that one."""
        return _together.files is not None and self in _together.files

    def flush(self) -> None:
        if _together.files is None:
            super().flush()
        else:
            _together.files.add(self)

    def shouldRollover(self, record: logging.LogRecord) -> bool:
        """When it is full already; the base class would put every line into words twice to know it beforehand."""
        if self._is_under_way:
            return False
        if self.stream is None:
            self.stream = self._open()
        self.stream.seek(0, 2)
        return self.stream.tell() >= self.maxBytes

    def handleError(self, record: logging.LogRecord) -> None:
        """A full disk must neither stop the program nor flood stderr: this line is lost, nothing else. What lies in the
        place of the file is told once."""
        error = sys.exc_info()[1]
        if isinstance(error, NoPlainFile) and not self._is_told:
            self._is_told = True
            with suppress(OSError):
                print(f"artfactoryd: {error}. Nothing is logged there until it is moved away.", file=sys.stderr)


class _Line(logging.Formatter, ABC):
    """One of ours: nothing that looks like a key leaves `format`."""

    @abstractmethod
    def format(self, record: logging.LogRecord) -> str: ...


class _PlainLine(_Line):
    """`14:03:07 warning: the words (order=…)`: always one line; the traceback is in the file.

    Of news the words are enough, with as much of the order's id as a command needs.
    """

    def format(self, record: logging.LogRecord) -> str:
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        loud = f"{record.levelname.lower()}: " if record.levelno >= logging.WARNING else ""
        words = printable(" ".join(record.getMessage().split()))
        reason = record.exc_info[1] if record.exc_info else None
        if reason is not None:
            words += f" ({type(reason).__name__}: {printable(' '.join(str(reason).split()))})"
        ids = _fields.get() if getattr(record, "news", None) is None else _short_ids(record)
        listed = ", ".join(f"{key}={value}" for key, value in ids.items())
        return printable(redact(f"{clock} {loud}{words}" + (f" ({listed})" if listed else "")))


class _JsonLine(_Line):
    """One JSON object: at, level, event or logger, ids and facts, text, and traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Redacted before it is JSON: afterwards a quotation mark might lose its backslash."""
        news = getattr(record, "news", None)
        source = {"logger": record.name.removeprefix("artfactoryd.")} if news is None else {"event": news.event}
        line: dict[str, object] = {"at": _stamp(record), "level": record.levelname.lower(), **source}
        line |= {**_fields.get(), **_facts(record), "text": record.getMessage()}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return printable(strict_json.told_along(_clean_line(line)))


def _stamp(record: logging.LogRecord) -> str:
    second, zone = _second(int(record.created))
    return f"{second}.{int(record.msecs):03d}{zone}"


@lru_cache(2)
def _second(seconds: int) -> tuple[str, str]:
    """What the lines of one second begin with, and their zone."""
    at = time.localtime(seconds)
    return time.strftime("%Y-%m-%dT%H:%M:%S", at), time.strftime("%z", at)


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    news = getattr(record, "news", None)
    facts: dict[str, Any] = getattr(record, "facts", {}) if news is None else news.facts
    return facts


def _short_ids(record: logging.LogRecord) -> dict[str, str]:
    order = _facts(record).get("order")
    return {"order": order[:SHORT_ID]} if order else {}


def _clean_line(line: Mapping[str, object]) -> Mapping[str, object]:
    """One look at all of it together is enough for nearly every line."""
    text = "\n".join(map(str, line.values()))
    if redact(text) == text:
        return line
    return {name: _clean(value) for name, value in line.items()}


def _clean(value: object) -> object:
    if isinstance(value, tuple):
        return [_clean(part) for part in value]
    return value if isinstance(value, bool | int | float | None) else redact(str(value))
