"""The plan as a page: in colour and columns on a terminal, plain lines when it goes elsewhere. Nothing is left out
of either without a word that says so."""

from __future__ import annotations

import json
import os
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from artfactoryd.cli.context import as_json, count_of, settings_of, shown_home
from artfactoryd.cli.terminal import echo
from artfactoryd.core.expansion.axes_in_words import MOST_VALUES
from artfactoryd.core.json_types import Document
from artfactoryd.core.money import rounded
from artfactoryd.core.names import counted
from artfactoryd.planning import preview
from artfactoryd.planning.preview import Planned, PlannedOrder
from artfactoryd.planning.to_buy import NEW, NEW_PARENT
from artfactoryd.printable import one_line, printable, redact, redact_json
from artfactoryd.storage.database import check_not_lost

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

MOST_LINE = 100  # characters of a line that is shown with a mark below
LONG = 30  # a value that has a line of its own
SECRET = "E_SECRET"
BEFORE = 60  # of these, before the mark
TOGETHER = 100  # items in one table
MOST_NUMBERS = 12  # of the items of a proof
Row = tuple[str, str]  # what it is about, words


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--rehearse", is_flag=True, help="As if every item were drawn here, for nothing.")
@click.option("--items", "most", default="10", metavar="N|all", help="How many items to list (default 10).")
@click.option("--box", metavar="NAME", help="As if it were dropped into this folder in the Inbox.")
@as_json
@click.pass_context
def plan(ctx: click.Context, file: Path, rehearse: bool, most: str, box: str | None, as_json: bool) -> None:
    """What an order would do, what it would cost, and what would hold it. Spends nothing."""
    home = shown_home(ctx)
    most_items, settings = count_of(most, "--items", 0), settings_of(home)
    check_not_lost(home.index_file)  # by which it is told what would be reused
    planned = preview.plan(home, settings, file, rehearse=rehearse, most=most_items, environ=os.environ, box=box)
    if as_json:
        for piece in planned.json():
            echo(redact_json(piece), nl=False, whole=True)
    else:
        show(planned, echo)
    ctx.exit(planned.exit_code)


def show(planned: Planned, echo: Callable[[str], None]) -> None:
    """To standard output; `echo` writes a line there."""
    if sys.stdout.isatty():
        _on_terminal(planned)
        return
    for line in text(planned):
        echo(redact(line))


def text(planned: Planned) -> Iterator[str]:
    """Line by line, as long as it may be."""
    for number, order in enumerate(planned.orders):
        if number:
            yield ""
        yield one_line(headline(order.head))
        for label, words in rows(order.head, planned):
            first, *more = words.split("\n")
            yield f"  {label:<8} {first}"
            yield from (f"           {line}" for line in more)
        if not order.head["errors"]:
            yield ""
            yield from _item_lines(order)


# --- what it says ---


ENDS = (("first", "first"), ("last", "last"), ("lands in", "folder"))


def headline(head: Document) -> str:
    if head["errors"]:
        return f"{head['name']} cannot be taken:"
    kind = " (rehearsal: drawn here, for nothing)" if head["rehearsal"] else ""
    return f"{head['name']}: {counted(head['total_items'], 'item')}, {head['makes']}{kind}"


def rows(head: Document, planned: Planned) -> Iterator[Row]:
    """Everything but the items."""
    if head["errors"]:
        yield from (("error", _with_mark(error, planned)) for error in head["errors"])
        yield from (("warning", _with_mark(warning, planned)) for warning in head["warnings"])
        return
    yield from (("model", one_line(words)) for words in _models(head))
    yield from (("default", words) for words in _defaults(head))
    yield "price", _price(head)
    yield from ((note["about"], one_line(note["text"])) for note in head["notes"])
    yield from _reuse(head["reuse"])
    if head["proof"]:
        yield "proof", _proof(head)
    if head["combined"]:
        yield "axes", one_line(head["combined"])
    shown = (axis for axis in head["axes"] if axis["first"] and not _tells_all(axis))
    yield from (("axis", f"{one_line(axis['short'])}: {_values(axis)}") for axis in shown)
    yield from (("then", one_line(_stage(stage))) for stage in head["stages"])
    ends = ENDS if head["last"] != head["first"] else (ENDS[0], ENDS[2])
    yield from ((label, one_line(head[key])) for label, key in ends if head[key])
    yield from (("held" if each["holds"] else "warning", _with_mark(each, planned)) for each in head["warnings"])
    said_above = any(each["holds"] for each in head["warnings"])
    others = (reason for reason in head["held"] if not (said_above and reason["code"] == "warning"))
    yield from (("held", one_line(reason["text"])) for reason in others)
    if head["held"]:
        yield "so", _way_on(head)


