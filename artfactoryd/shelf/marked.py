"""A sidecar that lies on the shelf, brought up to date with what was said of its product since."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from artfactoryd.core import strict_json
from artfactoryd.core.json_types import Json, Value
from artfactoryd.durable import replace_file
from artfactoryd.entries import new_mark
from artfactoryd.shelf.reading import read_sidecar


def carry(card: Path, product: str, said: Mapping[str, Value]) -> Json | None:
    """The sidecar as it lies there then, all else in it as it was; None where it is another product's.

    Raises OSError, and ValueError for what is no sidecar.
    """
    told = read_sidecar(card)
    if told["id"] != product:
        return None
    carried = {**told, **said}
    if carried != told:
        replace_file(card, strict_json.document(carried), new_mark())
    return carried
