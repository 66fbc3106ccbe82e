"""Products that a person moved without their sidecars: found by the id that goes along, else by their bytes.

Looked for only when sidecars were left behind, or products are missing: each file's name, id and size are read then,
and whole files only where the size is that of one that is missed. A sidecar that lies beside a file with another
product's id, or of another size, is doubtful: both may have been laid where the other was.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from artfactoryd import entries
from artfactoryd.core.json_types import Json
from artfactoryd.shelf import reading
from artfactoryd.shelf.desktop import product_in
from artfactoryd.shelf.sidecars import CARD, sidecar_of


class Bytes(NamedTuple):
    size: int
    sha256: str


class Doubtful(NamedTuple):
    """`named`: the id that goes along with the file; empty where there is none."""

    file: Path
    card: Path
    id: str
    bytes: Bytes
    named: str


def doubt(file: str, size: int, card: str, sidecar: Json) -> Doubtful | None:
    """None where the sidecar is believed: the file has its id, or none and its size."""
    named, known = product_in(file) or "", _bytes_of(sidecar)
    is_doubtful = named != sidecar["id"] and (bool(named) or size != known.size)
    return Doubtful(Path(file), Path(card), sidecar["id"], known, named) if is_doubtful else None


class Doubts:
    """Of a walk over the shelf. `others`: once it is settled, those whose file is another product's."""

    def __init__(self, projects: Path) -> None:
        self._projects = projects
        self._doubtful = list[Doubtful]()
        self.others: Sequence[Doubtful] = ()

    def add(self, one: Doubtful) -> None:
        self._doubtful.append(one)

    def settle(self, known: Container[str], ours: Callable[[Iterable[str]], Container[str]]) -> list[tuple[Path, Path]]:
        """Files and sidecars that belong together. `known`: ids of those that lie by theirs. `ours`: of ids, those of
        products here. Raises OSError."""
        if not self._doubtful:
            return []
        cards = {one.id: (one.card, one.bytes) for one in self._doubtful if one.id not in known}
        cards |= {sidecar["id"]: (card, _bytes_of(sidecar)) for card, sidecar in _left_behind(self._projects)
                  if sidecar["id"] not in known and sidecar["id"] not in cards}  # fmt: skip
        settling = _Settling(self._doubtful, {id: bytes for id, (_, bytes) in cards.items()})
        elsewhere = {one.named for one in self._doubtful if one.named in known}
        settling.run(elsewhere, ours(one.named for one in self._doubtful))
        copies = [(one.file, one.card) for one in settling.rest if one.id in known and not one.named]
        self.others = [one for one in settling.rest if one.id not in known or one.named]
        return [*((one.file, cards[id][0]) for id, one in settling.chosen.items()), *copies]


class _Settling:
    """By id and bytes, then id, then bytes, then path; what lies in its own place with its own bytes comes first."""

    def __init__(self, doubtful: Sequence[Doubtful], wanted: Mapping[str, Bytes]) -> None:
        self._wanted, self.rest, self.chosen = wanted, [*doubtful], dict[str, Doubtful]()
        sizes = {bytes.size for bytes in wanted.values()}
        self._made = {one: Bytes(size, entries.sha256(one.file)) for one in doubtful
                      if (size := _size(one.file)) in sizes}  # fmt: skip

    def run(self, elsewhere: Container[str], ours: Container[str]) -> None:
        """`elsewhere`, `ours`: ids without a sidecar here; what carries one is no other product by its path."""
        self._believe(lambda one: one.id if self._is(one, one.id) and not self._is(one, one.named) else "")
        self._believe(lambda one: one.named if self._is(one, one.named) else "")
        self._believe(lambda one: one.named)
        self._believe(lambda one: next((id for id in self._wanted if id not in self.chosen and self._is(one, id)), ""))
        self._believe(lambda one: "" if any(one.named in ids for ids in (elsewhere, ours, self.chosen)) else one.id)

    def _is(self, one: Doubtful, id: str) -> bool:
        return id in self._wanted and self._made.get(one) == self._wanted[id]

    def _believe(self, belief: Callable[[Doubtful], str]) -> None:
        rest, self.rest = self.rest, []
        for one in rest:
            if (id := belief(one)) in self._wanted and id not in self.chosen:
                self.chosen[id] = one
            else:
                self.rest.append(one)


def without_cards(
    projects: Path, known: Container[str], others: Sequence[Doubtful] = ()
) -> Iterator[tuple[Path, Path]]:
    """Products with the sidecars that they left behind. `known`: ids of those that lie by theirs: the rest are copies.
    `others`: sidecars that were left behind beside another product.

    Raises OSError for what cannot be read.
    """
    left = [(card["id"], path, _bytes_of(card)) for path, card in _left_behind(projects)]
    left += [(one.id, one.card, one.bytes) for one in others]
    cards = {product: (path, bytes) for product, path, bytes in left if product not in known}
    wanted = {product: bytes for product, (_, bytes) in cards.items()}
    for product, file in missed(projects, wanted):
        yield file, cards[product][0]


def missed(projects: Path, wanted: Mapping[str, Bytes], others: Container[Path] = ()) -> Iterator[tuple[str, Path]]:
    """Those of `wanted` that lie somewhere without a sidecar, one file of each; what has its id comes first.
    `others`: files beside which another product's sidecar lies."""
    if not wanted:
        return
    alike: list[tuple[Path, int]] = []
    missing, sizes = dict(wanted), {known.size for known in wanted.values()}
    for file in reading.files(projects):
        product = product_in(file)
        if product in missing and (file in others or sidecar_of(file, projects) is None):
            del missing[product]
            yield product, file
        elif product is None and (size := _size(file)) in sizes:
            alike.append((file, size))
    for file, size in alike:
        if any(known.size == size for known in missing.values()) and sidecar_of(file, projects) is None:
            sha256 = entries.sha256(file)
            if product := next((one for one, known in missing.items() if known == (size, sha256)), None):
                del missing[product]
                yield product, file


def _left_behind(projects: Path) -> Iterator[tuple[Path, Json]]:
    for card in reading.orphans(projects):
        if card.name.endswith(CARD):
            with suppress(ValueError):
                yield card, reading.read_sidecar(card)


def _bytes_of(sidecar: Json) -> Bytes:
    """One that tells them wrongly has those of nothing."""
    try:
        return Bytes(int(sidecar["file"]["bytes"]), str(sidecar["file"]["sha256"]))
    except (KeyError, TypeError, ValueError, OverflowError):
        return Bytes(-1, "")


def size_of(product: str) -> int:
    """In bytes. Raises OSError for what is no plain file."""
    status = os.stat(product)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "It is no plain file", product)
    return status.st_size


def _size(file: Path) -> int:
    """-1 for what is no plain file."""
    with suppress(FileNotFoundError):
        status = file.lstat()
        return status.st_size if stat.S_ISREG(status.st_mode) else -1
    return -1
