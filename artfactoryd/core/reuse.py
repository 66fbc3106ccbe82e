"""When two items are the same: nothing that is sent for them differs, and they are the same copies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from artfactoryd.core.catalog import Model
from artfactoryd.core.chance import WHOLE
from artfactoryd.core.plan import Plan, PlannedItem

LENGTH = 40  # hexadecimal digits of a key; 160 bits


class Keys:
    """Of the items of one plan. A picture is its bytes, wherever it lies and however it is called."""

    def __init__(self, plan: Plan) -> None:
        self._inputs = plan.inputs
        self._heads = [_encoded([each.provider, each.id, each.version]) for each in plan.models]
        self._files = [each.files for each in plan.models]

    def of(self, item: PlannedItem) -> str:
        files = self._files[item.model]
        parameters = settled(item.parameters, files, self._inputs) if files else item.parameters
        text = f"[{self._heads[item.model]},{_encoded(parameters)},{item.copy},{item.asked}]"
        return sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:LENGTH]


def _encoded(value: object) -> str:
    return WHOLE.encode(value)


def settled(parameters: Mapping[str, Any], files: Sequence[str], inputs: Mapping[str, str]) -> dict[str, Any]:
    """With every picture told by its SHA-256."""
    found = dict(parameters)
    for name in files:
        if isinstance(value := found.get(name), str):
            found[name] = inputs.get(value, value)
    return found


def difference(wanted: Mapping[str, Any], made: Mapping[str, Any], model: Model, version: str | None) -> list[str]:
    """What keeps an item from being one that was made: names of parameters, or `model version`."""
    names = sorted(name for name in {*wanted, *made} if wanted.get(name) != made.get(name))
    return [*(["model version"] if model.version != version else []), *names]
