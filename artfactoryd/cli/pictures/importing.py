"""`import`: pictures of other tools, or of another home, become products; wildcards and styles go to the Library."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from artfactoryd.cli.context import as_json, own_home, say, settings_of
from artfactoryd.cli.control import steer
from artfactoryd.cli.pictures import library_of_others
from artfactoryd.cli.program import DID_NOT_SUCCEED
from artfactoryd.cli.progress import Count
from artfactoryd.core.foreign.reading import AUTO, TOOLS
from artfactoryd.core.foreign.told import PLAIN
from artfactoryd.core.names import counted
from artfactoryd.core.order import project_problems
from artfactoryd.errors import WrongUse
from artfactoryd.home import Home
from artfactoryd.intake.importing.looking import OURS, candidates, is_in_place
from artfactoryd.intake.importing.taking_in import TakingIn
from artfactoryd.live_settings import LiveSettings
from artfactoryd.printable import one_line
from artfactoryd.reporting.json_object import JsonObject
from artfactoryd.shelf.scanning.scanner import Scanner
from artfactoryd.storage.database import is_there
from artfactoryd.storage.index import Index

SOURCES = (AUTO, *TOOLS, PLAIN, OURS)
TOLD = 10  # of what did not go


@dataclass(frozen=True, slots=True)
class NotImported(JsonObject):
    path: str
    text: str


@dataclass(frozen=True, slots=True)
class ImportDocument(JsonObject):
    """`twice`: files with the same bytes as another one; `passed_over`: no pictures, films or sounds.
    `library`: what went there."""

    project: str
    imported: int
    bytes: int
    there_already: int
    twice: int
    passed_over: int
    tools: Mapping[str, int]
    failed: Sequence[NotImported]
    library: Sequence[str]
    first: str
    dry_run: bool
    unscanned: str = ""  # why what was imported was not scanned, where it was to be


@click.command(name="import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--from", "source", type=click.Choice(SOURCES), default=AUTO, help="Whose words are believed (auto).")
@click.option("--project", help="The project they go to (default: the name of the first folder).")
@click.option("--tag", "tags", multiple=True, help="A tag that all of them get.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@as_json
@click.pass_context
def import_(
    ctx: click.Context, paths: tuple[Path, ...], source: str, project: str | None, tags: tuple[str, ...],
    dry_run: bool, as_json: bool,
) -> None:  # fmt: skip
    """Pictures of A1111, ComfyUI, InvokeAI and others become products, with what they say of themselves.

    They are cloned into Projects/NAME/DATE/imported and found by their prompts; nothing of yours is changed or moved.
    What lies in a project already stays where it is. A styles.csv becomes templates, a folder of wildcards lookups.
    The same again takes in what is new.
    """
    home = own_home(ctx)
    document = take_in(home, paths, source, project, tags, dry_run=dry_run, quiet=as_json)
    say(document, _text(document), as_json)
    ctx.exit(DID_NOT_SUCCEED if document.failed else 0)


def take_in(
    home: Home, paths: Sequence[Path], source: str, project: str | None, tags: Sequence[str], *, dry_run: bool,
    quiet: bool,
) -> ImportDocument:  # fmt: skip
    """Raises WrongUse."""
    name = _project(home, paths, project)
    books, pictures = library_of_others.parted(paths)
    library = [str(path) for path in library_of_others.take_in(home.library, books, dry_run=dry_run)]
    there = list(candidates(pictures, home))
    settings = settings_of(home)

    def tell(cards: Sequence[str]) -> None:
        answer = steer(home, lambda: settings, dict(os.environ), "import", {"cards": list(cards)})
        if not answer["done"]:
            raise WrongUse(answer["text"])

    if not dry_run and not is_there(home.index_file):
        tell(())  # else what is placed first would be taken for a shelf whose index was lost
    with Index.reading(home.index_file) as index, Count("Importing", len(there), quiet) as count:
        scanner = Scanner(home, LiveSettings(home, settings, dict(os.environ)))
        work = TakingIn(home, index, source, name, settings.products.sidecars, tags, scanner)
        work.run(there, None if dry_run else tell, count.tell)
    done = work.outcome
    return ImportDocument(
        name, done.imported, done.bytes, done.there_already, done.twice, done.passed_over, dict(done.tools),
        [NotImported(*one) for one in done.failed], library, done.first, dry_run, done.unscanned,
    )  # fmt: skip


def _project(home: Home, paths: Sequence[Path], given: str | None) -> str:
    first = Path(os.path.abspath(paths[0]))
    if is_in_place(first.resolve(), home):
        return first.resolve().relative_to(home.projects).parts[0]
    name = given or (first if first.is_dir() else first.parent).name.strip(" .") or "imported"
    for problem in project_problems(name, None):
        raise WrongUse(f"{problem.message} {problem.fix} (--project)")
    return name


def _text(document: ImportDocument) -> str:
    would = "would be " if document.dry_run else ""
    tools = ", ".join(f"{count} {tool}" for tool, count in sorted(document.tools.items()))
    head = f"{counted(document.imported, 'product')} {would}imported into {document.project}"
    lines = [f"{head}{f' ({tools})' if tools else ''}, {document.bytes / 1e6:.1f} MB"]
    if document.first:
        lines.append(f"The first: {document.first}")
    for count, words in (
        (document.there_already, "are on the shelf already"), (document.twice, "have the bytes of another one"),
        (document.passed_over, "other files were passed over"),
    ):  # fmt: skip
        lines += [f"{count} {words}."] if count else []
    lines += [f"{'would be made' if document.dry_run else 'made'}: {one_line(path)}" for path in document.library]
    lines += [f"Not scanned: {one_line(document.unscanned)}"] if document.unscanned else []
    lines += [f"not imported: {one_line(one.path)}: {one.text}" for one in document.failed[:TOLD]]
    if len(document.failed) > TOLD:
        lines.append(f"… and {len(document.failed) - TOLD} more (--json)")
    return "\n".join(lines)
