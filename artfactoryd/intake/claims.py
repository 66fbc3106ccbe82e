"""What was dropped, once it is ours: taken durably, then rejected, held or cleared. Never overwritten, never lost.

    .work/claims/ID/claim.json      what was dropped, from where, for which project; durable before the rename
    .work/claims/ID/dropped/NAME    the file or folder itself
    .work/claims/ID/readings        one byte for each time its reading began
    .work/claims/held.json          the entries in Held/ and whose they are

A verb that was killed is simply called again: it finds what it had done and does the rest.
"""

from __future__ import annotations

import errno
import itertools
import json
import os
import secrets
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from artfactoryd import entries
from artfactoryd.core.names import folded
from artfactoryd.durable import (
    copy,
    hand_over,
    make_folder,
    make_folders,
    move,
    move_new,
    move_to_free,
    rename,
    share_equal,
    tally,
    write_file,
)
from artfactoryd.errors import StorageFull
from artfactoryd.failpoints import point
from artfactoryd.intake import notices
from artfactoryd.intake.claim import Claim, read_json, record_in, source_of
from artfactoryd.medium import NO_ROOM, flush_folder, storage_errors
from artfactoryd.printable import paper

CLEARED = ".cleared-"
CARRYING = "carrying.txt"  # in a claim: the name in Rejected under which it is being copied


