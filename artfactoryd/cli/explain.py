"""`explain FILE`: everything that the sidecar and the ledger know of a product, in words."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from artfactoryd import clock, entries, schema
from artfactoryd.cli.context import as_json, latest, made_home, say
from artfactoryd.core.json_types import Json
from artfactoryd.core.names import lasting
from artfactoryd.core.sidecar_again import STANDS_FOR
from artfactoryd.errors import WrongUse
from artfactoryd.home import Home
from artfactoryd.planning import remake
from artfactoryd.printable import one_line
from artfactoryd.reporting.caps import in_dollars
from artfactoryd.reporting.json_object import JsonObject
from artfactoryd.reporting.orders import AttemptDocument, attempt_document
from artfactoryd.reporting.words import ticket_words, value_words
from artfactoryd.shelf.sidecars import CARD, product_of, sidecar_of
from artfactoryd.storage import naming, told
from artfactoryd.storage.database import check_not_lost
from artfactoryd.storage.index import Index
from artfactoryd.storage.lists import recognition, search
from artfactoryd.storage.rows import ProductRow

MOST_CHILDREN = 20
INSIDE = {"minimal": "prompt, seed, model and id", "full": "prompt, seed, model, id and every parameter"}


@dataclass(frozen=True, slots=True)
class Explanation(JsonObject):
    """`bytes_are`: "as made", "changed since" or "gone". The item is the sidecar's, so attempts do not name it."""

    file: str
    bytes_are: str
    sidecar: Json
    order_folder: str | None
    attempts: Sequence[AttemptDocument]
    damaged: str | None = None  # in words, found out since it was shelved
    liked: bool = False
    rating: int | None = None
    tags: Sequence[str] = ()  # by the last mark, where there is one
    notes: str | None = None
    collections: Sequence[str] = ()
    made_of_it: Sequence[str] = ()  # paths in the home of what was made of it, or copied, newest first
    again: str = ""  # the command that makes it again

    def to_json(self) -> dict[str, object]:
        attempts = [attempt.to_json() for attempt in self.attempts]
        for attempt in attempts:
            del attempt["number"]
        return {**JsonObject.to_json(self), "attempts": attempts}


@click.command()
@click.argument("file", metavar="FILE|ID")
@latest
@as_json
@click.pass_context
def explain(ctx: click.Context, file: str, latest: bool, as_json: bool) -> None:
    """Everything that is known of a product: how it was made, from what, when, and what it cost."""
    document = explanation(made_home(ctx), file, latest=latest)
    say(document, text(document), as_json)


def card_of(home: Home, given: str, *, latest: bool | None = None) -> Path:
    """The sidecar of a product: of the file of that path, wherever it is and whatever it is called, else of the product
    here that is named.

    Raises NoSuchProduct, WrongUse where there is no sidecar, and AmbiguousName unless the `latest` is asked for.
    """
    path = Path(given)
    with Index.reading(home.index_file) as index:
        row = _recognised(home, index, path, given, latest)
        beside = path if path.name.endswith(remake.SUFFIX) else sidecar_of(path, home.projects)
        if beside is not None and beside.is_file() and (row is None or _id_in(beside) == row.id):
            return beside
        if row is None and os.path.lexists(path):
            raise WrongUse(f"{given} has no sidecar ({path.name}{CARD}), and no product here has its bytes.")
        check_not_lost(home.index_file)
        row = row or naming.product_named(index, naming.product_given(home, given), latest=latest)
    card = sidecar_of(home.root / row.path, home.projects)
    if card is None or not card.is_file():
        if os.path.lexists(home.root / row.path):
            words = (
                f"{row.path} has no sidecar any more. `artfactoryd reindex` writes it anew, where the ledger tells all"
            )
            raise WrongUse(f"{words} of it and the file is as it was made.")
        raise WrongUse(f"{row.path} is no longer on the shelf.")
    return card


def _recognised(home: Home, index: Index | None, path: Path, given: str, latest: bool | None) -> ProductRow | None:
    rows = recognition.products_of(home, index, path) if index and naming.is_text(given) else []
    return naming.one_of(index, given, rows, latest) if rows else None


