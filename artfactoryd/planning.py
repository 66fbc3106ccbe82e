"""`plan FILE`: the page people read before they pay. Reads by the same path as taking an order; writes nothing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from artfactoryd.core import naming
from artfactoryd.core.catalog import usd
from artfactoryd.core.plan import Plan, PlannedItem
from artfactoryd.core.product import folder_name, prompt_of
from artfactoryd.errors import Problem, Refusal, WrongUse
from artfactoryd.home import Home
from artfactoryd.house import now
from artfactoryd.index import Index
from artfactoryd.settings import Settings
from artfactoryd.shelf import existing_project
from artfactoryd.study import Origin, Scholar, Study, name_of

# What is only known when a file came.
UNKNOWN: dict[str, Any] = {
    "hash": "........", "hash8": "........", "ext": "*", "order_id": "........", "product_id": "........",
    "width": "....", "height": "....", "version": 1,
}  # fmt: skip
MOST_VALUES = 12  # of one axis on the page
MOST_NAMES = 100_000  # kept in mind to tell which would be the same

Items = Callable[[], Iterator[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class PlannedOrder:
    """`head`: everything but the items, of which there may be a million."""

    head: dict[str, Any]
    items: Items


@dataclass(frozen=True, slots=True)
class Planned:
    orders: Sequence[PlannedOrder]
    exit_code: int  # 1 with errors, 3 when it would be held
    lines: Sequence[str] = ()  # of the file
    file: str = ""  # as problems name it

    @property
    def document(self) -> dict[str, Any]:
        return {"orders": [{**order.head, "items": list(order.items())} for order in self.orders]}

    def json(self) -> Iterator[str]:
        """The document in pieces: as little in memory at a time as one item."""
        yield '{\n  "orders": [\n'
        for place, order in enumerate(self.orders):
            head = json.dumps(order.head, ensure_ascii=False, indent=2)
            yield f'{"," if place else ""}{head.removesuffix("}").rstrip()},\n  "items": ['
            for number, item in enumerate(order.items()):
                yield f"{',' if number else ''}\n    {json.dumps(item, ensure_ascii=False)}"
            yield "\n  ]\n}\n"
        yield "  ]\n}\n"


def plan(home: Home, settings: Settings, file: Path, *, rehearse: bool, most: int | None) -> Planned:
    """What dropping `file` now would do. `most`: items to list, None for all."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise WrongUse(f"{file} cannot be read: {error.strerror}.") from error
    index = Index.if_made(home.index_file)
    lines = data.decode("utf-8-sig", "replace").splitlines()
    try:
        scholar = Scholar(home, settings, index, now)
        studies = scholar.study(data, Origin(str(file), name_of(file), None, rehearse, file.absolute().parent))
    except Refusal as refusal:
        return Planned([PlannedOrder(_refused(file, refusal.problems), lambda: iter(()))], 1, lines, str(file))
    finally:
        if index:
            index.close()
    orders = [_order(home, study, most) for study in studies]
    return Planned(orders, 3 if any(order.head["held"] for order in orders) else 0, lines, str(file))


def _refused(file: Path, problems: Sequence[Problem]) -> dict[str, Any]:
    return {
        "name": file.stem, "project": None, "model": None, "total_items": 0, "total_products": 0,
        "price": {"usd": None, "as_of": None, "complete": False}, "held": [], "warnings": [],
        "errors": [{**problem.as_json(), "text": str(problem)} for problem in problems], "axes": [],
    }  # fmt: skip


def _order(home: Home, study: Study, most: int | None) -> PlannedOrder:
    found = study.plan
    names = Names(study)
    price = found.total_price()
    warnings = [study.document.locate(warning) for warning in (*found.warnings, *names.warnings())]
    head = {
        "name": study.order.name, "project": study.order.project, "model": found.model.full,
        "models": [model.full for model in found.models],
        "provider": study.provider, "rehearsal": study.order.rehearse, "total_items": found.total_items,
        "total_products": found.total_products,
        "price": {"usd": usd(price), "as_of": found.price and found.price.as_of, "complete": price is not None},
        "cap_usd": usd(study.cap), "base_seed": found.base_seed,
        "held": [{"code": reason.code, "text": reason.text, "waivable": reason.waivable} for reason in study.reasons],
        "warnings": [{**warning.as_json(), "text": str(warning)} for warning in warnings], "errors": [],
        "axes": _axes(found), "folder": str(_folder(home, study)),
        "file": names.pattern, "proof": _proof(study),
        "first": _prompt(found, 1), "last": _prompt(found, found.total_items),
    }  # fmt: skip
    return PlannedOrder(head, lambda: (_item(item, called) for item, called in islice(names.given(), most)))


