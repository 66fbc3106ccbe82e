"""What an index that is made again knew of the shelf already, so that only what is new is told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from artfactoryd.core import strict_json
from artfactoryd.errors import ArtFactoryError
from artfactoryd.storage.database import DatabaseError
from artfactoryd.storage.index import Index


class Move(NamedTuple):
    """`is_new`: the index before did not know it."""

    id: str
    old: str
    path: str
    is_new: bool


class Before:
    """`missing`, `edited`: paths of products."""

    def __init__(self, old: Path) -> None:
        self._old, self.missing, self.edited = old, set[str](), set[str]()
        for row in self._rows(
            "SELECT p.path, s.edited, s.missing FROM shelf_state s JOIN product p ON p.id = s.product"
        ):  # fmt: skip
            (self.missing if row["missing"] else self.edited).add(str(row["path"]))

    def moves(self, index: Index) -> Iterator[Move]:
        """Of what was found (in the table `found`) elsewhere than the ledger has it: to where it was known to lie, else
        to the first place, where it lies nowhere else."""
        sql = (
            "SELECT p.id, p.path AS old, f.path, EXISTS (SELECT 1 FROM found g WHERE g.id = p.id AND g.path = p.path) "
            "AS is_there FROM product p JOIN found f ON f.id = p.id WHERE f.path <> p.path ORDER BY f.path"
        )
        elsewhere = defaultdict[tuple[str, str, bool], list[str]](list)
        for row in index.rows(sql):
            elsewhere[row["id"], row["old"], bool(row["is_there"])].append(row["path"])
        then = self.paths(id for id, _, _ in elsewhere)
        for (id, old, is_there), paths in elsewhere.items():
            known = then.get(id)
            if known in paths:
                yield Move(id, old, str(known), is_new=False)
            elif not is_there:
                yield Move(id, old, paths[0], is_new=True)

    def paths(self, products: Iterable[str]) -> dict[str, str]:
        """By id."""
        wanted = strict_json.dumps(list(products))
        sql = "SELECT id, path FROM product WHERE id IN (SELECT value FROM json_each(?))"
        return {str(row["id"]): str(row["path"]) for row in self._rows(sql, wanted)}

    def _rows(self, sql: str, *values: object) -> list[dict[str, object]]:
        """None of an index that is lost, damaged or older."""
        try:
            old = Index.if_made(self._old)
            if old is None:
                return []
            with closing(old):
                return old.rows(sql, values)
        except (ArtFactoryError, DatabaseError, OSError):
            return []
