"""What the ledger's lines mean as news: told by the thread that writes them, once they are durable.

A line is heard once in its life: by the run that wrote it, or, where a kill came between ledger and index, by the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from artfactoryd import news
from artfactoryd.core.lifecycle import Verdict
from artfactoryd.core.money import usd
from artfactoryd.daemon.telling.near_caps import NearCaps
from artfactoryd.log import generation, together
from artfactoryd.news import News
from artfactoryd.storage import budget
from artfactoryd.storage.events import (
    Acceptance,
    Approval,
    Cancel,
    Event,
    Failure,
    Hold,
    OfAttempt,
    Pause,
    Release,
    Retry,
    Reuse,
    Settlement,
    TicketTaken,
    Tombstone,
    Wish,
)
from artfactoryd.storage.index import Index

MOST_BEGUN = 10_000  # orders remembered as begun; of one that is forgotten the index is asked once more


class _Sent(NamedTuple):
    """What is asked for with an attempt."""

    provider: str
    model: str
    reserved: int


class Story:
    """Remembers what is on its way, so that the index is asked about few lines and not about each."""

    def __init__(self) -> None:
        self._sent: dict[str, _Sent] = {}  # by attempt
        self._begun: set[str] = set()
        self._near_caps = NearCaps()

    def hear(self, index: Index, events: Sequence[Event]) -> None:
        """What was just recorded, all of it visible in `index`."""
        begun = self._first_attempts(index, events)
        with together():
            for event in events:
                if isinstance(event, Wish | Reuse):
                    self._sent[event.attempt] = _Sent(event.provider, event.model, getattr(event, "reserved", 0))
                self._note_attempt(index, event)
                for piece in self._news(index, event, begun):
                    news.tell(piece)
                self._forget(event)
            for near in self._near_caps.news(index, events):
                news.tell(near)

    def _news(self, index: Index, event: Event, begun: set[str]) -> Iterator[News]:
        if isinstance(event, Wish | Reuse) and event.order in begun:
            begun.discard(event.order)
            yield news.OrderBegun(order=event.order, name=index.order_name(event.order))
        if isinstance(event, OfAttempt):
            sent = self._sent_as(index, event.attempt)
            common = {"order": event.order, "item": event.item, "attempt": event.attempt, "provider": sent.provider,
                      "model": sent.model}  # fmt: skip
            yield from _of_attempt(event, common, sent)
        elif tell := _KINDS.get(type(event)):
            yield tell(index, event)

    def _note_attempt(self, index: Index, event: Event) -> None:
        """For the log of attempts."""
        if isinstance(event, OfAttempt):
            sent = self._sent_as(index, event.attempt)
            generation({**event.to_line(), "provider": sent.provider, "model": sent.model})
        elif isinstance(event, Tombstone):
            generation(event.to_line())

    def _first_attempts(self, index: Index, events: Iterable[Event]) -> set[str]:
        """Orders of which nothing was sent before these lines."""
        attempts: dict[str, int] = {}
        for event in events:
            if isinstance(event, Wish | Reuse):
                attempts[event.order] = attempts.get(event.order, 0) + 1
        fresh = attempts.keys() - self._begun
        self._begun = (self._begun if len(self._begun) < MOST_BEGUN else set()) | fresh
        return {order for order in fresh if not index.has_more_attempts(order, attempts[order])}

    def _sent_as(self, index: Index, attempt: str) -> _Sent:
        if (sent := self._sent.get(attempt)) is None:
            row = index.attempt(attempt)
            assert row is not None  # its wish came before
            sent = self._sent[attempt] = _Sent(row.provider, row.model, row.reserved)
        return sent

    def _forget(self, event: Event) -> None:
        if isinstance(event, Settlement | Release | Failure):
            self._sent.pop(event.attempt, None)


# --- attempts ---


def _of_attempt(event: OfAttempt, common: Mapping[str, Any], sent: _Sent) -> Iterator[News]:
    match event:
        case Reuse():
            yield news.ItemReused(**common, usd=0.0)
        case TicketTaken():
            yield news.ItemBought(**common, usd=usd(sent.reserved))
        case Settlement():
            yield from _shelved(event)
            yield news.ItemCompleted(**common, usd=usd(event.cost), products=len(event.products), reason=event.note)
        case Release():
            yield news.ItemReleased(**common, usd=0.0, reason=event.reason)
        case Failure():
            cost = sent.reserved if event.cost is None else event.cost
            yield _FAILURES[Verdict(event.verdict)](**common, usd=usd(cost), reason=event.reason)


def _shelved(event: Settlement) -> Iterator[News]:
    for product in () if event.interim else event.products:
        yield news.ProductShelved(
            order=event.order, item=event.item, product=product.id, path=product.path, bytes=product.bytes
        )


_FAILURES: Mapping[Verdict, type[news.ItemEnded]] = {
    Verdict.IN_DOUBT: news.ItemInDoubt, Verdict.PASSING: news.ItemPassing, Verdict.CANCELLED: news.ItemCancelled,
    Verdict.REFUSED: news.ItemFailed, Verdict.ENDED: news.ItemFailed, Verdict.LOST: news.ItemFailed,
}  # fmt: skip


# --- all else ---


def _accepted(index: Index, event: Acceptance) -> News:
    return news.OrderAccepted(
        order=event.order, name=event.name, project=event.project, items=event.total_items,
        products=event.total_products, usd=usd(event.price), rehearsal=event.rehearsal,
    )  # fmt: skip


def _held(index: Index, event: Hold) -> News:
    reasons = event.reasons
    return news.OrderHeld(
        order=event.order, name=index.order_name(event.order), codes=tuple(reason.code for reason in reasons),
        reasons=tuple(reason.text for reason in reasons),
    )  # fmt: skip


def _approved(index: Index, event: Approval) -> News:
    row = index.order(event.order)
    price = usd(budget.at_most(index, row)) if row else None
    return news.OrderApproved(
        order=event.order, name=index.order_name(event.order), of=str(event.of), usd=price, cap=usd(event.cap) or 0.0
    )


def _cancelled(index: Index, event: Cancel) -> News:
    return news.OrderCancelled(order=event.order, name=index.order_name(event.order))


def _retried(index: Index, event: Retry) -> News:
    return news.ItemRetried(order=event.order, item=event.item)


def _buried(index: Index, event: Tombstone) -> News:
    return news.ItemFailed(order=event.order, item=event.item, attempt=event.attempt, reason=event.reason)


def _paused(index: Index, event: Pause) -> News:
    if event.order is not None:
        kind = news.OrderPaused if event.on else news.OrderResumed
        return kind(order=event.order, name=index.order_name(event.order))
    provider = event.provider or ""
    if not event.on:
        return news.ProviderResumed(provider=provider, by=event.by or "you")
    if event.by == "you":
        return news.ProviderPaused(provider=provider)
    return news.ProviderStopped(provider=provider, reason=event.reason or "")


_KINDS: Mapping[type[Event], Callable[[Index, Any], News]] = {
    Acceptance: _accepted, Hold: _held, Approval: _approved, Cancel: _cancelled, Retry: _retried, Tombstone: _buried,
    Pause: _paused,
}  # fmt: skip
