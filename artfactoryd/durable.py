"""Writing so that it is still there after a power cut. Ground floor: every room may stand on it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from artfactoryd.errors import StorageFull, StorageSick

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
NO_WRITING = frozenset({errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR})


def flush(fd: int) -> None:
    """Through to the medium. macOS keeps `fsync` in the drive's cache; F_FULLFSYNC does not."""
    full = getattr(fcntl, "F_FULLFSYNC", None)
    if full is not None:
        with contextlib.suppress(OSError):
            fcntl.fcntl(fd, full)
            return
    os.fsync(fd)


def flush_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        flush(fd)
    finally:
        os.close(fd)


def write_file(path: Path, data: bytes) -> None:
    """Replace `path` by `data` in one step; a reader sees the old bytes or the new ones."""
    temporary = path.with_name(f".{path.name[:200]}.tmp")
    with storage_errors(path):
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            flush(file.fileno())
        temporary.replace(path)
        flush_folder(path.parent)


@contextlib.contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Translate what the operating system says about a place into words for a person."""
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM:
            raise StorageFull(f"No room left on the disk of {path}. Make room; the work goes on by itself.") from error
        if error.errno in NO_WRITING:
            raise StorageFull(f"{path} cannot be written ({error.strerror}). Make it writable again.") from error
        if error.errno == errno.EIO:
            raise StorageSick(f"The disk of {path} reports an error. Check the disk, then start again.") from error
        raise
