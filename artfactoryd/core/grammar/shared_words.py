"""`size`, `aspect` and `megapixels`, which every order may say of any model, as the parameters of its own model."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Sequence

from artfactoryd.core.grammar.axes import Given, Reader
from artfactoryd.core.json_types import Value
from artfactoryd.core.parameters.shapes import SHAPES, Fitted, Shape, fitted, read_shape
from artfactoryd.errors import Path, Problem

OFF = 0.1  # by so much a shape may miss what was asked for, before a person is asked
MOST = 1_000  # shapes of one order
MEANT = {"size": "like 1024x1536", "aspect": "like 3:2", "megapixels": "a number, like 2"}
SEVERAL = "Write one shape, or several orders: what differs is more than one parameter here."


def in_own_words(reader: Reader, given: Sequence[Given]) -> list[Given]:
    """What is written, with the shared words put as the model has them; the first of them gives the place."""
    shared = [each for each in given if _is_shared(reader, each)]
    if not shared:
        return list(given)
    place = given.index(shared[0])
    rest = [each for each in given if each not in shared]
    own = _fit(reader, shared)
    twice = {name for name, _, _ in own} & {reader.model.synonyms.get(name, name) for name, _, _ in rest}
    if twice and own != shared:
        message = f"{shared[0][0]} is {' and '.join(sorted(twice))} here, which is written too."
        reader.problems.append(Problem("E_PARAMETER", message, "Keep one of them.", shared[0][2]))
        return rest
    return [*rest[:place], *own, *rest[place:]]


def _is_shared(reader: Reader, given: Given) -> bool:
    """A value that the model's own parameter of that name takes is that parameter."""
    name, value, path = given
    if name not in SHAPES or value is None or not reader.model.properties or not reader.validate:
        return False
    if reader.is_raw(name, path) or name in reader.model.synonyms:
        return False
    values = value if isinstance(value, list) else [value]
    schema = reader.model.properties.get(name)
    if schema is not None and any(reader.check(schema, one) is None for one in values):
        return False
    return schema is None or all(read_shape(name, one) for one in values)


def _fit(reader: Reader, shared: Sequence[Given]) -> list[Given]:
    wanted = _wanted(reader, shared)
    if wanted is None:
        return []
    path = shared[0][2]
    found = [(one, fitted(reader.model.properties, one)) for one in wanted]
    known = [(one, fit) for one, fit in found if fit is not None]
    if len(known) < len(found):
        return [*shared]  # it takes no shape: told as any parameter that it has not
    if path[0] != "exclude":
        reader.warnings += (_miss(reader, one, fit, path) for one, fit in known if fit.misses(one, OFF))
    return _as_given(reader, [fit for _, fit in known], path)


def _wanted(reader: Reader, shared: Sequence[Given]) -> list[Shape] | None:
    """One for each combination of what is written."""
    names = [name for name, _, _ in shared]
    if "size" in names and len(names) > 1:
        message = f"size and {next(name for name in names if name != 'size')} both say how large it is."
        reader.problems.append(Problem("E_PARAMETER", message, "Keep one of them.", shared[-1][2]))
        return None
    lists = [_shapes(reader, *each) for each in shared]
    if math.prod(map(len, lists)) > MOST or not all(lists):
        return None
    return [_together(shapes) for shapes in itertools.product(*lists)]


def _together(shapes: Sequence[Shape]) -> Shape:
    """What several words say of one picture."""
    ratio, pixels, sides = (
        next((part for part in parts if part is not None), None)
        for parts in zip(*((shape.ratio, shape.pixels, shape.sides) for shape in shapes), strict=True)
    )
    return Shape(ratio, pixels, sides)


def _shapes(reader: Reader, name: str, value: Value, path: Path) -> list[Shape]:
    shapes: list[Shape] = []
    for number, one in enumerate(value if isinstance(value, list) else [value]):
        shape = read_shape(name, one)
        if shape is None:
            where = (*path, number) if isinstance(value, list) else path
            reader.problems.append(Problem("E_VALUE", f"{name}: this is none.", f"Write it {MEANT[name]}.", where))
        else:
            shapes.append(shape)
    return shapes


def _as_given(reader: Reader, fits: Sequence[Fitted], path: Path) -> list[Given]:
    """Each parameter with its value, or with a list where it differs."""
    names = list(dict.fromkeys(name for fit in fits for name in fit.parameters))
    columns = {name: [fit.parameters.get(name) for fit in fits] for name in names}
    varying = [name for name, column in columns.items() if any(value != column[0] for value in column)]
    if len(varying) > 1:
        reader.problems.append(Problem("E_VALUE", f"these make {' and '.join(varying)} together.", SEVERAL, path))
        return []
    listed = varying or names[: len(fits) > 1]  # that several come to the same is told there
    return [(name, columns[name] if name in listed else columns[name][0], (*path, name)) for name in names]


def _miss(reader: Reader, wanted: Shape, fit: Fitted, path: Path) -> Problem:
    values = ", ".join(f"{name}: {json.dumps(value)}" for name, value in fit.parameters.items())
    message = f"the nearest that {reader.model.short} takes is {values}{_told(fit, wanted)}."
    fix = "Write its own parameters, take another model, or let it go on as it is."
    return Problem("W_SHAPE", message, fix, path, holds=True)


def _told(fit: Fitted, wanted: Shape) -> str:
    if wanted.pixels is not None and fit.pixels is None:
        return ", and it says nowhere how large that is"
    parts = []
    if wanted.pixels is not None and fit.pixels is not None:
        parts.append(f"{fit.pixels / 1e6:.2g} megapixels for {wanted.pixels / 1e6:.2g}")
    if wanted.ratio is not None:
        parts.append(f"a ratio of {fit.ratio:.2f} for {wanted.ratio:.2f}" if fit.ratio else "no ratio at all")
    return f" ({', '.join(parts)})"
