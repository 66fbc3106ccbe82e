"""The sheet of an order with stages: beside each picture what every stage made of it, or, where that makes no pleasant
table, the pictures of each stage for themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from artfactoryd.core.sheets.facts import MODEL, SEED, STAGE, Picture
from artfactoryd.core.sheets.layout import (
    TURNED,
    Axes,
    Layout,
    Side,
    captions_of,
    keys_of,
    lay_out,
    most_columns,
    nth_of_place,
    some,
    table,
    unpleasant,
)
from artfactoryd.core.sheets.varying import Varying, common_of, varying_in, without_echoes

MOST_FREE = 5  # things that vary, among which every way is tried
COMPLETE = 0.8  # of the places of a table that shows what was made of what
TALLEST, MOST_ROWS = 3, 12  # rows for each column; and so many rows are never too tall
ROOT = "root"
FIRST = "original"

Way = tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class _Made:
    """Pictures, what they began with, and which of those each began with."""

    pictures: Sequence[Picture]
    roots: Sequence[Picture]
    of: Sequence[int]
    ways: Sequence[Way]  # that there are, what is nearest to the root first


def lay_out_stages(pictures: Sequence[Picture], axes: Axes) -> list[Layout]:
    """One below the other. Where no stage made any of them, or a person says what the sides name, it is one."""
    if axes.x or axes.y or not any(picture.parent for picture in pictures):
        return [lay_out(pictures, axes)]
    made = _made(pictures)
    beside = _beside(made) if len(pictures) >= COMPLETE * len(made.roots) * len(made.ways) else None
    return [beside] if beside else list(_apart(made))


def paged(pictures: Sequence[Picture], most: int) -> list[list[Picture]]:
    """At most so many together; what was made of one picture is with it where there is room."""
    families: dict[int, list[Picture]] = {}
    for picture in pictures:
        families.setdefault(id(picture.root), []).append(picture)
    pages = list[list[Picture]]()
    for family in families.values():
        for first in range(0, len(family), most):
            part = family[first : first + most]
            if not pages or len(pages[-1]) + len(part) > most:
                pages.append([])
            pages[-1] += part
    return pages


def _made(pictures: Sequence[Picture]) -> _Made:
    roots = {id(picture.root): picture.root for picture in pictures}
    numbers = {root: number for number, root in enumerate(roots)}
    ways = dict.fromkeys(picture.way for picture in pictures)
    return _Made(pictures, list(roots.values()), [numbers[id(picture.root)] for picture in pictures], list(ways))


# --- beside each other ---


def _beside(made: _Made) -> Layout | None:
    """None where it would be far too tall or too wide."""
    stages = _stages(made)
    ways = [*_by_values(made, stages), *_by_root(made, stages)]
    if not ways:
        return None
    _, across, down = min(ways, key=lambda way: way[0])
    common = common_of(made.pictures, {one.key for one in varying_in(made.pictures, sorts=False)})
    if text := common_of(made.roots, {one.key for one in varying_in(made.roots, sorts=False)}).get("prompt"):
        common["prompt"] = text
    return table(made.pictures, across, down, common)


def _stages(made: _Made) -> Side:
    """What was made in each way, as one thing that varies; nothing where there is one way."""
    if len(made.ways) < 2:
        return ()
    numbers = {way: number for number, way in enumerate(made.ways)}
    of = tuple(numbers[picture.way] for picture in made.pictures)
    return (Varying(STAGE, "", "", True, tuple(_names(made)), of),)


_Sides = tuple[float, Side, Side]  # how unpleasant, columns, rows


def _by_values(made: _Made, stages: Side) -> Iterator[_Sides]:
    """Where what varies between the first pictures makes a table, its sides, and the stages beside or below each."""
    own = tuple(without_echoes(varying_in(made.roots, sorts=False), len(made.roots)))
    if not own:
        return
    if nth := nth_of_place(made.roots, own):
        own = (*own, nth)
    spread = tuple(replace(one, of=tuple(one.of[root] for root in made.of)) for one in own)
    models = tuple(one for one in spread if one.key == MODEL)
    free = tuple(one for one in spread if one.key != MODEL)
    for chosen in ((), *some(free[:MOST_FREE]), free):
        across = tuple(one for one in spread if one in models or one in chosen)
        down = tuple(one for one in free if one not in chosen)
        turned = TURNED * sum(spread.index(one) < spread.index(other) for one in across for other in down)
        yield from _judged(made, (*across, *stages), down, turned)
        yield from _judged(made, across, (*down, *stages), turned + TURNED)


def _by_root(made: _Made, stages: Side) -> Iterator[_Sides]:
    """A row for each first picture."""
    named = without_echoes(varying_in(made.roots, sorts=False), len(made.roots))
    captions = tuple(captions_of(made.roots, named)) if len(made.roots) > 1 else ("",)
    root = Varying(ROOT, "", "", True, captions, tuple(made.of))
    yield from _judged(made, stages, (root,), 0.0 if len(made.roots) == 1 else 2 * TURNED)


def _judged(made: _Made, across: Side, down: Side, cost: float) -> Iterator[_Sides]:
    """Where it is no too bad table."""
    count = len(made.pictures)
    columns, rows = len(keys_of(across, count)), len(keys_of(down, count))
    is_full = count >= COMPLETE * columns * rows
    if is_full and columns <= most_columns(count) and rows <= max(MOST_ROWS, TALLEST * columns):
        yield unpleasant(columns, rows) + cost, across, down


def _names(made: _Made) -> list[str]:
    """Of each way: its stage, and what else tells it from the others of that stage."""
    names = []
    for way in made.ways:
        stage = way[-1][0] if way else FIRST
        others = [other for other in made.ways if (other[-1][0] if other else FIRST) == stage]
        told = _told_apart(made, way, others)
        names.append(" · ".join([_first_name(made) if not way else stage, *told]))
    return [f"{name} #{names[:n].count(name) + 1}" if names.count(name) > 1 else name for n, name in enumerate(names)]


def _told_apart(made: _Made, way: Way, others: Sequence[Way]) -> Iterator[str]:
    """What is the same of all pictures that were made in this way, and differs from those of the other ways."""
    if len(others) < 2:
        return
    alike = [picture for picture in made.pictures if picture.way in others]
    for one in without_echoes([one for one in varying_in(alike, sorts=False) if one.key != STAGE], len(alike)):
        of = {other: {one.of[n] for n, picture in enumerate(alike) if picture.way == other} for other in others}
        if all(len(values) == 1 for values in of.values()):
            yield one.told(next(iter(of[way])), alone=False)


def _first_name(made: _Made) -> str:
    models = {root.facts[MODEL].value for root in made.roots if MODEL in root.facts}
    return models.pop() if len(models) == 1 else FIRST


# --- each for itself ---


def _apart(made: _Made) -> Iterator[Layout]:
    own = without_echoes(varying_in(made.roots, sorts=False), len(made.roots))
    for stage in dict.fromkeys(picture.stage for picture in made.pictures):
        there = [number for number, picture in enumerate(made.pictures) if picture.stage == stage]
        common = [one.told(values.pop(), alone=False) for one, values in _values(made, own, there) if len(values) == 1]
        heading = " · ".join([stage or _first_name(made), *common])
        pictures = [made.pictures[number] for number in there]
        if any(one.key == SEED for one in own):  # it was chosen, and tells these apart too
            pictures = [replace(picture, seed=picture.seed or picture.root.seed) for picture in pictures]
        yield replace(lay_out(pictures), heading=heading)


def _values(made: _Made, own: Sequence[Varying], there: Sequence[int]) -> Iterator[tuple[Varying, set[int]]]:
    """Which of the values of what varies between the first pictures these go back to."""
    for one in own:
        yield one, {one.of[made.of[number]] for number in there}
