"""What happens, in one vocabulary: read by the log, the terminal, and whoever else listens.

A kind of news has a name (`event`), a level, facts, and a sentence in words. Money is in US dollars. What is bad or
needs a person soon is a warning; good news never is.

    order.    accepted, held, rejected, approved, begun, paused, resumed, cancelled, completed, partial, failed
    item.     bought, reused, in_doubt, released, passing, retried, completed, failed, cancelled
    product.  shelved
    shelf.    changed
    provider. outage, back, stopped, paused, resumed
    settings. read
    backup.   made
    cap.      near

What has a line in the ledger is told once that line is durable (`daemon/story`), the end of an order with the receipt
that says so (`daemon/receipts`), all else where it happens. A kill may lose a piece of news, and repeats none.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from artfactoryd.core.money import micro_dollars, rounded
from artfactoryd.core.names import counted

log = logging.getLogger(__name__)


def _usd(amount: float | None, *, up: bool = False) -> str:
    return "price unknown" if amount is None else rounded(micro_dollars(amount), up=up)


def _at_most(amount: float | None) -> str:
    return f"at most {_usd(amount, up=True)}" if amount else "free" if amount == 0 else _usd(amount)


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """`aloud`: a terminal says it; the rest is for the file alone."""

    event: ClassVar[str]
    sentence: ClassVar[str]
    level: ClassVar[int] = logging.INFO
    aloud: ClassVar[bool] = True

    @property
    def words(self) -> str:
        return self.sentence.format(it=self)

    @property
    def facts(self) -> dict[str, Any]:
        """What is not known is left out."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value not in (None, "", ())}


# --- orders ---


@dataclass(frozen=True, slots=True, kw_only=True)
class OfOrder(News):
    order: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderAccepted(OfOrder):
    """`usd`: what it may cost; None where a price is unknown."""

    event: ClassVar[str] = "order.accepted"
    project: str
    items: int
    products: int
    usd: float | None
    rehearsal: bool

    @property
    def words(self) -> str:
        price = "a rehearsal, free" if self.rehearsal else _at_most(self.usd)
        return f"{self.name} is taken: {counted(self.items, 'item')}, {counted(self.products, 'product')}, {price}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderHeld(OfOrder):
    """`codes`: of the `reasons`, in their order."""

    event: ClassVar[str] = "order.held"
    codes: tuple[str, ...]
    reasons: tuple[str, ...]

    @property
    def words(self) -> str:
        return f"{self.name} waits for you: {' '.join(self.reasons)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRejected(News):
    """It never became an order. `path`: where it lies now, with the reason beside it; `codes`: of its problems."""

    event: ClassVar[str] = "order.rejected"
    level: ClassVar[int] = logging.WARNING
    file: str
    path: str
    codes: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        codes = f" ({', '.join(self.codes)})" if self.codes else ""
        return f"{self.file} is rejected{codes}: {self.path}.error.txt says why"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderApproved(OfOrder):
    """`of`: order, proof or cap. `usd`: what all of it may cost; `cap`: what it may spend from now on."""

    event: ClassVar[str] = "order.approved"
    of: str
    usd: float | None
    cap: float

    @property
    def words(self) -> str:
        what = f"the proof of {self.name}" if self.of == "proof" else self.name
        cap = f", and no more than {_usd(self.cap)}" if self.usd is None or self.usd > self.cap else ""
        return f"{what} is approved: {_at_most(self.usd)}{cap}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderBegun(OfOrder):
    event: ClassVar[str] = "order.begun"
    sentence: ClassVar[str] = "{it.name} is begun"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPaused(OfOrder):
    event: ClassVar[str] = "order.paused"
    sentence: ClassVar[str] = "{it.name} is paused"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderResumed(OfOrder):
    event: ClassVar[str] = "order.resumed"
    sentence: ClassVar[str] = "{it.name} goes on"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCancelled(OfOrder):
    """By a person. What was on its way may still come."""

    event: ClassVar[str] = "order.cancelled"
    sentence: ClassVar[str] = "{it.name} is cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEnded(OfOrder):
    """Its last item has ended. `usd`: what it cost; `folder`: where its papers lie."""

    items: int
    completed: int
    failed: int
    products: int
    usd: float
    folder: str
    pictures: int = 0  # of the products
    what: str = ""  # they are, in words
    reused: int = 0  # of the products, those that were on the shelf before

    @property
    def made(self) -> str:
        return f"{self.what}, {_usd(self.usd)}, in {self.folder}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCompleted(OrderEnded):
    event: ClassVar[str] = "order.completed"
    sentence: ClassVar[str] = "{it.name} is completed: {it.made}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPartial(OrderEnded):
    event: ClassVar[str] = "order.partial"
    level: ClassVar[int] = logging.WARNING

    @property
    def words(self) -> str:
        made = f"{self.completed} of {counted(self.items, 'item')} made, {self.failed} failed"
        return f"{self.name} is completed in part, {made}: {self.made}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFailed(OrderEnded):
    event: ClassVar[str] = "order.failed"
    level: ClassVar[int] = logging.WARNING

    @property
    def words(self) -> str:
        return f"{self.name} failed, none of {counted(self.items, 'item')} was made: {self.made}"


