"""The one way to a terminal."""

import click

from artfactoryd.printable import printable


def echo(text: str, *, err: bool = False, nl: bool = True) -> None:
    """What would act there is shown as text."""
    click.echo(printable(text), err=err, nl=nl)
