"""Order + models -> its plan, with all that is wrong with it. Nothing is executed."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from artfactoryd.core import strict_json
from artfactoryd.core.expansion import stages
from artfactoryd.core.expansion.fields import unused_columns, unused_lookups
from artfactoryd.core.expansion.plan import LARGEST, Plan, sized
from artfactoryd.core.expansion.sections import Means, Reading, read
from artfactoryd.core.expansion.stages import Stage
from artfactoryd.core.grammar.cases import strings_in
from artfactoryd.core.grammar.lists import Steps
from artfactoryd.core.grammar.values import Check, Having, Many, ValueAxis, Written
from artfactoryd.core.json_types import Value
from artfactoryd.core.model import Model
from artfactoryd.core.names import counted
from artfactoryd.core.order import Later, LookupValues, Order
from artfactoryd.core.parameters.secret_values import holds_key
from artfactoryd.core.seeds import number_from
from artfactoryd.errors import Path, Problem

MOST_PROBLEMS = 100  # told of one order
MOST_LISTED = 1_000_000  # items, or sizes, that are made only to add them up


def base_seed(order: Order, runs: int) -> int:
    """`seed`, else derived from project, order name and how many real runs of these bytes there were."""
    return order.seed if order.seed is not None else number_from(order.project, order.name, runs)


def make_plan(
    order: Order, model: Model, base: int, *, written: Written, check: Check, models: Sequence[Model] = (),
    later: Sequence[Model] = (),
    lookups: Mapping[str, Sequence[str]] | None = None, raw: Collection[Path] = (), table: str | None = None,
    many: Many | None = None, own: Callable[[Path], bool] = lambda path: True, fields: Collection[str] | None = None,
    having: Having = lambda names: (), nested: bool = True,
) -> Plan:  # fmt: skip
    """The order fully expanded. Where `problems` is not empty the plan is only good for reporting them.

    `models`: all of them, of an order that names several. `later`: those of the stages.
    `lookups`: those of the Library; the order's own win.
    `raw`: key paths of what has !raw before it. `table`: the text of the file that `cases` names.
    `many`: what patterns and queries for pictures find. `own`: whether the order itself, and no template, says what
    stands there. `fields`: of a stage, what its texts may take of the order's cases. `having`: names of models that
    take one of some parameters. `nested`: whether texts inside values are read.
    """
    found = {} if many is None else many
    means = Means(written, check, lookups or {}, raw, table, found, own, fields or (), having, nested)
    reading = read(order, tuple(models) or (model,), base, means)
    plan = _own_plan(order, tuple(models) or (model,), base, means, reading)
    problems = [*order.problems, *reading.problems, *stages.problems(order, later)] or list(_too_large(plan))
    warnings = list(reading.warnings)
    if later and not problems:
        plan, problems = _with_stages(plan, later, means)
        warnings += _of_stages(plan)
    if fields is None:
        warnings += _unused(plan, reading, own, bool(problems))
        warnings += [] if problems else _order_warnings(plan)
    return replace(plan, problems=_at_most(problems), warnings=_at_most(warnings))


def _own_plan(order: Order, models: tuple[Model, ...], base: int, means: Means, reading: Reading) -> Plan:
    """Of the order's own items, without what is wrong with them."""
    return Plan(
        order, models, tuple(reading.sections), base, pictures=tuple(reading.pictures), lookups=reading.used,
        secrets=tuple(reading.secrets),
        raw=frozenset(means.raw), many=reading.spread, fields_used=reading.fields_used,
        replaced=reading.replaced or frozenset(),
        fields=tuple(name for name in reading.cases.columns if name in reading.cases.fields) if reading.cases else (),
    )  # fmt: skip


