"""The factory folder: where it is, what is in it, whether this place is fit for it, and who holds it.

What the files in it mean belongs to other rooms (inbox, shelf, ledger, index).
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypedDict

from artfactoryd import durable, entries, mounts
from artfactoryd.clock import shown
from artfactoryd.errors import HomeLocked, HomeMoved, StorageFull, WrongUse
from artfactoryd.identity import Identity, init_command, is_alive, is_holder
from artfactoryd.mounts import network_place

ICLOUD = "com~apple~CloudDocs"
LOOKS, LOOK_LASTS = 3, 0.005  # of others, whether it is held (see `is_held`), and seconds, at the most, that one takes
_pen = threading.Lock()  # one fact after the other: they come from several threads
_STOP = "Nothing more is sent. Put it back, or start again where it lies now."


class Holder(TypedDict, total=False):
    """What the process that holds a home wrote about itself, for people. It is not checked when it is read."""

    pid: int
    started_at: str  # ISO 8601, local time with its offset
    command: str
    inode: int  # of the home that it holds
    page: str | None  # the address of the status page
    page_problem: str | None  # why there is none
    waits: str | None  # what the system refuses just now, so that the work waits
    collecting: str | None  # how far what came into the folder of a collection is looked at
    nameless: str | None  # what lies on the shelf under a name that is no text
    unread: str  # instead of all of these: why nothing is known of who holds it


@dataclass(frozen=True, slots=True)
class Home:
    """`locked`: the folder that is locked, (device, inode) as `lock` found it; `introduced`: what it told of itself."""

    root: Path
    locked: tuple[int, int] | None = field(default=None, compare=False)
    introduced: Holder | None = field(default=None, compare=False)

    @classmethod
    def find(cls, option: str | Path | None, environ: Mapping[str, str]) -> Home:
        """`--home`, else `$ARTFACTORY_HOME`, else `~/ArtFactory`; links are followed once, here."""
        named = option or environ.get("ARTFACTORY_HOME")
        try:
            return cls((Path(named).expanduser() if named else user_folder(environ) / "ArtFactory").resolve())
        except RuntimeError as error:  # ~ of somebody who is not known here, or a link to itself
            raise WrongUse(f"The factory folder {named or '~/ArtFactory'} cannot be found: {error}") from error

    @property
    def is_made(self) -> bool:
        return self.work.is_dir()

    def check_made(self) -> None:
        """Raise WrongUse where no factory folder is, or a part of it is missing, with the way out."""
        if self.is_made:
            return
        if os.path.lexists(self.work):
            what = "a link to what is not there" if self.work.is_symlink() else "no folder"
            words = f"{self.work} is {what}. Put back the folder that was there"
            raise WrongUse(f"{words}: claims lie in it, and paid pictures that are not on the shelf yet.")
        if self.ledger.is_dir():
            words = f"{self.work} is missing. Put it back: claims lie in it, and paid pictures not yet on the shelf."
            raise WrongUse(f"{words} If it cannot be had any more, make an empty one: {init_command(self.root)}")
        raise WrongUse(f"There is no factory folder at {self.root}. Make one: {init_command(self.root)}")

    @property
    def inbox(self) -> Path:
        return self.root / "Inbox"

    @property
    def held(self) -> Path:
        return self.root / "Held"

    @property
    def rejected(self) -> Path:
        return self.root / "Rejected"

    @property
    def projects(self) -> Path:
        return self.root / "Projects"

    @property
    def library(self) -> Path:
        return self.root / "Library"

    @property
    def models(self) -> Path:
        return self.library / "models"

    @property
    def ledger(self) -> Path:
        return self.root / "Ledger"

    @property
    def settings_file(self) -> Path:
        return self.root / "artfactory.yaml"

    @property
    def work(self) -> Path:
        """Never to be deleted: claims, commands, and paid pictures not yet on the shelf."""
        return self.root / ".work"

    @property
    def claims(self) -> Path:
        return self.work / "claims"

    @property
    def commands(self) -> Path:
        return self.work / "commands"

    @property
    def holder_file(self) -> Path:
        return self.work / "holder.json"

    @property
    def identity_file(self) -> Path:
        return self.work / "home.json"

    @property
    def private(self) -> Path:
        """Only what can be derived."""
        return self.root / ".artfactory"

    @property
    def index_file(self) -> Path:
        return self.private / "index.sqlite3"

    @property
    def last_settings(self) -> Path:
        """Those a daemon used last."""
        return self.private / "settings.yaml"

    @property
    def checked_settings(self) -> Path:
        """Tells which settings were good, so that a command that only looks need not load what checks them."""
        return self.private / "settings.checked"

    @property
    def told(self) -> Path:
        """What providers say about their models, as they were last asked."""
        return self.private / "models"

    @property
    def logs(self) -> Path:
        return self.private / "logs"

    @property
    def temp(self) -> Path:
        return self.private / "temp"

    def make(self) -> None:
        """Make every folder that is missing; what is there stays as it is."""
        self.check_held()
        self.check_place()
        folders = (
            self.inbox, self.held, self.rejected, self.projects, self.models, self.ledger,
            self.claims, self.commands, self.logs, self.temp,
        )  # fmt: skip
        with _as_wrong_use(f"The folder {self.root} cannot be made"):
            durable.make_folders(self.root)
        for folder in folders:
            if folder.is_symlink() and not folder.exists():
                raise WrongUse(f"{folder} is a link to {folder.readlink()}, which is not there. Connect that disk.")
            with _as_wrong_use(f"The folder {folder} cannot be made"):
                durable.make_folders(folder, 0o700 if _is_private(folder, self) else 0o777)

    def check_inbox(self, inbox: Path) -> str | None:
        """Why this folder cannot be the inbox; None when it can. Links are followed, of the home's own folders too.

        Whatever lies in the inbox is taken away: around the home or in it, it would be the ledger, products, settings.
        """
        if inbox == self.inbox and not inbox.is_symlink():
            return None
        own_folders = (
            self.root, self.held, self.rejected, self.projects, self.library, self.ledger, self.work, self.private,
        )  # fmt: skip
        try:
            folder = inbox.resolve()
            for own in (own.resolve() for own in own_folders):
                if folder != self.root.resolve() / "Inbox" and (_below(own, folder) or _below(folder, own)):
                    return f"{inbox} lies around or inside {own}, whose files would be taken for orders and set aside."
        except (OSError, RuntimeError):  # a link to itself: looking into it will tell
            pass
        return None

    def check_place(self) -> None:
        """Raise WrongUse with the reason when a factory folder cannot live here."""
        with _as_wrong_use(f"{self.root} cannot be used as the factory folder"):
            root = self.root.resolve()
            reason = _guarded_here(root) or network_place(root, mounts.mounts()) or _unusable(root)
        if reason:
            raise WrongUse(f"{root} cannot be the factory folder: {reason}")

    @contextmanager
    def lock(self, command: str = "run") -> Iterator[Home]:
        """Hold this home; only the holder writes ledger and index. HomeLocked names who holds it now.

        The kernel keeps the lock on the folder itself and frees it when this process dies, however
        it dies. The descriptor is closed on exec; a child made by fork alone would share the lock.
        What works in the home takes the one that is given: it knows which folder is locked (`check_held`).
        """
        self.check_made()
        descriptor = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self._take(descriptor)
            home = replace(self, locked=_identity(os.fstat(descriptor)))
            home.check_held()  # it may have been exchanged between the opening and the lock
            home = replace(home, introduced=home._introduce(command))
            try:
                yield home
            finally:
                home._forget_holder()
        finally:
            os.close(descriptor)

    def is_held(self) -> bool:
        """Whether a process holds it just now. Changes nothing."""
        descriptor = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)

    def at_work(self) -> Holder | None:
        """Who holds it just now. The lock decides, whatever the holder's own file says; None in a copy."""
        holder = self.holder()
        with suppress(OSError):
            if not self.is_made or self.identity.copy_words or not self.is_held():
                return None
            if holder is None:
                is_there = os.path.lexists(self.holder_file)
                return {"unread": f"{self.holder_file} cannot be read" if is_there else "it is starting or stopping"}
        return holder

    def check_held(self) -> None:
        """Raise HomeMoved when the path does not lead to the folder that is locked any more.

        The lock and every open file go with the folder, while everything else goes by its path.
        """
        if self.locked is None:
            return
        try:
            there = _identity(os.stat(self.root))
            os.stat(self.work)
        except OSError as error:
            raise HomeMoved(
                f"{self.root} was moved or deleted while it was worked in ({error.strerror}). {_STOP}"
            ) from None
        if there != self.locked:
            raise HomeMoved(f"Another folder lies at {self.root} than the one that is worked in. {_STOP}")

    @property
    def identity(self) -> Identity:
        return Identity(self.root, self.identity_file)

    def check_original(self) -> None:
        """Raise WrongUse in a copy of another home."""
        self.identity.check()

    def settle(self, *, adopt: bool = False) -> None:
        """Write down where this home lies, when that is not known or has changed. `adopt`: a copy, too.

        Raises WrongUse in a copy. On a full disk it is written by the next start: this one has paid pictures to file.
        """
        if not adopt:
            self.check_original()
        with _as_wrong_use(f"{self.identity_file} cannot be written") if adopt else suppress(OSError, StorageFull):
            self.identity.write(anew=adopt)

    def holder(self) -> Holder | None:
        """None where no living process wrote one; after a crash another process may have its number by now.

        What came along with a copy tells of another home's holder.
        """
        try:
            holder: Holder = json.loads(entries.bounded(self.holder_file, entries.PAPER_BYTES))
            inode = os.stat(self.root).st_ino
        except (OSError, ValueError):
            return None
        if not is_holder(holder) or holder.get("inode", inode) != inode or self.identity.copy_words:
            return None
        return holder if is_alive(holder.get("pid")) else None

    def _take(self, descriptor: int) -> None:
        for _ in range(LOOKS):
            with suppress(BlockingIOError):
                return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            time.sleep(LOOK_LASTS)
        raise HomeLocked(self._who_holds())

    def _who_holds(self) -> str:
        holder = self.holder()
        if holder is None and os.path.lexists(self.holder_file):
            return f"{self.root} is held by another artfactoryd; which one cannot be read in {self.holder_file}."
        if holder is None:
            return f"{self.root} is held by another artfactoryd that is starting or stopping. Try again in a moment."
        return (
            f"{self.root} is held by process {holder['pid']} (artfactoryd {holder.get('command')}) since "
            f"{shown(holder.get('started_at', ''))}. Wait for it to end, or stop it: kill {holder['pid']}"
        )

    def tell(self, facts: Holder) -> None:
        """The holder adds to what it says of itself."""
        with _pen:
            self._write_holder({**(self.holder() or self.introduced or {}), **facts})

    def _introduce(self, command: str) -> Holder:
        started_at = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        inode = os.stat(self.root).st_ino
        holder: Holder = {"pid": os.getpid(), "started_at": started_at, "command": command, "inode": inode}
        self._write_holder(holder)
        return holder

    def _write_holder(self, holder: Holder) -> None:
        """For people only: a full disk must not keep the daemon from delivering."""
        durable.write_note(self.holder_file, f"{json.dumps(holder)}\n".encode())

    def _forget_holder(self) -> None:
        with suppress(OSError, HomeMoved):
            self.check_held()
            self.holder_file.unlink()


