"""`submit` and `remake`: an order file into the inbox in one step, and followed to its end where asked."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import uuid_utils

from artfactoryd.cli.context import as_json, home_of, own_home, say, settings_of
from artfactoryd.cli.control import daemon_is_there
from artfactoryd.cli.explain import card_of
from artfactoryd.cli.once import RunDocument, look_at, report_of, work_once
from artfactoryd.cli.progress import Progress
from artfactoryd.cli.terminal import echo
from artfactoryd.cli.upkeep.init import make_home
from artfactoryd.core.inbox_rules import SUBMITTED
from artfactoryd.core.json_types import Json
from artfactoryd.core.names import counted
from artfactoryd.core.slug import slug
from artfactoryd.daemon.run import exit_code
from artfactoryd.durable import copy, make_folders, rename, write_file
from artfactoryd.entries import bounded
from artfactoryd.errors import HomeLocked, Refusal, WrongUse
from artfactoryd.home import Home
from artfactoryd.medium import flush_folder
from artfactoryd.planning import preview
from artfactoryd.planning.origin import Origin, instead_of_folder, name_of
from artfactoryd.planning.planner import most_bytes
from artfactoryd.planning.preview import understood
from artfactoryd.printable import one_line
from artfactoryd.reporting.json_object import JsonObject, plain
from artfactoryd.settings import Settings
from artfactoryd.storage.index import Index

LOOK = 0.2  # seconds between looks at what the daemon does


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--wait", is_flag=True, help="Show progress and end with the order's outcome.")
@click.option("--rehearse", is_flag=True, help="Let the free local sketch model draw every item.")
@as_json
@click.pass_context
def submit(ctx: click.Context, files: tuple[Path, ...], wait: bool, rehearse: bool, as_json: bool) -> None:
    """Put orders into the inbox, each in one step, as they are.

    A rehearsal needs no key, costs nothing, and makes the factory folder where there is none.
    """
    if rehearse:
        _make_first_home(home_of(ctx), quiet=as_json)
    home = own_home(ctx)
    code, document = submit_files(
        home, settings_of(home), dict(os.environ), list(files), wait=wait, rehearse=rehearse, quiet=as_json
    )
    if as_json:
        say(document, "", True)
    ctx.exit(code)


@click.command()
@click.argument("file", metavar="FILE|ID")
@click.option("--wait", is_flag=True, help="Show progress and end with the order's outcome.")
@as_json
@click.pass_context
def remake(ctx: click.Context, file: str, wait: bool, as_json: bool) -> None:
    """Ask for a product again: its item, with the same parameters and seed, as a new order.

    One of a batch is made with the whole batch of its call. `artfactoryd plan FILE.json` shows it first.
    """
    home = own_home(ctx)
    card, settings = card_of(home, file), settings_of(home)
    if not as_json:
        echo("\n".join(map(one_line, _what_is_bought(home, settings, card))))
    code, document = submit_files(home, settings, dict(os.environ), [card], wait=wait, rehearse=False, quiet=as_json)
    if as_json:
        say(document, "", True)
    ctx.exit(code)


def _what_is_bought(home: Home, settings: Settings, card: Path) -> list[str]:
    """What `remake` asks for, what it may cost, what would hold it; empty where the inbox will say what is wrong."""
    planned = preview.plan(home, settings, card, rehearse=False, most=1, environ=os.environ)
    words = []
    for head, item in ((order.head, next(order.items(), None)) for order in planned.orders):
        if head["errors"] or item is None:
            continue
        price = head["price"]["usd"]
        known = f"for at most ${price:g}" if price else "for nothing"
        cost = known if price is not None else "at a price that is not known"
        what = counted(head["total_products"], "picture")
        about = f" of “{head['first']}”" if head["first"] else ""
        seed = "" if item["seed"] is None else f", seed {item['seed']}"
        words.append(f"Asks {head['provider']} {head['model']} again for {what}{about}{seed}, {cost}.")
        words += [f"It will wait for you: {reason['text']}" for reason in head["held"]]
    return words


def _make_first_home(home: Home, *, quiet: bool) -> None:
    """Where nothing lies; a folder that has something in it is not taken for a home to be."""
    if os.path.lexists(home.root):
        return
    lines = list(make_home(home))
    if not quiet:
        echo("\n".join([*lines[:2], ""]))


@dataclass(frozen=True, slots=True)
class Submitted(JsonObject):
    file: str
    submission: str


@dataclass(frozen=True, slots=True)
class SubmitDocument(JsonObject):
    """`report`: where somebody waited, what became of them; its keys stand beside `submitted`."""

    submitted: Sequence[Submitted]
    report: RunDocument | None = None

    def to_json(self) -> dict[str, object]:
        return {"submitted": plain(self.submitted), **(self.report.to_json() if self.report else {})}


def submit_files(
    home: Home,
    settings: Settings,
    environ: dict[str, str],
    files: Sequence[Path],
    *,
    wait: bool,
    rehearse: bool,
    quiet: bool,
) -> tuple[int, SubmitDocument]:  # fmt: skip
    """Each file into the inbox by one rename, as a bundle that carries what the file cannot say."""
    inbox = settings.inbox.path or home.inbox
    placed = [place_in_inbox(file, inbox, home, settings, rehearse, environ) for file in files]
    if not quiet:
        echo("\n".join(f"{one_line(file)} is in the inbox." for file in files))
    names = [name for _, name in placed]
    submitted = [Submitted(str(file), name) for file, name in zip(files, names, strict=True)]
    if not wait:
        if not quiet and not daemon_is_there(home):
            echo("It is taken when `artfactoryd run` or `once` is at work; `submit --wait` does it now.")
        return 0, SubmitDocument(submitted)
    code, report = _done(home, settings, environ, placed, quiet)
    return code, SubmitDocument(submitted, report)


def _done(
    home: Home, settings: Settings, environ: dict[str, str], placed: Sequence[tuple[Path, str]], quiet: bool
) -> tuple[int, RunDocument]:
    """By whoever holds the home, or by this process: also when another that held it for a while leaves them."""
    names = [name for _, name in placed]
    while True:
        begun = _orders_of(home, names)
        try:
            return work_once(
                home, settings, environ, verbose=False, quiet=quiet, only=[path for path, _ in placed], orders=begun
            )
        except HomeLocked:
            if ended := _wait_for_holder(home, settings, names, quiet):
                return ended


def _orders_of(home: Home, submissions: Sequence[str]) -> list[str]:
    with Index.reading(home.index_file) as index:
        return [row.id for name in submissions for row in index.orders_of_submission(name)] if index else []


def place_in_inbox(
    file: Path, inbox: Path, home: Home, settings: Settings, rehearse: bool, environ: dict[str, str]
) -> tuple[Path, str]:
    """The bundle's place in the inbox, and the submission's id."""
    if file.is_dir():
        raise WrongUse(instead_of_folder("submit", file))
    if not file.is_file():
        raise WrongUse(f"{file} is not a file. Name an order file to submit.")
    submission = str(uuid_utils.uuid7())
    name = name_of(file)
    bundle = inbox / f"{slug(name, 60)}-{submission[-8:]}"
    made = home.temp / bundle.name
    submitted = {"id": submission, "name": name, "file": file.name, "rehearse": rehearse, "git": git_of(file)}
    make_folders(made)
    write_file(made / "order.yaml", bounded(file, most_bytes(settings)))  # what is larger is refused as such
    for picture in _pictures(file, home, settings, environ):
        make_folders((made / picture).parent)
        write_file(made / picture, bounded(file.parent / picture, settings.limits.product_bytes))
    write_file(made / SUBMITTED, json.dumps(submitted, ensure_ascii=False).encode())
    try:
        rename(made, bundle)
    except OSError:  # the inbox is on another disk: complete under a name that is passed over, then one rename
        hidden = inbox / f".{bundle.name}.tmp"
        copy(made, hidden)
        rename(hidden, bundle)
        shutil.rmtree(made)
    flush_folder(inbox)
    return bundle, submission


def _pictures(file: Path, home: Home, settings: Settings, environ: dict[str, str]) -> set[str]:
    """The pictures beside it that it names; none when it cannot be understood: the inbox will say why."""
    origin = Origin(file.name, file.stem, folder=file.absolute().parent)
    with Index.reading(home.index_file) as index:
        try:
            studies = understood(home, settings, index, bounded(file, most_bytes(settings)), origin, environ)
        except Refusal:
            return set()
    return {picture.value for study in studies for picture in study.inputs if not picture.source}


def git_of(file: Path) -> Json | None:
    """The commit the file is at, its path there, and whether it differs; None outside a repository."""

    def git(*words: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(file.resolve().parent), *words], capture_output=True, text=True, timeout=5, check=True
        )
        return done.stdout.strip()

    try:
        path = git("ls-files", "--full-name", "--", file.name)
        if not path:
            return None
        dirty = bool(git("status", "--porcelain", "--", file.name))
        return {"commit": git("rev-parse", "HEAD"), "path": path, "dirty": dirty}
    except (OSError, subprocess.SubprocessError):
        return None


def _wait_for_holder(
    home: Home, settings: Settings, submissions: Sequence[str], quiet: bool
) -> tuple[int, RunDocument] | None:
    """Follow what the holder does with these, reading only; it may still be making its index. None when one that was
    no daemon has gone, and they are not done."""
    was_daemon = (home.holder() or {}).get("command") == "run"
    with Progress(quiet) as progress:
        while True:
            with Index.reading(home.index_file) as index:
                if index and (outcome_of_all := _followed(home, settings, index, submissions, progress, quiet)):
                    return outcome_of_all
            if not daemon_is_there(home):
                if not was_daemon:
                    return None
                raise WrongUse("The daemon ended while the order was under way. Start it again, or use `once`.")
            time.sleep(LOOK)


def _followed(
    home: Home, settings: Settings, index: Index, submissions: Sequence[str], progress: Progress, quiet: bool
) -> tuple[int, RunDocument] | None:
    """What became of them; None while something is under way."""
    rows = [row for submission in submissions for row in index.orders_of_submission(submission)]
    progress.show(index, rows)
    rejected = [path for submission in submissions for path in _rejection_of(home, submission)]
    known = {row.submission for row in rows}
    if len(known) + len(rejected) < len(submissions):
        return None
    orders = look_at(home, settings, index, [row.id for row in rows])
    outlooks = [order.outlook for order in orders]
    if not all(outlook.rests for outlook in outlooks):
        return None
    return exit_code(outlooks, len(rejected)), report_of(home, index, orders, rejected, quiet)


def _rejection_of(home: Home, submission: str) -> list[Path]:
    """The word beside this submission's bundle; the bundle itself comes after its word."""
    words = home.rejected.glob(f"*-{submission[-8:]}.error.txt")
    return [path for path in words if path.with_name(path.name.removesuffix(".error.txt")).is_dir()]
