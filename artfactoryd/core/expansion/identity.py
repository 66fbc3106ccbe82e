"""What tells one item from another: its own values as JSON. Seeds, draws and samples follow from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from artfactoryd.core.expansion.text_rows import Written
from artfactoryd.core.json_types import Parameters, Value
from artfactoryd.core.model import Model
from artfactoryd.core.parameters.file_leaves import told_by
from artfactoryd.core.parameters.secret_values import known_as, may_hold_secret, name_of, secrets_in
from artfactoryd.core.seeds import WHOLE

Parts = dict[str, str]  # `"name":value` as JSON, by parameter


class Identity:
    """Of the items of one section. `names`: its parameters, the seed among them.

    `inputs`: sha256 by the value written for a picture, so that a picture is its bytes and not its path.
    """

    def __init__(self, base: int, names: Sequence[str], model: Model, inputs: Mapping[str, str]) -> None:
        self._base, self._seed, self._model, self._inputs = base, model.seed, model, inputs
        self._files = frozenset(model.files)
        self._secret = {name for name in names if may_hold_secret(name, model.properties.get(name, {}))}
        self.order = sorted(name for name in names if name != model.seed)
        self._keys = {name: f"{WHOLE.encode(name)}:" for name in names}

    def part(self, name: str, value: Value) -> str:
        if name in self._files:
            value = told_by(value, self._model.files_in(name, value), self._inputs)
        if name in self._secret:
            secrets = secrets_in(name, self._model.properties.get(name, {}), value)
            told = [(place, known_as(name_of((name, *place)), text, self._inputs)) for place, text in secrets]
            value = told_by(value, told, self._inputs)
        return self._keys[name] + WHOLE.encode(value)

    def text_part(self, name: str, quoted: str) -> str:
        """Of a text, whose characters are JSON already, without the quotes."""
        return f'{self._keys[name]}"{quoted}"'

    def parts(self, written: Written, values: Parameters) -> Parts:
        """Of the texts and lists of one item; a written seed is not one of them."""
        parts = {name: self.text_part(name, text) for name, text in written.quoted.items()}
        parts |= {name: self.part(name, written.values[name]) for name in written.nested}
        for name, value in values.items():
            if name != self._seed:
                parts[name] = self.part(name, value)
        return parts

    def head(self, parts: Mapping[str, str]) -> str:
        """What a seed is derived from, up to the copy that stands behind it."""
        return f"[{self._base},{{{','.join(parts[name] for name in self.order if name in parts)}}},"


def together(parts: Mapping[str, str]) -> str:
    """All parts as one JSON object."""
    return "{" + ",".join(parts[name] for name in sorted(parts)) + "}"
