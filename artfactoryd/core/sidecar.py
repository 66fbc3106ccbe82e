"""Names of folders and files, and the documents beside a product: sidecar, resolved order, receipt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SOFTWARE = "artfactoryd"


def sidecar(
    row: Mapping[str, Any], file: Mapping[str, Any], product: Mapping[str, Any], kind: str = "image"
) -> dict[str, Any]:
    """The sidecar document (schemas/sidecar.schema.json) of one product.

    `row`: the item with its order (see index.ItemRow.facts); `file`: what was measured of the file;
    `product`: id, created_at and index, chosen when the outputs were known; `kind`: image, video,
    audio or other.
    """
    return {
        "id": product["id"], "file": dict(file), "type": kind, "created_at": product["created_at"],
        "project": row["project"],
        "order": {
            "id": row["order_id"], "name": row["order_name"], "sha256": row["document_sha256"], "git": row["git"],
        },
        "item": {"index": row["number"], "copy": row["copy"], "seed": row["seed"], "tokens": row["tokens"]},
        "provider": row["provider"],
        "model": {key: row["model"][key] for key in ("id", "version", "family", "modality")},
        "ticket": row["ticket"],
        "parameters": {key: row[key] for key in ("base", "generation", "actual", "returned")},
        "inputs": row["inputs"], "outputs": {"asked": row["asked"], "delivered": row["delivered"]},
        "cost": _cost(row), "timings": row["timings"],
        "tags": row["tags"], "liked": False, "rating": None, "notes": row["notes"], "collections": [],
        "parents": row["parents"], "stage": row["stage"], "reused_from": product.get("reused_from"),
        "rehearsal": row["rehearsal"],
        "origin": row["origin"], "software": {"name": SOFTWARE, "version": row["software_version"]},
    }  # fmt: skip


def _cost(row: Mapping[str, Any]) -> dict[str, Any]:
    """With the price that the order gave, where it was bought by that."""
    cost = {"usd": row["cost_usd"], "estimated": row["cost_estimated"]}
    return {**cost, "price": dict(row["own_price"])} if row.get("own_price") else cost
