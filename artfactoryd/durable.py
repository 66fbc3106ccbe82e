"""The only file writer: what a verb says is written is there, whole, after a kill and after a power cut.

    verb                 what is there afterwards                                           flushed
    write_file           the new bytes in place of the old; a reader sees one or the other  file and folder
    write_new            a new file, or nothing where the name is taken                     file
    create               a file that nobody looks at yet                                    file
    Arrival              the same, piece by piece                                           file
    build_folder         a folder that nobody looks at yet, with all its files              files and folders
    copy, duplicate      the same bytes in a place that nobody looks at yet                 files, folders inside
    share_new            the bytes of a flushed file under a second name, never overwriting nothing
    link                 one more name of a file that nobody writes again               nothing
    move_new             the entry under a new name, never overwriting                      nothing
    hand_over            as rename, also to another volume                                  there, where it was copied
    move_to_free         the same, under the first name that is free                        nothing
    move                 what is flushed under a name of its own, in place of another       folder of the new name
    rename               the same, for whoever flushes the folders himself                  nothing
    make_folders         the folder with those above it                                     each in the one above
    make_folder          one new folder                                                     nothing
    tally                one byte more in a file that counts                                the file, if asked
    write_note           best effort, for people only                                       nothing

Where a folder is not flushed, `medium.flush_folder` is the caller's, once for all he did there. Verbs raise OSError
with nothing half done; `medium.storage_errors` makes a sentence of it, and `write_file` does so by itself.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import BinaryIO

from artfactoryd.entries import READ_ONLY, is_folder, new_mark, remove, same_bytes, temporary_name
from artfactoryd.failpoints import point
from artfactoryd.medium import flush, flush_file, flush_folder, storage_errors

NO_LINKS = frozenset({
    errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV, errno.EINVAL,
})  # fmt: skip
TAKEN = frozenset({errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR})  # what a rename onto something says
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
SHARE = 0x40049409  # Linux: FICLONE, one file sharing the blocks of another until either changes
CHUNK = 1 << 20

Content = bytes | Callable[[], bytes]  # of a file; large ones are read one by one


# --- files ---


def write_file(path: Path, data: bytes, mode: int = 0o666) -> None:
    """Replace `path` by `data` in one step; a reader sees the old bytes or the new ones. Raises StorageFull."""
    with storage_errors(path):
        replace_file(path, data, mode=mode)


def replace_file(path: Path, data: bytes, mark: str = "", mode: int = 0o666) -> None:
    """`write_file`, for whoever has words of his own for what the disk refuses.

    `mark`: in the temporary file's name, where what a kill leaves is looked for by TEMPORARY; without one the next
    writing of the same file takes it over.
    """
    arriving = path.with_name(temporary_name(path.name, mark))
    arriving.unlink(missing_ok=True)
    create(arriving, data, mode)
    try:
        arriving.replace(path)
    except OSError:
        _take_back(arriving)
        raise
    flush_folder(path.parent)


def write_new(target: Path, content: BinaryIO | bytes) -> bool:
    """A new file, whole or not at all; False when the name is taken. Its name is not flushed."""
    if os.path.lexists(target):
        return False
    arriving = target.with_name(temporary_name(target.name, new_mark()))
    create(arriving, content)
    try:
        _link_or_rename(arriving, target)
    except FileExistsError:
        return False
    finally:
        arriving.unlink(missing_ok=True)
    return True


def create(path: Path, content: BinaryIO | bytes, mode: int = 0o666) -> None:
    """Write and flush a file that nobody looks at yet; a failure leaves nothing."""
    with os.fdopen(os.open(path, NEW, mode), "wb") as file:
        try:
            if isinstance(content, bytes):
                file.write(content)
            else:
                shutil.copyfileobj(content, file, CHUNK)
            file.flush()
            flush(file.fileno())
        except BaseException:
            _take_back(path)
            raise


class Arrival:
    """A file that nobody looks at yet, written piece by piece; `finish` or `discard` ends it.

    Whoever uses it from several threads sees to it that they take turns.
    """

    def __init__(self, path: Path) -> None:
        """What a kill left there is removed first, not emptied: a product on the shelf may be the same file."""
        self._path = path
        path.unlink(missing_ok=True)
        self._fd: int | None = os.open(path, NEW, 0o666)

    def write(self, data: bytes | memoryview) -> None:
        """Nothing after its end."""
        left = memoryview(data)
        while left and self._fd is not None:
            left = left[os.write(self._fd, left) :]

    def finish(self) -> None:
        """Whole and flushed."""
        if self._fd is not None:
            flush(self._fd)
        self.close()

    def discard(self) -> None:
        self.close()
        _take_back(self._path)

    def close(self) -> None:
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)


def write_note(path: Path, data: bytes) -> bool:
    """For people only: the new words whole, or the old ones and False. Nothing is raised.

    Nothing is flushed either: a power cut may leave it empty.
    """
    arriving = path.with_name(temporary_name(path.name))
    try:
        arriving.write_bytes(data)
        arriving.replace(path)
    except OSError:
        _take_back(arriving)
        return False
    return True


def tally(path: Path, *, flushed: bool) -> int:
    """One byte more in a file that counts, made when it is not there; how many it has now."""
    with path.open("ab") as file:
        file.write(b".")
        file.flush()
        if flushed:
            flush(file.fileno())
        return file.tell()


def _take_back(path: Path) -> None:
    """Half a file would only take the room that is missing."""
    with contextlib.suppress(OSError):
        path.unlink()


# --- copies ---


def duplicate(source: BinaryIO, target: Path) -> bool:
    """The same bytes in a file of their own that nobody looks at yet, in place of what a kill left there.

    True where it takes no room for them twice: where the file system can.
    """
    is_shared = _fill(source, target)
    flush_file(target)
    return is_shared


def _fill(source: BinaryIO, target: Path) -> bool:
    target.unlink(missing_ok=True)
    if _share_on_mac(source, target):
        return True
    with target.open("xb") as file:
        with contextlib.suppress(OSError):
            fcntl.ioctl(file.fileno(), SHARE, source.fileno())
            return True
        shutil.copyfileobj(source, file, CHUNK)
        return False


def _share_on_mac(source: BinaryIO, target: Path) -> bool:
    share = getattr(ctypes.CDLL(None), "fclonefileat", None)
    here = -2  # AT_FDCWD
    return share is not None and share(source.fileno(), here, os.fsencode(target), 0) == 0


def copy(source: Path, target: Path) -> None:
    """A whole copy where nobody looks yet, with times and permissions, links as links; our trouble is StorageFull."""
    mode = os.lstat(source).st_mode
    if stat.S_ISDIR(mode):
        target.mkdir()
        for child in source.iterdir():
            copy(child, target / child.name)
        with storage_errors(target):
            flush_folder(target)
    elif stat.S_ISREG(mode):
        with open(os.open(source, READ_ONLY), "rb") as file:
            _fill(file, target)
        with storage_errors(target):
            flush_file(target)
        shutil.copystat(source, target, follow_symlinks=False)
    elif stat.S_ISLNK(mode):
        copy_link(source, target)
    else:
        os.mkfifo(target)  # a pipe, socket or device is on its way to Rejected: only its name matters


def copy_link(source: Path, target: Path) -> None:
    """The link itself, wherever it leads."""
    target.symlink_to(os.readlink(source))


# --- names ---


def share_new(source: Path, target: Path) -> bool:
    """The bytes of a flushed file under another name, never overwriting; False when that is taken.

    A second name of the same file where the disk can. No file gets a third: its bytes are copied then.
    """
    with contextlib.suppress(FileExistsError):
        if os.stat(source).st_nlink == 1 and link(source, target):
            return True
        with source.open("rb") as content:
            return write_new(target, content)
    return False


def link(source: Path, target: Path) -> bool:
    """False where the disk knows no second names. Raises FileExistsError rather than overwrite."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        return False
    return True


