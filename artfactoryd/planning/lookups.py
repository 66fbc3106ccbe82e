"""A person's lookups: named lists of values below Library/lookups, as YAML lists or as text with a value a line.

A file is read when its name is used, and again when it has changed. Not here: what a lookup does in
a text (core/grammar).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from artfactoryd import documents
from artfactoryd.core.names import nfc
from artfactoryd.entries import LITTER, files_below
from artfactoryd.errors import Problem, Refusal
from artfactoryd.planning.read_once import ReadOnce

LISTS, TEXTS = (".yaml", ".yml", ".json"), (".txt",)
MOST_BYTES = 16 << 20
MARKS = frozenset("-_/ ")


class LookupFiles(Mapping[str, tuple[str, ...]]):
    """By name: `colors/warm` is the file colors/warm.txt (or .yaml). Names are those of the moment it was first asked.

    A file that cannot be used gives its own name as its one value; why is told in `problems`, once.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: list[Problem] = []

    @cached_property
    def _paths(self) -> dict[str, list[Path]]:
        paths: dict[str, list[Path]] = {}
        for path in _files(self.folder):
            paths.setdefault(name_of(path, self.folder), []).append(path)
        return paths

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)

    def __contains__(self, name: object) -> bool:
        return name in self._paths

    def __getitem__(self, name: str) -> tuple[str, ...]:
        path, *more = self._paths[name]
        if more:
            self._complain([_twice(name, path, more[-1])])
        try:
            return _values(path)
        except Refusal as refusal:
            self._complain(refusal.problems)
            return (name,)

    def _complain(self, problems: Sequence[Problem]) -> None:
        self.problems += [problem for problem in problems if problem not in self.problems]

    def file(self, name: str) -> Path:
        """Raises KeyError."""
        return self._paths[name][0]

    def check(self) -> list[Problem]:
        """Every file read: what is wrong with any of them."""
        found = [_twice(name, path, more[-1]) for name, (path, *more) in self._paths.items() if more]
        for name, (path, *_) in self._paths.items():
            if not all(each.isalnum() or each in MARKS for each in name):
                message = "a lookup's name holds letters, digits, blanks, - _ and / only; in an order this has no name."
                found.append(Problem("E_LOOKUP_NAME", message, "Rename the file.", file=str(path)))
            try:
                _values(path)
            except Refusal as refusal:
                found += refusal.problems
        return found


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


def _values(path: Path) -> tuple[str, ...]:
    """Raises Refusal."""
    try:
        return _lookup(path)
    except OSError as error:
        message = f"the lookup cannot be read: {error.strerror}."
        raise Refusal([Problem("E_READ", message, "Look at its permissions.", file=str(path))]) from None


def _parsed(data: bytes, path: Path) -> tuple[str, ...]:
    read = documents.read_lines if path.suffix.lower() in TEXTS else documents.read_list
    # A file's name that ends in .txt is right here, though it would be wrong for an order.
    values = tuple(read(data, str(path), most_bytes=MOST_BYTES))
    if not values:
        raise Refusal([Problem("E_EMPTY", "a lookup needs at least one value.", "Write one a line.", file=str(path))])
    return values


_lookup = ReadOnce(_parsed, MOST_BYTES)


def _twice(name: str, first: Path, second: Path) -> Problem:
    message = f"the lookup {name} is in {first.name} and in {second.name}."
    return Problem("E_LOOKUP_TWICE", message, "Rename or remove one of them.", file=str(second))
