"""`Blocker`: what keeps an order from going on, and whose move it is. `reporting/waiting` makes them, and nobody else.

Receipt, status, page, API and `why` tell their texts. Whoever waits for an order goes by what they are: see `Outlook`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from artfactoryd.core.lifecycle import UNFINISHED_ORDERS, OrderState
from artfactoryd.printable import redact


class Who(StrEnum):
    """Whose move it is."""

    PERSON = "person"
    PROVIDER = "provider"
    TIME = "time"  # a day or a month ends, or what goes first is made
    DISK = "disk"  # room, or a disk that is there again


class Code(StrEnum):
    HELD = "held"
    LEFT_HELD = "left_held"  # a person took its entry out of Held/
    ORDER_PAUSED = "order_paused"
    PROVIDER_PAUSED = "provider_paused"
    ALL_PAUSED = "all_paused"
    FACTORY_BROKEN = "factory_broken"
    FACTORY_MISSING = "factory_missing"
    SWITCHED_OFF = "switched_off"
    STOPPED = "stopped"  # by trouble with the account: no key, no money
    OUTAGE = "outage"
    OUTAGE_LASTS = "outage_lasts"  # tried so often that nobody need wait for its end
    PUT_BACK = "put_back"  # the provider asked to wait
    ORDER_CAP = "order_cap"
    PERIOD_CAP = "period_cap"  # of a day or a month
    IN_DOUBT = "in_doubt"
    ASKED_ABOUT = "asked_about"  # in doubt, and the provider may yet say
    EQUAL_IN_DOUBT = "equal_in_doubt"
    UNMARKED = "unmarked"
    PROOF_FIRST = "proof_first"
    NO_ROOM = "no_room"
    NO_FOLDER = "no_folder"
    UNFILED = "unfiled"  # made, and not to be put on the shelf just now
    LINGERS = "lingers"  # on the way, and does not go on just now: a download that fails again and again
    REFUSED = "refused"  # by this machine: a descriptor, the disk, the ledger; tried again by itself
    UPLOAD_LASTS = "upload_lasts"  # tried so often that nobody need wait for its end
    STUCK = "stuck"  # by a defect of this program
    TOO_LARGE = "too_large"  # made, and larger than the settings let it be
    UNSCANNED = "unscanned"  # made, and not to be scanned, where the settings want that


PASSING = frozenset({Code.LINGERS, Code.REFUSED, Code.OUTAGE, Code.PUT_BACK, Code.ASKED_ABOUT, Code.PROOF_FIRST})
OF_ITEMS = frozenset({
    Code.IN_DOUBT, Code.EQUAL_IN_DOUBT, Code.UNMARKED, Code.UNFILED, Code.UPLOAD_LASTS, Code.STUCK, Code.TOO_LARGE,
    Code.UNSCANNED,
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Blocker:
    """`text` is the sentence a person reads; `provider` is None where none is meant."""

    code: Code
    who: Who
    provider: str | None
    text: str

    @property
    def passes_soon(self) -> bool:
        """Whoever waits for the order waits on: it passes by itself, within minutes."""
        return self.code in PASSING

    def keeps(self, provider: str) -> bool:
        """Nothing is sent there while it lasts, not only one item or another."""
        return not self.passes_soon and self.code not in OF_ITEMS and self.provider in (None, provider)


@dataclass(frozen=True, slots=True)
class Outlook:
    """Where an order stands: its state, what is on the way, and all that keeps it from going on."""

    state: OrderState
    was_asked: bool  # it is held, or was when it was cancelled: nobody waits for what comes of it all the same
    on_the_way: int  # items that go on by themselves
    blockers: Sequence[Blocker]
    sends_on: bool = False  # an item is left that nothing which lasts keeps from being sent

    @property
    def is_unfinished(self) -> bool:
        """Of such an order the exit code is 3, once nobody waits for it any more."""
        return self.state in UNFINISHED_ORDERS

    @property
    def rests(self) -> bool:
        """Nobody need wait for it: it has ended, or nothing is on the way or left to be sent, and something lasts."""
        if not self.is_unfinished or self.was_asked:
            return True
        goes_on = bool(self.on_the_way or self.sends_on)
        return not goes_on and any(not blocker.passes_soon for blocker in self.blockers)

    @property
    def reasons(self) -> list[str]:
        """In words: some of them are a provider's."""
        return [redact(blocker.text) for blocker in self.blockers]
