"""What a pattern of paths or a query in a file parameter stands for: pictures beside the order, in the Library,
or on the shelf. Looked at when the order is understood; the acceptance keeps what was found."""

from __future__ import annotations

import contextlib
import difflib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path, PurePosixPath

from artfactoryd.core.inbox_rules import is_order_name
from artfactoryd.core.names import folded, nfc
from artfactoryd.core.parameters.file_refs import PRODUCT, PRODUCTS, is_pattern, is_query
from artfactoryd.core.query import QueryWrong, read_query
from artfactoryd.errors import Problem
from artfactoryd.shelf.sheets.marks import is_sheet
from artfactoryd.storage.index import Index
from artfactoryd.storage.lists import search

MOST_KINDS = 3  # of files that are told
PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".avif"})
MOST = 1000  # pictures that one pattern or query may find
LIBRARY = "Library/"
TABLE = ".csv"
BESIDE_PICTURES = (".xmp", ".aae", ".pp3")  # what photo programs keep beside them


class Patterns(Mapping[str, Sequence[str] | Problem]):
    """By what is written. `missing`: patterns that find nothing (yet)."""

    def __init__(self, folder: Path | None, library: Path, index: Index | None) -> None:
        self._folder, self._library, self._index = folder, library, index
        self._found: dict[str, Sequence[str] | Problem] = {}
        self.missing: list[str] = []

    def __getitem__(self, value: str) -> Sequence[str] | Problem:
        if value not in self._found:
            self._found[value] = self._look(value)
        return self._found[value]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def _look(self, value: str) -> Sequence[str] | Problem:
        if not (is_query(value) or is_pattern(value)):
            raise KeyError(value)
        found = self._products(value) if is_query(value) else self._paths(value)
        if not isinstance(found, Problem) and len(found) > MOST:
            return _wrong(f"{value} finds more than {MOST} pictures.", "Ask for fewer.")
        if not found and is_pattern(value):
            self.missing.append(value)
            there, instead = lying_there(self._folder, PurePosixPath(value))
            meant = f"Did you mean {instead}?"
            fix = meant if instead else "Put the pictures beside the order, or correct the pattern."
            return Problem("E_INPUT_MISSING", f"{value} finds no picture; {there}.", fix)
        return found

    def _products(self, value: str) -> Sequence[str] | Problem:
        """Newest first, as `products` lists them, without what is no picture."""
        query = value.removeprefix(PRODUCTS).strip()
        if not query:
            return _wrong("a query is missing behind products:", "Say which: products:project:cars")
        try:
            read_query(query)
            rows = islice(search.find(self._index, query), MOST + 1) if self._index else ()
            return [PRODUCT + row.product.id for row in rows if row.product.mime.startswith("image/")]
        except QueryWrong as error:
            return _wrong(str(error).partition("\n")[0], "Correct the query; docs/orders.md has the language.")

    def _paths(self, value: str) -> Sequence[str] | Problem:
        pure = PurePosixPath(value)
        if pure.is_absolute() or ".." in pure.parts or value.startswith("~") or "\0" in value:
            return _wrong(f"{value!r} is not a pattern of paths beside the order.", "Write it as photos/*.jpg.")
        found = matches(self._folder, value) if self._folder else []
        if not found and value.startswith(LIBRARY):
            found = [LIBRARY + each for each in matches(self._library, value.removeprefix(LIBRARY))]
        return found


def _wrong(message: str, fix: str) -> Problem:
    return Problem("E_INPUT", message, fix)


