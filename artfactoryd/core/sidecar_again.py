"""A sidecar as an order: the document that makes its item again, with nothing left to be expanded."""

from __future__ import annotations

import re
from collections.abc import Mapping

from artfactoryd.core.json_types import Document, Value
from artfactoryd.core.parameters import file_leaves
from artfactoryd.core.parameters.file_refs import PRODUCT, STAGE

VARIED = re.compile(r"# .* varied \(.*\): product ([0-9a-f-]{36}) of order ")  # the comment that begins such an order
INPUTS = "inputs/"  # of an order's folder
MARKS = frozenset({"id", "file", "order", "item", "parameters", "inputs", "outputs"})


def is_sidecar(value: object) -> bool:
    """By its keys: no order has them."""
    return isinstance(value, Mapping) and value.keys() >= MARKS


def order_again(card: Document) -> dict[str, Value]:
    """Of a sidecar as its schema says. All its parameters are raw: they have been expanded once.

    A rehearsal's item is the sketch that was drawn, so it is drawn again.
    """
    rehearsal, model = card["rehearsal"], card["model"]
    parameters = dict(card["parameters"]["actual" if rehearsal else "generation"])
    for known in [] if rehearsal else card["inputs"]:
        place = file_leaves.read(known["parameter"], parameters) or (known["parameter"],)
        parameters = file_leaves.replaced(parameters, {place: written(known)})
    value: dict[str, Value] = {
        "provider": card["provider"],
        "model": f"{model['id']}:{model['version']}" if model["version"] else model["id"],
        "project": card["project"], "name": card["order"]["name"],
        "parameters": {name: _one(each) for name, each in parameters.items()}, "raw": sorted(parameters),
        "reuse": "never",
    }  # fmt: skip
    optional = {
        "price": card.get("cost", {}).get("price"), "tags": list(card["tags"]), "notes": card["notes"],
        "rehearse": rehearsal,
    }  # fmt: skip
    return value | {key: each for key, each in optional.items() if each}


def with_values(card: Document, changes: Mapping[str, Value]) -> Document:
    """The sidecar as it asks for something else: each value at its place, `steps`, `loras.0.scale`. A picture that
    stands in the place of an input is no input of the product any more.

    Raises ValueError for a place inside a value that has none of it.
    """
    chosen = "actual" if card["rehearsal"] else "generation"
    parameters, inputs = dict(card["parameters"][chosen]), list(card["inputs"])
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
