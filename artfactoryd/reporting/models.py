"""What can be ordered, with which parameters, at what price, as data: for `models` and the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from artfactoryd.clock import now
from artfactoryd.core.catalog import Catalog
from artfactoryd.core.json_types import Schema, Value
from artfactoryd.core.model import Model
from artfactoryd.core.pricing.age import stale_days
from artfactoryd.core.pricing.price import Price
from artfactoryd.core.pricing.words import price_in_words
from artfactoryd.errors import WrongUse
from artfactoryd.home import Home
from artfactoryd.planning import models as library
from artfactoryd.planning.catalogue import absent, retired
from artfactoryd.reporting.json_object import JsonObject
from artfactoryd.schema import allowed_by


def catalog(home: Home) -> Catalog:
    """Raises WrongUse with every mistake in a model file."""
    models, problems = library.load_catalog(home.models, home.told)
    if problems:
        raise WrongUse("Correct these model files first.\n" + "\n".join(map(str, problems)))
    return Catalog(models)


def ordered_from(home: Home) -> set[str]:
    """Providers of which a model is known: whoever has no ComfyUI need not read that it does not answer. What is wrong
    with a model file is told elsewhere."""
    models, _ = library.load_catalog(home.models, home.told)
    return {model.provider for model in models}


@dataclass(frozen=True, slots=True)
class PriceDocument(JsonObject):
    """`usd`, `per`, `seconds` of a price that is no sum, None of one that is; `parts`, `text` of each."""

    usd: float | None
    per: str | None
    seconds: float | None
    as_of: str | None
    parts: Sequence[Mapping[str, Any]]
    text: str

    @classmethod
    def of(cls, price: Price | None) -> PriceDocument | None:
        if price is None:
            return None
        one, parts = price.simple, price.to_mapping().get("parts") or [price.to_mapping()]
        parts = [{key: value for key, value in part.items() if key != "as_of"} for part in parts]
        return cls(
            float(one.usd) if one else None, one.per if one else None, one.at_most if one else None, price.as_of,
            parts, price_in_words(price),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ModelSummary(JsonObject):
    """`stale_days`: the age of its price, where that is to be looked up again. `told_by`: where it was found."""

    provider: str
    name: str
    model: str
    aliases: Sequence[str]
    family: str | None
    modality: str
    status: str
    schema_as_of: str | None
    price: PriceDocument | None
    source: str
    stale_days: int | None
    told_by: str | None


@dataclass(frozen=True, slots=True)
class ParameterDocument(JsonObject):
    """`roles`: what else it is to the program, of text, batch, seed and image."""

    name: str
    allowed: str | None
    required: bool
    default: Value
    roles: Sequence[str]
    synonyms: Sequence[str]
    description: str | None
    schema: Schema


@dataclass(frozen=True, slots=True)
class WholeModel(JsonObject):
    """In JSON the summary's keys come first, beside the rest."""

    summary: ModelSummary
    text: Sequence[str]
    batch: str | None
    seed: str | None
    image: str | None
    synonyms: Mapping[str, str]
    syntax: Sequence[str]
    parameters: Sequence[ParameterDocument]

    def to_json(self) -> dict[str, object]:
        values = JsonObject.to_json(self)
        del values["summary"]
        return {**self.summary.to_json(), **values}


@dataclass(frozen=True, slots=True)
class ModelsDocument(JsonObject):
    models: Sequence[ModelSummary]


@dataclass(frozen=True, slots=True)
class WholeModelsDocument(JsonObject):
    models: Sequence[WholeModel]


def listed(
    home: Home, family: str | None, modality: str | None, provider: str | None, *, stale: bool = False
) -> ModelsDocument:
    """`stale`: only those whose price is to be looked up again."""
    wanted = {"family": family, "modality": modality, "provider": provider}
    summaries = [
        _summary(model) for model in catalog(home)
        if all(value is None or getattr(model, key) == value for key, value in wanted.items())
    ]  # fmt: skip
    chosen = [summary for summary in summaries if summary.stale_days or not stale]
    return ModelsDocument(sorted(chosen, key=lambda summary: (summary.provider, summary.name)))


def _summary(model: Model) -> ModelSummary:
    return ModelSummary(
        model.provider, model.short, model.full, model.aliases, model.family, model.modality, model.status,
        model.schema_as_of, PriceDocument.of(model.price), model.source, stale_days(model.price, now().date()),
        model.told_by,
    )  # fmt: skip


def shown(home: Home, name: str) -> WholeModelsDocument:
    """Every model of that name: two providers may have one. Raises WrongUse when there is none."""
    return WholeModelsDocument([_whole(model) for model in named(catalog(home), name)])


def named(known: Catalog, name: str) -> list[Model]:
    models = [model for provider in known.providers() if (model := known.find(provider, name))]
    if not models and (over := retired.words(name, known) or absent.words(name)):
        raise WrongUse(over)
    if not models:
        near = [candidate for provider in known.providers() for candidate in known.near(provider, name)]
        fix = f"Did you mean {near[0]}?" if near else "`artfactoryd models` lists them."
        raise WrongUse(f"There is no model {name!r} here. {fix}")
    return models


def _whole(model: Model) -> WholeModel:
    return WholeModel(
        _summary(model), text=model.text, batch=model.batch, seed=model.seed, image=model.image,
        synonyms=model.synonyms, syntax=model.syntax,
        parameters=[_parameter(model, name) for name in model.properties],
    )  # fmt: skip


def _parameter(model: Model, name: str) -> ParameterDocument:
    schema = model.properties[name]
    roles = {"text": name in model.text, "batch": name == model.batch, "seed": name == model.seed,
             "image": name in model.files}  # fmt: skip
    return ParameterDocument(
        name=name,
        allowed=allowed_by(schema),
        required=name in model.required,
        default=schema.get("default"),
        roles=[role for role, has in roles.items() if has],
        synonyms=[other for other, own in model.synonyms.items() if own == name],
        description=schema.get("description"),
        schema=schema,
    )
