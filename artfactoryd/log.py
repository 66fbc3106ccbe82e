"""What the program says while it works: plain words on stderr, the same with time and ids in a file.

    application  artfactoryd.log   everything that is logged, from `logging.level` on; also on stderr
    generation   generation.log    one line for each thing that happened to an attempt (see `generation`)
    access       access.log        one line for each request to the status page: logger `artfactoryd.access`

Every line passes `redact`, tracebacks included: nothing that looks like a key is ever written.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from artfactoryd.durable import make_folders
from artfactoryd.printable import printable

FILE = "artfactoryd.log"
FILES = {"application": FILE, "generation": "generation.log", "access": "access.log"}
OWN_FILE = ("generation", "access")  # at every level, and nowhere else
FILE_BYTES = 5 * 1024 * 1024
OLD_FILES = 3
CHATTY = ("httpx", "httpcore", "aiohttp", "watchfiles", "PIL", "asyncio", "peewee", "urllib3", "keyring")

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


def generation(line: Mapping[str, Any], attempt: Mapping[str, Any] | None = None) -> None:
    """Tell the generation log what happened to an attempt. `line`: the ledger's; `attempt`: its row in the index.

    For reading along only: it comes after the ledger, which alone is the truth, so a kill may lose a line.
    """
    known = {**(attempt or {}), **line}
    cost = line.get("cost", line.get("reserved"))
    facts = {"attempt": line["attempt"], "provider": known.get("provider"), "model": known.get("model")}
    facts |= {
        key: line[key]
        for key in ("ticket", "verdict", "estimated", "reason", "note")
        if line.get(key) not in (None, "")
    }
    facts |= {} if cost is None else {"usd": cost / 1_000_000}
    logging.getLogger("artfactoryd.generation").info("%s", line["kind"], extra={"facts": facts})


def setup(level: str, logs_folder: Path | None, stderr: bool = True, form: str = "text") -> None:
    """Send all logging of this process to stderr, to files, or to both. May be called again.

    `form` of the files: "text", or "json" for one object a line.
    """
    files = {name: [_to_file(logs_folder / FILES[name], form)] if logs_folder else [] for name in FILES}
    root = logging.getLogger()
    _use(root, [*([_to_stderr()] if stderr else []), *files["application"]])
    for name in OWN_FILE:
        own = logging.getLogger(f"artfactoryd.{name}")
        own.setLevel(logging.INFO)
        own.propagate = False
        _use(own, files[name])
    root.setLevel(level.upper())
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


def _to_stderr() -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_PlainLine())
    return handler


def _to_file(file: Path, form: str) -> logging.Handler:
    make_folders(file.parent)
    handler = _File(file, maxBytes=FILE_BYTES, backupCount=OLD_FILES, encoding="utf-8", delay=True)
    handler.setFormatter(_JsonLine() if form == "json" else _FileLine())
    return handler


class _File(RotatingFileHandler):
    def handleError(self, record: logging.LogRecord) -> None:
        """A full disk must neither stop the program nor flood stderr: this line is lost, nothing else."""


class _Line(logging.Formatter, ABC):
    """One of ours: nothing that looks like a key leaves `format`."""

    @abstractmethod
    def format(self, record: logging.LogRecord) -> str: ...


class _PlainLine(_Line):
    """`14:03:07 warning: the words (order=…)`: always one line; the traceback is in the file."""

    def format(self, record: logging.LogRecord) -> str:
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        loud = f"{record.levelname.lower()}: " if record.levelno >= logging.WARNING else ""
        words = printable(" ".join(record.getMessage().split()))
        reason = record.exc_info[1] if record.exc_info else None
        if reason is not None:
            words += f" ({type(reason).__name__}: {printable(' '.join(str(reason).split()))})"
        ids = ", ".join(f"{key}={value}" for key, value in _fields.get().items())
        return redact(f"{clock} {loud}{words}" + (f" ({ids})" if ids else ""))


class _FileLine(_Line):
    """`2026-11-22T14:03:07.123+0100 WARNING foreman order=… the words`, and the traceback on lines of its own."""

    def format(self, record: logging.LogRecord) -> str:
        ids = "".join(f"{key}={_word(value)} " for key, value in _ids(record).items())
        words = printable(" ".join(record.getMessage().split()))
        text = f"{_stamp(record)} {record.levelname} {_short(record)} {ids}{words}"
        return redact(text + ("\n" + printable(self.formatException(record.exc_info)) if record.exc_info else ""))


class _JsonLine(_Line):
    """The same as one JSON object: at, level, logger, the ids, text, and traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Redacted before it is JSON: afterwards a quotation mark might lose its backslash."""
        line: dict[str, object] = {"at": _stamp(record), "level": record.levelname.lower(), "logger": _short(record)}
        line |= {**_ids(record), "text": record.getMessage()}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return printable(json.dumps({key: _clean(value) for key, value in line.items()}, ensure_ascii=False))


def _stamp(record: logging.LogRecord) -> str:
    at = time.localtime(record.created)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', at)}.{int(record.msecs):03d}{time.strftime('%z', at)}"


def _short(record: logging.LogRecord) -> str:
    return record.name.removeprefix("artfactoryd.")


def _ids(record: logging.LogRecord) -> dict[str, Any]:
    return {**_fields.get(), **getattr(record, "facts", {})}


def _clean(value: object) -> object:
    return value if isinstance(value, bool | int | float | None) else redact(str(value))


def _word(value: object) -> str:
    """As it is, or quoted as in JSON where it would not be one word."""
    text = printable(str(_clean(value)))
    return text if re.fullmatch(r'[^\s"=]+', text) else json.dumps(text, ensure_ascii=False)
