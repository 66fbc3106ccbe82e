"""`init`: folders, settings, examples, and the schemas where an editor finds them."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import click

from artfactoryd import schema
from artfactoryd.cli.agents import skill
from artfactoryd.cli.context import home_of
from artfactoryd.cli.terminal import echo
from artfactoryd.durable import make_folders, write_file, write_note
from artfactoryd.home import Home
from artfactoryd.settings import DEFAULT_TEXT, checked_mark
from artfactoryd.shelf.arranging.clones import FOLDER as COLLECTIONS
from artfactoryd.shelf.arranging.clones import LIKED

LIBRARY = "Library"  # below the examples: what they borrow from the home's own
PLUGINS = "plugins"  # below the examples: programs, which are installed and not copied


@click.command()
@click.option("--adopt", is_flag=True, help="This is a copy of a home that is not used any more: let it send.")
@click.pass_context
def init(ctx: click.Context, adopt: bool) -> None:
    """Make the factory folder: settings, examples and the schemas for editors."""
    for line in list(make_home(home_of(ctx), adopt=adopt)):  # done, then told: whoever reads may have left
        echo(line)


def examples() -> Path:
    """The example orders: packaged in the wheel, beside the package in a checkout."""
    packaged = Path(str(resources.files("artfactoryd"))) / "examples"
    return packaged if packaged.is_dir() else packaged.parents[1] / "examples"


def make_home(home: Home, *, adopt: bool = False) -> Iterator[str]:
    """Make what is missing and leave what is there; says what it did. Settings of no byte are missing too."""
    home.check_place()
    if not adopt:
        home.check_original()
    home.make()
    home.settle(adopt=adopt)
    yield f"Factory folder: {home.root}"
    if not home.settings_file.exists() or not home.settings_file.stat().st_size:
        write_file(home.settings_file, DEFAULT_TEXT.encode(), 0o600)
        write_note(home.checked_settings, checked_mark(DEFAULT_TEXT.encode()))
        yield f"Settings:       {home.settings_file}"
    if not (collections := home.root / COLLECTIONS).exists():
        make_folders(collections / LIKED)
        yield f"Collections:    {collections}"
    _copy_examples(home.library)
    yield f"Examples:       {home.library / 'examples'}"
    _write_schemas(home.library / "schemas")
    yield f"Schemas:        {home.library / 'schemas'}"
    yield f"For agents:     {home.root / skill.NAME}{'' if skill.install(home.root) else ' (yours, left as it is)'}"
    yield f"Drop orders into {home.inbox}, with `artfactoryd run` running."


def _copy_examples(library: Path) -> None:
    """Orders, bundles with their pictures, and what they borrow; what is there stays as it is."""
    source = examples()
    for path in sorted(entry for entry in source.rglob("*") if entry.is_file()):
        inside = path.relative_to(source)
        if inside.parts[0] == PLUGINS:
            continue
        borrowed = inside.parts[0] == LIBRARY
        copied = library.joinpath(*inside.parts[1:]) if borrowed else library / "examples" / inside
        make_folders(copied.parent)
        if not copied.exists():
            write_file(copied, path.read_bytes())


def _write_schemas(folder: Path) -> None:
    """Always those of this program: an editor that follows them completes only what works."""
    make_folders(folder)
    for name in schema.schema_names():
        write_file(folder / f"{name}.schema.json", schema.schema_text(name).encode())