def _proof(study: Study) -> dict[str, Any] | None:
    """What is made first, and what that may cost."""
    if not study.proof:
        return None
    upper = sum(study.plan.item(number).upper for number in study.proof)
    return {"items": list(study.proof), "usd": usd(upper)}


def _axes(found: Plan) -> list[dict[str, Any]]:
    axes: list[dict[str, Any]] = [
        {"parameter": axis.parameter, "values": axis.size,
         "first": [axis.shown(place) for place in range(min(axis.size, MOST_VALUES))]}
        for axis in found.axes if axis.size > 1
    ]  # fmt: skip
    cases = len(found.sections) // len(found.models)
    return [{"parameter": "cases", "values": cases, "first": []}, *axes] if cases > 1 else axes


def _folder(home: Home, study: Study) -> Path:
    project = existing_project(home.projects, study.order.project)
    date = now().astimezone().strftime("%Y-%m-%d")
    return home.projects / project / date / folder_name(study.order.name, study.order.rehearse)


def _prompt(found: Plan, number: int) -> str:
    return prompt_of(found.item(number).parameters, found.model)


def _item(item: PlannedItem, names: Sequence[str]) -> dict[str, Any]:
    tokens = [{"parameter": parameter, "token": token, "value": value} for parameter, token, value in item.tokens]
    return {
        "index": item.number, "parameters": dict(item.parameters), "tokens": tokens, "seed": item.seed,
        "names": list(names),
    }  # fmt: skip


class Names:
    """What the products of an order would be called, as far as that is known before they are made."""

    def __init__(self, study: Study) -> None:
        order, self._plan = study.order, study.plan
        self.pattern = order.file or naming.PATTERN
        self._of_order = naming.of_order(order.name, order.project, "", now().astimezone()) | UNKNOWN
        self._versions = naming.has_version(self.pattern)
        self._collides = self._versions or naming.may_collide(self.pattern)

    def given(self) -> Iterator[tuple[PlannedItem, list[str]]]:
        """Each item with the names of its products; equal ones told apart as on the shelf."""
        taken: Counter[str] = Counter()
        for item in self._plan.items():
            yield item, [self._free(values, taken) for values in self._values(item)]

    def _values(self, item: PlannedItem) -> Iterator[dict[str, Any]]:
        """Of each product of an item."""
        model = self._plan.models[item.model]
        values = self._of_order | naming.of_item(model, item.parameters, item.tokens, self._plan.lookups)
        for place in range(item.asked):
            of_place = naming.of_bytes(item.first_index + place, item.copy + place, item.seed, "", "")
            yield {**values, **of_place, **{key: UNKNOWN[key] for key in ("hash", "hash8", "ext")}}

    def _free(self, values: Mapping[str, Any], taken: Counter[str]) -> str:
        name = naming.name(self.pattern, values)
        if not self._collides or (len(taken) >= MOST_NAMES and name not in taken):
            return name
        taken[name] += 1
        if taken[name] == 1:
            return name
        if self._versions:
            return naming.name(self.pattern, {**values, "version": taken[name]})
        stem, dot, extension = name.rpartition(".")
        return f"{stem}-{taken[name]}{dot}{extension}"

    def warnings(self) -> Iterator[Problem]:
        """Products that would ask for one name."""
        if not self._collides or self._versions:
            return
        items = islice(self._plan.items(), MOST_NAMES)
        plain = Counter(naming.name(self.pattern, values) for item in items for values in self._values(item))
        again = plain.total() - len(plain)
        if again:
            most, times = plain.most_common(1)[0]
            message = f"{again} products would have a name that another has, {most} {times} times; they get -2, -3, ..."
            yield Problem("W_NAMES", message, "To tell them apart, use {index}.", ("file",))
