"""The state of the whole home as data: `status --json` and `/api/v1/status` are this document."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from artfactoryd import clock
from artfactoryd.core.lifecycle import UNFINISHED_ORDERS
from artfactoryd.core.money import usd
from artfactoryd.home import Home
from artfactoryd.reporting.disk import no_room
from artfactoryd.reporting.orders import order_document, product_document
from artfactoryd.reporting.waiting import outage, reasons
from artfactoryd.settings import Settings
from artfactoryd.storage import budget
from artfactoryd.storage.index import Index
from artfactoryd.storage.rows import OutageRow, StopRow

MOST_WORDS = 50  # entries of Held/ and Rejected/ whose reasons are told, newest first
WORD_BYTES = 4000


def _providers(index: Index) -> dict[str, Any]:
    """Those that send nothing: stopped by trouble, paused by a person, or not answering."""
    stops, pauses, outages = index.stops(), index.pauses(), index.outages()
    return {
        name: {"stopped": stops[name].reason if name in stops else None, "paused": name in pauses,
               "outage": outage(name, outages[name]) if name in outages else None,
               "since": _since(stops.get(name) or outages.get(name), pauses.get(name))}
        for name in sorted(stops.keys() | pauses.keys() | outages.keys()) if name
    }  # fmt: skip


def _since(shut: StopRow | OutageRow | None, paused_at: str | None) -> str | None:
    return shut.since if shut else paused_at


def status(home: Home, index: Index | None, settings: Settings, holder: Mapping[str, Any] | None) -> dict[str, Any]:
    """`status --json` and `/api/v1/status`."""
    rows = index.orders(200) if index else []
    orders = [order_document(index, row, reasons(index, row, home, settings), products=False) for row in rows if index]
    return {
        "home": str(home.root),
        "daemon": dict(holder) if holder else None,
        "inbox": _names(settings.inbox.path or home.inbox),
        "held": [name for name in _names(home.held) if not name.endswith(".why.txt")],
        "rejected": [name for name in _names(home.rejected) if not name.endswith(".error.txt")],
        "why": {"held": _words(home.held, ".why.txt"), "rejected": _words(home.rejected, ".error.txt")},
        "paused": index.pauses().get("") if index else None,
        "providers": _providers(index) if index else {},
        "no_room": no_room(home, settings, index),
        "open": [order for order in orders if order["status"] in UNFINISHED_ORDERS],
        "recent": [order for order in orders if order["status"] not in UNFINISHED_ORDERS][:20],
        "products": [
            {**product_document(product), "order_id": product.order_id, "created_at": product.created_at}
            for product in (index.newest_products(12) if index else [])
        ],
        "spent_usd": usd(index.spent_in_all() if index else 0),
        "budget": budget.standing(index, settings, clock.today()),
    }  # fmt: skip


def _names(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    return sorted(each.name for each in folder.iterdir() if not each.name.startswith("."))


def _words(folder: Path, suffix: str) -> dict[str, str]:
    """What is said beside the newest entries: name to words."""
    if not folder.is_dir():
        return {}
    newest = heapq.nlargest(MOST_WORDS, ((_age(path), path) for path in folder.glob(f"*{suffix}")))
    return {path.name.removesuffix(suffix): _beginning(path) for _, path in newest}


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _beginning(path: Path) -> str:
    """The first lines; empty when a person just took the file away."""
    try:
        with path.open("rb") as file:
            return file.read(WORD_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
