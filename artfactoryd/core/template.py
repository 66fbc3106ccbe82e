"""Templates under an order: one merged document, and for each key which of them it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from artfactoryd.core.json_types import Document, Value
from artfactoryd.errors import Path

TOGETHER = ("parameters", "lookups")  # merged key by key; every other key is taken whole
INSTEAD = {"models": ("provider", "model"), "provider": ("models",), "model": ("models",)}
OWN = ("template",)  # says what is merged, and is not itself merged


def merged(layers: Sequence[Document]) -> tuple[dict[str, Value], dict[Path, int]]:
    """`layers`: the order first, then its templates, strongest first. The value, and the layer of each key.

    Keys stand in the order of the layers: the order's own first. `sources` knows `("model",)` and
    `("parameters", "prompt")`; what lies deeper comes from where its beginning comes.
    """
    value: dict[str, Value] = {}
    sources: dict[Path, int] = {}
    for number, layer in enumerate(layers):
        for key, given in layer.items():
            if key in OWN:
                continue
            if key in TOGETHER and isinstance(given, Mapping) and isinstance(value.get(key, {}), Mapping):
                sources.setdefault((key,), number)
                _add(value.setdefault(key, {}), given, (key,), sources, number)
            elif not any(_is_above(name, sources, number) for name in (key, *INSTEAD.get(key, ()))):
                value[key], sources[key,] = given, number
    return value, sources


def _is_above(key: str, sources: Mapping[Path, int], number: int) -> bool:
    """Whether a stronger layer has given this key."""
    return sources.get((key,), number) < number


def _add(under: dict[str, Value], given: Document, path: Path, sources: dict[Path, int], number: int) -> None:
    for name, each in given.items():
        if name not in under:
            under[name], sources[*path, name] = each, number


def layer_of(path: Path, sources: Mapping[Path, int]) -> int:
    """Where what stands at `path` was written; 0, the order itself, for what was written nowhere."""
    for length in range(len(path), 0, -1):
        if path[:length] in sources:
            return sources[path[:length]]
    return 0
