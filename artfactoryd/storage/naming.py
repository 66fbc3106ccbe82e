"""Which order or product a person means: one rule for every command, the daemon and the status page.

By its id, by a beginning of the id that no other has, by its path, or by a name that no other has: its own, that of its
entry in Held, that of its file. A whole path that is there means just what lies there. What several
answer to is AmbiguousName with the list of them, unless the newest is asked for; what none answers to is NoSuchOrder
or NoSuchProduct. An id in full is always that one, whatever else is called so.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import TypeVar

from artfactoryd.clock import shown
from artfactoryd.core.inbox_rules import is_order_name
from artfactoryd.core.lifecycle import UNFINISHED_ORDERS
from artfactoryd.core.names import nfc
from artfactoryd.core.parameters.file_refs import PRODUCT
from artfactoryd.errors import AmbiguousName, NoSuchOrder, NoSuchProduct, WrongUse
from artfactoryd.home import Home
from artfactoryd.shelf.sidecars import CARD, product_of
from artfactoryd.storage.index import EXACTLY, HELD, MOST_FOUND, Index
from artfactoryd.storage.lists import order_lists
from artfactoryd.storage.rows import PRODUCTS, OrderRow, ProductRow
from artfactoryd.storage.tables import Product

Named = TypeVar("Named", bound=OrderRow | ProductRow)
WORD = ".why.txt"  # ends the name of the words beside an entry in Held
MOST_LISTED = 10  # of those that a name may mean


def order_named(index: Index | None, name: str, *, latest: bool | None = None) -> OrderRow:
    """`latest`: take the newest of several; None where a person cannot ask for that."""
    orders = orders_named(index, name)
    if not orders:
        raise NoSuchOrder(f"There is no order {name!r}. `artfactoryd orders` lists them.")
    return one_of(index, name, orders, latest)


def open_order_named(index: Index, name: str) -> OrderRow:
    """For what can be done only to an order that is not over: of several, the one that is not."""
    orders = orders_named(index, name)
    unfinished = [order for order in orders if index.state(order) in UNFINISHED_ORDERS]
    return unfinished[0] if len(unfinished) == 1 else order_named(index, name)


def product_named(index: Index | None, name: str, *, latest: bool | None = None) -> ProductRow:
    products = products_named(index, name)
    if not products:
        words = "`artfactoryd products` lists them; name one by its path in Projects or by its id."
        raise NoSuchProduct(f"There is no product {name!r}. {words}")
    return one_of(index, name, products, latest)


def orders_named(index: Index | None, name: str) -> list[OrderRow]:
    """All that answer to it, newest first."""
    wanted = name.rstrip("/").removesuffix(WORD) if is_text(name) else ""
    if index is None or not wanted:
        return []
    if nfc(wanted) != wanted:  # as a Mac spells it; only what is named so from outside is kept so
        return orders_named(index, nfc(name))
    orders = index.find_orders(wanted)
    exact = [order for order in orders if order.id == wanted.lower()]
    return exact or _held_alone(index, orders, wanted) or orders or _of_file(index, name)


def held_together(index: Index, name: str) -> list[OrderRow]:
    """The documents of one file, named by its entry in Held; empty of any other name, and of a file with one."""
    rows = orders_named(index, name)
    entries = {order.entry if order.is_held else "" for order in rows}
    return sorted(rows, key=lambda order: order.number) if len(rows) > len(entries) == 1 and all(entries) else []


def _held_alone(index: Index, orders: Sequence[OrderRow], wanted: str) -> list[OrderRow]:
    """Those of the entry in Held of that name, unless another one of that name is at work: either may be meant then."""
    held = [order for order in orders if order.is_held and order.entry == wanted]
    others = [order for order in orders if not order.is_held]
    return [] if any(index.state(order) in UNFINISHED_ORDERS for order in others) else held


def _of_file(index: Index, name: str) -> list[OrderRow]:
    """That a file of this name became: by it words in Held are called that lie there alone."""
    is_word = name.endswith(WORD)
    file = name.removeprefix(EXACTLY).removeprefix(HELD).removesuffix(WORD) if is_word else name
    stem = PurePosixPath(file).stem if is_order_name(file) else ""  # `submit` puts it there under another name
    return [] if "/" in file else order_lists.of_file(index, file, stem)


def products_named(index: Index | None, name: str) -> list[ProductRow]:
    """All that answer to it, newest first. By a file name only what has no such id or path."""
    wanted = name.removeprefix(PRODUCT) if is_text(name) else ""
    if index is None or not wanted:
        return []
    products = index.find_products(wanted) or index.find_products(_of_sidecar(wanted))
    if products:
        return [product for product in products if product.id == wanted.lower()] or list(products)
    return [] if "/" in wanted else _products_called(index, wanted)


def _of_sidecar(wanted: str) -> str:
    """The path of a product, where that of its sidecar was given."""
    return str(product_of(Path(wanted))) if wanted.endswith(CARD) else wanted


def _products_called(index: Index, file_name: str) -> list[ProductRow]:
    ending = f"/{file_name.removesuffix(CARD)}"
    sql = "SELECT path FROM product WHERE substr(path, ?) = ? ORDER BY id DESC LIMIT ?"
    rows = index.rows(sql, (-len(ending), ending, MOST_FOUND))
    return [product for row in rows if (product := index.find_product(row["path"]))]


def products_of_bytes(index: Index, sha256: str) -> list[ProductRow]:
    """Those that had them when they were made, newest first."""
    query = Product.select().where(Product.sha256 == sha256)
    return index.ask(PRODUCTS, query.order_by(Product.id.desc()).limit(MOST_FOUND))


def products_of_original(index: Index, sha256: str) -> list[ProductRow]:
    """Those of which the provider gave these bytes, where others lie on the shelf; newest first."""
    query = Product.select().where(Product.original_sha256 == sha256)
    return index.ask(PRODUCTS, query.order_by(Product.id.desc()).limit(MOST_FOUND))


def one_of(index: Index | None, name: str, rows: Sequence[Named], latest: bool | None) -> Named:
    """The only one of them, or the newest; they come newest first. Raises AmbiguousName."""
    if len(rows) > 1 and not latest:
        lines = [f"  {_described(index, row)}" for row in rows[:MOST_LISTED]]
        if len(rows) > MOST_LISTED:
            at_least = "at least " if len(rows) == MOST_FOUND and isinstance(rows[0], ProductRow) else ""
            lines.append(f"  and {at_least}{len(rows) - MOST_LISTED} more")
        way_out = "Name one by its id" if latest is None else "Name one by its id, or take the newest with --latest"
        words = f"{name!r} may be any of these. {way_out}.\n"
        raise AmbiguousName(words + "\n".join(lines), [row.id for row in rows])
    return rows[0]


def _described(index: Index | None, row: OrderRow | ProductRow) -> str:
    if isinstance(row, ProductRow):
        return f"{row.id}  {shown(row.created_at)}  product  {row.path}"
    state = index.state(row) if index else ""
    return f"{row.id}  {shown(row.accepted_at)}  {state}  {row.project}/{row.name}"


def is_text(name: str) -> bool:
    """Whether anything can be called so here: the name of a file is bytes, and need not be."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in name


