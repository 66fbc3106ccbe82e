"""What became of something dropped, as one value: for whoever begins its orders, counts, or reports.

`orders` are ids, all of one file, in the order of its documents.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Lack(StrEnum):
    PICTURE = "picture"  # one that it names, and that may be dropped a moment later
    EDITOR = "editor"  # a file that it names is open in one
    ROOM = "room"  # on the disk; or a disk that cannot be read just now


@dataclass(frozen=True, slots=True)
class Accepted:
    """Its orders are in the books with their folders, and its claim is cleared.

    `ready`: those of `orders` that may be worked on, because nobody has cancelled them meanwhile.
    """

    orders: tuple[str, ...]
    ready: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """Its orders are in the books and wait for a person; it lies in Held/, and its claim stays."""

    orders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rejected:
    """Never an order. `path`: where it lies in Rejected/, with its word beside it."""

    path: Path


@dataclass(frozen=True, slots=True)
class PutBack:
    """A sidecar that was dragged from the shelf. `path`: where it lies again."""

    path: Path


@dataclass(frozen=True, slots=True)
class Waiting:
    """Ours, and to be taken again at the next look. `orders`: those that are in the books all the same.

    `text`: what the disk said, for the log.
    """

    lack: Lack
    text: str = ""
    orders: tuple[str, ...] = ()


Outcome = Accepted | Held | Rejected | PutBack | Waiting
