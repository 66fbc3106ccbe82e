"""`demo`: a throw-away home, the examples rehearsed in it, and where to look."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from artfactoryd.cli.bundles import Desk
from artfactoryd.cli.control import steer
from artfactoryd.cli.once import work_once
from artfactoryd.cli.program import WAITS
from artfactoryd.cli.terminal import echo
from artfactoryd.cli.upkeep.init import make_home
from artfactoryd.core.lifecycle import OrderState
from artfactoryd.core.names import counted
from artfactoryd.home import Home
from artfactoryd.reporting.orders import OrderDocument
from artfactoryd.settings import Settings


@click.command()
@click.pass_context
def demo(ctx: click.Context) -> None:
    """A throw-away home, the examples rehearsed offline, and where to look. Needs no key and no network."""
    home = demo_home(ctx.parent.params["home"] if ctx.parent else None)
    code = show_examples(home, verbose=ctx.obj["verbose"])
    ctx.exit(code)


def demo_home(given: str | None) -> Home:
    """A home of its own for the demonstration: `--home`, else a new throw-away folder."""
    root = Path(given) if given else Path(tempfile.mkdtemp(prefix="artfactory-demo-"))
    home = Home(root.expanduser().resolve())
    for _ in make_home(home):
        pass
    return home


LARGE = frozenset({"11-shop"})  # more pictures than anybody looks through


def show_examples(home: Home, *, verbose: bool) -> int:
    """The examples, drawn here for nothing, and where to look."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith("ARTFACTORY_")}
    echo(f"A throw-away home: {home.root}\nDrawing the examples with the free local sketch model.\n")
    examples = home.library / "examples"
    found = sorted([*examples.glob("*.yaml"), *examples.glob("*/order.yaml")])
    files = [file for file in found if file.parent.name not in LARGE]
    settings = Settings()
    desk = Desk(home, settings, environ)
    placed = [desk.place(file, rehearse=True).path for file in files]
    code, report = work_once(home, settings, environ, verbose=verbose, quiet=False, only=placed)
    while code == WAITS and (orders := _say_yes(home, environ, report.orders)):
        code, report = work_once(home, settings, environ, verbose=verbose, quiet=False, only=placed, orders=orders)
    pictures = sorted(card.with_suffix("") for card in home.projects.rglob("*.*.json"))
    echo(f"\n{counted(len(pictures), 'picture')}, each with its sidecar (.json) beside it:")
    echo("\n".join(f"  {path}" for path in pictures))
    echo(f"\nLook at them: {_open_word()} {home.projects}")
    return code if pictures else 1


def _say_yes(home: Home, environ: dict[str, str], orders: Sequence[OrderDocument]) -> list[str]:
    """Approves the examples that are held, likes all that those which wait have made. The ids of those that go on."""
    goes_on, commands = [], []
    for order in orders:
        drafts = [product.path for product in order.products or () if not product.liked]
        if order.status == OrderState.HELD:
            answer = steer(home, Settings, environ, "approve", {"order": order.order_id})
            commands.append(f"approve {order.name}")
        elif order.status == OrderState.PROCESSING and drafts:
            answer = steer(home, Settings, environ, "like", {"products": drafts, "off": False})
            commands += [f"like {home.root / path}" for path in drafts]
        else:
            continue
        if answer["done"]:
            goes_on.append(order.order_id)
    if commands:
        echo("\nSome of them ask a person. Nobody is here, so the demo says yes, as you would with:")
        echo("\n".join(f"  artfactoryd {command}" for command in commands) + "\n")
    return goes_on


def _open_word() -> str:
    return "open" if sys.platform == "darwin" else "xdg-open"
