"""The commands that change what becomes of orders and providers."""

from __future__ import annotations

import os
from typing import Any

import click

from artfactoryd.cli.program import DID_NOT_SUCCEED, as_json, made_home, main, say, settings_of


def _steer(ctx: click.Context, name: str, as_json: bool, **fields: Any) -> None:
    from artfactoryd import session

    home = made_home(ctx)
    answer = session.steer(home, lambda: settings_of(home), dict(os.environ), name, fields)
    say(answer, answer["text"], as_json)
    ctx.exit(0 if answer["done"] else DID_NOT_SUCCEED)


@main.command()
@click.argument("order_id", metavar="ID")
@as_json
@click.pass_context
def approve(ctx: click.Context, order_id: str, as_json: bool) -> None:
    """Let a held order go on, for exactly the reasons and the price shown."""
    _steer(ctx, "approve", as_json, order=order_id)


@main.command()
@click.argument("order_id", metavar="ID")
@as_json
@click.pass_context
def cancel(ctx: click.Context, order_id: str, as_json: bool) -> None:
    """Send nothing more of an order; what arrives all the same is kept."""
    _steer(ctx, "cancel", as_json, order=order_id)


@main.command()
@click.argument("order_id", metavar="ID")
@click.option("--in-doubt", is_flag=True, help="Also what may have been charged already; it may be paid twice.")
@as_json
@click.pass_context
def retry(ctx: click.Context, order_id: str, in_doubt: bool, as_json: bool) -> None:
    """Send again what surely cost nothing; list what may have."""
    _steer(ctx, "retry", as_json, order=order_id, in_doubt=in_doubt)


@main.command()
@click.argument("name", required=False)
@as_json
@click.pass_context
def pause(ctx: click.Context, name: str | None, as_json: bool) -> None:
    """Send nothing more of an order, to a provider, or at all; what is on the way is still collected."""
    _steer(ctx, "pause", as_json, target=name)


@main.command()
@click.argument("name", required=False)
@as_json
@click.pass_context
def resume(ctx: click.Context, name: str | None, as_json: bool) -> None:
    """Let a paused order, or a paused or stopped provider, go on; without a name, all of them."""
    _steer(ctx, "resume", as_json, target=name)
