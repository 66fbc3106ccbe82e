"""Where the file that an order names lies: beside it, in the Library, on the shelf, or at an address.

What does not lie beside the order is kept with its claim from the first look on, so that an order that is
held for a week is made of the pictures it was accepted with.
"""

from __future__ import annotations

import asyncio
import difflib
import hashlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from artfactoryd.core.names import folded, nfc
from artfactoryd.core.parameters.file_refs import PRODUCT, is_address, is_product
from artfactoryd.core.slug import slug
from artfactoryd.durable import make_folders, move
from artfactoryd.errors import AskAgain, OutputBad, OutputLost, Problem
from artfactoryd.errors import Path as KeyPath
from artfactoryd.home import Home
from artfactoryd.planning.input_patterns import LIBRARY, pictures_in
from artfactoryd.storage.index import Index
from artfactoryd.storage.lists import recognition

MISSING = "E_INPUT_MISSING"
BACK = "Put it back, or name another."
BESIDE = "Put the picture beside the order and write its name."
PATIENCE = {"stall": 10.0, "total": 30.0}  # seconds for one address
SHORTEST = 6  # characters of a product's id
PLAIN_NAME = 80  # characters of a name taken from an address


@dataclass(frozen=True, slots=True)
class Place:
    """`root`: the folder below which no link is followed. `source`: where it is from, empty for beside the order."""

    file: Path
    root: Path
    name: str
    source: str = ""


def kept_name(value: str) -> str:
    """What the bytes of a file from elsewhere are called in `kept`."""
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def fetch(address: str, target: Path, most_bytes: int) -> None:
    """Raises what Fetcher.fetch raises."""
    from artfactoryd.shelf.fetch import (
        Fetcher,  # imported late: it takes longer to load than a command may take to answer
    )

    async def once() -> None:
        fetcher = Fetcher(target.parent, **PATIENCE)
        try:
            await fetcher.fetch(address, target, most_bytes=most_bytes)
        finally:
            await fetcher.close()

    asyncio.run(once())


@dataclass
class Gathering:
    """`kept`: where files from elsewhere are put; None: only for as long as this lives.

    `earlier`: the folder of the order that is made again; `sources`: where its inputs were from.
    """

    folder: Path | None
    root: Path  # of the home
    library: Path
    index: Index | None
    kept: Path | None = None
    most_bytes: int = 100_000_000
    earlier: Path | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    _passing: list[tempfile.TemporaryDirectory[str]] = field(default_factory=list)

    def find(self, value: str, path: KeyPath) -> Place | Problem:
        if is_address(value):
            return self._at_address(value, path)
        if is_product(value):
            return self._on_shelf(value, path)
        pure = PurePosixPath(value)
        if not value or pure.is_absolute() or ".." in pure.parts or value.startswith("~") or "\0" in value:
            return Problem("E_INPUT", f"{value!r} is not a path beside the order.", BESIDE, path)
        beside = spelled(self.folder, pure) if self.folder else None
        if beside is not None and os.path.lexists(beside):
            assert self.folder is not None
            if beside.is_dir() and not beside.is_symlink():
                instead = pictures_in(self.folder, beside.relative_to(self.folder).parts)
                fix = f"Write {instead} for all its pictures." if instead else "Name a picture in it."
                return Problem("E_INPUT", f"{value} is a folder.", fix, path)
            return Place(beside, self.folder, beside.name)
        return self._elsewhere(value, path)

    def _elsewhere(self, value: str, path: KeyPath) -> Place | Problem:
        inside = self.library / value.removeprefix(LIBRARY)
        if value.startswith(LIBRARY) and os.path.lexists(inside):
            return self._known(value) or Place(inside, self.library, inside.name, value)
        if value in self.sources and self.earlier and os.path.lexists(self.earlier / value):
            return Place(self.earlier / value, self.earlier, inside.name, self.sources[value])
        there = f"there is no {value} beside the order"
        near = near_name(self.folder, value)
        fix = f"Did you mean {near}?" if near else "Put it beside the order, or correct the name."
        return Problem(MISSING, f"{there}{' or there' if value.startswith(LIBRARY) else ''}.", fix, path)

    def _on_shelf(self, value: str, path: KeyPath) -> Place | Problem:
        wanted = value.removeprefix(PRODUCT).strip().lower()
        rows = self.index.products_beginning(wanted) if self.index and len(wanted) >= SHORTEST else []
        if len(rows) != 1:
            words = "is the beginning of more than one id" if rows else "is no product here"
            fix = f"`artfactoryd products` lists them; an id may be cut to {SHORTEST} characters or more."
            return Problem("E_INPUT", f"{value} {words}.", fix, path)
        row = rows[0]
        known = self._known(value)
        file = self.root / row.path
        if known is None and not file.is_file():
            return Problem("E_INPUT", f"{value} is no longer on the shelf ({row.path}).", BACK, path)
        place = known or Place(file, self.root, file.name)
        return Place(place.file, place.root, file.name, PRODUCT + row.id)

    def product_of(self, file: Path) -> str:
        """The id of the product that a picture beside the order is; empty where it is none, or may be several."""
        rows = recognition.products_of(Home(self.root), self.index, file) if self.index else []
        return rows[0].id if len(rows) == 1 else ""

    def _known(self, value: str) -> Place | None:
        """What an earlier look at the same order has kept."""
        file = self.kept / kept_name(value) if self.kept else None
        if file is None or self.kept is None or not file.is_file():
            return None
        return Place(file, self.kept, PurePosixPath(value).name, value)

    def _at_address(self, value: str, path: KeyPath) -> Place | Problem:
        shown = value.partition("?")[0][:200]
        if not value.lower().startswith("https://"):
            return Problem("E_INPUT", f"{shown} is not fetched: only https: addresses are.", BESIDE, path)
        folder = self._folder_for_now() if self.kept is None else self.kept
        target = folder / kept_name(value)
        try:
            if not target.is_file():
                make_folders(folder)
                arriving = target.with_name(target.name + ".part")
                fetch(value, arriving, self.most_bytes)
                move(arriving, target)
        except OutputBad as error:
            return Problem("E_INPUT", f"{shown} cannot be used: {_plain(error)}", BESIDE, path)
        except (OutputLost, AskAgain) as error:
            fix = f"Look at the address and the connection, then drop the order again. Or: {BESIDE}"
            return Problem("E_INPUT", f"{shown} cannot be fetched: {_plain(error)}", fix, path)
        return Place(target, folder, _name_in(value), value)

    def _folder_for_now(self) -> Path:
        if not self._passing:
            self._passing.append(tempfile.TemporaryDirectory(prefix="artfactoryd-"))
        return Path(self._passing[0].name)


