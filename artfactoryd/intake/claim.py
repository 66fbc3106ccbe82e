"""One dropped thing that is ours: its files, and what `submit` wrote into it. `claims` takes and ends it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artfactoryd import entries
from artfactoryd.core.inbox_rules import RESOLVED, SUBMITTED, is_order_folder
from artfactoryd.durable import write_note
from artfactoryd.errors import Problem, Refusal

ORDER_NAMES = frozenset({"order.yaml", "order.yml", "order.json"})
SUBMISSION_BYTES = 64 * 1024
WAITS = "waits.txt"  # in a claim's folder: what it waits for, in words


@dataclass(frozen=True, slots=True)
class Claim:
    """One dropped thing. `name` is readable: NFC, with what is not UTF-8 escaped; `project` is the drop-box's name."""

    id: str
    folder: Path
    name: str
    project: str | None
    kind: str  # "file", or "bundle": a folder
    taken_at: str  # ISO, UTC
    stray: str = ""  # why it will never be an order, as a word for Rejected; empty when it may be one

    @property
    def entry(self) -> Path:
        """What was dropped: the file or the folder."""
        return self.folder / "dropped" / self.name

    @property
    def is_order_folder(self) -> bool:
        """One of ours, that has lain on a shelf."""
        return self.kind == "bundle" and os.path.isdir(self.entry) and is_order_folder(os.listdir(self.entry))

    @property
    def order_file(self) -> Path:
        if self.kind == "file":
            return self.entry
        if self.is_order_folder:
            return self.entry / RESOLVED
        names = [name for name in os.listdir(self.entry) if name.lower() in ORDER_NAMES]
        return self.entry / (names[0] if names else "order.yaml")

    @property
    def beside(self) -> Path:
        """Where the pictures it names lie: in the bundle, or taken along with a loose order."""
        return self.entry if self.kind == "bundle" else self.folder / "companions"

    def submission(self) -> dict[str, Any]:
        """What `submit` wrote into a bundle; empty when the bundle was made by hand."""
        try:
            with open(os.open(self.entry / SUBMITTED, entries.READ_ONLY), "rb") as file:
                submission = json.loads(file.read(SUBMISSION_BYTES))
            if isinstance(submission, dict):
                return submission
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except (OSError, ValueError, RecursionError):
            pass
        fix = f"Remove it to have {self.name} taken as it is, or use `artfactoryd submit` again."
        raise Refusal([Problem("E_SUBMISSION", "this is not what `submit` writes.", fix, file=SUBMITTED)])


def note_waiting(claim: Claim, why: str) -> None:
    """For `why`, as long as the claim is there."""
    write_note(claim.folder / WAITS, f"{why}\n".encode("utf-8", "backslashreplace"))
