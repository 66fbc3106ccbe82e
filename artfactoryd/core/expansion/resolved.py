"""An order with everything it borrowed written out: another program run makes the same items of it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence

from artfactoryd.core.expansion.plan import Plan
from artfactoryd.core.grammar.lists import kind_of, kind_without_schema
from artfactoryd.core.grammar.wildcards import Wildcards
from artfactoryd.core.json_types import Parameters, Value
from artfactoryd.core.model import Model
from artfactoryd.core.parameters.file_leaves import Place, put
from artfactoryd.core.parameters.text_leaves import text_leaves
from artfactoryd.errors import Path


class Spread(list[Value]):
    """The pictures that a pattern or a query stands for."""


def written_out(plan: Plan, places: Mapping[str, str]) -> dict[str, Value]:
    """The document. `places`: where each file that the order names lies now, by the value written for it."""
    order = plan.order
    parameters = {name: value for name, value in order.parameters.items() if name not in plan.replaced}
    raw = {str(path[1]) for path in plan.raw if len(path) == 2 and path[0] == "parameters"}
    value: dict[str, Value] = {
        **_models(plan, places), "project": order.project, "name": order.name, "seed": plan.base_seed,
        "parameters": _parameters(parameters, ("parameters",), plan, places),
    }  # fmt: skip
    cases = order.cases
    if isinstance(cases, str):
        cases = places.get(cases, cases)
    elif cases is not None:
        cases = [_parameters(row, ("cases", number), plan, places) for number, row in enumerate(cases)]
    optional = {
        "then": [_stage(plan, number, places) for number in range(len(plan.stages))],
        "lookups": {name: _lookup(values) for name, values in plan.lookups.items()}, "raw": sorted({*order.raw, *raw}),
        "cases": cases, "count": order.count, "sample": order.sample,
        "limit": order.limit, "proof": order.proof, "file": order.file,
        "exclude": [_parameters(entry, ("exclude", n), plan, places) for n, entry in enumerate(order.exclude)],
        "warnings": "ok" if order.accepts_warnings else None,
        "budget": None if order.budget is None else float(order.budget), "price": order.price,
        "priority": order.priority, "tags": list(order.tags), "notes": order.notes,
    }  # fmt: skip
    value |= {key: entry for key, entry in optional.items() if entry}
    value |= {} if order.validate else {"validate": False}
    if order.any_seed or not order.reuses:
        value["reuse"] = "any-seed" if order.any_seed else "never"
    return value | ({"rehearse": True} if order.rehearse else {})


def _lookup(values: Sequence[str]) -> Value:
    return {"wildcards": list(values)} if isinstance(values, Wildcards) else list(values)


def _models(plan: Plan, places: Mapping[str, str]) -> dict[str, Value]:
    if not plan.order.models:
        return {"provider": plan.order.provider, "model": plan.model.full}
    entries = []
    for number, (model, own) in enumerate(zip(plan.models, plan.order.models, strict=True)):
        parameters = _parameters(own.parameters, ("models", number, "parameters"), plan, places)
        entry: dict[str, Value] = {"provider": model.provider, "model": model.full}
        entries.append(entry | ({"parameters": parameters} if parameters else {}))
    return {"models": entries}


def _stage(plan: Plan, number: int, places: Mapping[str, str]) -> dict[str, Value]:
    stage, later = plan.stages[number], plan.stages[number].later
    parameters = _parameters(later.parameters, ("then", number, "parameters"), plan, places)
    value: dict[str, Value] = {"id": later.id, "provider": later.provider, "model": stage.plan.model.full}
    value |= {"input": stage.input, "parameters": parameters}
    return value | {
        key: setting for key, setting in (("after", later.after), ("wait", later.wait), ("file", later.file)) if setting
    }


def _files(value: Value, name: str, model: Model, plan: Plan, places: Mapping[str, str]) -> Value:
    """What takes a list of files, or files deeper in it, with their places; each combination of what patterns find."""
    rows = value if isinstance(value, list) and value and all(isinstance(row, list) for row in value) else [value]
    written: list[Value] = []
    for row in rows:
        whole = model.listed(name, row)
        found = list(model.files_in(name, whole))
        ways = [plan.many.get(text, (text,)) for _, text in found]
        for files in itertools.product(*ways):
            made = {place: places.get(file, file) for (place, _), file in zip(found, files, strict=True)}
            written.append(told(whole, made))
    return written[0] if len(written) == 1 else Spread(written) if not isinstance(written[0], list) else written


def told(value: Value, files: Mapping[Place, str]) -> Value:
    for place, file in files.items():
        value = put(value, place, file)
    return value


def _parameters(given: Parameters, path: Path, plan: Plan, places: Mapping[str, str]) -> dict[str, Value]:
    escaped = {key: _texts_escaped(value, key, (*path, key), plan) for key, value in given.items()}
    resolved = {key: _value(value, key, (*path, key), plan, places) for key, value in escaped.items()}
    return {key: [*value] if isinstance(value, Spread) else value for key, value in resolved.items()}


def _value(value: Value, key: str, path: Path, plan: Plan, places: Mapping[str, str]) -> Value:
    models = _models_at(path, plan)
    name = models[0].synonyms.get(key, key)
    if name in models[0].files and len(path) <= 3 and kind_of(name, models[0].properties.get(name, {}), ()) == "array":
        return _files(value, name, models[0], plan, places)
    if isinstance(value, Mapping) and name in models[0].files:
        return _files(value, name, models[0], plan, places)
    if isinstance(value, list):
        entries = [_value(entry, key, (*path, number), plan, places) for number, entry in enumerate(value)]
        return [entry for one in entries for entry in (one if isinstance(one, Spread) else [one])]
    if any(model.synonyms.get(key, key) in model.files for model in models):
        if isinstance(value, str) and value in plan.many:
            return Spread(places.get(entry, entry) for entry in plan.many[value])
        return places.get(value, value) if isinstance(value, str) else value
    if isinstance(value, str) and path in plan.raw and path[:1] + path[2:] != ("parameters",):
        return _escaped(value, name, models[0])
    return value


def _texts_escaped(value: Value, key: str, path: Path, plan: Plan) -> Value:
    """With what has !raw before it inside the value escaped; where the whole parameter has, `raw` says so."""
    if not isinstance(value, list | dict) or not plan.raw or path in plan.raw:
        return value
    model = _models_at(path, plan)[0]
    name = model.synonyms.get(key, key)
    rows = value if isinstance(value, list) and value and all(isinstance(row, list) for row in value) else None
    wholes = [((), value)] if rows is None else [((number,), row) for number, row in enumerate(rows)]
    for before, whole in wholes:
        for place, text in text_leaves(name, model.properties.get(name, {}), whole):
            inside = (*path, *before, *place)
            if any(inside[:end] in plan.raw for end in range(len(path) + 1, len(inside) + 1)):
                value = put(value, (*before, *place), _with_signs(text, "text"))
    return value


def _models_at(path: Path, plan: Plan) -> Sequence[Model]:
    places_of: Mapping[str | int, Sequence[Model]] = {
        "models": plan.models,
        "then": [s.plan.model for s in plan.stages],
    }
    own = places_of.get(path[0])
    return [own[int(path[1])]] if own else plan.models


def _escaped(value: str, name: str, model: Model) -> str:
    """A value with !raw inside something larger: escapes say the same."""
    schema = model.properties.get(name, {})
    return _with_signs(value, kind_of(name, schema, model.text) if schema else kind_without_schema(name, value))


def _with_signs(value: str, kind: str) -> str:
    signs = {"text": r"[\[\]|\\]", "list": r"[,|.\\]"}.get(kind)
    return re.sub(signs, lambda sign: "\\" + sign[0], value) if signs else value
