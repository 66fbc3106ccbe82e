"""`export`: what a query finds, into a folder or a zip file: as it is, converted or smaller, with a manifest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from artfactoryd.cli.context import as_json, count_of, made_home, say, settings_to_go_by
from artfactoryd.cli.pictures.handing_out import METADATA, OWN_FIELDS, HandingOut, Wish
from artfactoryd.cli.program import DID_NOT_SUCCEED
from artfactoryd.cli.progress import Count
from artfactoryd.core import file_names
from artfactoryd.core.names import counted, numbered
from artfactoryd.core.searching.fields import nearest
from artfactoryd.core.slug import slug
from artfactoryd.errors import WrongUse
from artfactoryd.home import Home
from artfactoryd.printable import one_line
from artfactoryd.reporting.json_object import JsonObject
from artfactoryd.shelf.exporting import archive
from artfactoryd.storage.index import Index
from artfactoryd.storage.lists import search

EXPORTS = "Exports"
ZIP = ".zip"
LONGEST_NAME = 60
TOLD = 10  # of what did not go
FORMATS = ("png", "jpg", "webp")


@dataclass(frozen=True, slots=True)
class NotExported(JsonObject):
    id: str
    path: str
    text: str


@dataclass(frozen=True, slots=True)
class ExportDocument(JsonObject):
    """`there_already`: by an export into the same folder that was ended before. `unstripped`: words are left in;
    `unmarked`: rating and tags could not be put in. `alone`: without a sidecar, though they were to have one."""

    target: str
    exported: int
    there_already: int
    failed: Sequence[NotExported]
    unstripped: int
    unmarked: int
    alone: int


@click.command()
@click.argument("query", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All products, without a query.")
@click.option("--to", "target", type=click.Path(path_type=Path), help="The folder, or a file that ends with .zip.")
@click.option("--as", "extension", type=click.Choice(FORMATS), help="Convert pictures to this format.")
@click.option("--max-side", type=click.IntRange(1, 16384), help="Make larger pictures as small as this.")
@click.option("--quality", type=click.IntRange(1, 100), default=92, help="Of what is encoded anew (default 92).")
@click.option("--name", "pattern", metavar="PATTERN", help="Names, as in an order's `file`; also {name}, {number}.")
@click.option(
    "--metadata", type=click.Choice(METADATA), default="minimal",
    help="none: no words inside; minimal: as they are, with rating and tags of now; full: sidecars too.",
)  # fmt: skip
@click.option("--most", default="all", metavar="N|all", help="How many, the newest (default all).")
@as_json
@click.pass_context
def export(
    ctx: click.Context, query: tuple[str, ...], everything: bool, target: Path | None, extension: str | None,
    max_side: int | None, quality: int, pattern: str | None, metadata: str, most: str, as_json: bool,
) -> None:  # fmt: skip
    """Copies of what a query finds, in a folder or a zip file, with a manifest.csv that says what each is.

    Nothing that is there is overwritten. The same again goes on where it ended. Without --to it is a folder in Exports.
    """
    home, words = made_home(ctx), " ".join(query)
    if not words.strip() and not everything:
        raise WrongUse("Say which products: a query, or --all.")
    wish = Wish(extension, max_side, quality, pattern, metadata)
    document = export_products(home, words, target, wish, count_of(most, "--most"), quiet=as_json)
    say(document, _text(document), as_json)
    ctx.exit(DID_NOT_SUCCEED if document.failed else 0)


def _check(index: Index, pattern: str) -> None:
    """Raises WrongUse."""
    for problem in file_names.problems(pattern):
        where = f", character {problem.column_in_value}" if problem.column_in_value else ""
        raise WrongUse(f"In --name{where}: {problem.message} {problem.fix}")
    known = [*sorted(file_names.FIELDS), *OWN_FIELDS, *search.parameters(index)]
    for name in sorted(file_names.fields_in(pattern) - {*known}):
        near = nearest(name, known)
        fix = f"Did you mean {{{near}}}?" if near else f"There are: {', '.join(known)}."
        raise WrongUse(f"In --name: there is no field {{{name}}}. {fix}")


def export_products(
    home: Home, query: str, target: Path | None, wish: Wish, most: int | None, *, quiet: bool
) -> ExportDocument:
    """Raises QueryWrong, and WrongUse for what cannot be made."""
    with Index.looking(home.index_file) as index:
        if index is None:
            raise WrongUse("Nothing was made yet.")
        if wish.pattern:
            _check(index, wish.pattern)
        ids = [row.product.id for row in search.find(index, query, most) if row.product.replaced_by is None]
        if not ids:
            raise WrongUse("Nothing fits.")
        path = _target(home, target, query)
        is_zip = path.suffix.lower() == ZIP
        folder = archive.staging_of(path) if is_zip else path
        megapixels = settings_to_go_by(home).limits.megapixels
        work = HandingOut(home, index, folder, wish, megapixels)
        with Count("Exporting", len(ids), quiet) as count:
            work.run(ids[::-1], count.tell)
        if is_zip:
            with Count("Packing", work.files, quiet) as count:
                archive.write(folder, path, lambda done, of: count.tell(done))
    failed = [NotExported(*one) for one in work.failed]
    return ExportDocument(
        str(path), work.exported, work.there_already, failed, work.unstripped, work.unmarked, work.alone
    )


def _target(home: Home, target: Path | None, query: str) -> Path:
    if target is None:
        exports, stem = home.root / EXPORTS, slug(query, LONGEST_NAME, "all")
        return next(path for name in numbered(stem, "") if not (path := exports / name).is_file())
    path = target.absolute()
    if path.suffix.lower() == ZIP and path.exists():
        raise WrongUse(f"{target} is there already. Name another file.")
    if path.exists() and not (path.is_dir() or path.suffix.lower() == ZIP):
        raise WrongUse(f"{target} is no folder.")
    resolved = path.resolve()
    if resolved.is_relative_to(home.root) and not resolved.is_relative_to(home.root / EXPORTS):
        raise WrongUse(f"{target} is inside the factory folder; there only {EXPORTS} is for this.")
    if not any(above.is_dir() for above in (path.parent, path.parent.parent)):
        raise WrongUse(f"{path.parent} is no folder.")
    return path


def _text(document: ExportDocument) -> str:
    lines = [f"{counted(document.exported, 'product')} exported to {document.target}"]
    if document.there_already:
        lines.append(f"{document.there_already} were there already.")
    if document.unstripped:
        lines.append(f"{document.unstripped} are of kinds whose words cannot be taken out; they are as they were.")
    if document.unmarked:
        which = counted(document.unmarked, "product")
        lines.append(f"Rating and tags stand in manifest.csv alone, as nothing can be written into the file: {which}.")
    if document.alone:
        which = counted(document.alone, "product")
        lines.append(
            f"Exported without a sidecar, as the shelf has none: {which}. `artfactoryd reindex` writes it anew."
        )
    lines += [f"not exported: {one_line(one.path)}: {one.text}" for one in document.failed[:TOLD]]
    if len(document.failed) > TOLD:
        lines.append(f"… and {len(document.failed) - TOLD} more (--json)")
    return "\n".join(lines)
