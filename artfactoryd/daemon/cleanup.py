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

from artfactoryd import medium
from artfactoryd.core.lifecycle import ItemState
from artfactoryd.durable import write_file
from artfactoryd.entries import temporary_name
from artfactoryd.errors import StorageFull
from artfactoryd.home import Home
from artfactoryd.medium import storage_errors
from artfactoryd.shelf import placing, reading
from artfactoryd.shelf.staging import AGAIN, Staging
from artfactoryd.storage.index import Index

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
            for path in reading.orphans(folder):
                if path.suffix != reading.CARD or _is_done_with(index, path, going_on):
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


def _is_done_with(index: Index, card: Path, going_on: Collection[str]) -> bool:
    """A sidecar of ours whose product will not come. One whose product a person took away stays; so does a stranger."""
    sidecar = reading.read_sidecar(card)
    order = sidecar.get("order")
    ours = isinstance(order, dict) and index.order(str(order.get("id"))) is not None
    return ours and sidecar["id"] not in going_on and index.product(sidecar["id"]) is None


def _clear_work(home: Home, wanted: Collection[str]) -> None:
    """Half written files, and what a factory here made for items that have ended. Claims clear up after themselves.

    `wanted`: texts that name what items that go on still need.
    """
    young = time.time() - HANDED_OVER  # a command may be on its way just now
    commands = (path for path in home.commands.glob("*.tmp") if path.stat().st_mtime < young)
    for path in (*home.work.glob("*.tmp"), *commands):
        path.unlink(missing_ok=True)
    for path in (home.work / "made").glob("*/*"):
        if path.is_file() and not any(path.name in text for text in wanted):
            path.unlink(missing_ok=True)


def _clear_private(home: Home) -> None:
    """What a killed `reindex` was making, and half written files where only this program writes."""
    for path in home.private.glob("index.new.sqlite3*"):
        path.unlink(missing_ok=True)
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