def lying_there(folder: Path | None, value: PurePosixPath) -> tuple[str, str]:
    """Of a path or a pattern that finds nothing: what lies in the folder it leads into (`in photos lie 50 .jpg and
    1 .txt`), and the pattern that finds the pictures there; empty where there are none.
    """
    if folder is None or not folder.is_dir():
        return "nothing lies beside the order", ""
    below: list[str] = []
    for part in value.parts[:-1]:
        same = [one for one in _folders(folder, below) if folded(one) == folded(part)]
        if is_pattern(part) or not same:
            break
        below.append(same[0])
    is_whole, where = len(below) == len(value.parts) - 1, "/".join(below)
    lost = value.parts[len(below)] if not is_whole and not is_pattern(value.parts[len(below)]) else ""
    kinds = _kinds(folder, below).most_common(MOST_KINDS)
    parts = [f"{count} {kind}" for kind, count in kinds]
    if not is_whole or not parts:
        parts += [f"the folder {name}" for name in _folders(folder, below)[:MOST_KINDS]]
    place = f"in {where}" if where else "beside the order"
    lie = "lies" if len(parts) == 1 and not kinds else "lie"
    there = f"{place} {lie} {' and '.join(parts)}" if parts else f"nothing lies {place}"
    instead = pictures_in(folder, below) if is_whole else _near_folder(folder, below, lost) if lost else ""
    return f"there is no folder {lost}; {there}" if lost else there, instead


def _near_folder(folder: Path, below: Sequence[str], lost: str) -> str:
    """The pattern for the pictures of a folder that was most likely meant."""
    folders = _folders(folder, below)
    near = folders if len(folders) == 1 else difflib.get_close_matches(lost, folders, n=1, cutoff=0.6)
    return pictures_in(folder, [*below, *near]) if near else ""


def pictures_in(folder: Path, below: Sequence[str]) -> str:
    """The pattern that finds the pictures of a folder, of the kind that most are; empty where there are none."""
    ending = next((kind for kind, _ in _kinds(folder, below).most_common() if kind in PICTURES), "")
    return "/".join([*below, f"*{ending}"]) if ending else ""


def _kinds(folder: Path, below: Sequence[str]) -> Counter[str]:
    names = [path.name for path in _entries(folder, below) if path.is_file() and not _is_its_own(path.name)]
    return Counter(PurePosixPath(name).suffix.lower() or name for name in names)


def _folders(folder: Path, below: Sequence[str]) -> list[str]:
    entries = [path for path in _entries(folder, below) if path.is_dir() and not path.is_symlink()]
    return sorted(path.name for path in entries if not path.name.startswith("."))


def _entries(folder: Path, below: Sequence[str]) -> list[Path]:
    """As far as they can be read: only words depend on them."""
    with contextlib.suppress(OSError):
        return list(islice(folder.joinpath(*below).iterdir(), MOST))
    return []


def _is_its_own(name: str) -> bool:
    return name.startswith(".") or is_order_name(name) or name.lower().endswith(BESIDE_PICTURES)


def matches(folder: Path, pattern: str) -> list[str]:
    """Files, by their names' order. Hidden ones, links, orders, tables, contact sheets of ours and what photo
    programs keep beside a picture are passed over."""
    if not folder.is_dir():
        return []
    pattern = re.sub(r"[^\x00-\x7f]+", "*", pattern)  # a disk may spell a letter in another way than the order
    pattern = pattern.replace("[", "[[]")
    spelled = re.sub(r"[a-zA-Z]", lambda letter: f"[{letter[0].lower()}{letter[0].upper()}]", pattern)
    paths = [path.relative_to(folder) for path in islice(folder.glob(spelled), 100 * MOST)]
    kept = [path for path in paths if _may_be_picture(folder, path)]
    return [path.as_posix() for path in sorted(kept, key=lambda path: nfc(path.as_posix()))]


def fits(name: str, pattern: str) -> bool:
    """Whether a pattern of one name finds a file of that name, in whatever letters."""
    return not name.startswith(".") and fnmatchcase(nfc(name).casefold(), nfc(pattern).casefold().replace("[", "[[]"))


def _may_be_picture(folder: Path, path: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.parts)
    if hidden or _is_its_own(path.name) or path.suffix.lower() == TABLE:
        return False
    links = any((folder / each).is_symlink() for each in (path, *path.parents))
    return not links and (folder / path).is_file() and not is_sheet(folder / path)
