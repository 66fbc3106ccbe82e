"""What the index says of the shelf: which products lie in a folder, each file as it was looked at last. Only reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from artfactoryd.core import strict_json
from artfactoryd.core.noticing.changes import Known
from artfactoryd.storage.index import Index

EDITED, OTHER, COPY = "edited", "other", "copy:"  # in `lying.what`; empty for a product as it was made
TOP = "Projects"
_STATE = "LEFT JOIN shelf_state s ON s.product = p.id"
_KNOWN = f"SELECT p.id, p.path, p.bytes, p.sha256, s.edited, s.missing, s.gone FROM product p {_STATE}"
_SHELVED = (
    "SELECT p.id, p.path, p.bytes, p.sha256, s.edited, s.missing, s.gone, l.bytes AS then_bytes, l.changed, "
    f"l.what, p.created_at FROM product p {_STATE} LEFT JOIN lying l ON l.path = p.path"
)
_DIRECT = "{path} > ? AND {path} < ? AND instr(substr({path}, ?), '/') = 0"
_FOLDER = "rtrim(path, replace(path, '/', ''))"


class Looked(NamedTuple):
    """A file, as it was then."""

    bytes: int
    changed: int
    what: str


@dataclass(frozen=True, slots=True)
class Shelved:
    """A product with its place as it was looked at last; None: never."""

    product: Known
    looked: Looked | None
    created_at: str


class Folder(NamedTuple):
    """`products`: of each its id, its path, size and ctime as it was looked at last, and 1 where it lay there as it was
    made. `others`: files that are no products, by their paths."""

    products: Sequence[tuple[str, str, int | None, int | None, int]]
    others: Mapping[str, Looked]


def in_folder(index: Index, folder: str) -> Folder:
    """What lies directly in it."""
    values = (f"{folder}/", f"{folder}0", len(folder) + 2)
    sql = (
        "SELECT p.id, p.path, l.bytes, l.changed, s.product IS NULL AND l.what = '' FROM product p "
        f"{_STATE} LEFT JOIN lying l ON l.path = p.path WHERE {_DIRECT.format(path='p.path')}"
    )
    products = index.tuples(sql, values)
    sql = f"SELECT path, bytes, changed, what FROM lying WHERE {_DIRECT.format(path='path')} AND what <> ''"
    rows = index.rows(sql, values)
    others = {row["path"]: Looked(row["bytes"], row["changed"], row["what"]) for row in rows if row["what"] != EDITED}
    return Folder(products, others)


def _shelved(row: Mapping[str, object]) -> Shelved:
    looked = None if row["changed"] is None else Looked(row["then_bytes"], row["changed"], row["what"])  # type: ignore[arg-type]
    return Shelved(_known(row), looked, str(row["created_at"]))


def _known(row: Mapping[str, object]) -> Known:
    return Known(
        str(row["id"]), str(row["path"]), int(row["bytes"]), str(row["sha256"]), bool(row["edited"]),  # type: ignore[call-overload]
        None if row["missing"] is None else str(row["missing"]), bool(row["gone"]),
    )  # fmt: skip


def below(index: Index, folder: str) -> list[Known]:
    """All that are known to lie in it, at any depth."""
    return [
        _known(row) for row in index.rows(f"{_KNOWN} WHERE p.path > ? AND p.path < ?", (f"{folder}/", f"{folder}0"))
    ]


def count(index: Index) -> int:
    """How many lie in those folders. Asked before `folders`, which takes as long as all the rest for many."""
    sql = "SELECT count(*) FROM product WHERE path > ? AND path < ? AND instr(path, '/.') = 0"
    row = index.first(sql, (f"{TOP}/", f"{TOP}0"))
    return int(row[0]) if row else 0


def folders(index: Index) -> set[str]:
    """Those in which products are known to lie, but for hidden ones."""
    sql = f"SELECT DISTINCT {_FOLDER} AS folder FROM product WHERE path > ? AND path < ?"
    rows = index.rows(sql, (f"{TOP}/", f"{TOP}0"))
    return {row["folder"][:-1] for row in rows if "/." not in row["folder"]}


def by_id(index: Index, products: Iterable[str]) -> dict[str, Shelved]:
    wanted = strict_json.dumps(sorted(set(products)))
    rows = index.rows(f"{_SHELVED} WHERE p.id IN (SELECT value FROM json_each(?))", (wanted,))
    return {row["id"]: _shelved(row) for row in rows}


def by_bytes(index: Index, digests: Iterable[str]) -> tuple[dict[str, list[str]], dict[str, Known]]:
    """Ids by the SHA-256 of what was made, or of what came; and what they are."""
    wanted = strict_json.dumps(sorted(set(digests) - {""}))
    alike, products = dict[str, list[str]](), dict[str, Known]()
    for column in ("sha256", "original_sha256"):
        sql = _KNOWN.replace("SELECT ", f"SELECT p.{column} AS digest, ", 1)
        for row in index.rows(f"{sql} WHERE p.{column} IN (SELECT value FROM json_each(?)) ORDER BY p.id", (wanted,)):
            products[row["id"]] = _known(row)
            if row["id"] not in (ids := alike.setdefault(row["digest"], [])):
                ids.append(row["id"])
    return alike, products


def on_their_way(index: Index) -> set[str]:
    """Ids of what is being laid onto the shelf, or taken to the bin of the shelf and back."""
    moving = {row["product"] for row in index.rows("SELECT product FROM moving")}
    return moving | {chosen.id for row in index.resumable_items() for chosen in row.chosen}


def copies(index: Index, products: Iterable[str]) -> list[str]:
    """Paths of the copies that were seen of these."""
    wanted = strict_json.dumps([f"{COPY}{product}" for product in products])
    rows = index.rows(
        "SELECT path FROM lying WHERE what IN (SELECT value FROM json_each(?)) AND what > 'copy:'", (wanted,)
    )
    return [row["path"] for row in rows]


def missing(index: Index) -> list[Known]:
    """Those that are not known to be gone."""
    return [_known(row) for row in index.rows(f"{_KNOWN} WHERE s.missing IS NOT NULL AND s.gone = 0")]


def order_folders(index: Index) -> dict[str, str]:
    """Ids of orders by their folders."""
    return {row["folder"]: row["id"] for row in index.rows("SELECT folder, id FROM orders WHERE folder IS NOT NULL")}
