"""Products that a person moved without their sidecars: found by the id that goes along, else by their bytes.

Looked for only when sidecars were left behind, or products are missing: each file's name, id and size are read then,
and whole files only where the size is that of one that is missed.
"""

from __future__ import annotations

import stat
from collections.abc import Container, Iterator, Mapping
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


def without_cards(projects: Path, known: Container[str]) -> Iterator[tuple[Path, Path]]:
    """Products with the sidecars that they left behind. `known`: ids of those that lie by theirs: the rest are copies.

    Raises OSError for what cannot be read.
    """
    cards = {sidecar["id"]: (card, sidecar) for card, sidecar in _left_behind(projects) if sidecar["id"] not in known}
    wanted = {product: _bytes_of(sidecar) for product, (_, sidecar) in cards.items()}
    for product, file in missed(projects, wanted):
        yield file, cards[product][0]


def missed(projects: Path, wanted: Mapping[str, Bytes]) -> Iterator[tuple[str, Path]]:
    """Those of `wanted` that lie somewhere without a sidecar, one file of each; what has its id comes first."""
    if not wanted:
        return
    alike: list[tuple[Path, int]] = []
    missing, sizes = dict(wanted), {known.size for known in wanted.values()}
    for file in reading.files(projects):
        product = product_in(file)
        if product in missing and sidecar_of(file, projects) is None:
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


def _size(file: Path) -> int:
    """-1 for what is no plain file."""
    with suppress(FileNotFoundError):
        status = file.lstat()
        return status.st_size if stat.S_ISREG(status.st_mode) else -1
    return -1
