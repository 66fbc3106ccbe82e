"""`doctor --bundle`: what a stranger needs to help, in one zip, and nothing that is nobody else's business."""

from __future__ import annotations

import importlib.metadata
import io
import platform
import sys
import zipfile
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from artfactoryd import __version__, documents, durable
from artfactoryd.cli.doctor.redaction import Redaction
from artfactoryd.cli.doctor.report import Row
from artfactoryd.cli.upkeep.logs import tail
from artfactoryd.core.json_types import Json
from artfactoryd.core.strict_json import data, document
from artfactoryd.entries import bounded
from artfactoryd.errors import ArtFactoryError, Refusal, WrongUse
from artfactoryd.home import Home
from artfactoryd.medium import storage_errors
from artfactoryd.settings import DEFAULT_TEXT
from artfactoryd.storage import ledger
from artfactoryd.storage.database import SQLITE
from artfactoryd.storage.index import Index
from artfactoryd.storage.months import sizes

CONTENTS = """\
What is in this file, made by `artfactoryd doctor --bundle` for whoever helps you:

    versions.json   of artfactoryd, Python, the system and the libraries
    doctor.json     what `artfactoryd doctor` found
    settings.json   numbers and switches; of texts only whether they are set
    counts.json     how many orders, items, attempts and files there are, by their states
    ledger.jsonl    the last lines of the ledger: their kinds, times, states and amounts
    log.jsonl       the last lines of the log

What is not: keys, prompts and other parameters, pictures, names of orders, projects, tags and files, and paths. Words
that are not this program's own are shown as a gap (…). Look through it before you send it; it is plain text.
"""
LAST_LINES, LAST_LOGS = 2000, 500
KEPT = (  # of a ledger line: nothing that a person or a provider wrote
    "kind", "at", "number", "item", "nth", "rehearsal", "cap", "price", "total_items", "total_products", "priority",
    "accepted_at", "base_seed", "reserved", "day", "cost", "estimated", "verdict", "ask", "of", "waived", "fed",
    "raise", "on", "by", "of_key", "interim", "since", "stake", "proof", "liked", "rating", "by_count", "more",
)  # fmt: skip
NUMBERED = ("order", "attempt", "claim", "product", "ticket")  # ids: which are the same is shown, and no more
LOGGED = ("at", "level", "event", "logger", "provider", "item", "items", "products", "usd", "codes", "seconds", "of")
GROUPS = {
    "orders": "SELECT (held IS NOT NULL) AS held, cancelled, rehearsal, count(*) AS n FROM orders GROUP BY 1, 2, 3",
    "items": "SELECT state, count(*) AS n FROM item GROUP BY 1",
    "attempts": "SELECT verdict, cost IS NULL AS unsettled, count(*) AS n FROM generation_log GROUP BY 1, 2",
    "products": "SELECT mime, count(*) AS n, sum(bytes) AS bytes FROM product GROUP BY 1",
    "stops": "SELECT kind, count(*) AS n FROM provider_stop GROUP BY 1",
}


def write(home: Home, rows: Sequence[Row], target: Path) -> list[str]:
    """The names of the files in it. Raises WrongUse where the name is taken."""
    packed, parts = io.BytesIO(), _parts(home, rows)
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in parts.items():
            file.writestr(name, data)
    with storage_errors(target):
        if not durable.write_new(target, packed.getvalue()):
            raise WrongUse(f"{target} is there already; nothing is written over it. Give another name.")
    return list(parts)


def _parts(home: Home, rows: Sequence[Row]) -> dict[str, bytes]:
    index, trouble = _index(home)
    try:
        redaction = Redaction.of(index)
        found = [{**asdict(row), "text": redaction.text(row.text), "way_out": ""} for row in rows]
        return {
            "README.txt": CONTENTS.encode(),
            "versions.json": document(_versions()),
            "doctor.json": document({"rows": found}),
            "settings.json": document(_settings(home, redaction)),
            "counts.json": document({**_counts(home, index), "trouble": redaction.text(trouble)}),
            "ledger.jsonl": _lines(_ledger(home, redaction)),
            "log.jsonl": _lines(_log(home, redaction)),
        }
    finally:
        if index:
            index.close()


def _index(home: Home) -> tuple[Index | None, str]:
    """And in words why it cannot be read."""
    try:
        return Index.if_made(home.index_file), ""
    except ArtFactoryError as error:
        return None, str(error)


def _versions() -> Json:
    libraries = sorted(f"{it.metadata['Name']} {it.version}" for it in importlib.metadata.distributions())
    return {
        "artfactoryd": __version__, "python": sys.version, "system": platform.platform(),
        "sqlite": ".".join(map(str, SQLITE)), "libraries": libraries,
    }  # fmt: skip


def _settings(home: Home, redaction: Redaction) -> Json:
    default = documents.read_documents(DEFAULT_TEXT.encode(), "settings")[0].value
    try:
        given = documents.read_documents(bounded(home.settings_file, documents.MOST_BYTES), "settings")[0].value
    except (OSError, Refusal) as error:
        return {"unread": type(error).__name__}
    return redaction.settings(given, default) if isinstance(given, dict) else {"unread": "no mapping"}


def _counts(home: Home, index: Index | None) -> Json:
    folders = (home.inbox, home.held, home.rejected, home.claims, home.work / "outputs", home.work / "interim")
    there = {folder.name: len(list(folder.iterdir())) if folder.is_dir() else None for folder in folders}
    with suppress(ArtFactoryError):
        there.update(sizes(home.ledger))
    return {"files": there, **({name: index.rows(sql) for name, sql in GROUPS.items()} if index else {})}


def _ledger(home: Home, redaction: Redaction) -> Iterator[Json]:
    """Which ids are the same is shown, and no more."""
    numbers: dict[str, int] = {}
    kinds: Counter[str] = Counter()
    last: deque[Json] = deque(maxlen=LAST_LINES)
    try:
        for line, _ in ledger.read(home.ledger):
            kinds[str(line["kind"])] += 1
            shape = {key: line[key] for key in KEPT if key in line}
            for key in NUMBERED:
                if line.get(key):
                    shape[key] = numbers.setdefault(f"{key} {line[key]}", len(numbers) + 1)
            if reasons := line.get("reasons"):
                shape["reasons"] = [reason["code"] for reason in reasons]
            last.append(shape)
    except ArtFactoryError as error:
        last.append({"unreadable": redaction.text(str(error))})
    yield {"kinds": dict(kinds)}
    yield from last


def _log(home: Home, redaction: Redaction) -> Iterator[Json]:
    """Of news its facts; of what has no facts its words."""
    try:
        entries, follower = tail(home, "application", LAST_LOGS)
        follower.close()
    except WrongUse as error:
        yield {"unreadable": redaction.text(str(error))}
        return
    for entry in entries:
        line = entry.document()
        shape = {key: line[key] for key in LOGGED if key in line}
        if "event" not in line:
            shape["text"] = redaction.text(str(line.get("text", "")))
        if traceback := line.get("traceback"):
            shape["traceback"] = [redaction.text(words) for words in str(traceback).splitlines()]
        yield shape


def _lines(values: Iterator[Json]) -> bytes:
    return b"".join(data(value) + b"\n" for value in values)
