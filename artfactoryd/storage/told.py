"""What a sidecar on the shelf tells the index, as rows: of its product, and of what was made on the way to it."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from artfactoryd import clock
from artfactoryd.core import strict_json
from artfactoryd.core.expansion.item_keys import key_in
from artfactoryd.core.foreign.card import IMPORTED
from artfactoryd.core.json_types import Document, Value
from artfactoryd.core.model import Model
from artfactoryd.core.money import micro_dollars
from artfactoryd.core.sidecar import unkept

if TYPE_CHECKING:  # a process that only reads sidecars loads none
    from artfactoryd.storage.index import Index

CHUNK = 500  # rows written together
ITEM = "item_key, asked, delivered, replaces"  # of a sidecar's item, for reuse; and which product it lies beside
COLUMNS = (
    "id, order_id, number, place, path, sha256, bytes, mime, width, height, created_at, original_sha256"
    ", duration, codec"
)
FACTS = "id, order_name, provider, model, generation, seed, copy, rehearsal, origin, parents"
INSERT_FACTS = f"INSERT OR REPLACE INTO told ({FACTS}) VALUES ({','.join('?' * 10)})"
SAID = "mark, liked, tags, rating, notes, collections"  # of the product, by a person or its order
BOUGHT = "cost, asked_at, day"  # of the attempt that it came from, all of it: micro-dollars, and the local day
FOUND = (
    "CREATE TEMP TABLE found (id TEXT, order_id TEXT, number INTEGER, place INTEGER, path TEXT, sha256 TEXT,"
    " bytes INTEGER, mime TEXT, width INTEGER, height INTEGER, created_at TEXT, original_sha256 TEXT, duration REAL,"
    " codec TEXT, item_key TEXT, asked INTEGER, delivered INTEGER, replaces TEXT, mark TEXT, liked INTEGER, tags TEXT,"
    " rating INTEGER, notes TEXT, collections TEXT, cost INTEGER, asked_at TEXT, day TEXT, PRIMARY KEY (id, path)) "
    "WITHOUT ROWID"
)
FILL_LENGTHS = (  # of films that were made before the ledger told how long they are
    "UPDATE product SET (duration, codec) = (SELECT duration, codec FROM found f WHERE f.id = product.id) "
    "WHERE duration IS NULL AND id IN (SELECT id FROM found WHERE duration IS NOT NULL)"
)
NOTHING: tuple[object, ...] = (0, None, None)  # of BOUGHT
UNKEPT = "id, order_id, number, place, nth, sha256, bytes, mime, width, height, created_at, item_key, asked, delivered"
INSERT_UNKEPT = f"INSERT OR IGNORE INTO unkept ({UNKEPT}, {BOUGHT}) VALUES ({','.join('?' * 17)})"
FOUND_UNKEPT = (
    "CREATE TEMP TABLE unkept (id TEXT PRIMARY KEY, order_id TEXT, number INTEGER, place INTEGER, nth INTEGER,"
    " sha256 TEXT, bytes INTEGER, mime TEXT, width INTEGER, height INTEGER, created_at TEXT, item_key TEXT,"
    " asked INTEGER, delivered INTEGER, cost INTEGER, asked_at TEXT, day TEXT) WITHOUT ROWID"
)


def row_of(sidecar: Document, path: str) -> tuple[object, ...]:
    """Raises ValueError, KeyError or TypeError for what no index can hold."""
    return (*product_of(sidecar, path), *_item(sidecar), *_said(sidecar), *bought(sidecar))


def marks_of(sidecar: Document) -> tuple[object, ...]:
    """Tags, liked, rating, notes, collections, of a product that nobody marked here yet."""
    tags = strict_json.dumps(sidecar["tags"]) if sidecar["tags"] else None
    return tags, int(bool(sidecar["liked"])), sidecar["rating"], sidecar["notes"], _collections(sidecar)


def product_of(sidecar: Document, path: str) -> tuple[object, ...]:
    """In the order of COLUMNS. Raises as `row_of` does."""
    file = sidecar["file"]
    return (
        _text(sidecar["id"]), *_place(sidecar), _whole(file["index"]), path, _text(file["sha256"]),
        _whole(file["bytes"]), _text(file["mime"]), _side(file["width"]), _side(file["height"]),
        _text(sidecar["created_at"]), _original(file), *lasting(file),
    )  # fmt: skip


def lasting(file: Document) -> tuple[float | None, str | None]:
    """Its seconds and its codec; nothing of what is neither a film nor a sound, or is told otherwise."""
    seconds, codec = file.get("duration"), file.get("codec")
    lasts = float(seconds) if isinstance(seconds, int | float) and seconds > 0 else None
    return lasts, codec if isinstance(codec, str) else None


def is_imported(sidecar: Document) -> bool:
    """No order has it."""
    return sidecar["order"] is None and sidecar["item"] is None and sidecar["provider"] == IMPORTED


def _place(sidecar: Document) -> tuple[str, int]:
    """Its order and its number in that."""
    if is_imported(sidecar):
        return "", 0
    return _text(sidecar["order"]["id"]), _whole(sidecar["item"]["index"])


def facts_of(sidecar: Document) -> tuple[object, ...]:
    """What is asked of products whose order is not known here, as a row of `told`. Raises as `row_of` does."""
    order, item, told = sidecar["order"] or {}, sidecar["item"] or {}, sidecar["model"]
    provider = _text(sidecar["provider"])
    model = _model(provider, _text(told["id"]), told["version"], told["family"], _text(told["modality"]))
    seed, generation = item.get("seed"), sidecar["parameters"]["generation"]
    if is_imported(sidecar):
        seed = generation.get("seed")
    return (
        _text(sidecar["id"]), order.get("name"), provider, model,
        strict_json.dumps(generation), _whole(seed) if isinstance(seed, int) else None, item.get("copy"),
        int(bool(sidecar["rehearsal"])), strict_json.dumps(sidecar["origin"]), strict_json.dumps(sidecar["parents"]),
    )  # fmt: skip


def facts_or_none(sidecar: Document) -> tuple[object, ...] | None:
    """A sidecar that does not tell how its product was made still tells that there is one."""
    with suppress(ValueError, KeyError, TypeError, AttributeError):
        return facts_of(sidecar)
    return None


@lru_cache(maxsize=256)
def _model(provider: str, name: str, version: str | None, family: str | None, modality: str) -> str:
    """As it is kept of an order's."""
    model = Model(
        provider=provider, id=name, version=version, family=family, modality=modality, text=("prompt",)
    )  # fmt: skip
    return strict_json.dumps(model.snapshot())


