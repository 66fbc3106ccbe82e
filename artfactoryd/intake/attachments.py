"""The pictures that a loose order in the inbox names, and what lies in a claim beside what its orders used.

A loose order's pictures are copied along, and go from the inbox only once the order is accepted or held:
another order dropped in the same moment may name the same picture, and an order that is rejected has no
claim to it. Only bytes that are safe in a claim are ever removed.
"""

from __future__ import annotations

import asyncio
import filecmp
import logging
import os
import stat
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from artfactoryd.core.inbox_rules import SUBMITTED, is_order_name
from artfactoryd.core.names import nfc
from artfactoryd.core.parameters.file_refs import is_pattern
from artfactoryd.durable import copy_link, make_folders, write_file
from artfactoryd.entries import READ_ONLY, Entry, everything_in, has_writer, in_editor, is_litter
from artfactoryd.errors import Problem, Refusal
from artfactoryd.intake.claim import Claim, source_of
from artfactoryd.medium import storage_errors
from artfactoryd.planning.defaults import mention
from artfactoryd.planning.input_patterns import matches
from artfactoryd.planning.inputs import behind_a_link
from artfactoryd.shelf.scanning.scanner import Scanner

log = logging.getLogger(__name__)

PATIENCE = 60.0  # seconds that an order waits for a file it names
NOT_READABLE = "E_READ"  # of a file that the order needs: nothing is wrong with the order
Version = tuple[int, ...]


class Attachments:
    """What orders named and where it lies in the inbox. Kept in memory: after a kill the claims tell it again."""

    def __init__(self) -> None:
        self._seen: dict[Path, tuple[Version, float]] = {}
        self._wanted: dict[str, set[Path]] = {}  # by claim that is not decided yet
        self._open: dict[str, list[str]] = {}  # by claim, what of it was open in an editor just now
        self._emptied: set[Path] = set()  # folders of bundles in which nothing is left once that is taken away
        self._safe: dict[Path, Version] = {}  # lie in the claim of an accepted order, byte for byte

    def is_spoken_for(self, stray: Path) -> bool:
        """An order has named it, or something in it: it is no stray."""
        named = {*self._safe, *(path for paths in self._wanted.values() for path in paths)}
        return any(path == stray or stray in path.parents for path in named)

    def in_editors(self, claim: Claim) -> str:
        """In words: which of the files that it names were open in an editor when they were last looked for."""
        names = self._open.get(claim.id, [])
        return f"{', '.join(names)}: open in an editor, and used when it is closed there." if names else ""

    def take_along(self, claim: Claim, names: Sequence[str], *, settle: float, wall: float, most_bytes: int) -> bool:
        """Copy those of `names` that lie quiet beside where the order lay; whether there were any.

        Of what is larger than `most_bytes` so much is copied that it is seen to be.
        """
        source, copied = source_of(claim), False
        if source is None or (claim.kind == "bundle" and not _is_rest(claim, source)):
            return False
        base = _base(claim, source)
        self._open[claim.id] = [name for name in names if in_editor(base / name)]
        for name in self._named(base, names, settle, wall):
            path = base / os.path.normpath(name)
            self._wanted.setdefault(claim.id, set()).add(path)
            if not behind_a_link(path.parent, base) and self._is_quiet(path, settle, wall):
                copied |= copy_beside(path, claim.beside / name, most_bytes)
        return copied

    def _named(self, folder: Path, names: Iterable[str], settle: float, wall: float) -> Iterator[str]:
        """Of a pattern all that it finds, once all of them lie quiet: what is still being copied may belong to it."""
        for name in names:
            if not is_pattern(name):
                yield name
                continue
            matching = matches(folder, name)
            quiet = [self._is_quiet(folder / match, settle, wall) for match in matching]  # all are to be seen
            if all(quiet):
                yield from matching

    def _is_quiet(self, path: Path, settle: float, wall: float) -> bool:
        """By its ctime, else (clocks differ) since this version of it was first seen."""
        try:
            status = os.lstat(path)
        except (OSError, ValueError):
            return False
        now, version = time.monotonic(), Entry(path, status).version
        if self._seen.get(path, (None, 0.0))[0] != version:
            self._seen[path] = (version, now)
        age = max(now - self._seen[path][1], wall - status.st_ctime)
        kind = stat.S_IFMT(status.st_mode)
        return (
            age >= settle
            and not in_editor(path)
            and (kind == stat.S_IFLNK or (kind == stat.S_IFREG and not has_writer(path)))
        )

    def given_back(self, claim: Claim) -> None:
        """It lies in the inbox again: nothing is wanted for it there."""
        for path in self._wanted.pop(claim.id, set()):
            self._seen.pop(path, None)

    def decided(self, claim: Claim) -> None:
        """In the books, its pictures' bytes are safe here for good; rejected, its claim is gone and nothing is."""
        self._open.pop(claim.id, None)
        wanted, source = self._wanted.pop(claim.id, set()), source_of(claim)
        for path in wanted:
            self._seen.pop(path, None)
        if source is None or (claim.kind == "bundle" and not _is_rest(claim, source)):
            return
        base = _base(claim, source)
        if claim.kind == "bundle":  # a part of it came when it was taken already
            self._emptied.add(source)
        for entry in everything_in(claim.beside):
            path = base / entry.path.relative_to(claim.beside)
            with suppress(OSError):
                version = Entry(path, os.lstat(path)).version
                regular = stat.S_ISREG(os.lstat(path).st_mode) and not behind_a_link(path.parent, base)
                if mention(claim.defaults, entry.name):  # it belongs to the drop-box, for the orders to come
                    continue
                if entry.kind == "file" and regular and filecmp.cmp(path, entry.path, shallow=False):
                    self._safe[path] = version

    @property
    def any_safe(self) -> bool:
        return bool(self._safe or self._emptied)

    def take_away(self) -> None:
        """What is safe goes from the inbox, unless it changed meanwhile or another order still wants it."""
        wanted = {path for paths in self._wanted.values() for path in paths}
        for path in [path for path in self._safe if path not in wanted]:
            version = self._safe.pop(path)
            try:
                if Entry(path, os.lstat(path)).version == version:
                    path.unlink()
            except FileNotFoundError:
                pass
            except OSError as error:
                log.warning("%s stays in the inbox: %s", path.name, error.strerror)
        while self._emptied:
            with suppress(OSError):  # something else came
                self._emptied.pop().rmdir()


