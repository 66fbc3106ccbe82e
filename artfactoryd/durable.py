"""Writing so that it is still there after a power cut. Ground floor: every room may stand on it."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from artfactoryd.errors import StorageFaulty, StorageFull

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})  # EFBIG: a limit on file size is a kind of quota
NO_WRITING = frozenset({errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR})
NOT_KNOWN_HERE = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOTTY})  # some file systems
SHARE = 0x40049409  # Linux: FICLONE, one file sharing the blocks of another until either changes
refused = 0  # times that a disk did not take what it was given, since this process began
NAME_BYTES = 200  # of a name kept in that of its temporary file


def flush(fd: int) -> None:
    """Through to the medium. macOS keeps `fsync` in the drive's cache; F_FULLFSYNC does not.

    Any other error of it is the answer: a second flush may succeed for bytes that are lost.
    """
    full = getattr(fcntl, "F_FULLFSYNC", None)
    if full is not None:
        try:
            fcntl.fcntl(fd, full)
            return
        except OSError as error:
            if error.errno not in NOT_KNOWN_HERE:
                raise
    os.fsync(fd)


def flush_folder(folder: Path) -> None:
    """The names in it. A file system that cannot flush a folder (some network ones) keeps them its own way."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        flush(fd)
    except OSError as error:
        if error.errno not in NOT_KNOWN_HERE:
            raise
    finally:
        os.close(fd)


def write_file(path: Path, data: bytes) -> None:
    """Replace `path` by `data` in one step; a reader sees the old bytes or the new ones."""
    kept = os.fsencode(path.name)[:NAME_BYTES].decode("utf-8", "ignore")
    temporary = path.with_name(f".{kept}.tmp")
    with storage_errors(path):
        try:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                flush(file.fileno())
            temporary.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink()  # half a file would only take the room that is missing
            raise
        flush_folder(path.parent)


def duplicate(source: BinaryIO, target: Path) -> None:
    """The same bytes in a file of their own; where the file system can, without taking room for them twice."""
    target.unlink(missing_ok=True)
    if not _share_on_mac(source, target):
        with target.open("xb") as file:
            try:
                fcntl.ioctl(file.fileno(), SHARE, source.fileno())
            except OSError:
                shutil.copyfileobj(source, file, 1 << 20)
                file.flush()
    with target.open("rb") as file:
        flush(file.fileno())


def _share_on_mac(source: BinaryIO, target: Path) -> bool:
    share = getattr(ctypes.CDLL(None), "fclonefileat", None)
    here = -2  # AT_FDCWD
    return share is not None and share(source.fileno(), here, os.fsencode(target), 0) == 0


@contextlib.contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Translate what the operating system says about a place into words for a person.

    After an error of the disk whoever tries again writes a new file: the one that was not flushed is lost.
    """
    try:
        yield
    except OSError as error:
        if error.errno in {*NO_ROOM, *NO_WRITING, errno.EIO}:
            global refused
            refused += 1
        if error.errno in NO_ROOM:
            raise StorageFull(f"No room left on the disk of {path}. Make room; the work goes on by itself.") from error
        if error.errno in NO_WRITING:
            raise StorageFull(f"{path} cannot be written ({error.strerror}). Make it writable again.") from error
        if error.errno == errno.EIO:
            raise StorageFaulty(f"The disk of {path} reports an error. Check the disk; it is tried again.") from error
        raise
