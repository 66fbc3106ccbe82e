"""SQLite's words as PostgreSQL takes them. That it understands them is tried by the storage suite."""

from __future__ import annotations

import pytest

from artfactoryd.storage.engines.translated import translated

AS_C = ' COLLATE "C"'
WORDS = {  # of SQLite: of PostgreSQL
    "SELECT id FROM item WHERE a = ? AND b IN (?, ?)": "SELECT id FROM item WHERE a = $1 AND b IN ($2, $3)",
    "SELECT 1 WHERE a = ?2 OR b = ?1": "SELECT 1 WHERE a = $2 OR b = $1",
    "SELECT 'is it ? +x LIKE ?' WHERE +state = 'a'": "SELECT 'is it ? +x LIKE ?' WHERE state = 'a'",
    "SELECT a + b FROM product INDEXED BY product_liked": "SELECT a + b FROM product",
    "u CROSS JOIN product p ON p.seq = u.seq": "u JOIN product p ON p.seq = u.seq",
    "path LIKE ? ESCAPE '\\'": f"path ILIKE $1{AS_C} ESCAPE '\\'",
    "mime LIKE 'image/%' OR mime = ?": f"mime ILIKE 'image/%'{AS_C} ESCAPE '' OR mime = $1",
    "name = ? COLLATE NOCASE": "name =* $1",
    "k.name = c.name COLLATE NOCASE": "k.name =* c.name",
    "GROUP BY p.project COLLATE NOCASE": "GROUP BY nocase(p.project)",
    "WHERE a IS NULL AND b IS NOT NULL": "WHERE a IS NULL AND b IS NOT NULL",
    "WHERE mark IS ? AND f.tags IS NOT p.tags": "WHERE mark IS NOT DISTINCT FROM $1 AND f.tags IS DISTINCT FROM p.tags",
    "ORDER BY id LIMIT ?": "ORDER BY id LIMIT nullif($1::bigint, -1)",
    "INSERT OR IGNORE INTO parameter (name) VALUES (?)":
        "INSERT INTO parameter (name) VALUES ($1) ON CONFLICT DO NOTHING",
    "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)":
        "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    "INSERT OR REPLACE INTO moving VALUES (?, ?, '')":
        "INSERT INTO moving VALUES ($1, $2, '') ON CONFLICT (product) DO UPDATE SET source = excluded.source, "
        "path = excluded.path",
    "CREATE TEMP TABLE t (a TEXT, b INTEGER) WITHOUT ROWID": f"CREATE TEMP TABLE t (a TEXT{AS_C}, b BIGINT)",
    "sum(CAST(b.value AS INTEGER)) || char(10)": "sum(CAST(b.value AS BIGINT)) || chr(10)",
    "CAST(json_extract(a, '$.b') AS NUMERIC) > ?": "number_of(json_extract(a, '$.b')) > $1",
}  # fmt: skip


@pytest.mark.parametrize("sql", WORDS)
def test_a_question_in_the_words_of_one_is_the_same_in_those_of_the_other(sql: str) -> None:
    assert translated(sql) == WORDS[sql]
