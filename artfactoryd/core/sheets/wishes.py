"""What a person asks of an order's sheet, and whether there is anything of that name."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Sequence

from artfactoryd.core.model import Model
from artfactoryd.core.order import Order
from artfactoryd.core.sheets.facts import COPY, MODEL, SEED, STAGE
from artfactoryd.errors import Problem


def problems(order: Order, models: Sequence[Model], lookups: Collection[str]) -> Iterator[Problem]:
    known = list(dict.fromkeys([*_written(order), *lookups, MODEL, COPY, SEED, STAGE]))
    for key in ("x", "y", "page"):
        name = getattr(order.sheet, key)
        if name is None or name in known or any(name in model.properties for model in models):
            continue
        near = difflib.get_close_matches(name, known, n=1)
        fix = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known)}."
        yield Problem("E_VALUE", f"nothing in this order is called {name}.", fix, ("sheet", key))


def _written(order: Order) -> Iterator[str]:
    yield from order.parameters
    for model in order.models:
        yield from model.parameters
    for later in order.then:
        yield from later.parameters
