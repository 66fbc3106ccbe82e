"""The settings of a running home as they are now, and what counts instead of a file that is bad or away.

A daemon goes on with the last good ones, and keeps a copy of them for whoever only looks meanwhile.
"""

from __future__ import annotations

import logging
import time
from contextlib import suppress

from artfactoryd.durable import write_note
from artfactoryd.errors import Refusal, WrongUse
from artfactoryd.home import Home
from artfactoryd.printable import one_line, printable, redact
from artfactoryd.settings import Settings, checked_mark, load, load_copy, stamp_of

log = logging.getLogger(__name__)

AT_WORK = "The daemon works on with the last good ones; mended, they count at once."
NOT_AT_WORK = "Nothing is taken until they are mended; what is shown goes by the {}."
WRITTEN = 0.3  # seconds for which the file must lie quiet: half a file would be a file without caps


def read_settings(home: Home, environ: dict[str, str], *, running: bool) -> Settings | None:
    """The settings, or None with their problems in `artfactory.yaml.error.txt` beside them."""
    settings, _ = _read(home, environ, running)
    return settings


def _read(home: Home, environ: dict[str, str], running: bool) -> tuple[Settings | None, str]:
    """As `read_settings`, and in words why there are none."""
    note = home.settings_file.with_name(home.settings_file.name + ".error.txt")
    try:
        settings = load(home.settings_file, environ)
    except (Refusal, WrongUse) as error:
        instead = "the last good ones are" if running else "nothing is taken until they are mended"
        text = f"These settings are not used; {instead}.\n\n{error}\n"
        write_note(note, printable(redact(text)).encode())
        log.error("bad settings: %s", error)
        return None, trouble_words(home, error, AT_WORK)
    with suppress(OSError):
        note.unlink(missing_ok=True)
    with suppress(OSError):
        write_note(home.last_settings, settings.source)
        write_note(home.checked_settings, checked_mark(settings.source))
    return settings, ""


def settings_to_show(home: Home, environ: dict[str, str]) -> tuple[Settings, str]:
    """For whoever only looks: the settings, or the last good ones and in words why, and who goes by them."""
    try:
        return load(home.settings_file, environ), ""
    except (Refusal, WrongUse) as error:
        last = load_copy(home.last_settings, home, environ)
        at_work = "page" in (home.holder() or {})  # and not waiting for its first settings
        instead = AT_WORK if at_work else NOT_AT_WORK.format("last good ones" if last else "defaults")
        return last or Settings(), trouble_words(home, error, instead)


def trouble_words(home: Home, error: Refusal | WrongUse, instead: str) -> str:
    problems = error.problems if isinstance(error, Refusal) else ()
    first = str(problems[0]) if problems else str(error)
    more = f" ({len(problems) - 1} more: {home.settings_file}.error.txt)" if len(problems) > 1 else ""
    return one_line(redact(f"The settings are not used: {first}{more} {instead}"))


class LiveSettings:
    """Made first, and handed to whoever asks for the settings more than once.

    `now`: the last good ones; never half of a file that is being written, and never a bad one. `trouble`: in words why
    the file is not used just now; empty when it is.
    """

    def __init__(self, home: Home, settings: Settings, environ: dict[str, str]) -> None:
        self.now, self.trouble = settings, ""
        self._home, self._environ = home, environ
        self._seen = settings.stamp or stamp_of(home.settings_file)  # changed since they were read is changed

    def use(self, settings: Settings) -> None:
        self.now = settings

    def reread(self) -> bool:
        """Read the file again if it is another one; True when `now` comes from it. A bad one gets a word beside it."""
        stamp = stamp_of(self._home.settings_file)
        if stamp == self._seen or (stamp and abs(time.time() - stamp[0] / 1e9) < WRITTEN):
            return False
        self._seen = stamp
        settings, self.trouble = _read(self._home, self._environ, running=True)
        if settings is None:
            return False
        self.use(settings)
        return True
