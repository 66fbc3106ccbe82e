"""How the copies of a combination are put into calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from artfactoryd.core.json_types import Value
from artfactoryd.core.model import Model
from artfactoryd.core.parameters.json_schema import enum_of


@dataclass(frozen=True, slots=True)
class Packing:
    """`count`: copies wanted of each combination, None where the order does not say."""

    model: Model
    count: int | None
    by_hand: bool  # the order writes the batch parameter: it fixes the size of each call

    @property
    def copies(self) -> int:
        return self.count or 1

    @property
    def _most(self) -> int:
        """The most outputs that one call can be asked for."""
        if self.model.batch is None or self.by_hand or self.count is None:
            return 1
        schema = self.model.properties.get(self.model.batch, {})
        sizes = [each for each in enum_of(schema) or () if isinstance(each, int)]
        most = max(sizes, default=schema.get("maximum", 1))
        return max(1, int(most)) if isinstance(most, int | float) else 1

    def calls(self, has_draw: bool) -> int:
        """How many items a combination makes. One with a draw is not packed."""
        return self.copies if has_draw else -(-self.copies // self._most)

    def call(self, place: int, has_draw: bool, batch: Value) -> tuple[int, int]:
        """The first copy of a call, and how many outputs it asks for. `batch`: the parameter as it is written."""
        if self.by_hand or self.count is None:
            size = as_count(self.default if batch is None else batch)
            return place * size, size
        most = 1 if has_draw else self._most
        return place * most, min(most, self.copies - place * most)

    def loads(self, batch: Value, undrawn: int, drawn: int) -> list[tuple[int, int]]:
        """(outputs asked for, calls that ask for as many) of so many combinations without and with a draw."""
        if self.by_hand or self.count is None:
            return [(self.call(0, False, batch)[1], self.copies * (undrawn + drawn))]
        full, rest = divmod(self.copies, self._most)
        return [(self._most, full * undrawn), (rest, undrawn if rest else 0), (1, self.copies * drawn)]

    @property
    def default(self) -> Value:
        """What the provider makes of a call that does not say."""
        return self.model.properties.get(self.model.batch or "", {}).get("default")

    def products(self, batch: Value) -> int:
        """Of one combination, in all its calls."""
        if self.by_hand or self.count is None:
            return self.copies * as_count(self.default if batch is None else batch)
        return self.copies

    def sent(self, asked: int) -> Mapping[str, int]:
        """What is added to a call's parameters."""
        if self.model.batch is None or self.by_hand or self.count is None or asked == self.default:
            return {}
        return {self.model.batch: asked}


def as_count(value: Value) -> int:
    return value if isinstance(value, int) and value > 0 else 1
