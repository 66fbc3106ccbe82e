"""What a person changed in the folder of a collection, as it follows from what was put there and what lies there.

Decides, and looks at nothing itself. A file that is another only by its name was renamed; one that was put there and
lies there no more was taken out, unless another of the same product still does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Put:
    """A clone as it was put there. Paths are in the home."""

    path: str
    product: str
    bytes: int
    changed: int


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as it lies there. `product`: the id that goes along with it."""

    path: str
    bytes: int
    changed: int
    product: str | None = None


@dataclass(frozen=True, slots=True)
class Came:
    """Nothing of that name was put there."""

    file: Seen


@dataclass(frozen=True, slots=True)
class Edited:
    """Something else lies there than was put there, or its time alone is another."""

    file: Seen
    put: Put


@dataclass(frozen=True, slots=True)
class Renamed:
    file: Seen
    put: Put


@dataclass(frozen=True, slots=True)
class Left:
    """`wholly`: nothing of its product lies there any more."""

    put: Put
    wholly: bool


Change = Came | Edited | Renamed | Left


def changes(put: Sequence[Put], lying: Sequence[Seen]) -> list[Change]:
    """Of one collection."""
    known, here = {one.path: one for one in put}, {file.path: file for file in lying}
    edited = [Edited(file, one) for file in lying if (one := known.get(file.path)) and _differs(file, one)]
    renamed = list(_renamed([one for one in put if one.path not in here], [f for f in lying if f.path not in known]))
    again = {change.file.path for change in renamed}
    came = [Came(file) for file in lying if file.path not in known and file.path not in again]
    moved = {change.put.path for change in renamed}
    gone = [one for one in put if one.path not in here and one.path not in moved]
    still = {one.product for one in put if one.path in here or one.path in moved}
    still |= {change.file.product for change in came if change.file.product}
    left = [Left(one, one.product not in still) for one in gone]
    return [*renamed, *came, *edited, *left]


def _differs(file: Seen, put: Put) -> bool:
    return (file.bytes, file.changed) != (put.bytes, put.changed)


def _renamed(gone: Iterable[Put], new: Iterable[Seen]) -> Iterator[Renamed]:
    """Each new file that is what was put there, under another name."""
    left = list(gone)
    for file in new:
        alike = [one for one in left if not _differs(file, one) and file.product in (None, one.product)]
        if alike:
            left.remove(alike[0])
            yield Renamed(file, alike[0])
