"""One visit to a worker thread: what came of an item is written, hashed, flushed, looked at, named and placed.

Free to repeat, whatever the last try left: a redo files the same.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from artfactoryd.core.expansion.stages import keeps
from artfactoryd.core.line_values import Filed, Output
from artfactoryd.core.noticing.labels import labels
from artfactoryd.core.pricing.amounts import Measured
from artfactoryd.core.pricing.price import CERTAIN
from artfactoryd.core.pricing.sizes import Size
from artfactoryd.core.sidecar import sidecar
from artfactoryd.entries import same
from artfactoryd.errors import OutputBad, OutputLost, StorageFull
from artfactoryd.execution.provenance import Provenance
from artfactoryd.execution.rows import last_attempt
from artfactoryd.execution.shelving.arrival import Arrival
from artfactoryd.execution.shelving.inscription import Inscribed, Inscription
from artfactoryd.home import Home
from artfactoryd.live_settings import LiveSettings
from artfactoryd.planning import inputs
from artfactoryd.planning.accepted import plan_of
from artfactoryd.shelf import desktop, order_folders, placing, presence
from artfactoryd.shelf.fetch import without_query
from artfactoryd.shelf.kinds import UNKNOWN
from artfactoryd.shelf.media import DECODED, is_one_colour
from artfactoryd.shelf.received import Fetched, Received
from artfactoryd.shelf.staging import INLINE, Staging
from artfactoryd.storage import budget, dependencies
from artfactoryd.storage.events import Settlement
from artfactoryd.storage.index import Index
from artfactoryd.storage.rows import ItemRow, OrderRow

log = logging.getLogger(__name__)

Lost = OutputLost | OutputBad
Placed = dict[str, tuple[int, int, int]]  # by product: size, mtime and inode of its file, as it was placed
MOST_PLACED = 10_000  # remembered, until somebody looks at the shelf
Coming = Mapping[str, Received | None]  # by the ids of outputs; None of what lies staged already or is copied


@dataclass(frozen=True, slots=True)
class Bill:
    """What all that came of an item costs, in micro-dollars; `estimated`: the provider does not say it."""

    cost: int
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Visit:
    """`settlement`: None where something that came is to be bettered or scanned first."""

    arrivals: Sequence[Arrival]
    lost: Sequence[Lost]
    settlement: Settlement | None = None


class Filing:
    """All of it is called in worker threads, for several items at once."""

    def __init__(self, home: Home, index: Index, settings: LiveSettings, placed: Placed) -> None:
        self._placed = placed
        self._home, self._root, self._index, self._settings = home, home.root, index, settings
        self._staging, self._provenance = Staging(home.work), Provenance(index)
        self._inscription = Inscription(home, index, self._staging, self._provenance)
        self._alone = threading.Lock()  # a suspect is looked at while no other suspect is

    def visit(self, row: ItemRow, order: OrderRow, coming: Coming, lost: Sequence[Lost]) -> Visit:
        """Raises StorageFull; what came is staged then as far as the disk took it."""
        arrivals, missing = list[Arrival](), list(lost)
        with _tidied(coming):
            for chosen in row.chosen:
                if chosen.id not in coming:
                    continue
                try:
                    arrivals.append(self.arrive(row, order, chosen, coming[chosen.id]))
                except (OutputLost, OutputBad) as error:
                    log.error("an output of item %s is lost: %s", row.number, error)
                    missing.append(error)
        is_scanned = self._settings.now.scan.address is not None
        if any(arrival.is_to_be_bettered or (is_scanned and arrival.is_to_be_scanned) for arrival in arrivals):
            return Visit(arrivals, missing)
        return Visit(arrivals, missing, self.settle(row, order, arrivals, missing))

    def stage(self, coming: Coming) -> None:
        """What is in memory, where it outlives this process."""
        with _tidied(coming):
            for product, received in coming.items():
                if received is not None:
                    self._staging.take(received.file(), product)

    # --- one output ---

    def arrive(self, row: ItemRow, order: OrderRow, chosen: Output, received: Received | None) -> Arrival:
        """Staged, and looked at; pixels are made here of what was flagged, and of what a stage is fed with.

        What came whole once is kept in .work until it is settled: the provider may have erased it by then. Raises
        OutputLost.
        """
        content = received.content() if received is not None else None
        fetched, is_first = self._staged(chosen, received), self._comes_first(row, order)
        known = chosen.mime if chosen.reused_from else None  # by the sidecar of what it is a copy of
        media = self._staging.look(chosen.id, content, is_unknown=known == UNKNOWN.mime)
        looked = media.fault if media.fault or media.mime not in DECODED else None
        if looked is None and chosen.reused_from:
            looked = self._looked(chosen.reused_from)
        elif looked is None and (chosen.flagged or is_first):
            with self._alone if self._staging.is_suspect(chosen.id) else contextlib.nullcontext():
                media = self._staging.decode(chosen.id, media, self._settings.now.limits.megapixels)
            looked = media.fault
        if chosen.flagged and not media.unopened and is_one_colour(fetched.path):
            raise OutputLost(f"{row.provider}'s content filter blacked it out; another prompt may pass.")
        final = bool(media.fault) and self._staging.is_final(chosen.id)
        return Arrival(chosen, fetched, media, looked, final, content)

    def _looked(self, product: str) -> str | None:
        """What is known of the one that it is a copy of."""
        source = self._index.product(product)
        return source.looked if source else None

    def _comes_first(self, row: ItemRow, order: OrderRow) -> bool:
        """Whether its pixels are made before it is placed: a stage goes on from them, or may when all its items are
        known."""
        is_fed = not order.is_expanded or dependencies.feeds(self._index, row)
        return bool(plan_of(order).stages) and is_fed

    def _staged(self, chosen: Output, received: Received | None) -> Fetched:
        """Copied from the shelf where an equal item made it."""
        if received is not None:
            return self._staging.take(received.file(), chosen.id)
        if fetched := self._staging.arrived(chosen.id):
            return fetched
        if chosen.address.startswith(INLINE):
            raise OutputLost("It came with the provider's answer, and its file in .work is gone.")
        if chosen.sha256 is None:  # it was there a moment ago
            raise StorageFull(f"{self._staging.path(chosen.id)} is gone. It is fetched again.")
        return self._staging.copy(self._root / chosen.address.partition(":")[2], chosen.id, chosen.sha256)

    def exchange(self, row: ItemRow, order: OrderRow, chosen: Output, better: str) -> Arrival:
        """`better`: the id under which the same came whole."""
        self._staging.replace(chosen.id, better)
        return self.arrive(row, order, chosen, None)

    # --- the item ---

    def settle(
        self, row: ItemRow, order: OrderRow, arrivals: Sequence[Arrival], lost: Sequence[Lost],
        aside: Sequence[Arrival] = (),
    ) -> Settlement:  # fmt: skip
        """All of it on the shelf, or where later stages find it. `aside`: what was paid for and is not placed. Raises
        OutputLost or OutputBad when nothing came."""
        for arrival in arrivals:
            if arrival.is_to_be_bettered:
                self._staging.finalize(arrival.chosen.id)
        if not arrivals or (lost and is_copy(row)):  # what is copied is copied whole
            raise lost[0] if lost else OutputLost("The provider gave no output.")
        paid = [arrival for arrival in arrivals if not arrival.chosen.byproduct]
        bill, shelved = self._bill(row, order, [*arrivals, *aside]), keeps(plan_of(order).order, row.stage)
        products = []
        for arrival in arrivals:
            if shelved:
                laid = self._shelve(row, order, arrival, len(paid), bill)
            else:
                path = self._staging.send_on(arrival.chosen.id, arrival.media.extension)
                laid = replace(arrival.fetched, path=path)
            products.append(self._filed(arrival, laid))
        note = " ".join(filter(None, [_shortfall(row, len(paid), lost), *map(_remark, arrivals)]))
        return _settlement(row, products, cost=bill.cost, estimated=bill.estimated, note=note, interim=not shelved)

    def _bill(self, row: ItemRow, order: OrderRow, arrivals: Sequence[Arrival]) -> Bill:
        """By what was delivered, or by the time measured; what was set aside where neither can be known."""
        price = None if is_copy(row) else order.model_of(row).price
        if order.rehearsal or price is None or row.upper == 0:
            return Bill(0)
        attempt, paid = last_attempt(self._index, row), _counted(arrivals, row.asked)
        outputs = [Measured(one.media.width, one.media.height, one.media.duration) for one in paid]
        seconds = (attempt.returned or {}).get("seconds")
        cost = budget.by_outputs(order, row, outputs, self._worked_on(row, order), seconds)
        return Bill(attempt.reserved if cost is None else cost, estimated=not price.units <= CERTAIN)

    def _worked_on(self, row: ItemRow, order: OrderRow) -> list[Size | None]:
        """The sizes of the pictures that it was made from, in pixels."""
        model, fed = order.model_of(row), self._index.fed_with(row)
        known = inputs.of_item(row.generation, order.inputs, model)
        if fed is not None:
            known |= inputs.of_product(row, model, fed[0])
        places = [known.get(place, {}) for place, _ in model.places(row.generation)]
        return [(one["width"], one["height"]) if one.get("width") else None for one in places]

    def _shelve(self, row: ItemRow, order: OrderRow, arrival: Arrival, delivered: int, bill: Bill) -> Fetched:
        """Sidecar, then product, in the order's folder. What lies there then."""
        assert order.folder is not None  # nothing is sent before it is there
        chosen = arrival.chosen
        name = self._provenance.name(row, order, chosen, arrival.media, arrival.original_sha256)
        cost = 0 if chosen.byproduct else bill.cost
        facts = self._provenance.facts(row, order, delivered, cost, bill.estimated)
        inscribed = self._inscription.inscribe(chosen.id, row, order, arrival, facts)
        measured = _measured(arrival, inscribed)

        def card(name: str) -> dict[str, Any]:
            return sidecar(facts, {"name": name, **measured}, chosen.to_json(), arrival.media.kind)

        words = self._words(row, order, chosen)
        desktop.name_product(inscribed.file.path, chosen.id)
        words(inscribed.file.path)
        presence.check(self._home)
        folder = order_folders.lying(self._home.projects, self._root / order.folder, order.id)
        layout = self._settings.now.products.sidecars
        product = folder / placing.place(inscribed.file.path, folder, name, card, layout)
        if same(inscribed.file.path, product):
            self._remember(chosen.id, inscribed.file.path)
        else:  # it was copied, to another volume or without links; or it is another file by now
            words(product)
        return placing.lying(inscribed.file, product, self._home.projects)

    def _words(self, row: ItemRow, order: OrderRow, chosen: Output) -> Callable[[Path], None]:
        """What the desktop is to show of it, as far as a person wants that."""
        wanted = self._settings.now.desktop
        comment, origin = (_comment(row, order, chosen), _origin(chosen)) if wanted.comments else ("", "")
        shown = labels(False, None, order.tags) if wanted.labels else ()
        return functools.partial(desktop.describe, comment=comment, origin=origin, labels=shown)

    def _remember(self, product: str, file: Path) -> None:
        if len(self._placed) < MOST_PLACED:
            status = file.stat()
            self._placed[product] = status.st_size, status.st_mtime_ns, status.st_ino

    def _filed(self, arrival: Arrival, laid: Fetched) -> Filed:
        """Of one output, what its row will hold."""
        chosen, media, path = arrival.chosen, arrival.media, str(laid.path.relative_to(self._root))
        original = None if arrival.original_sha256 == laid.sha256 else arrival.original_sha256
        return Filed(
            chosen.id, chosen.index, chosen.created_at, path, laid.sha256, laid.bytes, media.mime, media.width,
            media.height, "" if chosen.byproduct else chosen.letter, arrival.looked, original, media.duration,
            media.codec,
        )  # fmt: skip


