"""Pictures that are to be imported, looked at one by one: their bytes, what is written inside, and what made them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from artfactoryd import entries
from artfactoryd.clock import iso
from artfactoryd.core.foreign.card import Marks
from artfactoryd.core.foreign.reading import AUTO, told_by
from artfactoryd.core.foreign.told import PLAIN, Told
from artfactoryd.core.json_types import Json
from artfactoryd.errors import WrongUse
from artfactoryd.home import Home
from artfactoryd.shelf import kinds, media
from artfactoryd.shelf.inside.foreign import written_in
from artfactoryd.shelf.media import Media
from artfactoryd.shelf.reading import read_sidecar
from artfactoryd.shelf.sheets.marks import is_sheet
from artfactoryd.shelf.sidecars import NAMES, sidecar_of

OURS = "artfactoryd"  # as a source: the shelf of another home
PASSED_OVER = frozenset({*NAMES, "sheets"})  # folders of a shelf, in which no products lie


@dataclass(frozen=True, slots=True)
class Candidate:
    """`below`: its path below what was named."""

    path: Path
    below: str


@dataclass(frozen=True, slots=True)
class Seen:
    """One picture. `sidecar`: of the home that it comes from; `fault`: why it cannot be imported."""

    candidate: Candidate
    sha256: str
    bytes: int
    media: Media
    told: Told
    marks: Marks
    created_at: str
    sidecar: Json | None = None
    modified: int = 0  # in nanoseconds
    fault: str = ""


def candidates(paths: Sequence[Path], home: Home) -> Iterator[Candidate]:
    """Files that may be pictures, in the order of their paths; links are not followed. Raises WrongUse."""
    for path in paths:
        whole = Path(os.path.abspath(path))
        _check(whole, path, home)
        if whole.is_file():
            yield Candidate(whole, whole.name)
            continue
        for folder, inside, files in os.walk(whole):
            skipped = {"inputs"} if "receipt.yaml" in files else set()
            inside[:] = sorted(
                name for name in inside if not name.startswith(".") and name not in PASSED_OVER | skipped
            )
            for name in sorted(files):
                file = Path(folder, name)
                if not name.startswith(".") and not file.is_symlink() and file.is_file():
                    yield Candidate(file, str(file.relative_to(whole)))


def _check(path: Path, given: Path, home: Home) -> None:
    if not os.path.lexists(path):
        raise WrongUse(f"There is no {given}.")
    real = path.resolve()
    if home.root.is_relative_to(real) or (real.is_relative_to(home.root) and not is_in_place(real, home)):
        raise WrongUse(f"{given} is a part of the factory folder; only what lies in a project is imported in place.")


def is_in_place(path: Path, home: Home) -> bool:
    """Whether it lies in a project, and stays where it is."""
    return path.is_relative_to(home.projects) and path != home.projects


def look(candidate: Candidate, source: str) -> Seen | None:
    """None of what is no picture, no film and no sound, or a contact sheet of ours. Raises OSError."""
    path = candidate.path
    with path.open("rb") as file:
        kind = kinds.kind_in(file)
    if kind.type not in kinds.SHELVED or (kind.extension == "jpg" and is_sheet(path)):
        return None
    status, found = path.stat(), media.examine(path)
    written, card = written_in(path), _sidecar(path) if source in (AUTO, OURS) else None
    told = told_by(written.words, PLAIN if source == OURS else source)
    marks = Marks(written.rating, written.tags)
    created_at = _made_at(written.taken, status.st_mtime)
    if card is not None:
        told, marks, created_at = _of_card(card, created_at)
    return Seen(
        candidate, entries.sha256(path), status.st_size, found, told, marks, created_at, card, status.st_mtime_ns,
        found.fault,
    )  # fmt: skip


def _sidecar(path: Path) -> Json | None:
    with suppress(OSError, ValueError):
        card = sidecar_of(path)
        return read_sidecar(card) if card else None
    return None


def _of_card(card: Json, otherwise: str) -> tuple[Told, Marks, str]:
    """What another home's sidecar says; what it says wrongly, it does not say."""
    parameters, model = card.get("parameters") or {}, card.get("model") or {}
    generation = parameters.get("generation") if isinstance(parameters, dict) else None
    notes, rating, tags = card.get("notes"), card.get("rating"), card.get("tags")
    told = Told(
        OURS, generation if isinstance(generation, dict) else {}, str(model.get("id") or ""),
        notes=notes if isinstance(notes, str) else "",
    )  # fmt: skip
    marks = Marks(
        rating if isinstance(rating, int) and 0 <= rating <= 5 else None,
        tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else (), card.get("liked") is True,
    )  # fmt: skip
    try:
        return told, marks, iso(datetime.fromisoformat(str(card["created_at"])))
    except (KeyError, ValueError, OverflowError):
        return told, marks, otherwise


def _made_at(taken: str, modified: float) -> str:
    """As a camera or a tool wrote it, in the time of this machine; else when the file was last written."""
    with suppress(ValueError, OverflowError):
        if taken:
            return iso(datetime.fromisoformat(taken).astimezone())
    return iso(datetime.fromtimestamp(modified, UTC))
