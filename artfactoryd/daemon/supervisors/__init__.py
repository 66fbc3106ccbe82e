"""Keeping the daemon running: one contract, and one sibling for each supervisor (`launchd`, `systemd`).

A supervisor is spoken to through one door, a `Runner`, so that all that is decided here can be tried
on a machine that has neither. Keys are never written into what it reads.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Protocol

from artfactoryd.durable import make_folders, write_file

ABSENT, TOO_LATE = 127, 124  # what a Runner answers where there is no such program, or no answer in time
PATIENCE = 100.0  # seconds for one answer; `systemctl restart` waits until the daemon works


@dataclass(frozen=True, slots=True)
class Answer:
    code: int
    out: str = ""
    err: str = ""


Runner = Callable[[Sequence[str]], Answer]


@dataclass(frozen=True, slots=True)
class Service:
    """The daemon of one factory folder. `user` is the person's own home directory."""

    home: Path
    user: Path

    @property
    def suffix(self) -> str:
        """Empty for ~/ArtFactory; else what tells this folder from every other, in letters any name may hold."""
        if self.home == (self.user / "ArtFactory").resolve():
            return ""
        word = re.sub(r"[^a-z0-9]+", "-", self.home.name.lower()).strip("-")[:32]
        return f"{word}-{hashlib.sha256(os.fsencode(self.home)).hexdigest()[:6]}".lstrip("-")

    def arguments(self, program: Path) -> list[str]:
        return [str(program), "--home", str(self.home), "run", "--supervised"]


@dataclass(frozen=True, slots=True)
class Condition:
    """What is true now. None: the supervisor does not say, and `trouble` tells why where it is known."""

    supervisor: str
    name: str
    file: Path
    installed: bool
    enabled: bool | None = None
    loaded: bool | None = None
    pid: int | None = None
    last_exit: str | None = None
    says: str = ""  # the daemon's own word about itself
    trouble: str = ""


class Supervisor(Protocol):
    def install(self, service: Service, program: Path) -> Iterator[str]:
        """Write the file, start the daemon (again, if it ran), say what was done. Raises SupervisorFailed."""

    def uninstall(self, service: Service) -> Iterator[str]:
        """Stop the daemon, take the file away, say what was done. Raises SupervisorFailed."""

    def condition(self, service: Service) -> Condition: ...

    def sees(self, variable: str) -> bool:
        """Whether a daemon started by this supervisor would have it in its environment."""


def run(command: Sequence[str]) -> Answer:
    """The Runner of the real machine."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=PATIENCE
        )
    except FileNotFoundError:
        return Answer(ABSENT, err=f"there is no {command[0]} on this machine")
    except subprocess.TimeoutExpired:
        return Answer(TOO_LATE, err=f"no answer within {PATIENCE:.0f} seconds")
    return Answer(done.returncode, done.stdout, done.stderr.strip())


def template(name: str) -> bytes:
    """A file of `launchd/`: packaged in the wheel, beside the package in a checkout."""
    packaged = Path(str(resources.files("artfactoryd"))) / "launchd"
    folder = packaged if packaged.is_dir() else packaged.parents[1] / "launchd"
    return (folder / name).read_bytes()


def write_for_supervisor(path: Path, data: bytes) -> None:
    """launchd refuses a file that others may write, whatever the umask says."""
    make_folders(path.parent)
    write_file(path, data)
    path.chmod(0o644)
