"""An accepted order's plan made again from what its acceptance line recorded, whatever the library says by now."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from artfactoryd import documents, schema
from artfactoryd.core.expansion.expand import make_plan
from artfactoryd.core.expansion.item_keys import Keys
from artfactoryd.core.expansion.plan import Plan, PlannedItem
from artfactoryd.core.grammar.wildcards import read_wildcards
from artfactoryd.core.json_types import Document
from artfactoryd.core.model import Model
from artfactoryd.core.order import Order, read_order
from artfactoryd.planning.template_resolution import Resolved, resolve
from artfactoryd.planning.templates import TemplateTexts
from artfactoryd.storage.index import Index
from artfactoryd.storage.rows import OrderRow

LOCAL = "local"


def with_inputs(plan: Plan, found: Sequence[Mapping[str, Any]], secrets: Mapping[str, str]) -> Plan:
    """The plan with what only the pictures themselves tell: which they are, and how large. `secrets`: their hashes."""
    sizes = {each["value"]: (each["width"], each["height"]) for each in found if each["width"]}
    stages = tuple(replace(stage, plan=with_inputs(stage.plan, found, secrets)) for stage in plan.stages)
    inputs = {each["value"]: each["sha256"] for each in found} | dict(secrets)
    return replace(plan, inputs=inputs, input_sizes=sizes, stages=stages)


def document_text(document: bytes) -> str:
    """The bytes as text for a line of JSON; `document_bytes` gives them back unchanged."""
    try:
        return document.decode()
    except UnicodeDecodeError:
        return "base64:" + base64.b64encode(document).decode()


def document_bytes(text: str) -> bytes:
    return base64.b64decode(text[7:]) if text.startswith("base64:") else text.encode()


def _document(row: OrderRow) -> Resolved:
    """As it was accepted, whatever the Library says by now."""
    document = documents.read_documents(document_bytes(row.document), row.file)[0]
    library = row.library
    return resolve(document, TemplateTexts(library.get("templates", {})), box=library.get("defaults"))


def order_of(row: OrderRow, document: Resolved | None = None) -> Order:
    """An accepted order, from what its acceptance recorded."""
    value = (document or _document(row)).value
    order = read_order(value, name=row.name, project=row.project, rehearse=bool(row.rehearsal))
    return order if order.file else replace(order, file=row.library.get("file"))


KEPT_PLANS = 32


_plans: dict[tuple[Any, ...], Plan] = {}


def plan_of(row: OrderRow) -> Plan:
    """The plan of an accepted order, as it was when it was accepted. Orders never change, so the last few are kept."""
    key = (row.id, row.document, row.name, row.project, row.rehearsal, row.base_seed)
    found = _plans.get(key)
    if found is None:
        if len(_plans) >= KEPT_PLANS:
            _plans.clear()
        found = _plans[key] = _plan_again(row)
    return found


def _lookups(library: Mapping[str, Any]) -> dict[str, Sequence[str]]:
    """What it took of the Library. Lists are data, as they were to the releases that wrote nothing else."""
    woven = {name: read_wildcards(list(enumerate(lines))) for name, lines in library.get("wildcards", {}).items()}
    return {**library.get("lookups", {}), **woven}


def _plan_again(row: OrderRow) -> Plan:
    document = _document(row)
    order = order_of(row, document)
    known = [Model.from_snapshot(each) for each in row.snapshots]
    models, later = known[: len(known) - len(order.then)], known[len(known) - len(order.then) :]
    library = row.library
    plan = make_plan(
        order, models[0], row.base_seed, written=document.written, check=schema.check_value, models=models,
        later=later, lookups=_lookups(library), raw=document.raw, table=library.get("table"),
        many=library.get("many", {}), nested=bool(library.get("nested")),
    )  # fmt: skip
    seeds = {int(number): seed for number, seed in library.get("seeds", {}).items()}
    return replace(with_inputs(plan, row.inputs, library.get("secrets", {})), seeds=seeds)


def expander(row: OrderRow) -> tuple[list[str], Iterator[PlannedItem]]:
    """Who runs each of an order's models, and its items that have no rows yet."""
    plan = plan_of(row)
    items = plan.items(row.expanded_items + 1, row.expanded_products + 1)
    if not row.rehearsal:  # what is drawn here is not what was ordered
        keys = Keys(plan)
        items = (item if item.stage else item._replace(key=keys.of(item)) for item in items)
    return row.providers, items


def price_in_order(index: Index | None, card: Document) -> Mapping[str, Any] | None:
    """The price that its order gave for a product of this sidecar, where the ledger tells of it."""
    if card["order"] is None or card["item"] is None:
        return None
    key = (str(card["order"]["id"]), int(card["item"]["index"]))
    row, item = (index.order(key[0]), index.item(*key)) if index else (None, None)
    if row is None or item is None or row.rehearsal:
        return None
    plan = plan_of(row)
    return plan.order.price if plan.own_price(item.model) else None