def _models(head: Document) -> list[str]:
    """A price that is a sum is told with its parts."""
    if len(head["models"]) == 1 or head["rehearsal"]:
        price = head["models"][0]["price"] if head["models"] else None
        parts = _unit(price) if price and " + " in price["text"] and not head["rehearsal"] else ""
        return [f"{head['provider']} {head['model']}{parts}"]
    return [f"{model['provider']} {model['model']}{_unit(model['price'])}" for model in head["models"]]


def _unit(price: Document | None) -> str:
    if price is None:
        return ", price unknown"
    return f", {price['text']}"


def _defaults(head: Document) -> Iterator[str]:
    """What was added to the order, by where it stands."""
    for source in dict.fromkeys(added["from"] for added in head["defaults"]):
        values = (
            f"{added['key']}: {json.dumps(added['value'], ensure_ascii=False)}"
            for added in head["defaults"] if added["from"] == source
        )  # fmt: skip
        yield one_line(f"{', '.join(values)} (from {source})")


def _reuse(reuse: Document) -> Iterator[Row]:
    """Nothing where all of it is new anyway."""
    waits = "waits" if reuse["joined"] == 1 else "wait"
    told = {
        "reused": "reused from the shelf", "joined": f"{waits} for an equal one",
        "deleted": "deleted or edited since", "bought": "to buy",
    }  # fmt: skip
    if any(reuse[key] for key in ("reused", "joined", "deleted")) or not reuse["reasons"].keys() <= {NEW, NEW_PARENT}:
        other = f" ({reuse['any_seed']} of them with another seed)" if reuse.get("any_seed") else ""
        words = {**told, "reused": told["reused"] + other}
        counts = ", ".join(f"{reuse[key]} {text}" for key, text in words.items() if reuse[key])
        some = f" of the first {reuse['looked_at']}" if "looked_at" in reuse else ""
        reasons = [f"{count}{some} because {one_line(reason)}" for reason, count in reuse["reasons"].items()]
        yield "reuse", "\n".join([counts, *reasons])
    if hint := reuse.get("hint"):
        equal = f"{hint['items']} equal but for the seed to {one_line(hint['order'])}"
        yield "seeds", f"{equal}; add `seed: {hint['seed']}` to reuse them, or `reuse: any-seed`"


def _names(item: Document) -> Sequence[str]:
    return item["names"] or [f"({item['stage']}, not kept)"]


def _stage(stage: Document) -> str:
    price = "price unknown" if stage["usd"] is None else f"at most {_dollars(stage['usd'])}" if stage["usd"] else "free"
    waits = ", only what you like" if stage["waits_for"] == "liked" else ""
    waits += "" if stage["keep"] else ", not kept"
    items = f"{counted(stage['total_items'], 'item')}, {stage['makes']}"
    return f"{stage['id']}: {stage['provider']} {stage['model']}, {items}, {price}{waits}"


def _price(head: Document) -> str:
    if not head["price"]["complete"]:
        return "unknown"
    usd, cap = head["price"]["usd"], head["cap_usd"]
    if not usd:
        return "free"
    one = len(head["models"]) == 1
    as_of = f", price of {head['price']['as_of']}" if one and head["price"]["as_of"] else ""
    return f"at most {_dollars(usd)}{as_of}{f' (its cap is {_dollars(cap)})' if usd > cap else ''}"


def _dollars(usd: float) -> str:
    return rounded(round(usd * 1_000_000), up=True)


def _proof(head: Document) -> str:
    numbers, price = head["proof"]["items"], _dollars(head["proof"]["usd"])
    shown = ", ".join(map(str, numbers[:MOST_NUMBERS]))
    more = f" and {len(numbers) - MOST_NUMBERS} more" if len(numbers) > MOST_NUMBERS else ""
    first = counted(len(numbers), "item")
    return f"{first} first (number {shown}{more}), at most {price}; then it waits for you"


def _tells_all(axis: Document) -> bool:
    """A token that stands whole, with every value in it."""
    return axis["token"] == axis["short"] and all(str(value) in axis["token"] for value in axis["first"])


