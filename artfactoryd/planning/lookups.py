"""A person's lookups: named lists of values below Library/lookups, as YAML lists or as text with a value a line.

A file is read when its name is used (one that may hold several lists: when names are looked for), and again when it has
changed. Values may have other tools' wildcard syntax. Not here: what a lookup does in a text (core/grammar).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from artfactoryd import documents
from artfactoryd.core.grammar.weaving import Weaver
from artfactoryd.core.grammar.wildcards import read_wildcards
from artfactoryd.core.names import nfc
from artfactoryd.entries import LITTER, files_below
from artfactoryd.errors import Problem, Refusal
from artfactoryd.planning.read_once import ReadOnce

LISTS, TEXTS = (".yaml", ".yml", ".json"), (".txt",)
MOST_BYTES = 16 << 20
MARKS = frozenset("-_/ ")


class LookupFiles(Mapping[str, Sequence[str]]):
    """By name: `colors/warm` is the file colors/warm.txt (or .yaml), or the list `warm` in colors.yaml. Names are those
    of the moment it was first asked.

    What cannot be used gives its own name as its one value; why is told in `problems`, once.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: list[Problem] = []

    @cached_property
    def _places(self) -> dict[str, list[Place]]:
        """Names that wildcards have without the name of their file stand behind those with it."""
        places: dict[str, list[Place]] = {}
        others: dict[str, list[Place]] = {}
        for path in _files(self.folder):
            name = name_of(path, self.folder)
            for keys in _keys(path):
                own, bare = _names(name, keys)
                places.setdefault(own, []).append(Place(path, keys))
                if bare != own:
                    others.setdefault(bare, []).append(Place(path, keys))
        return {**places, **{name: found for name, found in others.items() if name not in places}}

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __getitem__(self, name: str) -> Sequence[str]:
        place, *more = self._places[name]
        if more:
            self._complain([_twice(name, place.path, more[-1].path)])
        try:
            return _values(place)
        except Refusal as refusal:
            self._complain(refusal.problems)
            return (name,)

    def _complain(self, problems: Sequence[Problem]) -> None:
        self.problems += [problem for problem in problems if problem not in self.problems]

    def file(self, name: str) -> Path:
        """Raises KeyError."""
        return self._places[name][0].path

    def check(self) -> list[Problem]:
        """Every file read: what is wrong with any of them, and what in them is not understood."""
        found = [_twice(name, place.path, more[-1].path) for name, (place, *more) in self._places.items() if more]
        weaver = Weaver(self)
        for name, (place, *_) in self._places.items():
            if not all(each.isalnum() or each in MARKS for each in name):
                message = "a lookup's name holds letters, digits, blanks, - _ and / only; in an order this has no name."
                found.append(Problem("E_LOOKUP_NAME", message, "Rename the file.", file=str(place.path)))
            try:
                _values(place)
            except Refusal as refusal:
                found += refusal.problems
                continue
            weaver.values(name)
            found += weaver.doubts(name, ())
        return list({(problem.file, problem.line, problem.message): problem for problem in found}.values())


class Place(NamedTuple):
    """Where a lookup is written: a file, and the keys above it there."""

    path: Path
    keys: tuple[str, ...]


def _names(file: str, keys: tuple[str, ...]) -> tuple[str, str]:
    """Of a list in a tree: with the name of its file, and as wildcards are named, by the keys below its folder. A file
    called like its first key does not say it twice."""
    folder, slash, stem = file.rpartition("/")
    below = "/".join(nfc(key) for key in keys)
    bare = f"{folder}{slash}{below}" if keys else file
    return (bare if not keys or nfc(keys[0]) == stem else f"{file}/{below}"), bare


def _keys(path: Path) -> list[tuple[str, ...]]:
    """Above each list of a file; of one that cannot be read none."""
    if path.suffix.lower() in TEXTS:
        return [()]
    try:
        return list(_lookup(path)) or [()]
    except (OSError, Refusal):
        return [()]


def name_of(path: Path, folder: Path) -> str:
    """As it is written in an order, on every system: a Mac hands out names in decomposed form."""
    return nfc(path.relative_to(folder).with_suffix("").as_posix())


def _files(folder: Path) -> Iterator[Path]:
    """In order of their names; hidden ones and what a desktop leaves are passed over."""
    for path in files_below(folder):
        parts = path.relative_to(folder).parts
        if any(part.startswith(".") or part.lower() in LITTER for part in parts):
            continue
        if path.suffix.lower() in (*LISTS, *TEXTS) and path.is_file():
            yield path


def _values(place: Place) -> Sequence[str]:
    """Raises Refusal."""
    path = place.path
    try:
        branch = _lookup(path).get(place.keys)
    except OSError as error:
        message = f"the lookup cannot be read: {error.strerror}."
        raise Refusal([Problem("E_READ", message, "Look at its permissions.", file=str(path))]) from None
    if isinstance(branch, Problem):
        raise Refusal([branch])
    if not branch:
        raise Refusal([Problem("E_EMPTY", "a lookup needs at least one value.", "Write one a line.", file=str(path))])
    return branch


Branch = Sequence[str] | Problem


def _parsed(data: bytes, path: Path) -> dict[tuple[str, ...], Branch]:
    """A file's name that ends in .txt is right here, though it would be wrong for an order."""
    if path.suffix.lower() in TEXTS:
        return {(): _read(documents.read_lines(data, str(path), most_bytes=MOST_BYTES), path)}
    tree = documents.read_tree(data, str(path), most_bytes=MOST_BYTES)
    return {keys: branch if isinstance(branch, Problem) else _read(branch, path) for keys, branch in tree.items()}


def _read(values: Sequence[tuple[int, str]], path: Path) -> Sequence[str]:
    """A list, or one with wildcards' syntax in it."""
    wildcards = read_wildcards(values, str(path))
    if wildcards.is_plain:
        return wildcards.written
    return wildcards if wildcards.entries else ()


_lookup = ReadOnce(_parsed, MOST_BYTES)


def _twice(name: str, first: Path, second: Path) -> Problem:
    message = f"the lookup {name} is in {first.name} and in {second.name}."
    return Problem("E_LOOKUP_TWICE", message, "Rename or remove one of them.", file=str(second))
