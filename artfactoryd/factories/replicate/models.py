"""What Replicate says about one of its models. Nothing here touches the network."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from artfactoryd.core.json_types import JsonValue, Schema
from artfactoryd.errors import AskAgain, CallRefused, OutputLost, ProviderError
from artfactoryd.factories.http.answer import Answer, fields, text
from artfactoryd.factories.replicate.predictions import trouble

_ID = re.compile(r"[^/\s:]+/[^/\s:]+")


@dataclass(frozen=True, slots=True)
class Version:
    """`schema`: the OpenAPI document of what it takes; None where Replicate does not tell."""

    id: str | None
    schema: Schema | None


@dataclass(frozen=True, slots=True)
class Model:
    """`is_official`: None where the model itself does not say."""

    is_official: bool | None
    latest: Version


def read_model(document: Mapping[str, JsonValue]) -> Model:
    is_official = bool(document["is_official"]) if "is_official" in document else None
    return Model(is_official, read_version(fields(document.get("latest_version"))))


def read_version(document: Mapping[str, JsonValue]) -> Version:
    schema = document.get("openapi_schema")
    return Version(text(document.get("id")), schema if isinstance(schema, dict) else None)


def schema_of(version: Version, model: str) -> Schema:
    """Raises AskAgain where Replicate does not tell it."""
    if version.schema is None:
        raise AskAgain(f"Replicate knows {model}, but does not say which parameters it takes.")
    return version.schema


def model_path(model: str) -> str:
    """The path of a model. Raises CallRefused for what cannot be the id of one."""
    if not _ID.fullmatch(model):
        raise CallRefused(f"{model} is no full id of a model at Replicate: those are written OWNER/NAME.")
    return f"/v1/models/{quote(model)}"


def undescribed(answer: Answer, what: str) -> ProviderError:
    """What an answer that does not describe `what` means."""
    if answer.ok:
        return AskAgain(f"Replicate answered, but not with {what}.")
    error = trouble(answer)
    if isinstance(error, OutputLost):
        return CallRefused(f"Replicate has no model {what}, or not for this key ({answer.status}): {answer.reason()}.")
    return error
