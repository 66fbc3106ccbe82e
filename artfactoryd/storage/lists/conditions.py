"""What each term of a query asks of a product p, its item i and its order o, as SQL."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from artfactoryd.core.query import PIXELS, Term, unknown
from artfactoryd.core.searching.fields import BY_NAME, GENERATION, KEYS, RANGES, Kind, parameter
from artfactoryd.core.searching.values import Number
from artfactoryd.shelf.sidecars import BIN
from artfactoryd.storage.index import ITEM_MODEL as OF_ITEM
from artfactoryd.storage.lists import moments

Condition = tuple[str, list[object]]
# Of a product whose order is not known here, what its sidecar tells: looked for only where the order tells nothing.
_TOLD = "(SELECT {} FROM told t WHERE t.id = p.id)"
GENERATION_OF = f"coalesce(i.generation, {_TOLD.format('t.generation')})"
ITEM_MODEL = f"coalesce({OF_ITEM}, {_TOLD.format('t.model')})"
ORDER_NAME, NOTES = f"coalesce(o.name, {_TOLD.format('t.order_name')})", "coalesce(p.notes, o.notes)"
SEED, PROVIDER = f"coalesce(i.seed, {_TOLD.format('t.seed')})", f"coalesce(i.provider, {_TOLD.format('t.provider')})"
JOINED = "LEFT JOIN orders o ON o.id = p.order_id LEFT JOIN item i ON i.order_id = p.order_id AND i.number = p.number"
BINNED = f"(substr(p.path, 1, {len(BIN)}) = '{BIN}')"  # of a product p: it lies in the bin of the shelf
_ATTEMPT = "(SELECT {} FROM generation_log g WHERE g.id = i.attempt)"
_SIBLINGS = (  # of the same call
    "(SELECT count(*) FROM product d WHERE d.order_id = p.order_id AND d.number = p.number "
    "AND d.replaced_by IS NULL AND d.place BETWEEN i.first_index AND i.first_index + i.asked - 1)"
)
_FED = (  # what it is made from, where that is a product of the same order
    "FROM product u WHERE u.order_id = p.order_id AND u.place = i.parent AND u.nth = i.parent_nth"
)
_INPUTS = (  # the order's files that the item takes
    "FROM json_each(o.inputs) n WHERE EXISTS (SELECT 1 FROM json_tree(i.generation) t "
    "WHERE t.type = 'text' AND t.value = json_extract(n.value, '$.value'))"
)
_SOURCE = "coalesce(json_extract(n.value, '$.source'), json_extract(n.value, '$.value'))"
_VARIED = "# % varied (%): product "  # how an order begins that varies a product (core/sidecar_again)
_COPIED = (
    "FROM json_each(i.outputs) c WHERE json_extract(c.value, '$.id') = p.id "
    "AND json_extract(c.value, '$.reused_from') IS NOT NULL"
)
STATE = "EXISTS (SELECT 1 FROM shelf_state s WHERE s.product = p.id AND s.{})"
COLUMNS: Mapping[str, str] = {  # one value of a product for each field; the rest are below
    "project": "p.project", "order.id": "p.order_id", "order.sha256": "o.document_sha256",
    "commit": "json_extract(o.git, '$.commit')", "recipe": "json_extract(o.git, '$.path')",
    "version": f"json_extract({ITEM_MODEL}, '$.version')", "family": f"json_extract({ITEM_MODEL}, '$.family')",
    "modality": f"json_extract({ITEM_MODEL}, '$.modality')", "provider": PROVIDER, "ticket": "i.ticket",
    "id": "p.id", "sha256": "p.sha256",
    "original_sha256": "coalesce(p.original_sha256, p.sha256)",
    "file": "p.path", "remark": "nullif(p.looked, '')", "index": "p.place",
    "duration": "p.duration", "codec": "p.codec",
    "bytes": "p.bytes", "width": "p.width", "height": "p.height", "megapixels": "p.width * p.height / 1e6",
    "date": "p.created_at", "item": "p.number", "copy": f"coalesce(i.copy, {_TOLD.format('t.copy')})", "seed": SEED,
    "key": "i.key", "stage": "i.stage",
    "asked": "i.asked", "delivered": _SIBLINGS, "cost": f"{_ATTEMPT.format('g.cost')} / 1e6 / max(1, {_SIBLINGS})",
    "asked_at": _ATTEMPT.format("g.asked_at"), "ended_at": _ATTEMPT.format("g.ended_at"),
    "seconds": _ATTEMPT.format("CAST(json_extract(g.returned, '$.seconds') AS NUMERIC)"),
    "notes": f"nullif({NOTES}, '')",
    "rating": "p.rating", "mark": "p.mark",
    "origin": f"coalesce(o.file || ' ' || coalesce(o.submission, ''), {_TOLD.format('t.origin')})",
}  # fmt: skip
FLAG: Mapping[str, str] = {
    "binned": f"({BINNED} AND NOT EXISTS (SELECT 1 FROM binned b WHERE b.product = p.id AND b.emptied IS NOT NULL))",
    "imported": "p.order_id = ''", "liked": "p.liked = 1",
    "rehearsal": f"coalesce(o.rehearsal, {_TOLD.format('t.rehearsal')}) = 1", "copy": f"EXISTS (SELECT 1 {_COPIED})",
    "damaged": "p.looked <> ''", "replaced": "p.replaced_by IS NOT NULL",
    "estimated": f"{_ATTEMPT.format('g.estimated')} = 1",
    "dirty": "CAST(json_extract(o.git, '$.dirty') AS INTEGER) = 1",
    "image": "p.mime LIKE 'image/%'", "video": "p.mime LIKE 'video/%'", "audio": "p.mime LIKE 'audio/%'",
    "text": "p.mime LIKE 'text/%'", "3d": "p.mime LIKE 'model/%'",
    "edited": STATE.format("edited = 1"), "missing": STATE.format("missing IS NOT NULL"),
    "gone": STATE.format("gone = 1"),
    "portrait": "p.height > p.width", "landscape": "p.width > p.height", "square": "p.width = p.height",
}  # fmt: skip
SETS: Mapping[str, str] = {
    GENERATION: GENERATION_OF, "actual": _ATTEMPT.format("g.actual"),
    "returned": _ATTEMPT.format("json_extract(g.returned, '$.parameters')"),
}  # fmt: skip


def all_of(query: str, terms: Sequence[Term], parameters: Collection[str]) -> Condition:
    """What is in the bin only where that is asked. `parameters`: the names of all there are. Raises QueryWrong for a
    name that is neither theirs nor a field's."""
    asks_bin = any(term.key == "is" and term.value == "binned" for term in terms)
    conditions, given = ["1 = 1" if asks_bin else f"NOT {BINNED}"], list[object]()
    for term in terms:
        check(query, term, parameters)
        condition, values = _of(term, parameters)
        conditions.append(f"NOT coalesce({condition}, FALSE)" if term.negated else f"({condition})")
        given += values
    return " AND ".join(conditions), given