def _id_in(card: Path) -> str:
    told = remake.read_card(entries.bounded(card, remake.MOST_BYTES))
    return str(told["id"]) if told else ""


def explanation(home: Home, given: str, *, latest: bool = False) -> Explanation:
    """Raises as `card_of` does."""
    card = card_of(home, given, latest=latest)
    sidecar = whole_sidecar(card)
    product = product_of(card)
    if os.path.lexists(given) and not given.endswith(remake.SUFFIX):
        product = Path(given).absolute()  # under whatever name
    with Index.reading(home.index_file) as index:
        order, item = sidecar["order"] or {"id": ""}, sidecar["item"] or {"index": 0}
        row = index.order(order["id"]) if index else None
        attempts = index.attempts(order["id"], item["index"]) if index else []
        known = index.product(sidecar["id"]) if index else None
        children = _children(index, sidecar["id"]) if index else []
    folder, documents = row.folder if row else None, [attempt_document(attempt) for attempt in attempts]
    damaged = known.looked or None if known else None
    tags = sidecar["tags"] if known is None or known.tags is None else known.tags
    notes = sidecar["notes"] if known is None or known.notes is None else known.notes
    return Explanation(
        str(product), _state_of(product, sidecar), sidecar, folder, documents, damaged,
        known.liked if known else sidecar["liked"], known.rating if known else sidecar["rating"], tags, notes,
        (known.collections or ()) if known else sidecar["collections"], children, f"artfactoryd remake {sidecar['id']}",
    )  # fmt: skip


def _children(index: Index, product: str) -> list[str]:
    queries = (f"parent:{product}", f"reused_from:{product}")
    return [found.product.path for query in queries for found in search.find(index, query, MOST_CHILDREN)]


def whole_sidecar(card: Path) -> Json:
    """Raises WrongUse where it is none, was written wrongly, or damaged; what a newer release has beside it does no
    harm."""
    sidecar = remake.read_card(entries.bounded(card, remake.MOST_BYTES))
    if sidecar is None:
        raise WrongUse(f"{card} is not a sidecar.")
    wrong = [problem for problem in schema.check_mapping(sidecar, "sidecar") if problem.code != "E_UNKNOWN_KEY"]
    if wrong:
        raise WrongUse(f"{card} is a sidecar, and not as a sidecar should be: {wrong[0].at(card.name, None, None)}")
    try:
        told.row_of(sidecar, "")
    except ValueError as error:
        raise WrongUse(f"{card} is a sidecar, and not as a sidecar should be: {error}.") from error
    return sidecar


def _state_of(product: Path, sidecar: Json) -> str:
    try:
        same = entries.sha256(product.resolve()) == sidecar["file"]["sha256"]
    except (OSError, RuntimeError):  # links in a circle
        return "gone"
    return "as made" if same else "changed since"


def text(document: Explanation) -> str:
    return "\n".join(f"{name:<11}{one_line(words)}" for name, words in _lines(document))


def _lines(document: Explanation) -> Iterator[tuple[str, str]]:
    sidecar = document.sidecar
    order, item, file = sidecar["order"], sidecar["item"], sidecar["file"]
    yield "file", f"{document.file} ({document.bytes_are})"
    size = f", {file['width']}x{file['height']}" if file["width"] else ""
    size += f", {lasting(file['duration'])}" if file["duration"] else ""
    size += f", {file['codec']}" if file.get("codec") else ""
    yield "product", f"{sidecar['id']}, {file['mime']}{size}, {file['bytes']} bytes"
    if document.damaged or file.get("remark"):
        yield "remark", document.damaged or file["remark"]
    if inside := file.get("embedded") or file.get("untouched"):
        yield "inside", INSIDE.get(inside, f"nothing: {inside}")
    yield "made", f"{clock.shown(sidecar['created_at'])}{', a rehearsal: drawn here' if sidecar['rehearsal'] else ''}"
    yield from _order(sidecar) if order and item else _imported(sidecar)
    model = sidecar["model"]
    yield "model", f"{_model(sidecar['provider'], model)}{_stands_for(sidecar)}"
    for name, value in sidecar["parameters"]["generation"].items():
        yield "parameter", f"{name}: {value_words(value)}"
    for token in item["tokens"] if item else ():
        yield "taken", f"{value_words(token['value'])!r} for {token['token']} in {token['parameter']}"
    for given in sidecar["inputs"]:
        yield "input", f"{given['parameter']}: {given['file']} from {given['source']}, sha256 {given['sha256'][:12]}"
    for parent in sidecar["parents"]:
        yield "parent", f"product {parent}"
    yield from _marks(document)
    if order:
        yield from _cost(document)
    for path in document.made_of_it:
        yield "made of it", path
    if order:
        yield "again", f"`{document.again}` makes it again"


