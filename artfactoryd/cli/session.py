"""What a command does with a home: hold its lock and work in it, or hand the daemon that holds it a word."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from textwrap import indent
from typing import Any

import click
import uuid_utils

from artfactoryd import log
from artfactoryd.cli.progress import Progress
from artfactoryd.core.lifecycle import OrderState
from artfactoryd.core.sidecar import slug
from artfactoryd.daemon import loop as daemon
from artfactoryd.daemon import mailbox as commands
from artfactoryd.daemon import receipts
from artfactoryd.daemon.app import now, open_house, read_settings, unsafe_start
from artfactoryd.daemon.loop import outcome
from artfactoryd.daemon.supervisors import notify
from artfactoryd.durable import flush_folder, write_file
from artfactoryd.errors import HomeLocked, Refusal, WrongUse
from artfactoryd.factories import look_again
from artfactoryd.home import Home
from artfactoryd.intake.consumer import Work
from artfactoryd.planning.planner import Origin, expander, name_of
from artfactoryd.planning.preview import understood
from artfactoryd.reporting import waiting as reports
from artfactoryd.settings import Logging, Settings
from artfactoryd.storage import rebuild as reindex
from artfactoryd.storage.index import Index

Environ = dict[str, str]
AGAIN = 1.0  # seconds between looks at what keeps a supervised run from working
LOOK = 0.2
WAITS = 3  # exit code: something waits for a person, a provider or a cap


def run(home: Home, environ: Environ, *, verbose: bool, supervised: bool) -> None:
    """The daemon. Bad settings end it with exit code 2, unless a supervisor would only start it again."""
    stderr = not supervised or "INVOCATION_ID" in environ  # launchd's file grows for ever; systemd's journal does not
    with _held(home, environ, supervised):
        seen, settings = _changed_at(home.settings_file), read_settings(home, environ, running=False)
        said = settings.logging if settings else Logging()
        log.setup("debug" if verbose else said.level, home.logs, stderr, form=said.format)
        while settings is None:
            if not supervised:
                raise WrongUse(f"The settings cannot be used; see {home.settings_file}.error.txt")
            _wait_for_settings(home, environ, seen)
            seen, settings = _changed_at(home.settings_file), read_settings(home, environ, running=False)
        if supervised:
            _wait_for_libraries(settings, environ)
        home.make()
        asyncio.run(daemon.work(home, settings, Work(), environ))


@contextmanager
def _held(home: Home, environ: Environ, supervised: bool) -> Iterator[None]:
    """The home's lock. Supervised, wait until it can be had: to end would only mean to be started again."""
    said = ""
    with ExitStack() as stack:
        while True:
            try:
                home.check_place()
                stack.enter_context(home.lock("run"))
                break
            except (HomeLocked, WrongUse) as error:
                if not supervised:
                    raise
                if str(error) != said:
                    said = str(error)
                    click.echo(f"artfactoryd waits: {said}", err=True)
                _wait(environ, said)
        yield


def _wait_for_settings(home: Home, environ: Environ, seen: int | None) -> None:
    """Until the file is another one than was looked at just before it was read."""
    while _changed_at(home.settings_file) == seen:
        _wait(environ, f"The settings cannot be used, and nothing is taken; see {home.settings_file}.error.txt")


def _wait_for_libraries(settings: Settings, environ: Environ) -> None:
    """Until none that is installed may buy twice."""
    said = None
    while why := unsafe_start(settings):
        if why != said:
            logging.getLogger(__name__).error("nothing is started: %s", why)
        said = why
        _wait(environ, why)
        look_again()


def _changed_at(path: Path) -> int | None:
    try:
        return path.stat().st_ctime_ns
    except OSError:
        return None


def _wait(environ: Environ, why: str) -> None:
    """A while, and the supervisor knows that we live and why we do nothing."""
    notify.ready(environ, why, AGAIN)
    time.sleep(AGAIN)


