"""What a sidecar on the shelf tells the index, as rows: of its product, and of what was made on the way to it."""

from __future__ import annotations

from artfactoryd.core import strict_json
from artfactoryd.core.expansion.item_keys import key_in
from artfactoryd.core.json_types import Document, Value
from artfactoryd.core.sidecar import unkept

ITEM = "item_key, asked, delivered, replaces"  # of a sidecar's item, for reuse; and which product it lies beside
COLUMNS = "id, order_id, number, place, path, sha256, bytes, mime, width, height, created_at, original_sha256"
SAID = "mark, liked, tags, rating, notes"  # of the product, by a person or its order
FOUND = (
    "CREATE TEMP TABLE found (id TEXT, order_id TEXT, number INTEGER, place INTEGER, path TEXT, sha256 TEXT,"
    " bytes INTEGER, mime TEXT, width INTEGER, height INTEGER, created_at TEXT, original_sha256 TEXT, item_key TEXT,"
    " asked INTEGER, delivered INTEGER, replaces TEXT, mark TEXT, liked INTEGER, tags TEXT,"
    " rating INTEGER, notes TEXT, PRIMARY KEY (id, path)) WITHOUT ROWID"
)
UNKEPT = "id, order_id, number, place, nth, sha256, bytes, mime, width, height, created_at, item_key, asked, delivered"
INSERT_UNKEPT = f"INSERT OR IGNORE INTO unkept ({UNKEPT}) VALUES ({','.join('?' * 14)})"
FOUND_UNKEPT = (
    "CREATE TEMP TABLE unkept (id TEXT PRIMARY KEY, order_id TEXT, number INTEGER, place INTEGER, nth INTEGER,"
    " sha256 TEXT, bytes INTEGER, mime TEXT, width INTEGER, height INTEGER, created_at TEXT, item_key TEXT,"
    " asked INTEGER, delivered INTEGER) WITHOUT ROWID"
)


def row_of(sidecar: Document, path: str) -> tuple[object, ...]:
    """Raises ValueError, KeyError or TypeError for what no index can hold."""
    file = sidecar["file"]
    return (
        _text(sidecar["id"]), _text(sidecar["order"]["id"]), _whole(sidecar["item"]["index"]), _whole(file["index"]),
        path, _text(file["sha256"]), _whole(file["bytes"]), _text(file["mime"]), _side(file["width"]),
        _side(file["height"]), _text(sidecar["created_at"]), _original(file), *_item(sidecar), *_said(sidecar),
    )  # fmt: skip


def _original(file: Document) -> str | None:
    """Of the bytes that came, where others lie on the shelf."""
    original = file.get("original_sha256")
    return _text(original) if original and original != file["sha256"] else None


def _text(value: object) -> str:
    """Half a surrogate is no text."""
    text = str(value)
    text.encode()
    return text


def _whole(value: Value) -> int:
    """Of as many bits as the index has for a number."""
    try:
        number = int(value)
    except OverflowError as error:
        raise ValueError(f"{value} is no number") from error
    if not -(1 << 63) <= number < 1 << 63:
        raise ValueError(f"{number} is too large")
    return number


def _side(value: object) -> int | None:
    """A side that is told wrongly is not known."""
    return value if isinstance(value, int) and 0 < value < 1 << 31 else None


def _item(sidecar: Document) -> tuple[object, ...]:
    """A sidecar that does not tell how its product was made still tells that there is one."""
    try:
        outputs = sidecar["outputs"]
        replaces = sidecar["file"].get("replaces")
        key = key_in(sidecar)
        return (
            key and _text(key),
            _whole(outputs["asked"]),
            _whole(outputs["delivered"]),
            _text(replaces) if replaces else None,
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None, None, None, None


def _said(sidecar: Document) -> tuple[object, ...]:
    """One that says it wrongly says nothing."""
    try:
        mark, rating, tags = sidecar.get("mark"), sidecar["rating"], sidecar["tags"]
        if (rating is not None and rating not in range(6)) or not isinstance(tags, list):
            return (None,) * 5
        notes, own = sidecar["notes"], strict_json.dumps([_text(tag) for tag in tags])
        liked = int(sidecar["liked"] is True)
        return _text(mark) if mark else None, liked, own, rating, None if notes is None else _text(notes)
    except (ValueError, KeyError, TypeError, AttributeError):
        return (None,) * 5


def unkept_rows(sidecar: Document) -> list[tuple[object, ...]]:
    """Of what was made on the way to it and not kept. A sidecar that tells it wrongly tells nothing."""
    try:
        order = _text(sidecar["order"]["id"])
        return [_between(order, known) for known in unkept(sidecar)]
    except (ValueError, KeyError, TypeError, AttributeError):
        return []


def _between(order: str, known: Document) -> tuple[object, ...]:
    return (
        _text(known["id"]), order, _whole(known["item"]), _whole(known["index"]), _whole(known.get("nth", 0)),
        _text(known["sha256"]), _whole(known["bytes"]), _text(known["mime"]), _side(known["width"]),
        _side(known["height"]), _text(known["created_at"]), _text(known["key"]), _whole(known["asked"]),
        _whole(known["delivered"]),
    )  # fmt: skip
