"""`lookups` and `templates`: what an order can borrow from the Library: listed, shown, checked. Only reads."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import click

from artfactoryd.cli.context import as_json, say, shown_home
from artfactoryd.cli.program import DID_NOT_SUCCEED
from artfactoryd.cli.terminal import Menu
from artfactoryd.core.grammar.wildcards import Wildcards
from artfactoryd.core.json_types import Document
from artfactoryd.core.names import counted
from artfactoryd.errors import Problem, Refusal, WrongUse
from artfactoryd.home import Home
from artfactoryd.planning.lookups import LookupFiles
from artfactoryd.planning.template_resolution import resolve
from artfactoryd.planning.templates import TemplateFiles
from artfactoryd.reporting.json_object import JsonObject

LONGEST_SHOWN = 60  # characters of a value in the list
SOME = 5  # values shown of each lookup in the list


@click.group(cls=Menu, invoke_without_command=True)
@as_json
@click.pass_context
def lookups(ctx: click.Context, as_json: bool) -> None:
    """Your named lists of values, with how many each has."""
    if ctx.invoked_subcommand:
        return
    document = list_lookups(shown_home(ctx))
    say(document, lookups_text(document), as_json)


@lookups.command("show")
@click.argument("name")
@as_json
@click.pass_context
def show_lookup(ctx: click.Context, name: str, as_json: bool) -> None:
    """The values of a lookup, one a line."""
    document = read_lookup(shown_home(ctx), name)
    say(document, "\n".join(map(_value_line, document.values, document.weights)), as_json)


@lookups.command("check")
@as_json
@click.pass_context
def check_lookups(ctx: click.Context, as_json: bool) -> None:
    """Everything that is wrong with your lookups, with file and line."""
    document = lookup_problems(shown_home(ctx))
    say(document, checked_text(document), as_json)
    ctx.exit(DID_NOT_SUCCEED if document.problems else 0)


@click.group(cls=Menu, invoke_without_command=True)
@click.option("--names", is_flag=True, help="Only their names, one a line: of those that can be used.")
@as_json
@click.pass_context
def templates(ctx: click.Context, names: bool, as_json: bool) -> None:
    """Your templates, with the keys each gives."""
    if ctx.invoked_subcommand:
        return
    document = list_templates(shown_home(ctx))
    usable = "\n".join(template.name for template in document.templates if template.keys is not None)
    if not names or as_json or usable:
        say(document, usable if names else templates_text(document), as_json)


@templates.command("show")
@click.argument("name")
@as_json
@click.pass_context
def show_template(ctx: click.Context, name: str, as_json: bool) -> None:
    """A template as it is written."""
    document = read_template(shown_home(ctx), name)
    say(document, document.text.rstrip(), as_json)


@templates.command("check")
@as_json
@click.pass_context
def check_templates(ctx: click.Context, as_json: bool) -> None:
    """Everything that is wrong with your templates, with file and line."""
    document = template_problems(shown_home(ctx))
    say(document, checked_text(document), as_json)
    ctx.exit(DID_NOT_SUCCEED if document.problems else 0)


@dataclass(frozen=True, slots=True)
class LookupDocument(JsonObject):
    """`count` is None for one that cannot be read; `check` says why."""

    name: str
    count: int | None
    first: Sequence[str]
    file: str


@dataclass(frozen=True, slots=True)
class LookupsDocument(JsonObject):
    lookups: Sequence[LookupDocument]


@dataclass(frozen=True, slots=True)
class ValuesDocument(JsonObject):
    """`values`: without weights and comments; `weights`: how much more likely than others each is where it is drawn."""

    name: str
    count: int
    values: Sequence[str]
    weights: Sequence[float]
    file: str


@dataclass(frozen=True, slots=True)
class TemplateDocument(JsonObject):
    """`keys` is None for one that cannot be used; `check` says why."""

    name: str
    file: str
    keys: Sequence[str] | None


@dataclass(frozen=True, slots=True)
class TemplatesDocument(JsonObject):
    templates: Sequence[TemplateDocument]


@dataclass(frozen=True, slots=True)
class WrittenDocument(JsonObject):
    """A template as it is read, and as it is written."""

    name: str
    file: str
    document: Document
    text: str


@dataclass(frozen=True, slots=True)
class CheckedDocument(JsonObject):
    """`checked`: how many."""

    checked: int
    problems: Sequence[Mapping[str, object]]


def list_lookups(home: Home) -> LookupsDocument:
    files = LookupFiles(home.library / "lookups")
    return LookupsDocument([_lookup(files, name) for name in sorted(files)])


def _lookup(files: LookupFiles, name: str) -> LookupDocument:
    before = len(files.problems)
    values, _ = _read_values(files[name])
    count = len(values) if len(files.problems) == before else None
    return LookupDocument(name, count, values[:SOME], str(files.file(name)))


def _read_values(values: Sequence[str]) -> tuple[list[str], list[float]]:
    """And their weights, where they are read as wildcards."""
    if isinstance(values, Wildcards):
        return [entry.text for entry in values.entries], [float(entry.weight) for entry in values.entries]
    return list(values), [1.0] * len(values)


def read_lookup(home: Home, name: str) -> ValuesDocument:
    files = LookupFiles(home.library / "lookups")
    if name not in files:
        raise _none("lookup", name, files)
    values, weights = _read_values(files[name])
    if files.problems:
        raise WrongUse("\n".join(map(str, files.problems)))
    return ValuesDocument(name, len(values), values, weights, str(files.file(name)))


def lookup_problems(home: Home) -> CheckedDocument:
    files = LookupFiles(home.library / "lookups")
    return _checked(len(files), files.check())


def list_templates(home: Home) -> TemplatesDocument:
    files = TemplateFiles(home.library / "templates")
    return TemplatesDocument([_template(files, name) for name in files.names()])


def _template(files: TemplateFiles, name: str) -> TemplateDocument:
    try:
        return TemplateDocument(name, str(files.file(name)), list(files.read(name).value))
    except Refusal:
        return TemplateDocument(name, str(files.file(name)), None)


def read_template(home: Home, name: str) -> WrittenDocument:
    files = TemplateFiles(home.library / "templates")
    if name not in files.names():
        raise _none("template", name, files.names())
    try:
        read = files.read(name)
    except Refusal as refusal:
        raise WrongUse(str(refusal)) from refusal
    return WrittenDocument(name, str(files.file(name)), read.value, read.text.decode())


def template_problems(home: Home) -> CheckedDocument:
    """Each by itself, and whether what it extends is there."""
    files = TemplateFiles(home.library / "templates")
    problems: list[Problem] = []
    for name in files.names():
        try:
            resolve(files.read(name), files, problems)
        except Refusal as refusal:
            problems += refusal.problems
    return _checked(len(files.names()), dict.fromkeys(problems))


def _checked(count: int, problems: Iterable[Problem]) -> CheckedDocument:
    return CheckedDocument(count, [{**problem.as_json(), "text": str(problem)} for problem in problems])


def _none(what: str, name: str, known: Iterable[str]) -> WrongUse:
    near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.5)
    fix = f"Did you mean {near[0]}?" if near else f"`artfactoryd {what}s` lists them."
    return WrongUse(f"There is no {what} {name!r} in the Library. {fix}")


# --- in words ---


def lookups_text(document: LookupsDocument) -> str:
    lines = [_lookup_line(lookup) for lookup in document.lookups]
    return "\n".join(lines) or "There are no lookups yet. Put NAME.txt, a value a line, into Library/lookups."


def _lookup_line(lookup: LookupDocument) -> str:
    if lookup.count is None:
        return f"{lookup.name}: cannot be used (`artfactoryd lookups check` says why)"
    more = ", …" if lookup.count > SOME else ""
    return f"{lookup.name}: {counted(lookup.count, 'value')} ({', '.join(map(_shown, lookup.first))}{more})"


def _value_line(value: str, weight: float) -> str:
    return value if weight == 1 else f"{value}  (weight {weight:g})"


def _shown(value: str) -> str:
    """So that a comma in it parts nothing."""
    short = value if len(value) <= LONGEST_SHOWN else f"{value[:LONGEST_SHOWN]}…"
    return f'"{short}"' if "," in short or not short.strip() else short


def templates_text(document: TemplatesDocument) -> str:
    lines = [_template_line(template) for template in document.templates]
    return "\n".join(lines) or "There are no templates yet. Put NAME.yaml, a part of an order, into Library/templates."


def _template_line(template: TemplateDocument) -> str:
    if template.keys is None:
        return f"{template.name}: cannot be used (`artfactoryd templates check` says why)"
    return f"{template.name}: {', '.join(template.keys)}"


def checked_text(document: CheckedDocument) -> str:
    words = [str(problem["text"]) for problem in document.problems]
    return "\n".join(words) or f"{document.checked} looked at, nothing is wrong."
