"""`run`: the daemon in the foreground, and what it waits for before it can hold the home and use its settings."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

import click

from artfactoryd import log
from artfactoryd.cli import descriptors
from artfactoryd.cli.context import home_of, own_home
from artfactoryd.cli.interrupt import at_once, to_the_end
from artfactoryd.cli.progress import Mending
from artfactoryd.cli.terminal import echo
from artfactoryd.daemon import loop
from artfactoryd.daemon.run import RunOptions, all_is_loaded
from artfactoryd.daemon.supervisors import notify
from artfactoryd.errors import HomeLocked, StorageFull, WrongUse
from artfactoryd.factories.registry import look_again, unsafe_start
from artfactoryd.home import Home
from artfactoryd.live_settings import read_settings
from artfactoryd.medium import in_words
from artfactoryd.settings import Logging, Settings
from artfactoryd.web import server

Done = TypeVar("Done")
AGAIN = 1.0  # seconds between looks at what keeps a supervised run from working


@click.command()
@click.option("--supervised", is_flag=True, help="Started by launchd or systemd: stay up with bad settings and say so.")
@click.pass_context
def run(ctx: click.Context, supervised: bool) -> None:
    """The daemon, in the foreground; stop it with Ctrl-C."""
    home = home_of(ctx) if supervised else own_home(ctx)  # a supervised run waits for what is missing
    run_daemon(home, dict(os.environ), verbose=ctx.obj["verbose"], supervised=supervised)


def run_daemon(home: Home, environ: dict[str, str], *, verbose: bool, supervised: bool) -> None:
    """The daemon. What a person must mend ends it with exit code 2, unless a supervisor would only start it again."""
    # launchd's file grows for ever; systemd's journal does not
    shown = not supervised or "INVOCATION_ID" in environ
    stderr: log.Stderr = "nothing" if not shown else "everything" if verbose else "aloud"
    _until_done(descriptors.ask_for_enough, environ, supervised)
    with _held(home, environ, supervised) as home:
        seen, settings = _changed_at(home.settings_file), read_settings(home, environ, running=False)
        logging = settings.logging if settings else Logging()
        _until_done(
            lambda: log.setup("debug" if verbose else logging.level, home.logs, stderr), environ, supervised
        )  # fmt: skip
        while settings is None:
            if not supervised:
                raise WrongUse(f"The settings cannot be used; see {home.settings_file}.error.txt")
            _wait_for_settings(home, environ, seen)
            seen, settings = _changed_at(home.settings_file), read_settings(home, environ, running=False)
        if supervised:
            _wait_for_libraries(settings, environ)
        _until_done(home.make, environ, supervised)
        descriptors.say_when_few()
        with Mending(quiet=supervised) as mending, at_once():
            options = RunOptions(supervised=supervised, loaded=all_is_loaded, mending=mending.tell)
            asyncio.run(to_the_end(loop.work(home, settings, options, environ, serve=server.serve)))


@contextmanager
def _held(home: Home, environ: dict[str, str], supervised: bool) -> Iterator[Home]:
    """The home's lock."""

    def take(home: Home = home) -> Home:
        home.check_place()
        home.check_original()
        return stack.enter_context(home.lock("run"))

    with ExitStack() as stack:
        yield _until_done(take, environ, supervised)


def _until_done(step: Callable[[], Done], environ: dict[str, str], supervised: bool) -> Done:
    """Supervised, what stands in the way is waited out and told: to end would only mean to be started again.

    Else it is raised, as WrongUse where the system refuses.
    """
    told = ""
    while True:
        try:
            return step()
        except (HomeLocked, WrongUse, StorageFull, OSError) as error:
            if not supervised:
                if isinstance(error, OSError):
                    raise WrongUse(f"{in_words(error)} When that is mended, start again.") from error
                raise
            if in_words(error) != told:
                told = in_words(error)
                echo(f"artfactoryd waits: {told}", err=True)
            _wait(environ, told)


def _wait_for_settings(home: Home, environ: dict[str, str], seen: int | None) -> None:
    """Until the file is another one than was looked at just before it was read."""
    while _changed_at(home.settings_file) == seen:
        _wait(environ, f"The settings cannot be used, and nothing is taken; see {home.settings_file}.error.txt")


def _wait_for_libraries(settings: Settings, environ: dict[str, str]) -> None:
    """Until none that is installed may buy twice."""
    told = None
    while why := unsafe_start(settings):
        if why != told:
            logging.getLogger(__name__).error("nothing is started: %s", why)
        told = why
        _wait(environ, why)
        look_again()


def _changed_at(path: Path) -> int | None:
    try:
        return path.stat().st_ctime_ns
    except OSError:
        return None


def _wait(environ: dict[str, str], why: str) -> None:
    """A while, and the supervisor knows that we live and why we do nothing."""
    notify.ready(environ, why, AGAIN)
    time.sleep(AGAIN)