def _model(provider: str, model: Json) -> str:
    return f"{provider} {model['id']}{':' + model['version'] if model['version'] else ''}"


def _stands_for(sidecar: Json) -> str:
    """Of a rehearsal; earlier releases told no more than a name, and that of compared models alone."""
    if ordered := sidecar["model"].get("stands_for"):
        return f" in place of {_model(ordered['provider'], ordered)}"
    actual = sidecar["parameters"]["actual"] if sidecar["rehearsal"] else {}
    return f" in place of {name}" if (name := actual.get(STANDS_FOR)) else ""


def _order(sidecar: Json) -> Iterator[tuple[str, str]]:
    order = sidecar["order"]
    yield "order", f"{order['name']} ({order['id']}) in project {sidecar['project']}, item {sidecar['item']['index']}"
    if isinstance(sidecar["origin"], dict) and sidecar["origin"].get("agent"):
        yield "agent", f"{sidecar['origin']['agent']} asked for it"
    yield from _git(order["git"])


def _imported(sidecar: Json) -> Iterator[tuple[str, str]]:
    origin = sidecar["origin"] if isinstance(sidecar["origin"], dict) else {}
    yield "imported", f"from {origin.get('file')} ({origin.get('tool')}) into project {sidecar['project']}"
    if origin.get("id"):
        yield "was", f"product {origin['id']} there"


def _git(git: Json | None) -> Iterator[tuple[str, str]]:
    if git:
        at = f"at commit {git['commit']}" if git.get("commit") else "in a repository that has no commit yet"
        yield "recipe", f"{git.get('path')} {at}{', edited since' if git.get('dirty') and git.get('commit') else ''}"


def _marks(document: Explanation) -> Iterator[tuple[str, str]]:
    sidecar = document.sidecar
    if document.liked:
        yield "liked", "yes"
    if document.rating is not None:
        yield "rating", f"{document.rating} of 5"
    if document.tags:
        yield "tags", ", ".join(document.tags)
    if document.collections:
        yield "collected", ", ".join(document.collections)
    if document.notes:
        yield "notes", document.notes
    if sidecar["reused_from"]:
        yield "reused", f"from product {sidecar['reused_from']}; nothing was bought"


def _cost(document: Explanation) -> Iterator[tuple[str, str]]:
    sidecar = document.sidecar
    outputs, cost = sidecar["outputs"], sidecar["cost"]
    share = f", one of {outputs['delivered']} of one call" if outputs["delivered"] > 1 else ""
    yield "cost", f"{in_dollars(cost['usd'])}{' (estimated)' if cost['estimated'] else ''}{share}"
    for attempt in document.attempts:
        ended = attempt.verdict or ("ended" if attempt.ended_at else "under way")
        reason = f": {attempt.reason}" if attempt.reason else ""
        asked = f"{attempt.nth} at {clock.shown(attempt.asked_at)}{_ticket(attempt.ticket)}"
        yield "attempt", f"{asked}, {in_dollars(attempt.usd)}, {ended}{reason}"
    if not document.attempts:
        yield "attempt", f"not known here; the sidecar names ticket {ticket_words(sidecar['ticket']) or 'none'}"


def _ticket(ticket: str | None) -> str:
    return f", ticket {words}" if (words := ticket_words(ticket)) else ""
