"""One dropped thing that is ours: its files, and what `submit` wrote into it. `claims` takes and ends it."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from artfactoryd import entries
from artfactoryd.core.inbox_rules import RESOLVED, SUBMITTED, WAITING_NOTE, is_order_folder
from artfactoryd.durable import write_note
from artfactoryd.errors import Problem, Refusal
from artfactoryd.intake.submission import agent_name
from artfactoryd.printable import one_line, paper
from artfactoryd.reporting.inbox import WAITS
from artfactoryd.storage.rows import OrderRow

ORDER_NAMES = frozenset({"order.yaml", "order.yml", "order.json"})
SUBMISSION_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Claim:
    """One dropped thing. `name` is readable: NFC, with what is not UTF-8 escaped; `project` is the drop-box's name."""

    id: str
    folder: Path
    name: str
    project: str | None
    kind: str  # "file", or "bundle": a folder
    taken_at: str  # ISO, UTC
    defaults: Mapping[str, str] = field(default_factory=dict)  # what the drop-box said when it was taken
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
    def submitted(self) -> str:
        """The name of the file that `submit` was given; empty where it was none."""
        with contextlib.suppress(Refusal):
            return one_line(str(self.submission().get("file") or ""))
        return ""

    @property
    def agent(self) -> str:
        """Who handed it in; empty of a person, and where what `submit` wrote cannot be read."""
        with contextlib.suppress(Refusal):
            given = self.submission().get("agent")
            return agent_name(str(given)) if given else ""
        return ""

    @property
    def document(self) -> str:
        """The order's file as the person named it: what they submitted, or that in the folder they dropped."""
        in_folder = self.name if self.kind == "file" else f"{self.name}/{self.order_file.name}"
        return self.submitted or in_folder

    @property
    def beside(self) -> Path:
        """Where the pictures it names lie: in the bundle, or taken along with a loose order."""
        return self.entry if self.kind == "bundle" else self.folder / "companions"

    def may_mean(self, row: OrderRow) -> bool:
        """Whether this, of the same bytes as a held order, may be what lay in Held. The same bytes under other defaults
        are another order; where a box says nothing, what was held is meant. What an agent hands in anew never is."""
        same_box = not self.defaults or dict(self.defaults) == row.library.get("defaults", {})
        return same_box and (not self.agent or self.submission().get("id") == row.submission)

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


def record_in(folder: Path) -> dict[str, Any] | None:
    """What was written down of a claim: its fields, and where it was dropped (`source`). None where nothing was."""
    return read_json(folder / "claim.json") or _guess(folder)


def _guess(folder: Path) -> dict[str, Any] | None:
    """A claim whose record a sick disk has eaten still has what was dropped."""
    dropped = next((folder / "dropped").glob("*"), None)
    if dropped is None:
        return None
    taken_at = datetime.fromtimestamp(folder.stat().st_mtime, UTC).isoformat()
    kind = "bundle" if entries.is_folder(dropped) else "file"
    return {"id": folder.name, "name": dropped.name, "project": None, "kind": kind, "taken_at": taken_at,
            "source": str(dropped)}  # fmt: skip


def read_json(path: Path) -> dict[str, Any] | None:
    try:
        value = json.loads(entries.bounded(path, entries.PAPER_BYTES))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def source_of(claim: Claim) -> Path | None:
    """Where it was dropped: the path it had then; None when its record cannot be read."""
    record = read_json(claim.folder / "claim.json") or {}
    return Path(str(record["source"])) if "source" in record else None


def note_beside(source: Path) -> Path:
    """Where in the inbox it is said that what was dropped there waits."""
    return source.with_name(f"{source.name}{WAITING_NOTE}")


def is_anothers(note: Path) -> bool:
    """A person's own file may have that name: ours begins with what waits."""
    return os.path.lexists(note) and not _head(note).split("\n", 1)[0].endswith(" waits.")


def _head(path: Path) -> str:
    try:
        return entries.bounded(path, entries.PAPER_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def end_note(note: Path) -> None:
    if not is_anothers(note):
        note.unlink(missing_ok=True)


def note_waiting(claim: Claim, why: str) -> None:
    """For `why`, as long as the claim is there."""
    write_note(claim.folder / WAITS, paper(why))
