"""A folder that pictures are exported into: what lies there is never overwritten, and what was begun goes on.

Its `manifest.csv` says what each file is. A file that is there already with the same bytes is taken for the one that
was to be written, so that a repeat after a kill makes nothing twice.
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from threading import Lock

from artfactoryd.core.names import folded, numbered
from artfactoryd.durable import make_folders, move_new, replace_file
from artfactoryd.entries import TEMPORARY, bounded, new_mark, remove, same_bytes, temporary_name
from artfactoryd.errors import WrongUse

MANIFEST = "manifest.csv"
MARK = "\ufeff"  # by which spreadsheets know that it is UTF-8
FILE, MADE_AS, ID = "file", "made_as", "id"  # columns that every manifest has
MOST_BYTES = 1 << 30
ABANDONED = 5.0  # seconds: another export may put something here just now
LEAST_PAUSE, SHARE = 5.0, 20  # seconds between writings of the manifest, and at most a 20th of the time for it

Row = Mapping[str, str]
Make = Callable[[Path], None]  # writes the file there


class Folder:
    """`columns`: of the manifest, FILE, MADE_AS and ID among them."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        """Raises WrongUse where a file of the manifest's name is none of ours."""
        make_folders(path)
        self._began = time.time() - ABANDONED
        self.path, self._columns = path, columns
        self._rows = {(row[ID], row[MADE_AS]): dict(row) for row in _read(path / MANIFEST)}
        self._taken = {folded(row[FILE]) for row in self._rows.values()} | {folded(MANIFEST)}
        self._one_at_a_time, self._next_writing = Lock(), time.monotonic() + LEAST_PAUSE

    def done(self, product: str, made_as: str) -> bool:
        row = self._rows.get((product, made_as))
        return row is not None and (self.path / row[FILE]).is_file()

    def _names(self, name: str) -> Iterator[str]:
        """To be tried in turn: those that nobody has taken yet in this export. `name`: with / between folders."""
        pure = PurePosixPath(name)
        for free in numbered(pure.stem, pure.suffix):
            whole = str(pure.with_name(free))
            with self._one_at_a_time:
                if folded(whole) in self._taken:
                    continue
                self._taken.add(folded(whole))
            yield whole

    def _give_back(self, name: str) -> None:
        """Something else lies there, which may be what another one wants to put there."""
        with self._one_at_a_time:
            self._taken.discard(folded(name))

    def put(self, name: str, make: Make) -> str:
        """Where it lies: the first name that is free, or that this very file has already."""
        target = self.path / name
        make_folders(target.parent)
        arriving = target.with_name(temporary_name("export", new_mark()))
        try:
            make(arriving)
            for free in self._names(name):
                if _placed(arriving, self.path / free):
                    return free
                self._give_back(free)
            raise AssertionError("names never end")
        finally:
            remove(arriving)

    def note(self, row: Row) -> None:
        """What lies there now; written down from time to time, and at the end."""
        with self._one_at_a_time:
            self._rows[row[ID], row[MADE_AS]] = dict(row)
            if time.monotonic() >= self._next_writing:
                self._write()

    def finish(self) -> None:
        with self._one_at_a_time:
            self._write()
        for path in self.path.rglob(".*.tmp"):
            if TEMPORARY.fullmatch(path.name) and path.lstat().st_mtime < self._began:  # what a kill left of an export
                remove(path)

    def row(self, product: str, made_as: str) -> Row:
        return self._rows[product, made_as]

    def _write(self) -> None:
        began = time.monotonic()
        text = io.StringIO()
        writer = csv.DictWriter(text, self._columns, lineterminator="\n", extrasaction="ignore", restval="")
        writer.writeheader()
        writer.writerows(sorted(self._rows.values(), key=lambda row: row[FILE]))
        replace_file(self.path / MANIFEST, (MARK + text.getvalue()).encode())
        took = time.monotonic() - began
        self._next_writing = time.monotonic() + max(LEAST_PAUSE, SHARE * took)


def _placed(arriving: Path, target: Path) -> bool:
    try:
        move_new(arriving, target)
    except FileExistsError:
        return same_bytes(arriving, target)
    return True


def _read(manifest: Path) -> list[dict[str, str]]:
    """Nothing where none is. Raises WrongUse."""
    try:
        text = bounded(manifest, MOST_BYTES).decode("utf-8-sig")
    except FileNotFoundError:
        return []
    except UnicodeDecodeError:
        text = ""
    rows = csv.DictReader(io.StringIO(text))
    if not {FILE, MADE_AS, ID} <= set(rows.fieldnames or ()):
        raise WrongUse(f"{manifest} is not of an export. Name another folder, or call that file otherwise.")
    return [row for row in rows if all(isinstance(row.get(name), str) for name in (FILE, MADE_AS, ID))]
