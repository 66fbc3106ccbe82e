"""Ledger lines as the program writes them, and books opened on a folder of a test."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from artfactoryd.core.expansion.plan import PlannedItem
from artfactoryd.storage import projection, tables
from artfactoryd.storage.events import Event, from_line
from artfactoryd.storage.index import Index
from artfactoryd.storage.marks import tables as of_marks
from artfactoryd.storage.noticing import tables as of_noticing
from artfactoryd.storage.rows import ItemRow, OrderRow
from artfactoryd.storage.writer import Books

Line = dict[str, Any]
MODELS = (*tables.TABLES, *of_marks.TABLES, *of_noticing.TABLES)
WITHOUT_LINES = ("sqlite_", "schema_", "upload", "question", "outage", "shelf_", "searched", "unsearched")
UPPER = 3000  # micro-dollars an item may cost
ORDER = "01900000-0000-7000-8000-000000000001"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def clock() -> datetime:
    return NOON


def expander(row: OrderRow) -> tuple[list[str], Iterator[PlannedItem]]:
    """As many items as the order says, each for one product."""
    numbers = range(row.expanded_items + 1, row.total_items + 1)
    return ["fake"], (
        PlannedItem(n, n, 1, 0, n, {"prompt": f"car {n}"}, (("prompt", "[a,b]", "a"),), UPPER) for n in numbers
    )


@asynccontextmanager
async def books_in(folder: Path) -> AsyncIterator[LineBooks]:
    books = open_books(folder)
    try:
        yield books
    finally:
        books.close()


class LineBooks(Books):
    """Takes lines as they stand in the ledger: the tests write them out."""

    async def record(self, *lines: Line | Event) -> None:  # type: ignore[override]
        await super().record(*(line if isinstance(line, Event) else from_line(line) for line in lines))


def apply(index: Index, line: Line) -> None:
    projection.apply(index, from_line(line))


def open_books(folder: Path) -> LineBooks:
    (folder / "Ledger").mkdir(parents=True, exist_ok=True)
    return LineBooks(folder / "Ledger", folder / "index.sqlite3", expander, clock)


def rows(folder: Path) -> dict[str, list[str]]:
    """Every row of every table, in an order of its own; but for what is free to do again and has no line."""
    index = Index.look(folder / "index.sqlite3")
    with contextlib.closing(index):
        tables = [str(model._meta.table_name) for model in MODELS]  # type: ignore[attr-defined]
        told = [name for name in tables if not name.startswith(WITHOUT_LINES)]
        return {name: sorted(repr(_own(row)) for row in index.rows(f"SELECT * FROM {name}")) for name in told}


def _own(row: dict[str, Any]) -> dict[str, Any]:
    """Without the number by which PostgreSQL counts rows as they come."""
    return {name: value for name, value in row.items() if name != "rowid"}


# --- lines ---


def acceptance(order: str = ORDER, *, items: int = 4, cap: int = 1_000_000, **other: Any) -> Line:
    return {
        "kind": "acceptance", "order": order, "claim": order, "number": 1, "submission": None, "name": "cars",
        "project": "summer", "folder": None, "provider": "fake", "model": {"id": "fake/painter"},
        "document": "prompt: a [red,blue] car", "document_sha256": "d" * 64, "fingerprint": "f" * 64,
        "file": "cars.yaml", "git": None, "accepted_at": "2026-11-22T12:00:00.000Z", "base_seed": 7, "priority": 0,
        "rehearsal": False, "tags": ["red"], "notes": "", "cap": cap, "price": items * UPPER, "total_items": items,
        "total_products": items, **other,
    }  # fmt: skip


def hold(order: str = ORDER) -> Line:
    reasons = [{"code": "limit", "text": "many", "waivable": True}]
    return {"kind": "hold", "order": order, "entry": "cars.yaml", "fingerprint": "b" * 64, "reasons": reasons}


def approval(order: str = ORDER, cap: int = 1_000_000) -> Line:
    return {"kind": "approval", "order": order, "waived": ["limit"], "cap": cap, "folder": None}


def wish(
    item: int, order: str = ORDER, *, nth: int = 1, reserved: int = UPPER, day: str = "2026-11-22",
    caps: Mapping[str, int] | None = None,
) -> Line:  # fmt: skip
    return {
        "kind": "wish", "order": order, "item": item, "attempt": attempt(item, order, nth), "nth": nth,
        "provider": "fake", "model": "fake/painter", "actual": {"prompt": f"car {item}"}, "reserved": reserved,
        "day": day, "caps": {"day": 10**9, "month": 10**9, **(caps or {})},
    }  # fmt: skip


def move(kind: str, item: int, order: str = ORDER, *, nth: int = 1, **fields: Any) -> Line:
    named = {"nth": nth} if kind == "reuse" else {}
    return {"kind": kind, "order": order, "item": item, "attempt": attempt(item, order, nth), **named, **fields}


def ticket(item: int, order: str = ORDER, *, nth: int = 1) -> Line:
    return move("ticket", item, order, nth=nth, ticket=f"ticket-{item}")


def result(item: int, order: str = ORDER, **cost: int) -> Line:
    outputs = [{
        "id": f"{order}-p{item}", "index": item, "address": "https://x/y.png", "mime": None,
        "created_at": "2026-11-22T12:00:00.000Z",
    }]  # fmt: skip
    return move("result", item, order, outputs=outputs, returned={"parameters": {"seed": 7}, "seconds": 1.5}, **cost)


def settlement(item: int, order: str = ORDER, *, cost: int = UPPER) -> Line:
    product = {
        "id": f"{order}-p{item}", "index": item, "path": f"Projects/summer/{item}.png", "sha256": "a" * 64,
        "bytes": 10, "mime": "image/png", "width": 8, "height": 8, "created_at": "2026-11-22T12:00:00.000Z",
    }  # fmt: skip
    return move("settlement", item, order, cost=cost, estimated=False, products=[product], note="")


def failure(item: int, verdict: str, order: str = ORDER, *, nth: int = 1, cost: int | None = None) -> Line:
    return move("failure", item, order, nth=nth, verdict=verdict, reason=f"it was {verdict}", cost=cost)


def release(item: int, order: str = ORDER, *, nth: int = 1) -> Line:
    return move("release", item, order, nth=nth, reason="not sent")


def reuse(item: int, order: str = ORDER, *, nth: int = 1) -> Line:
    came = result(item, order)
    return move(
        "reuse", item, order, nth=nth, provider="fake", model="fake/painter", actual={"prompt": f"car {item}"},
        returned=came["returned"], outputs=[{**each, "reused_from": "p0"} for each in came["outputs"]],
    )  # fmt: skip


def tombstone(item: int, order: str = ORDER) -> Line:
    return {"kind": "tombstone", "order": order, "item": item, "reason": "it is gone"}


def retry(item: int, order: str = ORDER, *, raised: int = 0) -> Line:
    return {"kind": "retry", "order": order, "item": item, "raise": raised}


def cancel(order: str = ORDER) -> Line:
    return {"kind": "cancel", "order": order}


def command(command_id: str, name: str = "cancel") -> Line:
    return {"kind": "command", "id": command_id, "name": name, "answer": {"done": True, "text": "Done."}}


def pause(on: bool, reason: str = "no key") -> Line:
    return {"kind": "pause", "provider": "fake", "on": on, "reason": reason}


def attempt(item: int, order: str, nth: int) -> str:
    return f"{order}-{item}-{nth}"


def order_row(index: Index, order: str = ORDER) -> OrderRow:
    row = index.order(order)
    assert row is not None
    return row


def item_row(index: Index, order: str = ORDER, number: int = 1) -> ItemRow:
    row = index.item(order, number)
    assert row is not None
    return row
