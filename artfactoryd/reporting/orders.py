"""An order, its items, products, attempts and doubts as data: for `--json`, the API and the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from artfactoryd.core.json_types import Json
from artfactoryd.core.lifecycle import ItemState, OrderState
from artfactoryd.core.money import usd
from artfactoryd.printable import redact
from artfactoryd.reporting.json_object import JsonObject, plain
from artfactoryd.storage import budget, in_doubt, spend
from artfactoryd.storage.in_doubt import Doubt
from artfactoryd.storage.index import ALL, Index
from artfactoryd.storage.rows import AttemptRow, ItemRow, OrderRow, ProductRow


@dataclass(frozen=True, slots=True)
class ProductDocument(JsonObject):
    id: str
    number: int
    place: int
    path: str
    sha256: str
    bytes: int
    mime: str
    width: int | None
    height: int | None
    liked: int  # 0 or 1
    tags: Sequence[str] | None
    damaged: str | None  # in words
    replaced_by: str | None  # id of the one beside it, that came when it was fetched again
    rating: int | None
    notes: str | None  # None: those of its order
    duration: float | None  # seconds, of a film or a sound


@dataclass(frozen=True, slots=True)
class OverrunDocument(JsonObject):
    """An item that cost more than was set aside for it."""

    item: int
    text: str


@dataclass(frozen=True, slots=True)
class MoneyDocument(JsonObject):
    """Of one order: spent, set aside for what is on the way, in doubt, and what came back of that."""

    spent_usd: float = 0.0
    reserved_usd: float = 0.0
    in_doubt_usd: float = 0.0
    released_usd: float = 0.0

    @classmethod
    def of(cls, index: Index, order_id: str) -> MoneyDocument:
        money = spend.of_order(index, order_id)
        return cls(*(micro / 1_000_000 for micro in (money.spent, money.reserved, money.in_doubt, money.released)))


@dataclass(frozen=True, slots=True)
class OrderDocument(JsonObject):
    """`overruns` and `products` are None where they are not told. In JSON, counts and money stand beside the rest."""

    order_id: str
    name: str
    project: str
    status: OrderState
    reasons: Sequence[str]
    total_items: int
    items_by_state: Mapping[str, int]  # those there are
    total_products: int
    reused_items: int
    money: MoneyDocument
    price_usd: float | None
    at_most_usd: float | None  # what it may cost by what is known now; None: nobody knows
    cap_usd: float
    paused: bool
    rehearsal: bool
    accepted_at: str
    folder: str | None
    agent: str = ""  # who handed it in; empty of a person's
    overruns: Sequence[OverrunDocument] | None = None
    products: Sequence[ProductDocument] | None = None

    def count(self, state: str) -> int:
        return self.items_by_state.get(state, 0)

    @property
    def cap_matters(self) -> bool:
        """It may be what ends the order."""
        return self.at_most_usd is None or self.at_most_usd > self.cap_usd

    @property
    def short(self) -> str:
        """Enough of its id to name it in a command."""
        return self.order_id[:13]

    @property
    def remark(self) -> str:
        """What sets it apart from a person's order for real pictures; empty of such a one."""
        by = [f"by agent {self.agent}"] if self.agent else []
        return ", ".join([*(["rehearsal"] if self.rehearsal else []), *by])

    def to_json(self) -> dict[str, object]:
        values: dict[str, object] = {}
        for name in (field.name for field in fields(self)):
            if name == "items_by_state":
                values |= {f"{state}_items": self.count(state) for state in ItemState}
            elif name == "money":
                values |= self.money.to_json()
            elif name not in ("overruns", "products") or getattr(self, name) is not None:
                values[name] = plain(getattr(self, name))
        return values


@dataclass(frozen=True, slots=True)
class ItemDocument(JsonObject):
    number: int
    state: ItemState
    generation: Json
    tokens: Sequence[object]
    seed: int | None
    asked: int
    ticket: str | None
    reason: str | None
    attempts: int
    stage: str | None
    parent: int | None


@dataclass(frozen=True, slots=True)
class AttemptDocument(JsonObject):
    """`usd`: what it cost as far as that is known (`settled`), else what was set aside for it."""

    id: str
    number: int
    nth: int
    provider: str
    model: str
    ticket: str | None
    verdict: str | None
    reason: str | None
    asked_at: str
    answered_at: str | None
    ended_at: str | None
    usd: float
    settled: bool


