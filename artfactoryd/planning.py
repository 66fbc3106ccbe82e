"""`plan FILE`: the page people read before they pay. Reads by the same path as taking an order; writes nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artfactoryd.choosing import Heard, ModelsUnknown, Name
from artfactoryd.core.catalog import dollars, usd
from artfactoryd.core.plan import Plan, PlannedItem
from artfactoryd.core.product import folder_name, product_name, prompt_of
from artfactoryd.descriptions import Descriptions
from artfactoryd.errors import Problem, Refusal, WrongUse
from artfactoryd.home import Home
from artfactoryd.house import asking, now
from artfactoryd.index import Index
from artfactoryd.settings import Settings
from artfactoryd.shelf import existing_project
from artfactoryd.study import Origin, Scholar, Study, name_of

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
    except Refusal as refusal:
        return Planned({"orders": [_refused(file, refusal.problems)]}, 1)
    finally:
        if index:
            index.close()
    orders = [_order(home, study, most) for study in studies]
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
        "errors": [_told(problem) for problem in problems if not problem.holds], "axes": [], "items": [],
    }  # fmt: skip


def _told(problem: Problem) -> dict[str, Any]:
    return {**problem.as_json(), "text": str(problem)}


def _order(home: Home, study: Study, most: int | None) -> dict[str, Any]:
    found = study.plan
    price = found.total_price()
    warnings = [study.document.locate(warning) for warning in found.warnings]
    return {
        "name": study.order.name, "project": study.order.project, "model": found.model.full,
        "provider": study.provider, "rehearsal": study.order.rehearse, "total_items": found.total_items,
        "total_products": found.total_products,
        "price": {"usd": usd(price), "as_of": found.price and found.price.as_of, "complete": price is not None},
        "cap_usd": usd(study.cap), "base_seed": found.base_seed,
        "held": [{"code": reason.code, "text": reason.text, "waivable": reason.waivable} for reason in study.reasons],
        "warnings": [{**warning.as_json(), "text": str(warning)} for warning in warnings], "errors": [],
        "axes": _axes(found), "folder": str(_folder(home, study)),
        "first": _prompt(found, 1), "last": _prompt(found, found.total_items),
        "items": [_item(found, item) for _, item in zip(range(found.total_items if most is None else most),
                                                        found.items(), strict=False)],
    }  # fmt: skip


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


def _item(found: Plan, item: PlannedItem) -> dict[str, Any]:
    prompt = prompt_of(item.parameters, found.model)
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
    lines = [_headline(order), f"  model    {order['provider']} {order['model']}", f"  price    {_price(order)}"]
    lines += [f"  axis     {axis['parameter']}: {_values(axis)}" for axis in order["axes"]]
    lines += [f"  first    {order['first']}", f"  last     {order['last']}", f"  lands in {order['folder']}"]
    lines += [f"  warning  {warning['text']}" for warning in order["warnings"]]
    lines += [f"  held     {reason['text']}" for reason in order["held"]]
    return "\n".join([*lines, "", *_item_lines(order)])


def _headline(order: Mapping[str, Any]) -> str:
    kind = " (rehearsal: drawn here, for nothing)" if order["rehearsal"] else ""
    return f"{order['name']}: {order['total_items']} items, {order['total_products']} products{kind}"


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
