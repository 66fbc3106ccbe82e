"""A wall clock that somebody puts wrong while the program runs, and what time it really was."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from artfactoryd.clock import iso, now


class Wall:
    """`file`: seconds that the clock is wrong by; absent, it is right. Each moment told wrongly is noted beside it."""

    def __init__(self, file: Path) -> None:
        self._file, self._notes = file, _notes(file)

    def __call__(self) -> datetime:
        truth, wrong = now(), self._wrong()
        told = truth + wrong
        if wrong:
            self._note(f"{iso(told)} {truth.timestamp()}\n")
        return told

    def _wrong(self) -> timedelta:
        try:
            return timedelta(seconds=float(self._file.read_text() or 0))
        except FileNotFoundError:
            return timedelta()

    def _note(self, line: str) -> None:
        file = os.open(self._notes, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            os.write(file, line.encode())
        finally:
            os.close(file)


def put(file: Path, seconds: float) -> None:
    hidden = file.with_suffix(".part")
    hidden.write_text(str(seconds))
    hidden.rename(file)


def truths(file: Path) -> Mapping[str, float]:
    """What time it really was at a moment that was told wrongly, as the ledger writes it."""
    notes = _notes(file)
    lines = notes.read_text().splitlines() if notes.exists() else []
    return {told: float(truth) for told, truth in (line.split() for line in lines)}


def _notes(file: Path) -> Path:
    return file.with_suffix(".truths")
