"""What was dropped into the folder of a collection: a product, wherever it was taken from, or a picture of others."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass

from artfactoryd.core import strict_json
from artfactoryd.core.foreign.reading import AUTO
from artfactoryd.durable import make_folders, move_new, replace_file
from artfactoryd.entries import has_writer, new_mark, sha256
from artfactoryd.home import Home
from artfactoryd.intake.importing.looking import Candidate
from artfactoryd.intake.importing.taking_in import TakingIn
from artfactoryd.live_settings import LiveSettings
from artfactoryd.medium import flush_folder, writing_to
from artfactoryd.shelf.arranging.bin import FOLDER as BIN
from artfactoryd.shelf.arranging.changes import Seen
from artfactoryd.shelf.reading import owner_of, read_sidecar
from artfactoryd.shelf.scanning.scanner import Scanner
from artfactoryd.shelf.sidecars import CARD, sidecar_of
from artfactoryd.storage import naming
from artfactoryd.storage.index import Index
from artfactoryd.storage.marks.collected import CloneRow
from artfactoryd.storage.rows import ProductRow

log = logging.getLogger(__name__)

PROJECT = "unsorted"  # of pictures that no order made


@dataclass(frozen=True, slots=True)
class Arrival:
    """`row`: the file is a clone of the product from now on. `strayed`: it is the product's own file, and goes back.
    `card`: the path of its sidecar, of a picture that is a product from now on. Paths are in the home."""

    product: str
    row: CloneRow | None = None
    strayed: str = ""
    card: str = ""
    is_binned: bool = False


class Dropped:
    def __init__(self, home: Home, index: Index, settings: LiveSettings, scanner: Scanner) -> None:
        self._home, self._index, self._settings, self._scanner = home, index, settings, scanner

    def arrival(self, file: Seen, collection: str, before: CloneRow | None) -> Arrival | None:
        """`before`: what was put there under this name. None for what is no picture. Raises OSError, StorageFull."""
        path = self._home.root / file.path
        if has_writer(path):
            raise OSError("It is being written.")
        digest = sha256(path)
        if before is not None and digest == before.sha256:
            return Arrival(before.product, _row(file, before.product, collection, digest))
        row = self._known(file, digest)
        if row is None:
            return self._imported(file, collection, digest, before)
        if not os.path.lexists(self._home.root / row.path):
            return Arrival(row.id, strayed=file.path)
        clone = _row(file, row.id, collection, digest)
        return Arrival(row.id, clone, is_binned=row.path.startswith(BIN))

    def _known(self, file: Seen, digest: str) -> ProductRow | None:
        """The product whose bytes these are: by its id, else the missing one, else the newest."""
        own = self._index.product(file.product) if file.product else None
        if own is not None and own.sha256 == digest:
            return own
        rows = naming.products_of_bytes(self._index, digest) or naming.products_of_original(self._index, digest)
        missing = [row for row in rows if not os.path.lexists(self._home.root / row.path)]
        return next(iter([*missing, *rows]), None)

    def _imported(self, file: Seen, collection: str, digest: str, before: CloneRow | None) -> Arrival | None:
        """It is cloned into the shelf as a product; what was edited has the product that it was as its parent."""
        layout, cards = self._settings.now.products.sidecars, list[str]()
        work = TakingIn(self._home, self._index, AUTO, PROJECT, layout, (), self._scanner)
        path = self._home.root / file.path
        work.run([Candidate(path, path.name)], cards.extend, lambda done: None)
        if work.outcome.waiting:
            raise OSError(work.outcome.failed[0][1])
        for _, why in work.outcome.failed:
            log.warning("%s is no product: %s", file.path, why)
        if not cards:
            return None
        card = self._home.root / cards[0]
        document = read_sidecar(card)
        parent = before.product if before else file.product
        if parent and self._index.product(parent) and document["parents"] != [parent]:
            document = {**document, "parents": [parent]}
            replace_file(card, strict_json.document(document), new_mark())
        return Arrival(document["id"], _row(file, document["id"], collection, digest), card=cards[0])

    def put_back(self, arrival: Arrival) -> None:
        """A product that a drag took off the shelf, to where it lay; then there is nothing left to be done."""
        row = self._index.product(arrival.product)
        if row is None:
            return
        source, target = self._home.root / arrival.strayed, self._home.root / row.path
        beside = source.with_name(source.name + CARD)
        with writing_to(target.parent):
            make_folders(target.parent)
            if sidecar_of(target, self._home.projects) is None and owner_of(beside) == row.id:
                move_new(beside, target.with_name(target.name + CARD))
            move_new(source, target)
            flush_folder(target.parent)


def _row(file: Seen, product: str, collection: str, digest: str) -> CloneRow:
    return CloneRow(file.path, product, collection, digest, file.bytes, file.changed)
