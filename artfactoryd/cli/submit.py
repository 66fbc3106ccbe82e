"""`submit` and `remake`: an order file into the inbox in one step, and followed to its end where asked."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import click

from artfactoryd.cli.bundles import Desk, Placed, told_apart
from artfactoryd.cli.context import as_json, home_of, own_home, say, settings_of
from artfactoryd.cli.control import daemon_is_there
from artfactoryd.cli.explain import card_of, whole_sidecar
from artfactoryd.cli.once import RunDocument, look_at, report_of, work_once
from artfactoryd.cli.pictures.by_template import asked_by
from artfactoryd.cli.pictures.varying import asked_with
from artfactoryd.cli.progress import Progress
from artfactoryd.cli.terminal import echo
from artfactoryd.cli.upkeep.init import make_home
from artfactoryd.core.json_types import Json
from artfactoryd.core.money import micro_dollars, rounded
from artfactoryd.daemon.run import exit_code
from artfactoryd.errors import HomeLocked, WrongUse
from artfactoryd.home import Home
from artfactoryd.intake.submission import agent_name, rejections_of
from artfactoryd.planning import preview
from artfactoryd.printable import one_line
from artfactoryd.reporting.json_object import JsonObject, plain
from artfactoryd.settings import Settings
from artfactoryd.storage.index import Index

MOST_TOLD = 5  # files named one by one
LOOK = 0.2  # seconds between looks at what the daemon does


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--wait", is_flag=True, help="Show progress and end with the order's outcome.")
@click.option("--rehearse", is_flag=True, help="Let the free local sketch model draw every item.")
@click.option("--agent", metavar="NAME", help="An agent of this name hands them in: its caps and rules hold.")
@click.option("--template", metavar="NAME", help="FILES are pictures: make them by this template of the Library.")
@as_json
@click.pass_context
def submit(
    ctx: click.Context, files: tuple[Path, ...], wait: bool, rehearse: bool, agent: str | None, template: str | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Put orders into the inbox, each in one step, as they are.

    FILES are orders, each a file or the folder of one, and the tables and pictures that go with them.
    A rehearsal needs no key, costs nothing, and makes the factory folder where there is none.
    """
    if rehearse:
        _make_first_home(home_of(ctx), quiet=as_json)
    home = own_home(ctx)
    with asked_by(home, template) if template else nullcontext() as order:
        given, command = ([order, *files], f"submit --template {template}") if order else ([*files], "submit")
        code, document = submit_files(
            home, settings_of(home), dict(os.environ), given, wait=wait, rehearse=rehearse, quiet=as_json,
            command=command, agent="" if agent is None else agent_name(agent),
        )  # fmt: skip
    if as_json:
        say(document, "", True)
    ctx.exit(code)


@click.command()
@click.argument("file", metavar="FILE|ID")
@click.option("--wait", is_flag=True, help="Show progress and end with the order's outcome.")
@click.option(
    "--set", "changes", metavar="NAME=VALUE", multiple=True, help="With another value, as YAML: --set steps=8."
)
@as_json
@click.pass_context
def remake(ctx: click.Context, file: str, wait: bool, changes: tuple[str, ...], as_json: bool) -> None:
    """Ask for a product again: its item, with the same parameters and seed, as a new order.

    One of a batch is made with the whole batch of its call. `artfactoryd plan FILE.json` shows it first. `--set` varies
    it, and may be given several times; a name inside a value has points: `--set loras.0.scale=0.5`.
    """
    home = own_home(ctx)
    card, settings = card_of(home, file), settings_of(home)
    whole = _made_here(card)
    with asked_with(home, card, whole, changes) as asking:
        _tell_what_is_bought(home, settings, asking, checked=bool(changes), quiet=as_json)
        code, document = submit_files(
            home, settings, dict(os.environ), [asking], wait=wait, rehearse=False, quiet=as_json, command="remake"
        )
    if as_json:
        say(document, "", True)
    ctx.exit(code)


def _made_here(card: Path) -> Json:
    """Raises WrongUse for what is no whole sidecar, and what was imported: nothing is known that could be asked
    again."""
    whole = whole_sidecar(card)
    if whole["order"] is None:
        raise WrongUse("It was imported: which call made it is not known here. Write an order with its prompt.")
    return whole


def _tell_what_is_bought(home: Home, settings: Settings, card: Path, *, checked: bool, quiet: bool) -> None:
    """What `remake` asks for, what it may cost, what would hold it. What is wrong the inbox will say, where it is not
    `checked`: then WrongUse is raised."""
    if quiet and not checked:
        return
    planned = preview.plan(home, settings, card, rehearse=False, most=1, environ=os.environ)
    wrong = [error for order in planned.orders for error in order.head["errors"]]
    if checked and wrong:
        told = "\n".join(f"{error['message']} {error['fix']}".strip() for error in wrong)
        raise WrongUse(f"It cannot be asked for so, and nothing is: {told}")
    for words in () if quiet else _what_is_bought(planned):
        echo(one_line(words))