def _with_stages(plan: Plan, models: Sequence[Model], means: Means) -> tuple[Plan, list[Problem]]:
    """`models`: of the stages, which the order is known to have as many of."""
    made, problems = list[Stage[Plan]](), list[Problem]()
    for place, (later, model) in enumerate(zip(plan.order.then, models, strict=True)):
        own = _stage_plan(plan, place, later, model, means)
        problems += [replace(problem, path=_inside(place, problem.path)) for problem in own.problems]
        if not problems and own.must_list:
            problems.append(_drawn_size(place))
        parent, number = stages.parent_of(plan.order, place), len(plan.models) + place
        made.append(Stage(later, own, parent, number, stages.input_of(later, model)))
    whole = _together(plan, made)
    return whole, problems or list(_too_large(whole))


def _of_stages(plan: Plan) -> Iterator[Problem]:
    for place, stage in enumerate(plan.stages):
        yield from (replace(warning, path=_inside(place, warning.path)) for warning in stage.plan.warnings)


def _drawn_size(place: int) -> Problem:
    message = "a number of outputs, or a size where the price goes by it, cannot be drawn in a stage."
    return Problem("E_STAGE", message, "Write a list.", ("then", place, "parameters"))


def _together(plan: Plan, made: Sequence[Stage[Plan]]) -> Plan:
    """The plan with its stages, and with all that they need."""
    used = plan.fields_used.union(*(stage.plan.fields_used for stage in made))
    lookups, many, pictures = dict(plan.lookups), dict(plan.many), list(plan.pictures)
    secrets = list(plan.secrets)
    for place, stage in enumerate(made):
        lookups.update(stage.plan.lookups)
        many.update(stage.plan.many)
        secrets += [(_inside(place, path), value) for path, value in stage.plan.secrets]
        pictures += [(_inside(place, path), value) for path, value in stage.plan.pictures if value != stages.FED]
    return replace(plan, stages=tuple(made), lookups=lookups, many=many, pictures=tuple(pictures),
        secrets=tuple(secrets), fields_used=used,
    )  # fmt: skip


def _unused(plan: Plan, reading: Reading, own: Callable[[Path], bool], is_wrong: bool) -> Iterator[Problem]:
    """Columns and lookups of the order itself that nothing takes."""
    order = plan.order
    if is_wrong and isinstance(order.cases, str) and reading.cases is None:
        return  # what the table would take is not known
    texts = strings_in(dict(_as_written(order)), *(reading.cases.rows if reading.cases else ()))
    mentioned = "\n".join(texts) if is_wrong else None
    if reading.cases:
        yield from unused_columns(order, plan.models, reading.cases, plan.fields_used, mentioned)
    yield from unused_lookups(order, own, {*plan.lookups, *reading.meant}, mentioned)


def _stage_plan(plan: Plan, place: int, later: Later, model: Model, means: Means) -> Plan:
    """What is made of one product."""

    def written(path: Path) -> str | None:
        return means.written(_inside(place, path))

    raw = [path[2:] for path in means.raw if path[:2] == ("then", place)]
    order = stages.order_of(plan.order, later, model)
    return make_plan(
        order, model, plan.base_seed, written=written, check=means.check, lookups=means.lookups, raw=raw,
        many=means.many, own=lambda path: means.own(_inside(place, path)), fields=plan.fields, having=means.having,
        nested=means.nested,
    )  # fmt: skip


def _inside(place: int, path: Path) -> Path:
    return ("then", place, *path) if path[:1] == ("parameters",) else path


