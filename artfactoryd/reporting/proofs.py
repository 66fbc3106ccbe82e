"""What is told of a proof: a few items that are made first, for a person to look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from artfactoryd.core.lifecycle import ItemState
from artfactoryd.core.money import dollars
from artfactoryd.core.names import counted
from artfactoryd.reporting.blockers import Blocker, Code, Who
from artfactoryd.storage.rows import OrderRow


def proof_first(row: OrderRow) -> Iterator[Blocker]:
    if row.proof is not None:
        count = counted(len(row.proof_items), "item")
        text = f"Its proof of {count} is made first; the rest waits until you have looked at it."
        yield Blocker(Code.PROOF_FIRST, Who.TIME, None, text)


def proof_done(row: OrderRow, counts: Mapping[str, int], whole: int) -> str:
    """`whole`: what all of it may cost by now, in micro-dollars."""
    made, count = counts.get(ItemState.COMPLETED, 0), len(row.proof_items)
    ended = [f"{made} made", *(f"{counts[s]} {s}" for s in (ItemState.FAILED, ItemState.CANCELLED) if counts.get(s))]
    return (
        f"Its proof is done: {count} of {counted(row.total_items, 'item')} ({', '.join(ended)}) for "
        f"{dollars(row.committed)}, in {row.folder}. The other {row.total_items - count} may cost up to "
        f"{dollars(whole - row.committed)}."
    )
