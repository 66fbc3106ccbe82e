"""Makes `tests/databases/NNNN.sql`: the index as each released migration left it, with rows that it could hold.

In a checkout of commit 0ee9b53, with its `.venv` made:

    .venv/bin/python PATH/tests/data/old/make_databases.py artfactoryd/migrations

The first, 0001.sql, is not made here: it is as the first release made it, without rows, and never edited. A row is
written when its table or column is new, and goes through all migrations after that.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from peewee import SqliteDatabase
from playhouse.migrations import Runner

OUT = Path(__file__).resolve().parents[2] / "databases"
AT = "2026-11-22T12:00:00.000Z"
MODEL = '{"id": "m", "provider": "replicate"}'
ORDER = (
    "INSERT INTO orders (id, claim, number, name, project, folder, model, document, document_sha256, fingerprint, file,"
    " accepted_at, base_seed, priority, rehearsal, provider, tags, notes, cap, price, total_items, total_products,"
    " expanded_items, expanded_products, committed, cancelled, was_cancelled{more})"
    " VALUES ('{id}', '{id}', 1, '{name}', 'p', 'Projects/p/{name}', '{model}', 'prompt: a', 'd', 'f', 'cars.yaml',"
    " '{at}', 7, 0, 0, 'replicate', '[]', '', 5000000, 9000, 3, 3, 3, 3, 5000, 0, 0{values})"
)
ITEM = (
    "INSERT INTO item (order_id, number, state, provider, first_index, asked, copy, seed, generation, tokens, upper,"
    " attempts, attempt, stop{more}) VALUES ('{order}', {number}, '{state}', 'replicate', {number}, 1, 0, 7,"
    " '{{\"prompt\": \"a\"}}', '[]', 3000, 1, '{attempt}', 0{values})"
)
LOG = (
    "INSERT INTO generation_log (id, order_id, number, nth, provider, model, actual, asked_at, reserved, cost,"
    " estimated{more}) VALUES ('{id}', '{order}', {number}, 1, 'replicate', 'm', '{{}}', '{at}', 3000, {cost}, 0"
    "{values})"
)
PRODUCT = (
    "INSERT INTO {table} (id, order_id, number, place, path, sha256, bytes, mime, width, height, created_at{more})"
    f" VALUES ('{{id}}', '{{order}}', {{number}}, {{number}}, 'Projects/p/{{id}}.png', 's', 10, 'image/png', 8, 8,"
    f" '{AT}'{{values}})"
)


def order(id: str, name: str, more: str = "", values: str = "") -> str:
    return ORDER.format(id=id, name=name, model=MODEL, at=AT, more=more, values=values)


def item(order: str, number: int, state: str, attempt: str, more: str = "", values: str = "") -> str:
    return ITEM.format(order=order, number=number, state=state, attempt=attempt, more=more, values=values)


def attempt(id: str, order: str, number: int, at: str, cost: str = "NULL", more: str = "", values: str = "") -> str:
    return LOG.format(id=id, order=order, number=number, at=at, cost=cost, more=more, values=values)


def product(id: str, order: str, number: int, table: str = "product", more: str = "", values: str = "") -> str:
    return PRODUCT.format(table=table, id=id, order=order, number=number, more=more, values=values)


ROWS: dict[int, list[str]] = {
    1: [
        "INSERT INTO meta VALUES ('ledger', '2026-11.jsonl:77')",
        f"INSERT INTO provider_stop VALUES ('replicate', 'no key', '{AT}')",
        f"INSERT INTO command VALUES ('c1', 'cancel', '{{\"done\": true}}', '{AT}')",
        order("o1", "cars"),
        *(item("o1", n, state, f"a{n}") for n, state in enumerate(("completed", "in_doubt", "running"), 1)),
        attempt("a1", "o1", 1, "2026-11-21T23:59:00.000Z", "2000"),
        attempt("a2", "o1", 2, "2026-11-22T00:01:00.000Z"),
        attempt("a3", "o1", 3, "2026-11-22T00:02:00.000Z", "0"),
        product("p1", "o1", 1),
    ],
    2: [
        f"INSERT INTO provider_stop VALUES ('', 'paused', 'paused by you', '{AT}')",
        f"UPDATE orders SET paused = '{AT}' WHERE id = 'o1'",
    ],
    3: [
        "INSERT INTO upload VALUES ('replicate', 's', 'https://example.org/s', NULL)",
        order("o3", "edit", ", inputs", ", '[{\"value\": \"beach.png\", \"name\": \"beach.png\", \"sha256\": \"s\"}]'"),
    ],
    4: [f"INSERT INTO question VALUES ('a2', '{AT}', 2, '{AT}', NULL, 0, 'It does not say.')"],
    5: [
        attempt("a5", "o1", 2, "2026-11-23T00:01:00.000Z", "NULL", ", day", ", '2026-11-23'"),
        "INSERT INTO spending VALUES ('2026-11-23', 3000)",
        "UPDATE orders SET overrun = 1, dearest = 4000 WHERE id = 'o1'",
    ],
    6: [
        f"INSERT INTO outage VALUES ('fal', 'no answer', '{AT}', '{AT}', 0)",
        f"INSERT INTO provider_stop VALUES ('fal', 'stopped', 'bad key', '{AT}', 1)",
    ],
    7: ["UPDATE orders SET library = '{\"lookups\": {\"skies\": [\"at dawn\"]}}' WHERE id = 'o3'"],
    8: [
        item("o3", 1, "completed", "a8", ", key, buy_again", ", 'k1', 1"),
        "UPDATE orders SET buy_again = 1 WHERE id = 'o3'",
    ],
    9: [
        f"UPDATE orders SET models = '[{MODEL}, {MODEL}]' WHERE id = 'o3'",
        item("o3", 2, "planned", "", ", model, stage, parent, waits", ", 1, 'oil', 1, 2"),
        product("p9", "o3", 1, "product", ", liked, tags", ", 1, '[\"fast\"]'"),
    ],
    10: ["UPDATE orders SET proof = '[1]' WHERE id = 'o3'"],
    11: [product("i1", "o3", 2, "interim")],
    12: ["INSERT INTO shelf_item VALUES ('o9', 1, 'k', 1, 1)", "INSERT INTO ledger_mark VALUES (1, '')"],
    13: [
        product("p13", "o3", 1, "product", ", nth", ", 1"),
        item(
            "o3", 5, "planned", "", ", model, stage, parent, waits, parent_nth, wants_liked", ", 1, 'oil', 1, 0, 1, 1"
        ),
        "UPDATE orders SET grown_items = 1 WHERE id = 'o3'",
    ],
    14: [
        product("p14", "o3", 2, "product", ", looked, replaced_by", ", 'It is damaged.', 'p15'"),
        product("p15", "o3", 2, "product", ", looked", ", ''"),
        product("p16", "o3", 3),
    ],
}  # fmt: skip


def dump(path: Path) -> Iterator[str]:
    with closing(sqlite3.connect(path)) as database:
        yield from (line for line in database.iterdump() if line not in ("BEGIN TRANSACTION;", "COMMIT;"))


def main(migrations: str) -> None:
    file = Path("made.sqlite3").absolute()
    file.unlink(missing_ok=True)
    database = SqliteDatabase(str(file))
    for migration in sorted(path.stem for path in Path(migrations).glob("[0-9]*.py")):
        Runner(database, migrations).up(target=migration)
        number = int(migration[:4])
        for row in ROWS[number]:
            database.execute_sql(row)
        database.close()
        if number > 1:
            head = f"-- The index as migration {migration} made it at commit 0ee9b53, with rows in it. Never edited."
            (OUT / f"{number:04d}.sql").write_text("\n".join([head, *dump(file)]) + "\n")
    file.unlink()


if __name__ == "__main__":
    main(sys.argv[1])
