"""An entry: one file or folder as somebody dropped it. What it is, its name, its digest.

Ground floor: it knows of no claim and no inbox. A link is itself an entry and is never followed.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import secrets
import shutil
import signal
import socket
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from artfactoryd.core import inbox_rules, names
from artfactoryd.core.names import LONGEST, cut

LITTER = frozenset({"desktop.ini", "thumbs.db", "icon\r"})  # desktops leave it; with every name that begins with a dot
NAME_BYTES = 255 - len(".error.txt")  # the longest name that can have its word beside it
TEMPORARY = re.compile(r"\..+\.[0-9a-f-]{8,36}\.tmp")
CHUNK = 1 << 20
MOST_DEEP = 100  # folders in each other
PAPER_BYTES = 1 << 20  # of a paper that the program wrote for itself: more is not its own
COMPANION_LASTS = 600.0  # seconds for which a companion that names nobody is believed
SWAP_BYTES = 1024  # of a swap file's first block, in which its writer stands
EMACS = re.compile(r".+@(.+)\.(\d+)(?::\d+)?")
READ_ONLY = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


KINDS = {
    stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link", stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """What lay there when somebody looked."""

    path: Path
    status: os.stat_result

    @classmethod
    def at(cls, path: Path) -> Entry:
        """Raises OSError where nothing lies."""
        return cls(path, os.lstat(path))

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def age(self) -> float:
        """Seconds since its last change, by the wall's clock."""
        return time.time() - max(self.status.st_mtime, self.status.st_ctime)

    @property
    def kind(self) -> str:
        """file, folder, link, pipe, socket or device."""
        return KINDS.get(stat.S_IFMT(self.status.st_mode), "device")

    @property
    def version(self) -> tuple[int, ...]:
        """Another one after any change, and when another file has taken the name."""
        s = self.status
        return (s.st_dev, s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns)


NO_FILE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.EINVAL, errno.ENXIO})
"""What the system says where no plain file is: that one's trouble, not the disk's."""


def listing(folder: Path) -> Iterator[Entry]:
    with os.scandir(folder) as children:
        for child in children:
            with suppress(FileNotFoundError):
                yield Entry(folder / child.name, child.stat(follow_symlinks=False))


def everything_in(folder: Path) -> Iterator[Entry]:
    """All entries below, at any depth; what cannot be opened is left out."""
    folders = [folder]
    while folders:
        with suppress(OSError):
            for entry in listing(folders.pop()):
                if entry.kind == "folder":
                    folders.append(entry.path)
                yield entry


def has_writer(path: Path) -> bool:
    """Whether some process has this file open for writing; False also where the system cannot tell.

    On a network volume the answer means something else: do not ask. A writer that opens the file
    just now waits for us to let go, and the kernel sends the signal named here, by default deadly.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        fd = os.open(path, READ_ONLY)
    except OSError:
        return False
    try:
        fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(fd)  # the lease goes with it
    return False


def open_by(companion: Entry, age: float) -> bool:
    """Whether an editor that laid this beside a file still has that open: while the process lives that it names, else
    for ten minutes after its last change. `age`: seconds since then."""
    pid = _writer_named_by(companion)
    if pid is None:
        return age < COMPANION_LASTS
    return _lives(pid, companion.status.st_mtime)


def in_editor(path: Path) -> str:
    """What lies beside a file by which an editor shows that it has it open; empty where none has."""
    try:
        beside = {entry.name: entry for entry in listing(path.parent) if inbox_rules.is_companion(entry.name)}
    except OSError:
        return ""
    names = inbox_rules.companions(path.name, beside)
    return next((name for name in names if open_by(beside[name], beside[name].age)), "")


def _writer_named_by(companion: Entry) -> int | None:
    """The process on this machine; None where none is named, or one of another machine."""
    try:
        if companion.kind == "link":  # Emacs: USER@HOST.PID:BOOT
            host, pid = EMACS.fullmatch(os.readlink(companion.path)).groups()  # type: ignore[union-attr]
        else:  # Vim and nano
            head = bounded(companion.path, SWAP_BYTES)
            pid, host = int.from_bytes(head[24:28], "little"), head[68:108].partition(b"\0")[0].decode()
            if head[:2] != b"b0":
                return None
    except (OSError, ValueError, AttributeError):
        return None
    is_here = str(host).partition(".")[0] == socket.gethostname().partition(".")[0]
    return int(pid) or None if is_here else None


def _lives(pid: int, since: float) -> bool:
    """Whether the process that wrote something at `since` (seconds since 1970) is still there. Its number may be
    another one's by now: where the system tells, one that began later is another."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # somebody else's
        pass
    try:
        return os.stat(f"/proc/{pid}").st_mtime <= since + 1
    except OSError:
        return True


def bounded(path: Path | str, most: int) -> bytes:
    """Its bytes; of a larger file `most` and one more: enough to see that it is, however large it says to be.

    Raises OSError also for what is no plain file: a pipe would wait for a writer, and a device never end.
    """
    fd = plain(os.fspath(path))
    try:
        return _bytes_of(fd, os.fstat(fd).st_size + 1, most + 1)
    finally:
        os.close(fd)


