"""The index made again beside the old one: from the ledger what was ordered and paid, from the shelf what was made.

The new file takes the old one's place by one rename, after SQLite has found nothing wrong with it; the old one is
kept in backups/. Killed at any line, either stands there, or neither, and then the next start makes it again.
Doing it twice gives the same. Only the holder of the home's lock may.
"""

from __future__ import annotations

import gc
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path

from artfactoryd.core.json_types import Json
from artfactoryd.core.money import dollars
from artfactoryd.core.names import counted
from artfactoryd.durable import make_folders
from artfactoryd.entries import readable
from artfactoryd.errors import Refusal, StorageSick
from artfactoryd.home import Home
from artfactoryd.medium import in_words, storage_errors
from artfactoryd.shelf import moving, presence, reading, strayed
from artfactoryd.shelf.sidecars import BIN, sidecar_of
from artfactoryd.storage import derived, ledger, projection, told
from artfactoryd.storage.database import complaints
from artfactoryd.storage.engines import places
from artfactoryd.storage.engines.places import Into
from artfactoryd.storage.events import Mark, from_line
from artfactoryd.storage.index import Index
from artfactoryd.storage.looks import UNLOOKED
from artfactoryd.storage.marks import binned, shelf
from artfactoryd.storage.months import sizes
from artfactoryd.storage.noticing.before import Before, Move
from artfactoryd.storage.safekeeping import holding
from artfactoryd.storage.told import COLUMNS, UNKEPT, Strangers
from artfactoryd.storage.walking import reader
from artfactoryd.storage.walking.reader import Read, Row
from artfactoryd.storage.walking.readers import Readers
from artfactoryd.storage.writer import Expander, catch_up
from artfactoryd.storage.writing import bought, exchange, holds, planned_again

log = logging.getLogger(__name__)

NAMED = 3  # files named in one sentence; the rest are counted
REPLACED = "It is damaged; what came when it was fetched again lies beside it."
Tell = Callable[[str, int, int], None]  # what is read, how much of it, how much there is; nothing when it is over


def nobody(what: str, done: int, of: int) -> None:
    """Nobody is told."""


@dataclass
class Report:
    """What is in the new index, and in words what did not agree. `kept`: where the old one is."""

    lines: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)
    kept: Path | None = None
    held: list[holding.HeldAgain] = field(default_factory=list)
    bare: list[str] = field(default_factory=list)  # ids of products on the shelf without a sidecar

    def document(self) -> Json:
        held = {"held": [it.id for it in self.held]} if self.held else {}
        known = {"ledger_lines": self.lines, **self.counts, "differences": self.differences}
        return {**known, **held, "old_index": str(self.kept) if self.kept else None}

    def text(self) -> str:
        counts = ", ".join(counted(number, name[:-1]) for name, number in self.counts.items())
        lines = [f"The index is made again from {counted(self.lines, 'line')} of the ledger and the shelf: {counts}."]
        lines += [f"- {difference}" for difference in self.differences]
        if not self.differences:
            lines.append("Ledger and shelf agree.")
        if self.kept:
            lines.append(f"The old index is kept as {self.kept}.")
        if self.held:
            lines += ["The ledger is older than the old index.", *holding.held_words(self.held)]
        return "\n".join(lines)


def reindex(
    home: Home, expander: Expander, clock: Callable[[], datetime], tell: Tell = nobody, *, heeds_older: bool = True,
    into: Into = places.as_it_is,
) -> Report:  # fmt: skip
    """`tell` is told how far it is; `into`: where it is to be from now on. Raises StorageFull or StorageSick; then the
    old index stands as it did.

    `heeds_older`: what is open in a ledger that the old index never followed waits for a person.
    """
    is_older = heeds_older and holding.is_exchanged(home)
    with _uncollected():
        report = build(home, expander, tell, into=into)
    with storage_errors(home.index_file):
        if is_older:
            report.held = holding.hold_open(home, exchange.new_index(home), expander, clock())
        report.kept = exchange.put_in_place(home, clock())
    return report


