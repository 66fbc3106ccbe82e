"""What a ledger line says, one type for each kind. Not here: what it does to the index (projection).

A line is `{"kind": …, "at": …, …}`; `schemas/ledger.schema.json` describes all of them. What earlier releases left out
of a line is read as its default, and a key that is not known here is left alone: it is a newer release's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from enum import StrEnum
from typing import Any, ClassVar, NamedTuple, Self

from artfactoryd.core.json_types import Document, Json
from artfactoryd.core.measures import money_counted

Line = Document


class UnknownKind(LookupError):
    """A line of a newer release, or changed by hand."""


def _leave_out(default: Any) -> Any:
    """A field that is not written while it has its default."""
    return field(default=default, metadata={"leave_out": True})


def _each(value: type) -> Any:
    """A list of such values."""
    return field(metadata={"each": value})


class _InLine:
    """A value inside a line."""

    __slots__ = ()

    def to_json(self) -> Json:
        return _written(self)

    @classmethod
    def from_json(cls, value: Line) -> Self:
        return cls(**_read(cls, value))


@dataclass(frozen=True, slots=True)
class Output(_InLine):
    """What was chosen for one output before it is fetched, so that a repeat files the same.

    `address`: where the provider's bytes are, or `shelf:` and a path where they are copied from. `path` and what was
    measured stand only in what is not made again because all that is made of it is on the shelf.
    """

    id: str
    index: int  # its place in the order
    address: str
    created_at: str
    mime: str | None
    reused_from: str | None = _leave_out(None)
    sha256: str | None = _leave_out(None)
    original_sha256: str | None = _leave_out(None)
    path: str | None = _leave_out(None)
    bytes: int | None = _leave_out(None)
    width: int | None = _leave_out(None)
    height: int | None = _leave_out(None)
    byproduct: bool = _leave_out(False)  # came beside what was asked for, and is not paid for as one
    letter: str = _leave_out("")  # b, c, ... of what came at the same place after the first
    flagged: bool = _leave_out(False)  # by the provider's content filter


@dataclass(frozen=True, slots=True)
class Filed(_InLine):
    """One product (or what is sent on in place of one) as it lies there."""

    id: str
    index: int  # its place in the order
    created_at: str
    path: str  # in the home
    sha256: str
    bytes: int
    mime: str
    width: int | None
    height: int | None
    letter: str = _leave_out("")  # b, c, ... of what came at the same place after the first, and is sent on


@dataclass(frozen=True, slots=True)
class HoldReason(_InLine):
    code: str
    text: str
    waivable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """`at`: when, ISO 8601 in UTC; the writer puts it in where it is empty."""

    kind: ClassVar[str]
    at: str = ""

    def to_line(self) -> Json:
        return {"kind": self.kind, **_written(self)}


@dataclass(frozen=True, slots=True, kw_only=True)
class OfOrder(Event):
    order: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OfItem(OfOrder):
    item: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OfAttempt(OfItem):
    """It moves the item only while this is its last attempt."""

    attempt: str


# --- orders ---


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance(OfOrder):
    """Carries the document and the catalogue's entries, so that the plan made again is the plan that was priced."""

    kind: ClassVar[str] = "acceptance"
    claim: str
    number: int  # of the document in its file
    submission: str | None
    name: str
    project: str
    folder: str | None
    provider: str
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
    tags: Sequence[str]
    notes: str
    cap: int  # micro-dollars
    price: int | None
    total_items: int
    total_products: int
    models: Sequence[Json] = ()  # of an order with several
    inputs: Sequence[Json] = ()
    library: Json = field(default_factory=dict)  # what it borrowed
    proof: Sequence[int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold(OfOrder):
    kind: ClassVar[str] = "hold"
    entry: str
    fingerprint: str
    reasons: Sequence[HoldReason] = _each(HoldReason)


class Approved(StrEnum):
    """What an approval is of."""

    ORDER = "order"  # held before anything was sent
    PROOF = "proof"  # the rest of an order whose proof is done
    CAP = "cap"  # an order at work goes on for more money


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval(OfOrder):
    """`waived`: the codes of the reasons shown. `cap`: what the order may spend from now on, micro-dollars."""

    kind: ClassVar[str] = "approval"
    waived: Sequence[str]
    cap: int
    folder: str | None = None
    of: Approved = Approved.ORDER


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder(OfOrder):
    """Where the order's papers lie, in the home."""

    kind: ClassVar[str] = "folder"
    folder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel(OfOrder):
    kind: ClassVar[str] = "cancel"


# --- items ---


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry(OfItem):
    """`raised`: micro-dollars that the order's cap grows by. `fed`: it may have come back with what it is fed with."""

    kind: ClassVar[str] = "retry"
    fed: bool = _leave_out(False)
    raised: int = field(default=0, metadata={"name": "raise"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone(OfItem):
    """What equals it was bought before, and a person deleted or edited it."""

    kind: ClassVar[str] = "tombstone"
    reason: str
    attempt: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish(OfAttempt):
    """From here on the item may cost `reserved` micro-dollars. `day` is local; `caps`: those in force, by name."""

    kind: ClassVar[str] = "wish"
    nth: int
    provider: str
    model: str
    actual: Json
    reserved: int
    day: str = ""
    caps: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reuse(OfAttempt):
    """An attempt that buys nothing: its outputs are copied."""

    kind: ClassVar[str] = "reuse"
    nth: int
    provider: str
    model: str
    actual: Json
    returned: Json
    outputs: Sequence[Output] = _each(Output)


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketTaken(OfAttempt):
    kind: ClassVar[str] = "ticket"
    ticket: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result(OfAttempt):
    """The provider has ended it. `cost`: its bill, where that is known; `by_count`: not by the time measured."""

    kind: ClassVar[str] = "result"
    outputs: Sequence[Output] = _each(Output)
    returned: Json
    cost: int | None = _leave_out(None)
    by_count: bool = _leave_out(False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement(OfAttempt):
    """Everything that can be had is filed. `interim`: it is not shelved, only sent on."""

    kind: ClassVar[str] = "settlement"
    cost: int
    estimated: bool
    products: Sequence[Filed] = _each(Filed)
    note: str = ""
    interim: bool = _leave_out(False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Release(OfAttempt):
    """It was surely not sent."""

    kind: ClassVar[str] = "release"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure(OfAttempt):
    """`cost`: None of what is in doubt. `ask`: the provider may be asked what became of it. `answer`: the provider's
    own, in which nobody found what was paid for."""

    kind: ClassVar[str] = "failure"
    verdict: str
    reason: str
    cost: int | None
    ask: bool = _leave_out(False)
    answer: str = _leave_out("")


# --- products, providers, commands ---


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark(Event):
    """What a person says of a product, whole: not only what changed."""

    kind: ClassVar[str] = "mark"
    product: str
    liked: bool
    tags: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause(Event):
    """Of an order, of a provider (by a person, or stopped by trouble), or with neither, of everything."""

    kind: ClassVar[str] = "pause"
    order: str | None = _leave_out(None)
    provider: str | None = _leave_out(None)
    on: bool
    by: str | None = _leave_out(None)  # you | answer
    reason: str | None = _leave_out(None)
    of_key: bool | None = _leave_out(None)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandDone(Event):
    """In the same step as the command's effect."""

    kind: ClassVar[str] = "command"
    id: str
    name: str
    answer: Json


KINDS: Mapping[str, type[Event]] = {
    event.kind: event
    for event in (
        Acceptance, Hold, Approval, Folder, Cancel, Retry, Tombstone, Wish, Reuse, TicketTaken, Result, Settlement,
        Release, Failure, Mark, Pause, CommandDone,
    )
}  # fmt: skip


def from_line(line: Line) -> Event:
    """Raises LookupError for a kind that is not known here, or where something is missing."""
    event = KINDS.get(line["kind"])
    if event is None:
        raise UnknownKind(line["kind"])
    values = money_counted(_read(event, line))
    if event is Approval:
        values["of"] = _approved(line)
    return event(**values)


def _approved(line: Line) -> Approved:
    """Earlier releases told the three apart by the list of what was waived."""
    alone = line["waived"][0] if len(line["waived"]) == 1 else ""
    return Approved(line.get("of", alone if alone in (Approved.PROOF, Approved.CAP) else Approved.ORDER))


class _Field(NamedTuple):
    name: str
    written_as: str
    default: Any
    needed: bool
    leave_out: bool
    each: Any


def _described(value: type) -> tuple[_Field, ...]:
    return tuple(
        _Field(
            f.name, f.metadata.get("name", f.name), f.default, f.default is MISSING and f.default_factory is MISSING,
            f.metadata.get("leave_out", False), f.metadata.get("each"),
        )
        for f in fields(value)
    )  # fmt: skip


_FIELDS = {value: _described(value) for value in (*KINDS.values(), Output, Filed, HoldReason)}


def _written(value: Any) -> Json:
    line: Json = {}
    for f in _FIELDS[type(value)]:
        given = getattr(value, f.name)
        if f.leave_out and given == f.default:
            continue
        line[f.written_as] = [one.to_json() for one in given] if f.each else given
    return line


def _read(value: type, line: Line) -> Json:
    values: Json = {}
    for f in _FIELDS[value]:
        if f.written_as in line:
            given = line[f.written_as]
            values[f.name] = tuple(f.each.from_json(one) for one in given) if f.each else given
        elif f.needed:
            raise KeyError(f.written_as)
    return values
