"""A home put back from a backup, or what it lost of one: nothing that is here is replaced, and nothing is sent unasked.

A ledger that was put back is older than what happened: an item that was open in it may have been bought since. So each
of its orders that is not over waits for a person, with what may have been spent on it (storage/writing/holds).

What the ledgers give together is tried out beside the home before anything in it is touched. Then files come first,
then the ledger, the last month before the others, because the holds stand in it; until all of it is there a mark keeps
every other command from working by it. Killed anywhere, the home is as it was, or is finished by doing it again.
"""

from __future__ import annotations

import os
import shutil
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path

from artfactoryd import durable, entries
from artfactoryd.errors import StorageFull, StorageSick
from artfactoryd.failpoints import point
from artfactoryd.home import Home
from artfactoryd.medium import flush_folder, in_words, storage_errors
from artfactoryd.shelf import reading
from artfactoryd.shelf.desktop import product_in
from artfactoryd.shelf.sidecars import CARD, product_of, sidecar_of
from artfactoryd.storage import rebuild
from artfactoryd.storage.index import Index
from artfactoryd.storage.months import RESTORING
from artfactoryd.storage.rows import OrderRow
from artfactoryd.storage.safekeeping import destination, held_entries, merging
from artfactoryd.storage.safekeeping.holding import held_again, is_held_again
from artfactoryd.storage.safekeeping.reports import PutBack
from artfactoryd.storage.safekeeping.snapshots import (
    CLAIMS,
    INBOX,
    LEDGER,
    PROJECTS,
    SETTINGS,
    Filed,
    Snapshot,
    area_of,
    areas,
)  # fmt: skip
from artfactoryd.storage.writer import Expander, catch_up

MARGIN = 64 << 20  # bytes that stay free
ORDERS = (merging.by_time, merging.theirs_first, merging.ours_first)
NO_FILE = frozenset({LEDGER, CLAIMS, INBOX})  # not put back file by file


def restore(home: Home, snapshot: Snapshot, expander: Expander, moment: datetime, tell: rebuild.Tell) -> PutBack:
    """For the holder of the home's lock. Raises StorageFull, StorageSick or WrongUse: then do it again when that is
    mended."""
    return _Restoring(home, snapshot, expander, moment, tell).run()


