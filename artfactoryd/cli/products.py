"""`products`: what was made and a query finds, as data, as a table, as paths, and in words."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from artfactoryd import clock
from artfactoryd.cli.context import as_json, count_of, made_home, say
from artfactoryd.cli.terminal import echo
from artfactoryd.core.names import lasting
from artfactoryd.core.query import read_query
from artfactoryd.errors import WrongUse
from artfactoryd.home import Home
from artfactoryd.printable import one_line
from artfactoryd.reporting import products as reported
from artfactoryd.reporting.products import FoundDocument, ProductsDocument
from artfactoryd.storage.index import Index
from artfactoryd.storage.lists import recognition

MOST_PROMPT = 60  # characters of a prompt in a line
MOST_OPENED = 50


@click.command()
@click.argument("query", nargs=-1)
@click.option("--most", default="50", metavar="N|all", help="How many to list (default 50).")
@click.option("--before", default="", metavar="ID", help="Go on with those made before this one.")
@click.option("--csv", "as_table", is_flag=True, help="As a table.")
@click.option("--paths0", is_flag=True, help="Only the paths of those on the shelf, each ended by a NUL, for xargs -0.")
@click.option("--open", "opens", is_flag=True, help=f"Show them, at most {MOST_OPENED}.")
@as_json
@click.pass_context
def products(
    ctx: click.Context, query: tuple[str, ...], most: str, before: str, as_table: bool, paths0: bool, opens: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """What was made, newest first: all, what a query finds, or which product a file is.

    Every term must hold: 'project:cars model:flux-dev guidance:>3 date:7d "red car" -blue'. Put the
    query between single quotes; one that begins with - comes after --.
    """
    if as_json + as_table + paths0 > 1:
        raise WrongUse("One of --json, --csv and --paths0 at a time.")
    home = made_home(ctx)
    document = find_products(home, " ".join(query), count_of(most, "--most"), before)
    if paths0:
        echo("".join(f"{path}\0" for path in _there(home, document)), nl=False, raw=True)
    elif as_table:
        echo(reported.table(document.products), nl=False, whole=True)
    else:
        say(document, products_text(document), as_json)
    if opens:
        show(_there(home, document))


def find_products(home: Home, query: str, most: int | None, before: str = "") -> ProductsDocument:
    """`query`: may be a file that is a product, whatever it is called. `most`: None for all. Raises QueryWrong."""
    with Index.looking(home.index_file) as index:
        if index and (rows := recognition.products_of(home, index, Path(query))):
            return reported.of_rows(index, home.root, query, rows)
        read_query(query)
        return reported.page(index, home.root, query, most, before)


def _there(home: Home, document: ProductsDocument) -> list[Path]:
    return [home.root / product.path for product in document.products if product.on_shelf]


def show(paths: Sequence[Path]) -> None:
    """By what the system opens such files with."""
    if len(paths) > MOST_OPENED:
        raise WrongUse(f"{len(paths)} are too many to be opened; {MOST_OPENED} at most (--most {MOST_OPENED}).")
    calls = [["open", *map(str, paths)]] if sys.platform == "darwin" else [["xdg-open", str(path)] for path in paths]
    for call in calls if paths else ():
        subprocess.run(call, check=False)


def products_text(document: ProductsDocument) -> str:
    lines = [_line(product) for product in document.products]
    if not lines:
        lines = ["Nothing fits." if document.query.strip() else "Nothing was made yet."]
    if document.more:
        lines.append(f"… and more (--most all, or --before {document.next})")
    return "\n".join(map(one_line, lines))


def _line(product: FoundDocument) -> str:
    prompt = product.prompt if len(product.prompt) <= MOST_PROMPT else product.prompt[:MOST_PROMPT] + "…"
    gone = "" if product.on_shelf else "  (no longer on the shelf)"
    damaged = "  (damaged)" if product.damaged else ""
    lasts = f"  {lasting(product.duration)}" if product.duration else ""
    return f"{clock.shown(product.created_at)[:10]}  {product.path}{lasts}  {prompt}{damaged}{gone}"
