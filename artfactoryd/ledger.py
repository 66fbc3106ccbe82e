"""The append-only files of every wish, ticket, result and cost: the truth about money.

One JSON object a line, in `Ledger/YYYY-MM.jsonl`. A line is durable before `append` returns.
A torn last line (the power went in the middle) is closed and ignored. After a failed flush the
ledger refuses to write: on Linux a second fsync may report success for bytes that are lost.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artfactoryd.durable import NO_ROOM, flush, flush_folder
from artfactoryd.errors import StorageFull, StorageSick

Line = Mapping[str, Any]


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place between two lines: file name and byte offset. The empty one is before everything."""

    file: str = ""
    offset: int = 0

    @classmethod
    def parse(cls, text: str) -> Position:
        file, _, offset = text.partition(":")
        return cls(file, int(offset or 0))

    def __str__(self) -> str:
        return f"{self.file}:{self.offset}"


class Ledger:
    """One writer; only the holder of the home's lock makes one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._fd = -1
        self._name = ""
        self._end = 0
        self._sick = False
        for file in sorted(folder.glob("*.jsonl"))[-1:]:
            self._open(file.name)

    def append(self, lines: Sequence[Line], month: str) -> Position:
        """All lines or none; raises StorageFull (nothing written) or StorageSick (stop the program)."""
        if self._sick:
            raise StorageSick("The ledger could not be flushed; start the program again.")
        if f"{month}.jsonl" > self._name:
            self._open(f"{month}.jsonl")
        data = b"".join(_encode(line) for line in lines)
        self._write(data)
        self._end += len(data)
        return Position(self._name, self._end)

    def _write(self, data: bytes) -> None:
        try:
            written = 0
            while written < len(data):
                written += os.write(self._fd, data[written:])
        except OSError as error:
            self._take_back(error)
        try:
            flush(self._fd)
        except OSError as error:
            self._sick = True
            raise StorageSick("The ledger could not be flushed to disk. Check the disk, then start again.") from error

    def _take_back(self, error: OSError) -> None:
        """Half a batch must not stay: cut it off, or give up writing altogether."""
        try:
            os.ftruncate(self._fd, self._end)
        except OSError:
            self._sick = True
        if error.errno in NO_ROOM and not self._sick:
            raise StorageFull("No room left for the ledger. Make room; the work goes on by itself.") from error
        self._sick = True
        raise StorageSick(f"The ledger cannot be written ({error.strerror}).") from error

    def _open(self, name: str) -> None:
        self.close()
        path = self.folder / name
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        self._name, self._end = name, os.fstat(self._fd).st_size
        if self._end and os.pread(self._fd, 1, self._end - 1) != b"\n":
            os.write(self._fd, b"\n")
            self._end += 1
        flush(self._fd)
        flush_folder(self.folder)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1


def read(folder: Path, after: Position = Position()) -> Iterator[tuple[dict[str, Any], Position]]:
    """Every whole line after `after`, oldest first, with the place behind it."""
    for path in sorted(folder.glob("*.jsonl")):
        if path.name < after.file:
            continue
        with path.open("rb") as file:
            file.seek(after.offset if path.name == after.file else 0)
            for raw in file:
                line = _decode(raw)
                if line is not None:
                    yield line, Position(path.name, file.tell())


def torn(folder: Path) -> list[str]:
    """Places (file:line) that are no line: where the power went, and hands that wrote here."""
    found = []
    for path in sorted(folder.glob("*.jsonl")):
        with path.open("rb") as file:
            found += [f"{path.name}:{n}" for n, raw in enumerate(file, 1) if raw.strip() and _decode(raw) is None]
    return found


def _encode(line: Line) -> bytes:
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogateescape") + b"\n"


def _decode(raw: bytes) -> dict[str, Any] | None:
    if raw.endswith(b"\n"):
        with contextlib.suppress(ValueError):
            line = json.loads(raw)
            return line if isinstance(line, dict) else None
    return None
