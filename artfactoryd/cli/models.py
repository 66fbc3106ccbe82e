"""`models`: what can be ordered, with which parameters, at what price; and asking the providers again."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import click

from artfactoryd.cli.context import as_json, own_home, say, settings_of, shown_home
from artfactoryd.cli.program import DID_NOT_SUCCEED
from artfactoryd.cli.terminal import Menu
from artfactoryd.core.catalog import Catalog
from artfactoryd.core.model import Model
from artfactoryd.core.names import counted
from artfactoryd.core.parameters.model_update import differences
from artfactoryd.core.pricing.age import STALE
from artfactoryd.errors import CallRefused, ProviderError
from artfactoryd.factories.registry import asking
from artfactoryd.home import Home
from artfactoryd.planning.model_discovery import Descriptions
from artfactoryd.reporting.json_object import JsonObject
from artfactoryd.reporting.models import (
    ModelsDocument,
    ParameterDocument,
    PriceDocument,
    WholeModel,
    WholeModelsDocument,
    catalog,
    listed,
    named,
    shown,
)
from artfactoryd.schema import allowed_by
from artfactoryd.settings import Settings

ORDER = (
    "text-to-image", "edit", "image-to-image", "upscale", "remove-background", "text-to-video", "image-to-video",
    "speech", "music", "sound-effects",
)  # fmt: skip
LOOK_UP = (
    "`artfactoryd models refresh NAME` asks fal what one costs now. Replicate tells no program: look at the model's "
    "page, and write the price you find there, with its day, into a file of your own in Library/models/."
)


@click.group(cls=Menu, invoke_without_command=True)
@click.option("--family", help="Only models of this family.")
@click.option("--modality", help="Only models that do this, for example edit.")
@click.option("--provider", help="Only this provider's.")
@click.option("--stale", is_flag=True, help=f"Only those whose price was looked up more than {STALE} days ago.")
@as_json
@click.pass_context
def models(
    ctx: click.Context, family: str | None, modality: str | None, provider: str | None, stale: bool, as_json: bool
) -> None:
    """What can be ordered, and what it costs."""
    if ctx.invoked_subcommand:
        return
    document = listed(shown_home(ctx), family, modality, provider, stale=stale)
    say(document, listed_text(document, stale=stale), as_json)


@models.command("show", short_help="A model's parameters with what each may be, and its price")
@click.argument("name")
@as_json
@click.pass_context
def show_model(ctx: click.Context, name: str, as_json: bool) -> None:
    """A model's parameters with what each may be, its price, and the file that says so."""
    document = shown(shown_home(ctx), name)
    say(document, shown_text(document), as_json)


@models.command("refresh", short_help="Ask the providers what their models take and cost now")
@click.argument("names", nargs=-1)
@as_json
@click.pass_context
def refresh_models(ctx: click.Context, names: tuple[str, ...], as_json: bool) -> None:
    """Ask the providers what their models take and cost now; all, or those named (full ids too)."""
    home = own_home(ctx)
    document = refresh(home, settings_of(home), os.environ, names)
    say(document, refreshed_text(document), as_json)
    ctx.exit(DID_NOT_SUCCEED if any(model.error for model in document.models) else 0)


# --- asking again ---


@dataclass(frozen=True, slots=True)
class RefreshedModel(JsonObject):
    """`none`: its provider knows no such model. `stands_over`: a model file of yours; told after an answer."""

    provider: str
    model: str
    new: bool = False
    changes: Sequence[str] = ()
    error: str | None = None
    none: bool = False
    stands_over: str | None = None

    def to_json(self) -> dict[str, object]:
        values = JsonObject.to_json(self)
        if self.error is not None:
            del values["stands_over"]
        return values


@dataclass(frozen=True, slots=True)
class RefreshedDocument(JsonObject):
    models: Sequence[RefreshedModel]


def refresh(home: Home, settings: Settings, environ: Mapping[str, str], names: Sequence[str]) -> RefreshedDocument:
    """Every model (or those named) as its provider describes it today, and what is different. Needs no daemon."""
    return RefreshedDocument(asyncio.run(_refresh(home, settings, environ, names)))


async def _refresh(
    home: Home, settings: Settings, environ: Mapping[str, str], names: Sequence[str]
) -> list[RefreshedModel]:
    known, answers = catalog(home), []
    given_up: dict[str, str] = {}
    async with asking(home, settings, environ) as factories:
        descriptions = Descriptions(home.told, factories, files=home.models)
        askable = [provider for provider in factories if descriptions.can_ask(provider)]
        for provider, name in _wanted(known, names, askable):
            answers.append(await _describe_again(home, descriptions, known, (provider, name), given_up))
    return _without_guesses(answers)