@contextmanager
def _uncollected() -> Iterator[None]:
    """What is read goes as it is done with; to look for rings in it would find none."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def build(
    home: Home, expander: Expander, tell: Tell = nobody, *, at_work: bool = False, into: Into = places.as_it_is
) -> Report:
    """The new index beside the old one, checked. `at_work`: lines and products are being added meanwhile; those that
    came in between are for whoever puts it in place (storage/writing/exchange)."""
    presence.check(home)  # all that lies on it would be missing in the new index
    new, report = exchange.new_index(home), Report()
    with storage_errors(new):
        make_folders(home.private, 0o700)
        places.prepare(new, into(home.index_file))
        with closing(Index.open(new)) as index:
            lookups, shelf = index.unburden(), _Shelf(index, home, tell)
            with Readers(home.root, reading.walk_names(home.projects)) as walk:  # goes on while the ledger is applied
                report.lines = _by_ledger(index, home, expander, tell, at_work)
                with index.changing():
                    shelf.walk(walk)
            # Of what lies there the ledger has its lines by now.
            report.lines += _by_ledger(index, home, expander, tell, at_work)
            with index.changing():
                for lookup in lookups:
                    index.run(lookup)
                report.differences += [*planned_again.differences(index, expander), *shelf.take_in()]
            report.bare, report.counts = shelf.bare, exchange.counts(index)
            report.differences += exchange.beside_the_old(home.index_file, index, at_work)
        wrong = complaints(new, whole=True)
        if wrong:
            raise StorageSick(f"The new index is damaged ({wrong[0]}). Check the disk; the old one stands as it did.")
    return report


def _by_ledger(index: Index, home: Home, expander: Expander, tell: Tell, at_work: bool) -> int:
    lengths = sizes(home.ledger)

    def passed(at: ledger.Position) -> None:
        before = sum(length for name, length in lengths.items() if name < at.file)
        tell("ledger", before + at.offset, sum(lengths.values()))

    try:
        return catch_up(index, home.ledger, expander, anew=True, at_work=at_work, passed=passed)
    except Refusal as refusal:
        words = "An order of the ledger can no longer be understood; a release that changed its rules must not be used"
        raise StorageSick(f"{words}: {refusal}").titled("The ledger cannot be applied") from refusal


# --- products: the shelf is the truth about what was made ---


class _Shelf:
    def __init__(self, index: Index, home: Home, tell: Tell) -> None:
        self._index, self._home, self._tell = index, home, tell
        self._unread: list[str] = []
        self._unnamed: list[str] = []
        self._strangers, self._before = Strangers(index), Before(home.index_file)
        self._has_imported = False
        self._orders: frozenset[str] = frozenset()  # that the ledger tells of
        self._changed: list[str] = []
        self._left: list[str] = []
        self._doubts = strayed.Doubts(home.projects)
        self.bare: list[str] = []

    def walk(self, projects: Iterable[Read]) -> None:
        self._index.run(told.FOUND)
        self._index.run(told.FOUND_UNKEPT)
        self._orders = frozenset(row["id"] for row in self._index.rows("SELECT id FROM orders"))
        self._walk(projects)
        self._walk(self._lying(reading.walk(self._home.root / BIN)))
        self._walk(self._lying(self._settled()), is_settled=True)
        self._walk(self._lying(self._strayed()), is_settled=True)

    def take_in(self) -> Iterator[str]:
        yield from self._bought()
        yield from self._moved()
        yield from self._added()
        yield from binned.take_in(self._index)
        yield from shelf.take_in(self._index)
        yield from self._copies()
        yield from self._missing()
        yield from differing(self._left, "moved, whose sidecar could not be taken along and lies where it did")
        yield from differing(
            [path for path in self._changed if path not in self._before.edited],
            "of another size than in the sidecar (changed since, or damaged)",
        )
        yield from differing(self._unread, "that cannot be read as sidecar, in the index by the ledger alone")
        yield from differing(self._unnamed, "with a name that is no UTF-8, passed over until renamed")

    def _walk(self, cards: Iterable[Read], *, is_settled: bool = False) -> None:
        rows = self._rows(cards, is_settled)
        columns = f"{COLUMNS}, {told.ITEM}, {told.SAID}, {told.BOUGHT}"
        marks = ",".join("?" * len(columns.split(",")))
        known, done = exchange.counts(self._index)["products"], 0
        while chunk := list(islice(rows, derived.CHUNK)):
            done += len(chunk)
            self._tell("shelf", done, max(done, known))
            self._index.add(f"INSERT INTO found ({columns}) VALUES ({marks})", chunk)

    def _lying(self, pairs: Iterator[tuple[Path, Path]]) -> Iterator[Read]:
        root = str(self._home.root)
        before = len(root) + 1
        yield from (reader.read(root, str(product)[before:], str(card)[before:]) for product, card in pairs)

    def _rows(self, cards: Iterable[Read], is_settled: bool) -> Iterator[Row]:
        try:
            for card in cards:
                if self._is_to_add(card, is_settled):
                    yield card.row
        except OSError as error:
            words = "What lies there would be missing in the new index; the old one stands as it did"
            raise StorageSick(f"{in_words(error)} {words}.").titled("The shelf cannot be read") from error

    def _is_to_add(self, card: Read, is_settled: bool) -> bool:
        """Of what is only told of besides, and taken down here, False."""
        if card.outcome == reader.UNNAMED:
            self._unnamed.append(readable(card.path))
        elif card.outcome == reader.UNREAD:
            self._unread.append(card.card)
        elif card.outcome == reader.DOUBTFUL and not is_settled:
            id, size, sha256, named = card.doubt
            file, place = self._home.root / card.path, self._home.root / card.card
            self._doubts.add(strayed.Doubtful(file, place, id, strayed.Bytes(size, sha256), named))
        else:
            self._take_down(card)
            return True
        return False

    def _take_down(self, card: Read) -> None:
        if card.is_changed:
            self._changed.append(card.path)
        if card.between:
            self._index.add(told.INSERT_UNKEPT, card.between)
        self._has_imported = self._has_imported or card.is_imported
        if card.facts and card.order not in self._orders:
            self._strangers.tell(card.facts)

    def _bought(self) -> Iterator[str]:
        """What it proves was bought is spent, and is not what may have been bought."""
        if cost := bought.take_in(self._index):
            holds.credit(self._index)
            yield f"{dollars(cost)} were spent by what sidecars tell, not by the ledger; that counts on its days."

    def _settled(self) -> Iterator[tuple[Path, Path]]:
        """What lies by another product's sidecar, with its own."""
        yield from self._taken_along(self._doubts.settle(self._known(), self._before.paths))

    def _strayed(self) -> Iterator[tuple[Path, Path]]:
        """What was moved without its sidecar, with that."""
        yield from self._taken_along([*strayed.without_cards(self._home.projects, self._known(), self._doubts.others)])

    def _known(self) -> set[str]:
        return {row["id"] for row in self._index.rows("SELECT id FROM found")}

    def _taken_along(self, pairs: Sequence[tuple[Path, Path]]) -> Iterator[tuple[Path, Path]]:
        """Once all are read."""
        yield from pairs
        for product in moving.all_along(pairs, self._home.projects):
            self._left.append(readable(str(product.relative_to(self._home.root))))

    def _bare(self) -> Iterator[Move]:
        """What was moved, and has no sidecar any more."""
        rows = self._index.rows("SELECT id, path, bytes, sha256 FROM product WHERE id NOT IN (SELECT id FROM found)")
        gone = {row["id"]: row for row in rows if not os.path.lexists(self._home.root / row["path"])}
        wanted = {product: strayed.Bytes(row["bytes"], row["sha256"]) for product, row in gone.items()}
        lying = strayed.missed(self._home.projects, wanted, {one.file for one in self._doubts.others})
        there = [(product, str(file.relative_to(self._home.root))) for product, file in lying]
        yield from (Move(one, gone[one]["path"], path, True) for one, path in there if told.is_text(path))

    def _moved(self) -> Iterator[str]:
        bare = [*self._bare()]
        then = self._before.paths(move.id for move in bare)
        bare = [move._replace(is_new=then.get(move.id) != move.path) for move in bare]
        moved = [*self._before.moves(self._index), *bare]
        for move in moved:
            self._index.run("UPDATE product SET path = ? WHERE id = ?", move.path, move.id)
        new = [f"{move.old} to {move.path}" for move in moved if move.is_new]
        yield from differing(new, "moved since, and known there")

    def _added(self) -> Iterator[str]:
        """What is on its way to the shelf just now is left to delivery, which finds the same files there."""
        for row in self._index.resumable_items():
            for chosen in row.chosen:
                self._index.run("DELETE FROM found WHERE id = ?", chosen.id)
        ours = f"SELECT id {UNLOOKED} AND order_id IN (SELECT id FROM orders)"
        self._index.run(f"DELETE FROM found WHERE replaces IN ({ours})")
        sql = (
            "SELECT count(*) AS n, count(DISTINCT order_id) AS orders FROM (SELECT DISTINCT id, order_id FROM found) f "
            "WHERE f.id NOT IN (SELECT id FROM product) AND (? = 1 OR f.order_id NOT IN (SELECT id FROM orders)) "
            "AND order_id <> ''"  # what was imported has no line
        )
        new, (strange,) = self._index.rows(sql, (1,))[0]["n"], self._index.rows(sql, (0,))
        marks = self._marks_of_none() if new or self._has_imported else []
        self._index.run(
            f"INSERT INTO product ({COLUMNS}, looked) SELECT {COLUMNS}, '' FROM found f "
            "WHERE id NOT IN (SELECT id FROM product) AND path = (SELECT min(path) FROM found g WHERE g.id = f.id)"
        )
        self._index.run(told.FILL_LENGTHS)
        self._index.run(
            "UPDATE product SET looked = ?, replaced_by = (SELECT min(id) FROM found WHERE replaces = product.id) "
            "WHERE replaced_by IS NULL AND id IN (SELECT replaces FROM found WHERE replaces IS NOT NULL)", REPLACED,
        )  # fmt: skip
        self._add_items()
        self._add_unkept()
        self._strangers.settle()
        for mark in marks:
            projection.apply(self._index, mark)
        if new:
            orders = counted(strange["orders"], "order")
            of = f", {strange['n']} of them of {orders} that it does not know" if strange["n"] else ""
            yield f"{counted(new, 'product', 'lies', 'lie')} on the shelf that the ledger does not tell of{of}."

    def _add_items(self) -> None:
        """Items that only the shelf tells of count for reuse, like those of the ledger."""
        self._index.run(
            "INSERT OR IGNORE INTO shelf_item (order_id, number, key, asked, delivered) "
            "SELECT order_id, number, item_key, asked, delivered FROM found f WHERE item_key IS NOT NULL "
            "AND NOT EXISTS (SELECT 1 FROM item i "
            "WHERE i.order_id = f.order_id AND i.number = f.number AND i.state = 'completed')"
        )

    def _add_unkept(self) -> None:
        """What orders that the ledger does not tell of made on the way and did not keep."""
        strange = "FROM unkept WHERE order_id NOT IN (SELECT id FROM orders)"
        columns = UNKEPT.removesuffix(", item_key, asked, delivered")
        self._index.run(f"INSERT OR IGNORE INTO interim (path, {columns}) SELECT '', {columns} {strange}")
        self._index.run(
            "INSERT OR IGNORE INTO shelf_item (order_id, number, key, asked, delivered) "
            f"SELECT order_id, number, item_key, asked, delivered {strange}"
        )

    def _marks_of_none(self) -> list[Mark]:
        """What a person said of products that the ledger alone does not give, oldest first."""
        events = (from_line(line) for line, _ in ledger.read(self._home.ledger) if line["kind"] == Mark.kind)
        marks = (event for event in events if isinstance(event, Mark))
        return [mark for mark in marks if self._index.product(mark.product) is None]

    def _copies(self) -> Iterator[str]:
        sql = "SELECT f.path FROM found f JOIN product p ON p.id = f.id WHERE p.path != f.path ORDER BY f.path"
        yield from differing([row["path"] for row in self._index.rows(sql)], "copied from a product; the first counts")

    def _missing(self) -> Iterator[str]:
        sql = "SELECT id, path FROM product WHERE id NOT IN (SELECT id FROM found) ORDER BY path"
        made = {row["path"]: row["id"] for row in self._index.rows(sql)}
        there = [path for path in made if (self._home.root / path).exists()]
        alone = [path for path in there if sidecar_of(self._home.root / path, self._home.projects) is None]
        self.bare += [made[path] for path in alone]
        yield from differing(alone, "without a sidecar, known by the ledger")
        yield from differing(
            sorted({*made} - {*there} - self._before.missing), "no longer on the shelf, and known as made"
        )


def differing(names: list[str], what: str) -> Iterator[str]:
    if names:
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        yield f"{counted(len(names), 'file')} {what}: {', '.join(names[:NAMED])}{more}."
