"""Values as a person reads them: parameters, tickets."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from artfactoryd.core.json_types import Json
from artfactoryd.core.lifecycle import ItemState


def value_words(value: object) -> str:
    """A text as it is; whatever else as it would be written in an order."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def parameter_words(parameters: Json) -> str:
    """`prompt: a red car; width: 64`"""
    return "; ".join(f"{name}: {value_words(value)}" for name, value in parameters.items())


def items_words(numbers: Sequence[int]) -> str:
    """`Item 3`, or of those that share a reason `25 items, the first of them 3`."""
    return f"{len(numbers)} items, the first of them {numbers[0]}" if len(numbers) > 1 else f"Item {numbers[0]}"


def ended_words(counts: Mapping[str, int], *, by_person: bool) -> str:
    """`3 made, 2 cancelled by you`: what became of the items of an order. `by_person`: one cancelled it."""
    whose = " by you" if by_person else ""
    told = {
        ItemState.COMPLETED: "made", ItemState.FAILED: "failed", ItemState.CANCELLED: f"cancelled{whose}",
        ItemState.IN_DOUBT: "in doubt",
    }  # fmt: skip
    return ", ".join(f"{counts[state]} {words}" for state, words in told.items() if counts.get(state))


def ticket_words(ticket: str | None) -> str:
    """What the provider calls the job. A ticket that is a document has the job's id in it, or names none."""
    try:
        document = json.loads(ticket or "null")
    except ValueError:
        return ticket or ""
    if not isinstance(document, dict):
        return ticket or ""
    return next((str(value) for key, value in document.items() if key.endswith("_id")), "")
