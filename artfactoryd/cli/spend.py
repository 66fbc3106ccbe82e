"""`spend`: what was spent, by project, model, day or order, and what is left of the caps. Only reads."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

import click

from artfactoryd import clock
from artfactoryd.cli.context import as_json, made_home, say, settings_of, settings_to_go_by
from artfactoryd.cli.program import DID_NOT_SUCCEED
from artfactoryd.home import Home
from artfactoryd.reporting import caps
from artfactoryd.reporting.caps import Caps, in_dollars
from artfactoryd.reporting.json_object import JsonObject
from artfactoryd.settings import Settings
from artfactoryd.storage import spend as spending
from artfactoryd.storage.index import Index
from artfactoryd.storage.spend import SpentOn


@dataclass(frozen=True, slots=True)
class GroupDocument(JsonObject):
    """`order_id`: of groups that are orders."""

    name: str
    attempts: int
    order_id: str | None
    spent_usd: float
    reserved_usd: float
    in_doubt_usd: float

    def to_json(self) -> dict[str, object]:
        values = JsonObject.to_json(self)
        if self.order_id is None:
            del values["order_id"]
        return values


@dataclass(frozen=True, slots=True)
class SpendDocument(JsonObject):
    budget: Caps
    by: str
    groups: Sequence[GroupDocument]
    total: GroupDocument


@click.command()
@click.option(
    "--by",
    type=click.Choice(spending.GROUPS),
    default="project",
    help="What to add up by (default: project).",
)
@click.option("--check", is_flag=True, help="Compare it with what the providers billed, where they tell.")
@as_json
@click.pass_context
def spend(ctx: click.Context, by: str, check: bool, as_json: bool) -> None:
    """What was spent, what is on the way or in doubt, and what is left of today's and this month's cap."""
    home = made_home(ctx)
    if check:
        from artfactoryd.cli.upkeep import bills  # imported late: it asks providers, and adding up does not

        told = bills.check(home, settings_of(home), os.environ, clock.now())
        say(told, "" if as_json else bills.text(told), as_json)
        ctx.exit(DID_NOT_SUCCEED if all(one.trouble for one in told.providers) and told.providers else 0)
    figures = document(home, settings_to_go_by(home), by, clock.today())
    say(figures, "" if as_json else text(figures), as_json)


def document(home: Home, settings: Settings, by: str, day: str) -> SpendDocument:
    """`day`: the local date of today."""
    with Index.looking(home.index_file) as index:
        groups = spending.by_group(index, by) if index else []
        return SpendDocument(
            budget=caps.standing(index, settings, day),
            by=by,
            groups=[_group(group, by) for group in groups],
            total=_summed("total", groups),
        )


def _group(group: SpentOn, by: str) -> GroupDocument:
    return replace(_summed(group.name, [group]), order_id=group.order_id if by == "order" else None)


def _summed(name: str, groups: Sequence[SpentOn]) -> GroupDocument:
    spent, reserved, in_doubt = (
        sum(micro) / 1_000_000
        for micro in (
            [group.money.spent for group in groups],
            [group.money.reserved for group in groups],
            [group.money.in_doubt for group in groups],
        )
    )
    return GroupDocument(name, sum(group.attempts for group in groups), None, spent, reserved, in_doubt)


def text(document: SpendDocument) -> str:
    lines = [*document.budget.lines(), ""]
    if not document.groups:
        return "\n".join([*lines, "Nothing was spent yet."])
    head = [document.by, "attempts", "spent", "on the way", "in doubt"]
    return "\n".join([*lines, *_table([head, *map(_cells, (*document.groups, document.total))])])


def _cells(group: GroupDocument) -> list[str]:
    name = f"{group.order_id[:13]}  {group.name}" if group.order_id else group.name
    return [name, str(group.attempts), *map(in_dollars, (group.spent_usd, group.reserved_usd, group.in_doubt_usd))]


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]
