"""The program that every command belongs to: its options, its exit codes, and where each command is.

Exit codes: 0 done, 1 it did not succeed, 2 wrong use or settings, 3 it waits for a person, a provider or a cap.

A command's module is loaded when that command is called, and only then: so a command file imports what it needs at
its top, and the list of commands is told without loading any of them.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from keyword import iskeyword
from typing import Any, NoReturn

import click

from artfactoryd import __version__, log_outlet
from artfactoryd.cli.interrupt import as_exception, at_once, watch
from artfactoryd.cli.terminal import Menu, echo
from artfactoryd.errors import ArtFactoryError, Refusal, WrongUse
from artfactoryd.medium import in_words

DID_NOT_SUCCEED, WRONG_USE, WAITS = 1, 2, 3
AS_JSON = "artfactoryd.json"  # in the context: whether data was asked for

COMMANDS = {  # name: the module beside this one that has a command of that name, and what its help begins with
    "approve": ("control", "Let a held order go on"),
    "backup": ("upkeep.backup", "Keep a copy of everything on another disk"),
    "bin": ("pictures.collecting", "Put products into the bin of the shelf for 30 days"),
    "cancel": ("control", "Send nothing more of an order"),
    "collect": ("pictures.collecting", "Put products into a collection"),
    "collections": ("pictures.collecting", "Your collections, with how many products each has"),
    "demo": ("upkeep.demo", "A throw-away home, the examples rehearsed offline"),
    "doctor": ("doctor.command", "What is well, what is not, and the way out"),
    "explain": ("explain", "Everything that is known of a product"),
    "export": ("pictures.export", "Copies of what a query finds, in a folder or a zip file"),
    "import": ("pictures.importing", "Pictures of A1111, ComfyUI, InvokeAI and others become products"),
    "init": ("upkeep.init", "Make the factory folder"),
    "install": ("upkeep.service", "Let launchd or systemd start the daemon when you log in"),
    "keys": ("providers", "Your providers' keys in the system's keychain"),
    "like": ("pictures.marks", "Mark products as liked"),
    "logs": ("upkeep.logs", "What the program said"),
    "lookups": ("library", "Your named lists of values, with how many each has"),
    "mcp": ("agents.command", "What agents use: plan, submit, status, find, models, explain"),
    "models": ("models", "What can be ordered, and what it costs"),
    "note": ("pictures.marks", "Write notes to products"),
    "once": ("once", "Take what is in the inbox, finish what can be finished, exit"),
    "order": ("orders", "One order: its items, what they cost, and what is at stake"),
    "orders": ("orders", "Every order, those at work first, then newest first"),
    "pause": ("control", "Send nothing more of an order, to a provider, or at all"),
    "plan": ("plan", "What an order would do, what it would cost"),
    "products": ("products", "What was made, newest first"),
    "projects": ("pictures.projects", "Your projects, those worked on last first"),
    "providers": ("providers", "Who can be ordered from: key, pace, and what stops them"),
    "rate": ("pictures.marks", "Give products a rating from 0 to 5"),
    "reindex": ("upkeep.reindex", "Make the index again from the ledger and the shelf"),
    "remake": ("submit", "Ask for a product again"),
    "restore": ("upkeep.backup", "Put back what is missing here from a backup"),
    "resume": ("control", "Let a paused order, or a paused or stopped provider, go on"),
    "retry": ("control", "Send again what surely cost nothing; list what may have"),
    "run": ("run", "The daemon, in the foreground; stop it with Ctrl-C"),
    "schema": ("upkeep.schema", "Print a JSON Schema, or the names of all"),
    "service": ("upkeep.service", "The daemon as launchd or systemd sees it"),
    "sheet": ("sheet", "One contact sheet of an order, or of what a query finds"),
    "spend": ("spend", "What was spent, what is on the way or in doubt"),
    "status": ("orders", "The state of things"),
    "submit": ("submit", "Put orders into the inbox, each in one step, as they are"),
    "tag": ("pictures.marks", "Put tags on products (+TAG) and take them off (-TAG)"),
    "templates": ("library", "Your templates, with the keys each gives"),
    "undo": ("pictures.marks", "Take back what was said last of products"),
    "uninstall": ("upkeep.service", "Stop the service and take it away"),
    "watch": ("looking.watch", "What is at work and what waits for you, as it changes"),
    "why": ("orders", "What became of a file, and what to do about it"),
}
GROUPS = {  # as `--help` shows them
    "Start": ("init", "demo", "run", "once", "keys", "install", "service", "uninstall"),
    "Order": ("plan", "submit", "remake", "models", "templates", "lookups", "mcp"),
    "Look": ("status", "watch", "orders", "order", "why", "spend", "providers"),
    "Steer": ("approve", "cancel", "retry", "pause", "resume"),
    "Shelf": (
        "products", "explain", "sheet", "export", "import", "projects", "like", "rate", "tag", "note", "collect",
        "collections", "bin", "undo",
    ),
    "Upkeep": ("doctor", "backup", "restore", "reindex", "logs", "schema"),
}  # fmt: skip
TAKE_FILES = (
    "backup",
    "explain",
    "import",
    "plan",
    "remake",
    "restore",
    "submit",
    "why",
)  # the name of a file is bytes, and need not be UTF-8


YOUNG = 50_000  # objects made and still there before they are looked through for rubbish: a plan makes many, and none


def load_command(name: str) -> click.Command:
    """The command itself, from its module."""
    module = import_module(f"artfactoryd.cli.{COMMANDS[name][0]}")
    command: click.Command = getattr(module, f"{name}_" if iskeyword(name) else name)
    return command


class Program(Menu):
    """Turns what a person did wrong into words; never a traceback for it.

    Its `commands` are name and the beginning of their help; the one that is called is loaded in its stead.
    """

    groups = GROUPS

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, listed, rest = super().resolve_command(ctx, args)
        if name not in TAKE_FILES:
            _check_text(rest)
        with at_once():
            return name, load_command(name) if name and listed else None, rest

    def main(self, *args: Any, **extra: Any) -> Any:
        gc.set_threshold(YOUNG)
        log_outlet.hold_standard()
        if log_outlet.install():
            atexit.register(gc.freeze)  # the system takes everything back at once: an end need not look for rubbish
            watch()
        return super().main(*args, **extra)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[AS_JSON] = "--json" in args[: args.index("--")] if "--" in args else "--json" in args
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with as_exception():
                return super().invoke(ctx)
        except click.ClickException as error:
            if not ctx.meta[AS_JSON]:
                raise
            _fail(ctx, "Wrong use", error.format_message(), error.exit_code)
        except Refusal as refusal:  # an order's is told where it is read; what gets here is the settings'
            _fail(ctx, "These settings cannot be used", str(refusal), WRONG_USE, "\n")
        except ArtFactoryError as error:
            _fail(ctx, error.title, str(error), WRONG_USE if isinstance(error, WrongUse) else DID_NOT_SUCCEED)
        except KeyboardInterrupt:
            echo("artfactoryd: Interrupted.", err=True)
            ctx.exit(log_outlet.INTERRUPTED)
        except BrokenPipeError:
            ctx.exit(log_outlet.INTERRUPTED)
        except OSError as error:
            _fail(ctx, "The system refuses", f"{in_words(error)} When that is mended, start again.", DID_NOT_SUCCEED)


def _check_text(words: Sequence[str]) -> None:
    """Raise WrongUse for what no order, product or provider can be called."""
    for word in words:
        if any("\ud800" <= letter <= "\udfff" for letter in word):
            raise WrongUse(f"{word!r} is no UTF-8, and nothing is called so here.")


def _fail(ctx: click.Context, title: str, text: str, code: int, between: str = " ") -> NoReturn:
    """In words on standard error; as data, where that was asked for, on standard output."""
    if ctx.meta[AS_JSON]:
        echo(json.dumps({"done": False, "error": title, "text": text}, ensure_ascii=False, indent=2), whole=True)
    else:
        echo(f"artfactoryd: {title}.{between}{text}", err=True)
    ctx.exit(code)


def in_utf8(encoding: str, environ: Mapping[str, str], words: Sequence[str]) -> None:
    """File names are bytes, and ours are UTF-8 whatever the locale says: begins anew in Python's UTF-8 mode.

    Raises WrongUse where that does not help.
    """
    if encoding.lower().replace("-", "") == "utf8":
        return
    if environ.get("PYTHONUTF8") == "1":
        raise WrongUse(f"File names are taken for {encoding} here. Set LC_ALL=C.UTF-8 and start it again.")
    os.execve(sys.executable, [sys.executable, *words[1:]], {**environ, "PYTHONUTF8": "1"})


@click.group(
    cls=Program,
    commands={name: click.Command(name, help=sentence) for name, (_, sentence) in COMMANDS.items()},
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option("--home", metavar="DIR", help="The factory folder (default: $ARTFACTORY_HOME, else ~/ArtFactory).")
@click.option("-v", "--verbose", is_flag=True, help="Say more while working.")
@click.version_option(__version__, prog_name="artfactoryd")
@click.pass_context
def main(ctx: click.Context, home: str | None, verbose: bool) -> None:
    """Write an order once, drop it in a folder, find the pictures: sorted, named, explained, never paid for twice."""
    in_utf8(sys.getfilesystemencoding(), os.environ, sys.orig_argv)
    from artfactoryd.home import Home  # imported late: `--help` is told without a home

    ctx.obj = {"home": Home.find(home, os.environ), "verbose": verbose}