def once(
    home: Home, settings: Settings, environ: Environ, *, verbose: bool, quiet: bool, only: Sequence[Path] = (),
    orders: Sequence[str] = (),
) -> tuple[int, dict[str, Any]]:  # fmt: skip
    """Take what is there (or `only` these), finish what can be finished. The exit code and what became of it.

    `orders`: beside what is taken of `only` these, and no others.
    """
    job, before = Work(until_done=True, only=frozenset(only), orders=frozenset(orders)), _rejections(home)
    with home.lock("once"):
        log.setup("debug" if verbose else "warning", home.logs, form=settings.logging.format)
        home.make()
        with Progress(quiet) as progress:
            job.watch = progress.look
            asyncio.run(daemon.work(home, settings, job, environ))
    index = Index.look(home.index_file)
    try:
        document = _report(home, settings, index, job.seen, sorted(_rejections(home) - before), quiet)
        return outcome(index, job.seen, job.rejected, job.waiting), document
    finally:
        index.close()


def _rejections(home: Home) -> set[Path]:
    return set(home.rejected.glob("*.error.txt"))


def _report(
    home: Home, settings: Settings, index: Index, seen: Sequence[str], rejected: Sequence[Path], quiet: bool
) -> dict[str, Any]:
    rows = [row for row in map(index.order, seen) if row is not None]
    found = [reports.order_document(index, row, reports.reasons(index, row, home, settings)) for row in rows]
    words = {path.name.removesuffix(".error.txt"): path.read_text(errors="replace") for path in rejected}
    for order in [] if quiet else found:
        click.echo(_line(order, home))
    for name, text in [] if quiet else words.items():
        click.echo(f"{home.rejected / name}\n{indent(text.rstrip(), '  ')}")
    return {"orders": found, "rejected": [{"name": name, "text": text} for name, text in words.items()]}


def _line(order: Mapping[str, Any], home: Home) -> str:
    place = f" in {home.root / order['folder']}" if order["folder"] else ""
    words = [f"{order['name']}: {order['status']}, {order['completed_items']} of {order['total_items']} items{place}"]
    return "\n".join(words + [f"  {reason}" for reason in order["reasons"]])


# --- submit ---


def submit(
    home: Home, settings: Settings, environ: Environ, files: Sequence[Path], *, wait: bool, rehearse: bool, quiet: bool
) -> tuple[int, dict[str, Any]]:
    """Each file into the inbox by one rename, as a bundle that carries what the file cannot say."""
    inbox = settings.inbox.path or home.inbox
    placed = [_place(file, inbox, home, settings, rehearse, environ) for file in files]
    if not quiet:
        click.echo("\n".join(f"{file} is in the inbox." for file in files))
    names = [name for _, name in placed]
    document = {"submitted": [{"file": str(f), "submission": name} for f, name in zip(files, names, strict=True)]}
    if not wait:
        return 0, document
    try:
        code, report = once(home, settings, environ, verbose=False, quiet=quiet, only=[path for path, _ in placed])
    except HomeLocked:
        code, report = _wait_for_daemon(home, settings, names, quiet)
    return code, {**document, **report}


def _place(
    file: Path, inbox: Path, home: Home, settings: Settings, rehearse: bool, environ: Environ
) -> tuple[Path, str]:
    """The bundle's place in the inbox, and the submission's id."""
    if not file.is_file():
        raise WrongUse(f"{file} is not a file. Name an order file to submit.")
    submission = str(uuid_utils.uuid7())
    name = name_of(file)
    bundle = inbox / f"{slug(name, 60)}-{submission[-8:]}"
    made = home.temp / bundle.name
    said = {"id": submission, "name": name, "file": file.name, "rehearse": rehearse, "git": git_of(file)}
    made.mkdir(parents=True)
    write_file(made / "order.yaml", file.read_bytes())
    for picture in _pictures(file, home, settings, environ):
        (made / picture).parent.mkdir(parents=True, exist_ok=True)
        write_file(made / picture, (file.parent / picture).read_bytes())
    write_file(made / ".submit.json", json.dumps(said, ensure_ascii=False).encode())
    try:
        made.rename(bundle)
    except OSError:  # the inbox is on another disk: complete under a name that is passed over, then one rename
        hidden = inbox / f".{bundle.name}.tmp"
        shutil.copytree(made, hidden)
        hidden.rename(bundle)
        shutil.rmtree(made)
    flush_folder(inbox)
    return bundle, submission