class Claims:
    """The claims of one home. Verbs may be called from several threads; one runs at a time.

    They raise StorageFull when the disk refuses, with nothing lost.
    """

    def __init__(self, folder: Path, rejected: Path, held: Path) -> None:
        self.folder, self.rejected, self.held = folder, rejected, held
        self._held_file = folder / "held.json"
        self._lock = threading.RLock()
        self.owed = set[str]()  # ids of those that a person decided about, and of which the disk did not take the rest

    # --- taking ---

    def take(
        self, entry: Path, *, id: str, project: str | None, taken_at: str, stray: tuple[str, str] | None = None,
        defaults: Mapping[str, str] | None = None,
    ) -> Claim | None:  # fmt: skip
        """Take what lies at `entry`; None when somebody else removed it. A link is taken as a link.

        `defaults`: the texts of its drop-box's. `stray`: what it is instead of an order, and what would work. Whatever
        is raised, `entry` lies where it was.
        OSError: it cannot be read, its own disk cannot, or it is in use.
        """
        with self._lock:
            if not os.path.lexists(entry):
                return None
            folder = entries.is_folder(entry)
            name = entries.safe_name(entry.name, folder)
            word = notices.stray_text(name, *stray) if stray else ""
            kind = "bundle" if folder else "file"
            claim = Claim(id, self.folder / id, name, project, kind, taken_at, defaults or {}, word)
            if not stray:  # here a person sees it and can help; an order in `.work` nobody sees
                entries.check_readable(entry)
            with storage_errors(self.folder):
                if not self.folder.exists():
                    make_folders(self.folder)
                make_folder(claim.folder)
            try:
                self._record(claim, entry)
                self._move_in(entry, claim)
            except Exception as error:
                self._discard(claim.folder)
                if isinstance(error, FileNotFoundError):
                    return None
                raise
            point("claim_renamed")  # from here on it is ours, whatever happens
            with storage_errors(self.folder):
                flush_folder(claim.entry.parent)
            with suppress(OSError):  # another disk's folder need not know how
                flush_folder(entry.parent)
            return claim

    def _record(self, claim: Claim, entry: Path) -> None:
        record = {**asdict(claim), "folder": None, "source": str(entry.absolute())}
        with storage_errors(self.folder):
            make_folder(claim.folder / "dropped")
            write_file(claim.folder / "claim.json", _json(record))
            flush_folder(self.folder)
        point("claim_recorded")

    def _move_in(self, entry: Path, claim: Claim) -> None:
        try:
            rename(entry, claim.entry)
        except OSError as error:
            if error.errno != errno.EXDEV:
                with storage_errors(entry):
                    raise
            self._carry(entry, claim)

    def _carry(self, entry: Path, claim: Claim) -> None:
        """From another volume. Hidden first, so that it is taken once, and whole, whenever we are killed."""
        hidden = _hidden(entry, claim.id)
        with storage_errors(entry):
            rename(entry, hidden)
        point("claim_hidden")
        try:
            self._copy_in(hidden, claim)
        except Exception:
            names = itertools.chain([entry.name], entries.numbered(entry.name, entries.is_folder(hidden)))
            move_to_free(hidden, map(entry.with_name, names))
            raise

    def _copy_in(self, hidden: Path, claim: Claim) -> None:
        arriving = claim.folder / "arriving"
        entries.remove(arriving)
        try:
            copy(hidden, arriving)
        except OSError as error:
            if error.errno in NO_ROOM:
                with storage_errors(self.folder):
                    raise
            raise
        point("claim_copied")
        with storage_errors(self.folder):
            move(arriving, claim.entry)
        point("claim_arrived")
        entries.remove(hidden)

    def open(self) -> list[Claim]:
        """The claims that are not cleared, oldest first. A taking that was killed is finished or undone here."""
        with self._lock:
            if not self.folder.is_dir():
                return []
            folders = []
            for path in self.folder.iterdir():
                if path.name.startswith(CLEARED):  # an entry of Held/ may be a file
                    entries.remove(path)
                elif path.is_dir():
                    folders.append(path)
            claims = [self._reopen(folder) for folder in folders]
        return sorted((claim for claim in claims if claim), key=lambda claim: (claim.taken_at, claim.id))

    def _reopen(self, folder: Path) -> Claim | None:
        """The claim in `folder`; None when it is done with, when nothing was taken, or when its volume is away."""
        record = record_in(folder)
        if record is None:
            self._discard(folder)
            return None
        source = Path(record.pop("source"))
        claim = Claim(**{**record, "folder": folder})
        hidden = _hidden(source, claim.id)
        if os.path.lexists(claim.entry):
            entries.remove(hidden)
            return claim
        if not source.parent.is_dir():
            return None  # its volume is away, perhaps with the hidden file on it: look again next time
        if not os.path.lexists(hidden):
            self._discard(folder)
            return None
        try:
            self._copy_in(hidden, claim)
        except (OSError, StorageFull):
            return None
        return claim

    def give_back(self, claim: Claim) -> bool:
        """To where it was dropped, as if it had never been taken; False where something else lies there by now."""
        source = source_of(claim)
        with self._lock:
            if source is None or not source.parent.is_dir() or os.path.lexists(source):
                return False
            if os.lstat(claim.entry).st_dev != os.stat(source.parent).st_dev:
                return False
            try:
                move_new(claim.entry, source)
            except OSError:
                return False
            with storage_errors(self.folder):
                self._discard(claim.folder)
            return True

    # --- reading ---

    def begin_reading(self, claim: Claim) -> int:
        """How often reading this has begun without an end, this time included: a file may kill its reader."""
        with storage_errors(claim.folder):
            return tally(claim.folder / "readings", flushed=True)

    def finish_reading(self, claim: Claim) -> None:
        (claim.folder / "readings").unlink(missing_ok=True)

    def fingerprint(self, claim: Claim) -> str:
        """The same for the same bytes; of a bundle what `submit` and desktops add does not count."""
        return entries.digest(claim.entry)

    # --- where it ends ---

    def reject(self, claim: Claim, text: str) -> Path:
        """Move it to Rejected with its word beside it. The word is there first; nothing there is overwritten."""
        with self._lock, storage_errors(self.rejected):
            make_folders(self.rejected)
            if not claim.folder.exists():
                return self.rejected / claim.name
            word = claim.folder / "word.txt"
            write_file(word, paper(text))
            target = self._lay_down(claim, word)
            flush_folder(self.rejected)
            point("reject_moved")
            self._discard(claim.folder)
            return target

    def _lay_down(self, claim: Claim, word: Path) -> Path:
        names = entries.numbered(claim.name, claim.kind == "bundle")
        while True:
            target = self.rejected / next(names)
            error_text = target.with_name(target.name + ".error.txt")
            if entries.same(claim.entry, target) or self._was_carried(claim, target):  # killed in `move_new`
                hand_over(word, error_text)
                entries.remove(claim.entry)
                return target
            if os.path.lexists(target) or not share_equal(word, error_text):
                continue
            flush_folder(self.rejected)
            point("reject_text")
            self._note_carrying(claim, target)
            try:
                move_new(claim.entry, target)
            except FileExistsError:  # a person was quicker
                error_text.unlink(missing_ok=True)
                continue
            return target

    def _note_carrying(self, claim: Claim, target: Path) -> None:
        """To another volume it is copied: under which free name is written down, so that it lies there once."""
        if os.lstat(claim.entry).st_dev != os.stat(target.parent).st_dev:
            write_file(claim.folder / CARRYING, os.fsencode(target.name))
            point("reject_noted")

    def _was_carried(self, claim: Claim, target: Path) -> bool:
        """It is there whole, and was not taken away here any more."""
        try:
            noted = (claim.folder / CARRYING).read_bytes() == os.fsencode(target.name)
            return noted and os.path.lexists(target) and entries.digest(target) == entries.digest(claim.entry)
        except OSError:
            return False

    def clear(self, claim: Claim) -> None:
        """The claim is done with: what was dropped lives on in the order's folder."""
        with self._lock, storage_errors(self.folder):
            self._discard(claim.folder)

    def _discard(self, path: Path) -> None:
        """Gone in one step, so that no half of it is ever taken for the whole."""
        grave = self.folder / f"{CLEARED}{secrets.token_hex(8)}"
        try:
            hand_over(path, grave)
        except FileNotFoundError:
            return
        flush_folder(self.folder)
        point("claim_cleared")
        entries.remove(grave)

    # --- Held ---

    def hold(self, claim: Claim, text: str) -> str:
        """Lay a copy into Held with `text` beside it; the entry's name there. The claim stays: it is the original."""
        with self._lock:
            notes = self._entries()
            name = next((name for name, entry in notes.items() if entry["claim"] == claim.id), None)
            if name is None:
                name = self._free_entry(claim, notes)
                self._note_entry(name, {"claim": claim.id, "folder": None})
                point("hold_recorded")
            if notes.get(name, {}).get("folder") is None:
                self.restore_held(claim, name, text)
            return name

    def restore_held(self, claim: Claim, entry_name: str, text: str) -> None:
        """Make the entry and its reason (again), `Held/` itself too."""
        with self._lock, storage_errors(self.held):
            mark = self._mark_held()
            target = self.held / entry_name
            self._write_why(target, text)
            point("hold_text")
            if not os.path.lexists(target):
                twin = claim.folder / "twin"
                entries.remove(twin)
                copy(claim.entry, twin)
                point("hold_copied")
                move_new(twin, target)
            flush_folder(self.held)
            note = {"claim": claim.id, "folder": mark, "sha256": entries.digest(claim.entry)}
            self._note_entry(entry_name, note)

    def drop_held(self, entry_name: str) -> None:
        """The person has decided: entry and reason go. A copy that the person has edited is theirs, and stays."""
        if not entry_name:  # it has none: of an order that came back with a backup
            return
        with self._lock, storage_errors(self.held):
            target = self.held / entry_name
            note = self._entries().get(entry_name, {})
            if os.path.lexists(target) and "sha256" in note and entries.digest(target) != note["sha256"]:
                word = "This was changed while it was held; what was held has been decided meanwhile.\n"
                self._write_why(target, f"{word}To order it as it is now, move it to the Inbox.")
            else:
                self._discard(target)
                _why(target).unlink(missing_ok=True)
            if self.held.is_dir():
                flush_folder(self.held)
            self._note_entry(entry_name, None)

    def held_gone(self, entry_name: str) -> bool:
        """Taken out by a person, while Held itself is still the folder it was laid into."""
        is_there = not entry_name or os.path.lexists(self.held / entry_name)
        return not is_there and not self.held_vanished(entry_name)

    def held_vanished(self, entry_name: str) -> bool:
        """Gone together with `Held/` itself: nobody decided anything, `restore_held` is due."""
        with self._lock:
            if not entry_name or os.path.lexists(self.held / entry_name):
                return False
            mark = self._mark_of_held()
            note = self._entries().get(entry_name, {"folder": mark})
            return mark is None or note["folder"] != mark

    def _write_why(self, target: Path, text: str) -> None:
        word = self.folder / "word.txt"
        write_file(word, paper(text))
        hand_over(word, _why(target))

    def _free_entry(self, claim: Claim, notes: dict[str, Any]) -> str:
        """A name that is free in Held, and is not that of an entry a person is just moving to the Inbox."""
        known = {folded(name) for name in notes}

        def is_free(name: str) -> bool:
            target = self.held / name
            return folded(name) not in known and not any(map(os.path.lexists, (target, _why(target))))

        return next(filter(is_free, entries.numbered(claim.name, claim.kind == "bundle")))

    def _mark_held(self) -> str:
        """A folder is known again by a hidden file in it: a folder made anew may get the same inode."""
        make_folders(self.held)
        mark = self._mark_of_held()
        if mark is None:
            mark = secrets.token_hex(8)
            write_file(self.held / ".artfactory", mark.encode())
        return mark

    def _mark_of_held(self) -> str | None:
        try:
            return (self.held / ".artfactory").read_text(encoding="ascii")
        except (OSError, ValueError):
            return None

    def _entries(self) -> dict[str, Any]:
        return read_json(self._held_file) or {}

    def _note_entry(self, name: str, note: dict[str, Any] | None) -> None:
        notes = self._entries()
        notes.pop(name, None)
        write_file(self._held_file, _json(notes if note is None else {**notes, name: note}))


def _hidden(entry: Path, id: str) -> Path:
    return entry.with_name(f".taken-{id}")


def _why(target: Path) -> Path:
    return target.with_name(target.name + ".why.txt")


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, default=str).encode()