def _at_most(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """A broken text of a megabyte would else be answered with ten."""
    more = len(problems) - MOST_PROBLEMS
    if more <= 0:
        return tuple(problems)
    last = problems[MOST_PROBLEMS]
    note = replace(last, code=f"{last.code[:2]}MORE", message=f"and {more} more from here on.", fix="")
    return (*problems[:MOST_PROBLEMS], note)


def _too_large(plan: Plan) -> Iterator[Problem]:
    yield from _large_seeds(plan)
    if _cannot_be_looked_through(plan):
        message = "what is left out, drawn, or sized depends on more values than can be looked through."
        yield _of_parameters(message, "Take values out, or write several orders.")
    elif plan.combinations == 0:
        yield Problem("E_EXHAUSTED", "every combination is left out.", "Leave out fewer.", path=("exclude",))
    else:
        yield from _more_than_can_be_counted(plan)


def _cannot_be_looked_through(plan: Plan) -> bool:
    counts = [weights for _, section in plan.sections for weights in (section.combinations, section.items)]
    return any(weights.too_many for weights in counts) or any(axis.size > MOST_LISTED for axis in sized(plan))


def _more_than_can_be_counted(plan: Plan) -> Iterator[Problem]:
    fix = "Take values out, or write several orders."
    if plan.order.sample is None and plan.combinations * plan.sections[0][1].packing.copies > LARGEST:
        message = f"this makes about 10^{math.log10(plan.combinations):.0f} items, more than can be counted here."
        yield _of_parameters(message, fix)
    elif plan.must_list and plan.total_items > MOST_LISTED:
        message = f"a drawn size or a sample makes at most {MOST_LISTED} items."
        yield _of_parameters(message, "Write several orders.")
    elif plan.total_products > LARGEST:
        message = f"this makes about 10^{math.log10(plan.total_products):.0f} products, more than can be counted here."
        yield _of_parameters(message, fix)
    elif plan.total_items > LARGEST or (plan.total_price() or 0) > LARGEST:
        yield Problem("E_TOO_LARGE", "this costs more than can be counted here.", "Correct the price.", path=("price",))


def _of_parameters(message: str, fix: str) -> Problem:
    return Problem("E_TOO_LARGE", message, fix, path=("parameters",))


def _large_seeds(plan: Plan) -> Iterator[Problem]:
    for model, section in plan.sections:
        for axis in section.lists:
            if axis.parameter == plan.models[model].seed and any(abs(seed) > LARGEST for seed in _seeds(axis)):
                message = f"a seed is at most {LARGEST}."
                yield Problem("E_VALUE", message, "Write a smaller one.", path=("parameters",))
                return


def _seeds(axis: ValueAxis) -> list[int]:
    values = (axis.values[0], axis.values[-1]) if isinstance(axis.values, Steps) else axis.values
    return [value for value in values if isinstance(value, int)]


def _listed(values: LookupValues) -> Value:
    return list(values["wildcards"] if isinstance(values, Mapping) else values)


def _as_written(order: Order) -> Iterator[tuple[Path, Value]]:
    """What goes into papers as it stands."""
    yield from ((("parameters", name), value) for name, value in order.parameters.items())
    yield from ((("models", number, "parameters"), dict(one.parameters)) for number, one in enumerate(order.models))
    yield from ((("then", number, "parameters"), dict(later.parameters)) for number, later in enumerate(order.then))
    yield from ((("lookups", name), _listed(values)) for name, values in order.lookups.items())
    yield from ((("notes",), order.notes), (("tags",), list(order.tags)))
    if order.cases is not None and not isinstance(order.cases, str):
        yield ("cases",), [dict(row) for row in order.cases]


def _order_warnings(plan: Plan) -> Iterator[Problem]:
    # Equal to its own, it is its own: an accepted order's models have the price that it was accepted with.
    known = [model.id for place, model in enumerate(plan.models) if plan.own_price(place) is None]
    if plan.order.price is not None and known:
        message = f"the price of {', '.join(known)} is known; the order's own price is not used."
        yield Problem("W_PRICE", message, "Take `price` out.", path=("price",))
    for path, value in _as_written(plan.order):
        if holds_key(strict_json.dumps(value)):
            message = "something here looks like a key. It would be sent, and stand in order, ledger and sidecars."
            fix = "Take it out, and make a new one: this one is in a file."
            yield Problem("W_SECRET", message, fix, path, holds=True)
    if plan.order.proof and plan.order.proof >= plan.total_items:
        message = f"a proof of {plan.order.proof} is the whole order ({counted(plan.total_items, 'item')})."
        yield Problem("W_PROOF", message, "All is made at once; write a smaller `proof` to look first.", ("proof",))
    if not plan.order.validate:
        message = "the parameters are sent as written, unchecked."
        yield Problem("W_NOT_VALIDATED", message, path=("validate",))
