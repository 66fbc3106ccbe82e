"""`plan FILE`: the page people read before they pay. Reads by the same path as taking an order; writes nothing."""

from __future__ import annotations

import json
import os
from collections import ChainMap, Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from artfactoryd.clock import now
from artfactoryd.core import file_names
from artfactoryd.core.expansion import stages
from artfactoryd.core.expansion.axes_in_words import ends, factors, formula
from artfactoryd.core.expansion.hold_reasons import in_words
from artfactoryd.core.expansion.item_keys import Keys
from artfactoryd.core.expansion.plan import Plan, PlannedItem
from artfactoryd.core.expansion.product_names import Lineage
from artfactoryd.core.expansion.stages import keeps
from artfactoryd.core.money import usd
from artfactoryd.core.names import counted, nfc, numbered
from artfactoryd.core.order import Order
from artfactoryd.core.slug import folder_name, prompt_of, slug
from artfactoryd.entries import bounded
from artfactoryd.errors import Path as KeyPath
from artfactoryd.errors import Problem, Refusal, WrongUse
from artfactoryd.home import Home
from artfactoryd.planning import defaults
from artfactoryd.planning.catalogue.asked import understood
from artfactoryd.planning.catalogue.makes import made_by, made_by_stage
from artfactoryd.planning.catalogue.prices import notes, stale_prices, told_with_price
from artfactoryd.planning.equal_items import other_seed
from artfactoryd.planning.formats import ending_of
from artfactoryd.planning.input_sources import near_name
from artfactoryd.planning.origin import Origin, name_of, order_file
from artfactoryd.planning.planner import Study, most_bytes
from artfactoryd.planning.to_buy import NEW_PARENT, NOT_KEPT, Explainer, is_gone
from artfactoryd.settings import Settings
from artfactoryd.shelf.order_folders import existing_project
from artfactoryd.storage.index import Index

# What is only known when a file came.
UNKNOWN: dict[str, Any] = {
    "hash": "…", "hash8": "…", "ext": "*", "order_id": "…", "product_id": "…", "width": "…", "height": "…",
    "version": 1,
}  # fmt: skip
MOST_REASONS = 1000  # items looked at to say why the rest is bought
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
        for order_number, order in enumerate(self.orders):
            head = json.dumps(order.head, ensure_ascii=False, indent=2)
            yield f'{"," if order_number else ""}{head.removesuffix("}").rstrip()},\n  "items": ['
            for number, item in enumerate(order.items()):
                yield f"{',' if number else ''}\n    {json.dumps(item, ensure_ascii=False)}"
            yield "\n  ]\n}\n"
        yield "  ]\n}\n"


def plan(
    home: Home, settings: Settings, file: Path, *, rehearse: bool, most: int | None,
    environ: Mapping[str, str] | None = None, box: str | None = None,
) -> Planned:  # fmt: skip
    """What dropping `file` now would do, into the drop-box of that name (None: where it lies, else the Inbox itself).
    `most`: items to list, None for all. `environ`: None asks no provider."""
    file = order_file("plan", file)
    try:
        data = bounded(file, most_bytes(settings))
    except OSError as error:
        near = near_name(file.parent, file.name) if isinstance(error, FileNotFoundError) else ""
        raise WrongUse(f"{file} cannot be read: {error.strerror}.{f' Did you mean {near}?' if near else ''}") from error
    origin = _origin(file, settings.inbox.path or home.inbox, box, settings, rehearse)
    return plan_text(home, settings, data, origin, most=most, environ=environ)


def plan_text(
    home: Home, settings: Settings, data: bytes, origin: Origin, *, most: int | None,
    environ: Mapping[str, str] | None = None,
) -> Planned:  # fmt: skip
    """What these bytes would do, dropped from there. `most` and `environ` as of `plan`."""
    lines = data.decode("utf-8-sig", "replace").splitlines()
    with Index.reading(home.index_file) as index:
        try:
            studies = understood(home, settings, index, data, origin, environ)
            orders = [_order(home, study, most, index) for study in studies]
        except Refusal as refusal:
            refused = _refused(Path(origin.file), refusal.problems)
            return Planned([PlannedOrder(refused, lambda: iter(()))], 1, lines, origin.file)
    return Planned(orders, 3 if any(order.head["held"] for order in orders) else 0, lines, origin.file)