# --- items and products ---


@dataclass(frozen=True, slots=True, kw_only=True)
class OfItem(News):
    """`usd`: what it cost; of what is bought or in doubt, what it may cost. None where that is not known."""

    aloud: ClassVar[bool] = False  # there may be thousands; their order tells the sum
    order: str
    item: int
    attempt: str | None = None
    provider: str | None = None
    model: str | None = None
    usd: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemBought(OfItem):
    """The provider has taken it."""

    event: ClassVar[str] = "item.bought"

    @property
    def words(self) -> str:
        return f"item {self.item} is bought from {self.provider}, {self.model}: {_at_most(self.usd)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemReused(OfItem):
    event: ClassVar[str] = "item.reused"
    sentence: ClassVar[str] = "item {it.item} equals what was made before, and is copied"


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemEnded(OfItem):
    """`reason`: in the words of the item's row."""

    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemInDoubt(ItemEnded):
    event: ClassVar[str] = "item.in_doubt"
    level: ClassVar[int] = logging.WARNING

    @property
    def words(self) -> str:
        return f"item {self.item} may have been bought, {_at_most(self.usd)}: {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemReleased(ItemEnded):
    event: ClassVar[str] = "item.released"
    sentence: ClassVar[str] = "item {it.item} was surely not bought: {it.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemPassing(ItemEnded):
    event: ClassVar[str] = "item.passing"
    sentence: ClassVar[str] = "item {it.item} is tried once more: {it.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRetried(OfItem):
    """A person asked for it, or what it is made from was made after all."""

    event: ClassVar[str] = "item.retried"
    sentence: ClassVar[str] = "item {it.item} is to be made again"


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemCompleted(ItemEnded):
    """`reason`: why less came than was asked for."""

    event: ClassVar[str] = "item.completed"
    products: int

    @property
    def words(self) -> str:
        less = f": {self.reason}" if self.reason else ""
        return f"item {self.item} is completed, {counted(self.products, 'product')}, {_usd(self.usd)}{less}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFailed(ItemEnded):
    event: ClassVar[str] = "item.failed"
    level: ClassVar[int] = logging.WARNING
    sentence: ClassVar[str] = "item {it.item} failed: {it.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemCancelled(ItemEnded):
    event: ClassVar[str] = "item.cancelled"
    sentence: ClassVar[str] = "item {it.item} is cancelled: {it.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductShelved(News):
    """`path`: in the home."""

    event: ClassVar[str] = "product.shelved"
    aloud: ClassVar[bool] = False
    order: str
    item: int
    product: str
    path: str
    bytes: int
    sentence: ClassVar[str] = "{it.path} is on the shelf"


# --- providers and settings ---


@dataclass(frozen=True, slots=True, kw_only=True)
class OfProvider(News):
    """`provider`: empty where all of them are meant."""

    provider: str

    @property
    def whom(self) -> str:
        return self.provider or "everything"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderOutage(OfProvider):
    event: ClassVar[str] = "provider.outage"
    level: ClassVar[int] = logging.WARNING
    seconds: float  # until it is tried again
    reason: str
    sentence: ClassVar[str] = "{it.provider} is tried again in {it.seconds:.0f} seconds: {it.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderBack(OfProvider):
    event: ClassVar[str] = "provider.back"
    sentence: ClassVar[str] = "{it.provider} answers again"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderStopped(OfProvider):
    """Nothing is sent there until a person has done something."""

    event: ClassVar[str] = "provider.stopped"
    level: ClassVar[int] = logging.ERROR
    reason: str
    sentence: ClassVar[str] = "{it.provider} is stopped: {it.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderPaused(OfProvider):
    event: ClassVar[str] = "provider.paused"
    sentence: ClassVar[str] = "{it.whom} is paused"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderResumed(OfProvider):
    """`by`: you, or answer when it takes the key again."""

    event: ClassVar[str] = "provider.resumed"
    by: str = "you"

    @property
    def words(self) -> str:
        return f"{self.provider} takes the key again" if self.by == "answer" else f"{self.whom} goes on"


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsRead(News):
    event: ClassVar[str] = "settings.read"
    sentence: ClassVar[str] = "the settings were read again"


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupMade(News):
    event: ClassVar[str] = "backup.made"
    path: str
    products: int
    copied: int  # files
    sentence: ClassVar[str] = "a backup of {it.products} products lies in {it.path}"


def _write(news: News) -> None:
    log.log(news.level, "%s", news.words, extra={"news": news})


# Called one after the other with each piece of news, on the thread where it happens, and therefore quick.
listeners: list[Callable[[News], None]] = [_write]


def tell(news: News) -> None:
    """A listener that fails is named in the log, and hinders neither the others nor what happened."""
    for listener in tuple(listeners):
        try:
            listener(news)
        except Exception:
            log.exception("a listener of %s failed: a defect of this program", news.event)
