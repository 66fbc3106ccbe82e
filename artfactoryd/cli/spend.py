"""`spend`: what was spent, by project, model, day or order, and what is left of the caps. Only reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

import click

from artfactoryd import clock
from artfactoryd.cli.context import as_json, made_home, say, settings_of
from artfactoryd.core.money import dollars, usd
from artfactoryd.home import Home
from artfactoryd.settings import Settings
from artfactoryd.storage import budget
from artfactoryd.storage.index import Index

Document = dict[str, Any]
GROUPS = {  # what makes a group, what it is called, and which comes first
    "project": ("o.project", "o.project", "spent DESC, name"),
    "model": ("g.provider, g.model", "g.provider || ' ' || g.model", "spent DESC, name"),
    "day": ("g.day", "g.day", "name DESC"),
    "order": ("o.id", "o.project || '/' || o.name", "id DESC"),
}
MONEY = ("spent", "reserved", "in_doubt")


@click.command()
@click.option(
    "--by",
    type=click.Choice(["project", "model", "day", "order"]),
    default="project",
    help="What to add up by (default: project).",
)
@as_json
@click.pass_context
def spend(ctx: click.Context, by: str, as_json: bool) -> None:
    """What was spent, what is on the way or in doubt, and what is left of today's and this month's cap."""
    home = made_home(ctx)
    found = document(home, settings_of(home), by, clock.today())
    say(found, "" if as_json else text(found), as_json)


def document(home: Home, settings: Settings, by: str, day: str) -> Document:
    """`day`: the local date of today."""
    index = Index.if_made(home.index_file)
    if index is None:
        return {"budget": budget.standing(None, settings, day), "by": by, "groups": [], "total": _group({}, by)}
    with closing(index):
        rows = _rows(index, by)
        total = {name: sum(row[name] for row in rows) for name in (*MONEY, "attempts")}
        return {
            "budget": budget.standing(index, settings, day), "by": by, "groups": [_group(row, by) for row in rows],
            "total": _group(total, by),
        }  # fmt: skip


def _rows(index: Index, by: str) -> list[dict[str, Any]]:
    """Rehearsals and what is made here for nothing are left out, and so is what surely was never sent."""
    group, name, first = GROUPS[by]
    return index.rows(
        f"SELECT {name} AS name, min(o.id) AS id, count(*) AS attempts, {budget.MONEY} FROM generation_log g "
        "JOIN orders o ON o.id = g.order_id WHERE o.rehearsal = 0 AND g.reserved > 0 "
        f"AND (g.verdict IS NULL OR g.verdict <> 'released') GROUP BY {group} ORDER BY {first}"
    )


def _group(row: Mapping[str, Any], by: str) -> Document:
    found: Document = {"name": row.get("name", "total"), "attempts": row.get("attempts", 0)}
    found |= {"order_id": row["id"]} if by == "order" and "id" in row else {}
    return found | {f"{name}_usd": usd(row.get(name, 0)) for name in MONEY}


def text(found: Document) -> str:
    head = [found["by"], "attempts", "spent", "on the way", "in doubt"]
    lines = [_cells(group) for group in (*found["groups"], found["total"])]
    nothing = [] if found["groups"] else ["Nothing was spent yet."]
    return "\n".join([*budget.standing_text(found["budget"]), "", *(nothing or _table([head, *lines]))])


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
