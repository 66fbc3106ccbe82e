"""`backup` and `restore`: a home kept on another disk, and put back from there."""

from __future__ import annotations

import os
from pathlib import Path

import click

from artfactoryd import log
from artfactoryd.cli.context import as_json, home_of, own_home, say, settings_of
from artfactoryd.cli.program import DID_NOT_SUCCEED
from artfactoryd.cli.progress import Mending
from artfactoryd.clock import now, shown
from artfactoryd.core.names import counted
from artfactoryd.errors import WrongUse
from artfactoryd.home import Home
from artfactoryd.planning.accepted import expander
from artfactoryd.storage.safekeeping import destination, restoring, snapshots, taking
from artfactoryd.storage.safekeeping.snapshots import Snapshot

NOWHERE = "Say where backups go: `backup: {path: /Volumes/DISK/ArtFactory}` in artfactory.yaml, or name a folder here."


@click.command()
@click.argument("place", metavar="[FOLDER]", required=False, type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Read everything in it again, also what did not change.")
@click.option("--new", "anew", is_flag=True, help="Begin there, or go on, though what should be there or here is not.")
@click.option("--list", "listed", is_flag=True, help="Only show the backups that are there.")
@as_json
@click.pass_context
def backup(ctx: click.Context, place: Path | None, check: bool, anew: bool, listed: bool, as_json: bool) -> None:
    """Keep a copy of everything on another disk, while the work goes on; only what is new is copied."""
    home = own_home(ctx)
    settings = settings_of(home).backup
    where = _place(place) or settings.path
    if where is None:
        raise WrongUse(NOWHERE)
    if listed:
        return _list(where, as_json)
    with Mending(as_json, "Copied") as mending:
        taken = taking.back_up(
            home, where, keep=settings.keep, clock=now, check=check, anew=anew, tell=mending.tell
        )  # fmt: skip
    say(taken.document(), taken.text(), as_json)
    ctx.exit(0 if taken.is_whole else DID_NOT_SUCCEED)


def _place(given: Path | None) -> Path | None:
    return Path(os.path.abspath(given.expanduser())) if given else None


def _list(place: Path, as_json: bool) -> None:
    known = snapshots.snapshots(destination.backups_in(place))
    lines = [f"{it.folder.name}  {shown(it.taken_at)}  {counted(it.products, 'product')}" for it in known]
    say({"backups": [{"name": it.folder.name, **it.summary} for it in known]}, "\n".join(lines), as_json)


@click.command()
@click.argument("place", metavar="[FOLDER]", required=False, type=click.Path(path_type=Path))
@click.option("--from", "name", metavar="NAME", help="Which of the backups there; without it, the newest.")
@as_json
@click.pass_context
def restore(ctx: click.Context, place: Path | None, name: str | None, as_json: bool) -> None:
    """Put back what is missing here from a backup; nothing that is here is replaced, nothing is sent unasked."""
    home = home_of(ctx)
    snapshot = _snapshot(_place(place) or _known_place(home), name)
    destination.check_outside(home, snapshot.folder.parent)
    home.make()
    with home.lock("restore") as home:
        home.settle()
        log.setup("warning", home.logs, "trouble")
        with Mending(as_json, "Put back") as mending:
            done = restoring.restore(home, snapshot, expander, now(), mending.tell)
    say(done.document(), done.text(), as_json)
    ctx.exit(DID_NOT_SUCCEED if done.bad else 0)


def _known_place(home: Home) -> Path:
    """Where this home's backups went last."""
    path = destination.Memory.of(home).read().get("path")
    if not path:
        raise WrongUse("Name the folder that has the backups: `artfactoryd restore FOLDER`.")
    return Path(path)


def _snapshot(place: Path, name: str | None) -> Snapshot:
    """The one that is named, else the newest; `place` may be one itself. Raises WrongUse."""
    folder = destination.backups_in(place)
    known = snapshots.snapshots(folder)
    name = name or (place.name if folder != place else None)
    chosen = [it for it in known if name is None or it.folder.name == name]
    if not chosen:
        names = ", ".join(it.folder.name for it in known)
        raise WrongUse(f"{folder} has no backup called {name}; it has {names}.")
    return chosen[-1]
