"""What is no picture is looked into by a scanner before it is placed; what it knows is laid into Rejected/."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from artfactoryd import entries
from artfactoryd.durable import make_folders, share_equal, write_note
from artfactoryd.errors import NotScanned, OutputBad, OutputLost
from artfactoryd.execution.shelving.arrival import Arrival
from artfactoryd.home import Home
from artfactoryd.medium import flush_folder, storage_errors
from artfactoryd.printable import paper
from artfactoryd.shelf.scanning.scanner import Scanner
from artfactoryd.storage.rows import ItemRow, OrderRow

ENDING = ".quarantined"  # after its name: nothing opens that by a click


@dataclass(frozen=True, slots=True)
class Sifted:
    """`aside`: what came, was paid for, and lies in Rejected/."""

    arrivals: Sequence[Arrival]
    lost: Sequence[OutputLost | OutputBad]
    aside: Sequence[Arrival] = ()


class Sieve:
    def __init__(self, home: Home, scanner: Scanner) -> None:
        self._rejected, self._scanner = home.rejected, scanner

    async def sift(
        self, row: ItemRow, order: OrderRow, arrivals: Sequence[Arrival], lost: Sequence[OutputLost | OutputBad]
    ) -> Sifted:
        """Free to repeat: nothing is placed before all of it is known. Raises NotScanned."""
        if not self._scanner.is_on:
            return Sifted(arrivals, lost)
        passed, missing, aside = list[Arrival](), [*lost], list[Arrival]()
        for arrival in arrivals:
            if not arrival.is_to_be_scanned:
                passed.append(arrival)
                continue
            verdict = await self._scanner.scan(arrival.fetched.path)
            if words := self._scanner.holds(verdict):
                raise NotScanned(f"What came is paid for and kept, and waits. {words}", away=verdict.away)
            if verdict.found:
                place = await asyncio.to_thread(self._set_aside, row, order, arrival, verdict.found)
                aside.append(arrival)
                missing.append(OutputBad(f"clamd found {verdict.found} in it; it lies in {place}, and is no product"))
            else:
                passed.append(replace(arrival, unscanned="" if verdict.away else verdict.unscanned))
        return Sifted(passed, missing, aside)

    def _set_aside(self, row: ItemRow, order: OrderRow, arrival: Arrival, name: str) -> str:
        """Again, it is found to lie there. Its words come first. Raises StorageFull."""
        chosen, sha256 = arrival.chosen, arrival.fetched.sha256
        called = f"{order.name}-{chosen.index:04d}-{sha256[:8]}.{arrival.media.extension}{ENDING}"
        with storage_errors(self._rejected):
            make_folders(self._rejected)
            for place in entries.numbered(entries.safe_name(called), False):
                target = self._rejected / place
                if not target.exists():
                    write_note(target.with_name(f"{place}.error.txt"), paper(_words(row, order, target, name)))
                if share_equal(arrival.fetched.path, target):
                    break
            flush_folder(self._rejected)
        return f"Rejected/{place}"


def _words(row: ItemRow, order: OrderRow, target: Path, name: str) -> str:
    return (
        f"{target.name} is no product: clamd found {name} in it.\n\n"
        f"It came for item {row.number} of {order.name} ({order.short}) and was paid for, so it is kept; nothing here "
        "ran it. Put it in the bin, or, where clamd is wrong, take it out of here and off its ending "
        f"{ENDING}.\n"
    )
