"""Which sidecars do not carry yet what was said of their products."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from artfactoryd.storage.index import Index
from artfactoryd.storage.rows import PRODUCTS, ProductRow


def unwritten(index: Index, most: int, but: Collection[str] = ()) -> list[ProductRow]:
    """`but`: ids of some that cannot be written just now."""
    sql = f"SELECT {PRODUCTS.select()} FROM product WHERE unwritten = 1 ORDER BY id DESC LIMIT ?"
    rows = index.all(PRODUCTS, sql, (most + len(but),))
    return [row for row in rows if row.id not in but][:most]


def remember(index: Index, marks: Sequence[tuple[str, str | None]]) -> None:
    """By product the mark that its sidecar carries; where another came meanwhile, that one is still to be written."""
    for product, mark in marks:
        index.run("UPDATE product SET unwritten = 0 WHERE id = ? AND mark IS ?", product, mark)


def marked(index: Index) -> list[ProductRow]:
    """All that somebody said something of."""
    return index.all(PRODUCTS, f"SELECT {PRODUCTS.select()} FROM product WHERE mark IS NOT NULL ORDER BY id")
