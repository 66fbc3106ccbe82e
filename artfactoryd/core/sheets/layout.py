"""Where each picture goes: rows and columns named by what varies, or one after the other where that makes no table."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from artfactoryd.core.sheets.facts import COPY, GAP, MODEL, NTH, SEED, STAGE, Fact, Picture

MOST_COLUMNS, MANY, MOST_OF_MANY = 12, 100, 25  # the last of a sheet of so many pictures
FULL_ENOUGH = 0.4  # of a table's places; with less in them the pictures simply follow each other
ASKED_FULL_ENOUGH = 0.02  # the same of a table that a person asks for
WIDE = 1.5  # width to height of a table that is pleasant to look at
TURNED = 0.35  # what it is worth that a slower one is not across while a faster one is down
MOST_SIDES = 7  # things that vary, among which every way is tried
ABSENT = "-"


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

    `common`: what is the same of all, by name.
    """

    places: Sequence[Place]
    is_table: bool = False
    columns: Sequence[Header] = ()
    rows: Sequence[Header] = ()
    x_title: str = ""
    y_title: str = ""
    common: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Varying:
    """One thing that varies, its values in their order, and which each picture has."""

    key: str
    name: str
    group: str
    is_text: bool
    values: tuple[str, ...]
    of: tuple[int, ...]

    def told(self, number: int, *, alone: bool) -> str:
        """`alone`: its name stands somewhere above."""
        value = self.values[number]
        return value if alone or self.is_text else f"{self.name} {value}"


def lay_out(pictures: Sequence[Picture], axes: Axes | None = None, *, sorts: bool = False) -> Layout:
    """`sorts`: numbers in their order; else everything stays in the order in which it comes."""
    axes = axes or Axes()
    varying = _varying(pictures, sorts)
    common = _common(pictures, {one.key for one in varying})
    varying = _without_echoes(varying, len(pictures))
    across, down = _sides(varying, axes)
    if not across and not down:
        return _in_turn(pictures, varying, common)
    if nth := _nth(pictures, (*across, *down)):
        across = (*across, nth)
    columns, rows = _keys(across, len(pictures)), _keys(down, len(pictures))
    asked = axes.x is not None or axes.y is not None
    least = ASKED_FULL_ENOUGH if asked else FULL_ENOUGH
    most = len(pictures) if asked else _most_columns(len(pictures))
    if len(columns) > most or len(pictures) < least * len(columns) * len(rows):
        return _in_turn(pictures, varying, common)
    return _table(pictures, across, down, common)


# --- what varies ---


def _varying(pictures: Sequence[Picture], sorts: bool) -> list[_Varying]:
    keys = dict.fromkeys(key for picture in pictures for key in picture.facts)
    first = sorted(keys, key=lambda key: (key == COPY, key != MODEL, key != STAGE))
    made = [_of_key(pictures, key, sorts) for key in first if key != COPY]
    made.append(_of_values("seed", Fact("", SEED), [picture.seed or ABSENT for picture in pictures], sorts))
    made.append(_of_key(pictures, COPY, sorts))
    return [one for one in made if len(one.values) > 1]


def _of_key(pictures: Sequence[Picture], key: str, sorts: bool) -> _Varying:
    facts = [picture.facts.get(key) for picture in pictures]
    one = next((fact for fact in facts if fact), Fact("", key))
    return _of_values(key, one, [fact.value if fact else ABSENT for fact in facts], sorts)


def _of_values(key: str, one: Fact, told: Sequence[str], sorts: bool) -> _Varying:
    values = list(dict.fromkeys(told))
    if sorts and all(_number(value) is not None for value in values if value != ABSENT):
        values.sort(key=lambda value: (value == ABSENT, _number(value) or 0.0))
    place = {value: number for number, value in enumerate(values)}
    of = tuple(place[value] for value in told)
    return _Varying(key, one.name, one.group or one.name, one.is_text, tuple(_shortened(values)), of)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _shortened(values: Sequence[str]) -> list[str]:
    """Of long texts only the words in which they differ; gaps of tokens as dots."""
    texts = [value.replace(GAP, "…") for value in values]
    if len(texts) < 2 or max(map(len, texts)) <= 24:
        return texts
    words = [text.split() for text in texts]
    shortest = min(map(len, words))
    before = next((n for n in range(shortest) if len({w[n] for w in words}) > 1), shortest)
    after = next((n for n in range(shortest - before) if len({w[-1 - n] for w in words}) > 1), shortest - before)
    short = [" ".join(w[before : len(w) - after]) for w in words]
    return short if len(set(short)) == len(texts) and all(short) else texts


def _common(pictures: Sequence[Picture], varying: set[str]) -> dict[str, str]:
    first = pictures[0].facts if pictures else {}
    told = {fact.name: fact.value.replace(GAP, "…") for key, fact in first.items() if key not in varying | {COPY}}
    if pictures and SEED not in varying and pictures[0].seed:
        told[SEED] = pictures[0].seed
    return told


def _without_echoes(varying: Sequence[_Varying], count: int) -> list[_Varying]:
    """Without what follows from something else that varies, and without seeds that were not chosen."""
    left = [one for one in varying if one.key != SEED or _is_chosen(one, varying)]
    for one in left[::-1]:  # of two that say the same the slower one is kept
        others = [other for other in left if other is not one]
        if one.key != MODEL and any(_tells(other, one, count) for other in others):
            left.remove(one)
    return left


