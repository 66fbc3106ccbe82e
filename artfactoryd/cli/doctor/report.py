"""What a check found, a row each, and how rows are told: a table, lines, or data."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

OK, WARNING, BAD = "ok", "warning", "bad"
STATES = (OK, WARNING, BAD)  # better to worse


@dataclass(frozen=True, slots=True)
class Row:
    check: str
    state: str
    text: str
    way_out: str = ""


def worst(rows: Sequence[Row]) -> str:
    return max((row.state for row in rows), key=STATES.index, default=OK)


def document(rows: Sequence[Row]) -> dict[str, Any]:
    return {"state": worst(rows), "rows": [asdict(row) for row in rows]}


def text(rows: Sequence[Row], width: int | None) -> str:
    """A table for a terminal of that width; one line a row where nobody looks at a table."""
    if width is None:
        return "\n".join(" ".join(f"{row.check}: {row.state}: {row.text} {row.way_out}".split()) for row in rows)
    first = max(len(row.check) for row in rows) + 2
    return "\n".join(line for row in rows for line in _cells(row, first, max(width - first - 9, 30)))


def _cells(row: Row, first: int, width: int) -> Iterator[str]:
    words = [*textwrap.wrap(row.text, width), *(textwrap.wrap(f"-> {row.way_out}", width) if row.way_out else [])]
    for number, line in enumerate(words):
        yield f"{row.check if not number else '':<{first}}{row.state if not number else '':<9}{line}"
