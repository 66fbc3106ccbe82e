"""An order and its items as data, for `--json` and the API."""

from __future__ import annotations

from typing import Any

from artfactoryd.core.lifecycle import ItemState
from artfactoryd.core.money import usd
from artfactoryd.storage import in_doubt, spend
from artfactoryd.storage.index import Index
from artfactoryd.storage.rows import AttemptRow, ItemRow, OrderRow, ProductRow, QuestionRow
from artfactoryd.storage.spend import Money

PRODUCT = ("id", "number", "place", "path", "sha256", "bytes", "mime", "width", "height")


def order_document(
    index: Index, row: OrderRow, reasons: list[str], *, products: bool = True, most: int = 1_000_000
) -> dict[str, Any]:
    """An order in JSON (product: the status endpoint). `most`: products named at the most."""
    counts = index.counts(row.id)
    found: dict[str, Any] = {
        "order_id": row.id, "name": row.name, "project": row.project,
        "status": str(index.state(row, counts)), "reasons": reasons, "total_items": row.total_items,
        **{f"{state}_items": counts.get(state, 0) for state in ItemState},
        "total_products": row.total_products, "reused_items": index.reused(row.id),
        **money_document(spend.of_order(index, row.id)), "price_usd": usd(row.price),
        "cap_usd": usd(row.cap),
        "paused": row.paused is not None,
        "rehearsal": bool(row.rehearsal), "accepted_at": row.accepted_at, "folder": row.folder,
    }  # fmt: skip
    if products:
        found["overruns"] = [{"item": o.item, "text": o.text} for o in spend.overruns(index, row.id)]
        found["products"] = [product_document(product) for product in index.products(row.id, most)]
    return found


def money_document(money: Money) -> dict[str, float]:
    """In dollars: spent, set aside for what is on the way, in doubt, and what came back of that."""
    return {f"{name}_usd": usd(getattr(money, name)) or 0.0 for name in ("spent", "reserved", "in_doubt", "released")}


def product_document(product: ProductRow) -> dict[str, Any]:
    return {**{key: getattr(product, key) for key in PRODUCT}, "liked": int(product.liked), "tags": product.tags}


def item_document(item: ItemRow) -> dict[str, Any]:
    keys = ("number", "state", "generation", "tokens", "seed", "asked", "ticket", "reason", "attempts")
    return {key: getattr(item, key) for key in (*keys, "stage", "parent")}


def doubts(index: Index, row: OrderRow) -> list[dict[str, Any]]:
    """What of an order may have been charged, and what was done to find out. `asked`: None where nobody can be."""
    return [_doubt_document(doubt.attempt, doubt.question, doubt.state) for doubt in in_doubt.of_order(index, row.id)]


def _doubt_document(attempt: AttemptRow, question: QuestionRow | None, state: ItemState | None) -> dict[str, Any]:
    return {
        "item": attempt.number, "state": state, "attempt": attempt.id, "since": attempt.asked_at,
        "usd": usd(attempt.reserved), "reason": attempt.reason, "ticket": attempt.ticket,
        "asked": question.times if question else None, "last_asked_at": question.last_at if question else None,
        "next_ask_at": None if attempt.ticket or not question else question.next_at,
        "answer": question.words if question else "",
    }  # fmt: skip
