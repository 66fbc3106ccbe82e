"""The one way to a terminal."""

import os

import click

from artfactoryd import log_outlet
from artfactoryd.printable import printable


def echo(text: str, *, err: bool = False, nl: bool = True, raw: bool = False) -> None:
    """What would act there is shown as text; what is `raw` is for another program, and goes out as it is."""
    if not err:
        log_outlet.drain()  # the two in the order in which they are said
    click.echo(os.fsencode(text) if raw else printable(text), err=err, nl=nl)


def written_over(line: str) -> None:
    """On standard error, in place of the line that was written so before; empty to take that away."""
    click.echo(f"\r\033[K{printable(line)}", err=True, nl=False)
