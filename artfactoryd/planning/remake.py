"""A sidecar that asks for its picture again, and one that a drag took from the shelf: that one is put back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from artfactoryd import documents, schema
from artfactoryd.core import strict_json
from artfactoryd.core.json_types import Document
from artfactoryd.core.sidecar_again import batch_note, is_sidecar, order_again, was_not_kept, written
from artfactoryd.errors import Problem, Refusal

PriceOf = Callable[[Document], Mapping[str, Any] | None]
SUFFIX = ".json"
MOST_BYTES = 4_000_000  # of a sidecar


@dataclass(frozen=True, slots=True)
class Again:
    """What a sidecar asks for. `text`: the order. By what it names: where that was from, and the hash of its bytes."""

    text: bytes
    original: str  # id of the order that made it first
    notes: tuple[Problem, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    sha256: Mapping[str, str] = field(default_factory=dict)


def read_card(data: bytes) -> dict[str, Any] | None:
    """None when it is no sidecar."""
    if len(data) > MOST_BYTES or not data.lstrip().startswith(b"{"):
        return None
    try:
        value = strict_json.loads(data)
    except (ValueError, RecursionError):
        return None
    return value if is_sidecar(value) else None


def asked(data: bytes, file: str, price_of: PriceOf = lambda card: None) -> Again | None:
    """None when this is no sidecar. Raises Refusal when it is one that was damaged.

    `price_of`: what its order gave as the price, by the ledger: sidecars of earlier releases do not tell.
    """
    card = read_card(data)
    if card is None:
        return None
    wrong = schema.check_mapping(card, "sidecar")
    if wrong:
        raise Refusal([each.at(file, None, None) for each in wrong])
    if card["order"] is None or card["item"] is None:
        message = f"{card['file']['name']} was imported: which call made it is not known here."
        fix = "Write an order with its prompt; `explain` shows what is known of it."
        raise Refusal([Problem("E_INPUT", message, fix, file=file)])
    lost = [each["source"] for each in card["inputs"] if was_not_kept(each) and not card["rehearsal"]]
    if lost:
        message = f"what {card['file']['name']} was made from ({', '.join(lost)}) was not kept."
        fix = "Drop the whole order again: the order.resolved.yaml of its folder, with `reuse: never`."
        raise Refusal([Problem("E_INPUT", message, fix, file=file)])
    if "price" not in card["cost"] and (price := price_of(card)):
        card = {**card, "cost": {**card["cost"], "price": dict(price)}}
    value = order_again(card)
    how = f"varied ({', '.join(card['varied'])})" if card.get("varied") else "again"
    comment = f"# {card['file']['name']} {how}: product {card['id']} of order {card['order']['id']}\n"
    note = batch_note(card)
    notes = (Problem("W_BATCH", note, path=("parameters",)),) if note else ()
    sources = {each["file"]: each["source"] or each["file"] for each in card["inputs"]}
    hashes = {written(each): each["sha256"] for each in card["inputs"]}
    return Again((comment + documents.dump_yaml(value)).encode(), card["order"]["id"], notes, sources, hashes)


# --- what a drag moved ---