def _origin(file: Path, inbox: Path, box: str | None, settings: Settings, rehearse: bool) -> Origin:
    box = box or defaults.box_of(file, inbox)
    given = defaults.of_box(inbox / box, nfc(box), settings) if box else {}
    return Origin(str(file), name_of(file), nfc(box) if box else None, rehearse, file.absolute().parent, defaults=given)


def _refused(file: Path, problems: Sequence[Problem]) -> dict[str, Any]:
    return {
        "name": file.stem, "project": None, "model": None, "total_items": 0, "total_products": 0, "makes": "",
        "price": {"usd": None, "as_of": None, "complete": False, "stale": []}, "held": [],
        "warnings": [_told(problem) for problem in problems if problem.holds],
        "errors": [_told(problem) for problem in problems if not problem.holds], "axes": [], "combined": "",
        "models": [], "stages": [], "reuse": None, "defaults": [], "notes": [],
    }  # fmt: skip


def _told(problem: Problem) -> dict[str, Any]:
    return {**problem.as_json(), "text": str(problem)}


def _order(home: Home, study: Study, most: int | None, index: Index | None) -> PlannedOrder:
    plan = study.plan
    names, (first, last) = Names(study), ends(plan)
    price = study.needs.buying.price
    doubts = {doubt: study.document.locate(doubt) for doubt in (*plan.warnings, *names.warnings())}
    holding = {reason.text for reason in study.reasons if reason.code == "warning"}
    head = {
        "name": study.order.name, "project": study.order.project, "model": plan.model.full,
        "models": [told_with_price(plan, place) for place in range(len(plan.models))],
        "provider": study.provider, "rehearsal": study.order.rehearse, "total_items": plan.total_items,
        "total_products": plan.total_products, "makes": made_by(plan),
        "price": {
            "usd": usd(price), "as_of": plan.price and plan.price.as_of, "complete": price is not None,
            "stale": stale_prices(plan, now().date()),
        },
        "stages": [_stage(plan, stage) for stage in plan.stages],
        "cap_usd": usd(study.cap), "base_seed": plan.base_seed,
        "held": [{"code": reason.code, "text": reason.text, "waivable": reason.waivable} for reason in study.reasons],
        "warnings": [{**_told(doubts[each]), "holds": in_words(each) in holding} for each in doubts], "errors": [],
        "axes": _axes(plan), "combined": formula(plan), "folder": str(_folder(home, study)),
        "file": names.pattern, "proof": _proof(study),
        "first": first, "last": last,
        "reuse": _reuse(study, names, most, index, home.root), "defaults": _defaults(study),
        "notes": list(notes(plan, now().date())),
    }  # fmt: skip
    return PlannedOrder(head, partial(_listed, home, study, names, most))


def _defaults(study: Study) -> list[dict[str, Any]]:
    """What the order leaves to its drop-box: each key, its value, and where that stands."""
    return [
        {"key": ".".join(map(str, path)), "value": _at(study.document.value, path), "from": source}
        for path, source in study.document.from_defaults()
    ]  # fmt: skip


def _at(value: Any, path: KeyPath) -> Any:
    for step in path:
        value = value[step]
    return value


def _listed(home: Home, study: Study, names: Names, most: int | None) -> Iterator[dict[str, Any]]:
    with Index.reading(home.index_file) as index:
        yield from _items(study, names, most, index)


def _items(study: Study, names: Names, most: int | None, index: Index | None) -> Iterator[dict[str, Any]]:
    keys, explainer = Keys(study.plan), Explainer(study.plan, index)
    seen: set[str] = set()
    for item, called in islice(names.given(), most):
        key = keys.of(item)
        twin = study.needs.twin(item, key)
        keys.came(item, key, twin.contents)
        again = twin.made or twin.spent
        reason = None if again else _why_bought(study, item, key, key in seen, keys, explainer)
        seen.add(key)
        reused = [made.output.id for made in again] or None
        model = study.plan.all_models[item.model]
        by = {"provider": model.provider, "model": model.full, "model_short": model.short}
        yield {**_item(item, called), **by, "reused": reused, "reason": reason}


