"""Writing so that it is still there after a power cut. Ground floor: every room may stand on it."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import io
import itertools
import os
import re
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
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


LONGEST = 255  # bytes of a file name on every file system we meet
TEMPORARY = re.compile(r"\..+\.[0-9a-f-]{8,36}\.tmp")
NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV, errno.EINVAL}


def write_new(target: Path, content: BinaryIO | bytes) -> bool:
    """A new file, whole or not at all; False when the name is taken."""
    if os.path.lexists(target):
        return False
    temporary = target.with_name(temporary_name(target.name, secrets.token_hex(4)))
    create(temporary, io.BytesIO(content) if isinstance(content, bytes) else content)
    try:
        _rename_to_free(temporary, target)
    except FileExistsError:
        return False
    finally:
        temporary.unlink(missing_ok=True)
    return True


def replace(target: Path, data: bytes) -> None:
    temporary = target.with_name(temporary_name(target.name, secrets.token_hex(4)))
    create(temporary, io.BytesIO(data))
    temporary.replace(target)


def create(path: Path, content: BinaryIO) -> None:
    """Write and flush a file that nobody looks at yet; a failure leaves nothing."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o666), "wb") as file:
        try:
            shutil.copyfileobj(content, file, 1 << 20)
            file.flush()
            flush(file.fileno())
        except BaseException:
            path.unlink()
            raise


def _rename_to_free(temporary: Path, target: Path) -> None:
    """Raises FileExistsError rather than overwrite."""
    try:
        os.link(temporary, target)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        _rename_exclusively(temporary, target)


def _rename_exclusively(temporary: Path, target: Path) -> None:
    """For file systems without hard links (exFAT, some servers): the kernel's own call, which Python lacks."""
    libc = ctypes.CDLL(None, use_errno=True)
    old, new = os.fsencode(temporary), os.fsencode(target)
    if sys.platform == "darwin":
        failed = libc.renamex_np(old, new, ctypes.c_uint(4))  # RENAME_EXCL
    else:
        failed = libc.renameat2(-100, old, -100, new, ctypes.c_uint(1))  # AT_FDCWD, RENAME_NOREPLACE
    if failed and ctypes.get_errno() in NO_LINKS and not os.path.lexists(target):
        temporary.rename(target)  # only this process writes here
    elif failed:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(target))


def make_folders(folder: Path) -> None:
    if folder.is_dir():
        return
    if folder.is_symlink():
        raise FileNotFoundError(errno.ENOENT, "it is a link to a place that is not there", str(folder))
    make_folders(folder.parent)
    folder.mkdir(exist_ok=True)
    flush_folder(folder.parent)


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Whatever the place says, a person reads a sentence: StorageFull, or StorageFaulty after a failed flush."""
    try:
        with storage_errors(folder):
            yield
    except OSError as error:
        raise StorageFull(f"{error.filename or folder} cannot be written: {error.strerror or error}.") from error


def numbered(stem: str, extension: str, spare: int) -> Iterator[str]:
    """The name, then -2, -3, ..., cut so that `spare` more bytes still make a file name."""
    for number in itertools.count(1):
        ending = (f"-{number}" if number > 1 else "") + extension
        yield _cut(stem, LONGEST - spare - len(os.fsencode(ending))) + ending


def temporary_name(name: str, mark: str) -> str:
    return f".{_cut(name, LONGEST - len(mark) - 6)}.{mark}.tmp"


def _cut(text: str, most: int) -> str:
    """At most that many bytes, never within a letter."""
    return os.fsencode(text)[:most].decode("utf-8", "ignore")
