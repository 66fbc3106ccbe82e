"""Products found by a query, in a real index."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from artfactoryd.core.query import QueryWrong, read_query
from artfactoryd.storage.engines.sqlite import SqliteEngine
from artfactoryd.storage.index import Index
from artfactoryd.storage.lists import search, sources, words
from artfactoryd.storage.lists.conditions import all_of

MADE = [  # project, order, prompt, guidance, day
    ("cars", "first", "a red car", 3, "2026-10-31"),
    ("cars", "first", "a blue car", 3.5, "2026-11-01"),
    ("boats", "second", "a red boat", 4, "2026-11-02"),
    ("boats", "second", "100% red_car", None, "2026-11-03"),
]


ITEM = (
    "INSERT INTO item (order_id, number, state, provider, first_index, asked, copy, seed, generation, tokens,"
    " upper, attempts, stop, model, waits) VALUES (?, ?, 'completed', 'fake', ?, 1, 0, ?, ?, '[]', 0, 1, 0, 0, 0)"
)
PRODUCT = (
    "INSERT INTO product (id, order_id, number, place, path, sha256, bytes, mime, width, height, created_at)"
    " VALUES (?, ?, ?, ?, ?, '', 1, 'image/png', ?, 64, ?)"
)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    made = Index.open(Path(tmp_path_factory.mktemp("index")) / "index.sqlite3")
    model = '{"id": "acme/painter", "aliases": ["brush"], "family": "flux"}'
    for place, (project, name, prompt, guidance, day) in enumerate(MADE, 1):
        columns = {
            "id": f"o-{name}", "claim": name, "number": 1, "name": name, "project": project, "model": model,
            "document": "", "document_sha256": "", "fingerprint": "", "file": "", "accepted_at": day, "base_seed": 1,
            "priority": 0, "rehearsal": int(project == "boats"), "provider": "fake", "tags": f'["{name}"]',
            "notes": "", "cap": 0, "total_items": 4, "total_products": 4, "expanded_items": 4,
            "expanded_products": 4, "committed": 0, "cancelled": 0, "was_cancelled": 0, "inputs": "[]",
            "library": "{}", "overrun": 0, "dearest": 0, "models": "[]", "buy_again": 0,
        }  # fmt: skip
        marks = ",".join("?" * len(columns))
        sql = f"INSERT INTO orders ({','.join(columns)}) VALUES ({marks}) ON CONFLICT DO NOTHING"
        made.run(sql, *columns.values())
        generation = {"prompt": prompt, **({"guidance": guidance} if guidance else {})}
        made.run(ITEM, f"o-{name}", place, place, 100 + place, json.dumps(generation))
        file = f"Projects/{project}/{place}.png"
        made.run(PRODUCT, f"{place}", f"o-{name}", place, place, file, 64 * place, f"{day}T12:00:00+00:00")
        made.run("INSERT OR IGNORE INTO parameter SELECT key FROM json_each(?)", json.dumps(generation))
    made.run("UPDATE product SET mime = 'video/mp4', duration = 90.5, codec = 'h264, aac' WHERE id = '4'")
    made.run("UPDATE product SET mime = 'audio/mpeg', duration = 5, codec = 'mp3' WHERE id = '3'")
    yield made
    made.close()


def found(index: Index, query: str) -> str:
    return "".join(row.product.id for row in search.find(index, query))


FINDS = [
    ("", "4321"),
    ("car", "421"),
    ('"red car"', "1"),
    ("RED -boat", "1"),
    ("100%", "4"),
    ("red_car", "4"),
    ("prompt", ""),
    ("first", "21"),
    ("project:cars", "21"),
    ("project:Boats red", "43"),
    ("-project:cars", "43"),
    ("order:second", "43"),
    ("model:painter", "4321"),
    ("model:acme/painter", "4321"),
    ("model:brush", "4321"),
    ("model:flux", "4321"),
    ("model:paint", ""),
    ("prompt:car", "421"),
    ("prompt:=car", ""),
    ("-prompt:car", "3"),
    ("parameters.generation.guidance:3..3.5", "21"),
    ("guidance:3.5..", "32"),
    ("has:guidance", "321"),
    ("has:parent", ""),
    ("-has:seed", ""),
    ("has:order is:square project:cars", "1"),
    ("size:128x64", "2"),
    ("size:<1k", "4321"),
    ("megapixels:<0.01", "21"),
    ("is:image -is:landscape", "1"),
    ("is:copy", ""),
    ("date:2026-11", "432"),
    ("date:2026-11-01..2026-11-02", "32"),
    ("date:7d", ""),
    ("before:yesterday", "4321"),
    ("delivered:1 item:<3", "21"),
    ("origin:nothing", ""),
    ("notes:night", ""),
    ("provider:fake", "4321"),
    ("tag:first", "21"),
    ("guidance:>3", "32"),
    ("guidance:3", "1"),
    ("guidance:3.5", "2"),
    ("-guidance:3", "432"),
    ("guidance:<=3.5", "21"),
    ("width:>=192", "43"),
    ("seed:102", "2"),
    ("type:png", "21"),
    ("type:video", "4"),
    ("kind:film", "4"),
    ("-kind:image", "43"),
    ("kind:sound duration:..5s", "3"),
    ("duration:>1m30s", "4"),
    ("-has:duration", "21"),
    ("codec:aac", "4"),
    ("kind:3d", ""),
    ("rehearsal", "43"),
    ("-rehearsal", "21"),
    ("id:3", "3"),
    ("file:cars/", "21"),
    ('prompt:"a red boat"', "3"),
    ("after:2026-11-02", "43"),
    ("before:2026-11", "1"),
    ("after:2026-11-01 before:2026-11-03", "32"),
]


@pytest.mark.parametrize(("query", "ids"), FINDS, ids=[query or "nothing" for query, _ in FINDS])
def test_it_finds_newest_first(index: Index, query: str, ids: str) -> None:
    assert found(index, query) == ids


@pytest.mark.parametrize(("query", "ids"), FINDS, ids=[query or "nothing" for query, _ in FINDS])
@pytest.mark.parametrize("filled", [1, 4])
def test_it_finds_the_same_by_words_that_were_taken_in(index: Index, query: str, ids: str, filled: int) -> None:
    with taken_in(index, filled):
        assert words.is_behind(index) == (filled < 4)
        assert found(index, query) == ids


@contextlib.contextmanager
def taken_in(index: Index, products: int) -> Iterator[None]:
    words.fill(index, products)
    try:
        yield
    finally:
        of_sqlite = isinstance(index.engine, SqliteEngine)
        index.run("INSERT INTO searched (searched) VALUES ('delete-all')" if of_sqlite else "DELETE FROM searched")
        index.run("INSERT OR IGNORE INTO unsearched SELECT seq FROM product")


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """Of an order that is known, and as many of one that is not."""
    made = Index.open(Path(tmp_path_factory.mktemp("full")) / "index.sqlite3")
    for order in ("o-1", "o-2"):
        path = f"Projects/p/{order}"
        made.add(
            PRODUCT, [(f"{order}-{n:05d}", order, n, n, f"{path}/{n}-car.png", 64, "2026-11-01") for n in range(2000)]
        )
    while words.is_behind(made):
        words.fill(made, 1500)
    yield made
    made.close()


SPELLED = [
    "BLÅBÆR",
    "blåbær",
    "straße",
    "İstanbul",
    "ﬁsh",
    "🦊🦊🦊",
    "a\0b",
    "ΣΊΣΥΦΟΣ",
    "e\u0301clair",
    "K elvin",
    "100%_x",
    "AND OR NOT",
]


def test_words_that_were_taken_in_are_spelled_as_before(tmp_path: Path) -> None:
    """What is looked up may be more than is meant, and never less: upper and lower case are told apart as always."""
    made = Index.open(tmp_path / "index.sqlite3")
    for n, text in enumerate(SPELLED, 1):
        made.run(ITEM, "o", n, n, n, json.dumps({"prompt": text}))
        made.run(PRODUCT, f"{n:02}", "o", n, n, f"Projects/x/{n}.png", 64, "2026-11-01T12:00:00+00:00")
    queries = [f'"{change(text)}"' for text in SPELLED for change in (str, str.lower, str.upper, lambda text: text[1:])]
    before = [found(made, query) for query in queries]
    words.fill(made, 100)
    assert [found(made, query) for query in queries] == before
    made.run("DROP TABLE searched")  # as of a SQLite that has no such tables
    assert not words.is_behind(made) and [found(made, query) for query in queries] == before
    made.close()


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "query", ["nowhere", "car nowhere", "order:none", "liked car", "id:x", "car before:2026-10", "after:2026-12"]
)
def test_a_query_without_a_hit_does_not_look_at_each(full: Index, query: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_STRANGE", "SELECT id FROM orders WHERE 0")
    steps = []
    full.db.connection().set_progress_handler(lambda: steps.append(1), 1000)
    assert found(full, query) == ""
    full.db.connection().set_progress_handler(None, 0)
    assert len(steps) < 40  # thousands of steps; to look at each takes ten for every ten products
    assert found(full, "car/") == ""
    assert len(list(search.find(full, "car", 60))) == 60


def test_pages_join_without_a_gap_and_stop_at_the_most(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "PAGE", 2)
    assert found(index, "") == "4321"
    assert [row.product.id for row in search.find(index, "", 3)] == ["4", "3", "2"]


def test_what_a_person_said_of_a_product(index: Index) -> None:
    assert (found(index, "liked"), found(index, "-liked")) == ("", "4321")
    index.run("UPDATE product SET liked = 1, tags = '[\"best\"]' WHERE id = '2'")
    try:
        assert (found(index, "liked"), found(index, "liked -project:cars"), found(index, "tag:best")) == ("2", "", "2")
        assert found(index, "tag:first") == "1"
    finally:
        index.run("UPDATE product SET liked = 0, tags = NULL WHERE id = '2'")


def test_ratings_are_asked_for_by_ranges(index: Index) -> None:
    for rating, product in ((5, 1), (4, 4), (2, 2)):
        index.run("UPDATE product SET rating = ? WHERE id = ?", rating, str(product))
    try:
        asked = [
            found(index, query) for query in ("rating:>=4", "rating:2..4 car", "-rating:>2", "has:rating", "rating:9")
        ]
        assert asked == ["41", "42", "32", "421", ""]
    finally:
        index.run("UPDATE product SET rating = NULL")


def test_each_item_has_the_model_of_its_own(index: Index) -> None:
    index.run("UPDATE orders SET models = ? WHERE name = 'first'", '[{"id": "acme/painter"}, {"id": "acme/other"}]')
    index.run("UPDATE item SET model = 1 WHERE order_id = 'o-first' AND number = 2")
    try:
        assert (found(index, "model:other"), found(index, "model:painter")) == ("2", "431")
        assert [(row.model or {})["id"] for row in search.find(index, "model:other")] == ["acme/other"]
    finally:
        index.run("UPDATE orders SET models = '[]'")
        index.run("UPDATE item SET model = 0")


UNKNOWN = [
    ("red software:x", 5, "software: cannot be asked for yet"),
    ("widht:512", 1, "Did you mean width?"),
    ("red -guidence:3", 6, "Did you mean guidance?"),
    ("GUIDANCE:3", 1, "Did you mean guidance?"),
    ("has:promt", 5, "Did you mean prompt?"),
    ("zebra:1", 1, 'Put quotes around words with a colon: "zebra:1"'),
]


@pytest.mark.parametrize(("query", "column", "words"), UNKNOWN, ids=[query for query, _, _ in UNKNOWN])
def test_what_no_product_has_is_told_with_the_nearest_that_there_is(
    index: Index, query: str, column: int, words: str
) -> None:
    with pytest.raises(QueryWrong) as caught:
        search.find(index, query)
    assert caught.value.column == column and words in caught.value.message


def test_newest_is_what_was_made_last_whenever_it_became_known(tmp_path: Path) -> None:
    made = Index.open(tmp_path / "index.sqlite3")
    for name, at in (("b", "12:00:00.001"), ("a", "12:00:00.001"), ("c", "11:59:59.999"), ("d", "12:00:00.002")):
        made.run(PRODUCT, name, "o", 1, 1, f"Projects/Cars/{name}-red.png", 64, f"2026-11-01T{at}+00:00")
    words.fill(made, 2)
    for query in ("", "red", "project:cars", "-tag:none"):
        assert found(made, query) == "dabc"
    made.run('UPDATE product SET tags = \'["Best", "best", 7]\'')
    assert found(made, "tag:BEST red") == "dabc" and found(made, "tag:7") == found(made, "-tag:best") == ""
    made.run("UPDATE product SET tags = '[]' WHERE id = 'a'")
    assert found(made, "tag:best") == "dbc"
    made.run("DELETE FROM product")
    assert found(made, "tag:best") == found(made, "red") == "" and not words.is_behind(made)
    made.run(PRODUCT, "e", "o", 1, 1, "Projects/Cars/e-red.png", 64, "2026-11-02T12:00:00.002+00:00")
    assert found(made, "project:cars red") == "e"
    made.close()


@pytest.mark.parametrize("query", ["after:0001", "-before:0001-01-01", "before:9999-12-31"])
def test_the_first_and_the_last_day_are_days_in_every_zone(index: Index, query: str) -> None:
    assert found(index, query) == "4321"


@pytest.mark.parametrize("year", ["0001", "1969", "2109", "2110", "2247", "2500", "9999"])
def test_what_a_wrong_clock_made_is_listed(tmp_path: Path, year: str) -> None:
    with contextlib.closing(Index.open(tmp_path / "index.sqlite3")) as made:
        for nth in (1, 2):
            file = f"Projects/p/{nth}-car.png"
            made.run(PRODUCT, f"p{nth}", "o", nth, nth, file, 64, f"{year}-12-31T23:59:59+00:00")
        words.fill(made, 1)
        assert found(made, "") == found(made, "car") == found(made, "project:p") == "p2p1"


@pytest.mark.sqlite
def test_where_another_sqlite_made_the_lookup_of_words_it_is_done_without(tmp_path: Path) -> None:
    """This one has no such tables: the next best way is taken, by whoever looks and whoever fills."""
    path = tmp_path / "index.sqlite3"
    with contextlib.closing(Index.open(path)) as made:
        made.run(PRODUCT, "p1", "o", 1, 1, "Projects/p/1-car.png", 64, "2026-11-01T00:00:00+00:00")
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA writable_schema = 1")
        db.execute("UPDATE sqlite_master SET sql = replace(sql, 'fts5', 'fts_of_another') WHERE name = 'searched'")
        db.commit()
    with contextlib.closing(Index.open(path)) as made:
        assert not words.is_behind(made) and found(made, "car") == "p1"


LOOKED_UP = [  # a query, and by which lookup its products are reached
    ("", "product_seq"),
    ("date:2026-11", "product_seq"),
    ("liked after:2026-11-01", "product_liked"),
    ("rating:>=4", "product_rating"),
    ("project:cars -blue", "product_project"),
    ("tag:first guidance:>3", "PRIMARY KEY"),
    ("prompt:car before:7d", "VIRTUAL TABLE INDEX"),
    ("id:0", "sqlite_autoindex_product_1"),
    ("order:first", "product_order_id_place"),
    ("seed:7", "product_order_id_place (order_id=? AND place>? AND place<?)"),
    ("seed:5..9 guidance:>3", "item_seed (seed>"),
]


@pytest.mark.sqlite
@pytest.mark.parametrize(("query", "lookup"), LOOKED_UP, ids=[query or "nothing" for query, _ in LOOKED_UP])
def test_no_question_goes_through_a_table_or_sorts_one(index: Index, query: str, lookup: str) -> None:
    """The only ones that are sorted are the products of few orders or seeds, or few of one beginning of an id."""
    terms = read_query(query)
    wanted, values = all_of(query, terms, ["prompt", "guidance"])
    with taken_in(index, 4):
        plans = []
        for source in sources.sources(index, terms):
            sql = f"EXPLAIN QUERY PLAN {search.question(source, wanted)}"
            plans.append([row["detail"] for row in index.rows(sql, (*source.values, 0, 1, *values, 50))])
    outer = [[step for step in plan if not step.startswith(("SCAN json", "SCAN t ", "LIST SUB"))] for plan in plans]
    assert lookup in "\n".join(plans[0]), plans
    few = query.startswith(("id:", "order:", "seed:"))
    for step in (step for plan in outer for step in plan):
        assert few or "TEMP B-TREE" not in step
        assert not step.startswith("SCAN") or "INDEX" in step or step.startswith(("SCAN u", "SCAN few")), plans
