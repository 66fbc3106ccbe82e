"""Rows of the index as values: read-only, each made in one place by its table's decoder.

A row is what the index said when it was asked; what happens afterwards is another row. Money is integer
micro-dollars, times are ISO 8601 in UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import peewee as pw

from artfactoryd.core.json_types import Json
from artfactoryd.core.lifecycle import ItemState
from artfactoryd.core.line_values import HoldReason, Output
from artfactoryd.core.model import Model
from artfactoryd.storage import tables

SHORT = 13  # characters of an id that name it in a command


class ItemKey(NamedTuple):
    order_id: str
    number: int


@dataclass(frozen=True)
class OrderRow:
    """One accepted order (or one that is held before its acceptance counts)."""

    id: str
    claim: str
    number: int
    submission: str | None
    name: str
    project: str
    folder: str | None
    model: Json
    document: str
    document_sha256: str
    fingerprint: str
    file: str
    git: Json | None
    accepted_at: str
    base_seed: int
    priority: int
    rehearsal: bool
    provider: str
    tags: list[str]
    notes: str
    cap: int
    price: int | None
    total_items: int
    total_products: int
    expanded_items: int
    expanded_products: int
    committed: int
    held: tuple[HoldReason, ...] | None
    held_entry: str | None
    held_fingerprint: str | None
    cancelled: bool
    was_cancelled: bool
    paused: str | None
    inputs: list[Json]
    overrun: bool
    dearest: int
    library: Json
    buy_again: bool
    models: list[Json]
    proof: list[int] | None
    grown_items: int
    agent: str
    content: str

    @property
    def short(self) -> str:
        """Enough of its id to name it in a command."""
        return self.id[:SHORT]

    @property
    def is_held(self) -> bool:
        return self.held is not None and not self.cancelled

    @property
    def entry(self) -> str:
        """The name of its entry in Held/. Only of an order that was held."""
        assert self.held_entry is not None
        return self.held_entry

    @property
    def reasons(self) -> tuple[HoldReason, ...]:
        """Why it is held; nothing when it is not."""
        return self.held or ()

    @property
    def proof_items(self) -> list[int]:
        return self.proof or []

    @property
    def all_items(self) -> int:
        """With those that are made of what came above what was asked for."""
        return self.total_items + self.grown_items

    @property
    def is_expanded(self) -> bool:
        return self.expanded_items >= self.total_items

    @property
    def snapshots(self) -> list[Json]:
        """The catalogue's entries of all its models, in the order of `ItemRow.model`."""
        return self.models or [self.model]

    @property
    def providers(self) -> list[str]:
        """Who runs each of its models; of a rehearsal, all are drawn by one."""
        return [self.provider if self.rehearsal else snapshot["provider"] for snapshot in self.snapshots]

    def model_of(self, item: ItemRow) -> Model:
        return self._models[item.model]

    @cached_property
    def _models(self) -> list[Model]:
        return [Model.from_snapshot(snapshot) for snapshot in self.snapshots]


