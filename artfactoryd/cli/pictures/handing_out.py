"""Products handed out of the shelf one by one, on all cores: named, copied or made anew, and told in the manifest."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from artfactoryd import durable, entries
from artfactoryd.core import file_names, strict_json
from artfactoryd.core.foreign.card import IMPORTED
from artfactoryd.core.inside.parameters_text import NEGATIVE, details, parameters_text
from artfactoryd.core.json_types import Json, Value
from artfactoryd.core.sidecar import SOFTWARE
from artfactoryd.core.slug import slug
from artfactoryd.entries import bounded
from artfactoryd.errors import ArtFactoryError, NoSuchProduct, StorageFull
from artfactoryd.factories.local import images
from artfactoryd.home import Home
from artfactoryd.medium import NO_ROOM, in_words
from artfactoryd.reporting.products import COLUMNS, FoundDocument, cells, product_document
from artfactoryd.shelf import media, reading
from artfactoryd.shelf.exporting.bare import bare
from artfactoryd.shelf.exporting.folder import FILE, ID, MADE_AS, Folder
from artfactoryd.shelf.inside import LeftAlone, marking
from artfactoryd.shelf.inside.merging import Marks
from artfactoryd.shelf.sidecars import CARD
from artfactoryd.storage.index import Index
from artfactoryd.storage.lists import search

MOST_BARE = 1 << 30  # bytes of a file from which words are taken out: it is in memory meanwhile
METADATA = ("none", "minimal", "full")
NONE, MINIMAL, FULL = METADATA
OF_FILE = ("sha256", "bytes", "mime", "width", "height")  # columns that tell of the file, as it lies there
OWN_FIELDS = ("name", "number", "rating")  # of names, beside those of an order
CHUNK = 500  # products read at once
AT_ONCE = 4  # for each core
PICTURES = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif", "image/avif"})  # that can be encoded anew


@dataclass(frozen=True, slots=True)
class Wish:
    """`pattern`: of names; None: as they are called on the shelf."""

    extension: str | None = None
    longest: int | None = None
    quality: int = 92
    pattern: str | None = None
    metadata: str = MINIMAL

    @property
    def made_as(self) -> str:
        """In words, for the manifest: the same wish is the same words."""
        size = f"at most {self.longest}" if self.longest else ""
        quality = f"quality {self.quality}" if self.extension in ("jpg", "webp") or self.longest else ""
        return ", ".join(filter(None, [self.extension, size, quality, f"metadata {self.metadata}"]))


class HandedOut(NamedTuple):
    """`unstripped`: words are left in it that were to go; `unmarked`: its rating and tags are not in it. `alone`: its
    sidecar is missing. `lies`: columns of the manifest, of the file as it is."""

    name: str
    unstripped: bool
    unmarked: bool
    alone: bool
    lies: Mapping[str, str]


class HandingOut:
    """`failed`: id, path and why, of those that did not go."""

    def __init__(self, home: Home, index: Index, folder: Path, wish: Wish, megapixels: float) -> None:
        self._home, self._index, self._wish, self._megapixels = home, index, wish, megapixels
        self._folder = Folder(folder, (FILE, MADE_AS, *(name for name in COLUMNS if name != "on_shelf")))
        self.exported = self.there_already = self.unstripped = self.unmarked = self.alone = self.files = 0
        self.failed: list[tuple[str, str, str]] = []

    def run(self, ids: Sequence[str], tell: Callable[[int], None]) -> None:
        """In this order; some at the same time."""
        most, ends = AT_ONCE * (os.cpu_count() or 1), dict[Future[HandedOut], FoundDocument]()
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            for number, document in self._documents(ids):
                tell(number)
                if self._is_there(document):
                    continue
                ends[threads.submit(self._hand_out, document, number)] = document
                if len(ends) >= most:
                    self._take_note(ends)
            while ends:
                self._take_note(ends)
        self._folder.finish()
        self.files = self.exported + self.there_already + 1

    def _documents(self, ids: Sequence[str]) -> Iterator[tuple[int, FoundDocument]]:
        for first in range(0, len(ids), CHUNK):
            rows = search.of_ids(self._index, ids[first : first + CHUNK])
            yield from enumerate((product_document(row, self._home.root) for row in rows), first + 1)

    def _is_there(self, document: FoundDocument) -> bool:
        """What is said of it is written down again: marks may have changed."""
        made_as = self._wish.made_as
        if not self._folder.done(document.id, made_as):
            return False
        row = self._folder.row(document.id, made_as)
        lies = {name: row[name] for name in OF_FILE if name in row}
        self._folder.note({**row, **cells(document), **lies})
        self.there_already += 1
        return True

    def _take_note(self, ends: dict[Future[HandedOut], FoundDocument]) -> None:
        for end in wait(ends, return_when=FIRST_COMPLETED).done:
            document = ends.pop(end)
            try:
                name, unstripped, unmarked, alone, lies = end.result()
            except ArtFactoryError as error:
                self.failed.append((document.id, document.path, str(error)))
            except OSError as error:
                if error.errno in NO_ROOM:
                    raise StorageFull(in_words(error)) from error
                self.failed.append((document.id, document.path, in_words(error)))
            else:
                self.exported, self.unstripped = self.exported + 1, self.unstripped + unstripped
                self.unmarked, self.alone = self.unmarked + unmarked, self.alone + alone
                row = {FILE: name, MADE_AS: self._wish.made_as, ID: document.id}
                self._folder.note({**cells(document), **lies, **row})

    # --- one of them, in a thread of its own ---

    def _hand_out(self, document: FoundDocument, number: int) -> HandedOut:
        source = self._home.root / document.path
        if not stat.S_ISREG(source.lstat().st_mode):  # a link may lead to what nobody wants to give away
            raise NoSuchProduct("A link, a folder or a device lies in its place by now. It was left out.")
        card = self._card(source)
        extension = self._wish.extension if document.mime in PICTURES else None
        name = self._name(document, card, number, extension or source.suffix.lstrip("."))
        content, is_unmarked = self._content(source, document, card)
        name = self._folder.put(name, lambda arriving: _write(source, content, arriving))
        if self._wish.metadata == FULL and card is not None:
            marks = {"liked": document.liked, "rating": document.rating, "tags": list(document.tags)}
            durable.write_new(self._folder.path / f"{name}{CARD}", strict_json.document({**card, **marks}))
        is_unstripped, is_alone = (
            self._wish.metadata == NONE and content is None,
            self._wish.metadata == FULL and not card,
        )
        return HandedOut(name, is_unstripped, is_unmarked, is_alone, self._lies(name, document))

    def _lies(self, name: str, document: FoundDocument) -> dict[str, str]:
        """What is said of the file there, where it has other bytes than the product was made with."""
        path = self._folder.path / name
        sha256 = entries.sha256(path)
        if sha256 == document.sha256:
            return {}
        seen = media.examine(path)
        told = {"sha256": sha256, "bytes": path.stat().st_size, "mime": seen.mime}
        return {key: str(value or "") for key, value in {**told, "width": seen.width, "height": seen.height}.items()}

    def _card(self, source: Path) -> Json | None:
        with suppress(OSError, ValueError):
            return reading.sidecar_for(source, self._home.projects)
        return None

    def _content(self, source: Path, document: FoundDocument, card: Json | None) -> tuple[bytes | None, bool]:
        """What is made of it, None: it goes as it is; and whether it has marks that could not be put into it."""
        wish, strip = self._wish, self._wish.metadata == NONE
        made: bytes | None = None
        if document.mime in PICTURES and (wish.extension or wish.longest) and not self._fits(source):
            made = _encoded(source, wish, None if strip else _told(document, card or {}))
        elif strip:
            data = bounded(source, MOST_BARE)
            made = None if len(data) > MOST_BARE else bare(data)
        return (made, False) if strip else _with_marks(source, made, document)

    def _fits(self, source: Path) -> bool:
        """It has the format and the size already. Raises OSError for what is too large to be opened."""
        seen = media.examine(source)
        sides = (seen.width or 0, seen.height or 0)
        if sides[0] * sides[1] > self._megapixels * 1_000_000:
            raise OSError(f"It has more than {self._megapixels:g} megapixels (limits.megapixels).")
        wish = self._wish
        return wish.extension in (None, seen.extension) and not (wish.longest and max(sides) > wish.longest)

    def _name(self, document: FoundDocument, card: Json | None, number: int, extension: str) -> str:
        path = Path(document.path)
        if self._wish.pattern is None:
            return f"{path.stem}.{extension}"
        return file_names.name(self._wish.pattern, _values(document, card or {}, number, path.stem, extension))


def _with_marks(source: Path, made: bytes | None, document: FoundDocument) -> tuple[bytes | None, bool]:
    """Rating and tags inside, as they are now; as it was, and True, where they cannot be written into it."""
    is_theirs = document.provider == IMPORTED  # what was in it was taken over, and may have been taken away since
    marks = Marks(document.rating, tuple(document.tags), alone=is_theirs, project=document.project or "")
    has_marks = marks.rating is not None or bool(marks.tags)
    if not (has_marks or (is_theirs and document.mime in PICTURES)):
        return made, False
    data = bounded(source, MOST_BARE) if made is None else made
    try:
        with_marks = marking.marked(data, marks) if len(data) <= MOST_BARE else None
    except (LeftAlone, IndexError, ValueError):  # of a damaged one too
        with_marks = None
    return (made, has_marks) if with_marks is None else (made if with_marks == data else with_marks, False)


def _write(source: Path, content: bytes | None, arriving: Path) -> None:
    if content is None:
        durable.copy(source, arriving)
    else:
        durable.create(arriving, content)


def _told(document: FoundDocument, card: Json) -> str:
    """How it was made, as tools of the field read it; empty where nobody knows."""
    generation, model = (card.get("parameters") or {}).get("generation") or {}, document.model
    if not document.prompt or model is None:
        return ""
    negative = generation.get(NEGATIVE)
    told = details(
        generation, None, model, document.provider or "", document.seed, (document.width, document.height), SOFTWARE
    )
    return parameters_text(document.prompt, negative if isinstance(negative, str) else "", told)


def _encoded(source: Path, wish: Wish, told: str | None) -> bytes:
    """Raises OSError, also for what cannot be decoded or is too large for the format."""
    try:
        return images.handed_out(source, wish.extension, wish.longest, wish.quality, told).data
    except OSError:
        raise
    except images.DoesNotFit as error:
        raise OSError(f"{error}.") from error
    except Exception as error:  # a decoder of damaged bytes fails with errors of every type
        raise OSError(f"It cannot be decoded ({type(error).__name__}).") from error


def _values(document: FoundDocument, card: Json, number: int, stem: str, extension: str) -> dict[str, Value]:
    """What a pattern may name: of the order and the item as the sidecar has them, of the file, and of this export."""
    item: dict[str, Any] = card.get("item") or {}
    made = datetime.fromisoformat(document.created_at).astimezone()
    came = (card.get("file") or {}).get("original_sha256") or document.sha256  # as in its own name
    tokens = item.get("tokens") or ()
    columns = {
        token["token"]: file_names.AsWritten(token["value"]) for token in tokens
        if token.get("parameter") == file_names.FIELD
    }  # fmt: skip
    return {
        **((card.get("parameters") or {}).get("generation") or {}), **file_names.of_inputs(card.get("inputs") or ()),
        **columns,
        "slug": slug(document.prompt or stem), "model": (document.model or "").rpartition("/")[2],
        "family": (card.get("model") or {}).get("family"), "provider": document.provider, "stage": card.get("stage"),
        **file_names.of_order(document.order or "", document.project or "", document.order_id, made),
        **file_names.of_bytes(document.index, item.get("copy") or 0, document.seed, came, extension),
        "width": document.width, "height": document.height, "product_id": document.id,
        "name": file_names.AsWritten(stem), "number": number, "rating": document.rating,
    }  # fmt: skip