def check(query: str, term: Term, parameters: Collection[str]) -> None:
    """Raises QueryWrong."""
    name = term.value if term.key == "has" else term.key
    asked = parameter(name) if term.is_parameter or term.key == "has" else None
    if asked is None or asked[0] != GENERATION or _is_there(asked[1], parameters):
        return
    raise unknown(query, term, [*parameters, *(HAS if term.key == "has" else KEYS)])


def _is_there(name: str, parameters: Collection[str]) -> bool:
    return name in parameters or name.partition(".")[0] in parameters


def _of(term: Term, parameters: Collection[str]) -> Condition:
    if term.key == "is":
        return FLAG[term.value], []
    if term.key == "has":
        return _has(term.value, parameters)
    if term.key in _KINDS:
        return _KINDS[term.key](term)
    field = BY_NAME.get(term.key)
    if field is None:
        return _parameter(term, parameters)
    if field.kind is Kind.TIME:
        return moments.within(COLUMNS[field.name], term)
    if field.kind in RANGES:
        assert term.number is not None
        return compared(COLUMNS[field.name], term.number)
    return _texts(COLUMNS[field.name], field.kind, term)


def _like(text: str) -> str:
    for sign in "\\%_":
        text = text.replace(sign, "\\" + sign)
    return text


def _texts(column: str, kind: Kind, term: Term) -> Condition:
    if kind is Kind.TEXT or term.exact:
        return f"{column} = ? COLLATE NOCASE", [term.value]
    some = _like(term.value)
    return f"{column} LIKE ? ESCAPE '\\'", [f"{some}%" if kind is Kind.BEGINS else f"%{some}%"]


def compared(column: str, number: Number) -> Condition:
    ends = [(">" if number.above else ">=", number.low), ("<" if number.below else "<=", number.high)]
    there = [(sign, end) for sign, end in ends if end is not None]
    return " AND ".join(f"{column} {sign} ?" for sign, _ in there), [end for _, end in there]


