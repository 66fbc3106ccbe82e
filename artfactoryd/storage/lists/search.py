"""Products found by a query: what each of its terms asks of the index, newest first, page by page."""

from __future__ import annotations

import json
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
LETTERS = 3  # in a row, by which a word is looked up
FEW, FEW_ORDERS = 2000, 200  # products, and orders, that are looked at one by one rather than all, newest first
FILLED = "searched"  # in meta: the last product whose words are looked up
NO_MORE = 1 << 62
_FILL = (
    "INSERT INTO searched (rowid, text) SELECT p.rowid, p.path || char(10) || coalesce(o.name, '') || char(10) || "
    "coalesce((SELECT group_concat(value, char(10)) FROM json_each(i.generation) WHERE type = 'text'), '') "
    "FROM product p LEFT JOIN orders o ON o.id = p.order_id LEFT JOIN item i ON i.order_id = p.order_id "
    "AND i.number = p.number WHERE p.rowid > ? ORDER BY p.rowid LIMIT ?"
)
_FIRST = "SELECT min(order_id) FROM product"
_MODELS = "CASE WHEN json_array_length(o.models) = 0 THEN json_array(json(o.model)) ELSE o.models END"  # of an order o
_STRANGE = (  # one step in the lookup for each order
    f"WITH RECURSIVE made (id) AS ({_FIRST} UNION ALL SELECT ({_FIRST} WHERE order_id > made.id) FROM made "
    "WHERE made.id IS NOT NULL) SELECT id FROM made WHERE id IS NOT NULL AND id NOT IN (SELECT id FROM orders)"
)
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
    return _pages(index, _among(index, terms), (condition, values), most)


def unknown_names(index: Index, query: str) -> dict[str, str]:
    """Parameters asked for that no product has, each with the nearest name there is; empty where none is near."""
    there = _parameters(index)
    unknown = sorted(term.key for term in read_query(query) if _is_parameter(term) and term.key not in there)
    known = [*there, *NUMBERS, *_KINDS]
    return {name: next(iter(get_close_matches(name, known, 1)), "") for name in unknown}


def _is_parameter(term: Term) -> bool:
    return term.key.lower() not in {"", *_KINDS, *NUMBERS, *NOT_YET}


def _parameters(index: Index) -> list[str]:
    """The names of those that any item was sent with."""
    return [row["name"] for row in index.rows("SELECT name FROM parameter ORDER BY name")]


# --- which products are looked at ---


def _among(index: Index, terms: Sequence[Term]) -> Condition:
    """Tables and joins: all products, newest first, or the few that alone can be meant, so that a question that finds
    nothing does not look at each."""
    asked = [term for term in terms if not term.negated]
    if any(term.key not in _parameters(index) for term in asked if _is_parameter(term)):
        return _of_rows([], NO_MORE)
    for narrow in (_by_words, _by_orders):
        if (among := narrow(index, asked)) is not None:
            return among
    return "product p", []


def _of_rows(rows: Sequence[int], behind: int) -> Condition:
    """These, and all that came later than `behind`."""
    some = "SELECT value AS place FROM json_each(?) UNION SELECT rowid FROM product WHERE rowid > ?"
    return f"({some}) few CROSS JOIN product p ON p.rowid = few.place", [json.dumps(rows), behind]


def _by_words(index: Index, asked: Sequence[Term]) -> Condition | None:
    """By the word that the fewest have. None where every word is in many, or too short."""
    if not (filled := index.meta(FILLED)):
        return None
    best: list[int] | None = None
    sql = "SELECT rowid AS place FROM searched WHERE searched MATCH ? LIMIT ?"
    for term in sorted(asked, key=lambda term: -len(term.value)):  # the longest is in the fewest
        if _has_letters(term) and (best is None or len(best) > PAGE):
            phrase = '"' + term.value.replace('"', '""') + '"'
            rows = [row["place"] for row in index.rows(sql, (phrase, FEW + 1))]
            if len(rows) <= FEW and (best is None or len(rows) < len(best)):
                best = rows
    return None if best is None else _of_rows(best, int(filled))


def _has_letters(term: Term) -> bool:
    """Enough of them, and no end of a text in the middle."""
    return term.key == "" and len(term.value) >= LETTERS and "\0" not in term.value