def near_name(folder: Path | None, value: str) -> str:
    """Of what lies beside the order, or in the folder that is named, the file whose name is nearest, or the pattern for
    the pictures of the folder; empty where none is near."""
    *above, last = value.rstrip("/").split("/")
    try:
        for part in above:
            names = os.listdir(folder or "")
            folder = Path(folder or "") / next((name for name in names if folded(name) == folded(part)), part)
        names = [name for name in os.listdir(folder or "") if not name.startswith(".")]
    except OSError:
        return ""
    by_case = {_stem(name): name for name in names}
    near = difflib.get_close_matches(_stem(last), by_case, n=1, cutoff=0.7)
    if not near or folder is None:
        return ""
    path = folder / by_case[near[0]]
    below = path.parts[len(path.parts) - len(above) - 1 :]
    return pictures_in(path, ()) and "/".join((*below, pictures_in(path, ()))) if path.is_dir() else "/".join(below)


def _stem(name: str) -> str:
    """Without its ending: two that share only that are not near."""
    return os.path.splitext(nfc(name).casefold())[0]


def spelled(folder: Path, value: PurePosixPath) -> Path:
    """The path as it lies there: a disk or a desktop may spell the letters of a name in another Unicode form."""
    path = folder / value
    if str(value).isascii() or os.path.lexists(path):
        return path
    for part in value.parts:
        try:
            names = os.listdir(folder)
        except OSError:
            return path
        twin = next((name for name in names if nfc(name) == nfc(part)), None)
        if twin is None:
            return path
        folder = folder / twin
    return folder


def _plain(error: Exception) -> str:
    """The fetcher speaks of outputs; this is an input."""
    return (
        str(error)
        .replace("The output host", "The host")
        .replace("An output", "A picture")
        .replace("The output", "The picture")
        .replace("the output", "the picture")
    )


def _name_in(address: str) -> str:
    """A file name from the end of an address, without what a disk or a person would stumble over."""
    end = PurePosixPath(unquote(urlsplit(address).path)).name
    stem, dot, ending = end.rpartition(".")
    ending = slug(ending, 5, "") if dot else ""
    return slug(stem if dot else end, PLAIN_NAME) + (f".{ending}" if ending else "")
