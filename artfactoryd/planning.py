"""`plan FILE`: the page people read before they pay. Reads by the same path as taking an order; writes nothing."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from artfactoryd.choosing import Heard, ModelsUnknown, Name
from artfactoryd.core.catalog import dollars, usd
from artfactoryd.core.plan import Plan, PlannedItem
from artfactoryd.core.product import folder_name, product_name, prompt_of
from artfactoryd.core.reuse import Keys
from artfactoryd.descriptions import Descriptions
from artfactoryd.errors import Problem, Refusal, WrongUse
from artfactoryd.home import Home
from artfactoryd.house import asking, now
from artfactoryd.index import Index
from artfactoryd.needs import NEW, Explainer, is_gone
from artfactoryd.settings import Settings
from artfactoryd.shelf import existing_project
from artfactoryd.study import Origin, Scholar, Study, name_of
from artfactoryd.twins import Twin

UNKNOWN_HASH = "........"  # a file's name holds the beginning of its bytes' hash, known when they came
MOST_VALUES = 12  # of one axis on the page


@dataclass(frozen=True, slots=True)
class Planned:
    document: dict[str, Any]
    exit_code: int  # 1 with errors, 3 when it would be held

    def text(self) -> str:
        return "\n\n".join(_order_text(order) for order in self.document["orders"])


def plan(
    home: Home, settings: Settings, file: Path, *, rehearse: bool, most: int | None,
    environ: Mapping[str, str] | None = None,
) -> Planned:  # fmt: skip
    """What dropping `file` now would do. `most`: items to list, None for all. `environ`: None asks no provider."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise WrongUse(f"{file} cannot be read: {error.strerror}.") from error
    index = Index.if_made(home.index_file)
    try:
        origin = Origin(str(file), name_of(file), None, rehearse, file.absolute().parent)
        studies = _studies(home, settings, index, data, origin, environ)
        orders = [_order(home, study, most, index) for study in studies]
    except Refusal as refusal:
        return Planned({"orders": [_refused(file, refusal.problems)]}, 1)
    finally:
        if index:
            index.close()
    return Planned({"orders": orders}, 3 if any(order["held"] for order in orders) else 0)


def _studies(
    home: Home, settings: Settings, index: Index | None, data: bytes, origin: Origin,
    environ: Mapping[str, str] | None,
) -> list[Study]:  # fmt: skip
    try:
        return Scholar(home, settings, index, now).study(data, origin)
    except ModelsUnknown as unknown:
        if environ is None or not unknown.names:
            raise
        heard = asyncio.run(_asked(home, settings, environ, unknown.names))
    return Scholar(home, settings, index, now, heard).study(data, origin)


async def _asked(home: Home, settings: Settings, environ: Mapping[str, str], names: Sequence[Name]) -> Heard:
    async with asking(home, settings, environ) as factories:
        return await Descriptions(home.told, factories).learn(names)


def _refused(file: Path, problems: Sequence[Problem]) -> dict[str, Any]:
    return {
        "name": file.stem, "project": None, "model": None, "total_items": 0, "total_products": 0,
        "price": {"usd": None, "as_of": None, "complete": False}, "held": [],
        "warnings": [_told(problem) for problem in problems if problem.holds],
        "errors": [_told(problem) for problem in problems if not problem.holds], "axes": [],
        "items": [], "reuse": None,
    }  # fmt: skip


def _told(problem: Problem) -> dict[str, Any]:
    return {**problem.as_json(), "text": str(problem)}


def _order(home: Home, study: Study, most: int | None, index: Index | None) -> dict[str, Any]:
    found = study.plan
    price = study.needs.buying.price
    items = _items(study, most, index)
    warnings = [study.document.locate(warning) for warning in found.warnings]
    return {
        "name": study.order.name, "project": study.order.project, "model": found.model.full,
        "models": [{"provider": each.provider, "model": each.full} for each in found.models],
        "provider": study.provider, "rehearsal": study.order.rehearse, "total_items": found.total_items,
        "total_products": found.total_products,
        "price": {"usd": usd(price), "as_of": found.price and found.price.as_of, "complete": price is not None},
        "cap_usd": usd(study.cap), "base_seed": found.base_seed,
        "held": [{"code": reason.code, "text": reason.text, "waivable": reason.waivable} for reason in study.reasons],
        "warnings": [{**warning.as_json(), "text": str(warning)} for warning in warnings], "errors": [],
        "axes": _axes(found), "folder": str(_folder(home, study)),
        "first": _prompt(found, 1), "last": _prompt(found, found.total_items),
        "reuse": _reuse(study, items), "items": items,
    }  # fmt: skip


