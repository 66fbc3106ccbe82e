"""Provider, Model, ModelFamily: what can be ordered, with which parameters, at what price."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

from artfactoryd.core.json_types import Document, Parameters, Schema, Value
from artfactoryd.core.money import micro_dollars
from artfactoryd.core.parameters import file_leaves
from artfactoryd.core.parameters.file_leaves import Place

SIZES = ("width", "height", "image_size")  # the parameters that say how large a picture is made
NAMED_SIZES = {  # the values of image_size, in pixels
    "square_hd": (1024, 1024), "square": (512, 512),
    "portrait_4_3": (768, 1024), "portrait_16_9": (576, 1024),
    "landscape_4_3": (1024, 768), "landscape_16_9": (1024, 576),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Price:
    """`usd` is decimal text as written; `per` is image, megapixel, second or call."""

    usd: str
    per: str = "image"
    seconds: float | None = None  # expected run time, for a price per second
    as_of: str | None = None

    @classmethod
    def from_mapping(cls, value: Document) -> Price:
        return cls(str(value["usd"]), value.get("per", "image"), value.get("seconds"), _text(value.get("as_of")))

    def upper(self, asked: int, parameters: Parameters) -> int | None:
        """The most a call for `asked` outputs may cost, in micro-dollars; None when that is not known."""
        if self.per == "call":
            return micro_dollars(self.usd)
        if self.per == "image":
            return micro_dollars(self.usd, asked)
        if self.per == "megapixel":
            return self._by_size(asked, parameters)
        return None if self.seconds is None else micro_dollars(Decimal(self.usd) * Decimal(str(self.seconds)))

    def _by_size(self, asked: int, parameters: Parameters) -> int | None:
        size = size_of(parameters)
        return None if size is None else micro_dollars(self.usd, asked * -(-size[0] * size[1] // 1_000_000))


def size_of(parameters: Parameters) -> tuple[int, int] | None:
    """Width and height in pixels, as given by `width` and `height` or by `image_size`, written out or by its name."""
    named = parameters.get("image_size")
    if isinstance(named, str):
        return NAMED_SIZES.get(named)
    given = named if isinstance(named, Mapping) else parameters
    width, height = given.get("width"), given.get("height")
    return (width, height) if isinstance(width, int) and isinstance(height, int) else None


def _text(value: object) -> str | None:
    return None if value is None else str(value)


@dataclass(frozen=True)
class Model:
    """One endpoint with its parameter schema. `id` is what the provider calls it."""

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
    synonyms: Mapping[str, str] = field(default_factory=dict)
    syntax: tuple[str, ...] = ()
    price: Price | None = None
    source: str = ""

    @classmethod
    def from_mapping(cls, value: Document, source: str) -> Model:
        """Of a model file's content, already checked against schemas/model.schema.json."""
        name, _, version = str(value["model"]).partition(":")
        schema = value.get("schema") or {}
        return cls(
            provider=value["provider"], id=name, version=version or None, aliases=tuple(value.get("aliases") or ()),
            family=value.get("family"), modality=value.get("modality", "text-to-image"), schema=schema,
            text=tuple(_default_text(value) if value.get("text") is None else value["text"]), batch=value.get("batch"),
            seed=value.get("seed"), image=value.get("image"), synonyms=dict(value.get("synonyms") or {}),
            syntax=tuple(value.get("syntax") or ()),
            price=Price.from_mapping(value["price"]) if value.get("price") else None, source=source,
        )  # fmt: skip

    @classmethod
    def from_snapshot(cls, value: Document) -> Model:
        """The inverse of `snapshot`: how a model was when an order was accepted."""
        lists = {key: tuple(value[key]) for key in ("aliases", "text", "syntax")}
        price = Price(**value["price"]) if value["price"] else None
        return cls(**{**value, **lists, "price": price})

    def snapshot(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def properties(self) -> Mapping[str, Schema]:
        properties = self.schema.get("properties")
        return properties if isinstance(properties, Mapping) else {}

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
    def names(self) -> tuple[str, ...]:
        return (self.id, *self.aliases)

    @property
    def short(self) -> str:
        """As lists and file names call it: by its first alias."""
        return self.aliases[0] if self.aliases else self.id

    @property
    def full(self) -> str:
        return f"{self.id}:{self.version}" if self.version else self.id


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
