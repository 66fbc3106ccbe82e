"""Products found by a query: what each of its terms asks of the index, newest first, page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches

from artfactoryd.core.json_types import Document, Json
from artfactoryd.core.query import QueryWrong, Term, read_query
from artfactoryd.storage.index import ITEM_MODEL, Index
from artfactoryd.storage.rows import PRODUCTS, ProductRow

Condition = tuple[str, list[object]]
PAGE = 500
NOT_YET = frozenset({"rating", "collection"})
NUMBERS = {
    "width": "p.width", "height": "p.height", "bytes": "p.bytes", "index": "p.place", "item": "p.number",
    "seed": "i.seed", "copy": "i.copy",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class FoundProduct:
    """A product with what its order and item say of it; of one whose order is not known here, nothing."""

    product: ProductRow
    order_name: str | None
    project: str | None
    model: Json | None
    generation: Json | None
    seed: int | None
    provider: str | None


def find(index: Index, query: str, most: int | None = None) -> Iterator[FoundProduct]:
    """Newest first. Raises QueryWrong before the first."""
    terms = read_query(query)
    condition, values = _all_of(query, terms)
    return _pages(index, condition, values, most)


def unknown_names(index: Index, query: str) -> dict[str, str]:
    """Parameters asked for that no product has, each with the nearest name there is; empty where none is near."""
    asked = {term.key for term in read_query(query) if term.key.lower() not in {"", *_KINDS, *NUMBERS, *NOT_YET}}
    have = "SELECT 1 FROM item WHERE json_type(generation, ?) IS NOT NULL LIMIT 1"
    unknown = sorted(name for name in asked if not index.rows(have, (_path(name),)))
    if not unknown:
        return {}
    rows = index.rows("SELECT DISTINCT e.key AS name FROM item i, json_each(i.generation) e")
    known = [*(row["name"] for row in rows), *NUMBERS, *_KINDS]
    return {name: next(iter(get_close_matches(name, known, 1)), "") for name in unknown}


def _pages(index: Index, condition: str, values: Sequence[object], most: int | None) -> Iterator[FoundProduct]:
    """Each page goes on behind the last id of the one before, so a long answer is never held at once."""
    before, left = "~", most
    while left is None or left > 0:
        size = PAGE if left is None else min(PAGE, left)
        page = _page(index, condition, values, before, size)
        yield from page
        if len(page) < size:
            return
        before, left = page[-1].product.id, None if left is None else left - size


def _page(index: Index, condition: str, values: Sequence[object], before: str, most: int) -> list[FoundProduct]:
    """Those older than the id `before`; `condition`: of p product, i item, o orders."""
    sql = (
        f"SELECT {PRODUCTS.select('p')}, o.name AS order_name, o.project, {ITEM_MODEL} AS model, i.generation, "
        "i.seed, i.provider FROM product p LEFT JOIN orders o ON o.id = p.order_id "
        "LEFT JOIN item i ON i.order_id = p.order_id "
        f"AND i.number = p.number WHERE p.id < ? AND {condition} ORDER BY p.id DESC LIMIT ?"
    )
    return [_found_product(row) for row in index.rows(sql, (before, *values, most))]


def _found_product(row: Document) -> FoundProduct:
    product = PRODUCTS.decode([row[name] for name in PRODUCTS.columns])
    return FoundProduct(
        product, row["order_name"], row["project"], row["model"], row["generation"], row["seed"], row["provider"]
    )


def _all_of(query: str, terms: Sequence[Term]) -> Condition:
    conditions, values = ["1 = 1"], list[object]()
    for term in terms:
        key = term.key.lower()
        if key in NOT_YET:
            raise QueryWrong(query, term.column, f"{term.key} is not built yet.")
        condition, given = _KINDS.get(key, _number if key in NUMBERS else _parameter)(term)
        conditions.append(f"NOT coalesce({condition}, 0)" if term.negated else f"({condition})")
        values += given
    return " AND ".join(conditions), values


def _like(text: str) -> str:
    for sign in "\\%_":
        text = text.replace(sign, "\\" + sign)
    return text


def _words(term: Term) -> Condition:
    """In any text that was sent, in the name of its order, or in its path."""
    some = f"%{_like(term.value)}%"
    inside = "SELECT 1 FROM json_each(i.generation) WHERE type = 'text' AND value LIKE ? ESCAPE '\\'"
    sql = f"(EXISTS ({inside}) OR coalesce(o.name, '') LIKE ? ESCAPE '\\' OR p.path LIKE ? ESCAPE '\\')"
    return sql, [some, some, some]


def _project(term: Term) -> Condition:
    """By the folder it lies in where its order is not known here."""
    sql = "(lower(o.project) = lower(?) OR (o.id IS NULL AND p.path LIKE ? ESCAPE '\\'))"
    return sql, [term.value, f"Projects/{_like(term.value)}/%"]


def _order(term: Term) -> Condition:
    return "(lower(o.name) = lower(?) OR p.order_id LIKE ? ESCAPE '\\')", [term.value, f"{_like(term.value.lower())}%"]


def _model(term: Term) -> Condition:
    """By its id, the last part of it, an alias or its family."""
    alias = f"SELECT 1 FROM json_each({ITEM_MODEL}, '$.aliases') WHERE lower(value) = lower(?)"
    name = f"lower(json_extract({ITEM_MODEL}, '$.id'))"
    sql = (
        f"({name} = lower(?) OR {name} LIKE ? ESCAPE '\\' OR lower(json_extract({ITEM_MODEL}, '$.family')) = lower(?)"
        f" OR EXISTS ({alias}))"
    )
    return sql, [term.value, f"%/{_like(term.value.lower())}", term.value, term.value]


def _provider(term: Term) -> Condition:
    return "lower(i.provider) = lower(?)", [term.value]


def _tag(term: Term) -> Condition:
    """Its own, where `tag` changed them; else those of its order."""
    return "EXISTS (SELECT 1 FROM json_each(coalesce(p.tags, o.tags)) WHERE lower(value) = lower(?))", [term.value]


def _id(term: Term) -> Condition:
    return "p.id LIKE ? ESCAPE '\\'", [f"{_like(term.value.lower())}%"]


def _file(term: Term) -> Condition:
    return "p.path LIKE ? ESCAPE '\\'", [f"%{_like(term.value)}%"]


def _mime(term: Term) -> Condition:
    """`type:image` and `type:png` both mean image/png."""
    value = _like(term.value.lower())
    return "(p.mime = ? OR p.mime LIKE ? ESCAPE '\\' OR p.mime LIKE ? ESCAPE '\\')", [value, f"{value}/%", f"%/{value}"]


def _after(term: Term) -> Condition:
    return "p.created_at >= ?", [_midnight(term.value)]


def _before(term: Term) -> Condition:
    return "p.created_at < ?", [_midnight(term.value)]


def _midnight(day: str) -> str:
    """Days are local, the index is in UTC."""
    return datetime.fromisoformat(day).astimezone().astimezone(UTC).isoformat()


def _liked(term: Term) -> Condition:
    return "p.liked = 1", []


def _rehearsal(term: Term) -> Condition:
    return "o.rehearsal = 1", []


def _number(term: Term) -> Condition:
    if term.number is None:
        return "0 = 1", []
    return f"{NUMBERS[term.key.lower()]} {term.sign} ?", [term.number]


def _path(name: str) -> str:
    return '$."' + name.replace('"', "") + '"'


def _parameter(term: Term) -> Condition:
    """A generation parameter by its own name; a number is compared as a number."""
    path = _path(term.key)
    value = "json_extract(i.generation, ?)"
    if term.number is None:
        return f"lower(CAST({value} AS TEXT)) = lower(?)", [path, term.value]
    sql = f"(json_type(i.generation, ?) IN ('integer', 'real') AND {value} {term.sign} ?)"
    values: list[object] = [path, path, term.number]
    if term.sign == "=":
        return f"({sql} OR CAST({value} AS TEXT) = ?)", [*values, path, term.value]
    return sql, values


_KINDS: Mapping[str, Callable[[Term], Condition]] = {
    "": _words, "project": _project, "order": _order, "model": _model, "provider": _provider, "tag": _tag, "id": _id,
    "file": _file, "type": _mime, "after": _after, "before": _before, "rehearsal": _rehearsal,
    "liked": _liked,
}  # fmt: skip
