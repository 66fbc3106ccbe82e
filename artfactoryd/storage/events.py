"""What a ledger line says, one type for each kind. Not here: what it does to the index (projection).

A line is `{"kind": …, "at": …, …}`; `schemas/ledger.schema.json` describes all of them. What earlier releases left out
of a line is read as its default, and a key that is not known here is left alone: it is a newer release's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from artfactoryd.core.json_types import Json
from artfactoryd.core.line_values import Filed, HoldReason, Line, Output, leave_out, list_of, read, written
from artfactoryd.core.measures import money_counted


class UnknownKind(LookupError):
    """A line of a newer release, or changed by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """`at`: when, ISO 8601 in UTC; the writer puts it in where it is empty."""

    kind: ClassVar[str]
    at: str = ""

    def to_line(self) -> Json:
        return {"kind": self.kind, **written(self)}


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
    agent: str = leave_out("")  # who handed it in; empty of a person's
    content: str = leave_out("")  # what it asks for, as a hash


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold(OfOrder):
    kind: ClassVar[str] = "hold"
    entry: str
    fingerprint: str
    reasons: Sequence[HoldReason] = list_of(HoldReason)


class Approved(StrEnum):
    """What an approval is of."""

    ORDER = "order"  # held before anything was sent
    PROOF = "proof"  # the rest of an order whose proof is done
    CAP = "cap"  # an order at work goes on for more money
    RESTORED = "restored"  # an order at work that stood in a ledger put back from a backup; a code of a reason, too


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
class Restored(OfOrder):
    """The order was not over in a ledger that was put back from a backup of `since`: what it tells is older than what
    happened. `reasons`: all for which it waits now. `stake`: micro-dollars that may have been spent on it since; they
    count on `day` (local) until a person approves or cancels. `entry`: its name in Held/, where it has one. Of one
    that comes back after it was cancelled: `since` when it does, and the `proof` that it still waits for."""

    kind: ClassVar[str] = "restored"
    since: str
    day: str
    stake: int
    entry: str
    reasons: Sequence[HoldReason] = list_of(HoldReason)
    proof: Sequence[int] | None = leave_out(None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel(OfOrder):
    kind: ClassVar[str] = "cancel"


# --- items ---


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry(OfItem):
    """`raised`: micro-dollars that the order's cap grows by. `fed`: it may have come back with what it is fed with."""

    kind: ClassVar[str] = "retry"
    fed: bool = leave_out(False)
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
    outputs: Sequence[Output] = list_of(Output)


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketTaken(OfAttempt):
    """`asked`: the provider was asked what became of a create whose answer was lost. What it tells is collected, though
    the item was to be sent again meanwhile, and ended before it was. Lines of earlier releases left that alone."""

    kind: ClassVar[str] = "ticket"
    ticket: str
    asked: bool = leave_out(False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result(OfAttempt):
    """The provider has ended it. `cost`: its bill, where that is known; `by_count`: not by the time measured."""

    kind: ClassVar[str] = "result"
    outputs: Sequence[Output] = list_of(Output)
    returned: Json
    cost: int | None = leave_out(None)
    by_count: bool = leave_out(False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement(OfAttempt):
    """Everything that can be had is filed. `interim`: it is not shelved, only sent on."""

    kind: ClassVar[str] = "settlement"
    cost: int
    estimated: bool
    products: Sequence[Filed] = list_of(Filed)
    note: str = ""
    interim: bool = leave_out(False)


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
    ask: bool = leave_out(False)
    answer: str = leave_out("")


# --- products, providers, commands ---


@dataclass(frozen=True, slots=True, kw_only=True)
class Look(OfItem):
    """A product turned out to be damaged when its pixels were made. `instead`: what lies beside it since, if anything
    better came."""

    kind: ClassVar[str] = "look"
    product: str
    fault: str
    instead: Sequence[Filed] = list_of(Filed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark(Event):
    """What a person says of a product, whole: not only what changed.

    `id`: of this line, by which the product's sidecar says which mark it carries. `command`: the one that it belongs
    to; `undoes`: the one that it takes back. Earlier releases wrote none of the three.
    """

    kind: ClassVar[str] = "mark"
    id: str = leave_out("")
    product: str
    liked: bool
    tags: Sequence[str]
    rating: int | None = leave_out(None)  # 0 to 5
    notes: str | None = leave_out(None)  # None: those of its order
    collections: Sequence[str] | None = leave_out(None)  # None: those it is in
    command: str = leave_out("")
    undoes: str = leave_out("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin(Event):
    """A product lies in the bin of the shelf from now on, or (`path` outside it) no more. Both in the home; `source`:
    where it lay. `id`, `command`, `undoes`: as of a mark."""

    kind: ClassVar[str] = "bin"
    id: str
    product: str
    source: str
    path: str
    command: str = leave_out("")
    undoes: str = leave_out("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Emptied(Event):
    """A product that lay in the bin long enough is taken away for good, with its sidecar. `path`: where it lay."""

    kind: ClassVar[str] = "emptied"
    product: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductGone(Event):
    """Its place was empty at two full looks at the shelf, and it lies nowhere else. `lifted`: it is found again."""

    kind: ClassVar[str] = "product.gone"
    product: str
    path: str
    lifted: bool = leave_out(False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause(Event):
    """Of an order, of a provider (by a person, or stopped by trouble), or with neither, of everything."""

    kind: ClassVar[str] = "pause"
    order: str | None = leave_out(None)
    provider: str | None = leave_out(None)
    on: bool
    by: str | None = leave_out(None)  # you | answer
    reason: str | None = leave_out(None)
    of_key: bool | None = leave_out(None)


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
        Acceptance, Hold, Restored, Approval, Folder, Cancel, Retry, Tombstone, Wish, Reuse, TicketTaken, Result,
        Settlement, Release, Failure, Look, Mark, Bin, Emptied, ProductGone, Pause, CommandDone,
    )
}  # fmt: skip


def from_line(line: Line) -> Event:
    """Raises LookupError for a kind that is not known here, or where something is missing."""
    event = KINDS.get(line["kind"])
    if event is None:
        raise UnknownKind(line["kind"])
    values = money_counted(read(event, line))
    if event is Approval:
        values["of"] = _approved(line)
    return event(**values)


def _approved(line: Line) -> Approved:
    """Earlier releases told the three apart by the list of what was waived."""
    alone = line["waived"][0] if len(line["waived"]) == 1 else ""
    return Approved(line.get("of", alone if alone in (Approved.PROOF, Approved.CAP) else Approved.ORDER))
