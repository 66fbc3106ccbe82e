"""`spend`: what was spent, by project, model, day or order, and what is left of the caps. Only reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from artfactoryd import clock
from artfactoryd.cli.context import as_json, made_home, say, settings_of
from artfactoryd.core.money import dollars, usd
from artfactoryd.home import Home
from artfactoryd.settings import Settings
from artfactoryd.storage import budget
from artfactoryd.storage import spend as spending
from artfactoryd.storage.index import Index
from artfactoryd.storage.spend import SpentOn

Document = dict[str, Any]
MONEY = ("spent", "reserved", "in_doubt")


@click.command()
@click.option(
    "--by",
    type=click.Choice(spending.GROUPS),
    default="project",
    help="What to add up by (default: project).",
)
@as_json
@click.pass_context
def spend(ctx: click.Context, by: str, as_json: bool) -> None:
    """What was spent, what is on the way or in doubt, and what is left of today's and this month's cap."""
    home = made_home(ctx)
    figures = document(home, settings_of(home), by, clock.today())
    say(figures, "" if as_json else text(figures), as_json)


def document(home: Home, settings: Settings, by: str, day: str) -> Document:
    """`day`: the local date of today."""
    with Index.reading(home.index_file) as index:
        groups = spending.by_group(index, by) if index else []
        return {
            "budget": budget.standing(index, settings, day), "by": by,
            "groups": [_group(group, by) for group in groups], "total": _total(groups),
        }  # fmt: skip


def _group(group: SpentOn, by: str) -> Document:
    of_order = {"order_id": group.order_id} if by == "order" else {}
    return {"name": group.name, "attempts": group.attempts, **of_order, **_in_dollars([group])}


def _total(groups: Sequence[SpentOn]) -> Document:
    return {"name": "total", "attempts": sum(group.attempts for group in groups), **_in_dollars(groups)}


def _in_dollars(groups: Sequence[SpentOn]) -> Document:
    return {f"{name}_usd": usd(sum(getattr(group.money, name) for group in groups)) for name in MONEY}


def text(document: Document) -> str:
    head = [document["by"], "attempts", "spent", "on the way", "in doubt"]
    lines = [_cells(group) for group in (*document["groups"], document["total"])]
    nothing = [] if document["groups"] else ["Nothing was spent yet."]
    return "\n".join([*budget.standing_text(document["budget"]), "", *(nothing or _table([head, *lines]))])


def _cells(group: Mapping[str, Any]) -> list[str]:
    name = f"{group['order_id'][:13]}  {group['name']}" if "order_id" in group else str(group["name"])
    return [name, str(group["attempts"]), *(dollars(round(group[f"{key}_usd"] * 1_000_000)) for key in MONEY)]


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]
