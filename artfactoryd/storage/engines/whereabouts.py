"""Where the index of a path is: in the file of that name, or where the note beside it says.

The note stands under the same name with another ending (`index.postgresql`), for its owner alone: its address may hold
a password. Who holds the home writes it; who only looks reads it, so that all of them ask the same index.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from artfactoryd import durable, entries
from artfactoryd.errors import WrongUse

ENDING = ".postgresql"
SCHEMA = "artfactory"


@dataclass(frozen=True, slots=True)
class Address:
    """Of an index on a PostgreSQL server: its tables stand in a schema of their own."""

    url: str
    schema: str = SCHEMA

    @property
    def shown(self) -> str:
        """Without what nobody else is to read."""
        parts = urlsplit(self.url)
        database = parts.path.lstrip("/") or parts.username or ""
        host = parts.hostname or "localhost"
        port = f":{parts.port}" if parts.port else ""
        return f"postgresql://{host}{port}/{database}, schema {self.schema}"

    def named(self, ending: str) -> Address:
        """Beside this one, under another name."""
        return Address(self.url, self.schema + ending)


def note_of(path: Path) -> Path:
    return path.with_suffix(ENDING)


def read(path: Path) -> Address | None:
    """None: it is a file. Raises WrongUse where the note was changed by hand, and OSError."""
    note = note_of(path)
    if not os.path.lexists(note):
        return None
    try:
        told = json.loads(entries.bounded(note, entries.PAPER_BYTES))
        return Address(str(told["url"]), str(told["schema"]))
    except (ValueError, KeyError, TypeError) as error:
        words = f"{note} does not tell where the index is. Delete it: the next start of `run` or `once` writes it again"
        raise WrongUse(f"{words}, and makes the index again where the settings have it.") from error


def write(path: Path, address: Address | None) -> None:
    """None: it is a file from now on."""
    note = note_of(path)
    if address is None:
        note.unlink(missing_ok=True)
    else:
        told = {"url": address.url, "schema": address.schema}
        durable.replace_file(note, json.dumps(told).encode() + b"\n", mode=0o600)
