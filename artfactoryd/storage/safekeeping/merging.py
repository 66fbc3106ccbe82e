"""Two ledgers with one past, put together line by line: no line that is here is changed, moved before another of its
own, or taken out; what only the other one has comes in by its time.

A step (lines that count together or not at all) stays whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from artfactoryd.core import strict_json
from artfactoryd.core.json_types import Json
from artfactoryd.storage.events import Wish
from artfactoryd.storage.months import months, reading


@dataclass(frozen=True, slots=True)
class Step:
    """`data`: as it lies there, with what was torn before it. `key`: by what its lines say. `items`: those it is about,
    by order and number; `buys`: it may have cost something."""

    at: str
    key: bytes
    data: bytes
    items: frozenset[tuple[str, int]] = frozenset()
    orders: frozenset[str] = frozenset()
    buys: bool = False


Ledger = Mapping[str, Sequence[Step]]  # by the month's file
Order = Callable[[Sequence[Step], Sequence[Step]], list[Step]]  # in which the steps of a month stand


def ledger_in(folder: Path) -> dict[str, list[Step]]:
    """Every whole step, and behind them what was torn at the end, which counts for nothing."""
    return {path.name: list(_steps(path)) for path in months(folder)}


def _steps(path: Path) -> Iterator[Step]:
    data, raws, lines = b"", list[bytes](), list[Json]()
    at = ""
    with reading(path), path.open("rb") as file:
        for raw in file:
            data += raw
            line = _line(raw)
            if line is None:
                raws, lines = [], []
                continue
            raws.append(raw)
            lines.append(line)
            if "more" not in line:
                at = str(line.get("at", at))
                yield _step(at, raws, lines, data)
                data, raws, lines = b"", [], []
    if data:
        yield Step(at, b"", data + (b"\n" if data.endswith(b"\n") else b"\n\n"))


def _step(at: str, raws: Sequence[bytes], lines: Sequence[Json], data: bytes) -> Step:
    items = frozenset((str(line["order"]), int(line["item"])) for line in lines if line.get("item") is not None)
    orders = frozenset(str(line["order"]) for line in lines if line.get("order"))
    buys = any(line["kind"] == Wish.kind for line in lines)
    return Step(at, hashlib.sha256(b"".join(raws)).digest(), data, items, orders, buys)


def _line(raw: bytes) -> Json | None:
    if raw.endswith(b"\n"):
        with suppress(ValueError):
            line = strict_json.loads(raw)
            return line if isinstance(line, dict) else None
    return None


def missing(here: Ledger, there: Ledger) -> dict[str, list[Step]]:
    """What only the other one has."""
    known = {step.key for steps in here.values() for step in steps} | {b""}
    more = {name: [step for step in steps if step.key not in known] for name, steps in there.items()}
    return {name: steps for name, steps in more.items() if steps}


def without_told(here: Ledger, there: Ledger, more: Ledger) -> dict[str, list[Step]] | None:
    """Of what only the other one has, all but what became of items that went on here, too: as one that was on its way
    in both, and was collected by both. None where such an item was bought there once more."""
    known = {step.key for steps in there.values() for step in steps}
    told = {item for steps in here.values() for step in steps if step.key not in known for item in step.items}
    if any(step.buys and step.items & told for steps in more.values() for step in steps):
        return None
    rest = {name: [step for step in steps if not step.items & told] for name, steps in more.items()}
    return {name: steps for name, steps in rest.items() if steps}


def merged(here: Ledger, more: Ledger, order: Order) -> dict[str, bytes]:
    """The whole of each month that is changed or new."""
    return {name: b"".join(step.data for step in order(here.get(name, ()), steps)) for name, steps in more.items()}


def by_time(here: Sequence[Step], more: Sequence[Step]) -> list[Step]:
    """At the same moment those that are here come first."""
    steps, behind = [], list(more)
    for step in here:
        while behind and behind[0].at < step.at:
            steps.append(behind.pop(0))
        steps.append(step)
    return steps + behind


def theirs_first(here: Sequence[Step], more: Sequence[Step]) -> list[Step]:
    """For clocks that went back."""
    return [*more, *here]


def ours_first(here: Sequence[Step], more: Sequence[Step]) -> list[Step]:
    return [*here, *more]