def _wanted(known: Catalog, names: Sequence[str], askable: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(provider, full id or owner/name:version). A full id that nobody here knows is asked of every provider."""
    if not names:
        yield from ((model.provider, model.id) for model in known if model.provider in askable)
    for name in names:
        if "/" in name and not any(known.find(provider, name) for provider in known.providers()):
            yield from ((provider, name) for provider in askable)
        else:
            yield from ((model.provider, model.id) for model in named(known, name) if model.provider in askable)


async def _describe_again(
    home: Home, descriptions: Descriptions, known: Catalog, which: tuple[str, str], given_up: dict[str, str]
) -> RefreshedModel:
    """`given_up`: providers that answer nobody just now, and why; the others go on."""
    provider, name = which
    if provider in given_up:
        return RefreshedModel(provider, name, error=given_up[provider])
    try:
        described = await descriptions.ask(provider, name)
    except ProviderError as error:
        if error.stops == "provider":
            given_up[provider] = str(error)
        return RefreshedModel(provider, name, error=str(error), none=isinstance(error, CallRefused))
    before, now = known.find(provider, name), catalog(home).find(provider, name) or described
    changes = [*_changes(before, now), *_no_part(now, described)] if before else []
    own = now.source if now.source.startswith(str(home.models)) and not now.is_open else None
    return RefreshedModel(provider, described.full, new=before is None, changes=changes, stands_over=own)


def _without_guesses(answers: Sequence[RefreshedModel]) -> list[RefreshedModel]:
    """A full id that one provider knows is no mistake because the others do not."""
    known = {answer.model.partition(":")[0] for answer in answers if not answer.error}
    return [answer for answer in answers if not (answer.none and answer.model.partition(":")[0] in known)]


def _changes(before: Model, now: Model) -> Iterator[str]:
    difference = differences(before, now)
    yield from (f"new parameter {name}: {allowed_by(now.properties[name])}" for name in difference.added)
    yield from (f"no parameter {name} any more" for name in difference.removed)
    for name, (old, new) in difference.changed.items():
        was, is_now = allowed_by(old), allowed_by(new)
        if was != is_now:
            yield f"{name}: {was} -> {is_now}"
        if old.get("default") != new.get("default"):
            yield f"{name}: default {old.get('default')} -> {new.get('default')}"
    if difference.price:
        was, is_now = (price_text(PriceDocument.of(price)) for price in difference.price)
        yield f"price: {was} -> {is_now}"
    if difference.version:
        yield f"version: {difference.version[0]} -> {difference.version[1]}"
    if before.status != now.status:
        yield f"status: {before.status} -> {now.status}"


def _no_part(now: Model, described: Model) -> Iterator[str]:
    """A number that the provider tells, where a price of several was known and it is none of them."""
    if now.price is None and described.price is not None:
        told = price_text(PriceDocument.of(described.price))
        yield f"{now.provider} tells {told}, which the price by parts has not. Write it into a model file of yours."


# --- in words ---


def price_text(price: PriceDocument | None) -> str:
    if price is None:
        return "no known price"
    return price.text


def listed_text(document: ModelsDocument, *, stale: bool = False) -> str:
    """Grouped by what they make of what."""
    if not document.models:
        none = f"No price is older than {STALE} days." if stale else "There is no such model."
        return f"{none} `artfactoryd models` lists all."
    rows = [(model.modality, (model.provider, model.name, price_text(model.price))) for model in document.models]
    widths = [max(map(len, column)) for column in zip(*(row for _, row in rows), strict=True)]
    lines = list[str]()
    for modality in sorted({modality for modality, _ in rows}, key=lambda name: (_place(name), name)):
        lines += ["", modality]
        lines += [f"  {_cells(row, widths)}" for own, row in rows if own == modality]
    return "\n".join([*lines[1:], *(["", LOOK_UP] if stale else [])])


def _cells(row: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _place(modality: str) -> int:
    return ORDER.index(modality) if modality in ORDER else len(ORDER)


def shown_text(document: WholeModelsDocument) -> str:
    return "\n\n".join("\n".join(_whole_lines(model)) for model in document.models)


def _whole_lines(model: WholeModel) -> Iterator[str]:
    summary = model.summary
    yield f"{summary.provider} {summary.model}"
    rows = {
        "names": ", ".join(summary.aliases), "family": summary.family, "modality": summary.modality,
        "price": price_text(summary.price), "found at": summary.told_by, "as of": summary.schema_as_of,
        "syntax": ", ".join(model.syntax),
        "file": summary.source,
    }  # fmt: skip
    yield from (f"  {key:<9} {value}" for key, value in rows.items() if value)
    yield ""
    for parameter in model.parameters:
        yield from _parameter_lines(parameter)


def _parameter_lines(parameter: ParameterDocument) -> Iterator[str]:
    default = "" if parameter.default is None else f", default {parameter.default}"
    needed = ", required" if parameter.required else ""
    roles = f" [{', '.join(parameter.roles)}]" if parameter.roles else ""
    yield f"  {parameter.name}: {parameter.allowed or 'anything'}{default}{needed}{roles}"
    if parameter.synonyms:
        yield f"      also {', '.join(parameter.synonyms)}"
    if parameter.description:
        yield f"      {parameter.description}"


def refreshed_text(document: RefreshedDocument) -> str:
    return "\n".join(line for model in document.models for line in _refreshed_lines(model)) or "Nobody can be asked."


def _refreshed_lines(model: RefreshedModel) -> Iterator[str]:
    name = f"{model.provider} {model.model}"
    if model.error:
        yield f"{name}: not brought up to date. {model.error}"
        return
    changed = counted(len(model.changes), "change") if model.changes else "as it was"
    yield f"{name}: {'new here' if model.new else changed}"
    yield from (f"  {change}" for change in model.changes)
    if model.stands_over:
        yield f"  your own file stands over it: {model.stands_over}"
