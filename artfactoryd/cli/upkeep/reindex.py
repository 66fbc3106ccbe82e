"""`reindex`: the index made again from ledger and shelf."""

from __future__ import annotations

from contextlib import closing

import click

from artfactoryd import log
from artfactoryd.cli.context import as_json, own_home, say, settings_of, settings_to_go_by
from artfactoryd.cli.progress import Mending
from artfactoryd.clock import now
from artfactoryd.core.json_types import Json
from artfactoryd.core.names import counted
from artfactoryd.daemon import mailbox, reindexing
from artfactoryd.errors import HomeLocked, Refusal, StorageSick, WrongUse
from artfactoryd.home import Home
from artfactoryd.planning.accepted import expander
from artfactoryd.shelf import moving
from artfactoryd.storage import rebuild
from artfactoryd.storage.engines import places
from artfactoryd.storage.index import Index


@click.command()
@click.option("--move-sidecars", is_flag=True, help="First move every sidecar to where products.sidecars has them now.")
@as_json
@click.pass_context
def reindex(ctx: click.Context, move_sidecars: bool, as_json: bool) -> None:
    """Make the index again from the ledger and the shelf, and say where they do not agree."""
    home = own_home(ctx)
    layout = settings_of(home).products.sidecars if move_sidecars else None
    moved = move_all(home, layout) if layout else None
    try:
        report = make_index_again(home, quiet=as_json)
        document, words = report.document(), report.text()
    except HomeLocked as locked:
        document, words = _by_daemon(home, locked)
    if moved is not None:
        document["moved_sidecars"] = moved
        words = f"{counted(moved, 'sidecar')} moved to where products.sidecars has them.\n{words}"
    say(document, "" if as_json else words, as_json)


def _by_daemon(home: Home, locked: HomeLocked) -> tuple[Json, str]:
    """A daemon at work makes it again beside the old one. Raises what it says when it cannot, or is no daemon."""
    if (home.at_work() or {}).get("command") != "run":
        raise locked
    asked = mailbox.command(reindexing.NAME)
    answer = mailbox.ask(home.commands, asked, home.is_held, reindexing.PATIENCE)
    if not answer["done"]:
        raise StorageSick(str(answer["text"]))
    return answer["report"], str(answer["text"])


def move_all(home: Home, layout: str) -> int:
    """Every sidecar to where the settings have it; how many were moved. A daemon must be stopped first."""
    with home.lock("reindex"):
        return sum(1 for _ in moving.move_sidecars(home.projects, layout))


def _into(home: Home) -> places.Into:
    """Where the settings have it; where it is, when they cannot be read."""
    try:
        return places.into(settings_of(home).index)
    except (Refusal, WrongUse):
        return places.as_it_is


def make_index_again(home: Home, *, quiet: bool = True) -> rebuild.Report:
    """HomeLocked names a daemon that is at work."""
    with home.lock("reindex"):
        log.setup("warning", home.logs, "trouble")
        home.make()
        with Mending(quiet) as mending:
            report = rebuild.reindex(home, expander, now, mending.tell, into=_into(home))
        if report.bare:
            from artfactoryd.execution.shelving import anew  # imported late: few need it

            with closing(Index.look(home.index_file)) as index:
                anew.complete(report, home, index, settings_to_go_by(home).products.sidecars)
        return report
