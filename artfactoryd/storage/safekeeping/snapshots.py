"""How backups lie on their disk: plain files and folders, to be read without this program.

artfactory-backup.json       whose backups these are
2026-11-30T110405Z/          one backup, whole; what did not change is the same file as in the one before
    Ledger/ Projects/ …      as in the home; `work` is what of `.work` cannot be made again
    Changed/                 pictures that are not as they were made any more, beside the good ones in Projects/
    files.jsonl              every file of it, a line each
    backup.json              what it is, in a few numbers; written last
.part/                       the one that is being made, or was when the power went
"""

from __future__ import annotations

import itertools
import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from artfactoryd.core.json_types import Json
from artfactoryd.entries import LITTER, PAPER_BYTES, TEMPORARY, bounded
from artfactoryd.errors import StorageSick
from artfactoryd.home import Home
from artfactoryd.medium import in_words

OWNER, PART, GONE = "artfactory-backup.json", ".part", ".gone-"
SUMMARY, FILES, CHANGED = "backup.json", "files.jsonl", "Changed"
PROJECTS, LEDGER, INBOX, CLAIMS, SETTINGS = "Projects", "Ledger", "Inbox", "work/claims", "artfactory.yaml"


def areas(home: Home) -> dict[str, Path]:
    """Where each part of a backup lies in the home. The ledger first: whatever it tells of is there when it is read."""
    return {
        LEDGER: home.ledger, SETTINGS: home.settings_file, "Library": home.library, INBOX: home.inbox,
        "Rejected": home.rejected, CLAIMS: home.claims, "work/interim": home.work / "interim",
        "work/outputs": home.work / "outputs", PROJECTS: home.projects, "Collections": home.root / "Collections",
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Filed:
    """A file of a backup. `changed`: when the home's was written last, in nanoseconds. `sha256`: empty of a link."""

    path: str
    size: int
    changed: int
    sha256: str

    @property
    def key(self) -> tuple[int, tuple[str, ...]]:
        """By which the files of a backup are ordered."""
        return place_of(self.path)

    def line(self) -> bytes:
        value = {"path": self.path, "size": self.size, "changed": self.changed, "sha256": self.sha256}
        return json.dumps(value).encode() + b"\n"  # ASCII, so that also a name that is no UTF-8 comes back


AREAS = tuple(areas(Home(Path("/"))))


def area_of(path: str) -> str:
    """The part of a backup in which this lies; empty in none of them."""
    return next((area for area in AREAS if path == area or path.startswith(f"{area}/")), "")


def place_of(path: str) -> tuple[int, tuple[str, ...]]:
    area = area_of(path)
    return (AREAS.index(area) if area else len(AREAS)), PurePosixPath(path).parts


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One backup that was made to its end."""

    folder: Path
    summary: Json

    @property
    def taken_at(self) -> str:
        """ISO 8601 in UTC: the ledger in it is of that moment."""
        return str(self.summary["taken_at"])

    @property
    def products(self) -> int:
        return int(self.summary.get("products", 0))

    @property
    def projects(self) -> frozenset[str]:
        """Those with products."""
        return frozenset(map(str, self.summary.get("projects", ())))

    def files(self) -> Iterator[Filed]:
        with (self.folder / FILES).open("rb") as lines:
            for line in lines:
                yield Filed(**json.loads(line))


def snapshot_at(folder: Path) -> Snapshot | None:
    """None where no whole backup lies. Raises OSError for one that cannot be read."""
    try:
        summary = json.loads(bounded(folder / SUMMARY, PAPER_BYTES))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return Snapshot(folder, summary) if isinstance(summary, dict) and "taken_at" in summary else None


def snapshots(place: Path) -> list[Snapshot]:
    """Oldest first; none where no such folder is."""
    try:
        names = sorted(name for name in os.listdir(place) if not name.startswith("."))
    except FileNotFoundError:
        return []
    whole = [snapshot for name in names if (snapshot := snapshot_at(place / name))]
    return sorted(whole, key=lambda snapshot: snapshot.taken_at)


def name_of(moment: datetime) -> Iterator[str]:
    """In UTC, so that names are ordered by time whatever the clock does in autumn; the first that is free is taken."""
    name = f"{moment.astimezone(UTC):%Y-%m-%dT%H%M%SZ}"
    yield name
    yield from (f"{name}-{number}" for number in itertools.count(2))


def walk(home: Home) -> Iterator[tuple[str, Path, os.stat_result]]:
    """What a backup is made of: path in it, where it lies, and what it is; in the order of `Filed.key`."""
    for area, path in areas(home).items():
        yield from _below(area, path)


def _below(name: str, path: Path) -> Iterator[tuple[str, Path, os.stat_result]]:
    """Raises StorageSick for a folder that cannot be read; what goes meanwhile is passed over."""
    try:
        status = path.stat() if name in AREAS else path.lstat()  # Projects may be a link to another disk
        names = sorted(os.listdir(path)) if stat.S_ISDIR(status.st_mode) else None
    except FileNotFoundError:
        return
    except OSError as error:
        words = f"{in_words(error)} All in it would be missing in the backup, so none was made."
        raise StorageSick(words).titled("The home cannot be read") from error
    if names is not None:
        for inside in names:
            if not _is_passing(inside):
                yield from _below(f"{name}/{inside}", path / inside)
    elif stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode):
        yield name, path, status


def _is_passing(name: str) -> bool:
    """Half written, or a desktop's: it is no loss."""
    return name.endswith(".tmp") or name in (".aside", ".DS_Store") or name.lower() in LITTER or bool(
        TEMPORARY.fullmatch(name)
    )  # fmt: skip
