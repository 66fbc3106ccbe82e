"""Keeps the machine from falling asleep by itself while something that was bought is out. Best effort, never fatal.

A child process holds the system's own lock: `caffeinate` on macOS, `systemd-inhibit` on Linux. It ends
with us, however we end. A person who shuts the lid still puts the machine to sleep.
"""

from __future__ import annotations

import logging
import shutil
import subprocess
from collections.abc import Callable, Sequence

from artfactoryd.medium import in_words

log = logging.getLogger(__name__)

WORTH_IT = 5.0  # seconds that something is out before it is worth a process
WHY = "pictures that were bought are on their way"


def command(platform: str, pid: int) -> list[str]:
    """What holds off idle sleep until its input closes, or the process `pid` is gone; empty where nothing is known."""
    if platform == "darwin":
        return ["caffeinate", "-i", "-w", str(pid)]
    if platform == "linux":
        inhibit = ["systemd-inhibit", "--what=idle", "--mode=block", "--who=artfactoryd", f"--why={WHY}"]
        return [*inhibit, "cat"]  # which ends when our end of its pipe does
    return []


class Wakefulness:
    """Follows whether something is out, as often as it is told."""

    def __init__(self, command: Sequence[str], clock: Callable[[], float]) -> None:
        self._command, self._clock = list(command), clock
        self._since: float | None = None  # something is out
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def follows(self) -> bool:
        """Something was out when it was last told."""
        return self._since is not None

    def follow(self, out: bool) -> None:
        if not out:
            self.end()
        elif self._since is None:
            self._since = self._clock()
        elif self._child is None and self._command and self._clock() - self._since >= WORTH_IT:
            self._begin()

    def end(self) -> None:
        """The machine may sleep."""
        child, self._child, self._since = self._child, None, None
        if child is None:
            return
        if child.stdin is not None:
            child.stdin.close()
        child.terminate()
        try:
            child.wait(1.0)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def _begin(self) -> None:
        """Once: where it cannot be had, it is not asked for again."""
        try:
            if shutil.which(self._command[0]) is None:
                raise FileNotFoundError(f"there is no {self._command[0]} here")
            self._child = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
        except OSError as error:
            log.info("idle sleep is not held off: %s", in_words(error))
            self._command = []
