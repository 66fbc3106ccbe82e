"""An order and its items as data, for `--json` and the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from artfactoryd.core.lifecycle import ItemState
from artfactoryd.core.money import usd
from artfactoryd.storage import budget, in_doubt
from artfactoryd.storage.index import Index

Row = Mapping[str, Any]
PRODUCT = ("id", "number", "place", "path", "sha256", "bytes", "mime", "width", "height", "liked", "tags")


def order_document(
    index: Index, row: Row, reasons: list[str], *, products: bool = True, most: int = 1_000_000
) -> dict[str, Any]:
    """An order in JSON (product: the status endpoint). `most`: products named at the most."""
    counts = index.counts(row["id"])
    found: dict[str, Any] = {
        "order_id": row["id"], "name": row["name"], "project": row["project"],
        "status": str(index.state(row, counts)), "reasons": reasons, "total_items": row["total_items"],
        **{f"{state}_items": counts.get(state, 0) for state in ItemState},
        "total_products": row["total_products"], "reused_items": index.reused(row["id"]),
        **budget.money(index, row["id"]), "price_usd": usd(row["price"]),
        "cap_usd": usd(row["cap"]),
        "paused": row["paused"] is not None,
        "rehearsal": bool(row["rehearsal"]), "accepted_at": row["accepted_at"], "folder": row["folder"],
    }  # fmt: skip
    if products:
        found["overruns"] = budget.overruns(index, row["id"])
        found["products"] = [{key: product[key] for key in PRODUCT} for product in index.products(row["id"], most)]
    return found


def item_document(item: Row) -> dict[str, Any]:
    keys = ("number", "state", "generation", "tokens", "seed", "asked", "ticket", "reason", "attempts")
    return {key: item[key] for key in (*keys, "stage", "parent")}


def doubts(index: Index, row: Row) -> list[dict[str, Any]]:
    """What of an order may have been charged, and what was done to find out. `asked`: None where nobody can be."""
    return [
        {"item": each["number"], "state": each["state"], "attempt": each["id"], "since": each["asked_at"],
         "usd": usd(each["reserved"]), "reason": each["reason"], "ticket": each["ticket"], "asked": each["times"],
         "last_asked_at": each["last_at"], "next_ask_at": None if each["ticket"] else each["next_at"],
         "answer": each["words"] or ""}
        for each in in_doubt.of_order(index, row["id"])
    ]  # fmt: skip
