"""Where each picture goes: rows and columns named by what varies, or one after the other where that makes no table."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from artfactoryd.core.sheets.facts import MODEL, NTH, SEED, STAGE, Picture
from artfactoryd.core.sheets.varying import ABSENT, Varying, common_of, varying_in, without_echoes

MOST_COLUMNS, MANY, MOST_OF_MANY = 12, 100, 25  # the last of a sheet of so many pictures
FULL_ENOUGH = 0.4  # of a table's places; with less in them the pictures simply follow each other
ASKED_FULL_ENOUGH = 0.02  # the same of a table that a person asks for
WIDE = 1.5  # width to height of a table that is pleasant to look at
TURNED = 0.35  # what it is worth that a slower one is not across while a faster one is down
MOST_SIDES = 7  # things that vary, among which every way is tried


@dataclass(frozen=True, slots=True)
class Axes:
    """What a person asks to be named by columns and rows; None: chosen here."""

    x: str | None = None
    y: str | None = None


@dataclass(frozen=True, slots=True)
class Header:
    """Of a row or column: a line for each thing that it names."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    row: int
    column: int
    picture: Picture | None  # None: nothing was asked for here
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """`is_table`: rows and columns have names; else `columns` and `rows` are empty, and places follow each other.

    `common`: what is the same of all, by name; `heading`: above it, where a sheet has several of these.
    """

    places: Sequence[Place]
    is_table: bool = False
    columns: Sequence[Header] = ()
    rows: Sequence[Header] = ()
    x_title: str = ""
    y_title: str = ""
    common: Mapping[str, str] = field(default_factory=dict)
    heading: str = ""


def lay_out(pictures: Sequence[Picture], axes: Axes | None = None, *, sorts: bool = False) -> Layout:
    """`sorts`: numbers in their order; else everything stays in the order in which it comes."""
    axes = axes or Axes()
    varying = varying_in(pictures, sorts)
    common = common_of(pictures, {one.key for one in varying})
    varying = without_echoes(varying, len(pictures))
    across, down = _sides(varying, axes)
    if not across and not down:
        return _in_turn(pictures, varying, common)
    if nth := nth_of_place(pictures, (*across, *down)):
        across = (*across, nth)
    columns, rows = keys_of(across, len(pictures)), keys_of(down, len(pictures))
    asked = axes.x is not None or axes.y is not None
    least = ASKED_FULL_ENOUGH if asked else FULL_ENOUGH
    most = len(pictures) if asked else most_columns(len(pictures))
    if len(columns) > most or len(pictures) < least * len(columns) * len(rows):
        return _in_turn(pictures, varying, common)
    return table(pictures, across, down, common)


# --- rows and columns ---

Side = tuple[Varying, ...]


def _sides(varying: Sequence[Varying], axes: Axes) -> tuple[Side, Side]:
    """(columns, rows); neither where they make no table."""
    across, down = _asked(varying, axes.x), _asked(varying, axes.y)
    rest = tuple(one for one in varying if one not in across and one not in down)
    if across or down:
        return (across, (*down, *rest)) if across else (rest, down)
    if models := tuple(one for one in varying if one.key in (MODEL, STAGE)):
        rest = tuple(one for one in varying if one not in models)
        return models, rest
    return split(tuple(varying), most_columns(len(varying[0].of))) if len(varying) > 1 else ((), ())


def most_columns(pictures: int) -> int:
    return MOST_COLUMNS if pictures <= MANY else MOST_OF_MANY


def _asked(varying: Sequence[Varying], name: str | None) -> Side:
    return tuple(one for one in varying if name is not None and name in (one.name, one.group, one.key))


def parted(pictures: Sequence[Picture], name: str) -> list[tuple[str, list[Picture]]]:
    """Those with one value of this together, under it."""
    side = _asked(varying_in(pictures, sorts=False), name)
    parts: dict[str, list[Picture]] = {}
    for number, picture in enumerate(pictures):
        told = " · ".join(one.told(one.of[number], alone=False) for one in side)
        parts.setdefault(told, []).append(picture)
    return list(parts.items())


