"""`mcp`: the factory as a server of the Model Context Protocol, for agents."""

from __future__ import annotations

import os

import click

from artfactoryd.cli.agents.tools import Desk
from artfactoryd.cli.context import own_home
from artfactoryd.errors import WrongUse
from artfactoryd.intake.submission import agent_name


@click.command()
@click.option("--agent", metavar="NAME", help="What the agent is called here (default: as its client calls itself).")
@click.pass_context
def mcp(ctx: click.Context, agent: str | None) -> None:
    """What agents use: plan, submit, status, find, models, explain; by the Model Context Protocol, on standard input.

    Nothing there approves an order, raises a cap or changes a setting. A program that talks the Model Context Protocol
    starts this by itself; see docs/agents.md.
    """
    desk = Desk(own_home(ctx), os.environ, agent_name(agent) if agent else "")
    try:
        from artfactoryd.cli.agents.server import serve  # imported late: its library is an extra
    except ImportError as error:
        way_out = "Install it: pip install 'artfactoryd[mcp]' (or pipx inject artfactoryd 'mcp>=2.3,<3')."
        raise WrongUse(f"The library for agents is not here ({error}). {way_out}") from error
    serve(desk)