def _is_private(folder: Path, home: Home) -> bool:
    """Prompts, prices and what is not yet on the shelf are for their owner alone; the rest follows the umask."""
    return any(folder.is_relative_to(private) for private in (home.ledger, home.work, home.private))


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def user_folder(environ: Mapping[str, str]) -> Path:
    """`$HOME`, else what the system knows of this user. Raises WrongUse where it knows nothing (some containers)."""
    try:
        return Path(environ.get("HOME") or Path.home())
    except RuntimeError:
        raise WrongUse("This user has no home folder here. Name the factory folder with --home, or set HOME.") from None


def _guarded_here(root: Path) -> str | None:
    """A user without a home folder has no Desktop either."""
    try:
        return guarded_place(root, user_folder(os.environ))
    except WrongUse:
        return None


def guarded_place(root: Path, user: Path) -> str | None:
    """Why a folder below this user's Desktop, Documents, Downloads or iCloud is no home; None elsewhere."""
    if ICLOUD in root.parts or _below(root, user / "Library" / "Mobile Documents"):
        return "it is in iCloud, which moves files out to the cloud while they are needed. Choose a folder outside."
    for name in ("Desktop", "Documents", "Downloads"):
        if _below(root, user / name):
            return (
                f"it is under {name}, where macOS asks before a background program may read, and iCloud may take "
                f"files away. Choose a folder outside, for example {user / 'ArtFactory'}."
            )
    return None


def _below(root: Path, folder: Path) -> bool:
    """True also where the spelling differs but the disk knows one folder (`~/desktop` on a Mac)."""
    folder = folder.resolve()
    if root.is_relative_to(folder):
        return True
    return folder.exists() and any(above.exists() and above.samefile(folder) for above in (root, *root.parents))


def _unusable(root: Path) -> str | None:
    if root.exists():  # else making it will tell
        if not root.is_dir():
            return "it is a file, not a folder."
        durable.try_writing(root)
    return None


@contextmanager
def _as_wrong_use(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WrongUse(f"{what}: {error.strerror}. Check who owns it, or choose another with --home.") from error