def split(varying: Side, most: int) -> tuple[Side, Side]:
    """Where the table is nearest to a pleasant shape; of equal ways the one with the slower ones down."""
    ways = list[tuple[bool, float, int, tuple[Side, Side]]]()
    for across in some(varying[:MOST_SIDES]):
        down = tuple(one for one in varying if one not in across)
        columns, rows = (math.prod(len(one.values) for one in side) for side in (across, down))
        turned = sum(varying.index(one) < varying.index(other) for one in across for other in down)
        cost = unpleasant(columns, rows) + TURNED * turned
        ways.append((columns > most, cost, len(ways), (across, down)))
    return min(ways, key=lambda way: way[:3])[3]


def unpleasant(columns: int, rows: int) -> float:
    """How far a table is from a pleasant shape; 0 of one that has it."""
    return abs(math.log(columns / rows / WIDE))


def some(varying: Side) -> Iterator[Side]:
    """Every choice of them but none and all."""
    for number in range(1, len(varying)):
        yield from itertools.combinations(varying, number)


def nth_of_place(pictures: Sequence[Picture], sides: Side) -> Varying | None:
    """Where several pictures would take one place: which of them each is."""
    seen: dict[tuple[int, ...], int] = {}
    of = []
    for number in range(len(pictures)):
        key = tuple(one.of[number] for one in sides)
        of.append(seen.get(key, 0))
        seen[key] = of[-1] + 1
    most = max(seen.values(), default=1)
    if most == 1:
        return None
    return Varying(NTH, "", "", True, tuple(f"#{number + 1}" for number in range(most)), tuple(of))


Key = tuple[int, ...]  # which value of each


def _key(side: Side, number: int) -> Key:
    return tuple(one.of[number] for one in side)


def keys_of(side: Side, count: int) -> list[Key]:
    """Those that pictures have, in their order, the last varying fastest: all that there may be are far too many."""
    return sorted({_key(side, number) for number in range(count)})


def _header(side: Side, key: Key) -> Header:
    return Header(tuple(one.told(place, alone=len(side) == 1) for one, place in zip(side, key, strict=True)))


def table(pictures: Sequence[Picture], across: Side, down: Side, common: Mapping[str, str]) -> Layout:
    numbers = range(len(pictures))
    columns, rows = keys_of(across, len(pictures)), keys_of(down, len(pictures))
    taken = {(_key(down, number), _key(across, number)): number for number in numbers}
    tells_seed = len({picture.seed for picture in pictures}) > 1 and not any(one.key == SEED for one in across + down)
    places = []
    for row, row_key in enumerate(rows):
        for column, column_key in enumerate(columns):
            number = taken.get((row_key, column_key))
            picture = None if number is None else pictures[number]
            caption = f"seed {picture.seed}" if picture and picture.seed and tells_seed else ""
            places.append(Place(row, column, picture, caption))
    named = [[_header(side, key) for key in keys] for side, keys in ((across, columns), (down, rows))]
    return Layout(places, True, named[0], named[1], _title(across), _title(down), common)


def _title(side: Side) -> str:
    """Of one thing that needs it: with several the values say it themselves."""
    return side[0].name if len(side) == 1 and not (side[0].is_text and side[0].name == side[0].group) else ""


def _in_turn(pictures: Sequence[Picture], varying: Sequence[Varying], common: Mapping[str, str]) -> Layout:
    captions = captions_of(pictures, varying)
    places = [
        Place(0, number, picture, captions[number] or (f"seed {picture.seed}" if picture.seed else ""))
        for number, picture in enumerate(pictures)
    ]
    return Layout(places, common=common)


def captions_of(pictures: Sequence[Picture], varying: Sequence[Varying]) -> list[str]:
    named = sorted(varying, key=lambda one: one.key in (MODEL, STAGE))  # the words first
    told = [
        [one.told(one.of[number], alone=False) for one in named if one.values[one.of[number]] != ABSENT]
        for number in range(len(pictures))
    ]
    return [" · ".join(words) for words in told]
