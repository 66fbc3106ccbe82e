"""Provider, Model, ModelFamily: what can be ordered, with which parameters, at what price."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

from artfactoryd.core.json_types import Document, Parameters, Schema, Value
from artfactoryd.core.parameters import file_leaves
from artfactoryd.core.parameters.file_leaves import Place
from artfactoryd.core.pricing.price import Price

MADE = {  # what is made, by the end of a modality
    "video": "video", "film": "video", "audio": "audio", "sound": "audio", "speech": "audio", "music": "audio",
    "sound-effects": "audio", "song": "audio", "3d": "3d", "mesh": "3d", "text": "text", "caption": "text",
}  # fmt: skip
LATER = frozenset({"mask", "video", "audio", "sends", "recipe"})  # that a model had none of in earlier releases


CURRENT, DEPRECATED = "current", "deprecated"  # the status of a model


@dataclass(frozen=True)
class Model:
    """One endpoint with its parameter schema. `id` is what the provider calls it.

    `sends`: parameters that every call of it has, and no order: how its answer comes. `recipe`: what its file says for
    its provider alone, read by nobody else. `status`, `schema_as_of` and `told_by` say how far its file can be trusted,
    and `is_open` that its provider knows more of it than its file says; they make it no other model.
    """

    provider: str
    id: str
    version: str | None = None
    aliases: tuple[str, ...] = ()
    family: str | None = None
    modality: str = "text-to-image"
    schema: Schema = field(default_factory=dict)
    text: tuple[str, ...] = ()
    batch: str | None = None
    seed: str | None = None
    image: str | None = None
    mask: str | None = None
    video: str | None = None
    audio: str | None = None
    synonyms: Mapping[str, str] = field(default_factory=dict)
    syntax: tuple[str, ...] = ()
    price: Price | None = None
    source: str = ""
    sends: Parameters = field(default_factory=dict)
    recipe: Document = field(default_factory=dict)
    is_open: bool = field(default=False, compare=False)
    status: str = field(default=CURRENT, compare=False)
    schema_as_of: str | None = field(default=None, compare=False)
    told_by: str | None = field(default=None, compare=False)

    @classmethod
    def from_mapping(cls, value: Document, source: str) -> Model:
        """Of a model file's content, already checked against schemas/model.schema.json."""
        name, _, version = str(value["model"]).partition(":")
        schema = value.get("schema") or {}
        return cls(
            provider=value["provider"], id=name, version=version or None, aliases=tuple(value.get("aliases") or ()),
            family=value.get("family"), modality=value.get("modality", "text-to-image"), schema=schema,
            text=tuple(_default_text(value) if value.get("text") is None else value["text"]), batch=value.get("batch"),
            seed=value.get("seed"), image=value.get("image"), mask=value.get("mask"), video=value.get("video"),
            audio=value.get("audio"), synonyms=dict(value.get("synonyms") or {}),
            syntax=tuple(value.get("syntax") or ()),
            price=Price.from_mapping(value["price"]) if value.get("price") else None, source=source,
            sends=dict(value.get("sends") or {}), recipe=dict(value.get("recipe") or {}),
            status=value.get("status", CURRENT), schema_as_of=_day(value.get("schema_as_of")),
            told_by=value.get("source"),
        )  # fmt: skip

    @classmethod
    def from_snapshot(cls, value: Document) -> Model:
        """The inverse of `snapshot`: how a model was when an order was accepted."""
        lists = {key: tuple(value[key]) for key in ("aliases", "text", "syntax")}
        price = Price.from_mapping(value["price"]) if value["price"] else None
        return cls(**{**value, **lists, "price": price})

    def snapshot(self) -> dict[str, Any]:
        """As earlier releases wrote it, where they could have."""
        own = {f.name: getattr(self, f.name) for f in fields(self) if f.compare}
        own = {name: value for name, value in own.items() if value or name not in LATER}
        return {**own, "price": self.price and self.price.to_mapping()}

    @property
    def properties(self) -> Mapping[str, Schema]:
        properties = self.schema.get("properties")
        return properties if isinstance(properties, Mapping) else {}

    @cached_property
    def defaults(self) -> Mapping[str, Value]:
        """What the provider takes where nothing is said."""
        return {name: schema["default"] for name, schema in self.properties.items() if "default" in schema}

    @property
    def required(self) -> Sequence[str]:
        return list(self.schema.get("required") or ())

    @cached_property
    def files(self) -> tuple[str, ...]:
        """The parameters in whose value a file may stand: as the value, or deeper in it."""
        named = (name for name, schema in self.properties.items() if file_leaves.takes_files(schema))
        return tuple(dict.fromkeys([*named, *([self.image] if self.image else [])]))

    def files_in(self, name: str, value: Value) -> Iterator[tuple[Place, str]]:
        """What is written for each file in the value of a parameter, with its place there."""
        if name == self.image and isinstance(value, str):
            return iter([((), value)])
        return file_leaves.leaves(self.properties.get(name, {}), value)

    def listed(self, name: str, value: Value) -> Value:
        """A lone file as a list of one, where the parameter takes a list of files."""
        is_lone = isinstance(value, str) and file_leaves.takes_list_of_files(self.properties.get(name, {}))
        return [value] if is_lone else value

    def places(self, parameters: Parameters) -> Iterator[tuple[Place, str]]:
        """The same of all parameters; the first step is the parameter's name."""
        for name in self.files:
            if name in parameters:
                yield from (((name, *place), text) for place, text in self.files_in(name, parameters[name]))

    @property
    def makes(self) -> str:
        """Of which kind, by its modality (`core/names` has them): pictures unless it says otherwise."""
        made = self.modality.rpartition("to-")[2].removesuffix("-generation")
        return MADE.get(made, "image")

    @property
    def names(self) -> tuple[str, ...]:
        return (self.id, *self.aliases)

    @property
    def short(self) -> str:
        """As lists and file names call it: by its first alias."""
        return self.aliases[0] if self.aliases else self.id

    @property
    def full(self) -> str:
        return f"{self.id}:{self.version}" if self.version else self.id


def _day(value: Value) -> str | None:
    return None if value is None else str(value)


def _default_text(value: Document) -> list[str]:
    """prompt and every *_prompt, but for one that takes a picture or no string at all."""
    properties = (value.get("schema") or {}).get("properties") or {}
    named = ((name, own) for name, own in properties.items() if name == "prompt" or name.endswith("_prompt"))
    return [name for name, own in named if name != value.get("image") and _may_be_text(own)]


def _may_be_text(schema: Schema) -> bool:
    from artfactoryd.core.parameters.json_schema import types_of

    types = types_of(schema)
    return schema.get("format") != "uri" and (not types or "string" in types)


def snapshots(order: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The models of an accepted order as they were then, by the place that its items name."""
    found: list[dict[str, Any]] = order["models"] or [order["model"]]
    return found
