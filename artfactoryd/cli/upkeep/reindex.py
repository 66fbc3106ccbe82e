"""`reindex`: the index made again from ledger and shelf."""

from __future__ import annotations

from dataclasses import replace

import click

from artfactoryd import log
from artfactoryd.cli.context import as_json, own_home, say, settings_of
from artfactoryd.cli.progress import Mending
from artfactoryd.clock import now
from artfactoryd.home import Home
from artfactoryd.planning.accepted import expander
from artfactoryd.shelf import moving
from artfactoryd.storage import rebuild


@click.command()
@click.option("--move-sidecars", is_flag=True, help="First move every sidecar to where products.sidecars has them now.")
@as_json
@click.pass_context
def reindex(ctx: click.Context, move_sidecars: bool, as_json: bool) -> None:
    """Make the index again from the ledger and the shelf, and say where they do not agree."""
    home = own_home(ctx)
    layout = settings_of(home).products.sidecars if move_sidecars else None
    report = make_index_again(home, quiet=as_json, layout=layout)
    say(report.document(), "" if as_json else report.text(), as_json)


def make_index_again(home: Home, *, quiet: bool = True, layout: str | None = None) -> rebuild.Report:
    """A daemon must be stopped first: HomeLocked names it. `layout`: where the sidecars are moved first; None: they
    stay where they are."""
    with home.lock("reindex"):
        log.setup("warning", home.logs, "trouble")
        home.make()
        moved = sum(1 for _ in moving.move_sidecars(home.projects, layout)) if layout else None
        with Mending(quiet) as mending:
            report = rebuild.reindex(home, expander, now, mending.tell)
        return replace(report, moved_sidecars=moved)
