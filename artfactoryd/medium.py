"""The disk itself: what is flushed to it, and in what words it refuses."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from artfactoryd.errors import StorageFaulty, StorageFull

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})  # EFBIG: a limit on file size is a kind of quota
NO_WRITING = frozenset({errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR})
TITLES = {
    errno.ENOSPC: StorageFull.title,
    errno.EDQUOT: "Your share of the disk is used up",
    errno.EFBIG: "A file must not grow any larger",
    errno.EROFS: "The disk is read-only",
    errno.EACCES: "There is no permission to write",
    errno.EPERM: "There is no permission to write",
    errno.EIO: StorageFaulty.title,
    errno.EMFILE: "Too many files are open",
    errno.ENFILE: "Too many files are open",
}
NOT_KNOWN_HERE = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOTTY})  # some file systems
refused = 0  # times that a disk did not take what it was given, since this process began


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


def flush_file(path: Path) -> None:
    """The bytes that somebody else has written."""
    with path.open("rb") as file:
        flush(file.fileno())


class _Round:
    """One flush of a folder, for all who asked before it began."""

    def __init__(self) -> None:
        self.over, self.went_well = threading.Event(), False
        self.failed = OSError(errno.EIO, "It was not flushed")  # unless it went well
        self.following: _Round | None = None


_door = threading.Lock()
_rounds: dict[str, _Round] = {}  # by folder: the one that has begun


def flush_folder(folder: Path) -> None:
    """The names in it. Who comes while it is being flushed waits for the next flush, and shares it with all who do:
    one that has begun counts only for what was there before."""
    with _door:
        begun = _rounds.get(str(folder))
        shared = begun.following if begun else None
        mine = shared or _Round()
        if begun is None:
            _rounds[str(folder)] = mine
        else:
            begun.following = mine
    if shared is None:
        if begun is not None:
            begun.over.wait()
        _lead(folder, mine)
    mine.over.wait()
    if not mine.went_well:
        raise OSError(mine.failed.errno, mine.failed.strerror, str(folder))


def _lead(folder: Path, mine: _Round) -> None:
    try:
        _flush_folder(folder)
        mine.went_well = True
    except OSError as error:
        mine.failed = error
    finally:
        with _door:
            if mine.following is None:
                del _rounds[str(folder)]
            else:
                _rounds[str(folder)] = mine.following
        mine.over.set()


def _flush_folder(folder: Path) -> None:
    """A file system that cannot flush a folder (some network ones) keeps its names its own way."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        flush(fd)
    except OSError as error:
        if error.errno not in NOT_KNOWN_HERE:
            raise
    finally:
        os.close(fd)


# --- what the disk refuses ---


_REFUSED = {  # what the system says: what that means of a file, and what to do about it
    errno.ENOENT: "{file} is not there. Put it back.",
    errno.EEXIST: "{file} is there already, and what is needed there is another thing. Move it away.",
    errno.ENOTDIR: "A folder is needed at {file} or above it, and a file has its place. Move that file away.",
    errno.EISDIR: "{file} is a folder, and a file is needed there. Move it away.",
    errno.ENOTEMPTY: "{file} is a folder with something in it. Move that away.",
    errno.EACCES: "There is no permission to use {file}. Look at its permissions, and at those of its folder.",
    errno.EPERM: "The system does not allow the use of {file}. Look at its permissions, and whether it is locked.",
    errno.EMFILE: "Too many files are open at once. Start it where more may be: `ulimit -n 1024` before it.",
    errno.ENFILE: "The whole system has too many files open. End what is not needed.",
    errno.ENOSPC: "No room is left on the disk of {file}. Make room.",
    errno.EDQUOT: "Your share of the disk of {file} is used up. Make room.",
    errno.EFBIG: "{file} must not grow any larger: there is a limit on the size of files.",
    errno.EROFS: "The disk of {file} is read-only. Make it writable again.",
    errno.EIO: "The disk of {file} reports an error. Check the disk.",
    errno.ELOOP: "{file} is a link, or links on the way to it lead in a circle. Put a plain file or folder there.",
    errno.ENAMETOOLONG: "{file} is a longer name than the disk can keep. Make it shorter.",
    errno.EBUSY: "{file} is in use by another program. Close that.",
    errno.ETXTBSY: "{file} is in use by another program. Close that.",
    errno.EXDEV: "{file} lies on another disk than what it was to take the place of.",
    errno.ESTALE: "The volume of {file} does not answer any more. Connect it again.",
    errno.ENOTCONN: "The volume of {file} is not connected. Connect it again.",
    errno.ENODEV: "The volume of {file} is gone. Connect it again.",
    errno.ENXIO: "{file} is no plain file. Move it away.",
    errno.ENOMEM: "There is not enough memory. Close other programs.",
    errno.EAGAIN: "{file} cannot be had just now: the system has too much to do.",
}


def in_words(error: BaseException) -> str:
    """A sentence for a person, also of what the system refuses: which file, what it is, what to do about it.

    Its own text (`[Errno 17] File exists: '/x'`) is for programs; nobody is shown it.
    """
    if not isinstance(error, OSError) or error.errno is None or not error.strerror:
        return str(error) or type(error).__name__
    file = error.filename
    name = os.fsdecode(file) if isinstance(file, str | bytes | os.PathLike) else "a file"
    words = _REFUSED.get(error.errno, "{file} cannot be used: " + error.strerror.rstrip(".").replace("{", "(") + ".")
    words = words.replace("{file}", name)
    return words[:1].upper() + words[1:] if name == "a file" else words


@contextlib.contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Translate what the operating system says about `path` into words for a person.

    After an error of the disk whoever tries again writes a new file: the one that was not flushed is lost.
    """
    try:
        yield
    except OSError as error:
        if error.errno in {*NO_ROOM, *NO_WRITING, errno.EIO}:
            global refused
            refused += 1
        title = title_of(error)
        if error.errno in NO_ROOM:
            words = f"No room left on the disk of {path}. Make room; the work goes on by itself."
            raise StorageFull(words).titled(title) from error
        if error.errno in NO_WRITING:
            words = f"{path} cannot be written ({error.strerror}). Make it writable again."
            raise StorageFull(words).titled(title) from error
        if error.errno == errno.EIO:
            raise StorageFaulty(f"The disk of {path} reports an error. Check the disk; it is tried again.") from error
        raise


@contextlib.contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Whatever the disk says, a person reads a sentence: StorageFull, or StorageFaulty after a failed flush."""
    try:
        with storage_errors(folder):
            yield
    except OSError as error:
        words = f"{error.filename or folder} cannot be written: {error.strerror or error}."
        raise StorageFull(words).titled(title_of(error)) from error


def title_of(error: OSError) -> str:
    """What the system refuses, in a few words."""
    return TITLES.get(error.errno or 0, "This cannot be written")
