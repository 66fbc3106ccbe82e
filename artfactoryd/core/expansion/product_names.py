"""Whether the patterns of an order's products name only what there is: of a stage also what it is made from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from artfactoryd.core import file_names
from artfactoryd.core.expansion.plan import Plan
from artfactoryd.core.json_types import Parameters
from artfactoryd.core.model import Model
from artfactoryd.errors import Path, Problem

OURS = {
    **dict.fromkeys(("provider", "model", "family", "stage"), "the model"),
    **dict.fromkeys(("project", "project_id", "order", "order_id", "year", "month", "day"), "the order"),
}


def wrong_names(plan: Plan) -> Iterator[Problem]:
    """Of the order's own patterns; the settings' was looked at when they were read. Where a table is wrong, what it
    would give is not known."""
    if any(problem.code == "E_CASES" for problem in plan.problems):
        return
    own = [*plan.order.parameters, *plan.lookups, *_known(plan.models)]
    if plan.order.file is not None:
        yield from file_names.problems(plan.order.file, plan.model, own, plan.fields)
    for number, stage in enumerate(plan.stages):
        if stage.later.file is not None:
            names = [*stage.later.parameters, *_known(_makers(plan, number)), *own]
            wrong = file_names.problems(stage.later.file, stage.plan.model, names, plan.fields)
            yield from (replace(problem, path=("then", number, "file")) for problem in wrong)


def shadowed_names(plan: Plan) -> Iterator[Problem]:
    """Fields of a pattern that mean the model (or the order, or the product), while the order has values called so."""
    own = {*plan.lookups, *plan.fields}
    patterns: list[tuple[Path, str | None]] = [(("file",), plan.order.file)]
    patterns += [(("then", number, "file"), stage.later.file) for number, stage in enumerate(plan.stages)]
    for path, pattern in patterns:
        for name in sorted(file_names.fields_in(pattern or "") & own & file_names.FIELDS):
            message = f"{{{name}}} in a name is that of {OURS.get(name, 'the product')}, not the order's own `{name}`."
            yield Problem("W_NAMES", message, f"To have yours, call it otherwise, as in my_{name}.", path)


def _known(models: Sequence[Model]) -> list[str]:
    return [name for model in models for name in (*model.properties, *model.synonyms)]


def _makers(plan: Plan, number: int | None) -> list[Model]:
    """Of a stage and of those it follows."""
    models: list[Model] = []
    while number is not None:
        models.append(plan.stages[number].plan.model)
        number = plan.stages[number].parent
    return models


class Lineage:
    """Of the products that stages are fed with what the names of later ones may tell, by their places in the order.

    Only what the order's patterns name is kept: there may be a million products.
    """

    def __init__(self, plan: Plan) -> None:
        patterns = [file_names.pattern_of(plan.order, stage) for stage in (None, *(s.later.id for s in plan.stages))]
        self._named = {name for pattern in patterns for name in file_names.fields_in(pattern)} | {file_names.PHOTO}
        self._is_used = bool(plan.stages)
        self._values: dict[int, Parameters] = {}
        self._files: dict[int, str] = {}

    def of(self, place: int | None) -> tuple[Parameters, str]:
        """Its values, and the name of its file."""
        return self._values.get(place or 0, {}), self._files.get(place or 0, "")

    def keep(self, place: int, values: Mapping[str, object], file: str) -> None:
        if self._is_used:
            self._values[place] = {name: values[name] for name in self._named if name in values}
            self._files[place] = file