def _why_bought(
    study: Study, item: PlannedItem, key: str, is_repeated: bool, keys: Keys, explainer: Explainer
) -> str | None:
    twin = study.needs.twin(item, key)
    if study.order.rehearse:
        return None
    if not study.order.reuses:
        return "reuse is off"
    if twin.on_the_way or is_repeated:
        return "an equal one is on its way"
    if is_gone(twin, item):
        return "deleted or edited since"
    if study.needs.was_not_kept(item, key):
        return NOT_KEPT
    return explainer.why(item, keys.compared(item)) if keys.is_fed(item) else NEW_PARENT


def _reuse(study: Study, names: Names, most: int | None, index: Index | None, root: Path) -> dict[str, Any]:
    """`looked_at`: of so many first ones `reasons` are, if not of all; `hint`: where another seed would reuse more."""
    needs = study.needs
    looked_at = min(MOST_REASONS, (most if needs.is_all_new else None) or MOST_REASONS)
    reasons = Counter(item["reason"] for item in _items(study, names, looked_at, index) if item["reason"])
    other = other_seed(study.plan, index, root) if needs.bought and needs.buying.price != 0 else None
    told: dict[str, Any] = {"looked_at": looked_at} if looked_at < study.plan.total_items else {}
    told |= {"any_seed": len(study.plan.seeds)} if study.plan.seeds else {}
    told |= {"hint": {"order": other.order.name, "seed": other.order.base_seed, "items": other.items}} if other else {}
    return {
        "reused": needs.reused, "bought": needs.bought, "joined": needs.joined, "deleted": needs.deleted,
        "reasons": dict(reasons), **told,
    }  # fmt: skip


def _stage(plan: Plan, stage: stages.Stage[Plan]) -> dict[str, Any]:
    return {
        "id": stage.later.id, "provider": stage.plan.model.provider, "model": stage.plan.model.full,
        "waits_for": stage.later.wait, "keep": stage.later.keep, "total_items": stages.items_of(plan, stage),
        "total_products": stages.products_of(plan, stage), "makes": made_by_stage(plan, stage),
        "usd": usd(0 if plan.order.rehearse else stages.price_of(plan, stage)),
    }  # fmt: skip


def _proof(study: Study) -> dict[str, Any] | None:
    """What is made first, and what that may cost."""
    if not study.proof:
        return None
    upper = sum(study.plan.item(number).upper for number in study.proof)
    return {"items": list(study.proof), "usd": usd(upper)}


def _axes(plan: Plan) -> list[dict[str, Any]]:
    """Each token of a lone text by itself."""
    return [
        {"parameter": each.parameter, "token": each.token or None, "short": each.name, "values": each.size,
         "first": list(each.first)}
        for each in factors(plan)
    ]  # fmt: skip


def _folder(home: Home, study: Study) -> Path:
    project = existing_project(home.projects, study.order.project)
    date = now().astimezone().strftime("%Y-%m-%d")
    day, name = home.projects / project / date, folder_name(study.order.name, study.order.rehearse)
    return next(day / free for free in numbered(name, "") if not os.path.lexists(day / free))


def _item(item: PlannedItem, names: Sequence[str]) -> dict[str, Any]:
    tokens = [{"parameter": parameter, "token": token, "value": value} for parameter, token, value in item.tokens]
    return {
        "index": item.number, "parameters": dict(item.parameters), "tokens": tokens, "seed": item.seed,
        "names": list(names), "stage": item.stage, "parent": item.parent,
    }  # fmt: skip


class Named(NamedTuple):
    """How one stage names its products. One pattern is never both: a version tells products apart."""

    pattern: str
    has_version: bool
    may_collide: bool

    @classmethod
    def of(cls, order: Order, stage: str | None) -> Named:
        pattern = file_names.pattern_of(order, stage)
        return cls(pattern, file_names.has_version(pattern), file_names.may_collide(pattern))


