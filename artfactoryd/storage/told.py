"""What a sidecar on the shelf tells the index, as rows: of its product, and of what was made on the way to it."""

from __future__ import annotations

from artfactoryd.core.expansion.item_keys import key_in
from artfactoryd.core.json_types import Document
from artfactoryd.core.sidecar import unkept

ITEM = "item_key, asked, delivered, replaces"  # of a sidecar's item, for reuse; and which product it lies beside
COLUMNS = "id, order_id, number, place, path, sha256, bytes, mime, width, height, created_at"
FOUND = (
    "CREATE TEMP TABLE found (id TEXT, order_id TEXT, number INTEGER, place INTEGER, path TEXT, sha256 TEXT,"
    " bytes INTEGER, mime TEXT, width INTEGER, height INTEGER, created_at TEXT, item_key TEXT, asked INTEGER,"
    " delivered INTEGER, replaces TEXT, PRIMARY KEY (id, path)) WITHOUT ROWID"
)
UNKEPT = "id, order_id, number, place, nth, sha256, bytes, mime, width, height, created_at, item_key, asked, delivered"
INSERT_UNKEPT = f"INSERT OR IGNORE INTO unkept ({UNKEPT}) VALUES ({','.join('?' * 14)})"
FOUND_UNKEPT = (
    "CREATE TEMP TABLE unkept (id TEXT PRIMARY KEY, order_id TEXT, number INTEGER, place INTEGER, nth INTEGER,"
    " sha256 TEXT, bytes INTEGER, mime TEXT, width INTEGER, height INTEGER, created_at TEXT, item_key TEXT,"
    " asked INTEGER, delivered INTEGER) WITHOUT ROWID"
)


def row_of(sidecar: Document, path: str) -> tuple[object, ...]:
    file = sidecar["file"]
    return (
        sidecar["id"], str(sidecar["order"]["id"]), int(sidecar["item"]["index"]), int(file["index"]), path,
        str(file["sha256"]), int(file["bytes"]), str(file["mime"]), file["width"], file["height"],
        str(sidecar["created_at"]), *_item(sidecar),
    )  # fmt: skip


def _item(sidecar: Document) -> tuple[object, ...]:
    """A sidecar that does not tell how its product was made still tells that there is one."""
    try:
        outputs = sidecar["outputs"]
        replaces = sidecar["file"].get("replaces")
        return key_in(sidecar), int(outputs["asked"]), int(outputs["delivered"]), replaces and str(replaces)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None, None, None, None


def unkept_rows(sidecar: Document) -> list[tuple[object, ...]]:
    """Of what was made on the way to it and not kept. A sidecar that tells it wrongly tells nothing."""
    try:
        order = str(sidecar["order"]["id"])
        return [_between(order, known) for known in unkept(sidecar)]
    except (ValueError, KeyError, TypeError, AttributeError):
        return []


def _between(order: str, known: Document) -> tuple[object, ...]:
    return (
        str(known["id"]), order, int(known["item"]), int(known["index"]), int(known.get("nth", 0)),
        str(known["sha256"]), int(known["bytes"]), str(known["mime"]), known["width"],
        known["height"], str(known["created_at"]), str(known["key"]), int(known["asked"]), int(known["delivered"]),
    )  # fmt: skip
