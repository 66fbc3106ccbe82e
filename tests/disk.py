"""A disk that fails on demand, one at which the program is killed, and one whose power is cut.

Doubles around the few calls that write below a home.

They see only what the program itself does there; the index (SQLite writes in C) and the logs are left alone, because
they can be made again.
"""

from __future__ import annotations

import io
import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

PATHS = ("open", "link", "rename", "replace", "unlink", "mkdir")  # calls of `os` that name what they write to first
NUMBERS = ("write", "fsync", "ftruncate")  # those that are given an open file
Site = tuple[str, ...]  # a call with the lines that lead to it: one place of the program


def _place(fd: int) -> str:
    """The path of an open file."""
    try:
        return os.readlink(f"/proc/self/fd/{fd}")
    except OSError:
        import fcntl

        return fcntl.fcntl(fd, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0").decode()  # type: ignore[attr-defined]


def _site(call: str) -> Site:
    """Empty when it is not the program that calls."""
    frame, lines = sys._getframe(2), list[str]()
    while frame is not None and len(lines) < 4:
        file = frame.f_code.co_filename
        if "/artfactoryd/" in file:
            lines.append(f"{file.rpartition('/')[2]}:{frame.f_lineno}")
        elif "/tests/" in file and not file.endswith("disk.py"):
            break
        frame = frame.f_back  # type: ignore[assignment]
    return (call, *lines) if lines else ()


class Disk:
    """Under a home. `before` and `after` are told of each call of the program that changes something there."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self._patch = root, monkeypatch
        for name in PATHS:
            monkeypatch.setattr(os, name, self._by_path(name, getattr(os, name)))
        for name in NUMBERS:
            monkeypatch.setattr(os, name, self._by_number(name, getattr(os, name)))
        monkeypatch.setattr(io, "open", self._by_path("open", io.open))

    def before(self, site: Site, call: str, place: str) -> None: ...

    def after(self, call: str, fd: int) -> None: ...

    def _ours(self, place: str) -> bool:
        return place.startswith(f"{self.root}{os.sep}") and f"{os.sep}.artfactory{os.sep}" not in place

    def _by_path(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any, *rest: Any, **named: Any) -> Any:
            changes = name != "open" or _writes(rest)
            place = os.path.abspath(os.fspath(path)) if changes and not isinstance(path, int) else ""
            if place and self._ours(place) and (site := _site(name)):
                self.before(site, name, place)
            return real(path, *rest, **named)

        return call

    def _by_number(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(fd: int, *rest: Any) -> Any:
            if self._ours(place := _place(fd)) and (site := _site(name)):
                self.before(site, name, place)
            done = real(fd, *rest)
            if place:
                self.after(name, fd)
            return done

        return call


def _writes(rest: tuple[Any, ...]) -> bool:
    first = rest[0] if rest else "r"
    return bool(first & (os.O_WRONLY | os.O_RDWR)) if isinstance(first, int) else any(each in first for each in "wax+")


class Failing(Disk):
    """Fails the first call at each of some sites; `sites` is every site there was, in order."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(root, monkeypatch)
        self.sites: dict[Site, str] = {}  # and what was written to, for a person who reads a failure
        self.failing: dict[Site, int] = {}  # error numbers
        self.failed: list[Site] = []

    def before(self, site: Site, call: str, place: str) -> None:
        self.sites.setdefault(site, place)
        number = self.failing.pop(site, None)
        if number is not None:
            self.failed.append(site)
            raise OSError(number, os.strerror(number), place)


class Kill(BaseException):
    """The process ends here. Whoever catches it to tidy up is killed again at his first call."""


class Killing(Disk):
    """Ends the program before its call number `last`, counted from 0; None: counts alone."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch, last: int | None) -> None:
        super().__init__(root, monkeypatch)
        self.calls, self._last = 0, last

    def before(self, site: Site, call: str, place: str) -> None:
        if self._last is not None and self.calls >= self._last:
            raise Kill
        self.calls += 1


class PowerCut(Disk):
    """Remembers what was flushed: contents of files by fsync, names by fsync of their folder. Nothing else lasts."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(root, monkeypatch)
        self._data: dict[int, bytes] = {}
        self._names: dict[int, dict[str, tuple[int, bool]]] = {}
        self._pins: list[int] = []  # files kept open, so that no other gets their number
        self._renamed: list[tuple[int, str, int]] = []  # folder, name and number of what was there before
        self.told: Callable[[], None] = lambda: None
        for folder, _, files in os.walk(root):
            self._keep(folder)
            for name in files:
                self._keep(os.path.join(folder, name))

    def before(self, site: Site, call: str, place: str) -> None:
        if call in ("rename", "replace"):
            folder, name = os.path.split(place)
            self._renamed.append((os.stat(folder).st_ino, name, os.lstat(place).st_ino))

    def after(self, call: str, fd: int) -> None:
        if call == "fsync" and (self._ours(place := _place(fd)) or place == str(self.root)):
            self._keep(place)
            self.told()

    def _keep(self, place: str) -> None:
        found = os.stat(place, follow_symlinks=False)
        if stat.S_ISDIR(found.st_mode):
            with os.scandir(place) as entries:
                names = self._names[found.st_ino] = {each.name: (each.inode(), each.is_dir()) for each in entries}
            for folder, name, number in self._renamed:  # a rename is one step: no disk shows both names after it
                was = self._names.get(folder, {})
                if folder != found.st_ino and was.get(name, (0,))[0] == number in {each[0] for each in names.values()}:
                    del was[name]
        elif stat.S_ISREG(found.st_mode):
            with open(place, "rb") as file:
                self._data[found.st_ino] = file.read()
                self._pins.append(os.dup(file.fileno()))

    def left(self) -> dict[str, bytes | None]:
        """What is there when the power comes back: paths with their bytes, None for folders. Without the index."""
        return dict(self._below(os.stat(self.root).st_ino, ""))

    def _below(self, folder: int, path: str) -> Iterator[tuple[str, bytes | None]]:
        for name, (number, is_folder) in sorted(self._names.get(folder, {}).items()):
            if path == "" and name == ".artfactory":
                continue
            yield path + name, None if is_folder else self._data.get(number, b"")
            if is_folder:
                yield from self._below(number, f"{path}{name}/")

    def close(self) -> None:
        for fd in self._pins:
            os.close(fd)


def lay_down(files: dict[str, bytes | None], root: Path) -> None:
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    for name, data in files.items():
        path = root / name
        if data is None:
            path.mkdir()
        else:
            path.write_bytes(data)


@contextmanager
def failing(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Failing]:
    with monkeypatch.context() as patched:
        yield Failing(root, patched)


@contextmanager
def killing(root: Path, monkeypatch: pytest.MonkeyPatch, last: int | None = None) -> Iterator[Killing]:
    with monkeypatch.context() as patched:
        yield Killing(root, patched, last)


@contextmanager
def power_cut(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PowerCut]:
    with monkeypatch.context() as patched:
        disk = PowerCut(root, patched)
        try:
            yield disk
        finally:
            disk.close()
