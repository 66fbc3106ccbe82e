"""Where the tests' folders lie: in memory where there is room, for they write and flush much that nobody keeps.

What a power cut leaves is tried by doubles (`disk.py`), which ask nothing of the medium below them.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")
ROOM = 2 << 30  # bytes free there; a run of all tests takes a twentieth of it
ELSEWHERE = (MEMORY, Path(tempfile.gettempdir()), Path("/var/tmp"), Path.home())
TOLD = "PYTEST_DEBUG_TEMPROOT"  # pytest's own name for where `tmp_path` begins


def go_into_memory() -> None:
    """Unless a person said where, by this variable or by --basetemp."""
    if TOLD not in os.environ and _is_fit(MEMORY):
        os.environ[TOLD] = str(MEMORY)


def _is_fit(folder: Path) -> bool:
    """Whether it has room, and keeps what Finder and others say of a file: a file system in memory may not."""
    try:
        if shutil.disk_usage(folder).free < ROOM:
            return False
        with tempfile.NamedTemporaryFile(dir=folder) as file:
            os.setxattr(file.name, "user.artfactoryd.test", b"1")
    except (OSError, AttributeError):  # macOS has no such call in Python
        return False
    return True


def another_volume(folder: Path) -> Path | None:
    """A place for folders to which no file of `folder` can be renamed."""
    here = folder.stat().st_dev
    fit = (one for one in ELSEWHERE if one.is_dir() and os.access(one, os.W_OK) and one.stat().st_dev != here)
    return next(fit, None)
