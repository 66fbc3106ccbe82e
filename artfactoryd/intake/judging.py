"""What lies in the inbox, judged: whole and to be taken, not whole yet, or a stray that will never be an order.

One look, by rules that are handed in. Nothing is moved, written or remembered here; `inbox` looks again and again.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from artfactoryd.core import inbox_rules
from artfactoryd.core.inbox_rules import Word
from artfactoryd.core.names import counted
from artfactoryd.entries import Entry, everything_in, has_writer, listing, open_by, readable
from artfactoryd.intake.own_folder import names_in
from artfactoryd.planning.defaults import mention

REWRITTEN = 5.0  # seconds in which an editor writes again what it took away
OPEN_AGAIN = 5.0  # seconds between looks at what is open in an editor, at the most
REST = 0.02  # seconds between two looks at the least, however much is about to settle
Version = tuple[int, ...]
GONE: Version = ()  # of what lay there at an earlier look
Seen = dict[Path, tuple[Version, float]]  # which version of a path lies there, and since when (monotonic)


@dataclass(frozen=True, slots=True)
class Ready:
    """An order that is whole: a file, or a bundle with its pictures. `project`: the drop-box it lies in."""

    path: Path
    kind: str  # "file" or "bundle"
    project: str | None
    version: Version = field(default=(), compare=False)  # of all of it, as it was judged
    given: Mapping[str, str] = field(default_factory=dict, compare=False)  # what its drop-box gave it then

    @property
    def is_as_judged(self) -> bool:
        """Nobody has saved it again meanwhile, or added to it."""
        return self.version == version_of(self.path)


@dataclass(frozen=True, slots=True)
class Stray:
    """What will never be an order. `NAME is WHAT. ADVICE` reads as it stands. `may_belong`: to one that comes."""

    path: Path
    what: str
    advice: str
    may_belong: bool = True


@dataclass(frozen=True, slots=True)
class Scan:
    """One look. `ready`: oldest first; `waiting`: names not settled yet; `open`: of those that a person has open in an
    editor; `due`: seconds until one may be settled."""

    ready: tuple[Ready, ...] = ()
    strays: tuple[Stray, ...] = ()
    waiting: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    due: float = math.inf
    blind: str = ""  # why something could not be looked into; then the rest is not all there is
    at: float = field(default=0.0, compare=False)  # when it was looked (monotonic)

    @property
    def is_empty(self) -> bool:
        """No order is on its way, as far as names tell."""
        return not (self.waiting or self.open)


@dataclass(frozen=True, slots=True)
class Rules:
    """`settle`, `stray`: seconds. `local`: the disk tells who writes; `by_ctime`: and its clock is this machine's.
    `serves`: whether a folder of that name has served as a drop-box. `defaults`: the texts that one, by its folder and
    name, gives its orders."""

    settle: float
    stray: float
    local: bool
    by_ctime: bool
    serves: Callable[[str], bool]
    defaults: Callable[[Path, str], Mapping[str, str]]


def version_of(path: Path) -> Version:
    """Another one after any change to it, or to anything in it, and the same wherever a folder is moved; empty where
    nothing lies."""
    try:
        entry = Entry.at(path)
    except OSError:
        return ()
    if entry.kind != "folder":
        return entry.version
    deep = sorted((str(inner.path.relative_to(path)), inner.version) for inner in everything_in(path))
    return (hash(tuple(deep)),)


class Look:
    """What one scan gathers. `seen`: of this look, and `before`: of the last one."""

    def __init__(self, rules: Rules, before: Seen, now: float, wall: float) -> None:
        self.seen: Seen = {}
        self.served: set[str] = set()  # drop-boxes in which an order lies
        self.complaints: set[str] = set()
        self._rules, self._before, self._now, self._wall = rules, before, now, wall
        self._ready: list[tuple[int, Path, Ready]] = []  # with ctime (nanoseconds) and path
        self._strays: list[Stray] = []
        self._waiting: list[str] = []
        self._open: list[str] = []
        self._due = math.inf
        self._blind: set[str] = set()  # those of the complaints that hide something
        self._had = [(path, known) for path, known in before.items() if inbox_rules.is_defaults(path.name)]
        self._given: Mapping[str, str] = {}  # by the drop-box that is looked into

    def result(self) -> Scan:
        oldest_first = sorted(self._ready, key=lambda entry: entry[:2])
        ready = tuple(ready for _, _, ready in oldest_first)
        return Scan(
            ready, tuple(self._strays), tuple(self._waiting), tuple(self._open), self._due,
            " ".join(sorted(self._blind)), self._now,
        )  # fmt: skip

    def cannot_see(self, words: str) -> None:
        self.complaints.add(words)
        self._blind.add(words)

    # --- what becomes of one entry ---

    def _take(self, entry: Entry, project: str | None) -> None:
        kind = "bundle" if entry.kind == "folder" else "file"
        version = entry.version if kind == "file" else version_of(entry.path)
        ready = Ready(entry.path, kind, project, version, self._given if project else {})
        self._ready.append((entry.status.st_ctime_ns, entry.path, ready))

    def _wait(self, entry: Entry, project: str | None, seconds: float) -> None:
        self._waiting.append(_named(entry, project))
        self._due = min(self._due, seconds)

    def _wait_for_person(self, entry: Entry, project: str | None) -> None:
        """To close it."""
        self._open.append(_named(entry, project))
        self._due = min(self._due, OPEN_AGAIN)

    def _set_aside(self, entry: Entry, word: Word, age: float) -> None:
        """At once where it can never belong to an order; else after a minute, in which one may come that names it."""
        patience = self._rules.stray if word.may_belong else self._rules.settle
        if age < patience:
            self._due = min(self._due, patience - age)
        elif not self._is_written(entry):
            self._strays.append(Stray(entry.path, *word))

    def _age(self, *entries: Entry) -> float:
        """Seconds since the last change to any of them."""
        return min(map(self._age_of, entries))

    def _age_of(self, entry: Entry) -> float:
        """By its ctime, else (clocks differ) since this version was first seen."""
        version, since = self._before.get(entry.path, (None, self._now))
        if version != entry.version:
            since = self._now
        self.seen[entry.path] = (entry.version, since)
        return max(self._now - since, self._wall - entry.status.st_ctime_ns / 1e9 if self._rules.by_ctime else 0.0)

    def _is_written(self, *entries: Entry) -> bool:
        return self._rules.local and any(entry.kind == "file" and has_writer(entry.path) for entry in entries)

    def _is_open(self, entry: Entry, beside: Mapping[str, Entry]) -> bool:
        """In an editor, as what it has laid beside it shows; what one has left behind is named."""
        names = inbox_rules.companions(entry.name, beside)
        for name in names:
            if open_by(beside[name], self._age_of(beside[name])):
                return True
        if names:
            left = ", ".join(map(readable, names))
            self.complaints.add(f"No editor has {readable(entry.name)} open any more, though {left} lies beside it.")
        return False

    # --- files ---

    def judge_all(self, entries: Mapping[str, Entry]) -> None:
        """All that lies in the inbox itself, by name."""
        beside = _companions(entries)
        for entry in _not_junk(entries):
            if entry.kind == "folder":
                self._judge_folder(entry)
            else:
                self._judge(entry, None, beside)

    def _judge(self, entry: Entry, project: str | None, beside: Mapping[str, Entry]) -> None:
        age = self._age(entry)
        word = inbox_rules.stray_file(entry.name, entry.kind, entry.status.st_size)
        if age < self._rules.settle:
            self._wait(entry, project, self._rules.settle - age)
        elif self._is_open(entry, beside):
            self._wait_for_person(entry, project)
        elif word is not None:
            self._set_aside(entry, word, age)
        elif self._is_written(entry):
            self._wait(entry, project, max(age / 10, REST))
        else:
            self._take(entry, project)

    # --- folders ---

    def _judge_folder(self, box: Entry) -> None:
        """A bundle, a drop-box or a stray: known when all in it is quiet. Once a drop-box, it stays one."""
        names = names_in(box.path)
        if inbox_rules.is_order_folder(names):
            self._judge_whole(box, None)
        elif self._rules.serves(readable(box.name)) or any(map(inbox_rules.is_defaults, names)) or self._lost(box):
            self._look_into(box)
        else:
            self._judge_new(box)

    def _lost(self, box: Entry) -> list[Path]:
        """Defaults that lay in it and do not now: an editor may be just writing them again, so that is believed only
        after a while."""
        lost = []
        for path, (version, since) in self._had:
            if path.parent == box.path and not os.path.lexists(path):
                gone_at = since if version == GONE else self._now
                if self._now - gone_at < max(self._rules.settle, REWRITTEN):
                    self.seen[path] = (GONE, gone_at)
                    lost.append(path)
        return lost

    def _judge_new(self, box: Entry) -> None:
        deep = list(everything_in(box.path))
        age = self._age(box, *deep)
        try:
            inside = {entry.name: entry for entry in listing(box.path)}
        except OSError:
            self._set_aside(box, inbox_rules.CLOSED, age)
            return
        orders = [entry for entry in inside.values() if _is_order(entry)]
        if age < self._rules.settle:
            self._wait(box, None, self._rules.settle - age)
        elif word := inbox_rules.stray_folder(box.name, [*inside]):
            self._set_aside(box, word, age)
        elif not orders:
            self._judge_orderless(box, inside, deep, age)
        elif not inbox_rules.is_bundle([entry.name for entry in orders]):
            self._look_into(box)
        elif not all(entry.status.st_size for entry in orders):
            self._set_aside(box, inbox_rules.HOLLOW, age)
        elif any(self._is_open(entry, _companions(inside)) for entry in _not_junk(inside)):
            self._wait_for_person(box, None)
        elif self._is_written(*deep):
            self._wait(box, None, max(age / 10, REST))
        else:
            self._take(box, None)

    def _judge_orderless(self, box: Entry, inside: Mapping[str, Entry], deep: list[Entry], age: float) -> None:
        """Empty, it is a drop-box that waits for its first order; else it is one thing, and answered as one."""
        own = [entry for entry in deep if entry.kind == "folder" and inbox_rules.is_order_folder(names_in(entry.path))]
        lying = [*_not_junk(inside)]
        if own:
            self._look_into(box)
        elif lying:
            nested = any(_is_order(entry) for entry in deep)
            kinds = [inbox_rules.stray_file(entry.name, entry.kind, entry.status.st_size) for entry in lying]
            self._set_aside(box, inbox_rules.orderless(counted(len(lying), "thing"), nested, kinds), age)

    def _judge_whole(self, box: Entry, project: str | None) -> None:
        """An order's folder that has lain on the shelf, and whose pictures are no strays."""
        deep = list(everything_in(box.path))
        age = self._age(box, *deep)
        if age < self._rules.settle:
            self._wait(box, project, self._rules.settle - age)
        elif self._is_written(*deep):
            self._wait(box, project, max(age / 10, REST))
        else:
            self._take(box, None)

    def _judge_nested(self, box: Entry, project: str) -> None:
        """A folder in a drop-box: what was dragged may be a whole day, or a whole project, of order folders."""
        if inbox_rules.is_order_folder(names_in(box.path)):
            self._judge_whole(box, project)
            return
        deep = list(everything_in(box.path))
        own = [entry for entry in deep if entry.kind == "folder" and inbox_rules.is_order_folder(names_in(entry.path))]
        for entry in own:
            self._judge_whole(entry, project)
        if not own:
            self._set_aside(box, inbox_rules.NESTED, self._age(box, *deep))

    def _look_into(self, box: Entry) -> None:
        project, before = readable(box.name), len(self._ready)
        try:
            entries = {entry.name: entry for entry in listing(box.path)}
            self._given = given = self._rules.defaults(box.path, project)
        except OSError as error:
            self.cannot_see(f"The drop-box {project} cannot be looked into: {error.strerror}.")
            return
        own = [entry for entry in entries.values() if inbox_rules.is_defaults(entry.name)]
        beside = _companions(entries)
        lost = self._lost(box)
        unsettled = bool(lost) or min(map(self._age_of, own), default=math.inf) < self._rules.settle
        for entry in _not_junk(entries):
            if entry in own or mention(given, entry.name):
                continue  # what the defaults name belongs to the drop-box
            if entry.kind == "folder":
                self._judge_nested(entry, project)
            elif unsettled and inbox_rules.is_order_name(entry.name):
                self._wait(entry, project, self._rules.settle)
            else:
                self._judge(entry, project, beside)
        if len(self._ready) > before:
            self.served.add(project)


def _named(entry: Entry, project: str | None) -> str:
    return readable(entry.name) if project is None else f"{project}/{readable(entry.name)}"


def _companions(entries: Mapping[str, Entry]) -> dict[str, Entry]:
    """Looked for once: few folders have any."""
    return {name: entry for name, entry in entries.items() if inbox_rules.is_companion(name)}


def _not_junk(entries: Mapping[str, Entry]) -> list[Entry]:
    return [entry for name, entry in entries.items() if not inbox_rules.is_junk(name)]


def _is_order(entry: Entry) -> bool:
    return entry.kind == "file" and inbox_rules.is_order_name(entry.name) and not inbox_rules.is_junk(entry.name)
