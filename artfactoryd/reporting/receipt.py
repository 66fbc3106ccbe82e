"""`receipt.yaml`: what became of an order so far."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from artfactoryd import documents
from artfactoryd.core.lifecycle import ItemState, OrderState
from artfactoryd.core.money import usd
from artfactoryd.planning.accepted import plan_of
from artfactoryd.reporting.orders import money_document
from artfactoryd.storage import dependencies, spend
from artfactoryd.storage.index import Index
from artfactoryd.storage.rows import OrderRow

MOST_FAILURES = 100  # in one receipt; `order ID` shows all


def receipt_state(folder: Path) -> str | None:
    """The state that the receipt lying there tells; None when there is none to read."""
    try:
        with (folder / "receipt.yaml").open(errors="replace") as file:
            found = re.search(r"^state: (\w+)$", file.read(4096), re.MULTILINE)
    except OSError:
        return None
    return found[1] if found else None


def first_receipt(row: OrderRow) -> str:
    return _receipt_head(row, OrderState.QUEUED, {}, {})


def receipt(index: Index, row: OrderRow, notes: Sequence[str]) -> str:
    """What became of the order so far. `notes`: why it waits, in words."""
    counts = index.counts(row.id)
    state = index.state(row, counts)
    head = _receipt_head(row, state, counts, money_document(spend.of_order(index, row.id)), notes)
    ended = index.items(row.id, (ItemState.FAILED, ItemState.IN_DOUBT, ItemState.CANCELLED), MOST_FAILURES)
    failed = [item for item in ended if item.state != ItemState.CANCELLED or item.ticket]
    short = [item for item in index.items(row.id, (ItemState.COMPLETED,)) if item.reason][:MOST_FAILURES]
    papers: dict[str, Any] = {}
    if plan_of(row).stages:
        papers["stages"] = dependencies.counts(index, row.id)
    warnings: list[dict[str, Any]] = [{"text": str(warning)} for warning in plan_of(row).warnings]
    warnings += [{"item": o.item, "text": o.text} for o in spend.overruns(index, row.id, MOST_FAILURES)]
    if failed:
        papers["failures"] = [{"item": i.number, "state": str(i.state), "reason": i.reason} for i in failed]
    if warnings or short:
        papers["warnings"] = warnings + [{"item": i.number, "text": i.reason} for i in short]
    return head + (documents.dump_yaml(papers) if papers else "")


def _receipt_head(
    row: OrderRow, state: OrderState, counts: Mapping[str, int], money: Mapping[str, float], notes: Sequence[str] = ()
) -> str:
    """`money`: of `money_document`; empty before anything was sent."""
    value: dict[str, Any] = {
        "order_id": row.id, "name": row.name, "project": row.project, "state": str(state),
        "accepted_at": row.accepted_at,
        "items": {"total": row.total_items, **{str(each): counts[each] for each in ItemState if counts.get(each)}},
        "products_planned": row.total_products,
        "cost": {"estimated_usd": usd(row.price), "spent_usd": 0.0, "reserved_usd": 0.0, "in_doubt_usd": 0.0,
                 "released_usd": 0.0, **money, "cap_usd": usd(row.cap)},
    }  # fmt: skip
    value |= {"rehearsal": True} if row.rehearsal else {}
    value |= {"reasons": list(notes)} if notes else {}
    return documents.dump_yaml(value)
