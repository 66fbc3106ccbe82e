"""What a kill or a power cut left lying about, cleared before anything is delivered.

After an ordinary end only the orders not done with are looked at. After any other end (`mark` is still there)
the whole shelf is: what was being written then may belong to an order that is completed, or to none.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from artfactoryd import entries, medium
from artfactoryd.core.json_types import Json
from artfactoryd.core.lifecycle import ItemState
from artfactoryd.durable import write_file
from artfactoryd.entries import temporary_name
from artfactoryd.errors import StorageFull
from artfactoryd.home import Home
from artfactoryd.medium import storage_errors
from artfactoryd.shelf import placing, reading
from artfactoryd.shelf.sidecars import CARD
from artfactoryd.shelf.staging import AGAIN, Staging
from artfactoryd.storage import ledger
from artfactoryd.storage.engines import places
from artfactoryd.storage.events import Result, Reuse
from artfactoryd.storage.index import Index
from artfactoryd.storage.writing import exchange

log = logging.getLogger(__name__)

HANDED_OVER = 60.0  # seconds within which a command is written


def clear(home: Home, index: Index, orders: Iterable[str], *, everywhere: bool) -> None:
    """`orders`: ids of those not done with. What the disk does not let go of lies until the next start."""
    rows = index.resumable_items()
    delivering = [row for row in rows if row.state == ItemState.DELIVERING]
    going_on = {chosen.id for row in delivering for chosen in row.chosen}
    try:
        with storage_errors(home.work):
            staging = Staging(home.work)
            staging.clear(going_on | {name for name in staging.names() if _is_fetched_again(index, name)})
            staging.clear_interim(index.is_spent)
            _clear_private(home)
            if everywhere:
                _clear_work(home, [f"{row.ticket} {row.chosen}" for row in rows])
        for folder in [home.projects] if everywhere else _folders(home, index, orders):
            for path in [*_litter(home, index, reading.orphans(folder), going_on)]:
                placing.discard(path)
    except StorageFull as error:
        log.error("what the last run left is not cleared: %s", error)


def _is_fetched_again(index: Index, name: str) -> bool:
    """What came in place of a damaged product, when it is not recorded yet what became of that."""
    product, again, rest = name.partition(AGAIN)
    row = index.product(product) if again and not rest else None
    return row is not None and row.looked is None


def _folders(home: Home, index: Index, orders: Iterable[str]) -> Iterator[Path]:
    rows = (index.order(order_id) for order_id in orders)
    return (home.root / row.folder for row in rows if row is not None and row.folder)


def _litter(home: Home, index: Index, orphans: Iterable[Path], going_on: Collection[str]) -> Iterator[Path]:
    """Of `orphans`, what nobody will come back for. A sidecar only where the ledger says that its output was lost: one
    whose product a person took away stays, and so does what a ledger older than the shelf does not tell of."""
    alone: dict[str, list[Path]] = {}  # sidecars of ours whose product will not come, by its id
    for path in orphans:
        if path.suffix != CARD:
            yield path
        elif (sidecar := reading.read_sidecar(path))["id"] not in going_on and _may_be_lost(index, sidecar):
            if _is_lost(index, sidecar):
                yield path
            else:
                alone.setdefault(sidecar["id"], []).append(path)
    for product in _chosen_once(home, alone) if alone else ():
        yield from alone[product]


def _may_be_lost(index: Index, sidecar: Json) -> bool:
    order = sidecar.get("order")
    ours = isinstance(order, dict) and index.order(str(order.get("id"))) is not None
    return ours and index.product(sidecar["id"]) is None


def _is_lost(index: Index, sidecar: Json) -> bool:
    """By what its item came to, or (of what was to lie beside a damaged product) by what became of that."""
    try:
        damaged, number = sidecar["file"].get("replaces"), sidecar["item"]["index"]
    except (KeyError, TypeError, AttributeError):
        return False
    if damaged:
        row = index.product(str(damaged))
        return row is not None and row.looked is not None
    item = index.item(sidecar["order"]["id"], number) if isinstance(number, int) else None
    return item is not None and any(chosen.id == sidecar["id"] for chosen in item.chosen)


def _chosen_once(home: Home, products: Collection[str]) -> set[str]:
    """Those that were outputs of an item which was sent again since."""
    lines = (line for line, _ in ledger.read(home.ledger) if line["kind"] in (Result.kind, Reuse.kind))
    chosen = {output.get("id") for line in lines for output in line.get("outputs") or ()}
    return {product for product in products if product in chosen}


def _clear_work(home: Home, wanted: Collection[str]) -> None:
    """Half written files, and what a factory here made for items that have ended. Claims clear up after themselves.

    A factory's folder of one run goes as its files do. `wanted`: texts that name what items that go on still need.
    """
    young = time.time() - HANDED_OVER  # a command may be on its way just now
    commands = (path for path in home.commands.glob("*.tmp") if path.stat().st_mtime < young)
    for path in (*home.work.glob("*.tmp"), *commands):
        path.unlink(missing_ok=True)
    for path in (home.work / "made").glob("*/*"):
        if not any(path.name in text for text in wanted):
            entries.remove(path)


def _clear_private(home: Home) -> None:
    """What a killed `reindex` was making, and half written files where only this program writes."""
    places.forget(exchange.new_index(home))
    young = time.time() - HANDED_OVER  # a command may be writing just now, whoever holds the lock
    folders = (home.private, home.work)
    half = [path for folder in folders for path in folder.rglob("*.tmp") if "dropped" not in path.parts]
    for path in (*half, home.root / temporary_name(home.settings_file.name)):
        with suppress(FileNotFoundError):
            if path.is_file() and path.name.startswith(".") and path.stat().st_mtime < young:
                path.unlink()


# --- how the last run ended ---


def mark(home: Home) -> bool:
    """From now on until `unmark`, an end is no ordinary one. True when the last was not."""
    path = _mark(home)
    if path.exists():
        return True
    with suppress(StorageFull):  # on a full disk: looked at in full at the next start that can mark
        write_file(path, b"While this file is here, artfactoryd is at work or was ended in the middle of it.\n")
        return False
    return True


def unmark(home: Home) -> None:
    """An ordinary end; not so when the disk refused something, because tidying up after that may have failed too."""
    if medium.refused:
        mark(home)
        return
    with suppress(OSError):
        _mark(home).unlink(missing_ok=True)


def _mark(home: Home) -> Path:
    return home.work / "at-work.txt"