# --- what a person typed ---


def order_given(home: Home, given: str) -> str:
    """A path as the index knows it; an id or a name as it is. A path is what has a slash in it.

    Raises WrongUse for no name at all, as a variable that is not set gives it.
    """
    if not given.strip():
        raise WrongUse("Name an order: an id or its beginning, a name, or a path.")
    if "/" not in given:
        return given
    inside = _in_home(home, given)
    is_there = inside != given and Path(given).is_absolute() and os.path.lexists(given)
    return f"{EXACTLY}{inside}" if is_there else inside  # and no project called Held


def product_given(home: Home, given: str) -> str:
    """A path as the index knows it; an id or a name as it is. A path has a slash in it, or is there.

    Raises WrongUse for no name at all.
    """
    if not Path(given).name.strip():
        raise WrongUse("Name a product: its file, or its id or the beginning of it.")
    return _in_home(home, given)


def _in_home(home: Home, given: str) -> str:
    """From the home on, where it is in there. `Projects` may be a link to another disk."""
    path = Path(given).expanduser()
    if not (path.is_absolute() or path.exists()):
        return given
    for form in (path.absolute(), path.resolve()):
        for base in (home.root, home.root.resolve()):
            if form.is_relative_to(base):
                return form.relative_to(base).as_posix()
    projects = home.projects.resolve()
    if path.resolve().is_relative_to(projects):
        return (home.projects.relative_to(home.root) / path.resolve().relative_to(projects)).as_posix()
    return given
