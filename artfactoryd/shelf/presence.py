"""Whether the shelf is where it should be. `Projects` may be a link to another disk, which may not be connected.

The place where a disk is mounted may be there, and empty, while the disk is not: nothing may be laid into it then, and
nothing is gone by that. So a shelf on another disk carries a mark, and that it does is put down at home.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from artfactoryd.durable import write_note
from artfactoryd.errors import StorageFull
from artfactoryd.home import Home

MARK = ".artfactory-shelf"  # in Projects, on another disk
NOTED = "shelf-elsewhere.txt"  # in .work: that there is one
WORDS = b"The shelf of an art factory. Where this file is not, its disk is taken to be away.\n"


def away(home: Home) -> str:
    """Why it is not there, in words; empty where it is."""
    mark = home.projects / MARK
    try:
        if not _is_elsewhere(home) or mark.exists() or not (home.work / NOTED).exists():
            return ""
    except FileNotFoundError:
        if not home.projects.is_symlink() and not (home.work / NOTED).exists():
            return ""  # it was never elsewhere: it is made anew
        return f"{home.projects} leads to {os.path.realpath(home.projects)}, which is not there. Connect that disk."
    except OSError as error:
        return f"{home.projects} cannot be reached ({error.strerror})."
    place = os.path.realpath(home.projects)
    way_out = f"Connect it; or, if this is the right one, put the mark there: touch {place}/{MARK}"
    return f"{place}, where Projects is, does not hold the shelf: that disk is not there. {way_out}"


def check(home: Home) -> None:
    """Raises StorageFull, so that what is to be laid there waits."""
    if words := away(home):
        raise StorageFull(words).titled("The disk of the shelf is not there")


def remember(home: Home) -> None:
    """That there is a shelf on another disk. The mark comes first: a kill between the two leaves nothing away."""
    with suppress(OSError):
        if not _is_elsewhere(home) or (home.work / NOTED).exists() or not _has_projects(home.projects):
            return
        if write_note(home.projects / MARK, WORDS):
            write_note(home.work / NOTED, WORDS)


def _is_elsewhere(home: Home) -> bool:
    there = os.stat(home.projects)  # FileNotFoundError, too, where a link leads nowhere
    return home.projects.is_symlink() or there.st_dev != os.stat(home.root).st_dev


def _has_projects(projects: Path) -> bool:
    with os.scandir(projects) as entries:
        return any(entry.is_dir() and not entry.name.startswith((".", "lost+found")) for entry in entries)
