"""What the page shows, read at once: the status, the orders as one who waits for them, and the newest pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from artfactoryd import clock
from artfactoryd.home import Home
from artfactoryd.live_settings import LiveSettings
from artfactoryd.reporting import orders, products, progress, status
from artfactoryd.reporting.orders import DoubtDocument, OrderDocument
from artfactoryd.reporting.products import ProductsDocument
from artfactoryd.reporting.progress import Progress
from artfactoryd.reporting.status import StatusDocument
from artfactoryd.storage.index import Index

MOST_PICTURES = 40


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """One that is not over. `entry`: its name in Held/, where it was held; `price_usd`: what a word more may cost.
    `can_approve`: whether a person's word is enough."""

    order: OrderDocument
    progress: Progress
    doubts: Sequence[DoubtDocument]
    entry: str | None = None
    price_usd: float | None = None
    can_approve: bool = True


@dataclass(frozen=True, slots=True)
class Overview:
    """`pictures`: None where what was asked for is no query; `wrong` says why. `providers`: all, and why one is left
    out."""

    status: StatusDocument
    orders: Sequence[OpenOrder]
    pictures: ProductsDocument | None
    query: str = ""
    wrong: str = ""
    providers: Mapping[str, str] = field(default_factory=dict)


def read_orders(index: Index, told: StatusDocument) -> list[OpenOrder]:
    rows = {row.id: row for row in map(index.order, [order.order_id for order in told.open]) if row}
    now = clock.now()
    return [
        OpenOrder(
            order, progress.progress_of(index, row, order.items_by_state, now),
            orders.doubts(index, row) if order.money.in_doubt_usd else (), row.held_entry,
            order.price_usd if order.at_most_usd is None else order.at_most_usd,
            all(reason.waivable for reason in row.reasons),
        )
        for order in told.open if (row := rows.get(order.order_id))
    ]  # fmt: skip


def read_status(index: Index, home: Home, settings: LiveSettings) -> StatusDocument:
    return status.status(home, index, settings.now, home.at_work(), settings.trouble)


def read_pictures(index: Index, home: Home, query: str, before: str = "") -> ProductsDocument:
    """Raises QueryWrong, and WrongUse where there is no product `before`."""
    return products.page(index, home.root, query, MOST_PICTURES, before)
