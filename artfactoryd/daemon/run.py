"""One run: what it is asked for, what it met, and the exit code that follows from that."""

from __future__ import annotations

import gc
import signal
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from artfactoryd.core.lifecycle import OrderState
from artfactoryd.intake.outcomes import Outcome, PutBack, Rejected
from artfactoryd.reporting.blockers import Outlook
from artfactoryd.storage.rebuild import Tell


@dataclass(frozen=True, slots=True)
class RunOptions:
    """`until_done`: end when nothing can go on by itself (`once`, `submit --wait`), and not only when stopped."""

    until_done: bool = False
    supervised: bool = False  # whoever started it would only start it again
    only: frozenset[Path] = frozenset()  # take just these entries of the inbox; empty: whatever lies there
    orders: frozenset[str] = frozenset()  # with `only`: go on with these orders, too
    loaded: Callable[[], object] = lambda: None  # called once, when all is there that the first order needs
    mending: Tell = lambda what, done, of: None  # how far it is with a lost index, before anything else


YOUNG = 10_000  # objects made and still there before they are looked through for rubbish


def all_is_loaded() -> None:
    """What is loaded is no rubbish, and is not looked through again; nor is what some dozen items under way hold."""
    gc.freeze()
    gc.set_threshold(YOUNG)


@dataclass(frozen=True, slots=True)
class RunReport:
    orders: tuple[str, ...] = ()  # ids of those taken or found unfinished, as they were met
    rejected: tuple[Path, ...] = ()  # where what was dropped and is no order lies now
    waiting: int = 0  # things taken, or in the inbox, that wait for a picture or for room on the disk


class Tally:
    """Gathers a run's report while it goes on; the daemon alone writes here."""

    def __init__(self) -> None:
        self._orders: dict[str, None] = {}
        self._rejected: list[Path] = []

    @property
    def orders(self) -> list[str]:
        return list(self._orders)

    def meet(self, order_ids: Iterable[str]) -> None:
        self._orders.update(dict.fromkeys(order_ids))

    def add(self, outcome: Outcome) -> None:
        if isinstance(outcome, Rejected):
            self._rejected.append(outcome.path)
        elif not isinstance(outcome, PutBack):
            self.meet(outcome.orders)

    def report(self, waiting: int) -> RunReport:
        return RunReport(tuple(self._orders), tuple(self._rejected), waiting)


def exit_code(outlooks: Collection[Outlook], rejected: int, waiting: int = 0) -> int:
    """1: something failed or was rejected; 3: something waits, and its blockers say for what; 0: all is done."""
    if rejected or any(outlook.state in (OrderState.FAILED, OrderState.PARTIAL) for outlook in outlooks):
        return 1
    return 3 if waiting or any(outlook.is_unfinished for outlook in outlooks) else 0


def hangup() -> list[signal.Signals]:
    """SIGHUP, unless whoever started us wants us to outlive the window (nohup)."""
    return [] if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else [signal.SIGHUP]