def _is_chosen(seeds: _Varying, varying: Sequence[_Varying]) -> bool:
    """Whether seeds come again in other combinations, or with other copies. One that is derived tells all the rest."""
    copies = next((one for one in varying if one.key == COPY), None)
    if copies and len(copies.values) == len(seeds.values) == len(set(zip(copies.of, seeds.of, strict=True))):
        return True
    others = [one for one in varying if one not in (seeds, copies)]
    if not others:
        return copies is None
    return any(len(set(zip(seeds.of, one.of, strict=True))) > len(seeds.values) for one in others)


def _tells(other: _Varying, one: _Varying, count: int) -> bool:
    """Whether `one` follows from the other, which is no mere number of each picture."""
    if len(set(zip(other.of, one.of, strict=True))) != len(other.values):
        return False
    return len(other.values) < count or len(one.values) == count


# --- rows and columns ---

_Side = tuple[_Varying, ...]


def _sides(varying: Sequence[_Varying], axes: Axes) -> tuple[_Side, _Side]:
    """(columns, rows); neither where they make no table."""
    across, down = _asked(varying, axes.x), _asked(varying, axes.y)
    rest = tuple(one for one in varying if one not in across and one not in down)
    if across or down:
        return (across, (*down, *rest)) if across else (rest, down)
    if models := tuple(one for one in varying if one.key in (MODEL, STAGE)):
        rest = tuple(one for one in varying if one not in models)
        return models, rest
    return _split(tuple(varying), _most_columns(len(varying[0].of))) if len(varying) > 1 else ((), ())


def _most_columns(pictures: int) -> int:
    return MOST_COLUMNS if pictures <= MANY else MOST_OF_MANY


def _asked(varying: Sequence[_Varying], name: str | None) -> _Side:
    return tuple(one for one in varying if name is not None and name in (one.name, one.group, one.key))


def parted(pictures: Sequence[Picture], name: str) -> list[tuple[str, list[Picture]]]:
    """Those with one value of this together, under it."""
    side = _asked(_varying(pictures, sorts=False), name)
    parts: dict[str, list[Picture]] = {}
    for number, picture in enumerate(pictures):
        told = " · ".join(one.told(one.of[number], alone=False) for one in side)
        parts.setdefault(told, []).append(picture)
    return list(parts.items())


def _split(varying: _Side, most: int) -> tuple[_Side, _Side]:
    """Where the table is nearest to a pleasant shape; of equal ways the one with the slower ones down."""
    ways = list[tuple[bool, float, int, tuple[_Side, _Side]]]()
    for across in _some(varying[:MOST_SIDES]):
        down = tuple(one for one in varying if one not in across)
        columns, rows = (math.prod(len(one.values) for one in side) for side in (across, down))
        turned = sum(varying.index(one) < varying.index(other) for one in across for other in down)
        cost = abs(math.log(columns / rows / WIDE)) + TURNED * turned
        ways.append((columns > most, cost, len(ways), (across, down)))
    return min(ways, key=lambda way: way[:3])[3]


def _some(varying: _Side) -> Iterator[_Side]:
    """Every choice of them but none and all."""
    for number in range(1, len(varying)):
        yield from itertools.combinations(varying, number)


def _nth(pictures: Sequence[Picture], sides: _Side) -> _Varying | None:
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
    return _Varying(NTH, "", "", True, tuple(f"#{number + 1}" for number in range(most)), tuple(of))


_Key = tuple[int, ...]  # which value of each


def _key(side: _Side, number: int) -> _Key:
    return tuple(one.of[number] for one in side)


def _keys(side: _Side, count: int) -> list[_Key]:
    """Those that pictures have, in their order, the last varying fastest: all that there may be are far too many."""
    return sorted({_key(side, number) for number in range(count)})


def _header(side: _Side, key: _Key) -> Header:
    return Header(tuple(one.told(place, alone=len(side) == 1) for one, place in zip(side, key, strict=True)))


def _table(pictures: Sequence[Picture], across: _Side, down: _Side, common: Mapping[str, str]) -> Layout:
    numbers = range(len(pictures))
    columns, rows = _keys(across, len(pictures)), _keys(down, len(pictures))
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


def _title(side: _Side) -> str:
    """Of one thing that needs it: with several the values say it themselves."""
    return side[0].name if len(side) == 1 and not (side[0].is_text and side[0].name == side[0].group) else ""


def _in_turn(pictures: Sequence[Picture], varying: Sequence[_Varying], common: Mapping[str, str]) -> Layout:
    named = sorted(varying, key=lambda one: one.key in (MODEL, STAGE))  # the words first
    told = [
        [one.told(one.of[number], alone=False) for one in named if one.values[one.of[number]] != ABSENT]
        for number in range(len(pictures))
    ]
    captions = [" · ".join(words) for words in told]
    places = [
        Place(0, number, picture, captions[number] or (f"seed {picture.seed}" if picture.seed else ""))
        for number, picture in enumerate(pictures)
    ]
    return Layout(places, common=common)
