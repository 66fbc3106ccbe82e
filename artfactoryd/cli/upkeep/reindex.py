"""`reindex`: the index made again from ledger and shelf."""

from __future__ import annotations

import click

from artfactoryd import log
from artfactoryd.cli.context import as_json, own_home, say
from artfactoryd.cli.progress import Mending
from artfactoryd.clock import now
from artfactoryd.home import Home
from artfactoryd.planning.accepted import expander
from artfactoryd.storage import rebuild


@click.command()
@as_json
@click.pass_context
def reindex(ctx: click.Context, as_json: bool) -> None:
    """Make the index again from the ledger and the shelf, and say where they do not agree."""
    report = make_index_again(own_home(ctx), quiet=as_json)
    say(report.document(), "" if as_json else report.text(), as_json)


def make_index_again(home: Home, *, quiet: bool = True) -> rebuild.Report:
    """A daemon must be stopped first: HomeLocked names it."""
    with home.lock("reindex"):
        log.setup("warning", home.logs, "trouble")
        home.make()
        with Mending(quiet) as mending:
            return rebuild.reindex(home, expander, now, mending.tell)