def _values(axis: Document) -> str:
    shown = [one_line(value) for value in axis["first"]]
    apart = "\n" if any(len(value) > LONG for value in shown) else ", "
    more = [f"… ({axis['values']} values)"] if axis["values"] > MOST_VALUES else []
    return (apart if apart == "\n" else "") + apart.join([*shown, *more])


def _way_on(head: Document) -> str:
    """What a person does about it."""
    if all(reason["waivable"] for reason in head["held"]):
        return "it would wait in Held until you move it to the Inbox again, or `artfactoryd approve` it"
    return "approving would not be enough: change the order as it says"


def _with_mark(problem: Document, planned: Planned) -> str:
    """The words, and below them the line of the file with a mark under the place."""
    line, column = problem["line"], problem["column"]
    if line is None or problem["file"] != planned.file or not 1 <= line <= len(planned.lines):
        return one_line(problem["text"])
    written = planned.lines[line - 1].expandtabs(1)
    told = (other for order in planned.orders for other in (*order.head["errors"], *order.head["warnings"]))
    if redact(written) != written or any(other["line"] == line and other["code"] == SECRET for other in told):
        return one_line(problem["text"])  # what nobody may read stands in that line
    start = max(0, column - 1 - BEFORE)
    shown = written[start : start + MOST_LINE]
    head = "…" if start else ""
    tail = "…" if start + MOST_LINE < len(written) else ""
    mark = " " * _width(head + written[start : column - 1]) + "^"
    return f"{one_line(problem['text'])}\n{line:>5} | {head}{shown}{tail}\n      | {mark}"


def _width(text: str) -> int:
    """Columns on a terminal."""
    return sum(_columns(char) for char in text)


def _columns(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _item_lines(order: PlannedOrder) -> Iterator[str]:
    listed = 0
    for item in order.items():
        listed += 1
        names = "  ".join(map(one_line, _names(item)))
        parameters = json.dumps(item["parameters"], ensure_ascii=False, separators=(", ", ": "))
        yield f"  {item['index']:>4}  {_maker(order.head, item)}{names}  {parameters}"
    if more := _more(order.head, listed):
        yield f"        {more}"


def _maker(head: Document, item: Document) -> str:
    """By which of several models an item is made."""
    several = len(head["models"]) > 1 or head["stages"]
    return f"{item['provider']}/{item['model_short']}  " if several else ""


def _more(head: Document, listed: int) -> str:
    more = head["total_items"] - listed
    return f"… and {more} more (--items all)" if more > 0 else ""


# --- on a terminal ---


LOOKS = {"warning": "bold magenta", "held": "bold red", "so": "bold red", "error": "bold red"}


def _on_terminal(planned: Planned) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    for number, order in enumerate(planned.orders):
        if number:
            console.print()
        console.print(Text(one_line(headline(order.head)), "bold"))
        console.print(_grid(rows(order.head, planned)))
        if not order.head["errors"]:
            _print_items(console, order)


def _grid(rows: Iterable[Row]) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for label, words in rows:
        grid.add_row(Text(f"  {label}", LOOKS.get(label, "cyan")), Text(printable(redact(words))))
    return grid


def _print_items(console: Console, order: PlannedOrder) -> None:
    """A table at a time, so that a million of them come as they are made."""
    items, listed = order.items(), 0
    while together := list(islice(items, TOGETHER)):
        table = _table(console.width, with_head=listed == 0)
        for item in together:
            by = one_line(_maker(order.head, item))
            file = "\n".join(map(one_line, _names(item)))
            table.add_row(str(item["index"]), f"{file}\n{by}" if by else file, _parameters(item))
        console.print(table)
        listed += len(together)
    if more := _more(order.head, listed):
        console.print(f"  {more}", style="dim")


def _table(width: int, with_head: bool) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_header=with_head, header_style="cyan", width=width)
    table.add_column("item", justify="right", width=7, no_wrap=True)
    table.add_column("file", ratio=2, overflow="fold")
    table.add_column("parameters", ratio=3, overflow="fold")
    return table


def _parameters(item: Document) -> RenderableType:
    from rich.text import Text

    cell = Text()
    for name, value in item["parameters"].items():
        cell.append("" if not cell else "\n")
        cell.append(f"{name} ", "dim")
        cell.append(one_line(redact(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))))
    return cell
