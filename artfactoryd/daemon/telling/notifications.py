"""What a person is to know soon, shown by the desktop: one notification for all that comes together.

By the commands of the system alone: on macOS `terminal-notifier` where it is installed, else `osascript`; on Linux
`notify-send`. A click opens the folder where the system can do that; elsewhere its name is told. Best effort, never
fatal.
"""

from __future__ import annotations

import html
import logging
import shutil
import subprocess
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from artfactoryd.core.money import micro_dollars, rounded
from artfactoryd.daemon.telling import command
from artfactoryd.home import Home
from artfactoryd.news import News, OrderEnded
from artfactoryd.printable import one_line, redact
from artfactoryd.settings import Settings

log = logging.getLogger(__name__)

TITLE = "Art Factory"
SHOWN: Mapping[str, tuple[str, str, str]] = {  # one by itself begins with, and of many: how many are what
    "order.completed": ("Done", "order done", "orders done"),
    "order.partial": ("Done in part", "order done in part", "orders done in part"),
    "order.failed": ("Failed", "order failed", "orders failed"),
    "order.held": ("Waits for you", "order waits for you", "orders wait for you"),
    "order.rejected": ("Rejected", "file rejected", "files rejected"),
    "item.in_doubt": ("In doubt", "item in doubt", "items in doubt"),
    "cap.near": ("Near a cap", "cap is near", "caps are near"),
}
GATHER = 1.5  # seconds in which what comes is told together
APART = 10.0  # seconds between two
SECONDS = 20.0  # for which a click is waited for
LAST = 0.7  # seconds for what is still to be shown when the program stops
MOST_WORDS = 300
MOST_WAITING = 10_000
# An older notify-send knows no actions.
NOTIFY_SEND = """folder=$1; shift
clicked=$(notify-send --app-name="$1" --wait --action=default=Open -- "$@" 2>/dev/null) ||
  exec notify-send --app-name="$1" -- "$@"
[ -z "$clicked" ] || exec xdg-open "$folder"
"""
DISPLAY = f'display notification (item 1 of argv) with title "{TITLE}" subtitle (item 2 of argv)'


class Notifications:
    """`told` may be called by any thread, and is quick. One thread shows, when there is something to show."""

    def __init__(self, home: Home, settings: Callable[[], Settings], environ: Mapping[str, str], platform: str) -> None:
        self._home, self._settings, self._platform = home, settings, platform
        self._environ = command.environment(environ, home.root)
        self._pieces: deque[News] = deque(maxlen=MOST_WAITING)
        self._come, self._stop, self._cut = threading.Event(), threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._is_desktop: bool | None = None  # not known yet
        self._is_told = False  # that it cannot be done

    def told(self, news: News) -> None:
        if news.event not in SHOWN or self._settings().desktop.notify is False or self._stop.is_set():
            return
        self._pieces.append(news)
        self._come.set()
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._show_all, name="notifications", daemon=True)
                self._thread.start()

    def _show_all(self) -> None:
        while not self._stop.is_set():
            self._come.wait()
            if self._stop.wait(GATHER):
                break
            self._come.clear()
            until = time.monotonic() + APART
            self._show()
            self._stop.wait(max(0.0, until - time.monotonic()))
        self._show()

    def _show(self) -> None:
        """All that is there, in one."""
        pieces = [self._pieces.popleft() for _ in range(len(self._pieces))]
        try:
            if not pieces or not self._is_wanted():
                return
            words, folder = gathered(pieces, self._home)
            call = call_for(self._platform, self._has, words, folder)
            if not call:
                return self._cannot("this system has no command for it")
            ending = command.run(call, b"", self._environ, folder=self._home.root, seconds=SECONDS, stop=self._cut)
            if ending.trouble and not ending.is_late:
                self._cannot(ending.trouble)
        except Exception:  # whatever it is, it is not the work's
            log.exception("a notification failed: a defect of this program")

    def _has(self, name: str) -> bool:
        return shutil.which(name, path=self._environ["PATH"]) is not None

    def _is_wanted(self) -> bool:
        if self._settings().desktop.notify == "auto":
            if self._is_desktop is None:
                self._is_desktop = is_desktop(self._platform, self._environ)
            return self._is_desktop
        return bool(self._settings().desktop.notify)

    def _cannot(self, why: str) -> None:
        level = logging.INFO if self._settings().desktop.notify == "auto" else logging.WARNING
        if not self._is_told:
            log.log(level, "no notification could be shown: %s", why)
        self._is_told = True

    def close(self) -> None:
        """What is still to be shown, and what is, has a moment."""
        self._stop.set()
        self._come.set()
        if self._thread is not None:
            self._thread.join(LAST)
            self._cut.set()
            self._thread.join()


def gathered(pieces: Sequence[News], home: Home) -> tuple[str, Path]:
    """In words, and the folder to open."""
    folders = {_folder(piece, home) for piece in pieces}
    folder = folders.pop() if len(folders) == 1 else home.root
    if len(pieces) == 1:
        words = f"{SHOWN[pieces[0].event][0]}: {_words(pieces[0])}"
    else:
        numbers = Counter(piece.event for piece in pieces)
        words = ", ".join(
            f"{numbers[event]} {SHOWN[event][min(numbers[event], 2)]}" for event in SHOWN if numbers[event]
        )
    words = one_line(redact(words))
    return (words if len(words) <= MOST_WORDS else f"{words[: MOST_WORDS - 1]}…"), folder


def _words(piece: News) -> str:
    if not isinstance(piece, OrderEnded):
        return piece.words
    failed = f", {piece.failed} failed" if piece.failed else ""
    return f"{piece.name}: {piece.what}{failed}, {rounded(micro_dollars(piece.usd))}"


def _folder(piece: News, home: Home) -> Path:
    if isinstance(piece, OrderEnded):
        return Path(piece.folder)
    return {"order.held": home.held, "order.rejected": home.rejected}.get(piece.event, home.projects)


def call_for(platform: str, has: Callable[[str], bool], words: str, folder: Path) -> list[str]:
    """The command that shows it; empty where there is none. `words` begin with a letter, so they are no option."""
    if platform == "darwin":
        if has("terminal-notifier"):
            return ["terminal-notifier", "-title", TITLE, "-message", words, "-open", folder.as_uri()]
        script = ["-e", "on run argv", "-e", DISPLAY, "-e", "end run"]
        return ["osascript", *script, words, str(folder)] if has("osascript") else []
    if platform == "linux" and has("notify-send"):
        shown = html.escape(f"{words}\n{one_line(folder)}", quote=False)  # a server may read it as markup
        return ["/bin/sh", "-c", NOTIFY_SEND, "sh", str(folder), TITLE, shown]
    return []


def is_desktop(platform: str, environ: Mapping[str, str]) -> bool:
    """Whether this program was started where somebody sits at a desktop, as far as the system tells."""
    if platform == "darwin":
        try:
            told = subprocess.run(["launchctl", "managername"], capture_output=True, text=True, timeout=5)
        except (OSError, subprocess.SubprocessError):
            return False
        return told.stdout.strip() == "Aqua"
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    return bool(environ.get("DBUS_SESSION_BUS_ADDRESS")) or (bool(runtime) and Path(runtime, "bus").exists())
