"""`explain FILE`: everything that the sidecar and the ledger know of a product, in words."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from artfactoryd import entries
from artfactoryd.cli.context import as_json, made_home, say
from artfactoryd.core.file_refs import PRODUCT
from artfactoryd.errors import WrongUse
from artfactoryd.home import Home
from artfactoryd.planning import remake
from artfactoryd.planning.input_sources import SHORTEST
from artfactoryd.storage.index import Index
from artfactoryd.storage.rows import AttemptRow

ATTEMPT = ("id", "nth", "provider", "model", "ticket", "verdict", "reason", "asked_at", "answered_at", "ended_at")


@click.command()
@click.argument("file", metavar="FILE|ID")
@as_json
@click.pass_context
def explain(ctx: click.Context, file: str, as_json: bool) -> None:
    """Everything that is known of a product: how it was made, from what, when, and what it cost."""
    found = explanation(made_home(ctx), file)
    say(found, text(found), as_json)


def card_of(home: Home, given: str) -> Path:
    """The sidecar of a product, named by its path, by that of its sidecar, or by its id. Raises WrongUse."""
    path = Path(given)
    if os.path.lexists(path) or "/" in given:
        card = path if path.name.endswith(remake.SUFFIX) else path.with_name(path.name + remake.SUFFIX)
        if not card.is_file():
            raise WrongUse(f"{given} has no sidecar ({card.name}); nothing is known of it.")
        return card
    wanted = given.removeprefix(PRODUCT).lower()
    index = Index.if_made(home.index_file)
    try:
        rows = index.products_beginning(wanted) if index and len(wanted) >= SHORTEST else []
    finally:
        if index:
            index.close()
    if len(rows) != 1:
        words = "may be more than one product" if rows else "is no product here"
        raise WrongUse(f"{given!r} {words}. `artfactoryd products` lists them; name one by path or id.")
    found: Path = home.root / (rows[0].path + remake.SUFFIX)
    if not found.is_file():
        raise WrongUse(f"{rows[0].path} is no longer on the shelf.")
    return found


def explanation(home: Home, given: str) -> dict[str, Any]:
    card = card_of(home, given)
    said = remake.read_card(card.read_bytes())
    if said is None:
        raise WrongUse(f"{card} is not a sidecar.")
    product = card.with_name(card.name.removesuffix(remake.SUFFIX))
    index = Index.if_made(home.index_file)
    try:
        row = index.order(said["order"]["id"]) if index else None
        attempts = index.attempts(said["order"]["id"], said["item"]["index"]) if index else []
    finally:
        if index:
            index.close()
    return {
        "file": str(product), "bytes_are": _state_of(product, said), "sidecar": said,
        "order_folder": row.folder if row else None, "attempts": [_attempt(each) for each in attempts],
    }  # fmt: skip


def _state_of(product: Path, said: Mapping[str, Any]) -> str:
    try:
        same = entries.sha256(product.resolve()) == said["file"]["sha256"]
    except OSError:
        return "gone"
    return "as made" if same else "changed since"


def _attempt(attempt: AttemptRow) -> dict[str, Any]:
    known = {key: getattr(attempt, key) for key in ATTEMPT}
    return {**known, "usd": attempt.at_stake / 1_000_000, "settled": attempt.cost is not None}


def text(found: Mapping[str, Any]) -> str:
    return "\n".join(f"{name:<11}{words}" for name, words in _lines(found))


def _lines(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    said = found["sidecar"]
    order, item, file = said["order"], said["item"], said["file"]
    yield "file", f"{found['file']} ({found['bytes_are']})"
    yield "product", f"{said['id']}, {file['mime']}, {file['width']}x{file['height']}, {file['bytes']} bytes"
    yield "made", f"{said['created_at']}{', a rehearsal: drawn here' if said['rehearsal'] else ''}"
    yield "order", f"{order['name']} ({order['id']}) in project {said['project']}, item {item['index']}"
    yield from _git(order["git"])
    model = said["model"]
    yield "model", f"{said['provider']} {model['id']}{':' + model['version'] if model['version'] else ''}"
    for name, value in said["parameters"]["generation"].items():
        yield "parameter", f"{name}: {_shown(value)}"
    for each in item["tokens"]:
        yield "taken", f"{each['value']!r} for {each['token']} in {each['parameter']}"
    for each in said["inputs"]:
        yield "input", f"{each['parameter']}: {each['file']} from {each['source']}, sha256 {each['sha256'][:12]}"
    for parent in said["parents"]:
        yield "parent", f"product {parent}"
    yield from _marks(said)
    yield from _cost(found)


def _git(git: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
    if git:
        yield "recipe", f"{git.get('path')} at commit {git.get('commit')}{', edited since' if git.get('dirty') else ''}"


def _marks(said: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if said["tags"]:
        yield "tags", ", ".join(said["tags"])
    if said["notes"]:
        yield "notes", said["notes"]
    if said["reused_from"]:
        yield "reused", f"from product {said['reused_from']}; nothing was bought"


def _cost(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    said = found["sidecar"]
    outputs, cost = said["outputs"], said["cost"]
    share = f", one of {outputs['delivered']} of one call" if outputs["delivered"] > 1 else ""
    yield "cost", f"${cost['usd']:g}{' (estimated)' if cost['estimated'] else ''}{share}"
    for each in found["attempts"]:
        ended = each["verdict"] or ("ended" if each["ended_at"] else "under way")
        reason = f": {each['reason']}" if each["reason"] else ""
        ticket = f", ticket {each['ticket']}" if each["ticket"] else ""
        yield "attempt", f"{each['nth']} at {each['asked_at']}{ticket}, ${each['usd']:g}, {ended}{reason}"
    if not found["attempts"]:
        yield "attempt", f"not known here; the sidecar names ticket {said['ticket'] or 'none'}"


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
