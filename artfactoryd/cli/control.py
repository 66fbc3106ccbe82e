"""`approve`, `cancel`, `retry`, `pause`, `resume`, `like`, `rate`, `tag`: what becomes of orders and products.

The daemon that holds the home carries it out; with none there, this process takes the lock and does.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from artfactoryd import log
from artfactoryd.cli.context import as_json, own_home, say, settings_of
from artfactoryd.cli.program import DID_NOT_SUCCEED, WAITS
from artfactoryd.daemon import mailbox, receipts
from artfactoryd.daemon.app import open_app
from artfactoryd.errors import HomeLocked, WrongUse
from artfactoryd.home import Home
from artfactoryd.settings import Settings
from artfactoryd.storage.index import Index
from artfactoryd.storage.lists.recognition import products_of
from artfactoryd.storage.naming import one_of, order_given, product_given

RATINGS = ("0", "1", "2", "3", "4", "5")


def _steer(ctx: click.Context, name: str, as_json: bool, **fields: Any) -> None:
    home = own_home(ctx)
    answer = steer(home, lambda: settings_of(home), dict(os.environ), name, fields)
    if answer.pop("wrong_use", False):
        raise WrongUse(answer["text"])
    say(answer, answer["text"], as_json)
    ctx.exit(WAITS if answer.get("waits") else 0 if answer["done"] else DID_NOT_SUCCEED)


def _order(ctx: click.Context, given: str) -> str:
    return order_given(own_home(ctx), given)


def _product(ctx: click.Context, given: str) -> str:
    """The id of the product that a file is, wherever it lies; else the name as it was given."""
    home = own_home(ctx)
    if not (given.strip() and os.path.lexists(given)):
        return product_given(home, given)
    with Index.reading(home.index_file) as index:
        rows = products_of(home, index, Path(given)) if index else []
        return one_of(index, given, rows, None).id if rows else product_given(home, given)


@click.command()
@click.argument("order_id", metavar="ID")
@as_json
@click.pass_context
def approve(ctx: click.Context, order_id: str, as_json: bool) -> None:
    """Let a held order go on, for exactly the reasons and the price shown."""
    _steer(ctx, "approve", as_json, order=_order(ctx, order_id))


@click.command()
@click.argument("order_id", metavar="ID")
@as_json
@click.pass_context
def cancel(ctx: click.Context, order_id: str, as_json: bool) -> None:
    """Send nothing more of an order; what arrives all the same is kept."""
    _steer(ctx, "cancel", as_json, order=_order(ctx, order_id))


@click.command()
@click.argument("order_id", metavar="ID")
@click.option("--in-doubt", is_flag=True, help="Also what may have been charged already; it may be paid twice.")
@as_json
@click.pass_context
def retry(ctx: click.Context, order_id: str, in_doubt: bool, as_json: bool) -> None:
    """Send again what surely cost nothing; list what may have."""
    _steer(ctx, "retry", as_json, order=_order(ctx, order_id), in_doubt=in_doubt)


@click.command()
@click.argument("name", required=False)
@as_json
@click.pass_context
def pause(ctx: click.Context, name: str | None, as_json: bool) -> None:
    """Send nothing more of an order, to a provider, or at all; what is on the way is still collected."""
    _steer(ctx, "pause", as_json, target=name and _order(ctx, name))


@click.command()
@click.argument("name", required=False)
@as_json
@click.pass_context
def resume(ctx: click.Context, name: str | None, as_json: bool) -> None:
    """Let a paused order, or a paused or stopped provider, go on; without a name, all of them."""
    _steer(ctx, "resume", as_json, target=name and _order(ctx, name))


@click.command()
@click.argument("products", metavar="FILE|ID…", nargs=-1, required=True)
@click.option("--off", is_flag=True, help="Take the mark away. What it has sent on already goes on.")
@as_json
@click.pass_context
def like(ctx: click.Context, products: tuple[str, ...], off: bool, as_json: bool) -> None:
    """Mark products as liked; a stage that waits for it goes on with them."""
    _steer(ctx, "like", as_json, products=[_product(ctx, product) for product in products], off=off)


@click.command()
@click.argument("products", metavar="FILE|ID… 0-5", nargs=-1, required=True)
@click.option("--off", is_flag=True, help="Take the rating away; then no number is given.")
@as_json
@click.pass_context
def rate(ctx: click.Context, products: tuple[str, ...], off: bool, as_json: bool) -> None:
    """Give products a rating from 0 to 5."""
    *files, last = products
    if not off and not (files and last in RATINGS):
        raise WrongUse("Say which products, and last a whole number from 0 to 5: `rate FILE 4`.")
    named = products if off else files
    rating = None if off else int(last)
    _steer(ctx, "rate", as_json, products=[_product(ctx, product) for product in named], rating=rating)


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("words", metavar="FILE|ID… +TAG -TAG…", nargs=-1, required=True)
@as_json
@click.pass_context
def tag(ctx: click.Context, words: tuple[str, ...], as_json: bool) -> None:
    """Put tags on products (+TAG) and take them off (-TAG)."""
    changes = [word for word in words if word[0:1] in ("+", "-") and len(word) > 1]
    products = [_product(ctx, word) for word in words if word not in changes]
    _steer(ctx, "tag", as_json, products=products, changes=changes)


def steer(
    home: Home, settings: Callable[[], Settings], environ: dict[str, str], name: str, fields: Mapping[str, Any]
) -> dict[str, Any]:
    """Hand the command to the daemon; with none there, hold the lock and carry it out here."""
    command = mailbox.command(name, **fields)
    try:
        with home.lock(name):
            loaded = settings()
            log.setup(loaded.logging.level, home.logs, "trouble")
            return asyncio.run(_carry_out(home, loaded, environ, command))
    except HomeLocked:
        return mailbox.ask(home.commands, command, lambda: daemon_is_there(home))


async def _carry_out(
    home: Home, settings: Settings, environ: dict[str, str], command: dict[str, Any]
) -> dict[str, Any]:
    async with open_app(home, settings, environ) as app:
        for waiting in [*mailbox.waiting(home.commands)]:
            answer, _ = await app.control.carry_out(waiting)
            mailbox.answer(home.commands, waiting["id"], answer)
        answer, ids = await app.control.carry_out(command)
        for order_id in app.execution.receipts.orders:
            receipts.write(app, order_id)
        await asyncio.to_thread(app.key_notices.tidy)
    if ids:
        answer["text"] += " It goes on with the next `run` or `once`."
    return answer


def daemon_is_there(home: Home) -> bool:
    """Whether another process holds the home's lock just now."""
    return home.is_held()