class _Restoring:
    def __init__(
        self, home: Home, snapshot: Snapshot, expander: Expander, moment: datetime, tell: rebuild.Tell
    ) -> None:
        self._home, self._snapshot, self._expander, self._moment, self._tell = home, snapshot, expander, moment, tell
        self._areas = areas(home)
        self._mark = home.ledger / RESTORING
        self.done = PutBack(snapshot)

    def run(self) -> PutBack:
        self._check_room()
        months = self._months()
        self._put_files()
        if months or self._mark.exists():
            with storage_errors(self._home.ledger):
                durable.write_file(self._mark, str(self._snapshot.folder).encode())
                self._put_ledger(months)
        self.done.index = rebuild.reindex(
            self._home, self._expander, lambda: self._moment, self._tell, heeds_older=False
        )
        if self._mark.exists():
            self._put_claims()
        self._mark.unlink(missing_ok=True)
        flush_folder(self._home.ledger)
        self._remember()
        return self.done

    def _check_room(self) -> None:
        here = (file for file in self._snapshot.files() if area_of(file.path) not in NO_FILE)
        needed = sum(file.size for file in here if not os.path.lexists(self._target(file)))
        free = shutil.disk_usage(self._home.root).free
        if needed + MARGIN > free:
            words = (
                f"What is to be put back needs {needed:,} bytes, and the disk of {self._home.root} has {free:,} free."
            )
            raise StorageFull(f"{words} Make room, then do it again. Nothing was changed.")

    def _target(self, file: Filed) -> Path:
        area = area_of(file.path)
        return self._areas[area] / file.path[len(area) + 1 :] if area != SETTINGS else self._areas[area]

    # --- the ledger ---

    def _months(self) -> dict[str, bytes]:
        """The months that change, as they are to be; none where every line is here. Nothing is touched yet."""
        for file in self._snapshot.files():
            if area_of(file.path) == LEDGER and entries.sha256(self._snapshot.folder / file.path) != file.sha256:
                words = f"{self._snapshot.folder / file.path} is not what was backed up. Nothing was changed."
                raise StorageSick(f"{words} Take an earlier backup: `artfactoryd restore --from`.")
        here = merging.ledger_in(self._home.ledger)
        there = merging.ledger_in(self._snapshot.folder / LEDGER)
        more = merging.missing(here, there)
        self.done.lines = sum(map(len, more.values()))
        if not more:
            return {}
        orders = {id for steps in there.values() for step in steps for id in step.orders}
        failures = list[StorageSick]()
        for chosen in filter(None, (more, merging.without_told(here, there, more))):
            for order in ORDERS:
                months = merging.merged(here, chosen, order)
                try:
                    return self._with_holds(here, months, orders)
                except StorageSick as error:
                    failures.append(error)
        words = "The ledger here and the one in the backup went on apart, and do not fit together"
        raise StorageSick(
            f"{words}: {failures[0]} Nothing was changed. To go by the backup's alone, move the files of "
            f"{self._home.ledger} away and do it again; what they count is then not known here any more."
        ).titled("The ledgers do not fit")

    def _with_holds(self, here: merging.Ledger, months: dict[str, bytes], orders: set[str]) -> dict[str, bytes]:
        """With a line for each of these orders that is not over. Raises StorageSick where lines do not fit."""
        scratch = self._home.private / "restoring"
        whole = {name: b"".join(step.data for step in steps) for name, steps in here.items()} | months
        with storage_errors(scratch):
            durable.make_folders(self._home.private, 0o700)
            durable.build_folder(scratch, {f"{LEDGER}/{name}": data for name, data in whole.items()})
        try:
            with closing(Index.open(scratch / "index.sqlite3")) as index:
                catch_up(index, scratch / LEDGER, self._expander, anew=True)
                since = self._snapshot.taken_at
                self.done.held = list(
                    held_again(index, since, self._moment, of=lambda row: row.id in orders, entry=self._entry)
                )
        finally:
            entries.remove(scratch)
        last = max([*whole, f"{self._moment.astimezone():%Y-%m}.jsonl"])
        lines = b"".join(it.line for it in self.done.held)
        return {**months, last: whole.get(last, b"") + lines} if lines else months

    def _put_ledger(self, months: dict[str, bytes]) -> None:
        durable.make_folders(self._home.ledger, 0o700)
        for name in sorted(months, reverse=True):
            durable.write_file(self._home.ledger / name, months[name])
            point("restore_month")

    # --- files ---

    def _put_files(self) -> None:
        self._here: tuple[set[str], set[str]] | None = None
        folder: Path | None = None
        for number, file in enumerate(self._snapshot.files()):
            area = area_of(file.path)
            if area == INBOX:
                self.done.in_inbox += 1
            if area in NO_FILE:
                continue
            target = self._target(file)
            if os.path.lexists(target):
                self._note_there(file, target)
                continue
            if self._lies_elsewhere(file):
                self.done.elsewhere.append(file.path)
                continue
            if folder not in (None, target.parent):
                flush_folder(folder)
            folder = target.parent
            self._put(self._snapshot.folder / file.path, target, file)
            if number % 200 == 0:
                self._tell("restore", number, int(self._snapshot.summary.get("files", 0)))
        if folder:
            flush_folder(folder)

    def _note_there(self, file: Filed, target: Path) -> None:
        self.done.there += 1
        size = target.lstat().st_size
        is_same = not file.sha256 or (
            size == file.size and (file.size > 1 << 20 or entries.sha256(target) == file.sha256)
        )
        if not is_same and (area_of(file.path) == SETTINGS or self._is_product(file, target)):
            self.done.differing.append(file.path)

    def _is_product(self, file: Filed, target: Path) -> bool:
        return file.path.startswith(f"{PROJECTS}/") and sidecar_of(target, self._home.projects) is not None

    def _put(self, source: Path, target: Path, file: Filed) -> None:
        """Whole and as it was backed up, or not at all."""
        arriving = target.with_name(entries.temporary_name(target.name))
        try:
            with storage_errors(target):
                durable.make_folders(target.parent)
                arriving.unlink(missing_ok=True)
                if not file.sha256:
                    durable.copy_link(source, arriving)
                else:
                    durable.copy(source, arriving)
                    if entries.sha256(arriving) != file.sha256:
                        arriving.unlink()
                        self.done.bad.append(file.path)
                        return
                point("restore_file")
                durable.move_new(arriving, target)
                self.done.files += 1
        except OSError as error:  # of the backup's disk: what the home's own says is StorageFull
            self.done.bad.append(f"{file.path} ({in_words(error)})")

    def _lies_elsewhere(self, file: Filed) -> bool:
        """A product that a person moved since, or the sidecar of one: put back here too, it would be there twice."""
        if not file.path.startswith(f"{PROJECTS}/"):
            return False
        source, shelf = self._snapshot.folder / file.path, self._snapshot.folder / PROJECTS
        product = product_of(source) if source.name.endswith(CARD) else source
        here = self._home.projects / product.relative_to(shelf)
        if product != source and here.exists() and sidecar_of(here, self._home.projects):
            return True
        with suppress(OSError, ValueError):
            of_cards, of_files = self._ids_here()
            one = str(reading.sidecar_for(product, shelf)["id"])
            return one in of_cards or (product == source and one in of_files)
        return False

    def _ids_here(self) -> tuple[set[str], set[str]]:
        """Of products that lie where the backup has none, under whatever name: by their sidecars, and by the ids that
        go along with files, whose sidecars may still lie where they did. One of this restore's own is not looked for
        here: its place was empty."""
        if self._here is None:
            of_cards, of_files = set[str](), set[str]()
            for path, card in reading.walk(self._home.projects):
                if not self._is_backed_up(path):
                    with suppress(OSError, ValueError):
                        of_cards.add(str(reading.read_sidecar(card)["id"]))
            for path in reading.files(self._home.projects):
                if not self._is_backed_up(path) and (product := product_in(path)):
                    of_files.add(product)
            self._here = of_cards, of_files
        return self._here

    def _is_backed_up(self, path: Path) -> bool:
        return (self._snapshot.folder / PROJECTS / path.relative_to(self._home.projects)).exists()

    # --- what was being taken ---

    def _put_claims(self) -> None:
        """Those of orders that wait. What was dropped and not yet an order is no order here: it may be one by now."""
        source, arriving = self._snapshot.folder / CLAIMS, self._home.private / "restoring"
        with closing(Index.look(self._home.index_file)) as index:
            rows = [row for row in index.held_orders() if is_held_again(row)]
        with storage_errors(self._home.claims):
            for claim in {row.claim for row in rows}:
                if (source / claim).is_dir() and not (self._home.claims / claim).exists():
                    entries.remove(arriving)
                    durable.copy(source / claim, arriving)
                    durable.move_new(arriving, self._home.claims / claim)
                    point("restore_claim")
            held_entries.note(self._home, rows, source)
            flush_folder(self._home.claims)

    def _entry(self, row: OrderRow) -> str:
        return held_entries.entry(self._home, row, self._snapshot.folder / CLAIMS)

    def _remember(self) -> None:
        """The next backups go on where this one lies; unless the home has others."""
        memory, place = destination.Memory.of(self._home), self._snapshot.folder.parent
        if not memory.read().get("backup"):
            memory.write(backup=destination.id_at(place), path=str(place))


def _is_same(file: Filed, target: Path) -> bool:
    try:
        return target.lstat().st_size == file.size and entries.sha256(target) == file.sha256
    except OSError:
        return False