@dataclass(frozen=True, slots=True)
class DoubtDocument(JsonObject):
    """What may have been charged, and what was done to find out. `asked`: None where nobody can be."""

    item: int
    state: ItemState | None
    attempt: str
    since: str
    usd: float
    reason: str | None
    ticket: str | None
    asked: int | None
    last_asked_at: str | None
    next_ask_at: str | None
    answer: str


@dataclass(frozen=True, slots=True)
class WholeOrder(JsonObject):
    """All that is known of one order: `order ID`."""

    order: OrderDocument
    attempts: Sequence[AttemptDocument]
    doubts: Sequence[DoubtDocument]
    items: Sequence[ItemDocument]

    def to_json(self) -> dict[str, object]:
        more = {"attempts": self.attempts, "doubts": self.doubts, "items": self.items}
        return {**self.order.to_json(), **{name: plain(documents) for name, documents in more.items()}}


def order_document(
    index: Index, row: OrderRow, reasons: Sequence[str], *, products: bool = True, most: int = ALL
) -> OrderDocument:
    """`reasons`: why it waits. `most`: products named at the most; without `products`, neither they nor overruns."""
    counts = index.counts(row.id)
    return OrderDocument(
        order_id=row.id, name=row.name, project=row.project, status=index.state(row, counts), reasons=reasons,
        total_items=row.all_items, items_by_state=counts, total_products=row.total_products,
        reused_items=index.reused(row.id), money=MoneyDocument.of(index, row.id), price_usd=usd(row.price),
        at_most_usd=usd(budget.at_most(index, row)), cap_usd=row.cap / 1_000_000, paused=row.paused is not None,
        rehearsal=bool(row.rehearsal),
        accepted_at=row.accepted_at, folder=row.folder, agent=row.agent,
        overruns=overruns(index, row.id) if products else None,
        products=[product_document(product) for product in index.products(row.id, most)] if products else None,
    )  # fmt: skip


def whole_order(index: Index, row: OrderRow, reasons: Sequence[str]) -> WholeOrder:
    return WholeOrder(
        order_document(index, row, reasons),
        [attempt_document(attempt) for attempt in index.attempts(row.id)],
        doubts(index, row),
        [item_document(item) for item in index.items(row.id)],
    )


def overruns(index: Index, order_id: str, most: int = ALL) -> list[OverrunDocument]:
    return [OverrunDocument(overrun.item, overrun.text) for overrun in spend.overruns(index, order_id, most)]


def product_document(row: ProductRow) -> ProductDocument:
    return ProductDocument(
        row.id, row.number, row.place, row.path, row.sha256, row.bytes, row.mime, row.width, row.height,
        int(row.liked), row.tags, row.looked or None, row.replaced_by, row.rating,
        row.notes, row.duration,
    )  # fmt: skip


def item_document(row: ItemRow) -> ItemDocument:
    return ItemDocument(
        row.number, row.state, row.generation, row.tokens, row.seed, row.asked, row.ticket, _told(row.reason),
        row.attempts, row.stage, row.parent,
    )  # fmt: skip


def attempt_document(row: AttemptRow) -> AttemptDocument:
    return AttemptDocument(
        row.id, row.number, row.nth, row.provider, row.model, row.ticket, row.verdict, _told(row.reason), row.asked_at,
        row.answered_at, row.ended_at, row.at_stake / 1_000_000, row.cost is not None,
    )  # fmt: skip


def doubts(index: Index, row: OrderRow) -> list[DoubtDocument]:
    """What of an order may have been charged, and what was done to find out."""
    return [_doubt_document(doubt) for doubt in in_doubt.of_order(index, row.id)]


def _told(reason: str | None) -> str | None:
    """A provider's words, as anybody may read them."""
    return reason and redact(reason)


def _doubt_document(doubt: Doubt) -> DoubtDocument:
    attempt, question = doubt.attempt, doubt.question
    return DoubtDocument(
        item=attempt.number, state=doubt.state, attempt=attempt.id, since=attempt.asked_at,
        usd=attempt.reserved / 1_000_000, reason=_told(attempt.reason), ticket=attempt.ticket,
        asked=question.times if question else None, last_asked_at=question.last_at if question else None,
        next_ask_at=None if attempt.ticket or not question else question.next_at,
        answer=redact(question.words) if question else "",
    )  # fmt: skip