class Names:
    """What the products of an order would be called, as far as that is known before they are made."""

    def __init__(self, study: Study) -> None:
        order, self._plan = study.order, study.plan
        self._named = {stage: Named.of(order, stage) for stage in (None, *(each.id for each in order.then))}
        self._of_order = file_names.of_order(order.name, order.project, "", now().astimezone()) | UNKNOWN
        self._pictures = {picture.value: picture.name for picture in study.inputs}
        self._kinds = {picture.value: picture.mime for picture in study.inputs}
        self._lineage, self._words = Lineage(study.plan), dict[int, str]()

    @property
    def pattern(self) -> str:
        """Of the order's own items."""
        return self._named[None].pattern

    def given(self) -> Iterator[tuple[PlannedItem, list[str]]]:
        """Each item with the names of its products; equal ones told apart as on the shelf."""
        taken: Counter[str] = Counter()
        for item in self._plan.items():
            names = []
            for values in self._values(item):
                names.append(self._free(values, taken))
                self._lineage.keep(item.first_index + len(names) - 1, values, names[-1])
            yield item, names

    def _values(self, item: PlannedItem) -> Iterator[dict[str, Any]]:
        """Of each product of an item."""
        model, (before, file) = self._plan.all_models[item.model], self._lineage.of(item.parent)
        pictures = ChainMap({stages.fed(item.parent): file} if item.parent else {}, self._pictures)
        told = file_names.of_item(model, item.parameters, item.tokens, self._plan.lookups, pictures, before)
        values = self._of_order | told
        values |= {"slug": self._slug(item, prompt_of(item.parameters, model)), "stage": item.stage}
        if not keeps(self._plan.order, item.stage):  # never on the shelf, and without a name
            for output in range(item.asked):
                self._lineage.keep(item.first_index + output, values, file)
            return
        ending = ending_of(self._plan, item, file, self._kinds)
        for output in range(item.asked):
            of_place = file_names.of_bytes(item.first_index + output, item.copy + output, item.seed, "", "")
            of_file = {key: UNKNOWN[key] for key in ("hash", "hash8")}
            yield {**values, **of_place, **of_file, "ext": ending}

    def _slug(self, item: PlannedItem, words: str) -> str:
        """What has no words of its own is called after what it is made from."""
        own_words = words or self._words.get(item.parent or 0, "")
        if self._plan.stages:
            self._words |= dict.fromkeys(range(item.first_index, item.first_index + item.asked), own_words)
        return slug(own_words)

    def _free(self, values: Mapping[str, Any], taken: Counter[str]) -> str:
        pattern, has_version, may_collide = self._named[values["stage"]]
        name = file_names.name(pattern, values)
        if not (has_version or may_collide) or (len(taken) >= MOST_NAMES and name not in taken):
            return name
        taken[name] += 1
        if taken[name] == 1:
            return name
        if has_version:
            return file_names.name(pattern, {**values, "version": taken[name]})
        stem, dot, extension = name.rpartition(".")
        return f"{stem}-{taken[name]}{dot}{extension}"

    def warnings(self) -> Iterator[Problem]:
        """Products that would ask for one name."""
        if not any(each.may_collide for each in self._named.values()):
            return
        products = (each for item in islice(self._plan.items(), MOST_NAMES) for each in self._values(item))
        plain, whose = Counter[str](), dict[str, str | None]()
        for values in products:
            each = self._named[values["stage"]]
            name = file_names.name(each.pattern, values)
            self._lineage.keep(values["index"], values, name)
            if each.may_collide:
                plain[name] += 1
                whose[name] = values["stage"]
        again = plain.total() - len(plain)
        if again:
            most, times = plain.most_common(1)[0]
            both = f"{counted(again, 'product')} would have a name that another has, {most} {times} times"
            message = f"{both}; they get -2, -3, ..."
            path = self._place_of_pattern(whose[most])
            yield Problem("W_NAMES", message, "To tell them apart, use {index}.", path)

    def _place_of_pattern(self, stage: str | None) -> tuple[str | int, ...]:
        """Where the order says how the products of a stage are called."""
        own = (number for number, later in enumerate(self._plan.order.then) if later.id == stage and later.file)
        return next((("then", number, "file") for number in own), ("file",))