@dataclass(frozen=True, slots=True)
class ItemRow:
    """One planned call, and how far it is."""

    order_id: str
    number: int
    state: ItemState
    provider: str
    first_index: int
    asked: int
    copy: int
    seed: int | None
    generation: Json
    tokens: list[list[Any]]
    upper: int
    attempts: int
    attempt: str | None
    ticket: str | None
    outputs: tuple[Output, ...] | None
    reason: str | None
    stop: bool
    key: str | None
    buy_again: bool
    model: int
    stage: str | None
    parent: int | None
    waits: int
    parent_nth: int
    wants_liked: bool

    @property
    def item_key(self) -> ItemKey:
        return ItemKey(self.order_id, self.number)

    @property
    def chosen(self) -> tuple[Output, ...]:
        """What was chosen for each of its outputs; empty before there are any."""
        return self.outputs or ()

    @property
    def last_index(self) -> int:
        """The last of the places in the order that its products may take; the first is `first_index`."""
        return self.first_index + self.asked - 1


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One sending of an item. `cost`: None while it is not known; `verdict`: None while it has none."""

    id: str
    order_id: str
    number: int
    nth: int
    provider: str
    model: str
    actual: Json
    returned: Json | None
    ticket: str | None
    verdict: str | None
    reason: str | None
    asked_at: str
    answered_at: str | None
    ended_at: str | None
    reserved: int
    cost: int | None
    estimated: bool
    day: str | None

    @property
    def item_key(self) -> ItemKey:
        return ItemKey(self.order_id, self.number)

    @property
    def at_stake(self) -> int:
        """What it costs as far as that is known, else what was set aside for it."""
        return self.reserved if self.cost is None else self.cost


@dataclass(frozen=True, slots=True)
class ProductRow:
    id: str
    order_id: str
    number: int
    place: int
    path: str
    sha256: str
    bytes: int
    mime: str
    width: int | None
    height: int | None
    created_at: str
    nth: int
    liked: bool
    tags: list[str] | None
    looked: str | None
    replaced_by: str | None
    seq: int
    project: str | None
    rating: int | None
    original_sha256: str | None
    notes: str | None
    mark: str | None
    found: bool
    unwritten: bool
    collections: list[str] | None
    duration: float | None
    codec: str | None

    @property
    def original(self) -> str:
        """SHA-256 of the bytes that came, whatever was put beside the pixels since."""
        return self.original_sha256 or self.sha256


@dataclass(frozen=True, slots=True)
class OutputRow:
    """A product, or (`shelved` false) what is only sent on to a later stage."""

    id: str
    order_id: str
    number: int
    place: int
    path: str
    sha256: str
    bytes: int
    mime: str
    width: int | None
    height: int | None
    created_at: str
    nth: int
    liked: bool
    shelved: bool
    original_sha256: str | None

    @property
    def original(self) -> str:
        """SHA-256 of the bytes that came: what it is known by as an input."""
        return self.original_sha256 or self.sha256


@dataclass(frozen=True, slots=True)
class UploadRow:
    provider: str
    sha256: str
    address: str
    expires_at: str | None


@dataclass(frozen=True, slots=True)
class StopRow:
    """Why nothing is sent to a provider, by trouble (`stopped`) or a person (`paused`)."""

    provider: str
    kind: str
    reason: str
    since: str
    of_key: bool


@dataclass(frozen=True, slots=True)
class OutageRow:
    provider: str
    reason: str
    since: str
    again_at: str
    given_up: bool


@dataclass(frozen=True, slots=True)
class QuestionRow:
    """What was asked about an attempt in doubt."""

    attempt: str
    since: str
    times: int
    last_at: str | None
    next_at: str | None
    hopeful: bool
    words: str


R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class Decodes(Protocol[R_co]):
    def decode(self, values: Sequence[Any], /) -> R_co: ...


class Decoder(Generic[R]):
    """How rows of one table are read: which columns, in the order of the value's fields, and what each becomes."""

    def __init__(self, row: type[R], table: type[tables.Table]) -> None:
        self.row, self.table = row, table
        self.columns = tuple(field.name for field in fields(row))  # type: ignore[arg-type]  # every row is a dataclass
        described: Mapping[str, pw.Field] = table._meta.fields
        self._steps: list[tuple[int, Callable[[Any], Any]]] = [
            (place, described[name].python_value)
            for place, name in enumerate(self.columns)
            if isinstance(described[name], tables.CONVERTED)
        ]
        self.whole = pw.SQL(self.select("t1"))  # as text once: naming forty columns costs more than finding a row

    def select(self, alias: str = "") -> str:
        """The columns for a SELECT, each of the table called `alias`."""
        before = f"{alias}." if alias else ""
        return ", ".join(before + name for name in self.columns)

    def decode(self, values: Sequence[Any]) -> R:
        decoded = list(values)
        for place, convert in self._steps:
            decoded[place] = convert(decoded[place])
        return self.row(*decoded)


ORDERS = Decoder(OrderRow, tables.Orders)
ITEMS = Decoder(ItemRow, tables.Item)
ATTEMPTS = Decoder(AttemptRow, tables.GenerationLog)
PRODUCTS = Decoder(ProductRow, tables.Product)
OUTPUTS = Decoder(OutputRow, tables.Output)
UPLOADS = Decoder(UploadRow, tables.Upload)
STOPS = Decoder(StopRow, tables.ProviderStop)
OUTAGES = Decoder(OutageRow, tables.Outage)
QUESTIONS = Decoder(QuestionRow, tables.Question)
