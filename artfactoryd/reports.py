"""What an order, a file and the whole house look like to a person: one document for status, receipt and endpoint."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from artfactoryd.core.catalog import dollars
from artfactoryd.core.lifecycle import ItemState, OrderState
from artfactoryd.home import Home
from artfactoryd.index import Index
from artfactoryd.paperwork import usd
from artfactoryd.settings import Settings

Row = Mapping[str, Any]
UNFINISHED = frozenset({OrderState.HELD, OrderState.QUEUED, OrderState.PROCESSING})


def order_document(index: Index, row: Row, reasons: list[str], *, products: bool = True) -> dict[str, Any]:
    """An order in JSON (product: the status endpoint)."""
    counts = index.counts(row["id"])
    found: dict[str, Any] = {
        "order_id": row["id"], "name": row["name"], "project": row["project"],
        "status": str(index.state(row, counts)), "reasons": reasons, "total_items": row["total_items"],
        **{f"{state}_items": counts.get(state, 0) for state in ItemState},
        "total_products": row["total_products"], "spent_usd": usd(index.spent(row["id"])),
        "in_doubt_usd": usd(index.doubtful(row["id"])), "price_usd": usd(row["price"]), "cap_usd": usd(row["cap"]),
        "paused": row["paused"] is not None,
        "rehearsal": bool(row["rehearsal"]), "accepted_at": row["accepted_at"], "folder": row["folder"],
    }  # fmt: skip
    if products:
        found["products"] = [
            {key: product[key] for key in ("id", "number", "place", "path", "sha256", "bytes", "mime", "width", "height")}
            for product in index.products(row["id"])
        ]
    return found


def reasons(index: Index, row: Row, home: Home, settings: Settings) -> list[str]:
    """Why an order waits, in words; empty when it does not."""
    if row["held"] is not None and not row["cancelled"]:
        return [*(reason["text"] for reason in row["held"]), *_paused(row)]
    counts = index.counts(row["id"])
    found = []
    if doubt := counts.get(ItemState.IN_DOUBT, 0):
        found.append(
            f"{doubt} sent perhaps, worth up to {dollars(index.doubtful(row['id']))}; nobody can say yet. "
            f"Look at the provider's own list, then `retry {row['id'][:13]} --in-doubt` or `cancel {row['id'][:13]}`."
        )
    if counts.get(ItemState.PLANNED):
        found += _why_nothing_is_sent(index, row, home, settings)
    if counts.get(ItemState.DELIVERING) and (words := no_room(home, settings)):
        found.append(words)
    return found


def _why_nothing_is_sent(index: Index, row: Row, home: Home, settings: Settings) -> list[str]:
    found = _paused(row) + _paused_provider(index, row["provider"])
    stop = index.stops().get(row["provider"])
    if stop:
        found.append(f"{row['provider']} is stopped: {stop['reason']} When that is mended: `resume {row['provider']}`.")
    first = index.planned_items(row["id"], row["provider"], 1)
    if first and row["committed"] + first[0]["upper"] > row["cap"]:
        found.append(f"Its cap of {dollars(row['cap'])} is reached.")
    words = no_room(home, settings)
    return [*found, words] if words else found


def _paused(row: Row) -> list[str]:
    return [f"Paused by you; `resume {row['id'][:13]}`."] if row["paused"] else []


def _paused_provider(index: Index, provider: str) -> list[str]:
    pauses = index.pauses()
    found = [f"{provider} is paused by you; `resume {provider}`."] if provider in pauses else []
    return [*found, "Everything is paused by you; `resume`."] if "" in pauses else found


def _providers(index: Index) -> dict[str, Any]:
    """Those that send nothing: stopped by trouble, paused by a person, or both."""
    stops, pauses = index.stops(), index.pauses()
    return {
        name: {"stopped": stops[name]["reason"] if name in stops else None, "paused": name in pauses,
               "since": stops[name]["since"] if name in stops else pauses[name]}
        for name in sorted(stops.keys() | pauses.keys()) if name
    }  # fmt: skip


def no_room(home: Home, settings: Settings) -> str:
    """Words when nothing new may be sent because the disk is nearly full; else empty."""
    least = settings.limits.free_disk_bytes
    for place in (home.root, home.projects):
        if shutil.disk_usage(place).free < least:
            return f"Less than {least // 1_000_000} MB are free on the disk of {place}; nothing new is sent until there is."
    return ""


def status(home: Home, index: Index | None, settings: Settings, holder: Mapping[str, Any] | None) -> dict[str, Any]:
    """`status --json`, and later `/api/v1/status`."""
    rows = index.orders(200) if index else []
    orders = [order_document(index, row, reasons(index, row, home, settings), products=False) for row in rows if index]
    return {
        "home": str(home.root),
        "daemon": dict(holder) if holder else None,
        "inbox": _names(home.inbox),
        "held": [name for name in _names(home.held) if not name.endswith(".why.txt")],
        "rejected": [name for name in _names(home.rejected) if not name.endswith(".error.txt")],
        "paused": index.pauses().get("") if index else None,
        "providers": _providers(index) if index else {},
        "no_room": no_room(home, settings),
        "open": [order for order in orders if order["status"] in UNFINISHED],
        "recent": [order for order in orders if order["status"] not in UNFINISHED][:20],
        "spent_usd": round(sum(order["spent_usd"] for order in orders), 6),
    }  # fmt: skip


def _names(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    return sorted(each.name for each in folder.iterdir() if not each.name.startswith("."))


def why(home: Home, index: Index | None, settings: Settings, given: str) -> tuple[str, bool]:
    """What became of a file, in words, and whether anything is known of it at all."""
    path = Path(given)
    name = path.name
    for folder, suffix in ((home.rejected, ".error.txt"), (home.held, ".why.txt")):
        word = folder / (name + suffix)
        if word.is_file() and (folder / name).exists():
            return f"{folder / name}\n\n{word.read_text(errors='replace')}", True
    if (home.inbox / name).exists():
        return f"{home.inbox / name} lies in the Inbox and has not been taken yet (it must lie quiet first).", True
    return _why_made(home, index, settings, path) if index else (f"Nothing is known of {given}.", False)


def _why_made(home: Home, index: Index, settings: Settings, path: Path) -> tuple[str, bool]:
    place = path.resolve()
    if place.is_relative_to(home.root.resolve()):
        product = index.find_product(str(place.relative_to(home.root.resolve())))
        if product:
            order = index.order(product["order_id"])
            assert order is not None
            item = index.item(order["id"], product["number"])
            assert item is not None
            return f"{path.name} is product {product['place']} of order {order['name']} ({order['id']}), " \
                   f"made from {item['generation']}.", True  # fmt: skip
    rows = [row for row in index.orders() if row["file"] == path.name or row["name"] == path.stem]
    if not rows:
        return f"Nothing is known of {path}.", False
    row = rows[0]
    lines = [f"{path.name} became order {row['name']} ({row['id']}): {index.state(row)}."]
    lines += [row["folder"]] if row["folder"] else []
    return "\n".join([*lines, *reasons(index, row, home, settings)]), True
