"""`lookups` and `templates`: what an order can borrow from the Library: listed, shown, checked. Only reads."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

import click

from artfactoryd.cli.context import as_json, home_of, say
from artfactoryd.cli.program import DID_NOT_SUCCEED
from artfactoryd.errors import Problem, Refusal, WrongUse
from artfactoryd.home import Home
from artfactoryd.planning.lookups import LookupFiles
from artfactoryd.planning.template_resolution import resolve
from artfactoryd.planning.templates import TemplateFiles

Document = dict[str, Any]
SOME = 5  # values shown of each lookup in the list


@click.group(invoke_without_command=True)
@as_json
@click.pass_context
def lookups(ctx: click.Context, as_json: bool) -> None:
    """Your named lists of values, with how many each has."""
    if ctx.invoked_subcommand:
        return
    found = list_lookups(home_of(ctx))
    say(found, lookups_text(found), as_json)


@lookups.command("show")
@click.argument("name")
@as_json
@click.pass_context
def show_lookup(ctx: click.Context, name: str, as_json: bool) -> None:
    """The values of a lookup, one a line."""
    found = read_lookup(home_of(ctx), name)
    say(found, "\n".join(found["values"]), as_json)


@lookups.command("check")
@as_json
@click.pass_context
def check_lookups(ctx: click.Context, as_json: bool) -> None:
    """Everything that is wrong with your lookups, with file and line."""
    found = lookup_problems(home_of(ctx))
    say(found, checked_text(found), as_json)
    ctx.exit(DID_NOT_SUCCEED if found["problems"] else 0)


@click.group(invoke_without_command=True)
@as_json
@click.pass_context
def templates(ctx: click.Context, as_json: bool) -> None:
    """Your templates, with the keys each gives."""
    if ctx.invoked_subcommand:
        return
    found = list_templates(home_of(ctx))
    say(found, templates_text(found), as_json)


@templates.command("show")
@click.argument("name")
@as_json
@click.pass_context
def show_template(ctx: click.Context, name: str, as_json: bool) -> None:
    """A template as it is written."""
    found = read_template(home_of(ctx), name)
    say(found, found["text"].rstrip(), as_json)


@templates.command("check")
@as_json
@click.pass_context
def check_templates(ctx: click.Context, as_json: bool) -> None:
    """Everything that is wrong with your templates, with file and line."""
    found = template_problems(home_of(ctx))
    say(found, checked_text(found), as_json)
    ctx.exit(DID_NOT_SUCCEED if found["problems"] else 0)


def list_lookups(home: Home) -> Document:
    """`count` is None for one that cannot be read; `check` says why."""
    files = LookupFiles(home.library / "lookups")
    return {"lookups": [_lookup(files, name) for name in sorted(files)]}


def _lookup(files: LookupFiles, name: str) -> Document:
    before = len(files.problems)
    values = files[name]
    count = len(values) if len(files.problems) == before else None
    return {"name": name, "count": count, "first": list(values[:SOME]), "file": str(files.file(name))}


def read_lookup(home: Home, name: str) -> Document:
    files = LookupFiles(home.library / "lookups")
    if name not in files:
        raise _none("lookup", name, files)
    values = files[name]
    if files.problems:
        raise WrongUse("\n".join(map(str, files.problems)))
    return {"name": name, "count": len(values), "values": list(values), "file": str(files.file(name))}


def lookup_problems(home: Home) -> Document:
    files = LookupFiles(home.library / "lookups")
    return _checked(len(files), files.check())


def list_templates(home: Home) -> Document:
    files = TemplateFiles(home.library / "templates")
    return {"templates": [_template(files, name) for name in files.names()]}


def _template(files: TemplateFiles, name: str) -> Document:
    """`keys` is None for one that cannot be used; `check` says why."""
    found: Document = {"name": name, "file": str(files.file(name)), "keys": None}
    try:
        return {**found, "keys": list(files.read(name).value)}
    except Refusal:
        return found


def read_template(home: Home, name: str) -> Document:
    files = TemplateFiles(home.library / "templates")
    if name not in files.names():
        raise _none("template", name, files.names())
    try:
        read = files.read(name)
    except Refusal as refusal:
        raise WrongUse(str(refusal)) from refusal
    return {"name": name, "file": str(files.file(name)), "document": read.value, "text": read.text.decode()}


def template_problems(home: Home) -> Document:
    """Each by itself, and whether what it extends is there."""
    files = TemplateFiles(home.library / "templates")
    found: list[Problem] = []
    for name in files.names():
        try:
            resolve(files.read(name), files, found)
        except Refusal as refusal:
            found += refusal.problems
    return _checked(len(files.names()), dict.fromkeys(found))


def _checked(count: int, problems: Iterable[Problem]) -> Document:
    return {"checked": count, "problems": [{**each.as_json(), "text": str(each)} for each in problems]}


def _none(what: str, name: str, known: Iterable[str]) -> WrongUse:
    near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.5)
    fix = f"Did you mean {near[0]}?" if near else f"`artfactoryd {what}s` lists them."
    return WrongUse(f"There is no {what} {name!r} in the Library. {fix}")


# --- in words ---


def lookups_text(found: Mapping[str, Any]) -> str:
    lines = [_lookup_line(each) for each in found["lookups"]]
    return "\n".join(lines) or "There are no lookups yet. Put NAME.txt, a value a line, into Library/lookups."


def _lookup_line(each: Mapping[str, Any]) -> str:
    if each["count"] is None:
        return f"{each['name']}: cannot be used (`artfactoryd lookups check` says why)"
    more = ", …" if each["count"] > SOME else ""
    return f"{each['name']}: {each['count']} ({', '.join(each['first'])}{more})"


def templates_text(found: Mapping[str, Any]) -> str:
    lines = [_template_line(each) for each in found["templates"]]
    return "\n".join(lines) or "There are no templates yet. Put NAME.yaml, a part of an order, into Library/templates."


def _template_line(each: Mapping[str, Any]) -> str:
    if each["keys"] is None:
        return f"{each['name']}: cannot be used (`artfactoryd templates check` says why)"
    return f"{each['name']}: {', '.join(each['keys'])}"


def checked_text(found: Mapping[str, Any]) -> str:
    words = [each["text"] for each in found["problems"]]
    return "\n".join(words) or f"{found['checked']} looked at, nothing is wrong."
