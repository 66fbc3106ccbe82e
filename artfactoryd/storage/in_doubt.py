"""What may have been bought and nobody can vouch for: the attempts in doubt, and what was asked about them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from artfactoryd.core.json_types import Json
from artfactoryd.core.lifecycle import ItemState
from artfactoryd.storage.index import Index
from artfactoryd.storage.rows import ATTEMPTS, QUESTIONS, AttemptRow, QuestionRow

OPEN = "g.verdict = 'in_doubt' AND g.cost IS NULL AND g.ticket IS NULL"


@dataclass(frozen=True, slots=True)
class Doubt:
    """An attempt of which nobody knows what became, and what was asked about it. `state`: its item's now."""

    attempt: AttemptRow
    question: QuestionRow | None
    state: ItemState | None = None


_COLUMNS = f"{ATTEMPTS.select('g')}, {QUESTIONS.select('q')}, i.state"
_JOINED = (
    f"SELECT {_COLUMNS} FROM generation_log g LEFT JOIN question q ON q.attempt = g.id "
    "LEFT JOIN item i ON i.order_id = g.order_id AND i.number = g.number"
)


class _Doubts:
    """The decoder of the join."""

    @staticmethod
    def decode(values: Sequence[object]) -> Doubt:
        first, last = len(ATTEMPTS.columns), len(ATTEMPTS.columns) + len(QUESTIONS.columns)
        question = None if values[first] is None else QUESTIONS.decode(values[first:last])
        state = None if values[last] is None else ItemState(str(values[last]))
        return Doubt(ATTEMPTS.decode(values[:first]), question, state)


def open_doubts(index: Index, provider: str) -> list[Doubt]:
    """Attempts of which nobody knows what became, oldest first; also of items cancelled or sent again since."""
    sql = f"{_JOINED} WHERE g.provider = ? AND {OPEN} ORDER BY g.asked_at, g.id"
    return index.all(_Doubts, sql, (provider,))


def known(index: Index, provider: str, since: str) -> list[AttemptRow]:
    """Attempts that have tickets, asked for since then."""
    sql = f"SELECT {ATTEMPTS.select()} FROM generation_log WHERE provider = ? AND asked_at >= ? AND ticket IS NOT NULL"
    return index.all(ATTEMPTS, sql, (provider, since))


def sent_by(index: Index, doubts: Collection[Doubt], now: str) -> dict[str, str]:
    """By attempt, the earliest moment that was told after it was sent: by later sendings, questions about it, `now`.

    Where that is before the moment of its own line, the clock was set back since.
    """
    marks = ",".join("?" * len(doubts))
    first = f"SELECT min(rowid) FROM generation_log WHERE id IN ({marks})"
    sql = f"SELECT id, asked_at FROM generation_log WHERE rowid >= ({first}) ORDER BY rowid DESC"
    asked = {doubt.attempt.id: doubt.question.since if doubt.question else now for doubt in doubts}
    earliest, told = now, dict[str, str]()
    for row in index.rows(sql, [doubt.attempt.id for doubt in doubts]):
        if row["id"] in asked:
            told[row["id"]] = min(earliest, asked[row["id"]])
        earliest = min(earliest, row["asked_at"])
    return told


def on_the_way(index: Index, provider: str) -> list[Json]:
    """What was sent in the creates that have no answer yet."""
    sql = (
        "SELECT g.actual FROM item i JOIN generation_log g ON g.id = i.attempt "
        "WHERE i.state = 'submitting' AND i.provider = ?"
    )
    return [row["actual"] for row in index.rows(sql, (provider,))]


def of_order(index: Index, order_id: str) -> list[Doubt]:
    """What of an order may have been charged, with the state its item is in now; also what was found too late."""
    sql = f"{_JOINED} WHERE g.order_id = ? AND g.verdict = 'in_doubt' AND g.cost IS NULL ORDER BY g.number, g.id"
    return index.all(_Doubts, sql, (order_id,))


def hopeful(index: Index, order_id: str) -> bool:
    """Whether something in doubt may yet be found out by asking, within minutes."""
    sql = (
        "SELECT 1 FROM generation_log g JOIN question q ON q.attempt = g.id JOIN item i ON i.attempt = g.id "
        f"WHERE g.order_id = ? AND i.state = 'in_doubt' AND q.hopeful = 1 AND {OPEN} LIMIT 1"
    )
    return index.row(sql, (order_id,)) is not None


def remember(index: Index, questions: Iterable[QuestionRow]) -> None:
    """What was asked is free to ask again, so it has no line. For `writer` alone."""
    sql = (
        "INSERT INTO question (attempt, since, times, last_at, next_at, hopeful, words) VALUES (?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (attempt) DO UPDATE SET since = min(question.since, excluded.since), times = excluded.times, "
        "last_at = excluded.last_at, next_at = excluded.next_at, hopeful = excluded.hopeful, words = excluded.words"
    )
    index.add(sql, [[q.attempt, q.since, q.times, q.last_at, q.next_at, int(q.hopeful), q.words] for q in questions])
