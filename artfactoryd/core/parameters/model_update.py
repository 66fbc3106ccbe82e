"""A model brought up to date by what its provider says now, and what is different then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from artfactoryd.core.json_types import Schema, Value
from artfactoryd.core.model import CURRENT, Model
from artfactoryd.core.pricing.price import Price

TOLD = ("description", "minimum", "maximum")  # of a parameter, kept from what is known where the provider is silent
WORDS = ("description", "title")  # that they differ changes nothing


def renewed(known: Model, said: Model) -> Model:
    """`said` is what the provider tells; names, texts and what no provider tells stay as they are known."""
    schema = {**said.schema, "properties": {name: _told(known, name, each) for name, each in said.properties.items()}}
    names = said.properties
    price = _price(known.price, said.price)
    return replace(
        said, version=said.version if known.version else None, aliases=known.aliases, family=known.family,
        modality=known.modality, schema=schema, text=tuple(name for name in known.text if name in names) or said.text,
        batch=_still(known.batch, said.batch, names), seed=_still(known.seed, said.seed, names),
        image=_still(known.image, said.image, names), mask=_still(known.mask, said.mask, names),
        video=_still(known.video, said.video, names), audio=_still(known.audio, said.audio, names),
        sends={name: value for name, value in known.sends.items() if name in names}, syntax=known.syntax, price=price,
        synonyms={name: own for name, own in known.synonyms.items() if own in names and name not in names},
        status=known.status if said.status == CURRENT else said.status,
    )  # fmt: skip


def completed(known: Model, said: Model) -> Model:
    """A person's model file with what its provider says of just this one. Its price is the person's, but for a price of
    nothing where the provider says that a part of it costs money."""
    is_wrong = bool(said.recipe.get("paid")) and known.price is not None and known.price.is_free
    price = said.price if known.price is None or is_wrong else known.price
    return replace(known, schema=said.schema, recipe=said.recipe, price=price, schema_as_of=said.schema_as_of)


def _told(known: Model, name: str, schema: Schema) -> dict[str, Value]:
    """A seed has a range that providers do not tell; other ranges only as the provider says."""
    keys = TOLD if name == known.seed else TOLD[:1]
    before = known.properties.get(name, {})
    return {**schema, **{key: before[key] for key in keys if key in before and key not in schema}}


def _still(known: str | None, said: str | None, names: Mapping[str, Schema]) -> str | None:
    return known if known in names else said


def _price(known: Price | None, said: Price | None) -> Price | None:
    """What a provider tells is one number: where the known price has parts that such a number cannot say, they stay,
    of today where it is one of them. Where it is none of them, what a call costs is not known any more."""
    if known is None or said is None or not _newer(said, known):
        return known or said
    if known.simple is not None or known.units != said.units:
        return said if known.simple is not None else known
    if len(known.parts) == 1 and known.parts[0].is_flat:
        told = replace(known.parts[0], usd=said.parts[0].usd, every=said.parts[0].every)
        return replace(known, parts=(told,), as_of=said.as_of)
    return replace(known, as_of=said.as_of) if said.normalized.figures <= known.normalized.figures else None


def _newer(said: Price | None, known: Price) -> bool:
    return said is not None and (known.as_of or "") <= (said.as_of or "")


@dataclass(frozen=True, slots=True)
class Differences:
    """`changed`: by parameter, its schema before and now. `price`, `version`: before and now, None when alike."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: Mapping[str, tuple[Schema, Schema]]
    price: tuple[Price | None, Price | None] | None
    version: tuple[str | None, str | None] | None

    @property
    def any(self) -> bool:
        return bool(self.added or self.removed or self.changed or self.price or self.version)


def differences(before: Model, now: Model) -> Differences:
    """What an order would meet; wording, and the day a price was looked up, count for nothing."""
    old, new = before.properties, now.properties
    changed = {
        name: (old[name], new[name]) for name in new if name in old and _bare(old[name]) != _bare(new[name])
    }  # fmt: skip
    return Differences(
        tuple(name for name in new if name not in old), tuple(name for name in old if name not in new), changed,
        None if _cost(before.price) == _cost(now.price) else (before.price, now.price),
        None if before.version == now.version else (before.version, now.version),
    )  # fmt: skip


def _bare(schema: Schema) -> dict[str, Value]:
    return {key: each for key, each in schema.items() if key not in WORDS}


def _cost(price: Price | None) -> Price | None:
    """Without the day, and whatever way the dollars are written."""
    return None if price is None else price.normalized
