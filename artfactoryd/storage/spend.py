"""What was spent, is set aside or in doubt: of one order, and added up by project, model, day or order. Only reads.

Not here: whether more may be spent (budget). Money is integer micro-dollars.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from artfactoryd.core.money import dollars
from artfactoryd.core.names import folded
from artfactoryd.storage.index import ALL, Index
from artfactoryd.storage.writing import bought

_MONEY = """
    coalesce(sum(g.cost), 0) AS spent,
    coalesce(sum(CASE WHEN g.cost IS NULL AND g.verdict IS NULL THEN g.reserved END), 0) AS reserved,
    coalesce(sum(CASE WHEN g.cost IS NULL AND g.verdict IS NOT NULL THEN g.reserved END), 0) AS in_doubt,
    coalesce(sum(CASE WHEN g.cost < g.reserved THEN g.reserved - g.cost END), 0) AS released
"""
_GROUPS = {  # what makes a group, what it is called, and which comes first
    "project": ("o.project", "o.project", "spent DESC, name"),
    "model": ("g.provider, g.model", "g.provider || ' ' || g.model", "spent DESC, name"),
    "day": ("g.day", "g.day", "name DESC"),
    "order": ("o.id", "o.project || '/' || o.name", "id DESC"),
}
GROUPS = tuple(_GROUPS)
BY_SHELF = "(by sidecars alone)"  # a group of its own: what the ledger does not tell of


@dataclass(frozen=True, slots=True)
class Money:
    """`reserved`: for what is on the way. `released`: what came back of that."""

    spent: int = 0
    reserved: int = 0
    in_doubt: int = 0
    released: int = 0


@dataclass(frozen=True, slots=True)
class SpentOn:
    """One group of attempts that may have cost something. `order_id`: of a group that is one order, that order."""

    name: str
    order_id: str
    attempts: int
    money: Money


@dataclass(frozen=True, slots=True)
class Overrun:
    """An item that cost more than was set aside for it."""

    item: int
    cost: int
    reserved: int

    @property
    def text(self) -> str:
        return f"It cost {dollars(self.cost)}; {dollars(self.reserved)} were set aside."


def of_order(index: Index, order_id: str) -> Money:
    (row,) = index.rows(f"SELECT {_MONEY} FROM generation_log g WHERE g.order_id = ?", (order_id,))
    return Money(**row)


def by_group(index: Index, by: str) -> list[SpentOn]:
    """Rehearsals and what is made here for nothing are left out, and so is what surely was never sent."""
    group, name, first = _GROUPS[by]
    rows = index.rows(
        f"SELECT {name} AS name, min(o.id) AS id, count(*) AS attempts, {_MONEY} FROM generation_log g "
        "JOIN orders o ON o.id = g.order_id WHERE o.rehearsal = 0 AND g.reserved > 0 "
        f"AND (g.verdict IS NULL OR g.verdict <> 'released') GROUP BY {group} ORDER BY {first}"
    )
    groups = [
        SpentOn(
            row["name"], row["id"], row["attempts"],
            Money(row["spent"], row["reserved"], row["in_doubt"], row["released"]),
        )
        for row in rows
    ]  # fmt: skip
    groups = _one_for_each_folder(groups) if by == "project" else groups
    total, attempts = bought.in_all(index)
    return [*groups, SpentOn(BY_SHELF, "", attempts, Money(spent=total))] if total else groups


def _one_for_each_folder(groups: Sequence[SpentOn]) -> list[SpentOn]:
    """Names that are one folder are one project, called as its first order called it; dearest first as before."""
    projects: dict[str, SpentOn] = {}
    for group in groups:
        other = projects.get(folded(group.name))
        projects[folded(group.name)] = group if other is None else _together(other, group)
    return sorted(projects.values(), key=lambda group: (-group.money.spent, group.name))


def _together(one: SpentOn, other: SpentOn) -> SpentOn:
    first = min(one, other, key=lambda group: group.order_id)
    sums = {part.name: getattr(one.money, part.name) + getattr(other.money, part.name) for part in fields(Money)}
    return SpentOn(first.name, first.order_id, one.attempts + other.attempts, Money(**sums))


@dataclass(frozen=True, slots=True)
class Bought:
    """An attempt that its provider knows by a ticket. `cost`: None of what is not settled, or in doubt."""

    order_id: str
    order: str
    item: int
    ticket: str
    asked_at: str
    cost: int | None
    reserved: int


def bought_at(index: Index, provider: str, since: str, most: int) -> list[Bought]:
    """Newest first; `since`: an ISO moment in UTC."""
    sql = (
        'SELECT g.order_id, o.name AS "order", g.number AS item, g.ticket, g.asked_at, g.cost, g.reserved '
        "FROM generation_log g JOIN orders o ON o.id = g.order_id WHERE g.provider = ? AND g.asked_at >= ? "
        "AND g.ticket IS NOT NULL AND o.rehearsal = 0 ORDER BY g.asked_at DESC LIMIT ?"
    )
    return [Bought(**row) for row in index.rows(sql, (provider, since, most))]


def overruns(index: Index, order_id: str, most: int = ALL) -> list[Overrun]:
    sql = (
        "SELECT number AS item, cost, reserved FROM generation_log WHERE order_id = ? AND cost > reserved "
        "ORDER BY number LIMIT ?"
    )
    return [Overrun(**row) for row in index.rows(sql, (order_id, most))]
