"""`schema`: the JSON Schemas of this program, printed."""

from __future__ import annotations

import click

from artfactoryd.cli.terminal import echo
from artfactoryd.errors import WrongUse
from artfactoryd.schema import schema_names, schema_text


@click.command()
@click.argument("name", required=False)
def schema(name: str | None) -> None:
    """Print a JSON Schema, or the names of all."""

    if name is None:
        echo("\n".join(schema_names()))
    elif name in schema_names():
        echo(schema_text(name), whole=True)
    else:
        raise WrongUse(f"There is no schema {name!r}. There are: {', '.join(schema_names())}.")
