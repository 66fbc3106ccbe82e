"""A command of a person, run on a thread that may wait: to its end or to its time, and never beyond the program's own.

It gets a session of its own, so that all it starts can be ended together. A shell holds it on a leash: a pipe that
closes when this program ends, however it ends, and then nothing of the command is left either. What it leaves running
when it ends well is its own business (a viewer that it opened).
"""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from artfactoryd.entries import bounded
from artfactoryd.medium import in_words
from artfactoryd.printable import one_line, redact

LOOK = 0.05  # seconds between looks whether it has ended, or is to be
GRACE = 0.3  # seconds between the word and the end
MOST_SAID = 4000  # bytes that are kept of what it says on standard error
LONGEST_WORDS = 200
MOST_FIRST = 400  # bytes of the first line of a script
MOST_LOOKS = 20  # at what one that has ended said last: more than a pipe holds
KEPT = (  # of the environment: it is given no credential
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "DISPLAY",
    "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_RUNTIME_DIR", "XDG_CURRENT_DESKTOP", "XDG_DATA_DIRS", "XDG_CONFIG_HOME",
    "DBUS_SESSION_BUS_ADDRESS",
)  # fmt: skip
# Standard input is what the command is given, standard output the leash; a command in the background would get neither.
LEASH = """exec 3<&1 4<&0 </dev/null >/dev/null
"$@" <&4 3<&- 4<&- &
command=$!
{ read -r line <&3; kill -KILL 0; } 2>/dev/null 4<&- &
leash=$!
exec 3<&- 4<&- 2>/dev/null
wait $command
code=$?
kill $leash
exit $code
"""


@dataclass(frozen=True, slots=True)
class Ending:
    """`trouble`: in words why it did not do what it was to; empty when it did. `is_late`: its time was over; `is_cut`:
    that of this program was."""

    trouble: str = ""
    is_late: bool = False
    is_cut: bool = False


def environment(environ: Mapping[str, str], home: Path) -> dict[str, str]:
    """What a command of a person finds."""
    kept = {name: environ[name] for name in KEPT if name in environ}
    return {"PATH": os.defpath, **kept, "ARTFACTORY_HOME": str(home)}


def run(
    words: Sequence[str], given: bytes, environ: Mapping[str, str], *, folder: Path, seconds: float,
    stop: threading.Event,
) -> Ending:  # fmt: skip
    """`given`: what it reads. It has `seconds`, or until `stop`."""
    if stop.is_set():
        return Ending(is_cut=True)
    if why := absent(words[0], environ):
        return Ending(why)
    reading, leash = os.pipe()
    try:
        child = subprocess.Popen(
            ["/bin/sh", "-c", LEASH, "sh", *words], stdin=subprocess.PIPE, stdout=reading, stderr=subprocess.PIPE,
            bufsize=0, cwd=folder, env=dict(environ), start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        os.close(leash)
        return Ending(f"it could not be started: {in_words(error)}")
    finally:
        os.close(reading)
    try:
        return _attended(child, given, seconds, stop)
    finally:
        os.close(leash)


def _attended(child: subprocess.Popen[bytes], given: bytes, seconds: float, stop: threading.Event) -> Ending:
    with child:
        talk = _Talk(child, given)
        until = time.monotonic() + seconds
        while not talk.ended() and time.monotonic() < until and not stop.is_set():
            pass
        code = child.poll()
        if code is None:
            _end_all(child)
            late = f"it took longer than {seconds:.0f} seconds, and was ended"
            return Ending(is_cut=True) if stop.is_set() else Ending(late, is_late=True)
        talk.rest()
        return Ending("" if code == 0 else _failed(code, talk.said))


def absent(program: str, environ: Mapping[str, str]) -> str:
    """Why there is nothing to run; empty where there is."""
    file = shutil.which(program, path=environ["PATH"])
    if file is None:
        name = one_line(program)
        is_file = "/" in program and os.path.isfile(program)
        return f"{name} may not be run: chmod +x {name}" if is_file else f"there is no program {name}"
    with suppress(OSError):
        first = bounded(Path(file), MOST_FIRST).partition(b"\n")[0]
        named = first[2:].split() if first.startswith(b"#!") else []
        if named and first.endswith(b"\r"):
            return f"the lines of {one_line(program)} end as on Windows: save it with those of Unix"
        if named and not os.path.exists(named[0]):
            name = one_line(os.fsdecode(named[0]))
            return f"the first line of {one_line(program)} names {name}, which is not there"
    return ""


def _failed(code: int, said: bytes) -> str:
    lines = [line for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
    words = one_line(redact(lines[-1]))[:LONGEST_WORDS] if lines else ""
    signalled = -code if code < 0 else code - 128
    how = f"it was ended by signal {signalled}" if signalled > 0 else f"it ended with code {code}"
    return f"{how}: {words}" if words else how


def _end_all(child: subprocess.Popen[bytes]) -> None:
    """All of its session that is still one group, first by a word. It is not waited for before: its number would be
    free for another."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(OSError):
            os.killpg(child.pid, number)
        if number == signal.SIGTERM:
            time.sleep(GRACE)
    child.wait()


class _Talk:
    """What it is given, and what it says: neither is ever waited for alone."""

    def __init__(self, child: subprocess.Popen[bytes], given: bytes) -> None:
        assert child.stdin is not None and child.stderr is not None
        self._child, self._stdin, self._stderr, self._left = child, child.stdin, child.stderr, given
        self.said = b""
        for pipe in (self._stdin, self._stderr):
            os.set_blocking(pipe.fileno(), False)
        self._watch = selectors.DefaultSelector()
        self._watch.register(self._stdin, selectors.EVENT_WRITE, self._give)
        self._watch.register(self._stderr, selectors.EVENT_READ, self._hear)

    def ended(self) -> bool:
        """Whether it has ended, after a look at it."""
        if self._watch.get_map():
            self._look(LOOK)
        else:
            with suppress(subprocess.TimeoutExpired):
                self._child.wait(LOOK)
        return self._child.poll() is not None

    def rest(self) -> None:
        """What it said last; what it left running is not listened to."""
        for _ in range(MOST_LOOKS):
            if not self._watch.get_map() or not self._look(0):
                break
        self._watch.close()

    def _look(self, seconds: float) -> bool:
        """Whether something was there."""
        ready = self._watch.select(seconds)
        for key, _ in ready:
            key.data()
        return bool(ready)

    def _give(self) -> None:
        """One that reads nothing, or not all, is as well."""
        try:
            self._left = self._left[self._stdin.write(self._left) or 0 :]
        except BrokenPipeError:
            self._left = self._left[:0]
        if not self._left:
            self._watch.unregister(self._stdin)
            self._stdin.close()

    def _hear(self) -> None:
        part = self._stderr.read(MOST_SAID)
        self.said = (self.said + (part or b""))[-MOST_SAID:]
        if part == b"":
            self._watch.unregister(self._stderr)
