"""Whether a home is itself, or a copy of another: two homes with one past would buy everything twice.

A copy lies at another path AND is another folder (inode): a home may be renamed, or be put back from a backup.
The device number tells nothing: it changes with each connection of a disk.
"""

from __future__ import annotations

import json
import os
import secrets
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from artfactoryd import durable, entries
from artfactoryd.errors import WrongUse


@dataclass(frozen=True, slots=True)
class Identity:
    """What the home at `root` wrote of itself into `file`."""

    root: Path
    file: Path

    @property
    def copy_words(self) -> str:
        """That this is a copy, and of what; empty in a home that is itself, or never said where it lies."""
        written = None if self.unread else self._written()
        if written is None or self._is_its(written):
            return ""
        return f"{self.root} is a copy of {written.get('path')}, or was moved here from another disk."

    @property
    def unread(self) -> str:
        """Why it cannot be told what this home is; empty where it can."""
        try:
            entries.bounded(self.file, entries.PAPER_BYTES)
        except FileNotFoundError:
            return ""
        except OSError as error:
            words = f"{self.file} cannot be read ({error.strerror or error}), so it cannot be told whose home this is."
            return f"{words} Make it readable."
        return ""

    @property
    def way_out(self) -> str:
        return f"If the other is not used any more: {init_command(self.root)} --adopt"

    def check(self) -> None:
        """Raise WrongUse in a copy, and where it cannot be told."""
        if unread := self.unread:
            raise WrongUse(f"{unread} Nothing is taken, changed or sent until it can.")
        if words := self.copy_words:
            why = "Two homes with one past would buy everything twice, so nothing is taken, changed or sent here."
            raise WrongUse(f"{words} {why} {self.way_out}")

    def write(self, *, anew: bool) -> None:
        """Where it lies, when that is not known or has changed. `anew`: with an id of its own."""
        written = None if anew else self._written()
        now = {"path": str(self.root), "inode": os.stat(self.root).st_ino}
        if written is None or any(written.get(key) != value for key, value in now.items()):
            known = {**now, "id": (written or {}).get("id") or secrets.token_hex(16)}
            durable.replace_file(self.file, f"{json.dumps(known)}\n".encode())

    @property
    def id(self) -> str:
        """By which this home is known, wherever it lies; empty in one that was never asked."""
        return str((self._written() or {}).get("id") or "")

    def _is_its(self, written: Mapping[str, object]) -> bool:
        return written.get("path") == str(self.root) or written.get("inode") == os.stat(self.root).st_ino

    def _written(self) -> dict[str, object] | None:
        """What a home says of itself; None in one that was never asked. What cannot be read fits no home."""
        try:
            written = json.loads(entries.bounded(self.file, entries.PAPER_BYTES))
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            written = None
        return written if isinstance(written, dict) else {"path": "a home that cannot be told any more"}


def init_command(root: Path) -> str:
    return f"artfactoryd --home {shlex.quote(str(root))} init"


def is_holder(holder: object) -> bool:
    """Whether it is what a process writes that holds a home."""
    if not isinstance(holder, dict):
        return False
    return isinstance(holder.get("pid"), int) and {type(holder.get("command")), type(holder.get("started_at"))} == {str}


def is_alive(pid: object) -> bool:
    if not isinstance(pid, int) or pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
