"""`doctor`: every check, told as a table, as lines or as data."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path

import click

from artfactoryd.cli.context import as_json, home_of, say
from artfactoryd.cli.doctor.bundle import CONTENTS, write
from artfactoryd.cli.doctor.machine import examine
from artfactoryd.cli.doctor.report import BAD, document, text, worst
from artfactoryd.cli.program import DID_NOT_SUCCEED


@click.command()
@click.option(
    "--bundle", metavar="[FILE]", is_flag=False, flag_value="",
    help="Write what others need to help you into a zip: no keys, prompts, names or paths are in it.",
)  # fmt: skip
@as_json
@click.pass_context
def doctor(ctx: click.Context, bundle: str | None, as_json: bool) -> None:
    """What is well, what is not, and the way out: folder, lock, disk, keys, addresses, database. Changes nothing."""
    rows = examine(home_of(ctx), dict(os.environ))
    if bundle is not None:
        target = Path(bundle or f"artfactoryd-{time.strftime('%Y%m%d-%H%M%S')}.zip")
        parts = write(home_of(ctx), rows, target)
        return say({"bundle": str(target), "parts": parts}, f"{CONTENTS}\nIt is {target}.", as_json)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    say(document(rows), "" if as_json else text(rows, width), as_json)
    ctx.exit(DID_NOT_SUCCEED if worst(rows) == BAD else 0)
