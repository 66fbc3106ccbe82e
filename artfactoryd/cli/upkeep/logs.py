"""`logs`: the log files read back, oldest first, followed across rotation; of one order where asked."""

from __future__ import annotations

import json
import os
import re
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BufferedReader, FileIO
from itertools import chain
from pathlib import Path
from typing import Any

import click

from artfactoryd.cli.context import as_json, latest, made_home
from artfactoryd.cli.terminal import echo
from artfactoryd.entries import plain
from artfactoryd.errors import WrongUse
from artfactoryd.home import Home
from artfactoryd.log import FILES, OLD_FILES
from artfactoryd.storage import naming
from artfactoryd.storage.index import Index

LAST = 50  # entries that are shown where nobody says how many
LOOK = 0.25  # seconds between looks for more
IDS = ("order", "item")
_LINE = re.compile(r"(?P<at>\d{4}-\d\d-\d\dT\S+) (?P<level>[A-Z]+) (?P<logger>\S+) (?P<rest>.*)")
_PLAIN = ("item", "usd", "estimated")  # written without quotation marks, and no text
_ID = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|[^\s"]+)(?: |$)')


@click.command()
@click.option(
    "--which",
    type=click.Choice(["application", "generation", "access"]),
    default="application",
    help="application (default): what went on; generation: each attempt; access: the status page.",
)
@click.option("-f", "--follow", is_flag=True, help="Go on printing what comes, until Ctrl-C.")
@click.option("--order", metavar="ID", help="Only what speaks of this order.")
@latest
@click.option(
    "-n", "most", type=click.IntRange(min=0), metavar="N", help="How many (default 50; with --order all there are)."
)
@as_json
@click.pass_context
def logs(
    ctx: click.Context, which: str, follow: bool, order: str | None, latest: bool, most: int | None, as_json: bool
) -> None:
    """What the program said, each attempt at an item, or each request to the status page; --json one object a line."""
    home = made_home(ctx)
    wanted = [order_id_of(home, order, latest=latest)] if order is not None else []
    entries, follower = tail(home, which, LAST if most is None and order is None else most, wanted)
    for entry in entries:
        echo(printed(entry, as_json), whole=as_json)
    if not entries and most != 0:
        echo(nothing_words(which, order), err=True)
    for entry in entries_to_come(follower, wanted) if follow else ():
        echo(printed(entry, as_json), whole=as_json)


def nothing_words(which: str, order: str | None) -> str:
    """Of an empty answer: that it is one, and what would be there."""
    if order:
        return f"Nothing in the {which} log speaks of order {order}."
    what = {
        "application": "run yet",
        "generation": "sent or made anything yet",
        "access": "been asked for its page yet",
    }
    return f"The {which} log is empty: the daemon has not {what[which]}."


@dataclass(frozen=True, slots=True)
class Entry:
    """What was logged at one moment: its line, and the lines of a traceback below it."""

    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def document(self) -> dict[str, Any]:
        """The same when it was written as words, as earlier releases did where their settings did not say json."""
        first = self.lines[0]
        if first.startswith("{"):
            try:
                return dict(json.loads(first))
            except ValueError:
                return {"text": self.text}
        match = _LINE.fullmatch(first)
        if match is None:
            return {"text": self.text}
        ids, text = _split(match["rest"])
        document = {"at": match["at"], "level": match["level"].lower(), "logger": match["logger"], **ids, "text": text}
        return {**document, "traceback": "\n".join(self.lines[1:])} if len(self.lines) > 1 else document


def _split(rest: str) -> tuple[dict[str, Any], str]:
    """`order=… item=2 reason="no room" the words`: the ids, and the words."""
    ids, end = {}, 0
    while match := _ID.match(rest, end):
        ids[match[1]] = _typed(*match.groups())
        end = match.end()
    return ids, rest[end:]


def _typed(name: str, value: str) -> Any:
    try:
        if name in _PLAIN:
            return json.loads(value.lower())
        return json.loads(value) if value.startswith('"') else value
    except ValueError:
        return value


def _begins(line: str) -> bool:
    return line.startswith("{") or _LINE.match(line) is not None


def entries(lines: Iterable[str]) -> Iterator[Entry]:
    """Lines grouped: what does not begin like a line of ours belongs to the one above."""
    group: list[str] = []
    for line in lines:
        if group and _begins(line):
            yield Entry(tuple(group))
            group = []
        group.append(line)
    if group:
        yield Entry(tuple(group))


def tail(home: Home, which: str, most: int | None, wanted: Sequence[str] = ()) -> tuple[list[Entry], Follower]:
    """The last `most` entries (None: all), and who reads on from there. `wanted`: only what speaks of these ids."""
    newest = home.logs / FILES[which]
    follower = Follower(newest)  # first, so that what is written meanwhile is not lost
    old = (newest.with_name(f"{newest.name}.{number}") for number in range(OLD_FILES, 0, -1))
    lines = chain(*map(_lines, old), follower.more())
    return list(deque((entry for entry in entries(lines) if speaks_of(entry, wanted)), maxlen=most)), follower


def speaks_of(entry: Entry, wanted: Sequence[str]) -> bool:
    return not wanted or any(name in entry.lines[0] for name in wanted)


def _lines(path: Path) -> Iterator[str]:
    file = _opened(path)
    if file is not None:  # else rotated away between two looks
        with file:
            yield from (line.rstrip(b"\n").decode("utf-8", "replace") for line in BufferedReader(file))


def _opened(path: Path) -> FileIO | None:
    """None where nothing lies. Raises WrongUse for what is no plain file, and never waits for a pipe."""
    try:
        return open(path, "rb", buffering=0, opener=lambda name, _: plain(name))
    except FileNotFoundError:
        return None
    except OSError as error:
        if path.is_file():
            raise
        raise WrongUse(
            f"{path} is no plain file: nothing is logged there. Move it away, and it is begun anew."
        ) from error


def order_id_of(home: Home, name: str, *, latest: bool) -> str:
    """Raises NoSuchOrder, and AmbiguousName unless the `latest` is asked for."""
    with Index.looking(home.index_file) as index:
        return naming.order_named(index, naming.order_given(home, name), latest=latest).id


class Follower:
    """Reads a log that another process writes and rotates, from its beginning."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = _opened(path)
        self._half = b""

    def more(self) -> list[str]:
        """Whole lines that came since the last look."""
        lines = self._read()
        if self._rotated():
            lines += self._read()  # what was written between the read and the rename
            self.close()
            self._file = _opened(self._path)
            lines += self._read()
        return lines

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _rotated(self) -> bool:
        try:
            now = os.stat(self._path)
        except FileNotFoundError:
            return False  # between the rename and the first new line; the old one is still ours
        if self._file is None:
            return True
        return os.fstat(self._file.fileno()).st_ino != now.st_ino or now.st_size < self._file.tell()

    def _read(self) -> list[str]:
        if self._file is None:
            return []
        *whole, self._half = (self._half + (self._file.readall() or b"")).split(b"\n")
        return [line.decode("utf-8", "replace") for line in whole]


def entries_to_come(follower: Follower, wanted: Sequence[str] = ()) -> Iterator[Entry]:
    """Entries as they come, without end. A traceback may come as an entry of its own."""
    while True:
        came = follower.more()
        yield from (entry for entry in entries(came) if speaks_of(entry, wanted))
        if not came:
            time.sleep(LOOK)


def printed(entry: Entry, as_json: bool) -> str:
    return json.dumps(entry.document(), ensure_ascii=False) if as_json else _plain(entry)


def _plain(entry: Entry) -> str:
    """`AT LEVEL WHAT order=… the words`. Of an event the words have the facts in them: beside them stand only ids."""
    document = entry.document()
    if document.keys() == {"text"}:
        return entry.text
    level, text = str(document.pop("level", "")).upper(), " ".join(str(document.pop("text", "")).split())
    at, traceback = str(document.pop("at", "")), document.pop("traceback", None)
    event, logger = document.pop("event", None), document.pop("logger", "")
    shown = IDS if event else document
    facts = [f"{name}={_word(document[name])}" for name in shown if name in document]
    return " ".join([at, level, str(event or logger), *facts, text]) + (f"\n{traceback}" if traceback else "")


def _word(value: Any) -> str:
    """As it is, or quoted as in JSON where it would not be one word."""
    text = str(value)
    return text if re.fullmatch(r'[^\s"=]+', text) else json.dumps(value, ensure_ascii=False)