def share_equal(source: Path, target: Path) -> bool:
    """`share_new`; True as well where a file with equal bytes has the name already."""
    return share_new(source, target) or same_bytes(source, target)


def rename(source: Path, target: Path) -> None:
    """In place of what has the name. Whoever relies on it flushes both folders."""
    os.rename(source, target)


def hand_over(source: Path, target: Path) -> None:
    """`rename`, also to another volume: Held, Rejected and Projects may be links to one."""
    try:
        os.rename(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _carry(source, target, os.rename)


def _carry(source: Path, target: Path, place: Callable[[Path, Path], None]) -> None:
    """To another volume: whole and flushed beside `target`, placed in one step, and only then gone here."""
    arriving = target.with_name(temporary_name(target.name, new_mark()))
    try:
        copy(source, arriving)
        place(arriving, target)
    except BaseException:
        remove(arriving)
        raise
    flush_folder(target.parent)
    point("carried")
    remove(source)


def move(source: Path, target: Path) -> None:
    """What is flushed takes a name, in place of what has it; there after a power cut too."""
    os.rename(source, target)
    flush_folder(target.parent)


def move_new(source: Path, target: Path) -> None:
    """Rename a file, link or folder, but never onto something: FileExistsError instead.

    Killed in the middle, a file may have both names.
    """
    try:
        if is_folder(source):
            _rename_folder(source, target)
        elif _link_or_rename(source, target):
            point("placed_linked")
            os.unlink(source)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _carry(source, target, move_new)


def move_to_free(source: Path, targets: Iterable[Path]) -> Path:
    """`move_new` to the first of `targets` that is free, also when others are quicker just now."""
    for target in targets:
        with contextlib.suppress(FileExistsError):
            move_new(source, target)
            return target
    raise FileExistsError(errno.EEXIST, "every name is taken", str(source))


def _rename_folder(source: Path, target: Path) -> None:
    """Should one appear just now, the kernel refuses it unless it is empty."""
    if os.path.lexists(target):
        raise FileExistsError(target)
    try:
        os.rename(source, target)
    except OSError as error:
        if error.errno in TAKEN:
            raise FileExistsError(target) from error
        raise


def _link_or_rename(source: Path, target: Path) -> bool:
    """Whether `source` still has its own name too. Raises FileExistsError rather than overwrite."""
    if link(source, target):
        return True
    _rename_exclusively(source, target)
    return False


def _rename_exclusively(source: Path, target: Path) -> None:
    """For file systems without hard links (exFAT, some servers): the kernel's own call, which Python lacks."""
    libc = ctypes.CDLL(None, use_errno=True)
    old, new = os.fsencode(source), os.fsencode(target)
    if sys.platform == "darwin":
        failed = libc.renamex_np(old, new, ctypes.c_uint(4))  # RENAME_EXCL
    else:
        failed = libc.renameat2(-100, old, -100, new, ctypes.c_uint(1))  # AT_FDCWD, RENAME_NOREPLACE
    if failed and ctypes.get_errno() in NO_LINKS and not os.path.lexists(target):
        source.rename(target)  # only this process writes here
    elif failed:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(target))


# --- folders ---


def try_writing(folder: Path) -> None:
    """Raises OSError where no file can be made: permission bits do not tell of read-only volumes or access lists."""
    with tempfile.TemporaryFile(dir=folder, prefix="."):
        pass


def make_folders(folder: Path, mode: int = 0o777) -> None:
    """The folder and those above it that are missing, each there after a power cut; what is there stays as it is.

    `mode`: of those that are made, under the umask.
    """
    if folder.is_dir():
        return
    if folder.is_symlink():
        raise FileNotFoundError(errno.ENOENT, "it is a link to a place that is not there", str(folder))
    make_folders(folder.parent, mode)
    folder.mkdir(mode, exist_ok=True)
    flush_folder(folder.parent)


def make_folder(folder: Path) -> None:
    """One new folder in one that is there; FileExistsError when the name is taken. Its name is not flushed."""
    folder.mkdir()


def build_folder(folder: Path, files: Mapping[str, Content]) -> None:
    """A folder that nobody looks at yet, in place of what a kill left there; `files` may lie one folder down."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir()
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        create(path, data if isinstance(data, bytes) else data())
    for made in {folder, *((folder / name).parent for name in files)}:
        flush_folder(made)
