"""Names of folders and files, and the documents beside a product: sidecar, resolved order, receipt."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from artfactoryd.core.model import Model

LONGEST_SLUG = 48  # characters
MOST_BYTES = 200  # of a slug; a letter may take four, and a file name has at most 255
MOST_READ = 1000  # characters of a prompt that a slug is made from
SOFTWARE = "artfactoryd"


def slug(text: str, longest: int = LONGEST_SLUG, otherwise: str = "picture") -> str:
    """Letters of any script kept (NFC, lower case), everything unsafe in a path dropped, blanks to `-`.

    `otherwise` where nothing is left.
    """
    kept = ""
    for char in unicodedata.normalize("NFC", text[:MOST_READ]).lower():
        category = unicodedata.category(char)[0]
        alone = category == "M" and kept[-1:] in ("", " ", "-", "_")  # a mark whose letter was dropped
        kept += char if char in "-_" or (category in "LNM" and not alone) else " "
    joined = re.sub(r"[- ]+", lambda run: "-" if " " in run[0] else run[0], kept.strip("-_ "))
    cut = unicodedata.normalize("NFC", joined)[:longest]
    return _at_most_bytes(cut, MOST_BYTES).rstrip("-_") or otherwise


def _at_most_bytes(text: str, most: int) -> str:
    return text.encode()[:most].decode("utf-8", "ignore")


def folder_name(name: str, rehearsal: bool) -> str:
    """The order's folder; a rehearsal says so."""
    return slug(name, 80, "order") + ("-rehearsal" if rehearsal else "")


def prompt_of(parameters: Mapping[str, Any], model: Model) -> str:
    """What an item is about, in its own words: `prompt`, else its first text parameter, else its picture's name."""
    for name in ("prompt", *model.text):
        if parameters.get(name):
            return str(parameters[name])
    pictures = (str(parameters[name]) for name in model.files if parameters.get(name))
    return next((picture.rpartition("/")[2].rpartition(".")[0] for picture in pictures), "")


def sidecar(row: Mapping[str, Any], file: Mapping[str, Any], product: Mapping[str, Any]) -> dict[str, Any]:
    """The sidecar document (schemas/sidecar.schema.json) of one product.

    `row`: the item with its order (see index.ItemRow.facts); `file`: what was measured of the file;
    `product`: id, created_at and index, chosen when the outputs were known.
    """
    return {
        "id": product["id"], "file": dict(file), "type": "image", "created_at": product["created_at"],
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
        "cost": {"usd": row["cost_usd"], "estimated": row["cost_estimated"]}, "timings": row["timings"],
        "tags": row["tags"], "liked": False, "rating": None, "notes": row["notes"], "collections": [],
        "parents": row["parents"], "stage": row["stage"], "reused_from": product.get("reused_from"),
        "rehearsal": row["rehearsal"],
        "origin": row["origin"], "software": {"name": SOFTWARE, "version": row["software_version"]},
    }  # fmt: skip
