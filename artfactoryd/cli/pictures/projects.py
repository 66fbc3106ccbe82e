"""`projects`: where products lie, with what project.yaml says of each; and what is said there of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import click

from artfactoryd import clock
from artfactoryd.cli.context import as_json, made_home, own_home, say
from artfactoryd.cli.pictures.marks import product_of
from artfactoryd.core.names import counted
from artfactoryd.errors import WrongUse
from artfactoryd.home import Home
from artfactoryd.printable import one_line
from artfactoryd.reporting.caps import in_dollars
from artfactoryd.reporting.json_object import JsonObject
from artfactoryd.shelf import projects as papers
from artfactoryd.shelf.order_folders import existing_project
from artfactoryd.storage import naming, spend
from artfactoryd.storage.index import Index
from artfactoryd.storage.lists import project_lists
from artfactoryd.storage.lists.project_lists import MadeProject

NONE = "none"  # in the place of a product


@dataclass(frozen=True, slots=True)
class ProjectDocument(JsonObject):
    """`newest`: when its newest product was made. `featured`: id of the product that stands for it."""

    name: str
    products: int
    liked: int
    newest: str | None
    spent_usd: float
    status: str
    description: str
    tags: Sequence[str]
    featured: str | None


@dataclass(frozen=True, slots=True)
class ProjectsDocument(JsonObject):
    projects: Sequence[ProjectDocument]


@click.command()
@click.argument("name", required=False)
@click.option("--status", type=click.Choice(papers.STATUSES), help="Say in its project.yaml how it stands.")
@click.option("--featured", metavar="FILE|ID|none", help="The product that stands for it.")
@as_json
@click.pass_context
def projects(ctx: click.Context, name: str | None, status: str | None, featured: str | None, as_json: bool) -> None:
    """Your projects, those worked on last first; or one, and what its project.yaml is to say."""
    changes = {key: value for key, value in (("status", status), ("featured", featured)) if value is not None}
    if changes:
        _change(ctx, name, changes)
    home = made_home(ctx)
    listed = [one for one in listing(home) if name is None or one.name == existing_project(home.projects, name)]
    if name is not None and not listed:
        raise WrongUse(f"There is no project {name!r}. `artfactoryd projects` lists them.")
    say(ProjectsDocument(listed), "\n".join(map(_line, listed)) or "Nothing was made yet.", as_json)


def _change(ctx: click.Context, name: str | None, changes: dict[str, str]) -> None:
    home = own_home(ctx)
    if name is None:
        raise WrongUse("Name the project: `projects NAME --status archived`.")
    folder = home.projects / existing_project(home.projects, name)
    if not (folder / papers.PAPER).is_file():
        raise WrongUse(f"There is no project {name!r} with a {papers.PAPER}. `artfactoryd projects` lists them.")
    if given := changes.get("featured"):
        papers.set_key(folder, "featured", None if given == NONE else _product_id(ctx, home, given))
    if status := changes.get("status"):
        papers.set_key(folder, "status", status)


def _product_id(ctx: click.Context, home: Home, given: str) -> str:
    name = product_of(ctx, given)
    with Index.looking(home.index_file) as index:
        return naming.product_named(index, name).id


def listing(home: Home) -> list[ProjectDocument]:
    """Those in which nothing was made stand last."""
    with Index.looking(home.index_file) as index:
        made = project_lists.projects(index) if index else []
        spent = {group.name: group.money.spent for group in spend.by_group(index, "project")} if index else {}
    known = {one.name for one in made}
    folders = sorted(home.projects.iterdir()) if home.projects.is_dir() else []
    bare = [
        MadeProject(folder.name, 0, 0, "") for folder in folders
        if folder.name not in known and (folder / papers.PAPER).is_file()
    ]  # fmt: skip
    return [_document(home, one, spent.get(one.name, 0)) for one in (*made, *bare)]


def _document(home: Home, made: MadeProject, spent: int) -> ProjectDocument:
    told = papers.read(home.projects / made.name)
    tags, featured = told.get("tags"), told.get("featured")
    status = str(told.get("status") or papers.STATUSES[0])
    return ProjectDocument(
        made.name, made.products, made.liked, made.newest or None, spent / 1_000_000, status,
        str(told.get("description") or ""), [str(tag) for tag in tags] if isinstance(tags, list) else [],
        str(featured) if featured else None,
    )  # fmt: skip


def _line(project: ProjectDocument) -> str:
    newest = clock.shown(project.newest)[:10] if project.newest else " " * 10
    status = "" if project.status == "active" else f"  {project.status}"
    liked = f", {project.liked} liked" if project.liked else ""
    words = f"  {project.description}" if project.description else ""
    made = f"{counted(project.products, 'product')}{liked}, {in_dollars(project.spent_usd)}"
    return one_line(f"{newest}  {project.name}  {made}{status}{words}")
