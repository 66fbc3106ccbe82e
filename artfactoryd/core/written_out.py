"""An order with everything it borrowed written out: another program run makes the same items of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from artfactoryd.core.lists import kind_of, kind_without_schema
from artfactoryd.core.plan import Plan
from artfactoryd.errors import Path


class Spread(list[str]):
    """The pictures that a pattern or a query stands for."""


def written_out(plan: Plan, places: Mapping[str, str]) -> dict[str, Any]:
    """The document. `places`: where each file that the order names lies now, by the value written for it."""
    order = plan.order
    raw = {str(path[1]) for path in plan.raw if len(path) == 2 and path[0] == "parameters"}
    value: dict[str, Any] = {
        "provider": order.provider, "model": plan.model.full, "project": order.project, "name": order.name,
        "seed": plan.base_seed, "parameters": _parameters(order.parameters, ("parameters",), plan, places),
    }  # fmt: skip
    cases = order.cases
    if isinstance(cases, str):
        cases = places.get(cases, cases)
    elif cases is not None:
        cases = [_parameters(row, ("cases", place), plan, places) for place, row in enumerate(cases)]
    optional = {
        "lookups": {name: list(values) for name, values in plan.lookups.items()}, "raw": sorted({*order.raw, *raw}),
        "cases": cases, "count": order.count, "sample": order.sample,
        "exclude": [_parameters(each, ("exclude", n), plan, places) for n, each in enumerate(order.exclude)],
        "warnings": "ok" if order.accepts_warnings else None,
        "budget": None if order.budget is None else float(order.budget), "price": order.price,
        "priority": order.priority, "tags": list(order.tags), "notes": order.notes,
    }  # fmt: skip
    value |= {key: each for key, each in optional.items() if each}
    value |= {} if order.validate else {"validate": False}
    return value | ({"rehearse": True} if order.rehearse else {})


def _parameters(given: Mapping[str, Any], path: Path, plan: Plan, places: Mapping[str, str]) -> dict[str, Any]:
    found = {key: _value(value, key, (*path, key), plan, places) for key, value in given.items()}
    return {key: [*value] if isinstance(value, Spread) else value for key, value in found.items()}


def _value(value: Any, key: str, path: Path, plan: Plan, places: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        found = [_value(each, key, (*path, place), plan, places) for place, each in enumerate(value)]
        return [each for one in found for each in (one if isinstance(one, Spread) else [one])]
    name = plan.model.synonyms.get(key, key)
    if name in plan.model.files:
        if isinstance(value, str) and value in plan.many:
            return Spread(places.get(each, each) for each in plan.many[value])
        return places.get(value, value) if isinstance(value, str) else value
    if isinstance(value, str) and path in plan.raw and path[:1] + path[2:] != ("parameters",):
        return _escaped(value, name, plan)
    return value


def _escaped(value: str, name: str, plan: Plan) -> str:
    """A value with !raw inside something larger: escapes say the same."""
    schema = plan.model.properties.get(name, {})
    kind = kind_of(name, schema, plan.model.text) if schema else kind_without_schema(name, value)
    signs = {"text": r"[\[\]|\\]", "list": r"[,|.\\]"}.get(kind)
    return re.sub(signs, lambda found: "\\" + found[0], value) if signs else value
