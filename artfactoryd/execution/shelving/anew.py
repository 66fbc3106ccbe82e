"""A sidecar that is gone from the shelf, written anew: from the ledger as the index has it, and the product's bytes.

Only where both tell all of it: what was imported, what a ledger does not know, and what came in place of a damaged
product stay without.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

from artfactoryd import durable, entries
from artfactoryd.core import strict_json
from artfactoryd.core.json_types import Json
from artfactoryd.core.line_values import Output
from artfactoryd.core.sidecar import sidecar
from artfactoryd.errors import StorageFull
from artfactoryd.execution.provenance import Provenance
from artfactoryd.execution.shelving.cards import said_of
from artfactoryd.home import Home
from artfactoryd.medium import flush_folder, in_words, writing_to
from artfactoryd.shelf import media, moving
from artfactoryd.shelf.sidecars import sidecar_of
from artfactoryd.storage.index import Index
from artfactoryd.storage.rebuild import Report, differing
from artfactoryd.storage.rows import ItemRow, OrderRow, ProductRow

log = logging.getLogger(__name__)


def complete(report: Report, home: Home, index: Index, layout: str) -> None:
    """What is in words in the report of an index made again, with the sidecars that are written anew by it."""
    written = sorted(write(home, index, report.bare, layout))
    report.differences += differing(written, "whose sidecar is written anew from the ledger")


def write(home: Home, index: Index, products: Iterable[str], layout: str) -> Iterator[str]:
    """Paths of those that have one again. `layout`: the setting. What the disk refuses stays as it is."""
    for row in filter(None, map(index.product, products)):
        product = home.root / row.path
        try:
            if sidecar_of(product, home.projects) is None and (told := _told(index, row, product)):
                _lay(moving.lies_at(product, home.projects, layout), told)
                yield row.path
        except (OSError, StorageFull) as error:
            log.warning("%s gets no sidecar: %s", row.path, in_words(error))


def _lay(card: Path, told: Json) -> None:
    with writing_to(card.parent):
        durable.make_folders(card.parent)
        durable.write_new(card, strict_json.document(told))
        flush_folder(card.parent)


def _told(index: Index, row: ProductRow, product: Path) -> Json | None:
    """None where the index does not know how it was made, or the bytes are not those that were made."""
    order, item = index.order(row.order_id), index.item(row.order_id, row.number)
    if order is None or item is None or entries.sha256(product) != row.sha256:
        return None
    chosen = next((chosen for chosen in item.chosen if chosen.id == row.id), None)
    if chosen is None:
        return None
    facts = _facts(index, item, order, chosen)
    card = sidecar(facts, _file(row, chosen, product), chosen.to_json(), media.examine(product).kind)
    said = said_of(row, order)
    if row.mark is None:
        del said["mark"]
    return {**card, **said}


def _facts(index: Index, item: ItemRow, order: OrderRow, chosen: Output) -> Json:
    attempt = index.attempt(item.attempt) if item.attempt else None
    beside = {chosen.id for chosen in item.chosen if chosen.byproduct}
    paid = [output for output in index.outputs_of(item) if output.id not in beside]
    is_free = chosen.byproduct or chosen.reused_from is not None or attempt is None
    cost = 0 if is_free or attempt is None else attempt.cost or 0
    return Provenance(index).facts(item, order, len(paid), cost, attempt is not None and attempt.estimated)


def _file(row: ProductRow, chosen: Output, product: Path) -> Json:
    """What is said of the file itself."""
    inside = {"embedded": chosen.embed} if row.original != row.sha256 and chosen.reused_from is None else {}
    return {
        "name": product.name, "index": row.place, "sha256": row.sha256, "original_sha256": row.original,
        "bytes": row.bytes, "mime": row.mime, "width": row.width, "height": row.height,
        **media.examine(product).lasting(), **inside,
    }  # fmt: skip
