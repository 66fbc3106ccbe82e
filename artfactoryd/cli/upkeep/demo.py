"""`demo`: a throw-away home, the examples rehearsed in it, and where to look."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import click

from artfactoryd.cli.bundles import Desk
from artfactoryd.cli.control import steer
from artfactoryd.cli.once import RunDocument, work_once
from artfactoryd.cli.program import WAITS
from artfactoryd.cli.sheet import EXPORTS, make_sheet
from artfactoryd.cli.terminal import echo
from artfactoryd.cli.upkeep.init import make_home
from artfactoryd.core.lifecycle import OrderState
from artfactoryd.core.names import counted, numbered
from artfactoryd.core.sheets.layout import Axes
from artfactoryd.durable import make_folders
from artfactoryd.errors import WrongUse
from artfactoryd.home import Home
from artfactoryd.printable import one_line
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
    echo(f"A throw-away home: {home.root}\nDrawing the examples with the free local sketch model.")
    examples = home.library / "examples"
    files = sorted([*examples.glob("*.yaml"), *examples.glob("*/order.yaml")])
    settings = Settings()
    desk = Desk(home, settings, environ)
    placed = [desk.place(file, rehearse=True).path for file in files]
    drawing = partial(work_once, home, settings, environ, verbose=verbose, quiet=False, only=placed, tells=False)
    code, report = drawing()
    said = list[str]()
    while code == WAITS and (orders := _say_yes(home, environ, report.orders, said)):
        code, report = drawing(orders=orders)
    if code:
        echo("\n".join(_trouble(report)))
    return code if _show(home, len(files), said) else 1


def _say_yes(home: Home, environ: dict[str, str], orders: Sequence[OrderDocument], said: list[str]) -> list[str]:
    """Approves the examples that are held, likes all that those which wait have made. The ids of those that go on.

    `said`: takes down the commands.
    """
    goes_on = []
    for order in orders:
        drafts = [product.path for product in order.products or () if not product.liked]
        if order.status == OrderState.HELD:
            answer = steer(home, Settings, environ, "approve", {"order": order.order_id})
            said.append(f"approve {order.name}")
        elif order.status == OrderState.PROCESSING and drafts:
            answer = steer(home, Settings, environ, "like", {"products": drafts, "off": False})
            said.append(f"like {' '.join(Path(path).name for path in drafts)}")
        else:
            continue
        if answer["done"]:
            goes_on.append(order.order_id)
    return goes_on


def _trouble(report: RunDocument) -> Iterator[str]:
    for order in report.orders:
        if order.status != OrderState.COMPLETED:
            yield one_line(f"{order.name}: {order.status}. {' '.join(order.reasons)}")
    yield from (one_line(f"{entry.name} was rejected.") for entry in report.rejected)


def _show(home: Home, files: int, said: Sequence[str]) -> int:
    """In at most 15 lines with those above. How many pictures there are."""
    exports = home.root / EXPORTS
    make_folders(exports)
    page, sheet = (next(_free(exports, ending)) for ending in (".html", ".jpg"))
    try:
        made = make_sheet(home, "", page, Axes(), None, title="What the examples draw")
        make_sheet(home, "", sheet, Axes(), None, title="What the examples draw")
    except WrongUse as error:
        echo(str(error))
        return 0
    if said:
        echo(f"\nTwo kinds of orders ask a person; the demo said yes, as you would: artfactoryd {said[0]}")
        for command in said[1:]:
            echo(one_line(f"  and artfactoryd {command}"))
    what = f"{counted(made.pictures, 'picture')} of {counted(files, 'order file')}"
    echo(f"\n{what}, for nothing; `sidecars` beside them say how.")
    echo(f"  page   {page}\n  sheet  {sheet}\n\nNext:  {_open_word()} {page}")
    echo(f"       artfactoryd plan {home.library}/examples/01-cars.yaml\n       artfactoryd init")
    return made.pictures


def _free(folder: Path, ending: str) -> Iterator[Path]:
    return (path for name in numbered("demo", ending) if not (path := folder / name).exists())


def _open_word() -> str:
    return "open" if sys.platform == "darwin" else "xdg-open"