def _words(term: Term) -> Condition:
    """In any text that was sent, in the name of its order, its notes, or its path."""
    some = f"%{_like(term.value)}%"
    inside, deeper = (  # the first is quicker, and finds most
        f"EXISTS (SELECT 1 FROM {tree}({GENERATION_OF}) WHERE type = 'text' AND value LIKE ? ESCAPE '\\')"
        for tree in ("json_each", "json_tree")
    )
    others = " OR ".join(f"coalesce({column}, '') LIKE ? ESCAPE '\\'" for column in (ORDER_NAME, NOTES, "p.path"))
    return f"({inside} OR {others} OR {deeper})", [some] * 5


def _order(term: Term) -> Condition:
    return f"(lower({ORDER_NAME}) = lower(?) OR p.order_id LIKE ? ESCAPE '\\')", [
        term.value,
        f"{_like(term.value.lower())}%",
    ]


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


def _provided(model: str) -> str:
    return f"lower(json_extract({model}, '$.provider')) = lower(?)"


def _of_any_model(is_so: Callable[[str], str]) -> str:
    """Of an order o, whose list of models is empty where it has only one; its values are given twice."""
    any_of_them = f"EXISTS (SELECT 1 FROM json_each(o.models) m WHERE {is_so('m.value')})"
    return f"CASE WHEN o.models = '[]' THEN {is_so('o.model')} ELSE {any_of_them} END"


def _names(term: Term) -> list[object]:
    return [term.value, f"%/{_like(term.value.lower())}", term.value, term.value]


def _tag(term: Term) -> Condition:
    """Its own, where `tag` changed them; else those of its order."""
    return "EXISTS (SELECT 1 FROM product_tag pt WHERE pt.tag = ? COLLATE NOCASE AND pt.seq = p.seq)", [term.value]


def _collection(term: Term) -> Condition:
    return "EXISTS (SELECT 1 FROM product_collection pc WHERE pc.collection = ? COLLATE NOCASE AND pc.seq = p.seq)", [
        term.value
    ]


def _mime(term: Term) -> Condition:
    """`type:image` and `type:png` both mean image/png."""
    value = _like(term.value.lower())
    return "(p.mime = ? OR p.mime LIKE ? ESCAPE '\\' OR p.mime LIKE ? ESCAPE '\\')", [value, f"{value}/%", f"%/{value}"]


def _kind(term: Term) -> Condition:
    return FLAG[term.value], []


def _pixels(term: Term) -> Condition:
    return "(p.width = ? AND p.height = ?)", [*map(int, term.value.split("x"))]


def _token(term: Term) -> Condition:
    """What stood in place of one of its tokens."""
    value = "json_extract(t.value, '$[2]')"
    condition, values = _texts(value, Kind.INSIDE, term)
    return f"EXISTS (SELECT 1 FROM json_each(i.tokens) t WHERE {condition})", values


def _input(term: Term) -> Condition:
    """By its name, where it is from, or the beginning of its SHA-256."""
    some = _like(term.value)
    names = f"(json_extract(n.value, '$.name') LIKE ? ESCAPE '\\' OR {_SOURCE} LIKE ? ESCAPE '\\')"
    sql = f"EXISTS (SELECT 1 {_INPUTS} AND ({names} OR json_extract(n.value, '$.sha256') LIKE ? ESCAPE '\\'))"
    of_it = "coalesce(u.original_sha256, u.sha256)"
    fed = f"EXISTS (SELECT 1 {_FED} AND (u.path LIKE ? ESCAPE '\\' OR {of_it} LIKE ? ESCAPE '\\'))"
    return f"({sql} OR {fed})", [f"%{some}%", f"%{some}%", f"{some}%", f"%{some}%", f"{some}%"]


def _parent(term: Term) -> Condition:
    some = f"{_like(term.value.lower())}%"
    sql = f"EXISTS (SELECT 1 {_INPUTS} AND {_SOURCE} LIKE ? ESCAPE '\\')"
    told = "EXISTS (SELECT 1 FROM told t, json_each(t.parents) WHERE t.id = p.id AND value LIKE ? ESCAPE '\\')"
    varied = "coalesce(o.document, '') LIKE ? ESCAPE '\\'"
    values: list[object] = [f"product:{some}", some, some, f"{_VARIED}{some} of order %"]
    return f"({sql} OR {told} OR EXISTS (SELECT 1 {_FED} AND u.id LIKE ? ESCAPE '\\') OR {varied})", values