def _comment(row: ItemRow, order: OrderRow, chosen: Output) -> str:
    """For a desktop, where everybody may read it: nothing that was asked for."""
    seed = "" if row.seed is None else f", seed {row.seed}"
    return f"{chosen.index} of {order.name}, by {order.model_of(row).id}{seed}"


def _origin(chosen: Output) -> str:
    """Where it was fetched, without what opens the door there."""
    return without_query(chosen.address) if chosen.address.startswith(("http://", "https://")) else ""


def _counted(arrivals: Sequence[Arrival], asked: int) -> list[Arrival]:
    """For which the provider has a bill, whatever it is by its bytes: all but what came beside. What came in the place
    of what was asked for may be billed as that."""
    paid = [arrival for arrival in arrivals if not arrival.chosen.byproduct]
    beside = [arrival for arrival in arrivals if arrival.chosen.byproduct]
    return [*paid, *beside[: max(0, asked - len(paid))]]


@contextlib.contextmanager
def _tidied(coming: Coming) -> Iterator[None]:
    """What is not filed after all leaves nothing open."""
    try:
        yield
    except BaseException:
        for received in coming.values():
            if received is not None:
                received.discard()
        raise


def _measured(arrival: Arrival, inscribed: Inscribed) -> dict[str, Any]:
    """What its sidecar says of the file itself."""
    return {
        "index": arrival.chosen.index, "sha256": inscribed.file.sha256, "original_sha256": arrival.original_sha256,
        "bytes": inscribed.file.bytes, "mime": arrival.media.mime, "width": arrival.media.width,
        "height": arrival.media.height, **arrival.media.lasting(),
        **({"remark": arrival.remark} if arrival.remark else {}), **inscribed.told(),
    }  # fmt: skip


