"""A sidecar as an order: the document that makes its item again, with nothing left to be expanded."""

from __future__ import annotations

import re
from collections.abc import Mapping

from artfactoryd.core.json_types import Document, Value
from artfactoryd.core.parameters import file_leaves
from artfactoryd.core.parameters.file_refs import PRODUCT, STAGE

VARIED = re.compile(r"# .* varied \(.*\): product ([0-9a-f-]{36}) of order ")  # the comment that begins such an order
INPUTS = "inputs/"  # of an order's folder
STANDS_FOR = "stands_for"  # of a sketch that was drawn: no parameter of an order
MARKS = frozenset({"id", "file", "order", "item", "parameters", "inputs", "outputs"})


def is_sidecar(value: object) -> bool:
    """By its keys: no order has them."""
    return isinstance(value, Mapping) and value.keys() >= MARKS


def order_again(card: Document) -> dict[str, Value]:
    """Of a sidecar as its schema says. All its parameters are raw: they have been expanded once.

    A rehearsal's item is a rehearsal of the model that it stands for; where that cannot be told, or what it was made
    from was not kept, the sketch that was drawn.
    """
    rehearsal, model, is_sketch = card["rehearsal"], card["model"], _is_sketch(card)
    ordered = model if is_sketch or not rehearsal else model["stands_for"]
    parameters = _parameters(card)
    for known in [] if is_sketch else card["inputs"]:
        place = file_leaves.read(known["parameter"], parameters) or (known["parameter"],)
        parameters = file_leaves.replaced(parameters, {place: written(known)})
    value: dict[str, Value] = {
        "provider": ordered.get("provider", card["provider"]),
        "model": f"{ordered['id']}:{ordered['version']}" if ordered["version"] else ordered["id"],
        "project": card["project"], "name": card["order"]["name"],
        "parameters": {name: _one(each) for name, each in parameters.items()}, "raw": sorted(parameters),
        "reuse": "never",
    }  # fmt: skip
    optional = {
        "price": card.get("cost", {}).get("price"), "tags": list(card["tags"]), "notes": card["notes"],
        "rehearse": rehearsal,
    }  # fmt: skip
    return value | {key: each for key, each in optional.items() if each}


def _is_sketch(card: Document) -> bool:
    """Whether it is asked for as what was drawn, whatever was ordered."""
    return bool(card["rehearsal"]) and ("stands_for" not in card["model"] or any(map(was_not_kept, card["inputs"])))


def _parameters(card: Document) -> dict[str, Value]:
    """Those that it is asked for again with: of a sketch without what nobody orders."""
    if not _is_sketch(card):
        return dict(card["parameters"]["generation"])
    return {name: value for name, value in card["parameters"]["actual"].items() if name != STANDS_FOR}


def with_values(card: Document, changes: Mapping[str, Value]) -> Document:
    """The sidecar as it asks for something else: each value at its place, `steps`, `loras.0.scale`. A picture that
    stands in the place of an input is no input of the product any more.

    Raises ValueError for a place inside a value that has none of it.
    """
    chosen = "actual" if _is_sketch(card) else "generation"
    parameters, inputs = _parameters(card), list(card["inputs"])
    for name, value in changes.items():
        place = file_leaves.read(name, parameters) or _new_place(name, parameters)
        parameters = file_leaves.replaced(parameters, {place: value})
        text = file_leaves.written(place)
        inputs = [known for known in inputs if not f"{known['parameter']}.".startswith(f"{text}.")]
    return {
        **card, "parameters": {**card["parameters"], chosen: parameters}, "inputs": inputs, "varied": sorted(changes),
    }  # fmt: skip


def _new_place(name: str, parameters: Mapping[str, Value]) -> file_leaves.Place:
    """Of a parameter that was not given, or a key that a value of one does not have yet."""
    before, _, last = name.rpartition(".")
    if not before or before.split(".")[0] not in parameters:
        return (name,)
    above = file_leaves.read(before, parameters)
    value: Value = parameters
    for step in above or ():
        value = value[step]
    if above is None or not isinstance(value, Mapping):
        raise ValueError(f"{name}: {before} was {'not given' if above is None else _short(value)}")
    return (*above, last)


def _short(value: Value) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


def was_not_kept(known: Document) -> bool:
    """Whether an input of a sidecar was made by a stage that keeps nothing."""
    return str(known["source"]).startswith(STAGE)


def written(known: Document) -> str:
    """How an order names an input of a sidecar: in its order's inputs/, or where a stage was fed with it, by its id."""
    file, source = str(known["file"]), str(known["source"])
    return source if source.startswith(PRODUCT) and not file.startswith(INPUTS) else file


def _one(value: Value) -> Value:
    """A list of lists would be an axis."""
    return [value] if isinstance(value, list) and value and all(isinstance(each, list) for each in value) else value


def batch_note(card: Document) -> str:
    """What is made beside the picture that is asked for; empty when it came alone."""
    asked = card["outputs"]["asked"]
    if asked < 2:
        return ""
    return f"{card['file']['name']} is one of {asked} of one call: all {asked} of that call are made again."
