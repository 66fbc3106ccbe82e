"""What was imported while the index was made again goes with it: no line of the ledger tells of it."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from pathlib import Path

from artfactoryd.core.foreign.card import Marks, card, product_id
from artfactoryd.core.foreign.told import Told
from artfactoryd.storage import derived
from artfactoryd.storage.index import Index
from artfactoryd.storage.lists import search
from artfactoryd.storage.writing import exchange


def test_what_was_imported_meanwhile_is_in_the_new_index(tmp_path: Path) -> None:
    digest = "ab" * 32
    file = {
        "name": "a.png", "index": 1, "sha256": digest, "original_sha256": digest, "bytes": 9, "mime": "image/png",
        "width": 8, "height": 8, "duration": None,
    }  # fmt: skip
    sidecar = card(
        id=product_id(digest, datetime(2023, 1, 2, tzinfo=UTC)), file=file, kind="image",
        created_at="2023-01-02T00:00:00.000Z", project="p", told=Told("a1111", {"prompt": "a red fox"}, "m"),
        marks=Marks(4, ["sea"]), origin={"tool": "a1111"}, parents=[], software="1",
    )  # fmt: skip
    with contextlib.closing(Index.open(tmp_path / "old.sqlite3")) as old:
        for _ in range(2):
            derived.take_in(old, [(sidecar, "Projects/p/a.png")])
    with contextlib.closing(Index.open(tmp_path / "new.sqlite3")) as new:
        exchange.carry_over(tmp_path / "old.sqlite3", new)
        for query in ("fox", "prompt:fox rating:4 tag:sea", "model:m is:imported", "project:p date:2023"):
            assert [row.product.id for row in search.find(new, query)] == [sidecar["id"]], query
