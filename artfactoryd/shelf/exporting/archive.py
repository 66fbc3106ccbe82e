"""A folder that is complete, as one zip file: what is in pictures is packed already, so nothing is packed again."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

from artfactoryd.durable import move_new
from artfactoryd.entries import new_mark, remove, temporary_name
from artfactoryd.errors import WrongUse
from artfactoryd.medium import flush_file


def staging_of(archive: Path) -> Path:
    """The folder in which it is made, beside it; what a kill left there goes on."""
    return archive.with_name(f".{archive.name}.partial")


def write(folder: Path, archive: Path, tell: Callable[[int, int], None]) -> None:
    """Raises WrongUse where something of that name lies there by now. `folder` is gone then."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(".tmp"))
    arriving = archive.with_name(temporary_name(archive.name, new_mark()))
    try:
        with zipfile.ZipFile(arriving, "x", zipfile.ZIP_STORED, strict_timestamps=False) as packed:
            for number, path in enumerate(files, 1):
                packed.write(path, os.fspath(path.relative_to(folder)))
                tell(number, len(files))
        flush_file(arriving)
        move_new(arriving, archive)
    except FileExistsError as error:
        raise WrongUse(f"{archive} is there already. Name another file.") from error
    finally:
        arriving.unlink(missing_ok=True)
    remove(folder)
