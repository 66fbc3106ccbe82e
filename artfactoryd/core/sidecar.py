"""Names of folders and files, and the documents beside a product: sidecar, resolved order, receipt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

SOFTWARE = "artfactoryd"
MARKS = ("mark", "liked", "rating", "tags", "notes", "collections")  # what a person says of a product
MODEL = ("id", "version", "family", "modality", "stands_for")
VERSION = 2  # of the document; in the first, `base` held whole lists


def sidecar(
    row: Mapping[str, Any], file: Mapping[str, Any], product: Mapping[str, Any], kind: str = "image"
) -> dict[str, Any]:
    """The sidecar document (schemas/sidecar.schema.json) of one product.

    `row`: the item with its order (see index.ItemRow.facts); `file`: what was measured of the file;
    `product`: id, created_at and index, chosen when the outputs were known; `kind`: image, video,
    audio or other.
    """
    return {
        "version": VERSION, "id": product["id"], "file": dict(file), "type": kind, "created_at": product["created_at"],
        "project": row["project"],
        "order": {
            "id": row["order_id"], "name": row["order_name"], "sha256": row["document_sha256"], "git": row["git"],
        },
        "item": _item(row),
        "provider": row["provider"],
        "model": {key: row["model"][key] for key in MODEL if key in row["model"]},
        "ticket": row["ticket"],
        "parameters": {key: row[key] for key in ("base", "base_of", "generation", "actual", "returned")},
        "inputs": row["inputs"], "outputs": {"asked": row["asked"], "delivered": row["delivered"]},
        "cost": _cost(row), "timings": row["timings"],
        "tags": row["tags"], "liked": False, "rating": None, "notes": row["notes"], "collections": [],
        "parents": row["parents"], "stage": row["stage"], "reused_from": product.get("reused_from"),
        "rehearsal": row["rehearsal"],
        "origin": row["origin"], "software": {"name": SOFTWARE, "version": row["software_version"]},
    }  # fmt: skip


def carried_over(card: Mapping[str, Any], lying: Mapping[str, Any]) -> dict[str, Any]:
    """A sidecar as it is to be, with what a person has said meanwhile in the one that lies there."""
    if "mark" not in lying:
        return dict(card)
    return {**card, **{key: lying[key] for key in MARKS if key in lying}}


def unkept(card: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """What a sidecar tells of products that stages made on the way to it and did not keep."""
    for known in card["inputs"]:
        while known := known.get("unkept"):
            yield known


def _item(row: Mapping[str, Any]) -> dict[str, Any]:
    """With what it equals, which nobody else can tell where a secret is part of it."""
    item = {"index": row["number"], "copy": row["copy"], "seed": row["seed"], "tokens": row["tokens"]}
    return {**item, "key": row["key"]} if row.get("key") else item


def _cost(row: Mapping[str, Any]) -> dict[str, Any]:
    """With the price that the order gave, where it was bought by that."""
    cost = {"usd": row["cost_usd"], "estimated": row["cost_estimated"]}
    return {**cost, "price": dict(row["own_price"])} if row.get("own_price") else cost
