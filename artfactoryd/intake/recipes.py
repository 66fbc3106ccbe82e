"""From which recipe an order comes: the commit its file is at, its path there, and whether it differs.

Of a file that is submitted, its place tells; of one that was dropped, its bytes, looked for in the git folders that the
settings name. Asked of the git command line, which is given a few seconds: without it, or without an answer, nothing is
known, and nothing else suffers.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

from artfactoryd.core.json_types import Json
from artfactoryd.entries import bounded
from artfactoryd.intake.claim import Claim
from artfactoryd.planning.planner import most_bytes
from artfactoryd.settings import Settings

PATIENCE = 5.0  # seconds for one answer
# Nothing of a repository's own settings is run, and nothing in it is written.
_ASK = ("git", "--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")
_OURS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX")  # of whoever started us


def of_claim(claim: Claim, settings: Settings) -> Json | None:
    """As it was submitted, else by its bytes."""
    known: Json | None = claim.submission().get("git")
    if known or not settings.recipes:
        return known
    return of_content(bounded(claim.order_file, most_bytes(settings)), claim.order_file.name, settings.recipes)


def of_file(file: Path) -> Json | None:
    """None outside a repository, and of a file that it does not know."""
    with suppress(OSError, subprocess.SubprocessError):
        place = file.resolve()
        known = _Repository(place.parent)
        if path := known.ask("ls-files", "-z", "--full-name", "--", place.name).rstrip("\0"):
            dirty = bool(known.ask("status", "--porcelain", "-z", "--", place.name))
            return known.recipe(known.head, path, dirty or not known.head)
    return None


def of_content(data: bytes, name: str, folders: Sequence[Path]) -> Json | None:
    """Of what was dropped under this name: the same bytes as they are committed now, else as they were once, else as
    they lie there and are not committed."""
    for folder in folders:
        with suppress(OSError, subprocess.SubprocessError):
            known = _Repository(folder)
            blob = known.ask("hash-object", "--stdin", data=data).strip()
            found = known.committed(blob, name) or known.once(blob) or known.lying(data)
            if found:
                return found
    return None


class _Repository:
    """The work tree around a folder. Raises OSError or SubprocessError where it does not answer, or is none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._environ = {key: value for key, value in os.environ.items() if key not in _OURS}
        self.top = Path(self.ask("rev-parse", "--show-toplevel").rstrip("\n"))
        self.head = ""
        with suppress(subprocess.CalledProcessError):  # nothing is committed yet
            self.head = self.ask("rev-parse", "--verify", "--quiet", "HEAD").strip()

    def ask(self, *words: str, data: bytes = b"") -> str:
        done = subprocess.run(
            [*_ASK, "-C", str(self._folder), *words], input=data, capture_output=True, timeout=PATIENCE, check=True,
            env={**self._environ, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"},
        )  # fmt: skip
        return done.stdout.decode("utf-8", "backslashreplace")

    def recipe(self, commit: str, path: str, dirty: bool) -> Json:
        return {"commit": commit or None, "path": path, "dirty": dirty}

    def committed(self, blob: str, name: str) -> Json | None:
        """Of several of these bytes, the one of that name."""
        if not self.head:
            return None
        listed = self.ask("ls-tree", "-r", "-z", "--full-name", "HEAD").split("\0")
        paths = [line.partition("\t")[2] for line in listed if f" {blob}\t" in line]
        paths.sort(key=lambda path: (PurePosixPath(path).name != name, path))
        return self.recipe(self.head, paths[0], False) if paths else None

    def once(self, blob: str) -> Json | None:
        """The last commit by which a file had these bytes."""
        if not self.head:
            return None
        form = ("--format=%x00%H", "--raw", "--no-abbrev", "--no-renames", "-m")
        history = self.ask("-c", "core.quotePath=false", "log", "--all", *form, f"--find-object={blob}", "--", ".")
        for commit, path in _changes(history, blob):
            return self.recipe(commit, path, False)
        return None

    def lying(self, data: bytes) -> Json | None:
        for path in self.ask("ls-files", "-z", "-m", "-o", "--exclude-standard", "--full-name").split("\0"):
            file = self.top / path
            with suppress(OSError, ValueError):
                if path and file.stat().st_size == len(data) and bounded(file, len(data)) == data:
                    return self.recipe(self.head, path, True)
        return None


def _changes(history: str, blob: str) -> Iterator[tuple[str, str]]:
    """Commits, newest first, and the path at which each laid down these bytes."""
    commit = ""
    for line in history.splitlines():
        if line.startswith("\0"):
            commit = line[1:]
        elif line.startswith(":"):
            facts, _, path = line.partition("\t")
            if facts.split()[3] == blob:
                yield commit, path
