"""`models`: what can be ordered, with which parameters, at what price; and asking the providers again."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from artfactoryd.cli.context import as_json, home_of, made_home, say, settings_of
from artfactoryd.cli.program import DID_NOT_SUCCEED
from artfactoryd.core.catalog import Catalog
from artfactoryd.core.model import Model, Price
from artfactoryd.core.model_update import differences
from artfactoryd.errors import CallRefused, ProviderError, WrongUse
from artfactoryd.factories.registry import asking
from artfactoryd.home import Home
from artfactoryd.planning import models as library
from artfactoryd.planning.model_discovery import Descriptions
from artfactoryd.schema import allowed_by
from artfactoryd.settings import Settings

Document = dict[str, Any]


@click.group(invoke_without_command=True)
@click.option("--family", help="Only models of this family.")
@click.option("--modality", help="Only models that do this, for example image-to-image.")
@click.option("--provider", help="Only this provider's.")
@as_json
@click.pass_context
def models(ctx: click.Context, family: str | None, modality: str | None, provider: str | None, as_json: bool) -> None:
    """What can be ordered, and what it costs."""
    if ctx.invoked_subcommand:
        return
    found = listed(home_of(ctx), family, modality, provider)
    say(found, listed_text(found), as_json)


@models.command("show")
@click.argument("name")
@as_json
@click.pass_context
def show_model(ctx: click.Context, name: str, as_json: bool) -> None:
    """A model's parameters with what each may be, its price, and the file that says so."""
    found = shown(home_of(ctx), name)
    say(found, shown_text(found), as_json)


@models.command("refresh")
@click.argument("names", nargs=-1)
@as_json
@click.pass_context
def refresh_models(ctx: click.Context, names: tuple[str, ...], as_json: bool) -> None:
    """Ask the providers what their models take and cost now; all, or those named (full ids too)."""
    home = made_home(ctx)
    found = refresh(home, settings_of(home), os.environ, names)
    say(found, refreshed_text(found), as_json)
    ctx.exit(DID_NOT_SUCCEED if any(each["error"] for each in found["models"]) else 0)


def catalog(home: Home) -> Catalog:
    """Raises WrongUse with every mistake in a model file."""
    models, problems = library.load_catalog(home.models, home.told)
    if problems:
        raise WrongUse("Correct these model files first.\n" + "\n".join(map(str, problems)))
    return Catalog(models)


# --- list and show ---


def listed(home: Home, family: str | None, modality: str | None, provider: str | None) -> Document:
    wanted = {"family": family, "modality": modality, "provider": provider}
    found = [
        _summary(model) for model in catalog(home)
        if all(value is None or getattr(model, key) == value for key, value in wanted.items())
    ]  # fmt: skip
    return {"models": sorted(found, key=lambda each: (each["provider"], each["name"]))}


def _summary(model: Model) -> Document:
    return {
        "provider": model.provider, "name": model.names[-1], "model": model.full, "aliases": list(model.aliases),
        "family": model.family, "modality": model.modality, "price": _price(model.price), "source": model.source,
    }  # fmt: skip


def _price(price: Price | None) -> Document | None:
    if price is None:
        return None
    return {"usd": float(price.usd), "per": price.per, "seconds": price.seconds, "as_of": price.as_of}


def shown(home: Home, name: str) -> Document:
    """Every model of that name: two providers may have one. Raises WrongUse when there is none."""
    return {"models": [_whole(model) for model in _named(catalog(home), name)]}


def _named(known: Catalog, name: str) -> list[Model]:
    found = [model for provider in known.providers() if (model := known.find(provider, name))]
    if not found:
        near = [each for provider in known.providers() for each in known.near(provider, name)]
        fix = f"Did you mean {near[0]}?" if near else "`artfactoryd models` lists them."
        raise WrongUse(f"There is no model {name!r} here. {fix}")
    return found


def _whole(model: Model) -> Document:
    more = {"text": list(model.text), "batch": model.batch, "seed": model.seed, "image": model.image,
            "synonyms": dict(model.synonyms), "syntax": list(model.syntax)}  # fmt: skip
    return {**_summary(model), **more, "parameters": [_parameter(model, name) for name in model.properties]}


def _parameter(model: Model, name: str) -> Document:
    schema = model.properties[name]
    roles = {"text": name in model.text, "batch": name == model.batch, "seed": name == model.seed,
             "image": name in model.files}  # fmt: skip
    return {
        "name": name, "allowed": allowed_by(schema), "required": name in model.required,
        "default": schema.get("default"), "roles": [role for role, has in roles.items() if has],
        "synonyms": [other for other, own in model.synonyms.items() if own == name],
        "description": schema.get("description"), "schema": dict(schema),
    }  # fmt: skip


# --- asking again ---


def refresh(home: Home, settings: Settings, environ: Mapping[str, str], names: Sequence[str]) -> Document:
    """Every model (or those named) as its provider describes it today, and what is different. Needs no daemon."""
    return {"models": asyncio.run(_refresh(home, settings, environ, names))}


