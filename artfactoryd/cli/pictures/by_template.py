"""`submit --template NAME`: pictures that are given, made by a template of the Library."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from artfactoryd import documents
from artfactoryd.cli.library import read_template
from artfactoryd.core.slug import slug
from artfactoryd.durable import make_folders, write_file
from artfactoryd.entries import new_mark, remove
from artfactoryd.home import Home


@contextmanager
def asked_by(home: Home, template: str) -> Iterator[Path]:
    """An order of that template and nothing else; whatever is given with it is what its pattern fits. Raises WrongUse
    where there is no such template."""
    read_template(home, template)
    folder = home.temp / f"by-template-{new_mark()}"
    make_folders(folder)
    try:
        order = folder / f"{slug(template, 60)}.yaml"
        write_file(order, documents.dump_yaml({"template": template}).encode())
        yield order
    finally:
        remove(folder)