async def check(claim: Claim, scanner: Scanner, scanned: Collection[Path] = ()) -> Collection[Path]:
    """What came with an order is scanned, but for what was `scanned` before; what was by now. Raises Refusal: of what
    something is known in, and (it waits then) of what cannot be scanned and must be."""
    if not scanner.is_on:
        return scanned
    paths = [path for path in await asyncio.to_thread(_scanned_in, claim.beside) if path not in scanned]
    verdicts = await scanner.scan_all(paths)
    for path, verdict in zip(paths, verdicts, strict=True):
        if words := scanner.holds(verdict):
            raise Refusal([Problem(NOT_READABLE, words, "It goes on when it can be scanned.", file=path.name)])
    fix = "It is set aside. Take it out of the order, or, where clamd is wrong, tell clamd so."
    problems = [
        Problem("E_SCAN", f"clamd found {verdict.found} in it.", fix, file=path.name)
        for path, verdict in zip(paths, verdicts, strict=True) if verdict.found
    ]  # fmt: skip
    if problems:
        raise Refusal(problems)
    return {*paths, *scanned}


async def known_in(claim: Claim, scanner: Scanner) -> str:
    """Of what is no order, and goes to Rejected in any case: in words what is known in it."""
    if not scanner.is_on:
        return ""
    paths = await asyncio.to_thread(_scanned_in, claim.entry)
    verdicts = await scanner.scan_all(paths)
    told = [f"- {path.name}: {one.found}" for path, one in zip(paths, verdicts, strict=True) if one.found]
    head = f"{claim.name} is no order, and clamd found something in it. It is set aside."
    return "\n".join([head, "", *told, ""]) if told else ""


def _scanned_in(place: Path) -> list[Path]:
    """Files only, and no orders: those are texts, read within bounds."""
    if os.path.islink(place):
        return []
    lying = [entry.path for entry in everything_in(place) if entry.kind == "file"] if place.is_dir() else [place]
    return [path for path in lying if path.is_file() and not is_order_name(path.name)]


def _is_rest(claim: Claim, folder: Path) -> bool:
    """What came to the place of a bundle after it was taken belongs to it; a folder with an order is another drop."""
    return os.path.isdir(folder) and not os.path.lexists(folder / claim.order_file.name)


def _base(claim: Claim, source: Path) -> Path:
    """From where names count: beside a loose order; of a bundle, where the rest of it comes to."""
    return source.parent if claim.kind == "file" else source


def copy_beside(path: Path, target: Path, most_bytes: int) -> bool:
    """False when it is not there (any more). A link is copied as a link, to be refused.

    Raises OSError when it cannot be read: that it is missing would be another problem than the true one.
    """
    try:
        if path.is_symlink():
            data = None
        else:
            with os.fdopen(os.open(path, READ_ONLY), "rb") as file:
                data = file.read(most_bytes + 1)
    except FileNotFoundError:
        return False
    with storage_errors(target.parent):
        make_folders(target.parent)
        if data is None:
            copy_link(path, target)
        else:
            write_file(target, data)
    return True


def leftovers(claim: Claim, used: Collection[str]) -> list[Path]:
    """Files in the claim that would be lost with it: not the order, nothing of `submit`, and used by no order.

    What `submit` brought is a copy: the person has the original.
    """
    if claim.kind == "bundle" and os.path.lexists(claim.entry / SUBMITTED):
        return []
    lying = [entry for entry in everything_in(claim.beside) if entry.kind != "folder"]
    paths = {str(entry.path.relative_to(claim.beside)) for entry in lying}
    named = [os.path.normpath(name) for name in used]
    exactly = paths.intersection(named)  # of two spellings of one name the other is another file
    otherwise = {nfc(name) for name in named if name not in exactly}
    return [
        entry.path for entry in lying
        if entry.path != claim.order_file and not is_litter(entry.name)
        and (path := str(entry.path.relative_to(claim.beside))) not in exactly and nfc(path) not in otherwise
    ]  # fmt: skip


def strip(claim: Claim, left: Collection[Path]) -> None:
    """Of a bundle only `left` remains, with the folders they lie in."""
    for entry in list(everything_in(claim.beside)):
        if entry.kind != "folder" and entry.path not in left:
            entry.path.unlink()
    for entry in sorted(everything_in(claim.beside), key=lambda entry: str(entry.path), reverse=True):
        if entry.kind == "folder":
            with suppress(OSError):  # not empty
                entry.path.rmdir()
