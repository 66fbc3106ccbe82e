"""What became of a file, in words."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from artfactoryd.core.lifecycle import ItemState
from artfactoryd.home import Home
from artfactoryd.reporting.waiting import reasons
from artfactoryd.settings import Settings
from artfactoryd.storage.index import Index

MOST_FAILURES = 20  # told by `why`; `order ID` shows all


def why(home: Home, index: Index | None, settings: Settings, given: str) -> tuple[str, bool]:
    """What became of a file, in words, and whether anything is known of it at all. The newest of its name counts."""
    path = Path(given)
    name = path.name.removesuffix(".error.txt").removesuffix(".why.txt")
    if os.path.lexists(home.inbox / name):
        return f"{home.inbox / name} lies in the Inbox and has not been taken yet (it must lie quiet first).", True
    product = _why_product(home, index, path) if index else ""
    if product:
        return product, True
    found = [*_why_set_aside(home, name), *(_why_order(home, index, settings, name) if index else ())]
    return (max(found)[1], True) if found else (f"Nothing is known of {given}.", False)


def _why_set_aside(home: Home, name: str) -> Iterator[tuple[float, str]]:
    """When, and the word beside it."""
    for folder, suffix in ((home.rejected, ".error.txt"), (home.held, ".why.txt")):
        word = folder / (name + suffix)
        if word.is_file() and os.path.lexists(folder / name):
            yield word.stat().st_mtime, f"{folder / name}\n\n{word.read_text(errors='replace').rstrip()}"


def _why_product(home: Home, index: Index, path: Path) -> str:
    place = path.resolve()
    projects, root = home.projects.resolve(), home.root.resolve()
    if place.is_relative_to(projects):  # which may be a link to another disk
        place = root / home.projects.name / place.relative_to(projects)
    product = index.find_product(str(place.relative_to(root))) if place.is_relative_to(root) else None
    order = index.order(product.order_id) if product else None
    item = index.item(order.id, product.number) if product and order else None
    if product and not order:
        return f"{path.name} was made by order {product.order_id}, which is not known here. Its sidecar tells the rest."
    if not (product and order and item):
        return ""
    return f"{path.name} is product {product.place} of order {order.name} ({order.id}), made from {item.generation}."


def _why_order(home: Home, index: Index, settings: Settings, name: str) -> Iterator[tuple[float, str]]:
    """The newest order that a file of this name became: its state, what it waits for, what failed."""
    rows = [row for row in index.orders() if row.file == name or row.name == Path(name).stem]
    for row in rows[:1]:
        lines = [f"{name} became order {row.name} ({row.id}): {index.state(row)}."]
        lines += [row.folder] if row.folder else []
        failed = index.items(row.id, (ItemState.FAILED, ItemState.IN_DOUBT), MOST_FAILURES)
        lines += reasons(index, row, home, settings)
        lines += [f"Item {item.number}, {item.state}: {item.reason}" for item in failed]
        yield datetime.fromisoformat(row.accepted_at).timestamp(), "\n".join(lines)
