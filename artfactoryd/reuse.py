"""What is done in place of buying: copy what an equal item made, or wait for one that is on its way.

What a person deleted or edited is never bought again silently: such an item ends, and `retry` buys it.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import uuid_utils

from artfactoryd.home import Home
from artfactoryd.shelf import card_of, read_sidecar
from artfactoryd.study import plan_of
from artfactoryd.twins import Twins
from artfactoryd.workbench import Workbench

log = logging.getLogger(__name__)

Row = dict[str, Any]
SHELF = "shelf:"  # before the place of a product in an output's address
WORDS = (
    "It was bought before and since deleted or edited (what was only moved is found again by `artfactoryd reindex`), "
    "so it is not bought again silently."
)


class Reuse:
    def __init__(self, bench: Workbench, home: Home) -> None:
        self._bench, self._root = bench, home.root
        self._twins = Twins(bench.books.index, home.root)

    async def instead(self, row: Row) -> Row | None:
        """The item as it is then: delivering, failed, or planned and waiting. None: it is to be bought.

        From None on no equal item is bought until this one is put back.
        """
        key, me = row["key"], (row["order_id"], row["number"])
        if key is None or (self._bench.claim(key, me) and not self._bench.books.index.twins([key])):
            return None
        order = self._bench.order(row)
        if not (await asyncio.to_thread(plan_of, order)).order.reuses:
            return None
        while self._bench.claim(key, me):
            twin = (await asyncio.to_thread(self._twins.of, [key])).get(key)
            if twin is None:
                return None
            if twin.made:
                return await self._copy(row, twin.made)
            if twin.on_the_way:
                if self._bench.books.index.is_on_the_way(key):
                    break
            elif twin.gone and row["upper"] and not (row["buy_again"] or order["buy_again"]):
                return await self.bury(row)
            else:
                return None
        log.info("item %s of order %s waits for an equal one", row["number"], row["order_id"])
        self._bench.wait_for(key, row)
        return row

    async def _copy(self, row: Row, products: tuple[Row, ...]) -> Row:
        """Ids and times are chosen here, as for a result; delivery does the rest."""
        made = self._bench.fresh(products[0])
        attempt = self._bench.books.index.attempt(made["attempt"])
        assert attempt is not None
        now = self._bench.clock().isoformat(timespec="milliseconds")
        chosen = [
            {"id": str(uuid_utils.uuid7()), "index": row["first_index"] + each["output"],
             "address": SHELF + each["path"], "mime": each["mime"], "created_at": now, "reused_from": each["id"],
             "sha256": each["sha256"], "original_sha256": await asyncio.to_thread(self._original, each)}
            for each in products
        ]  # fmt: skip
        row |= {"attempt": str(uuid_utils.uuid7()), "attempts": row["attempts"] + 1, "outputs": chosen}
        return await self._bench.record(
            row, "reuse", nth=row["attempts"], provider=row["provider"], model=attempt["model"],
            actual=attempt["actual"], returned=attempt["returned"] or {}, outputs=chosen,
        )  # fmt: skip

    def _original(self, product: Row) -> str:
        """Of the provider's bytes, as the sidecar has it; what was put in the file afterwards does not count."""
        try:
            return str(read_sidecar(card_of(self._root / product["path"]))["file"]["original_sha256"])
        except (OSError, ValueError, KeyError, TypeError):
            return str(product["sha256"])

    async def bury(self, row: Row) -> Row:
        """It ends: what it equals was bought and is gone. Only a person's word buys it again."""
        words = f"{WORDS} `retry {row['order_id'][:13]}` buys it."
        return await self._bench.record(row, "tombstone", reason=words)
