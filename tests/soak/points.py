"""The named places at which the program can be killed, read from its source: a new one cannot be forgotten."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import artfactoryd
from artfactoryd.storage.events import KINDS, OfAttempt, Tombstone

PACKAGE = Path(artfactoryd.__file__).parent


@cache
def points() -> frozenset[str]:
    """Names of every `failpoints.point(...)` or `point(...)`; one that ends in a variable has the words recorded."""
    texts = (path.read_text() for path in PACKAGE.rglob("*.py"))
    trees = [ast.parse(text) for text in texts if "point(" in text]
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    names = {name for node in calls if _called(node) == "point" for name in _said(node)}
    open_ended = {name for name in names if name.endswith("*")}
    return frozenset(
        names - open_ended | {name.removesuffix("*") + word for name in open_ended for word in _recorded()}
    )


def _called(node: ast.Call) -> str:
    match node.func:
        case ast.Name(id=name) | ast.Attribute(value=ast.Name(id="failpoints"), attr=name):
            return name
    return ""


def _said(node: ast.Call) -> Iterator[str]:
    match node.args:
        case [ast.Constant(value=str(name))]:
            yield name
        case [ast.JoinedStr(values=[ast.Constant(value=str(beginning)), ast.FormattedValue()])]:
            yield f"{beginning}*"
        case _:
            raise AssertionError(f"a fault point without a readable name: {ast.unparse(node)}")


def _recorded() -> set[str]:
    """The kinds of lines written through `record` of what is in flight."""
    return {event.kind for event in KINDS.values() if issubclass(event, OfAttempt | Tombstone)}
