"""`collect`, `collections`, `bin`: products put together by hand, as folders of clones, and put away."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import click

from artfactoryd.cli.context import as_json, own_home, say
from artfactoryd.cli.control import say_steered
from artfactoryd.cli.pictures.marks import found, product_of
from artfactoryd.clock import shown
from artfactoryd.core.names import counted
from artfactoryd.errors import NoSuchProduct, WrongUse
from artfactoryd.printable import one_line
from artfactoryd.reporting.json_object import JsonObject
from artfactoryd.storage.index import Index
from artfactoryd.storage.marks import collected
from artfactoryd.storage.naming import products_named

MANY = 20  # products that go into the bin unasked


@dataclass(frozen=True, slots=True)
class CollectionDocument(JsonObject):
    """`newest`: when the last of its products was made; `folder`: where their clones lie."""

    name: str
    products: int
    newest: str
    folder: str


@dataclass(frozen=True, slots=True)
class CollectionsDocument(JsonObject):
    collections: Sequence[CollectionDocument]


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("words", metavar="QUERY|FILE|ID… NAME", nargs=-1)
@click.option("--off", is_flag=True, help="Take them out of it; the products stay where they are.")
@as_json
@click.pass_context
def collect(ctx: click.Context, words: tuple[str, ...], off: bool, as_json: bool) -> None:
    """Put products into a collection: a folder in Collections with clones of them.

    NAME, the last word, is the collection. Before it stand files or ids, or a query that finds products.
    """
    if len(words) < 2:
        raise WrongUse("Say which products, and last the collection: `collect liked project:cars best`.")
    say_steered(ctx, "collect", as_json, products=chosen(ctx, words[:-1]), collection=words[-1], off=off)


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("words", metavar="QUERY|FILE|ID…", nargs=-1)
@click.option("--restore", is_flag=True, help="Take them out of it, to where they lay.")
@click.option("--yes", is_flag=True, help="Also many, unasked.")
@as_json
@click.pass_context
def bin(ctx: click.Context, words: tuple[str, ...], restore: bool, yes: bool, as_json: bool) -> None:
    """Put products into the bin of the shelf for 30 days, or take them out of it.

    They lie in Projects/.bin with their sidecars until then; `undo` and --restore bring them back. `products is:binned`
    shows them.
    """
    if not words:
        raise WrongUse("Say which products: files, ids, or a query: `bin 'project:cars tag:out'`.")
    products = chosen(ctx, words, "is:binned " if restore else "")
    if not (restore or yes) and len(products) > MANY:
        _ask(f"{counted(len(products), 'product')} go into the bin of the shelf.")
    say_steered(ctx, "bin", as_json, products=products, restore=restore)


def _ask(words: str) -> None:
    """Raises WrongUse where a person does not agree."""
    if not sys.stdin.isatty():
        raise WrongUse(f"{words} Nothing is moved; say it again with `--yes`.")
    if not click.confirm(f"{words} Go on?", err=True):
        raise WrongUse("Nothing is moved.")


def chosen(ctx: click.Context, words: Sequence[str], among: str = "") -> list[str]:
    """Ids of the products that are named one by one, or else of all that the words find as a query, `among` what the
    beginning of it finds. Raises where only some of the words are names of products, and where nothing is found."""
    names = [product_of(ctx, word) for word in words]
    with Index.looking(own_home(ctx).index_file) as index:
        strange = [word for word, name in zip(words, names, strict=True) if not products_named(index, name)]
    if not strange:
        return names
    if len(strange) == len(words):
        return found(ctx, among + " ".join(words))
    raise NoSuchProduct(
        f"{one_line(strange[0])} is no product, while others of these are. Name products, or one query."
    )


@click.command()
@as_json
@click.pass_context
def collections(ctx: click.Context, as_json: bool) -> None:
    """Your collections, with how many products each has."""
    home = own_home(ctx)
    with Index.looking(home.index_file) as index:
        made = collected.collections(index) if index else []
    documents = [CollectionDocument(one.name, one.products, one.newest, f"Collections/{one.name}") for one in made]
    lines = [f"{shown(one.newest)[:10]}  {one_line(one.name)}  {counted(one.products, 'product')}" for one in documents]
    nothing = "There is no collection yet: `collect liked project:cars best` makes one."
    say(CollectionsDocument(documents), "\n".join(lines) or nothing, as_json)
