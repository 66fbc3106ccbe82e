"""What is done in place of buying: copy what an equal item made, or wait for one that is on its way.

What a person deleted or edited is never bought again silently: such an item ends, and `retry` buys it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import uuid_utils

from artfactoryd.core.expansion.stages import keeps
from artfactoryd.core.json_types import Json
from artfactoryd.core.line_values import Output
from artfactoryd.errors import OutputLost
from artfactoryd.execution.choosing import lettered
from artfactoryd.execution.queue import Queues
from artfactoryd.execution.recorder import Recorder
from artfactoryd.execution.rows import last_attempt, order_of
from artfactoryd.execution.single_flight import SingleFlight
from artfactoryd.home import Home
from artfactoryd.planning.accepted import plan_of
from artfactoryd.planning.equal_items import Made, Twin, Twins
from artfactoryd.shelf.reading import sidecar_for
from artfactoryd.shelf.staging import Staging
from artfactoryd.storage import dependencies, events
from artfactoryd.storage.index import Index
from artfactoryd.storage.rows import ItemRow, OrderRow, OutputRow

log = logging.getLogger(__name__)

SHELF = "shelf:"  # before the path of a product in an output's address
GONE, NEW = "gone", "new"
ROWS_AGAIN = 0.2  # seconds until it is seen again whether an order has all its rows
WORDS = (
    "It was bought before and since deleted or edited (what was only moved is found again by `artfactoryd reindex`), "
    "so it is not bought again silently."
)


class Reuse:
    def __init__(
        self, index: Index, single_flight: SingleFlight, queues: Queues, recorder: Recorder, home: Home,
        clock: Callable[[], datetime],
    ) -> None:  # fmt: skip
        self._index, self._single_flight, self._queues = index, single_flight, queues
        self._recorder, self._root, self._clock = recorder, home.root, clock
        self._staging, self._projects = Staging(home.work), home.projects
        self._twins = Twins(index, home.root)

    async def instead(self, row: ItemRow) -> ItemRow | None:
        """The item as it is then: delivering, failed, or planned and waiting. None: it is to be bought.

        From None on no equal item is bought until this one is put back.
        """
        key, me = row.key, row.item_key
        if key is None or (self._single_flight.claim(key, me) and not self._index.equal_items([key])):
            return None
        order = order_of(self._index, row)
        if not (await asyncio.to_thread(plan_of, order)).order.reuses:
            return None
        while self._single_flight.claim(key, me):
            twin = (await asyncio.to_thread(self._twins.of, [key])).get(key)
            if twin is None:
                return None
            if twin.made:
                if (copied := await self._copy(row, twin.made)) is not None:
                    return copied
            elif not twin.on_the_way:
                return await self._of_what_is_gone(row, order, twin)
            elif self._index.is_on_the_way(key):
                break
        return self._wait_for_equal(row, key)

    def _wait_for_equal(self, row: ItemRow, key: str) -> ItemRow:
        """It does not come again until an equal item has ended."""
        log.info("item %s of order %s waits for an equal one", row.number, row.order_id)
        self._single_flight.wait(key, row.item_key)
        self._queues[row.provider].wait(row)
        return row

    async def _copy(self, row: ItemRow, made: tuple[Made, ...]) -> ItemRow | None:
        """Ids and times are chosen here, as for a result; delivery does the rest. None: they are gone just now."""
        chosen = [self._chosen(row, one, address=SHELF + one.output.path) for one in made]
        try:
            if not made[0].output.shelved:
                await asyncio.to_thread(self._secure, chosen, made)
            return await self._record(row, made, chosen)
        except OutputLost:
            return None

    def _secure(self, chosen: Sequence[Output], made: Sequence[Made]) -> None:
        """Copied at once: what is not shelved goes when all that is made of it is safe. Raises OutputLost."""
        for copy, one in zip(chosen, made, strict=True):
            self._staging.copy(self._root / one.output.path, copy.id, one.output.sha256)
        self._staging.flush()

    def _chosen(self, row: ItemRow, made: Made, *, address: str, **known: Any) -> Output:
        now, output = self._clock().isoformat(timespec="milliseconds"), made.output
        return Output(
            str(uuid_utils.uuid7()), row.first_index + made.place, address, now, output.mime, reused_from=output.id,
            sha256=output.sha256, original_sha256=output.original_sha256, **known,
        )  # fmt: skip

    async def _record(self, row: ItemRow, made: tuple[Made, ...], chosen: list[Output]) -> ItemRow:
        """An attempt that buys nothing, with what was sent and returned for what is copied."""
        model, actual, returned = await asyncio.to_thread(self._sent, row, made[0].output)
        reuse = events.Reuse(
            order=row.order_id, item=row.number, attempt=str(uuid_utils.uuid7()), nth=row.attempts + 1,
            provider=row.provider, model=model, actual=actual, returned=returned,
            outputs=lettered(chosen, row.parent_nth),
        )  # fmt: skip
        return await self._recorder.advance(reuse)

    def _sent(self, row: ItemRow, output: OutputRow) -> tuple[str, Json, Json]:
        """For the item that made it: the model, what was sent and what was returned. By its attempt, where it is
        known; else by its sidecar. What was not kept has none, and is told by `row`, which equals it. Raises
        OutputLost."""
        maker = self._index.item(output.order_id, output.number)
        if maker is not None and maker.attempt:
            before = last_attempt(self._index, maker)
            return before.model, before.actual, before.returned or {}
        if not output.shelved:
            return order_of(self._index, row).model_of(row).id, row.generation, {}
        try:
            sidecar = sidecar_for(self._root / output.path, self._projects)
            sent, seconds = sidecar["parameters"], sidecar["timings"]["seconds"]
            return sidecar["model"]["id"], sent["actual"], {"parameters": sent["returned"], "seconds": seconds}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise OutputLost(f"The sidecar of {output.path} cannot be read.") from error

    async def _of_what_is_gone(self, row: ItemRow, order: OrderRow, twin: Twin) -> ItemRow | None:
        """What was not kept need not be there when all that is made of it is."""
        fates = {GONE} if twin.gone else {NEW}
        if twin.spent and not keeps(plan_of(order).order, row.stage):
            if order.expanded_items < order.total_items:  # what is made of it is not known yet
                self._queues[row.provider].rest(row.item_key, ROWS_AGAIN)
                return row
            contents = {row.first_index + output: content for output, content in twin.contents}
            fates = set(await asyncio.to_thread(list, self._fates(order, contents)))
        if GONE in fates and row.upper and not (row.buy_again or order.buy_again):
            return await self.bury(row)
        return None if fates else await self._send_on(row, twin.spent)

    def _fates(self, order: OrderRow, contents: Mapping[int, str]) -> Iterator[str]:
        """Why what is made of these (SHA-256 by place in the order) is not made already; nothing where it is."""
        for nth, content in contents.items():
            for item in self._index.made_of(order.id, nth):
                yield from self._fate(order, item, content)

    def _fate(self, order: OrderRow, item: ItemRow, content: str) -> Iterator[str]:
        key = dependencies.key_fed(order, item, content)
        twin = self._twins.of([key]).get(key, Twin())
        if twin.spent and not keeps(plan_of(order).order, item.stage):
            contents = {item.first_index + output: sha256 for output, sha256 in twin.contents}
            yield from self._fates(order, contents)
        elif not twin.made:
            yield GONE if twin.gone and item.upper else NEW

    async def _send_on(self, row: ItemRow, made: tuple[Made, ...]) -> ItemRow:
        """What it is known by, without the bytes: all that is made of it is on the shelf."""
        chosen = [
            self._chosen(
                row, one, address="", path=one.output.path, bytes=one.output.bytes, width=one.output.width,
                height=one.output.height,
            )
            for one in made
        ]  # fmt: skip
        return await self._record(row, made, chosen)

    async def bury(self, row: ItemRow) -> ItemRow:
        """It ends: what it equals was bought and is gone. Only a person's word buys it again."""
        words = f"{WORDS} `retry {row.order_id[:13]}` buys it."
        tombstone = events.Tombstone(order=row.order_id, item=row.number, attempt=row.attempt, reason=words)
        return await self._recorder.advance(tombstone)
