"""What each term of a query asks of a product p, its item i and its order o, as SQL."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from artfactoryd.core.query import QueryWrong, Term
from artfactoryd.storage.index import ITEM_MODEL

Condition = tuple[str, list[object]]
_MODELS = "CASE WHEN json_array_length(o.models) = 0 THEN json_array(json(o.model)) ELSE o.models END"  # of an order o
NOT_YET = frozenset({"collection"})
NUMBERS = {
    "width": "p.width", "height": "p.height", "bytes": "p.bytes", "index": "p.place", "item": "p.number",
    "seed": "i.seed", "copy": "i.copy", "rating": "p.rating",
}  # fmt: skip


def known_keys() -> list[str]:
    """All but parameters."""
    return [*NUMBERS, *_KINDS]


def is_parameter(term: Term) -> bool:
    return term.key.lower() not in {"", *_KINDS, *NUMBERS, *NOT_YET}


def all_of(query: str, terms: Sequence[Term]) -> Condition:
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
    return "p.project = ? COLLATE NOCASE", [term.value]


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
    return "EXISTS (SELECT 1 FROM product_tag pt WHERE pt.tag = ? AND pt.seq = p.seq)", [term.value]


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
    """Days are local, the index is in UTC. Of the first and the last there are, the hours do not matter."""
    begins = datetime.fromisoformat(day)
    with contextlib.suppress(ValueError, OverflowError):
        begins = begins.astimezone()
    return begins.replace(tzinfo=begins.tzinfo or UTC).astimezone(UTC).isoformat()


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
OF_ORDERS: Mapping[str, Callable[[Term], Condition]] = {  # the same of orders alone
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