def _reuse(study: Study, items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """`reasons`: of the items shown alone."""
    needs, reasons = study.needs, Counter(item["reason"] for item in items if item["reason"])
    return {
        "reused": needs.reused, "bought": needs.bought, "joined": needs.joined, "deleted": needs.deleted,
        "reasons": dict(reasons),
    }  # fmt: skip


def _items(study: Study, most: int | None, index: Index | None) -> list[dict[str, Any]]:
    plan, keys, explainer, seen = study.plan, Keys(study.plan), Explainer(study.plan, index), set()
    found = []
    for item in islice(plan.items(), plan.total_items if most is None else most):
        key = keys.of(item)
        twin = study.needs.twins.get(key, Twin())
        reason = None if twin.made else _why_bought(study, item, twin, key in seen, explainer)
        reused = [product["id"] for product in twin.made] or None
        found.append({**_item(plan, item), "reused": reused, "reason": reason})
        seen.add(key)
    return found


def _why_bought(study: Study, item: PlannedItem, twin: Twin, is_repeated: bool, explainer: Explainer) -> str | None:
    if study.order.rehearse:
        return None
    if not study.order.reuses:
        return "reuse is off"
    if twin.on_the_way or is_repeated:
        return "an equal one is on its way"
    return "deleted or edited since" if is_gone(twin, item) else explainer.why(item)


def _axes(found: Plan) -> list[dict[str, Any]]:
    axes: list[dict[str, Any]] = [
        {"parameter": axis.parameter, "values": axis.size,
         "first": [axis.shown(place) for place in range(min(axis.size, MOST_VALUES))]}
        for axis in found.axes if axis.size > 1
    ]  # fmt: skip
    cases = len(found.sections) // len(found.models)
    axes = [{"parameter": "cases", "values": cases, "first": []}, *axes] if cases > 1 else axes
    names = [model.full for model in found.models]
    return [{"parameter": "models", "values": len(names), "first": names}, *axes] if len(names) > 1 else axes


def _folder(home: Home, study: Study) -> Path:
    project = existing_project(home.projects, study.order.project)
    date = now().astimezone().strftime("%Y-%m-%d")
    return home.projects / project / date / folder_name(study.order.name, study.order.rehearse)


def _prompt(found: Plan, number: int) -> str:
    item = found.item(number)
    return prompt_of(item.parameters, found.models[item.model])


def _item(found: Plan, item: PlannedItem) -> dict[str, Any]:
    prompt = prompt_of(item.parameters, found.models[item.model])
    names = [product_name(item.first_index + place, prompt, UNKNOWN_HASH, "*") for place in range(item.asked)]
    tokens = [{"parameter": parameter, "token": token, "value": value} for parameter, token, value in item.tokens]
    return {
        "index": item.number, "parameters": dict(item.parameters), "tokens": tokens, "seed": item.seed, "names": names,
    }  # fmt: skip


# --- the page ---


def _order_text(order: Mapping[str, Any]) -> str:
    if order["errors"]:
        told = [*order["errors"], *order["warnings"]]
        lines = [f"{order['name']} cannot be taken:"] + [f"- {each['text']}" for each in told]
        return "\n".join(lines)
    lines = [_headline(order), *_models(order), f"  price    {_price(order)}"]
    lines += _reuse_lines(order["reuse"])
    lines += [f"  axis     {axis['parameter']}: {_values(axis)}" for axis in order["axes"]]
    lines += [f"  first    {order['first']}", f"  last     {order['last']}", f"  lands in {order['folder']}"]
    lines += [f"  warning  {warning['text']}" for warning in order["warnings"]]
    lines += [f"  held     {reason['text']}" for reason in order["held"]]
    return "\n".join([*lines, "", *_item_lines(order)])


def _reuse_lines(reuse: Mapping[str, Any]) -> list[str]:
    """Nothing where all of it is new anyway."""
    told = {"reused": "reused from the shelf", "joined": "waits for an equal one", "deleted": "deleted or edited since",
            "bought": "to buy"}  # fmt: skip
    if not any(reuse[key] for key in ("reused", "joined", "deleted")) and reuse["reasons"].keys() <= {NEW}:
        return []
    counts = ", ".join(f"{reuse[key]} {words}" for key, words in told.items() if reuse[key])
    reasons = [f"{count} because {reason}" for reason, count in reuse["reasons"].items()]
    return [f"  reuse    {counts}", *(f"           {each}" for each in reasons)]


def _headline(order: Mapping[str, Any]) -> str:
    kind = " (rehearsal: drawn here, for nothing)" if order["rehearsal"] else ""
    return f"{order['name']}: {order['total_items']} items, {order['total_products']} products{kind}"


def _models(order: Mapping[str, Any]) -> list[str]:
    if len(order["models"]) == 1 or order["rehearsal"]:
        return [f"  model    {order['provider']} {order['model']}"]
    return [f"  model    {each['provider']} {each['model']}" for each in order["models"]]


def _price(order: Mapping[str, Any]) -> str:
    if not order["price"]["complete"]:
        return "unknown"
    amount = dollars(round(order["price"]["usd"] * 1_000_000))
    as_of = f", price of {order['price']['as_of']}" if order["price"]["as_of"] else ""
    return f"at most {amount}{as_of} (cap {dollars(round(order['cap_usd'] * 1_000_000))})"


def _values(axis: Mapping[str, Any]) -> str:
    shown = ", ".join(str(value) for value in axis["first"])
    if not shown:
        return f"{axis['values']} values"
    return shown if axis["values"] <= MOST_VALUES else f"{shown}, … ({axis['values']} values)"


def _item_lines(order: Mapping[str, Any]) -> list[str]:
    lines = [
        f"  {item['index']:>4}  {item['names'][0]}  "
        + json.dumps(item["parameters"], ensure_ascii=False, separators=(", ", ": "))
        for item in order["items"]
    ]
    more = order["total_items"] - len(order["items"])
    return [*lines, f"        … and {more} more (--items all)"] if more > 0 else lines
