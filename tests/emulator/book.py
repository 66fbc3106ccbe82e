"""The append-only file of accepted creates: flushed to disk before any answer, read back at start."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from tests.emulator.predictions import Prediction


class Book:
    def __init__(self, path: Path) -> None:
        self.predictions: dict[str, Prediction] = {}
        if path.exists():
            for entry in entries(path):
                self._read(entry)
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        if path.stat().st_size and not path.read_bytes().endswith(b"\n"):
            os.write(self._file, b"\n")

    def accept(self, prediction: Prediction) -> None:
        self._write({"create": prediction.line()})
        self.predictions[prediction.id] = prediction

    def cancelled(self, prediction: Prediction) -> None:
        self._write({"cancel": {"id": prediction.id, "at": prediction.canceled}})

    def _write(self, entry: dict[str, Any]) -> None:
        os.write(self._file, json.dumps(entry).encode() + b"\n")
        os.fsync(self._file)

    def _read(self, entry: dict[str, Any]) -> None:
        if "create" in entry:
            prediction = Prediction(**entry["create"])
            self.predictions[prediction.id] = prediction
        else:
            self.predictions[entry["cancel"]["id"]].canceled = entry["cancel"]["at"]


def entries(path: Path) -> list[dict[str, Any]]:
    """Every whole line. One torn by a kill was never answered, so it bought nothing."""
    return [entry for entry in map(_entry, path.read_bytes().split(b"\n")[:-1]) if entry]


def _entry(line: bytes) -> dict[str, Any] | None:
    try:
        entry: dict[str, Any] = json.loads(line)
    except ValueError:
        return None
    return entry
