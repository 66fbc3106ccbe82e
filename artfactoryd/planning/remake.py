"""A sidecar that asks for its picture again, and one that a drag took from the shelf: that one is put back."""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from artfactoryd import documents, entries
from artfactoryd.core.sidecar_again import batch_note, is_sidecar, order_again, was_not_kept, written
from artfactoryd.durable import flush_folder, storage_errors, write_file
from artfactoryd.errors import Problem, Refusal
from artfactoryd.failpoints import point
from artfactoryd.home import Home
from artfactoryd.intake.attachments import source_of
from artfactoryd.intake.claims import Claim
from artfactoryd.storage.index import Index

log = logging.getLogger(__name__)

SUFFIX = ".json"
DRAGGED = "dragged"  # in a claim's folder: this is to be put back
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
        value = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return value if is_sidecar(value) else None


def asked(data: bytes, file: str) -> Again | None:
    """None when this is no sidecar. Raises Refusal when it is one that was damaged."""
    card = read_card(data)
    if card is None:
        return None
    wrong = documents.check_mapping(card, "sidecar")
    if wrong:
        raise Refusal([each.at(file, None, None) for each in wrong])
    lost = [each["source"] for each in card["inputs"] if was_not_kept(each) and not card["rehearsal"]]
    if lost:
        message = f"what {card['file']['name']} was made from ({', '.join(lost)}) was not kept."
        fix = "Drop the whole order again: the order.resolved.yaml of its folder, with `reuse: never`."
        raise Refusal([Problem("E_INPUT", message, fix, file=file)])
    value = order_again(card)
    comment = f"# {card['file']['name']} again: product {card['id']} of order {card['order']['id']}\n"
    note = batch_note(card)
    notes = (Problem("W_BATCH", note, path=("parameters",)),) if note else ()
    sources = {each["file"]: each["source"] or each["file"] for each in card["inputs"]}
    hashes = {written(each): each["sha256"] for each in card["inputs"]}
    return Again((comment + documents.dump_yaml(value)).encode(), card["order"]["id"], notes, sources, hashes)


# --- what a drag moved ---


def put_back(home: Home, index: Index, claim: Claim) -> bool:
    """Whether a sidecar was dragged from the shelf, and lies there again: then nothing is to be made.

    The picture goes back with it where it lies beside it in the inbox; one that only repeats what is on the
    shelf goes from the inbox.
    """
    row, card = _known(index, claim)
    if row is None or card is None:
        return False
    product, mark = home.root / row["path"], claim.folder / DRAGGED
    place = product.with_name(product.name + SUFFIX)
    picture = _picture_beside(claim, card)
    if not os.path.lexists(place) and not mark.exists():
        write_file(mark, b"")  # after a kill, the sidecar in its place must not be taken for one that stayed there
    if mark.exists():
        with storage_errors(product.parent):
            product.parent.mkdir(parents=True, exist_ok=True)
            if picture is not None:
                _lay(picture, product)
            point("picture_put_back")
            _lay(claim.entry, place)
            flush_folder(place.parent)
        point("sidecar_put_back")
        log.info("%s was taken from the shelf, and is put back; nothing is made", claim.name)
    if picture is not None and _sha256(product) == card["file"]["sha256"]:
        picture.unlink(missing_ok=True)
    return mark.exists()


def awaits_picture(home: Home, index: Index, claim: Claim) -> bool:
    """Sidecar and picture are both gone from the shelf, and the picture has not come yet."""
    row, card = _known(index, claim)
    if row is None or card is None or os.path.lexists(home.root / row["path"]):
        return False
    gone = not os.path.lexists(home.root / (row["path"] + SUFFIX))
    return gone and _picture_beside(claim, card) is None


def _known(index: Index, claim: Claim) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """The product of a loose sidecar, and what that says; None for what is none, or of a product not known here."""
    if claim.kind != "file" or not claim.name.lower().endswith(SUFFIX):
        return None, None
    try:
        card = read_card(claim.entry.read_bytes())
    except OSError:
        return None, None
    return (index.product(str(card["id"])), card) if card and isinstance(card["file"], dict) else (None, None)


def _picture_beside(claim: Claim, card: Mapping[str, Any]) -> Path | None:
    """The product that was dropped with its sidecar, if it is whole."""
    source = source_of(claim)
    picture = source.with_name(source.name[: -len(SUFFIX)]) if source else None
    return picture if picture and _sha256(picture) == card["file"].get("sha256") else None


def _sha256(path: Path) -> str:
    with suppress(OSError):
        return entries.sha256(path)
    return ""


def _lay(source: Path, target: Path) -> None:
    """A whole copy under a name of its own first, then one step; never onto something."""
    arriving = target.with_name(f".{target.name}.part")
    write_file(arriving, source.read_bytes())
    shutil.copystat(source, arriving)
    try:
        entries.place(arriving, target)
    except FileExistsError:
        arriving.unlink()