def _what_is_bought(planned: preview.Planned) -> list[str]:
    words = []
    for head, item in ((order.head, next(order.items(), None)) for order in planned.orders):
        if head["errors"] or item is None:
            continue
        price = head["price"]["usd"]
        known = f"for at most {rounded(micro_dollars(price), up=True)}" if price else "for nothing"
        cost = known if price is not None else "at a price that is not known"
        about = f" of “{head['first']}”" if head["first"] else ""
        seed = "" if item["seed"] is None else f", seed {item['seed']}"
        asks = f"Rehearses {head['model']}" if head["rehearsal"] else f"Asks {head['provider']} {head['model']}"
        words.append(f"{asks} again for {head['makes']}{about}{seed}, {cost}.")
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
    """`report`: where somebody waited, what became of them; its keys stand beside `submitted`. `unused`: what was given
    to go with orders, and none of them names."""

    submitted: Sequence[Submitted]
    report: RunDocument | None = None
    unused: Sequence[str] = ()

    def to_json(self) -> dict[str, object]:
        unused = {"unused": plain(self.unused)} if self.unused else {}
        return {"submitted": plain(self.submitted), **unused, **(self.report.to_json() if self.report else {})}


def submit_files(
    home: Home,
    settings: Settings,
    environ: dict[str, str],
    files: Sequence[Path],
    *,
    wait: bool,
    rehearse: bool,
    quiet: bool,
    command: str = "submit",
    agent: str = "",
) -> tuple[int, SubmitDocument]:  # fmt: skip
    """Each order into the inbox by one rename, as a bundle that carries what its file cannot say."""
    given, desk = told_apart(files), Desk(home, settings, environ)
    placed = [desk.place(file, rehearse, given.beside, agent) for _, file in given.orders]
    lines = [_is_placed(path, one) for (path, _), one in zip(given.orders, placed, strict=True)]
    if command != "submit":  # what was named is no order, and stays where it is
        lines = ["Its order is in the inbox."]
    unused = [path for name, path in given.beside.items() if not any(name in one.along for one in placed)]
    if not quiet:
        echo("\n".join([*lines, *_not_taken(unused)]))
    submitted = [Submitted(str(path), one.submission) for (path, _), one in zip(given.orders, placed, strict=True)]
    if not wait:
        if not quiet and not daemon_is_there(home):
            they = "It is" if len(placed) == 1 else "They are"
            echo(f"{they} taken when `artfactoryd run` or `once` is at work; `{command} --wait` does it now.")
        return 0, SubmitDocument(submitted, unused=[*map(str, unused)])
    code, report = _done(home, settings, environ, placed, quiet)
    return code, SubmitDocument(submitted, report, [*map(str, unused)])


def _not_taken(unused: Sequence[Path]) -> Iterator[str]:
    yield from (f"{one_line(path)} is not: no order given with it names it." for path in unused[:MOST_TOLD])
    if (more := len(unused) - MOST_TOLD) > 0:
        yield f"Nor are {more} more."


def _is_placed(given: Path, placed: Placed) -> str:
    names = sorted(map(one_line, placed.along))
    more = f" and {len(names) - MOST_TOLD} more" if len(names) > MOST_TOLD else ""
    along = ", ".join(names[:MOST_TOLD]) + more
    return f"{one_line(given)} is in the inbox{f', with {along}' if along else ''}."


def _done(
    home: Home, settings: Settings, environ: dict[str, str], placed: Sequence[Placed], quiet: bool
) -> tuple[int, RunDocument]:
    """By whoever holds the home, or by this process: also when another that held it for a while leaves them."""
    names = [one.submission for one in placed]
    while True:
        begun = _orders_of(home, names)
        try:
            return work_once(
                home, settings, environ, verbose=False, quiet=quiet, only=[one.path for one in placed], orders=begun
            )
        except HomeLocked:
            if ended := _wait_for_holder(home, settings, names, quiet):
                return ended


def _orders_of(home: Home, submissions: Sequence[str]) -> list[str]:
    with Index.reading(home.index_file) as index:
        return [row.id for name in submissions for row in index.orders_of_submission(name)] if index else []


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
    rejected = [path for submission in submissions for path in rejections_of(home.rejected, submission)]
    known = {row.submission for row in rows}
    if len(known) + len(rejected) < len(submissions):
        return None
    orders = look_at(home, settings, index, [row.id for row in rows])
    outlooks = [order.outlook for order in orders]
    if not all(outlook.rests for outlook in outlooks):
        return None
    progress.end()
    return exit_code(outlooks, len(rejected)), report_of(home, index, orders, rejected, quiet)
