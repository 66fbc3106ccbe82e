"""The pictures an order names: found beside it, looked at, told apart by their bytes.

In this part of the program a file parameter is a path beside the order. An address, a product or a
pattern is refused by name.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from artfactoryd import media
from artfactoryd.core.plan import Plan
from artfactoryd.entries import READ_ONLY
from artfactoryd.errors import OutputBad, Problem, Refusal
from artfactoryd.errors import Path as KeyPath

MISSING = "E_INPUT_MISSING"
NOT_YET = (
    ("://", "addresses are not built yet.", "Save the picture beside the order and name it."),
    ("product:", "products as input are not built yet.", "Copy the picture beside the order and name it."),
)


@dataclass(frozen=True, slots=True)
class Input:
    """One picture. `value`: as written in the order; `name`: its file in the order's inputs/."""

    value: str
    name: str
    sha256: str
    bytes: int
    mime: str
    width: int
    height: int

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class InputsMissing(Refusal):
    """Nothing is wrong but that pictures are not there (yet). `names`: their paths beside the order."""

    def __init__(self, problems: Sequence[Problem], names: Sequence[str]) -> None:
        super().__init__(problems)
        self.names = tuple(names)


@dataclass
class Search:
    """Looks for the pictures an order names. Gathers what is wrong with any of them."""

    folder: Path | None
    most_bytes: int
    most_megapixels: float
    found: dict[str, Input] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def look(self, plan: Plan) -> None:
        for path, value in named(plan):
            if value in self.found:
                continue
            looked = _unfit(value, path) or self._one(value, path)
            if isinstance(looked, Input):
                self.found[value] = looked
            else:
                self.problems.append(looked)
                self.missing += [value] if looked.code == MISSING else []

    def _one(self, value: str, path: KeyPath) -> Input | Problem:
        place = self.folder / value if self.folder else None
        if place is None or not os.path.lexists(place):
            fix = "Put it beside the order, or correct the name."
            return Problem(MISSING, f"there is no {value} beside the order.", fix, path)
        try:
            data = _read(place, self.most_bytes)
            picture = media.identify(place, self.most_megapixels)
        except (OSError, OutputBad) as error:
            words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            return Problem("E_INPUT", f"{value} cannot be used: {words}", "Name a picture that opens.", path)
        name = _free(place.name, [each.name for each in self.found.values()])
        sha256 = hashlib.sha256(data).hexdigest()
        return Input(value, name, sha256, len(data), picture.mime, picture.width or 0, picture.height or 0)


def named(plan: Plan) -> list[tuple[KeyPath, str]]:
    """(key path, value) of each file parameter's values, in the order written."""
    places: list[tuple[KeyPath, str]] = []
    for axis in plan.axes:
        if axis.parameter in plan.model.files:
            key = _written_as(plan, axis.parameter)
            many = isinstance(plan.order.parameters[key], list)
            for place in range(axis.size):
                path: KeyPath = ("parameters", key, place) if many else ("parameters", key)
                places.append((path, str(axis.at(place)[0])))
    return places


def _written_as(plan: Plan, parameter: str) -> str:
    return next(key for key in plan.order.parameters if plan.model.synonyms.get(key, key) == parameter)


def _unfit(value: str, path: KeyPath) -> Problem | None:
    for sign, message, fix in NOT_YET:
        if sign in value:
            return Problem("E_NOT_BUILT", message, fix, path)
    if any(sign in value for sign in "*?"):
        return Problem("E_NOT_BUILT", "patterns (*.jpg) are not built yet.", "List the pictures: [a.jpg, b.jpg].", path)
    pure = PurePosixPath(value)
    if not value or pure.is_absolute() or ".." in pure.parts or value.startswith("~") or "\0" in value:
        fix = "Put the picture beside the order and write its name."
        return Problem("E_INPUT", f"{value!r} is not a path beside the order.", fix, path)
    return None


def _read(path: Path, most_bytes: int) -> bytes:
    """A regular file, no link, not too large."""
    with open(os.open(path, READ_ONLY), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OutputBad("it is not a file.")
        if status.st_size > most_bytes:
            raise OutputBad(f"it is larger than {most_bytes // 1_000_000} MB.")
        return file.read()


def _free(name: str, taken: Sequence[str]) -> str:
    stem, dot, extension = name.rpartition(".")
    number, chosen = 2, name
    while chosen.casefold() in {each.casefold() for each in taken}:
        chosen, number = f"{stem}-{number}{dot}{extension}" if dot else f"{name}-{number}", number + 1
    return chosen


def read(folder: Path, known: Mapping[str, Any]) -> bytes:
    """The bytes of an accepted input again. Raises OutputBad when they are not the ones that were accepted."""
    data: bytes = (folder / known["value"]).read_bytes()
    if hashlib.sha256(data).hexdigest() != known["sha256"]:
        raise OutputBad(f"{known['value']} changed while the order was taken.")
    return data
