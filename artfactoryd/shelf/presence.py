"""Whether the shelf is where it should be. `Projects` may be a link to another disk, which may not be connected.

The place where a disk is mounted may be there, and empty, while the disk is not: nothing may be laid into it then. That
projects were seen on another disk is put down, so that an empty folder there is not taken for a new shelf.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from artfactoryd.durable import write_note
from artfactoryd.errors import StorageFull
from artfactoryd.home import Home

MARK = "shelf-elsewhere.txt"  # in .work: projects were seen on another disk
WORDS = b"Projects is on another disk, and has been worked in. While none of its folders is there, that disk is away.\n"


def away(home: Home) -> str:
    """Why it is not there, in words; empty where it is."""
    try:
        if not _is_elsewhere(home) or _has_projects(home.projects) or not (home.work / MARK).exists():
            return ""
    except FileNotFoundError:
        return f"{home.projects} leads to {os.path.realpath(home.projects)}, which is not there. Connect that disk."
    except OSError as error:
        return f"{home.projects} cannot be reached ({error.strerror})."
    place = os.path.realpath(home.projects)
    way_out = "Connect it; or, if you removed all projects from it, make a folder in it."
    return f"{place}, where Projects is, is empty: that disk is not there. {way_out}"


def check(home: Home) -> None:
    """Raises StorageFull, so that what is to be laid there waits."""
    if words := away(home):
        raise StorageFull(words).titled("The disk of the shelf is not there")


def remember(home: Home) -> None:
    """That projects were seen on another disk."""
    with suppress(OSError):
        if _is_elsewhere(home) and not (home.work / MARK).exists() and _has_projects(home.projects):
            write_note(home.work / MARK, WORDS)


def _is_elsewhere(home: Home) -> bool:
    return home.projects.is_symlink() or os.stat(home.projects).st_dev != os.stat(home.root).st_dev


def _has_projects(projects: Path) -> bool:
    with os.scandir(projects) as entries:
        return any(entry.is_dir() and not entry.name.startswith((".", "lost+found")) for entry in entries)
