"""The contract of a factory: the adapter for one provider. README.md here says how to add one.

    submit(call)   -> Ticket             buys; at most one request leaves, ever
    collect(ticket)-> Outputs | None     asks; free, may be repeated for ever; None = still running
    cancel(ticket)                       asks the provider to stop; promises nothing
    reconcile(doubts, known)             optional: what became of creates whose answer was lost
    probe()                              optional: whether the provider is there and takes our key
    describe(model, version)             optional: which parameters a model takes, in the provider's own words

A factory translates every error of its client library at one point into `errors.ProviderError`;
no provider's type, status word or error leaves this folder. A factory never retries a create,
never writes to ledger, index or shelf, and keeps nothing that a restart would need: all of that
is in the Ticket.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from artfactoryd.core.json_types import Document, Parameters

if TYPE_CHECKING:  # who only looks loads no prices
    from artfactoryd.core.model import Model


@dataclass(frozen=True, slots=True)
class Call:
    """One item as it is sent: the actual parameters, already checked against the model's schema.

    `recipe`: what the model's file says for its provider alone. `attempt`: our name for this one sending, that no other
    has; a provider that lets its clients name what they send can be asked by it. Empty where nothing is written down.
    """

    model: str
    version: str | None
    parameters: Parameters
    recipe: Document = field(default_factory=dict)
    attempt: str = ""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a provider hands back on submit: `text` is enough to collect after a restart.

    The text is the factory's own (an id, or JSON); nobody else reads it except to show it.
    """

    text: str


@dataclass(frozen=True, slots=True)
class Output:
    """One output: an address that `fetch` can read (https:, data:, or file: below the work folder).

    `byproduct`: it came beside what was asked for (a mask, a preview, a caption), and is not paid for as one.
    `flagged`: the provider's content filter marked it, and perhaps blacked it out.
    """

    address: str
    mime: str | None = None
    byproduct: bool = False
    flagged: bool = False


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a finished call gave. `returned`: the parameters the provider says it used."""

    outputs: tuple[Output, ...]
    returned: Parameters = field(default_factory=dict)
    seconds: float | None = None  # run time measured by the provider
    note: str = ""  # what a person should know (for example: 1 of 4 was filtered)


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """What the settings say about one provider; `api_key` is resolved, and never logged."""

    name: str
    api_key: str | None = field(default=None, repr=False)
    addresses: Mapping[str, str] = field(default_factory=dict)  # for example {"base_url": "http://127.0.0.1:9000"}
    timeout: float = 60.0  # seconds a create may take before it is in doubt


class Absent:
    """The answer of `reconcile` that proves: nothing was bought."""


@runtime_checkable
class Factory(Protocol):
    """One provider. Built once per event loop; `close` ends its connections."""

    name: str
    first_ask: float  # seconds after which a fresh ticket is worth asking about
    output_hosts: frozenset[str]  # hosts of a configured base address, allowed although private

    async def submit(self, call: Call) -> Ticket:
        """Buy once. Raises ProviderStopped, Throttled, Unreachable, CallRefused (nothing bought) or InDoubt."""

    async def collect(self, ticket: Ticket) -> Outputs | None:
        """The outputs, or None while it runs.

        Raises RunFailed, OutputLost, ProviderStopped, Throttled, Unreachable, or AskAgain for trouble with
        this ticket alone: an outage is judged by Unreachable.
        """

    async def cancel(self, ticket: Ticket) -> None:
        """Ask the provider to stop. Raises AskAgain; a ticket already ended is not an error."""

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sending of an item: what left, and not before when. `ticket` is None while nobody knows of one."""

    id: str
    call: Call
    asked_at: datetime  # aware; of this machine's clock
    ticket: Ticket | None = None


@runtime_checkable
class Reconciles(Protocol):
    """A factory whose provider can tell what became of creates whose answer was lost."""

    async def reconcile(self, doubts: Sequence[Attempt], known: Sequence[Attempt]) -> Mapping[str, Ticket | Absent]:
        """By attempt id: the ticket if it was taken, Absent if surely not. Missing: nobody can say yet.

        `known`: our attempts that have tickets, from some minutes before the oldest doubt until now. Free, may be
        repeated. Raises AskAgain, Throttled or ProviderStopped.
        """