def _remark(arrival: Arrival) -> str:
    """What a person is told of it, beside what it is."""
    return f"Product {arrival.chosen.index}: {arrival.remark}" if arrival.remark else ""


def is_copy(row: ItemRow) -> bool:
    """Whether its outputs lie on the shelf already, made for an equal item."""
    return any(chosen.reused_from is not None for chosen in row.chosen)


def is_spent(row: ItemRow) -> bool:
    """Whether its outputs need not be made: all that is made of them was made before."""
    return any(chosen.path is not None for chosen in row.chosen)


def as_they_were(row: ItemRow) -> Settlement:
    """Of outputs that need not be made."""
    return _settlement(row, list(_known(row)), cost=0, estimated=False, interim=True)


def _known(row: ItemRow) -> Iterator[Filed]:
    for chosen in row.chosen:
        assert (
            chosen.path is not None
            and chosen.sha256 is not None
            and chosen.bytes is not None
            and chosen.mime is not None
        )
        yield Filed(
            chosen.id, chosen.index, chosen.created_at, chosen.path, chosen.sha256, chosen.bytes, chosen.mime,
            chosen.width, chosen.height, "" if chosen.byproduct else chosen.letter,
            original_sha256=chosen.original_sha256,
        )  # fmt: skip


def _settlement(row: ItemRow, products: Sequence[Filed], **money: Any) -> Settlement:
    assert row.attempt is not None
    return Settlement(order=row.order_id, item=row.number, attempt=row.attempt, products=products, **money)


def _shortfall(row: ItemRow, delivered: int, lost: Sequence[Lost]) -> str:
    if delivered > row.asked:
        return f"{delivered} came where {row.asked} was asked for; all are kept."
    if delivered == row.asked:
        return ""
    reasons = "; ".join(str(error) for error in lost) or "the provider left the rest out, as content filters do"
    return f"{delivered} of {row.asked} came: {reasons}."
