"""What may have been bought and nobody can vouch for: the attempts in doubt, and what was asked about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from artfactoryd.storage.index import Index

Row = dict[str, Any]
OPEN = "g.verdict = 'in_doubt' AND g.cost IS NULL AND g.ticket IS NULL"
ASKED = "q.since, q.times, q.last_at, q.next_at, q.hopeful, q.words"


def open_doubts(index: Index, provider: str) -> list[Row]:
    """Attempts of which nobody knows what became, oldest first; also of items cancelled or sent again since."""
    sql = (
        f"SELECT g.*, {ASKED} FROM generation_log g LEFT JOIN question q ON q.attempt = g.id "
        f"WHERE g.provider = ? AND {OPEN} ORDER BY g.asked_at, g.id"
    )
    return index.rows(sql, (provider,))


def known(index: Index, provider: str, since: str) -> list[Row]:
    """Attempts that have tickets, asked for since then."""
    sql = (
        "SELECT id, order_id, number, model, actual, asked_at, ticket FROM generation_log "
        "WHERE provider = ? AND asked_at >= ? AND ticket IS NOT NULL"
    )
    return index.rows(sql, (provider, since))


def on_the_way(index: Index, provider: str) -> list[Mapping[str, Any]]:
    """What was sent in the creates that have no answer yet."""
    sql = (
        "SELECT g.actual FROM item i JOIN generation_log g ON g.id = i.attempt "
        "WHERE i.state = 'submitting' AND i.provider = ?"
    )
    return [row["actual"] for row in index.rows(sql, (provider,))]


def of_order(index: Index, order_id: str) -> list[Row]:
    """What of an order may have been charged, with the state its item is in now; also what was found too late."""
    sql = (
        f"SELECT g.*, {ASKED}, i.state FROM generation_log g "
        "JOIN item i ON i.order_id = g.order_id AND i.number = g.number LEFT JOIN question q ON q.attempt = g.id "
        "WHERE g.order_id = ? AND g.verdict = 'in_doubt' AND g.cost IS NULL ORDER BY g.number, g.id"
    )
    return index.rows(sql, (order_id,))


def hopeful(index: Index, order_id: str) -> bool:
    """Whether something in doubt may yet be found out by asking, within minutes."""
    sql = (
        "SELECT 1 FROM generation_log g JOIN question q ON q.attempt = g.id JOIN item i ON i.attempt = g.id "
        f"WHERE g.order_id = ? AND i.state = 'in_doubt' AND q.hopeful = 1 AND {OPEN} LIMIT 1"
    )
    return index.row(sql, (order_id,)) is not None


def remember(index: Index, rows: Iterable[Row]) -> None:
    """What was asked is free to ask again, so it has no line. For `books` alone."""
    sql = (
        "INSERT INTO question (attempt, since, times, last_at, next_at, hopeful, words) VALUES (?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (attempt) DO UPDATE SET times = excluded.times, last_at = excluded.last_at, "
        "next_at = excluded.next_at, hopeful = excluded.hopeful, words = excluded.words"
    )
    keys = ("id", "since", "times", "last_at", "next_at", "hopeful", "words")
    index.add(sql, [[row[key] for key in keys] for row in rows])