@dataclass(frozen=True, slots=True)
class Uploaded:
    """Where a picture lies at the provider; `expires_at` is ISO 8601, None for never. `lives`: seconds until then, by
    the provider's own clock, where that is known: this machine's may be wrong."""

    address: str
    expires_at: str | None = None
    lives: float | None = None


@runtime_checkable
class Uploads(Protocol):
    """A factory whose provider reads pictures from an address of its own."""

    async def upload(self, name: str, data: bytes, mime: str) -> Uploaded:
        """Free, may be repeated. Raises ProviderStopped, AskAgain or CallRefused."""


@runtime_checkable
class TellsProgress(Protocol):
    """A factory that knows how far a call is."""

    def progress(self, ticket: Ticket) -> str:
        """In words; empty while nothing is known."""


@runtime_checkable
class Probes(Protocol):
    """A factory that can ask for nothing whether its provider is there and takes our key."""

    async def probe(self) -> None:
        """Free. Raises ProviderStopped, Throttled, Unreachable or AskAgain."""


@runtime_checkable
class Keyed(Protocol):
    """A factory that knows without asking anybody whether it has a key that may be one."""

    def want_of_key(self) -> str:
        """Why nothing can be sent for want of a key, in words; empty when there is one."""


@runtime_checkable
class TakesKey(Protocol):
    """A factory that can be given a key, or another one, while it is at work."""

    def take_key(self, key: str) -> bool:
        """From now on this one is used; False where it is already. What is under way ends with the one before."""


@runtime_checkable
class Bills(Protocol):
    """A factory whose provider tells a program what it billed."""

    async def bills(self, tickets: Sequence[Ticket], since: datetime) -> Mapping[str, Decimal]:
        """By the text of the ticket, US dollars; missing: there is no bill for it (yet). `since`: before the first.

        Free, may be repeated. Raises CallRefused where this key may not ask, ProviderStopped, Throttled, Unreachable
        or AskAgain.
        """


@dataclass(frozen=True, slots=True)
class Description:
    """A model in its provider's own words.

    `document`: OpenAPI, as served. `version`: where a call needs one. `price`: (unit price in US dollars, unit) in the
    provider's own words. `kept_back`: parameters that this factory sets itself, which no order may give.
    `is_deprecated`: its provider gives it up.
    """

    document: Document
    version: str | None = None
    price: tuple[float | str, str] | None = None
    kept_back: tuple[str, ...] = ()
    is_deprecated: bool = False


@runtime_checkable
class Describes(Protocol):
    """A factory whose provider tells what its models take."""

    async def describe(self, model: str, version: str | None) -> Description:
        """Free. `model` is a full id. `version` None: the one in use.

        Raises CallRefused when there is no such model, ProviderStopped, Throttled, Unreachable or AskAgain.
        """


class ReadsModelFile(Protocol):
    """What makes an ordinary entry of the catalogue of a model file in the words of its provider.

    Found by the entry point `artfactoryd.model_files`; asked about each file that names this provider.
    """

    def __call__(self, value: Document, stem: str, beside: Callable[[str], bytes]) -> Document:
        """Of `value`, the file's content. `stem`: its name without the ending. `beside`: the bytes of a file that lies
        beside it, by its name. Touches nothing else, for it is asked again only when one of these has changed.

        `recipe` is for the factory alone, as a call has it; what in it is made by others for money is named in its list
        `paid`. `open: true`: the provider knows more of it (`Completes`). Raises Refusal with key paths of `value`.
        """


@runtime_checkable
class Completes(Protocol):
    """A factory whose provider knows more of a model than its file says: ranges, what is installed, what costs."""

    async def complete(self, model: Model) -> Document:
        """Free. The model's entry with that in it: `schema`, `recipe`, and its `price` where it is known.

        Raises CallRefused where it cannot be made there, ProviderStopped, Throttled, Unreachable or AskAgain.
        """


class FactoryMaker(Protocol):
    def __call__(self, settings: ProviderSettings, work: Path) -> Factory:
        """`work` is a folder of the factory's own for outputs made on this machine."""