def is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


class Strangers:
    """Products whose orders are not known here: what their sidecars say of them."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._facts: list[tuple[object, ...]] = []

    def tell(self, facts: tuple[object, ...]) -> None:
        """As it is read, when it is not known for sure whether the ledger tells of its order."""
        self._facts.append(facts)
        if len(self._facts) >= CHUNK:
            self._add()

    def settle(self) -> None:
        """When all orders and products are known that there are: of those that have an order it tells everything."""
        self._add()
        strange = "SELECT id FROM product WHERE order_id NOT IN (SELECT id FROM orders)"
        self._index.run(f"DELETE FROM told WHERE id NOT IN ({strange})")

    def _add(self) -> None:
        self._index.add(INSERT_FACTS, self._facts)
        self._facts.clear()


def _original(file: Document) -> str | None:
    """Of the bytes that came, where others lie on the shelf."""
    original = file.get("original_sha256")
    return _text(original) if original and original != file["sha256"] else None


def _text(value: object) -> str:
    """Half a surrogate is no text."""
    if isinstance(value, str) and value.isascii():
        return value
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
    if is_imported(sidecar):  # nothing is equal to it
        return None, 1, 1, None
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
            return (None,) * 6
        notes, own = sidecar["notes"], strict_json.dumps([_text(tag) for tag in tags])
        liked, said = int(sidecar["liked"] is True), None if notes is None else _text(notes)
        return _text(mark) if mark else None, liked, own, rating, said, _collections(sidecar)
    except (ValueError, KeyError, TypeError, AttributeError):
        return (None,) * 6


def _collections(sidecar: Document) -> str | None:
    """None where it is in none, also where that is told wrongly."""
    names = sidecar.get("collections")
    given = [_text(name) for name in names if isinstance(name, str)] if isinstance(names, list) else []
    return strict_json.dumps(given) if given else None


def bought(sidecar: Document) -> tuple[object, ...]:
    """One that tells it wrongly proves nothing, and neither does what was drawn, copied or imported."""
    if sidecar.get("rehearsal") or sidecar.get("reused_from") or is_imported(sidecar):
        return NOTHING
    try:
        return _paid(sidecar, sidecar["outputs"]["delivered"], sidecar["timings"].get("asked_at"))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, ArithmeticError):
        return NOTHING


def _paid(known: Document, delivered: Value, asked_at: Value) -> tuple[object, ...]:
    """Of the whole call. Raises what `bought` catches."""
    cost = _whole(micro_dollars(known["cost"]["usd"], max(1, _whole(delivered))))
    if cost <= 0:
        return NOTHING
    asked = _text(asked_at or known["created_at"])
    return cost, asked, clock.day_of(datetime.fromisoformat(asked))


def unkept_rows(sidecar: Document) -> list[tuple[object, ...]]:
    """Of what was made on the way to it and not kept. A sidecar that tells it wrongly tells nothing."""
    if is_imported(sidecar):
        return []
    try:
        order = _text(sidecar["order"]["id"])
        return [_between(order, known) for known in unkept(sidecar)]
    except (ValueError, KeyError, TypeError, AttributeError):
        return []


def _between(order: str, known: Document) -> tuple[object, ...]:
    paid = NOTHING
    if "cost" in known:
        with suppress(ValueError, KeyError, TypeError, AttributeError, OverflowError, ArithmeticError):
            paid = _paid(known, known["delivered"], known.get("asked_at"))
    return (
        _text(known["id"]), order, _whole(known["item"]), _whole(known["index"]), _whole(known.get("nth", 0)),
        _text(known["sha256"]), _whole(known["bytes"]), _text(known["mime"]), _side(known["width"]),
        _side(known["height"]), _text(known["created_at"]), _text(known["key"]), _whole(known["asked"]),
        _whole(known["delivered"]), *paid,
    )  # fmt: skip