def _replaces(term: Term) -> Condition:
    sql = "SELECT 1 FROM product r WHERE r.order_id = p.order_id AND r.place = p.place AND r.replaced_by = p.id"
    return f"EXISTS ({sql} AND r.id LIKE ? ESCAPE '\\')", [f"{_like(term.value.lower())}%"]


def _reused(term: Term) -> Condition:
    begins = "json_extract(c.value, '$.reused_from') LIKE ? ESCAPE '\\'"
    return f"EXISTS (SELECT 1 {_COPIED} AND {begins})", [f"{_like(term.value.lower())}%"]


HAS: Mapping[str, str] = {
    "parent": "(i.parent IS NOT NULL OR coalesce(" + _TOLD.format("t.parents") + ", '[]') <> '[]' "
    f"OR EXISTS (SELECT 1 {_INPUTS} AND {_SOURCE} LIKE 'product:%') OR coalesce(o.document, '') LIKE '{_VARIED}%')",
    "input": f"(i.parent IS NOT NULL OR EXISTS (SELECT 1 {_INPUTS}))",
    "tag": "EXISTS (SELECT 1 FROM product_tag pt WHERE pt.seq = p.seq)",
    "collection": "EXISTS (SELECT 1 FROM product_collection pc WHERE pc.seq = p.seq)",
    "order": "p.order_id <> ''", "model": f"{ITEM_MODEL} IS NOT NULL", "type": "p.mime IS NOT NULL",
    "kind": "p.mime IS NOT NULL",
    "token": "json_array_length(i.tokens) > 0", "reused_from": FLAG["copy"],
    "replaces": "EXISTS (SELECT 1 FROM product r WHERE r.order_id = p.order_id AND r.place = p.place "
    "AND r.replaced_by = p.id)",
    **{name: f"{column} IS NOT NULL" for name, column in COLUMNS.items()},
}  # fmt: skip


def _has(name: str, parameters: Collection[str]) -> Condition:
    field = BY_NAME.get(name.lower())
    if field is not None:
        return HAS[field.name], []
    chosen, inside = parameter(name) or (GENERATION, name)
    return f"coalesce(json_type({SETS[chosen]}, ?), 'null') <> 'null'", [_path(inside, parameters)]


def _path(name: str, parameters: Collection[str]) -> str:
    """Of a parameter by its whole name, else of what stands inside one."""
    parts = [name] if name in parameters else name.split(".")
    return "$" + "".join(f'."{part}"' for part in parts)


def _parameter(term: Term, parameters: Collection[str]) -> Condition:
    """A number is compared as a number, a text by what is anywhere in it; in a list, any of them."""
    chosen, name = parameter(term.key) or (GENERATION, term.key)
    tree, path = f"json_tree({SETS[chosen]}, ?) t", _path(name, parameters)
    ways, values = list[str](), list[object]([path])
    if term.number is not None:
        condition, given = compared("CAST(t.value AS NUMERIC)", term.number)
        ways.append(f"(t.type IN ('integer', 'real') AND {condition})")
        values += given
    if term.number is None or term.number.low == term.number.high:
        condition, given = _texts("t.value", Kind.INSIDE, term)
        ways += [f"(t.type = 'text' AND {condition})", "(t.type IN ('true', 'false') AND t.type = lower(?))"]
        values += [*given, term.value]
    return f"EXISTS (SELECT 1 FROM {tree} WHERE {' OR '.join(ways)})", values


_KINDS: Mapping[str, Callable[[Term], Condition]] = {
    "": _words, "order": _order, "model": _model, "tag": _tag, "collection": _collection,
    "type": _mime, "kind": _kind, PIXELS: _pixels, "token": _token,
    "input": _input, "parent": _parent, "replaces": _replaces, "reused_from": _reused,
}  # fmt: skip
OF_ORDERS: Mapping[str, Callable[[Term], Condition]] = {  # the same of orders alone
    "model": lambda term: (_of_any_model(_called), [*_names(term)] * 2),
    "provider": lambda term: (
        f"(lower(o.provider) = lower(?) OR {_of_any_model(_provided)})", [term.value] * 3,
    ),
    "order": lambda term: (
        "(lower(o.name) = lower(?) OR o.id LIKE ? ESCAPE '\\')", [term.value, f"{_like(term.value.lower())}%"]
    ),
}  # fmt: skip
