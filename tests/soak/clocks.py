"""A wall clock that somebody puts wrong while the program runs."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from artfactoryd.clock import now


class Wall:
    """`file`: seconds that the clock is wrong by; absent, it is right."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __call__(self) -> datetime:
        return now() + self._wrong()

    def _wrong(self) -> timedelta:
        try:
            return timedelta(seconds=float(self._file.read_text() or 0))
        except FileNotFoundError:
            return timedelta()


def put(file: Path, seconds: float) -> None:
    hidden = file.with_suffix(".part")
    hidden.write_text(str(seconds))
    hidden.rename(file)
