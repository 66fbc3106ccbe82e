"""What sidecars say of products, where the ledger does not tell of it. A like among it sends nothing on: a person
approves that.

The ledger's last line counts; a sidecar's mark only where the ledger has no such line, and none that came later.
"""

from __future__ import annotations

from collections.abc import Iterator

from artfactoryd.core import strict_json
from artfactoryd.storage import dependencies
from artfactoryd.storage.index import Index

_OF_ORDER = "(SELECT {column} FROM orders o WHERE o.id = p.order_id)"
_BY_HAND = (  # nobody marked it by a command, and its sidecar says more than its order does
    "(p.mark IS NULL AND f.mark IS NULL AND (f.liked = 1 OR f.rating IS NOT NULL OR f.collections IS NOT NULL "
    f"OR f.tags IS NOT coalesce({_OF_ORDER.format(column='tags')}, f.tags) "
    f"OR f.notes IS NOT coalesce({_OF_ORDER.format(column='notes')}, f.notes)))"
)
_COUNTS = (
    "SELECT p.id, p.liked AS was_liked, p.found AS was_found, f.liked AS is_liked, f.tags AS own_tags, f.rating, "
    "f.notes, f.collections, f.mark FROM found f JOIN product p ON p.id = f.id AND p.path = f.path "
    "WHERE f.liked IS NOT NULL AND "
    "((f.mark > coalesce(p.mark, '') AND NOT EXISTS (SELECT 1 FROM marking m WHERE m.product = p.id AND m.id = f.mark))"
    f" OR {_BY_HAND})"
)
_SAYS = (
    "UPDATE product SET liked = ?, tags = ?, rating = ?, notes = ?, collections = ?, mark = ?, found = ?, "
    "unwritten = 0 WHERE id = ?"
)
_HERE = "FROM found f WHERE f.id = product.id AND f.path = product.path"


def take_in(index: Index) -> Iterator[str]:
    """Of the table `found`. In words what it came to."""
    for column, empty in (("tags", "[]"), ("notes", "")):  # of orders that nobody knows
        index.run(
            f"UPDATE product SET {column} = (SELECT nullif(f.{column}, ?) {_HERE}) "
            f"WHERE mark IS NULL AND EXISTS (SELECT 1 {_HERE} AND nullif(f.{column}, ?) IS NOT product.{column}) "
            "AND order_id NOT IN (SELECT id FROM orders)", empty, empty,
        )  # fmt: skip
    rows = index.rows(_COUNTS)
    found = [int(row["is_liked"] == 1 and not (row["was_liked"] and not row["was_found"])) for row in rows]
    called_off = [row["id"] for row in rows if row["was_liked"] and not row["is_liked"]]
    products = [product for name in called_off if (product := index.product(name)) is not None]
    values = [
        (row["is_liked"], row["own_tags"], row["rating"], row["notes"], _listed(row["collections"]), row["mark"] or "",
         is_found, row["id"])
        for row, is_found in zip(rows, found, strict=True)
    ]  # fmt: skip
    if values:
        index.add(_SAYS, values)
    for product in products:
        dependencies.call_off(index, product)
    index.run(
        f"UPDATE product SET unwritten = 0 WHERE unwritten = 1 AND EXISTS (SELECT 1 {_HERE} AND f.mark = product.mark)"
    )
    if rows:
        yield f"{len(rows)} products carry marks that the ledger does not tell of; they are taken from the shelf."
    yield from _waiting(index)


def _listed(collections: list[str] | None) -> str | None:
    return None if collections is None else strict_json.dumps(collections)


def _waiting(index: Index) -> Iterator[str]:
    sql = (
        "SELECT o.name, count(DISTINCT p.id) AS n FROM product p JOIN orders o ON o.id = p.order_id JOIN item i "
        "ON i.order_id = p.order_id AND i.parent = p.place AND i.parent_nth = p.nth AND i.waits = 2 "
        "AND i.state = 'planned' WHERE p.found = 1 AND p.liked = 1 GROUP BY o.id ORDER BY o.id"
    )
    for row in index.rows(sql):
        yield (
            f"{row['n']} products of {row['name']} are liked by what the shelf tells, and sent on only when you say "
            f"so: `approve {row['name']}`."
        )
