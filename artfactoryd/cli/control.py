"""`approve`, `cancel`, `retry`, `pause`, `resume`: what becomes of orders.

The daemon that holds the home carries it out; with none there, this process takes the lock and does.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Mapping
from typing import Any

import click

from artfactoryd import log
from artfactoryd.cli.context import as_json, own_home, say, settings_of
from artfactoryd.cli.program import DID_NOT_SUCCEED, WAITS
from artfactoryd.daemon import mailbox, receipts
from artfactoryd.daemon.app import App, open_app
from artfactoryd.errors import HomeLocked, StorageFull, WrongUse
from artfactoryd.home import Home
from artfactoryd.medium import in_words
from artfactoryd.settings import Settings
from artfactoryd.storage.naming import order_given

trouble = logging.getLogger(__name__)


def say_steered(ctx: click.Context, name: str, as_json: bool, **fields: Any) -> None:
    home = own_home(ctx)
    answer = steer(home, lambda: settings_of(home), dict(os.environ), name, fields)
    if answer.pop("wrong_use", False):
        raise WrongUse(answer["text"])
    say(answer, answer["text"], as_json)
    ctx.exit(WAITS if answer.get("waits") else 0 if answer["done"] else DID_NOT_SUCCEED)


def _order(ctx: click.Context, given: str) -> str:
    return order_given(own_home(ctx), given)


@click.command()
@click.argument("order_id", metavar="ID")
@as_json
@click.pass_context
def approve(ctx: click.Context, order_id: str, as_json: bool) -> None:
    """Let a held order go on, for exactly the reasons and the price shown."""
    say_steered(ctx, "approve", as_json, order=_order(ctx, order_id))


@click.command()
@click.argument("order_id", metavar="ID")
@as_json
@click.pass_context
def cancel(ctx: click.Context, order_id: str, as_json: bool) -> None:
    """Send nothing more of an order; what arrives all the same is kept."""
    say_steered(ctx, "cancel", as_json, order=_order(ctx, order_id))


@click.command()
@click.argument("order_id", metavar="ID")
@click.option("--in-doubt", is_flag=True, help="Also what may have been charged already; it may be paid twice.")
@as_json
@click.pass_context
def retry(ctx: click.Context, order_id: str, in_doubt: bool, as_json: bool) -> None:
    """Send again what surely cost nothing; list what may have."""
    say_steered(ctx, "retry", as_json, order=_order(ctx, order_id), in_doubt=in_doubt)


@click.command()
@click.argument("name", required=False)
@as_json
@click.pass_context
def pause(ctx: click.Context, name: str | None, as_json: bool) -> None:
    """Send nothing more of an order, to a provider, or at all; what is on the way is still collected."""
    say_steered(ctx, "pause", as_json, target=name and _order(ctx, name))


@click.command()
@click.argument("name", required=False)
@as_json
@click.pass_context
def resume(ctx: click.Context, name: str | None, as_json: bool) -> None:
    """Let a paused order, or a paused or stopped provider, go on; without a name, all of them."""
    say_steered(ctx, "resume", as_json, target=name and _order(ctx, name))


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
        await app.execution.arrange()
        for order_id in app.execution.receipts.orders:
            _write_receipt(app, order_id)
        await asyncio.to_thread(app.key_notices.tidy)
        await app.outward.rests()
    if ids:
        goes = "It goes" if len(ids) == 1 else "They go"
        answer["text"] += f" {goes} on with the next `run` or `once`."
    return answer


def _write_receipt(app: App, order_id: str) -> None:
    """What was asked for is done by then: a receipt that cannot be written waits for the next start."""
    try:
        receipts.write(app, order_id)
    except (StorageFull, OSError) as error:
        trouble.warning("the receipt of order %s waits: %s", order_id, in_words(error))


def daemon_is_there(home: Home) -> bool:
    """Whether another process holds the home's lock just now."""
    return home.is_held()
