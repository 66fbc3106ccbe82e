"""What is chosen for each output when the provider has ended an item, once: id, place and time, so that a redo files
the same. What lies in the answer itself goes to a file first: ledger and index hold its hash, never its bytes."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import uuid_utils

from artfactoryd import __version__, factories
from artfactoryd.core import letters
from artfactoryd.core.line_values import Output
from artfactoryd.errors import OutputBad, StorageFull
from artfactoryd.execution.pacing import machine
from artfactoryd.execution.recorder import Recorder
from artfactoryd.live_settings import LiveSettings
from artfactoryd.shelf.fetch import Fetcher
from artfactoryd.shelf.staging import INLINE, Staging
from artfactoryd.storage.rows import ItemRow

log = logging.getLogger(__name__)

NOTHING = "none"  # is written inside it
SHOWN = 200  # characters of an answer in a sentence
LONGEST = 10_000  # characters of a text that the provider returned
NO_BOUND = 1 << 62  # it is here already: the bound of the settings is kept when it is delivered


class Choosing:
    def __init__(
        self, staging: Staging, fetcher: Fetcher, recorder: Recorder, settings: LiveSettings,
        clock: Callable[[], datetime],
    ) -> None:  # fmt: skip
        self._staging, self._fetcher, self._recorder, self._clock = staging, fetcher, recorder, clock
        self._settings = settings

    async def choose(self, row: ItemRow, outputs: factories.Outputs, sent: Any) -> list[Output]:
        """What was asked for takes the item's places; what came beside or above that shares the last one. An address
        that was sent and comes back is no output, unless nothing else came."""
        now = self._clock().isoformat(timespec="milliseconds")
        echoes = set(_texts(sent))
        came = [output for output in outputs.outputs if output.address not in echoes] or list(outputs.outputs)
        if all(output.byproduct for output in came):
            came = [replace(output, byproduct=False) for output in came]
        came.sort(key=lambda output: output.byproduct)
        asked = sum(not output.byproduct for output in came)
        places = [min(nth, asked - 1, row.asked - 1) for nth in range(len(came))]
        chosen = [
            await self._one(row, row.first_index + place, output, now)
            for place, output in zip(places, came, strict=True)
        ]
        return lettered(chosen, row.parent_nth)

    async def _one(self, row: ItemRow, index: int, output: factories.Output, now: str) -> Output:
        product, address = str(uuid_utils.uuid7()), output.address
        if address[:5].lower() == "data:":
            address = await self._unpack(row, product, address)
        embed = self._settings.now.products.embed
        return Output(
            product, index, address, now, output.mime, byproduct=output.byproduct, flagged=output.flagged, embed=embed,
            software="" if embed == NOTHING else __version__,
        )  # fmt: skip

    async def _unpack(self, row: ItemRow, product: str, address: str) -> str:
        """Its bytes staged, durable; what names them. However long the disk takes to have room."""
        told = ""
        while True:
            try:
                part = await self._fetcher.fetch(address, self._staging.half(product), most_bytes=NO_BOUND)
                await asyncio.to_thread(self._staging.take, part, product)
                await asyncio.to_thread(self._staging.flush)
                return f"{INLINE}{part.sha256}"
            except OutputBad as error:
                log.error("an output of item %s that came with the answer is empty: %s", row.number, error)
                return f"{INLINE}{hashlib.sha256().hexdigest()}"
            except StorageFull as error:
                if str(error) != told:
                    log.error("what came with an answer waits for room: %s", error)
                told = str(error)
                await self._recorder.note(row, str(error))
            await asyncio.sleep(machine.ROOM_AGAIN)


def lettered(chosen: Sequence[Output], parent: int) -> list[Output]:
    """Those at a place after its first get a letter each, which their names show; `parent`: which they are made of."""
    counts: Counter[int] = Counter()
    outputs = []
    for output in chosen:
        outputs.append(replace(output, letter=letters.within(parent, counts[output.index])))
        counts[output.index] += 1
    return outputs


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list | tuple):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)


def shown(answer: str) -> str:
    """As much of an answer as a sentence holds."""
    line = " ".join(answer.split())
    return line if len(line) <= SHOWN else f"{line[:SHOWN]}…"


def bounded(value: Any) -> Any:
    """What the provider says it used, with each overlong text (a picture, written out) replaced by its hash."""
    if isinstance(value, str) and len(value) > LONGEST:
        return f"sha256:{hashlib.sha256(value.encode('utf-8', 'replace')).hexdigest()} ({len(value)} characters)"
    if isinstance(value, dict):
        return {name: bounded(part) for name, part in value.items()}
    return [bounded(part) for part in value] if isinstance(value, list | tuple) else value
