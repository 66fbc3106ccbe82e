"""Is the home sound: its folders, its lock, its disk, its index and its ledger. A row for each; looks only."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import groupby
from pathlib import Path

from artfactoryd import clock
from artfactoryd.cli.doctor.moves import failing_moves
from artfactoryd.cli.doctor.report import BAD, OK, WARNING, Row
from artfactoryd.core import inbox_rules
from artfactoryd.core.names import counted
from artfactoryd.daemon.backups import next_due
from artfactoryd.durable import try_writing
from artfactoryd.errors import StorageFull, StorageSick, WrongUse
from artfactoryd.home import Home
from artfactoryd.identity import init_command
from artfactoryd.reporting.inbox import names_left_alone
from artfactoryd.settings import Settings
from artfactoryd.storage import dependencies, ledger
from artfactoryd.storage.database import complaints, is_there
from artfactoryd.storage.engines.chosen import engine_of
from artfactoryd.storage.index import Index
from artfactoryd.storage.ledger import Position
from artfactoryd.storage.safekeeping.destination import Memory

RESET_BUG = ((3, 7, 0), (3, 51, 2))  # SQLite versions that two connections at one moment can make damage a WAL
LATE = timedelta(days=1)  # a backup may be, before it is said
Rows = Iterator[Row]


def folder(home: Home, settings: Settings) -> Rows:
    try:
        home.check_place()
    except WrongUse as error:
        yield Row("folder", BAD, str(error), "Name another with --home or ARTFACTORY_HOME.")
        return
    if not home.is_made:
        yield Row("folder", BAD, f"There is no factory folder at {home.root}.", init_command(home.root))
        return
    if words := home.identity.copy_words:
        yield Row("folder", BAD, f"{words} Nothing is taken or sent here.", home.identity.way_out)
    folders = (
        home.root, settings.inbox.path or home.inbox, home.held, home.rejected, home.projects, home.models, home.ledger,
        home.claims, home.commands, home.logs, home.temp,
    )  # fmt: skip
    wrong = [f"{folder} {words}." for folder in folders if (words := _unusable(folder))]
    wrong += failing_moves(home, settings.inbox.path or home.inbox)
    if wrong:
        way_out = "`init` makes again what is missing; of the others look who owns them and how they are mounted."
        yield Row("folder", BAD, " ".join(wrong), way_out)
    else:
        words = f"{home.root} is in a fit place, and every folder in it can be written and moved between."
        yield Row("folder", OK, f"{words}{as_seen_here()}")


def left_alone(home: Home, settings: Settings) -> Rows:
    for name in names_left_alone(settings.inbox.path or home.inbox):
        yield Row("inbox", WARNING, f"{name} in the Inbox {inbox_rules.LEFT_ALONE}.", "Take the dot away.")


def backup(home: Home, settings: Settings) -> Rows:
    if not home.is_made:
        return
    known, due = Memory.of(home).read(), next_due(home, settings.backup)
    last = (
        f"The last backup is of {clock.shown(known['taken_at'])}." if known.get("taken_at") else "There is no backup."
    )
    if known.get("trouble"):
        yield Row(
            "backup", WARNING, f"{last} Since then none could be made: {known['trouble']}", "`artfactoryd backup`"
        )
    elif settings.backup.path is None:
        yield Row("backup", OK, f"{last} None is made by itself.", "Name a folder on another disk: `backup.path`.")
    elif due is not None and due + LATE < clock.now():
        yield Row("backup", WARNING, f"{last} One is due since {clock.shown(clock.iso(due))}.", "`artfactoryd run`")
    else:
        yield Row("backup", OK, last)


def privacy(home: Home) -> Rows:
    """What is there is never changed: who let others look may have meant it."""
    private = (home.ledger, home.work, home.private, home.settings_file)
    shown = [str(path) for path in private if path.exists() and path.stat().st_mode & 0o077]
    if shown:
        words = f"Other users of this machine may look into {', '.join(shown)}."
        yield Row("privacy", WARNING, words, f"chmod go= {' '.join(map(shlex.quote, shown))}")
    elif home.is_made:
        yield Row("privacy", OK, "Ledger, work and settings are for you alone.")


def _unusable(folder: Path) -> str:
    if folder.is_symlink() and not folder.exists():
        return f"is a link to {folder.readlink()}, which is not there"
    if not folder.is_dir():
        return "is a file" if folder.exists() else "is missing"
    try:
        os.listdir(folder)
        try_writing(folder)
        return ""
    except OSError as error:
        return f"cannot be read and written ({error.strerror})"


def as_seen_here(system: str = sys.platform) -> str:
    if system != "darwin":
        return ""
    return " So it looks from this terminal; macOS may refuse a background service what it allows the terminal."


def lock(home: Home) -> Rows:
    if not home.is_made:
        return
    if not home.is_held():
        yield Row("lock", OK, "Free: no daemon is at work here.")
    else:
        who = home.at_work() or {}
        words = f"an artfactoryd of which nothing more is known: {who.get('unread', 'it has just ended')}"
        if "pid" in who:
            since = clock.shown(who.get("started_at", ""))
            words = f"process {who['pid']} (artfactoryd {who.get('command')}) since {since}"
        yield Row("lock", OK, f"Held by {words}.")


def disk(home: Home, settings: Settings) -> Rows:
    least = settings.limits.free_disk_bytes
    seen: set[int] = set()
    for folder in (home.root, home.projects):
        if not folder.exists() or folder.stat().st_dev in seen:
            continue
        seen.add(folder.stat().st_dev)
        free = shutil.disk_usage(folder).free
        words = f"{_size(free)} free on the disk of {folder}; below {_size(least)} nothing new is sent."
        way_out = "Make room, or lower limits.free_disk_bytes. What waits goes on by itself."
        yield Row("disk", BAD, words, way_out) if free < least else Row("disk", OK, words)


def between(home: Home) -> Rows:
    """What is not shelved stays for a retry of what was to be made of it; nobody else clears it."""
    with Index.reading(home.index_file) as index:
        left = [(row, home.root / row.path) for row in dependencies.left_between(index)] if index else []
    for (order, name), rows in groupby(left, lambda pair: (pair[0].order_id, pair[0].order_name)):
        sizes = [path.stat().st_size for _, path in rows if path.is_file()]
        if sizes:
            count = counted(len(sizes), "picture")
            of = f"of this something was to be made for {name}."
            words = f"{count} ({_size(sum(sizes))}) in {home.work / 'interim'}: {of}"
            way_out = f"`retry {order[:13]}` makes it. If you do not want it, what lies there may be deleted."
            yield Row("between", WARNING, words, way_out)


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


# --- index and ledger ---


def sqlite(version: Sequence[int]) -> Rows:
    written = f"SQLite {'.'.join(map(str, version))}"
    if not RESET_BUG[0] <= tuple(version) <= RESET_BUG[1]:
        yield Row("sqlite", OK, f"{written}.")
        return
    first, last = (".".join(map(str, bound)) for bound in RESET_BUG)
    words = f"SQLite {first} to {last} can damage a database when two connections write it in the same moment."
    yield Row("sqlite", OK, f"{written}. {words} Here a single one ever writes, so that does not happen.")


def database(home: Home) -> Rows:
    try:
        yield from _database(home)
    except StorageFull as error:
        yield Row("database", BAD, str(error), "The ledger is true meanwhile, and nothing is lost; the daemon waits.")


def _database(home: Home) -> Rows:
    name = engine_of(home.index_file).name
    if not is_there(home.index_file):
        yield Row("database", OK, "There is no index yet: the next start makes it, from the ledger if there is one.")
        return
    problems = complaints(home.index_file)
    if problems:
        way_out = f"Stop the daemon and delete {name}: the next start makes it again from the ledger."
        yield Row("database", BAD, f"The index is damaged: {' '.join(problems[:3])}.", way_out)
    else:
        yield Row("database", OK, f"Its own check finds nothing wrong with {name}.")


def lines(home: Home) -> Rows:
    try:
        yield from _lines(home)
    except StorageSick as error:
        yield Row("ledger", BAD, str(error), "Nothing is sent until then.")


def _lines(home: Home) -> Rows:
    applied, mark = _index_place(home)  # before the ledger is read, because the ledger is written first
    changed = ledger.difference(home.ledger, applied or Position(), mark)
    count, behind, end = 0, 0, Position()
    for _, end in ledger.read(home.ledger):
        count += 1
        behind += 0 if applied is None or end <= applied else 1
    torn = ledger.torn(home.ledger)
    if torn:
        where = counted(len(torn), "place", "is no line", "are no lines")
        words = f"{where} in the ledger ({', '.join(torn[:3])}); they never counted."
        yield Row("ledger", WARNING, words, "A power cut leaves such a place; then nothing needs to be done.")
    if changed:
        yield Row("ledger", BAD, f"The ledger was cut or exchanged: {changed}.", ledger.AS_IT_WAS.capitalize())
    elif behind and home.holder() is None:
        yield Row(
            "ledger",
            WARNING,
            f"{counted(behind, 'line', 'is', 'are')} not in the index yet, of {count}.",
            "The next start applies them.",
        )
    else:
        last = f", the last one ends at {end}" if count else ""
        yield Row(
            "ledger",
            OK,
            f"{counted(count, 'line')} can be read{last}{' and is in the index' if count and applied else ''}.",
        )


def _index_place(home: Home) -> tuple[Position | None, str]:
    """The last place of the ledger that the index has applied, and its mark; None where no index can be used."""
    if not is_there(home.index_file) or complaints(home.index_file):
        return None, ""
    with Index.reading(home.index_file) as index:
        return (Position.parse(index.meta("ledger")), index.ledger_mark()) if index else (None, "")
