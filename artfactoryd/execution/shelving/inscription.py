"""What is written inside a product before it is placed: a second file, made from what its `result` line fixed, so that
a repeat after a kill gives the same bytes. What came stays as it is until it is settled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from artfactoryd.core import strict_json
from artfactoryd.core.inside.parameters_text import NEGATIVE, details, parameters_text
from artfactoryd.core.inside.xmp import Words
from artfactoryd.core.sidecar import SOFTWARE
from artfactoryd.core.slug import prompt_of
from artfactoryd.entries import bounded
from artfactoryd.execution.provenance import Provenance
from artfactoryd.execution.shelving.arrival import Arrival
from artfactoryd.execution.shelving.lineage import LOCAL, SKETCH, Lineage
from artfactoryd.home import Home
from artfactoryd.shelf.inside import LeftAlone
from artfactoryd.shelf.inside.embedding import MOST_BYTES, embedded
from artfactoryd.shelf.received import Fetched
from artfactoryd.shelf.staging import Staging
from artfactoryd.storage.index import Index
from artfactoryd.storage.rows import ItemRow, OrderRow

NONE, FULL = "none", "full"
TITLE = 80  # characters of a prompt
Facts = Mapping[str, Any]  # of the item, as its sidecar tells them


@dataclass(frozen=True, slots=True)
class Inscribed:
    """The file to be shelved. `level`: what is inside; `untouched`: why there is nothing, though it was asked for."""

    file: Fetched
    level: str = NONE
    untouched: str = ""

    def told(self) -> dict[str, str]:
        """In a sidecar."""
        said = {"embedded": self.level} if self.level != NONE else {}
        return {**said, **({"untouched": self.untouched} if self.untouched else {})}


class Inscription:
    def __init__(self, home: Home, index: Index, staging: Staging, provenance: Provenance) -> None:
        self._index, self._staging, self._provenance = index, staging, provenance
        self._lineage = Lineage(home, index)

    def inscribe(self, name: str, row: ItemRow, order: OrderRow, arrival: Arrival, facts: Facts) -> Inscribed:
        """`name`: under which it lies staged. Raises StorageFull."""
        level = arrival.chosen.embed
        if level == NONE or arrival.chosen.reused_from:
            return Inscribed(arrival.fetched)
        try:
            if arrival.media.fault or arrival.media.unopened:
                raise LeftAlone("It is damaged, and stays as it came.")
            if arrival.fetched.bytes > MOST_BYTES:
                raise LeftAlone(f"It is larger than {MOST_BYTES >> 20} MiB.")
            words, text = self._words(row, order, arrival, facts), self._text(row, order, arrival)
            data = bounded(arrival.fetched.path, MOST_BYTES) if arrival.content is None else arrival.content
            pieces = embedded(data, arrival.media.extension, text, words).pieces
        except LeftAlone as why:
            return Inscribed(arrival.fetched, untouched=str(why))
        return Inscribed(self._staging.embed(name, pieces), level)

    def _words(self, row: ItemRow, order: OrderRow, arrival: Arrival, facts: Facts) -> Words:
        about, model = self._provenance.about(row, order), facts["model"]
        version = f":{model['version']}" if model["version"] else ""
        chosen = arrival.chosen
        return Words(
            chosen.id, arrival.original_sha256, title=_title(about) or order.name, description=about,
            subjects=tuple(dict.fromkeys([order.project, *order.tags])), tool=_software(arrival),
            created_at=chosen.created_at, source_type=self._lineage.source_type(row, order),
            model=f"{_provider(row, order)}/{model['id']}{version}", seed="" if row.seed is None else str(row.seed),
            parameters=strict_json.dumps(row.generation) if chosen.embed == FULL else "",
        )  # fmt: skip

    def _text(self, row: ItemRow, order: OrderRow, arrival: Arrival) -> str:
        """Of whoever has the prompt that it was made by; empty where nobody has one."""
        maker = self._prompted(row, order)
        if maker is None:
            return ""
        model, negative = order.model_of(maker), maker.generation.get(NEGATIVE)
        size, software = (arrival.media.width, arrival.media.height), _software(arrival)
        if order.rehearsal:  # drawn here, whatever was ordered
            told = details({}, None, SKETCH, LOCAL, maker.seed, size, software)
        else:
            told = details(maker.generation, model, model.id, maker.provider, maker.seed, size, software)
        return parameters_text(
            prompt_of(maker.generation, model), negative if isinstance(negative, str) else "", told
        )  # fmt: skip

    def _prompted(self, row: ItemRow, order: OrderRow) -> ItemRow | None:
        """Itself, else what it was made from in the stages before."""
        if prompt_of(row.generation, order.model_of(row)):
            return row
        fed = self._index.fed_with(row)
        return self._prompted(fed[1], order) if fed else None


def _title(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= TITLE else f"{line[: TITLE - 1].rstrip()}…"


def _software(arrival: Arrival) -> str:
    return f"{SOFTWARE} {arrival.chosen.software}"


def _provider(row: ItemRow, order: OrderRow) -> str:
    """Who really made it."""
    return LOCAL if order.rehearsal else row.provider
