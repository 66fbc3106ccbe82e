"""What the program says while it works: plain words on stderr, the same with time and ids in a file.

Every line passes `redact`, tracebacks included: nothing that looks like a key is ever written.
"""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from logging.handlers import RotatingFileHandler
from pathlib import Path

FILE = "artfactoryd.log"
FILE_BYTES = 5 * 1024 * 1024
OLD_FILES = 3
CHATTY = ("httpx", "httpcore", "aiohttp", "watchfiles", "PIL", "asyncio", "peewee", "urllib3")

_KEYS = re.compile(
    r"\br8_\w+"
    r"|(?i:\bbearer\s+)[^\s'\",]{6,}"
    r"|(?i:\b(?:key|token)\s+)(?=[^\s'\",]*\d)[^\s'\",]{16,}"  # "Key ID:SECRET", not "key parameters"
    r"|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}:[0-9a-f]{16,}"
)

_fields: ContextVar[Mapping[str, object]] = ContextVar("artfactoryd_log_fields", default={})  # noqa: B039 never written to


def redact(text: str) -> str:
    """The text with everything that looks like a credential replaced by `[key]`."""
    return _KEYS.sub("[key]", text)


@contextmanager
def fields(**ids: object) -> Iterator[None]:
    """Put ids (`order=`, `item=`) on every line logged inside, also from threads started with `to_thread`."""
    token = _fields.set({**_fields.get(), **ids})
    try:
        yield
    finally:
        _fields.reset(token)


def setup(level: str, logs_folder: Path | None, stderr: bool = True) -> None:
    """Send all logging of this process to stderr, to `logs_folder`, or to both. May be called again."""
    handlers: list[logging.Handler] = []
    if stderr:
        handlers.append(_to_stderr())
    if logs_folder is not None:
        handlers.append(_to_file(logs_folder))
    root = logging.getLogger()
    for old in [handler for handler in root.handlers if isinstance(handler.formatter, _Line)]:
        root.removeHandler(old)
        old.close()
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(level.upper())
    logging.captureWarnings(True)
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def _to_stderr() -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_PlainLine())
    return handler


def _to_file(folder: Path) -> logging.Handler:
    folder.mkdir(parents=True, exist_ok=True)
    handler = _File(folder / FILE, maxBytes=FILE_BYTES, backupCount=OLD_FILES, encoding="utf-8", delay=True)
    handler.setFormatter(_FileLine())
    return handler


class _File(RotatingFileHandler):
    def handleError(self, record: logging.LogRecord) -> None:
        """A full disk must neither stop the program nor flood stderr: this line is lost, nothing else."""


class _Line(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return redact(self.line(record))

    def line(self, record: logging.LogRecord) -> str:
        raise NotImplementedError


class _PlainLine(_Line):
    """`14:03:07 warning: the words (order=…)`: always one line; the traceback is in the file."""

    def line(self, record: logging.LogRecord) -> str:
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        loud = f"{record.levelname.lower()}: " if record.levelno >= logging.WARNING else ""
        words = " ".join(record.getMessage().split())
        reason = record.exc_info[1] if record.exc_info else None
        if reason is not None:
            words += f" ({type(reason).__name__}: {' '.join(str(reason).split())})"
        ids = ", ".join(f"{key}={value}" for key, value in _fields.get().items())
        return f"{clock} {loud}{words}" + (f" ({ids})" if ids else "")


class _FileLine(_Line):
    """`2026-11-22T14:03:07.123+0100 WARNING foreman order=… the words`, and the traceback on lines of its own."""

    def line(self, record: logging.LogRecord) -> str:
        at = time.localtime(record.created)
        stamp = f"{time.strftime('%Y-%m-%dT%H:%M:%S', at)}.{int(record.msecs):03d}{time.strftime('%z', at)}"
        ids = "".join(f"{key}={value} " for key, value in _fields.get().items())
        words = " ".join(record.getMessage().split())
        text = f"{stamp} {record.levelname} {record.name.removeprefix('artfactoryd.')} {ids}{words}"
        return text + ("\n" + self.formatException(record.exc_info) if record.exc_info else "")
