"""`python -m tests.soak.child ...` is `artfactoryd ...` in a hurry, so that one life of it lasts a second.

With SOAK_WAITS it loads everything and begins at a word on its standard input. With SOAK_SABOTAGE=resend it sends
again when in doubt: a defect that the balance must report. With SOAK_CLOCK its wall clock goes wrong: see clocks.py.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from artfactoryd.cli import main
from artfactoryd.daemon import app
from artfactoryd.errors import InDoubt
from artfactoryd.execution import purchase, reconciliation
from artfactoryd.execution.rows import last_attempt, order_of
from artfactoryd.factories import Call, Ticket, replicate
from artfactoryd.factories.replicate import listing
from artfactoryd.intake import consumer
from artfactoryd.storage.rows import ItemRow
from tests.soak.clocks import Wall

CREATE_SECONDS, FIRST_ASK = 1.0, 0.05
PATIENCE = timedelta(seconds=12)  # with what is in doubt, of a run that ends by itself
SKEW = timedelta(seconds=5)  # as much less than the product's as all else here
APART = 5.0  # between two looks at the list: longer than the emulator's ever lags


WALL = Wall(Path(os.environ["SOAK_CLOCK"]))


class Impatient(replicate.ReplicateFactory):
    first_ask = FIRST_ASK

    def __init__(self, settings: Any) -> None:
        super().__init__(replace(settings, timeout=CREATE_SECONDS), now=WALL)


class Resending(Impatient):
    async def submit(self, call: Call) -> Ticket:
        try:
            return await super().submit(call)
        except InDoubt:
            return await super().submit(call)


async def _send_again(self: Any, row: ItemRow) -> ItemRow:
    attempt = last_attempt(self._index, row)
    version = order_of(self._index, row).snapshots[row.model]["version"]
    ticket = await self._factories[row.provider].submit(Call(attempt.model, version, attempt.actual))
    running: ItemRow = await self._recorder.take_ticket(row, ticket)
    return running


def prepare(sabotage: str) -> None:
    listing.APART = APART
    listing.SKEW = SKEW
    reconciliation.LONGEST, reconciliation.PATIENCE = APART, PATIENCE
    app.open_app.__wrapped__.__defaults__ = (WALL,)  # type: ignore[attr-defined]
    consumer.now = WALL  # type: ignore[attr-defined]
    made: type[Impatient] = Resending if sabotage == "resend" else Impatient
    replicate.ReplicateFactory = made  # type: ignore[misc]
    if sabotage == "resend":
        purchase.Purchase.lost = _send_again  # type: ignore[method-assign]


def wait() -> None:
    """Everything that a start would load is loaded by then."""
    import replicate.client  # noqa: F401

    from artfactoryd.web import server  # noqa: F401

    sys.stdin.readline()


if __name__ == "__main__":
    prepare(os.environ.get("SOAK_SABOTAGE", ""))
    if os.environ.get("SOAK_WAITS"):
        wait()
    main(prog_name="artfactoryd")