def _pictures(file: Path, home: Home, settings: Settings, environ: Environ) -> set[str]:
    """The pictures beside it that it names; none when it cannot be understood: the inbox will say why."""
    index = Index.if_made(home.index_file)
    try:
        origin = Origin(file.name, file.stem, folder=file.absolute().parent)
        studies = understood(home, settings, index, file.read_bytes(), origin, environ)
    except Refusal:
        return set()
    finally:
        if index:
            index.close()
    return {each.value for study in studies for each in study.inputs if not each.source}


def git_of(file: Path) -> dict[str, Any] | None:
    """The commit the file is at, its path there, and whether it differs; None outside a repository."""

    def git(*words: str) -> str:
        found = subprocess.run(
            ["git", "-C", str(file.resolve().parent), *words], capture_output=True, text=True, timeout=5, check=True
        )
        return found.stdout.strip()

    try:
        path = git("ls-files", "--full-name", "--", file.name)
        if not path:
            return None
        dirty = bool(git("status", "--porcelain", "--", file.name))
        return {"commit": git("rev-parse", "HEAD"), "path": path, "dirty": dirty}
    except (OSError, subprocess.SubprocessError):
        return None


def _wait_for_daemon(
    home: Home, settings: Settings, submissions: Sequence[str], quiet: bool
) -> tuple[int, dict[str, Any]]:
    """Follow what the daemon does with these, reading only; it may still be making its index."""
    with Progress(quiet) as progress:
        while True:
            if index := Index.if_made(home.index_file):
                try:
                    if found := _followed(home, settings, index, submissions, progress, quiet):
                        return found
                finally:
                    index.close()
            if not _daemon_is_there(home):
                raise WrongUse("The daemon ended while the order was under way. Start it again, or use `once`.")
            time.sleep(LOOK)


def _followed(
    home: Home, settings: Settings, index: Index, submissions: Sequence[str], progress: Progress, quiet: bool
) -> tuple[int, dict[str, Any]] | None:
    """What became of them; None while something is under way."""
    rows = [row for each in submissions for row in index.orders_of_submission(each)]
    progress.show(index, rows)
    rejected = [path for each in submissions for path in _rejection_of(home, each)]
    known = {row["submission"] for row in rows}
    if len(known) + len(rejected) < len(submissions) or not _resting(index, rows, home, settings):
        return None
    seen = [row["id"] for row in rows]
    return outcome(index, seen, len(rejected)), _report(home, settings, index, seen, rejected, quiet)


def _rejection_of(home: Home, submission: str) -> list[Path]:
    """The word beside this submission's bundle; the bundle itself comes after its word."""
    words = home.rejected.glob(f"*-{submission[-8:]}.error.txt")
    return [path for path in words if path.with_name(path.name.removesuffix(".error.txt")).is_dir()]


def _resting(index: Index, rows: Sequence[Mapping[str, Any]], home: Home, settings: Settings) -> bool:
    """Nothing of these can go on by itself: ended, or waiting with a reason and nothing on the way."""
    for row in rows:
        counts = index.counts(row["id"])
        if index.state(row, counts) not in reports.UNFINISHED or row["held"] is not None:
            continue
        asking = 0 if reports.given_up(index, row) else counts.get("running", 0)
        moving = asking or any(counts.get(state) for state in ("submitting", "delivering"))
        if moving or not reports.blockers(index, row, home, settings):
            return False
    return True


