"""What a backup and a restore came to, for people and as data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from artfactoryd import entries
from artfactoryd.clock import shown
from artfactoryd.core.json_types import Json
from artfactoryd.core.names import counted
from artfactoryd.storage import rebuild
from artfactoryd.storage.safekeeping.holding import HeldAgain, held_words
from artfactoryd.storage.safekeeping.snapshots import CHANGED, INBOX, Snapshot

NAMED = 3  # files named in one sentence


@dataclass
class Taken:
    """What a backup came to. Paths are those in it."""

    folder: Path
    copied: int = 0
    unchanged: int = 0
    bytes: int = 0  # that were copied
    products: int = 0
    links: bool = True
    differing: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    projects: set[str] = field(default_factory=set)
    pinned: list[str] = field(default_factory=list)  # older ones that stay for what is in no other
    stays: str = ""  # why no earlier one was taken away

    @property
    def is_whole(self) -> bool:
        return not self.unread

    def document(self) -> Json:
        return {
            "done": self.is_whole, "backup": str(self.folder), "copied": self.copied, "unchanged": self.unchanged,
            "bytes": self.bytes, "products": self.products, "differing": self.differing, "unread": self.unread,
            "removed": self.removed, "pinned": self.pinned,
        }  # fmt: skip

    def text(self) -> str:
        lines = [
            f"The backup lies in {self.folder}, with {counted(self.products, 'product')}. "
            f"{counted(self.copied, 'file')}, {in_units(self.bytes)}, copied and read again, {self.unchanged} stay."
        ]
        if not self.links:
            lines.append("- Its disk knows no second names of a file: each backup is a whole copy there.")
        if self.differing:
            what = "are not as they were made: changed since, or damaged. A good copy of an earlier backup is kept"
            lines.append(f"- {named(self.differing)} {what}, and what lies there now is in {CHANGED}.")
        if self.unread:
            lines.append(f"- {named(self.unread)} could not be read, and are as the earlier backup has them.")
        if self.stays:
            lines.append(f"- No earlier backup is taken away: {self.stays}")
        if self.pinned:
            what = "stays beyond `backup.keep`: of some project it is the last that has pictures"
            lines.append(f"- {', '.join(self.pinned)} {what}. Delete the folder if they are to go.")
        if self.removed:
            lines.append(f"- Taken away: {', '.join(self.removed)}.")
        return "\n".join(lines)


@dataclass
class PutBack:
    """What a restore came to. Paths are those in the backup."""

    snapshot: Snapshot
    files: int = 0
    there: int = 0  # already
    lines: int = 0  # steps that came into the ledger
    bad: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    held: list[HeldAgain] = field(default_factory=list)
    in_inbox: int = 0
    index: rebuild.Report | None = None

    def document(self) -> Json:
        return {
            "done": not self.bad, "backup": str(self.snapshot.folder), "taken_at": self.snapshot.taken_at,
            "files": self.files, "there": self.there, "ledger_steps": self.lines, "bad": self.bad,
            "differing": self.differing, "elsewhere": self.elsewhere,
            "held": [{"order_id": it.id, "name": it.name, "stake_usd": it.stake / 1_000_000} for it in self.held],
            "index": self.index.document() if self.index else None,
        }  # fmt: skip

    def text(self) -> str:
        lines = [
            f"Put back from the backup of {shown(self.snapshot.taken_at)}: {counted(self.files, 'file')}; {self.there} "
            f"were here already. {counted(self.lines, 'step')} came into the ledger."
        ]
        lines += [f"- {words}" for words in self._notes()]
        if self.held:
            lines += ["", *held_words(self.held)]
        return "\n".join(lines)

    def _notes(self) -> Iterator[str]:
        if self.bad:
            yield f"{named(self.bad)}: damaged in the backup, and not put back. An earlier one may have it: `--from`."
        if self.differing:
            yield f"{named(self.differing)}: here with other content, and left as it is."
        if self.elsewhere:
            yield f"{named(self.elsewhere)}: here under another name by now."
        if self.in_inbox:
            where = self.snapshot.folder / INBOX
            yield f"{counted(self.in_inbox, 'file')} lay in the Inbox then: see {where}, and drop what is still wanted."


def named(paths: Sequence[str]) -> str:
    """The first of them; the rest are counted."""
    more = f" and {len(paths) - NAMED} more" if len(paths) > NAMED else ""
    return f"{', '.join(map(entries.readable, paths[:NAMED]))}{more}"


def in_units(size: int) -> str:
    """A size in bytes, as people read it."""
    power = min((len(str(size)) - 1) // 3, 3)
    return f"{size / 1000**power:.{1 if power else 0}f} {('bytes', 'kB', 'MB', 'GB')[power]}"
