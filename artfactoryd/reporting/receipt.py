"""`receipt.yaml`: what became of an order so far."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from artfactoryd import documents
from artfactoryd.core.lifecycle import ItemState, OrderState
from artfactoryd.core.money import usd
from artfactoryd.planning.accepted import plan_of
from artfactoryd.printable import redact
from artfactoryd.reporting.orders import MoneyDocument, overruns
from artfactoryd.storage import dependencies
from artfactoryd.storage.index import Index
from artfactoryd.storage.rows import OrderRow

MOST_FAILURES = 100  # in one receipt; `order ID` shows all


def receipt_state(folder: Path) -> str | None:
    """The state that the receipt lying there tells; None when there is none to read."""
    try:
        with (folder / "receipt.yaml").open(errors="replace") as file:
            state = re.search(r"^state: (\w+)$", file.read(4096), re.MULTILINE)
    except OSError:
        return None
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
    if failures := _failures(index, row):
        papers["failures"] = failures
    if warnings := _warnings(index, row):
        papers["warnings"] = warnings
    return head + (documents.dump_yaml(papers) if papers else "")


def _failures(index: Index, row: OrderRow) -> list[dict[str, object]]:
    """Items that failed or are in doubt, and those that were cancelled after they had been bought."""
    items = index.items(row.id, (ItemState.FAILED, ItemState.IN_DOUBT, ItemState.CANCELLED), MOST_FAILURES)
    return [
        {"item": item.number, "state": str(item.state), "reason": redact(item.reason or "")}
        for item in items if item.state != ItemState.CANCELLED or item.ticket
    ]  # fmt: skip


def _warnings(index: Index, row: OrderRow) -> list[dict[str, object]]:
    """Of the whole order first, then items that cost more or brought less than was asked for."""
    warnings: list[dict[str, object]] = [{"text": str(warning)} for warning in plan_of(row).warnings]
    warnings += [overrun.to_json() for overrun in overruns(index, row.id, MOST_FAILURES)]
    short = [item for item in index.items(row.id, (ItemState.COMPLETED,)) if item.reason][:MOST_FAILURES]
    return warnings + [{"item": item.number, "text": redact(item.reason or "")} for item in short]


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
    if notes:
        value["reasons"] = list(notes)
    return documents.dump_yaml(value)