# --- steering ---


def steer(
    home: Home, settings: Callable[[], Settings], environ: Environ, name: str, fields: Mapping[str, Any]
) -> dict[str, Any]:
    """Hand the command to the daemon; with none there, hold the lock and carry it out here."""
    command = commands.command(name, **fields)
    try:
        with home.lock(name):
            found = settings()
            log.setup("warning", home.logs, form=found.logging.format)
            return asyncio.run(_carry_out(home, found, environ, command))
    except HomeLocked:
        return commands.ask(home.commands, command, lambda: _daemon_is_there(home))


async def _carry_out(home: Home, settings: Settings, environ: Environ, command: dict[str, Any]) -> dict[str, Any]:
    async with open_house(home, settings, environ) as house:
        for waiting in [*commands.waiting(home.commands)]:
            answer, _ = await house.steering.carry_out(waiting)
            commands.answer(home.commands, waiting["id"], answer)
        answer, ids = await house.steering.carry_out(command)
        for order_id in house.bench.touched:
            receipts.write(house, order_id)
    if ids:
        answer["text"] += " It goes on with the next `run` or `once`."
    return answer


def make_index_again(home: Home) -> reindex.Report:
    """A daemon must be stopped first: HomeLocked names it."""
    with home.lock("reindex"):
        log.setup("warning", home.logs)
        home.make()
        return reindex.reindex(home, expander, now)


def _daemon_is_there(home: Home) -> bool:
    try:
        with home.lock("look"):
            return False
    except HomeLocked:
        return True


# --- demo ---


def demo(home: Home, *, verbose: bool) -> int:
    """The examples, drawn here for nothing, and where to look."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith("ARTFACTORY_")}
    click.echo(f"A throw-away home: {home.root}\nDrawing the examples with the free local sketch model.\n")
    examples = home.library / "examples"
    files = sorted([*examples.glob("*.yaml"), *examples.glob("*/order.yaml")])
    settings = Settings()
    placed = [_place(file, home.inbox, home, settings, True, environ)[0] for file in files]
    code, report = once(home, settings, environ, verbose=verbose, quiet=False, only=placed)
    while code == WAITS and (orders := _say_yes(home, environ, report["orders"])):
        code, report = once(home, settings, environ, verbose=verbose, quiet=False, only=placed, orders=orders)
    pictures = sorted(card.with_suffix("") for card in home.projects.rglob("*.*.json"))
    click.echo(f"\n{len(pictures)} pictures, each with its sidecar (.json) beside it:")
    click.echo("\n".join(f"  {path}" for path in pictures))
    click.echo(f"\nLook at them: {_open_word()} {home.projects}")
    return code if pictures else 1


def _say_yes(home: Home, environ: Environ, orders: Sequence[Mapping[str, Any]]) -> list[str]:
    """Approves the examples that are held, likes all that those which wait have made. The ids of those that go on."""
    goes_on, said = [], []
    for order in orders:
        drafts = [product["path"] for product in order["products"] if not product["liked"]]
        if order["status"] == OrderState.HELD:
            answer = steer(home, Settings, environ, "approve", {"order": order["order_id"]})
            said.append(f"approve {order['name']}")
        elif order["status"] == OrderState.PROCESSING and drafts:
            answer = steer(home, Settings, environ, "like", {"products": drafts, "off": False})
            said += [f"like {home.root / path}" for path in drafts]
        else:
            continue
        goes_on += [order["order_id"]] if answer["done"] else []
    if said:
        click.echo("\nSome of them ask a person. Nobody is here, so the demo says yes, as you would with:")
        click.echo("\n".join(f"  artfactoryd {each}" for each in said) + "\n")
    return goes_on


def _open_word() -> str:
    return "open" if sys.platform == "darwin" else "xdg-open"
