"""What differs on the shelf, looked into: by the id that goes along with a file, its sidecar, its bytes, and the id
inside it. In worker threads, in slices: whole files are read.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from artfactoryd import entries
from artfactoryd.core.inside.undo import told
from artfactoryd.core.json_types import Json
from artfactoryd.core.noticing.changes import Facts, File, Kind, Known, Place, Stray
from artfactoryd.core.noticing.labels import Relabelled, relabelled
from artfactoryd.daemon.noticing.looking import Differing
from artfactoryd.home import Home
from artfactoryd.medium import in_words
from artfactoryd.shelf import desktop, kinds, survey
from artfactoryd.shelf.desktop import product_in
from artfactoryd.shelf.reading import read_sidecar
from artfactoryd.shelf.sheets.marks import is_sheet
from artfactoryd.shelf.sidecars import sidecar_of
from artfactoryd.storage.index import Index
from artfactoryd.storage.lists.recognition import MOST_BYTES
from artfactoryd.storage.noticing import known
from artfactoryd.storage.noticing.known import Shelved
from artfactoryd.storage.told import is_imported

log = logging.getLogger(__name__)

IN_PROJECT = 2  # slashes, at least, in the path of what lies in a project
SHEET = "contact-sheet"  # begins their names
TOGETHER = 200  # about which the index is asked at once


class _Tags(NamedTuple):
    """What goes along with a stray. `card`: its sidecar, where the id is not known otherwise."""

    file: File
    named: str
    card: Json | None


class Evidence:
    """Of one look."""

    def __init__(self, home: Home, index: Index, found: Differing) -> None:
        self._home, self._root, self._index, self._found = home, home.root, index, found
        self._changed, self._files = list(found.changed), list(found.strays)
        self._places = [Place(product) for product in found.absent]
        self._strays: list[Stray] = []
        self._products: dict[str, Shelved] = {}
        self._there: set[str] = set()
        self._going = known.on_their_way(index)
        self._has_copies = False
        self.said: dict[str, Relabelled] = {}  # by a person, on a desktop; by paths

    def go_on(self, seconds: float) -> bool:
        """Whether there is more."""
        until = time.monotonic() + seconds
        while self._changed:
            self._place(*self._changed.pop())
            if time.monotonic() > until:
                return True
        if not self._has_copies:
            self._add_copies()
        while self._files:
            together, self._files = self._files[-TOGETHER:], self._files[:-TOGETHER]
            self._look_at(together)
            if time.monotonic() > until:
                return True
        return False

    def facts(self) -> tuple[Sequence[Place], Sequence[Stray], Facts]:
        """When nothing is left to look into."""
        digests = [stray.sha256 for stray in self._strays]
        digests += [place.sha256 for place in self._places if place.file and place.sha256 != place.product.sha256]
        alike, of_bytes = known.by_bytes(self._index, digests)
        inside = known.by_id(self._index, [stray.inside for stray in self._strays if stray.inside])
        named = known.by_id(self._index, [place.named for place in self._places if place.named])
        products = {**of_bytes, **{one: row.product for one, row in {**self._products, **inside, **named}.items()}}
        looked_at = {place.product.id for place in self._places}
        return self._places, self._strays, Facts(products, self._lying(products, looked_at), alike)

    def _lying(self, products: Mapping[str, Known], looked_at: Collection[str]) -> frozenset[str]:
        rest = (product for product in products.values() if product.id not in looked_at)
        return frozenset(product.id for product in rest if self._lies(product.path))

    def _lies(self, path: str) -> bool:
        return survey.lies(self._root / path) is not None

    def _place(self, product: Known, file: File) -> None:
        path = self._root / file.path
        try:
            named = product_in(path) or ""
            is_as_placed = named in ("", product.id) and file.path in self._found.as_placed
            sha256 = product.sha256 if is_as_placed else entries.sha256(path)
            if not self._is_still(file):
                return
            self._read_labels(file, is_its=named == product.id)
            kind = Kind.OTHER if sha256 == product.sha256 else self._kind(file)
            self._places.append(Place(product, file, sha256, named, kind))
        except OSError as error:
            self._not_read(file, error)

    def _not_read(self, file: File, error: OSError) -> None:
        """It is gone by now, or cannot be read: then nothing follows from it."""
        if isinstance(error, FileNotFoundError):
            self._again(file)
        else:
            log.warning("%s cannot be looked into: %s", file.path, in_words(error))

    def _read_labels(self, file: File, *, is_its: bool) -> None:
        """Only of a file that is known to be the product by its id: what was copied may have lost them."""
        known_labels = desktop.labels_in(self._root / file.path) if is_its else None
        if known_labels is not None and (said := relabelled(known_labels[1], known_labels[0])):
            self.said[file.path] = said

    def _is_still(self, file: File) -> bool:
        """False where it has changed since it was seen: it is looked at again."""
        lies = survey.lies(self._root / file.path)
        is_still = lies is not None and (lies.bytes, lies.changed) == (file.bytes, file.changed)
        if not is_still:
            self._again(file)
        return is_still

    def _again(self, file: File) -> None:
        self._found.fresh.add(file.path.rpartition("/")[0])

    def _add_copies(self) -> None:
        """Of products that are absent now, the copies that were seen of them: one may be the product from now on."""
        self._has_copies = True
        there = {file.path for file in self._files}
        absent = [place.product.id for place in self._places if place.file is None]
        for path in known.copies(self._index, absent) if absent else ():
            if path not in there and (lies := survey.lies(self._root / path)) is not None:
                self._files.append(File(path, lies.bytes, lies.changed))

    def _look_at(self, files: Iterable[File]) -> None:
        tagged = [tags for file in files if (tags := self._tags(file)) is not None]
        self._products |= known.by_id(self._index, [tags.named for tags in tagged if tags.named])
        for tags in tagged:
            try:
                if (stray := self._stray(tags)) is not None:
                    self._strays.append(stray)
            except OSError as error:
                self._not_read(tags.file, error)

    def _tags(self, file: File) -> _Tags | None:
        """None of a contact sheet of ours, which is drawn again and again."""
        path = self._root / file.path
        if path.name.startswith(SHEET) and self._is_sheet(path):
            self._strays.append(Stray(file, kind=Kind.OTHER))
            return None
        named, card = product_in(path) or "", None
        if not named or named in self._going or self._index.product(named) is None:
            with suppress(OSError, ValueError):
                place = sidecar_of(path, self._home.projects)
                card = read_sidecar(place) if place else None
            named = named if card is None else str(card["id"])
        return _Tags(file, named, card)

    def _is_sheet(self, path: Path) -> bool:
        with suppress(OSError):
            return is_sheet(path)
        return False

    def _stray(self, tags: _Tags) -> Stray | None:
        """None for what is known by now to lie there, or has changed since it was seen."""
        file, shelved = tags.file, self._products.get(tags.named)
        if shelved is None and tags.card is not None:
            if not is_imported(tags.card):  # whoever laid it there tells of it: a delivery, or `reindex`
                return Stray(file, tags.named, is_ours=True)
            return Stray(file, tags.named, entries.sha256(self._root / file.path), is_imported=True)
        if shelved is not None and shelved.product.path == file.path and not shelved.product.missing:
            return None
        sha256 = self._sha256(file, shelved)
        if not self._is_still(file):
            return None
        if shelved is not None:
            self._read_labels(file, is_its=product_in(self._root / file.path) == shelved.product.id)
        if shelved is not None and sha256 == shelved.product.sha256:
            return Stray(file, tags.named, sha256, is_ours=tags.named in self._going)
        kind = self._kind(file)
        inside = self._inside(file) if kind is Kind.PICTURE and shelved is None else ""
        return Stray(file, tags.named if shelved else "", sha256, inside, kind, tags.named in self._going)

    def _sha256(self, file: File, shelved: Shelved | None) -> str:
        """Not read again, where it is the file that was looked at in its old place."""
        looked = shelved.looked if shelved else None
        if shelved and looked and looked.what == "" and (looked.bytes, looked.changed) == (file.bytes, file.changed):
            return shelved.product.sha256
        return entries.sha256(self._root / file.path)

    def _kind(self, file: File) -> Kind:
        path = self._root / file.path
        if file.path.count("/") < IN_PROJECT:
            return Kind.OTHER
        with path.open("rb") as content:
            kind = kinds.kind_in(content)
        is_picture = kind.type in kinds.SHELVED and not (kind.extension == "jpg" and is_sheet(path))
        return Kind.PICTURE if is_picture else Kind.OTHER

    def _inside(self, file: File) -> str:
        words = told(entries.bounded(self._root / file.path, MOST_BYTES))
        return words.product if words else ""
