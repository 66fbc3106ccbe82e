"""`like`, `rate`, `tag`, `note`, `undo`: what a person says of products. By file, by id, or all that a query finds."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from artfactoryd.cli.context import as_json, own_home
from artfactoryd.cli.control import say_steered
from artfactoryd.core.money import dollars
from artfactoryd.core.names import counted
from artfactoryd.core.query import read_query
from artfactoryd.errors import WrongUse
from artfactoryd.storage.index import Index
from artfactoryd.storage.lists import search
from artfactoryd.storage.lists.recognition import products_of
from artfactoryd.storage.marks.releasing import released
from artfactoryd.storage.naming import one_of, product_given

RATINGS = ("0", "1", "2", "3", "4", "5")
F = TypeVar("F", bound=Callable[..., Any])


def _of_many(command: F) -> F:
    """The options of marks that many products may get at once."""
    option = click.option("--query", metavar="QUERY", help='All that a query finds, as in `products`: "project:cars".')
    return option(command)


@click.command()
@click.argument("products", metavar="FILE|ID…", nargs=-1)
@click.option("--off", is_flag=True, help="Take the mark away. What it has sent on already goes on.")
@_of_many
@click.option("--yes", is_flag=True, help="With --query: send on what waits for them, for the price that is named.")
@as_json
@click.pass_context
def like(ctx: click.Context, products: tuple[str, ...], off: bool, query: str | None, yes: bool, as_json: bool) -> None:
    """Mark products as liked; a stage that waits for it goes on with them."""
    named = _named(ctx, products, query)
    price = _agreed(ctx, named, yes) if query is not None and not off else {}
    say_steered(ctx, "like", as_json, products=named, off=off, **price)


@click.command()
@click.argument("products", metavar="FILE|ID… 0-5", nargs=-1)
@click.option("--off", is_flag=True, help="Take the rating away; then no number is given.")
@_of_many
@as_json
@click.pass_context
def rate(ctx: click.Context, products: tuple[str, ...], off: bool, query: str | None, as_json: bool) -> None:
    """Give products a rating from 0 to 5."""
    files, last = (products, "") if off else (products[:-1], products[-1] if products else "")
    if not off and not ((files or query) and last in RATINGS):
        raise WrongUse("Say which products, and last a whole number from 0 to 5: `rate FILE 4`.")
    say_steered(ctx, "rate", as_json, products=_named(ctx, files, query), rating=None if off else int(last))


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("words", metavar="FILE|ID… +TAG -TAG…", nargs=-1, required=True)
@_of_many
@as_json
@click.pass_context
def tag(ctx: click.Context, words: tuple[str, ...], query: str | None, as_json: bool) -> None:
    """Put tags on products (+TAG) and take them off (-TAG)."""
    changes = [word for word in words if word[0:1] in ("+", "-") and len(word) > 1]
    named = _named(ctx, [word for word in words if word not in changes], query)
    say_steered(ctx, "tag", as_json, products=named, changes=changes)


@click.command()
@click.argument("words", metavar="FILE|ID… TEXT", nargs=-1)
@click.option("--off", is_flag=True, help="Take the notes away; then no text is given.")
@_of_many
@as_json
@click.pass_context
def note(ctx: click.Context, words: tuple[str, ...], off: bool, query: str | None, as_json: bool) -> None:
    """Write notes to products, in the place of those there were."""
    files, notes = (words, "") if off else (words[:-1], words[-1] if words else "")
    if not off and not ((files or query) and notes.strip()):
        raise WrongUse("Say which products, and last the text: `note FILE 'for the cover'`; `--off` takes it away.")
    say_steered(ctx, "note", as_json, products=_named(ctx, files, query), notes=notes)


@click.command()
@as_json
@click.pass_context
def undo(ctx: click.Context, as_json: bool) -> None:
    """Take back what was said last of products: by like, rate, tag, note, collect or bin."""
    say_steered(ctx, "undo", as_json)


def _named(ctx: click.Context, given: Sequence[str], query: str | None) -> list[str]:
    """Ids, or names as they were given. Raises where nothing is named, or the query is wrong or finds nothing."""
    if query is None:
        if not given:
            raise WrongUse("Say which products: files, ids, or `--query QUERY`.")
        return [product_of(ctx, name) for name in given]
    if given:
        raise WrongUse(f"{given[0]} and a query: say either which products, or `--query`.")
    return found(ctx, query)


def found(ctx: click.Context, query: str) -> list[str]:
    """Ids of what a query finds. Raises where it is wrong or finds nothing."""
    read_query(query)
    with Index.looking(own_home(ctx).index_file) as index:
        named = [row.product.id for row in search.find(index, query)] if index else []
    if not named:
        raise WrongUse(f"Nothing fits {query!r}, so nothing is marked.")
    return named


def product_of(ctx: click.Context, given: str) -> str:
    """The id of the product that a file is, wherever it lies; else the name as it was given."""
    home = own_home(ctx)
    if not (given.strip() and os.path.lexists(given)):
        return product_given(home, given)
    with Index.looking(home.index_file) as index:
        rows = products_of(home, index, Path(given)) if index else []
        return one_of(index, given, rows, None).id if rows else product_given(home, given)


def _agreed(ctx: click.Context, named: Sequence[str], yes: bool) -> dict[str, int]:
    """What many likes may send on, when a person agrees. No more than that is sent on."""
    with Index.looking(own_home(ctx).index_file) as index:
        sent_on = released(index, named) if index else None
    if sent_on is None or not sent_on.items:
        return {"at_most": 0}
    items, price = counted(sent_on.items, "item"), dollars(sent_on.most)
    words = f"Liking these {len(named)} products sends on {items}, for up to {price}."
    if not yes and not sys.stdin.isatty():
        raise WrongUse(f"{words} Nothing is marked; say it again with `--yes`.")
    if not yes and not click.confirm(f"{words} Go on?", err=True):
        raise WrongUse("Nothing is marked.")
    return {"at_most": sent_on.most}
