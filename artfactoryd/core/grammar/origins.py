"""What of a written parameter one of its values came from: an entry of its list, a part of its line, or all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from artfactoryd.core.grammar.tokens import split_raw
from artfactoryd.core.json_types import Value
from artfactoryd.errors import Path

_BETWEEN = ", \t\r\n"


class Spot(NamedTuple):
    """Where a value is written; `column` from 1, in a line that holds several."""

    path: Path
    column: int | None = None


@dataclass(frozen=True)
class Origins:
    """`path`: of the parameter, under the name that it was written by. `spots`: of its values; none of those of a
    range alone, which come from all of it."""

    path: Path = ()
    written: Value = None
    spots: Sequence[Spot] = ()

    @property
    def name(self) -> str:
        """As it was written."""
        return str(self.path[-1]) if self.path else ""

    def entry(self, number: int) -> Value:
        """What value `number` came from."""
        if not self.spots:
            return self.written
        spot = self.spots[number]
        if isinstance(self.written, list) and len(spot.path) > len(self.path):
            return self.written[int(spot.path[len(self.path)])]
        if isinstance(self.written, str) and spot.column is not None:
            return self._part(self.written, spot.column)
        return self.written

    def _part(self, line: str, column: int) -> str:
        """From its column to the next one's, or to the comma of what was dropped because it stood there already."""
        later = [spot.column for spot in self.spots if spot.column is not None and spot.column > column]
        part = line[column - 1 : min(later) - 1 if later else None].strip(_BETWEEN)
        return split_raw(part, ",")[0].strip(_BETWEEN)


NOWHERE = Origins()  # of what no order wrote