async def _refresh(home: Home, settings: Settings, environ: Mapping[str, str], names: Sequence[str]) -> list[Document]:
    known, found = catalog(home), []
    given_up: dict[str, str] = {}
    async with asking(home, settings, environ) as factories:
        descriptions = Descriptions(home.told, factories)
        askable = [provider for provider in factories if descriptions.can_ask(provider)]
        for provider, name in _wanted(known, names, askable):
            found.append(await _one(home, descriptions, known, (provider, name), given_up))
    return _without_guesses(found)


def _wanted(known: Catalog, names: Sequence[str], askable: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(provider, full id or owner/name:version). A full id that nobody here knows is asked of every provider."""
    if not names:
        yield from ((model.provider, model.id) for model in known if model.provider in askable)
    for name in names:
        if "/" in name and not any(known.find(provider, name) for provider in known.providers()):
            yield from ((provider, name) for provider in askable)
        else:
            yield from ((each.provider, each.id) for each in _named(known, name) if each.provider in askable)


async def _one(
    home: Home, descriptions: Descriptions, known: Catalog, which: tuple[str, str], given_up: dict[str, str]
) -> Document:
    """`given_up`: providers that answer nobody just now, and why; the others go on."""
    provider, name = which
    found: Document = {"provider": provider, "model": name, "new": False, "changes": [], "error": None, "none": False}
    if provider in given_up:
        return {**found, "error": given_up[provider]}
    try:
        said = await descriptions.ask(provider, name)
    except ProviderError as error:
        if error.stops == "provider":
            given_up[provider] = str(error)
        return {**found, "error": str(error), "none": isinstance(error, CallRefused)}
    before, now = known.find(provider, name), catalog(home).find(provider, name) or said
    changes = list(_changes(before, now)) if before else []
    own = now.source if now.source.startswith(str(home.models)) else None
    return {**found, "model": said.full, "new": before is None, "changes": changes, "stands_over": own}


def _without_guesses(found: Sequence[Document]) -> list[Document]:
    """A full id that one provider knows is no mistake because the others do not."""
    known = {each["model"].partition(":")[0] for each in found if not each["error"]}
    return [each for each in found if not (each["none"] and each["model"].partition(":")[0] in known)]


def _changes(before: Model, now: Model) -> Iterator[str]:
    found = differences(before, now)
    yield from (f"new parameter {name}: {allowed_by(now.properties[name])}" for name in found.added)
    yield from (f"no parameter {name} any more" for name in found.removed)
    for name, (old, new) in found.changed.items():
        was, is_now = allowed_by(old), allowed_by(new)
        if was != is_now:
            yield f"{name}: {was} -> {is_now}"
        if old.get("default") != new.get("default"):
            yield f"{name}: default {old.get('default')} -> {new.get('default')}"
    if found.price:
        yield f"price: {price_text(_price(found.price[0]))} -> {price_text(_price(found.price[1]))}"
    if found.version:
        yield f"version: {found.version[0]} -> {found.version[1]}"


# --- in words ---


def price_text(price: Mapping[str, Any] | None) -> str:
    if price is None:
        return "no known price"
    usd = f"{price['usd']:f}".rstrip("0").rstrip(".")
    seconds = f", about {price['seconds']:g} s" if price["seconds"] else ""
    as_of = f" ({price['as_of']})" if price["as_of"] else ""
    return f"${usd} per {price['per']}{seconds}{as_of}"


def listed_text(found: Mapping[str, Any]) -> str:
    rows = [(each["provider"], each["name"], each["modality"], price_text(each["price"])) for each in found["models"]]
    if not rows:
        return "There is no such model. `artfactoryd models` lists all."
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows)


def shown_text(found: Mapping[str, Any]) -> str:
    return "\n\n".join("\n".join(_whole_lines(each)) for each in found["models"])


def _whole_lines(model: Mapping[str, Any]) -> Iterator[str]:
    yield f"{model['provider']} {model['model']}"
    rows = {
        "names": ", ".join(model["aliases"]), "family": model["family"], "modality": model["modality"],
        "price": price_text(model["price"]), "syntax": ", ".join(model["syntax"]), "file": model["source"],
    }  # fmt: skip
    yield from (f"  {key:<9} {value}" for key, value in rows.items() if value)
    yield ""
    for each in model["parameters"]:
        default = "" if each["default"] is None else f", default {each['default']}"
        needed = ", required" if each["required"] else ""
        roles = f" [{', '.join(each['roles'])}]" if each["roles"] else ""
        yield f"  {each['name']}: {each['allowed'] or 'anything'}{default}{needed}{roles}"
        yield from [f"      also {', '.join(each['synonyms'])}"] if each["synonyms"] else []
        yield from [f"      {each['description']}"] if each["description"] else []


def refreshed_text(found: Mapping[str, Any]) -> str:
    return "\n".join(line for each in found["models"] for line in _refreshed_lines(each)) or "Nobody can be asked."


def _refreshed_lines(each: Mapping[str, Any]) -> Iterator[str]:
    name = f"{each['provider']} {each['model']}"
    if each["error"]:
        yield f"{name}: not brought up to date. {each['error']}"
        return
    changed = f"{len(each['changes'])} changes" if each["changes"] else "as it was"
    yield f"{name}: {'new here' if each['new'] else changed}"
    yield from (f"  {change}" for change in each["changes"])
    yield from [f"  your own file stands over it: {each['stands_over']}"] if each["stands_over"] else []