def _by_orders(index: Index, asked: Sequence[Term]) -> Condition | None:
    """By orders that alone can be meant, and all that are not known here. None where these are many, or have many."""
    conditions = [_OF_ORDERS[term.key.lower()](term) for term in asked if term.key.lower() in _OF_ORDERS]
    if not conditions:
        return None
    wanted = " AND ".join(condition for condition, _ in conditions)
    sql = f"SELECT id, total_products AS n FROM orders o WHERE {wanted} LIMIT ?"
    values = [value for _, values in conditions for value in values]
    known = index.rows(sql, (*values, FEW_ORDERS + 1))
    if len(known) > FEW_ORDERS or sum(row["n"] for row in known) > FEW:
        return None
    strange = index.rows(_STRANGE)
    few = "(SELECT value AS id FROM json_each(?)) few CROSS JOIN product p ON p.order_id = few.id"
    return few, [json.dumps([row["id"] for row in (*known, *strange)])]


def is_behind(index: Index) -> bool:
    """Whether there are products whose words are not taken in. False where this SQLite cannot."""
    if not index.rows("SELECT 1 FROM sqlite_master WHERE name = 'searched'"):
        return False
    filled = int(index.meta(FILLED) or 0)
    return bool(index.rows("SELECT 1 FROM product WHERE rowid > ? LIMIT 1", (filled,)))


def fill(index: Index, most: int) -> None:
    """Take in the words of the next products."""
    filled = int(index.meta(FILLED) or 0)
    following = "SELECT rowid AS place FROM product WHERE rowid > ? ORDER BY rowid LIMIT ?"
    rows = index.rows(following, (filled, most))
    if rows:
        index.run(_FILL, filled, most)
        index.run("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", FILLED, str(rows[-1]["place"]))


# --- page by page ---


def _pages(index: Index, among: Condition, condition: Condition, most: int | None) -> Iterator[FoundProduct]:
    """Each page goes on behind the last id of the one before, so a long answer is never held at once."""
    before, left = "~", most
    while left is None or left > 0:
        size = PAGE if left is None else min(PAGE, left)
        page = _page(index, among, condition, before, size)
        yield from page
        if len(page) < size:
            return
        before, left = page[-1].product.id, None if left is None else left - size


def _page(index: Index, among: Condition, condition: Condition, before: str, most: int) -> list[FoundProduct]:
    """Those older than the id `before`; `condition`: of p product, i item, o orders."""
    (tables, few), (wanted, values) = among, condition
    sql = (
        f"SELECT {PRODUCTS.select('p')}, o.name AS order_name, o.project, {ITEM_MODEL} AS model, i.generation, "
        f"i.seed, i.provider FROM {tables} LEFT JOIN orders o ON o.id = p.order_id "
        "LEFT JOIN item i ON i.order_id = p.order_id "
        f"AND i.number = p.number WHERE p.id < ? AND {wanted} ORDER BY p.id DESC LIMIT ?"
    )
    return [_found_product(row) for row in index.rows(sql, (*few, before, *values, most))]


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
    return _called(ITEM_MODEL), _names(term)


def _called(model: str) -> str:
    """A model by its id, the last part of it, an alias or its family."""
    alias = f"SELECT 1 FROM json_each({model}, '$.aliases') WHERE lower(value) = lower(?)"
    name = f"lower(json_extract({model}, '$.id'))"
    return (
        f"({name} = lower(?) OR {name} LIKE ? ESCAPE '\\' OR lower(json_extract({model}, '$.family')) = lower(?)"
        f" OR EXISTS ({alias}))"
    )


def _names(term: Term) -> list[object]:
    return [term.value, f"%/{_like(term.value.lower())}", term.value, term.value]


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
_OF_ORDERS: Mapping[str, Callable[[Term], Condition]] = {  # the same of orders alone
    "project": lambda term: ("lower(o.project) = lower(?)", [term.value]),
    "model": lambda term: (
        f"EXISTS (SELECT 1 FROM json_each({_MODELS}) m WHERE {_called('m.value')})", [*_names(term)]
    ),
    "provider": lambda term: (
        "(lower(o.provider) = lower(?) OR EXISTS "
        f"(SELECT 1 FROM json_each({_MODELS}) m WHERE lower(json_extract(m.value, '$.provider')) = lower(?)))",
        [term.value] * 2,
    ),
    "order": lambda term: (
        "(lower(o.name) = lower(?) OR o.id LIKE ? ESCAPE '\\')", [term.value, f"{_like(term.value.lower())}%"]
    ),
}  # fmt: skip
