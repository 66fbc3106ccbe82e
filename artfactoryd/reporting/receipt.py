"""`receipt.yaml`: what became of an order so far."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from artfactoryd import documents, entries
from artfactoryd.core.lifecycle import ItemState, OrderState
from artfactoryd.core.money import usd
from artfactoryd.core.names import made_words
from artfactoryd.planning.accepted import plan_of
from artfactoryd.printable import redact
from artfactoryd.reporting.orders import MoneyDocument, overruns
from artfactoryd.storage import dependencies
from artfactoryd.storage.index import Index
from artfactoryd.storage.lists import order_lists
from artfactoryd.storage.rows import OrderRow

MOST_TOLD = 100  # failures, and warnings, in one receipt; the rest are counted, and `order ID` shows all


def receipt_state(folder: Path) -> str | None:
    """The state that the receipt lying there tells; None when there is none to read."""
    try:
        head = entries.words_in(folder / "receipt.yaml", 4096)
    except OSError:
        return None
    state = re.search(r"^state: (\w+)$", head, re.MULTILINE)
    return state[1] if state else None


def first_receipt(row: OrderRow) -> str:
    return _receipt_head(row, OrderState.QUEUED, {}, MoneyDocument())


def receipt(index: Index, row: OrderRow, notes: Sequence[str]) -> str:
    """What became of the order so far. `notes`: why it waits, in words."""
    counts = index.counts(row.id)
    head = _receipt_head(row, index.state(row, counts), counts, MoneyDocument.of(index, row.id), notes)
    papers: dict[str, object] = {}
    if plan_of(row).stages:
        papers["stages"] = dependencies.counts(index, row.id)
    if (made := order_lists.made(index, row.id)).products:
        papers["made"] = made_words(*made)
    papers |= _told("failures", _failures(index, row), row)
    papers |= _told("warnings", _warnings(index, row), row)
    return head + (documents.dump_yaml(papers) if papers else "")


def _told(name: str, told: tuple[Sequence[object], int], row: OrderRow) -> dict[str, object]:
    """`told`: what is told, and how much there is."""
    entries, count = told
    left = count - len(entries)
    more = {f"more_{name}": f"{left}: `artfactoryd order {row.short}` tells of each"} if left else {}
    return {name: list(entries), **more} if entries else {}


def _failures(index: Index, row: OrderRow) -> tuple[Sequence[object], int]:
    """Items that failed or are in doubt, and those that were cancelled after they had been bought."""
    items, count = order_lists.failures(index, row.id, MOST_TOLD)
    return [{"item": item.number, "state": item.state, "reason": redact(item.reason)} for item in items], count


def _warnings(index: Index, row: OrderRow) -> tuple[Sequence[object], int]:
    """Of the whole order first, then items that cost more or brought less than was asked for."""
    warnings: list[object] = [{"text": str(warning)} for warning in plan_of(row).warnings]
    dear = overruns(index, row.id)
    warnings += [overrun.to_json() for overrun in dear[:MOST_TOLD]]
    short, count = order_lists.short(index, row.id, MOST_TOLD)
    warnings += [{"item": item.number, "text": redact(item.reason)} for item in short]
    return warnings, len(warnings) + len(dear[MOST_TOLD:]) + count - len(short)


def _receipt_head(
    row: OrderRow, state: OrderState, counts: Mapping[str, int], money: MoneyDocument, notes: Sequence[str] = ()
) -> str:
    value: dict[str, object] = {
        "order_id": row.id, "name": row.name, "project": row.project, "state": str(state),
        "accepted_at": row.accepted_at,
        "items": {"total": row.all_items, **{str(state): counts[state] for state in ItemState if counts.get(state)}},
        "products_planned": row.total_products,
        "cost": {"estimated_usd": usd(row.price), **money.to_json(), "cap_usd": usd(row.cap)},
    }  # fmt: skip
    if row.rehearsal:
        value["rehearsal"] = True
    if row.agent:
        value["agent"] = row.agent
    if notes:
        value["reasons"] = list(notes)
    return documents.dump_yaml(value)