def plain(path: str) -> int:
    """A descriptor to read a plain file by; raises OSError at once for anything else."""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    mode = os.fstat(fd).st_mode
    if stat.S_ISREG(mode):
        return fd
    os.close(fd)
    raise (
        IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        if stat.S_ISDIR(mode)
        else OSError(errno.EINVAL, "It is no plain file", path)
    )


def _bytes_of(fd: int, expected: int, most: int) -> bytes:
    """To the end of the file, however long it says to be, but no more than `most`."""
    data = os.read(fd, min(expected, most))
    while len(data) < most and (more := os.read(fd, min(CHUNK, most - len(data)))):
        data += more
    return data


def words_in(path: Path, most: int = 64 * 1024) -> str:
    """The beginning of a text that was written for a person."""
    return bounded(path, most).decode(errors="replace")


def files_below(folder: Path) -> list[Path]:
    """Every file at any depth, in order; none where the folder is not there. Raises OSError for what may not be read:
    to leave it out would look as if it were not there."""
    if not folder.exists():
        return []
    return sorted(_files_in(folder))


def check_readable(path: Path) -> None:
    """Raises OSError for what may not be read, itself or anything in it; links, pipes and the like are not opened."""
    if not is_folder(path):
        _check_file(path)
        return
    for file in _files_in(path):
        _check_file(file)


def _files_in(folder: Path) -> Iterator[Path]:
    """Raises OSError also where folders lie deeper in each other than any program bears."""
    top = len(folder.parts)
    for above, _, files in os.walk(folder, onerror=_raise):
        if len(Path(above).parts) - top > MOST_DEEP:
            raise OSError(errno.EINVAL, f"its folders lie more than {MOST_DEEP} deep in each other", str(folder))
        yield from (Path(above, name) for name in files)


def _check_file(path: Path) -> None:
    if stat.S_ISREG(os.lstat(path).st_mode):
        os.close(os.open(path, READ_ONLY))


def _raise(error: OSError) -> None:
    raise error


def is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def readable(name: str) -> str:
    """NFC; what is not UTF-8, and control characters, escaped."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return names.nfc(re.sub(r"[\x00-\x1f\x7f]", lambda match: f"\\x{ord(match[0]):02x}", text))


def safe_name(name: str, folder: bool = False) -> str:
    """The name as people can read it and every disk can keep it."""
    return fitted(readable(name), 1, folder)


def numbered(name: str, folder: bool) -> Iterator[str]:
    """NAME, then NAME-2, NAME-3 ... before the extension: the names to try where nothing is overwritten."""
    return names.numbered(*_parts(name, folder), NAME_BYTES)


def fitted(name: str, number: int, folder: bool) -> str:
    """`name` with its number, from 2 on; short enough to have its word beside it."""
    return names.with_number(*_parts(name, folder), number, NAME_BYTES)


def _parts(name: str, folder: bool) -> tuple[str, str]:
    """Stem and extension; what is too long for one belongs to the stem."""
    stem, extension = (name, "") if folder else os.path.splitext(name)
    return (stem, extension) if names.size(extension) <= 20 else (name, "")


def digest(path: Path) -> str:
    """SHA-256 of the bytes; of a folder: of names and bytes, dot files and desktop litter left out."""
    if not is_folder(path):
        return _file_digest(path)
    whole = hashlib.sha256()
    for name, file in sorted(_files(path)):
        whole.update(os.fsencode(name) + b"\0" + _file_digest(file).encode())
    return whole.hexdigest()


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Every file below, with its NFC name: a disk may spell a name anew when it is moved there and back."""
    for above, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not is_litter(name)]
        links = [name for name in folders if os.path.islink(os.path.join(above, name))]
        for name in [*files, *links]:
            if not is_litter(name):
                file = Path(above, name)
                yield names.nfc(str(file.relative_to(folder))), file


def is_litter(name: str) -> bool:
    return name.startswith(".") or name.lower() in LITTER


def _file_digest(path: Path) -> str:
    mode = os.lstat(path).st_mode
    if stat.S_ISLNK(mode):
        return hashlib.sha256(b"link to " + os.fsencode(os.readlink(path))).hexdigest()
    if not stat.S_ISREG(mode):
        return hashlib.sha256(b"no file").hexdigest()
    return sha256(path)


def sha256(path: Path) -> str:
    """Of the bytes of one file. Raises OSError for a link or a folder, and where nothing lies."""
    with open(path, "rb", opener=lambda name, _: os.open(name, READ_ONLY)) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def same(one: Path, other: Path) -> bool:
    try:
        return os.path.samestat(os.lstat(one), os.lstat(other))
    except OSError:
        return False


def remove(path: Path) -> None:
    if is_folder(path):
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def same_bytes(one: Path, other: Path) -> bool:
    """False also where `other` is no file."""
    if not other.is_file() or one.stat().st_size != other.stat().st_size:
        return False
    with one.open("rb") as left, other.open("rb") as right:
        while block := left.read(CHUNK):
            if block != right.read(CHUNK):
                return False
    return True


def new_mark() -> str:
    return secrets.token_hex(4)


def temporary_name(name: str, mark: str = "") -> str:
    """Hidden, and passed over by whoever lists; with a mark of 8 hex digits or a UUID, one that TEMPORARY knows."""
    ending = f".{mark}.tmp" if mark else ".tmp"
    return f".{cut(name, LONGEST - 1 - len(ending))}{ending}"
