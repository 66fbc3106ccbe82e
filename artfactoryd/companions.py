"""The pictures that a loose order in the inbox names: copied along at once, taken away when the order is safe.

Copied, not moved: another order dropped in the same moment may name the same picture, and an order that
is rejected has no claim to it.
"""

from __future__ import annotations

import json
import logging
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from artfactoryd.claims import Claim
from artfactoryd.durable import storage_errors, write_file
from artfactoryd.entries import READ_ONLY, has_writer

log = logging.getLogger(__name__)

PATIENCE = 60.0  # seconds that an order waits for a file it names


def came_from(claim: Claim) -> Path | None:
    """The folder it was dropped into."""
    try:
        return Path(json.loads((claim.folder / "claim.json").read_bytes())["source"]).parent
    except (OSError, ValueError, KeyError, TypeError):
        return None


def take_along(claim: Claim, names: Iterable[str], settle: float, wall: float) -> list[Path]:
    """Copy those of `names` that lie quiet beside where the order lay; the paths they lie at."""
    source = came_from(claim)
    found = [source / name for name in names if source is not None and _is_quiet(source / name, settle, wall)]
    for path in found:
        assert source is not None
        target = claim.beside / path.relative_to(source)
        with storage_errors(claim.folder):
            target.parent.mkdir(parents=True, exist_ok=True)
            write_file(target, _read(path))
    return found


def _is_quiet(path: Path, settle: float, wall: float) -> bool:
    try:
        status = os.lstat(path)
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(status.st_mode) and wall - status.st_ctime >= settle and not has_writer(path)


def _read(path: Path) -> bytes:
    with open(os.open(path, READ_ONLY), "rb") as file:
        return file.read()


def take_away(paths: Iterable[Path]) -> None:
    """They are safe in the orders' claims now. One that cannot be removed stays, and is answered as a stray."""
    for path in paths:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("%s stays in the inbox: %s", path.name, error.strerror)
