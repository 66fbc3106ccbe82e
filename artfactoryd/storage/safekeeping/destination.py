"""Where backups go: outside the home, known again by a file of its own, and never begun anew because a disk is away."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from artfactoryd import durable
from artfactoryd.clock import shown
from artfactoryd.core.json_types import Json
from artfactoryd.entries import PAPER_BYTES, bounded
from artfactoryd.errors import StorageFull, StorageSick, WrongUse
from artfactoryd.home import Home
from artfactoryd.medium import storage_errors
from artfactoryd.storage.safekeeping.snapshots import OWNER, snapshots

MISSING = "The backup's disk is not there"
CONNECT = "Connect its disk. Nothing was written."


@dataclass(frozen=True, slots=True)
class Memory:
    """What a home knows of its backups, in a file of its own: without it, an empty folder might be taken for new."""

    file: Path

    @classmethod
    def of(cls, home: Home) -> Memory:
        return cls(home.work / "backup.json")

    def read(self) -> Json:
        try:
            known = json.loads(bounded(self.file, PAPER_BYTES))
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}

    def write(self, **facts: object) -> None:
        durable.write_file(self.file, json.dumps({**self.read(), **facts}).encode())


def check_outside(home: Home, place: Path) -> None:
    """Raise WrongUse for a place inside the home or around it: one disk, one theft, one `rm` would take both."""
    if not place.is_absolute():
        raise WrongUse(f"{place} is no whole path. Say where backups go from / on.")
    for root in {home.root, home.root.resolve(), home.projects.resolve(), home.ledger.resolve()}:
        there = place.resolve()
        if there == root or there.is_relative_to(root) or root.is_relative_to(there):
            raise WrongUse(f"{place} lies inside or around {root}, which it is to save. Choose another disk.")


def open_place(home: Home, place: Path, *, anew: bool = False) -> str:
    """The id of the backups at `place`, begun there where none are yet. `anew`: though the home had some there.

    Raises WrongUse for a place that is not fit, and StorageSick where the backups that should lie there do not.
    """
    check_outside(home, place)
    owner, memory = _owner(place), Memory.of(home).read()
    ours = {home.identity.id, memory.get("backup")} - {None, ""}
    if owner is not None:
        if not {owner.get("home"), owner.get("id")} & ours and not anew:
            whose = f"{place} has the backups of another home ({owner.get('path')})"
            raise WrongUse(f"{whose}. Choose another folder; or go on with them here: `artfactoryd backup --new`.")
        return _owned(home, place, owner)
    if not place.parent.is_dir():
        raise StorageSick(f"{place.parent} is not there. {CONNECT}").titled(MISSING)
    if memory.get("path") == str(place) and not anew:
        last = f", the last of {shown(memory['taken_at'])}" if memory.get("taken_at") else ""
        words = f"No backups lie at {place}, where this home has had some{last}. {CONNECT}"
        raise StorageSick(f"{words} If they are gone for good: `artfactoryd backup --new`.").titled(MISSING)
    if place.exists() and any(not name.startswith(".") for name in os.listdir(place)):
        raise WrongUse(f"{place} holds other things, and no backups. Choose an empty folder, or one to be made.")
    return _owned(home, place, {})


def _owner(place: Path) -> Json | None:
    """What the file there says; None where it is not."""
    try:
        owner = json.loads(bounded(place / OWNER, PAPER_BYTES))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError as error:
        raise StorageSick(
            f"{place / OWNER} is damaged; the backups beside it are not touched. Move it away."
        ) from error
    return owner if isinstance(owner, dict) else {}


def _owned(home: Home, place: Path, owner: Json) -> str:
    """The place as ours, and remembered."""
    id = str(owner.get("id") or secrets.token_hex(16))
    ours = {"id": id, "home": home.identity.id, "path": str(home.root)}
    with storage_errors(place):
        durable.make_folders(place, 0o700)
        if {**owner, **ours} != owner:
            durable.write_file(place / OWNER, json.dumps({**owner, **ours}, indent=2).encode() + b"\n")
    memory = Memory.of(home)
    if (memory.read().get("backup"), memory.read().get("path")) != (id, str(place)):
        memory.write(backup=id, path=str(place))
    return id


@contextmanager
def alone_at(place: Path) -> Iterator[None]:
    """One at a time; where the disk knows no locks, as it comes. Raises StorageFull while another is at it."""
    descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno == errno.EWOULDBLOCK:
                raise StorageFull(f"Another backup is being made at {place}. Wait for its end.") from error
        yield
    finally:
        os.close(descriptor)


def backups_in(place: Path) -> Path:
    """The folder that has the backups, where `place` is it or one of its backups. Raises WrongUse where neither is."""
    for folder in (place, place.parent):
        if (folder / OWNER).is_file() and snapshots(folder):
            return folder
    if (place / OWNER).is_file():
        raise WrongUse(f"{place} has no backup yet that was made to its end.")
    raise WrongUse(f"No backup lies at {place}. Name the folder that `backup.path` named; is its disk connected?")


def id_at(place: Path) -> str:
    """Of the backups that lie there; empty where it cannot be told."""
    return str((_owner(place) or {}).get("id") or "")
