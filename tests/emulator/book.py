"""The append-only file of accepted creates: flushed to disk before any answer, read back at start."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar


class Accepted(Protocol):
    id: str
    canceled: float | None

    def line(self) -> dict[str, Any]: ...


Kind = TypeVar("Kind", bound=Accepted)


class Book(Generic[Kind]):
    """`kind`: what is accepted, and what a line of it becomes again."""

    def __init__(self, path: Path, kind: Callable[..., Kind]) -> None:
        self.kind = kind
        self.accepted: dict[str, Kind] = {}
        if path.exists():
            for entry in entries(path):
                read(self.accepted, entry, kind)
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        if path.stat().st_size and not path.read_bytes().endswith(b"\n"):
            os.write(self._file, b"\n")

    def accept(self, one: Kind) -> None:
        self._write({"create": one.line()})
        self.accepted[one.id] = one

    def cancelled(self, one: Kind) -> None:
        self._write({"cancel": {"id": one.id, "at": one.canceled}})

    def _write(self, entry: dict[str, Any]) -> None:
        os.write(self._file, json.dumps(entry).encode() + b"\n")
        os.fsync(self._file)


def read(accepted: dict[str, Kind], entry: dict[str, Any], kind: Callable[..., Kind]) -> None:
    if "create" in entry:
        one = kind(**entry["create"])
        accepted[one.id] = one
    else:
        accepted[entry["cancel"]["id"]].canceled = entry["cancel"]["at"]


def entries(path: Path) -> list[dict[str, Any]]:
    """Every whole line. One torn by a kill was never answered, so it bought nothing."""
    return [entry for entry in map(_entry, path.read_bytes().split(b"\n")[:-1]) if entry]


def _entry(line: bytes) -> dict[str, Any] | None:
    try:
        entry: dict[str, Any] = json.loads(line)
    except ValueError:
        return None
    return entry
