"""Pictures taken into the shelf: each cloned into its project, its sidecar beside it, and the index told of them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from pathlib import Path, PurePosixPath

from artfactoryd import __version__, clock, durable
from artfactoryd.core import strict_json
from artfactoryd.core.file_names import RESERVED
from artfactoryd.core.foreign.card import card, product_id
from artfactoryd.core.json_types import Json
from artfactoryd.core.names import folded, numbered
from artfactoryd.entries import safe_name
from artfactoryd.home import Home
from artfactoryd.intake.importing.looking import Candidate, Seen, is_in_place, look
from artfactoryd.medium import in_words
from artfactoryd.shelf import desktop, placing
from artfactoryd.shelf.order_folders import existing_project
from artfactoryd.shelf.scanning.clamd import Verdict
from artfactoryd.shelf.scanning.scanner import Scanner
from artfactoryd.shelf.sidecars import sidecar_of, written_at
from artfactoryd.storage import naming
from artfactoryd.storage.index import Index

FOLDER = "imported"
CHUNK = 200  # of which the index is told together
Tell = Callable[[Sequence[str]], None]  # of which sidecars, by their paths in the home


@dataclass
class Outcome:
    """`tools`: how many of each tool's; `failed`: path and why; `waiting`: those of them that wait to be scanned;
    `unscanned`: in words why what was imported was not scanned, where it was to be."""

    imported: int = 0
    bytes: int = 0
    there_already: int = 0
    twice: int = 0  # the same bytes under two names
    passed_over: int = 0  # no pictures
    tools: Counter[str] = field(default_factory=Counter)
    failed: list[tuple[str, str]] = field(default_factory=list)
    first: str = ""  # where the first of them lies
    waiting: set[str] = field(default_factory=set)
    unscanned: str = ""


class TakingIn:
    """`layout`: where sidecars lie (settings)."""

    def __init__(
        self, home: Home, index: Index | None, source: str, project: str, layout: str, tags: Sequence[str],
        scanner: Scanner,
    ) -> None:  # fmt: skip
        self._scanner = scanner
        self._home, self._index, self._source, self._layout = home, index, source, layout
        self._project, self._tags = existing_project(home.projects, project), tags
        self._seen: set[str] = set()
        self.outcome = Outcome()
        self._folder = self._free_folder()

    def _free_folder(self) -> Path:
        """Not one that an order has."""
        day = self._home.projects / self._project / clock.today()
        names = (day / name for name in numbered(FOLDER, ""))
        return next(path for path in names if not (path / "receipt.yaml").exists())

    def run(self, candidates: Sequence[Candidate], tell: Tell | None, count: Callable[[int], None]) -> None:
        """`tell`: None where nothing is to be done, only said."""
        waiting: list[str] = []
        for number, seen in enumerate(self._looked_at(candidates), 1):
            count(number)
            if seen is None:
                continue
            try:
                path = self._path(seen) if tell is None else self._take(seen, waiting)
            except OSError as error:
                self.outcome.failed.append((str(seen.candidate.path), in_words(error)))
                continue
            self._note(seen, path)
            if tell is not None and len(waiting) >= CHUNK:
                tell(waiting)
                waiting = []
        if tell is not None and waiting:
            tell(waiting)

    def _looked_at(self, candidates: Sequence[Candidate]) -> Iterator[Seen | None]:
        """In their order, a few ahead, on all cores. None of what is not to be taken in."""
        left = iter(candidates)
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            while chunk := list(islice(left, CHUNK)):
                looked = threads.map(self._look, chunk)
                new = [seen if seen is not None and self._is_new(seen) else None for seen in looked]
                yield from self._scanned(new)

    def _scanned(self, looked: Sequence[Seen | None]) -> Iterator[Seen | None]:
        """In their order; None in the place of those of which something is known, or which wait."""
        paths = [seen.candidate.path for seen in looked if seen is not None]
        verdicts = iter(self._scanner.scan_from_thread(paths))
        for seen in looked:
            yield seen if seen is not None and self._passes(seen.candidate.path, next(verdicts)) else None

    def _passes(self, path: Path, verdict: Verdict) -> bool:
        if words := self._scanner.holds(verdict):
            self.outcome.failed.append((str(path), words))
            self.outcome.waiting.add(str(path))
            return False
        if verdict.found:
            words = f"clamd found {verdict.found} in it; it stays where it lies, and is no product."
            self.outcome.failed.append((str(path), words))
            return False
        self.outcome.unscanned = self.outcome.unscanned or verdict.unscanned
        return True

    def _look(self, candidate: Candidate) -> Seen | None:
        try:
            seen = look(candidate, self._source)
        except OSError as error:
            self.outcome.failed.append((str(candidate.path), in_words(error)))
            return None
        if seen is None:
            self.outcome.passed_over += 1
        elif seen.fault:
            self.outcome.failed.append((str(candidate.path), f"It is damaged: {seen.fault}"))
            return None
        return seen

    def _is_new(self, seen: Seen) -> bool:
        if self._lies_here(seen):
            self.outcome.there_already += 1
            return False
        if seen.sha256 in self._seen:
            self.outcome.twice += 1
            return False
        self._seen.add(seen.sha256)
        return True

    def _lies_here(self, seen: Seen) -> bool:
        """One with these bytes is on the shelf. What is imported in place is not there by lying there."""
        if self._index is None:
            return False
        rows = [
            *naming.products_of_bytes(self._index, seen.sha256), *naming.products_of_original(self._index, seen.sha256),
        ]  # fmt: skip
        return any((self._home.root / row.path).is_file() for row in rows)

    def _note(self, seen: Seen, path: Path) -> None:
        self.outcome.imported += 1
        self.outcome.bytes += seen.bytes
        self.outcome.tools[seen.told.tool] += 1
        self.outcome.first = self.outcome.first or str(path)

    # --- one of them ---

    def _path(self, seen: Seen) -> Path:
        path = seen.candidate.path
        return path if is_in_place(path, self._home) else self._folder / _name(seen.candidate.below)

    def _take(self, seen: Seen, waiting: list[str]) -> Path:
        source = seen.candidate.path
        product = self._in_place(seen) if is_in_place(source, self._home) else self._placed(seen)
        lying = sidecar_of(product, self._home.projects)
        assert lying is not None
        waiting.append(str(lying.relative_to(self._home.root)))
        return product

    def _in_place(self, seen: Seen) -> Path:
        product = seen.candidate.path
        project = product.relative_to(self._home.projects).parts[0]
        if sidecar_of(product, self._home.projects) is None:
            document = self._card(seen, product.name, project)
            lying = written_at(product, product.parent, self._layout)
            durable.make_folders(lying.parent)
            durable.write_file(lying, strict_json.document(document))
            desktop.name_product(product, document["id"])
        return product

    def _placed(self, seen: Seen) -> Path:
        """Cloned where nobody looks, and found to be what was looked at; then on the shelf, in one step."""
        source, folder = seen.candidate.path, self._folder
        staged = self._home.work / "imports" / self._id(seen)
        durable.make_folders(staged.parent)
        try:
            with source.open("rb") as content:
                durable.duplicate(content, staged)
            status = source.stat()
            if (status.st_size, status.st_mtime_ns) != (seen.bytes, seen.modified):
                raise OSError("It changes just now.")
            os.utime(staged, ns=(status.st_atime_ns, status.st_mtime_ns))
            desktop.name_product(staged, self._id(seen))
            name = placing.place(
                staged, folder, _name(seen.candidate.below), lambda chosen: self._card(seen, chosen, self._project),
                self._layout,
            )  # fmt: skip
        finally:
            with suppress(OSError):
                staged.unlink()
        return folder / name

    def _id(self, seen: Seen) -> str:
        return product_id(seen.sha256, datetime.fromisoformat(seen.created_at))

    def _card(self, seen: Seen, name: str, project: str) -> Json:
        found, told = seen.media, seen.told
        file = {
            "name": name, "index": 1, "sha256": seen.sha256, "original_sha256": seen.sha256, "bytes": seen.bytes,
            "mime": found.mime, "width": found.width or None, "height": found.height or None,
            **found.lasting(),
        }  # fmt: skip
        before = seen.sidecar or {}
        origin = {"file": str(seen.candidate.path), "tool": told.tool}
        if told.software:
            origin["software"] = told.software
        if before:
            origin |= {key: before[key] for key in ("id", "order", "item", "provider", "cost") if before.get(key)}
        parents = [before["id"]] if before and self._index and self._index.product(str(before["id"])) else []
        marks = replace(seen.marks, tags=tuple(dict.fromkeys([*seen.marks.tags, *self._tags])))
        return card(
            id=self._id(seen), file=file, kind=found.kind, created_at=seen.created_at, project=project, told=told,
            marks=marks, origin=origin, parents=parents, software=__version__,
        )  # fmt: skip


def _name(below: str) -> str:
    """Its path in the folder of what is imported: as it lay, in names that every disk can keep."""
    *folders, last = PurePosixPath(below).parts
    safe = [safe_name(folder, folder=True) for folder in folders]
    return "/".join([*(f"{name}-1" if folded(name) in RESERVED else name for name in safe), safe_name(last)])
