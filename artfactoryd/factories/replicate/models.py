"""What Replicate says about one of its models. Nothing here touches the network."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from artfactoryd.errors import AskAgain, CallRefused, OutputLost, ProviderError
from artfactoryd.factories.http.answer import Answer
from artfactoryd.factories.replicate.predictions import trouble

_ID = re.compile(r"[^/\s:]+/[^/\s:]+")


def model_place(model: str) -> str:
    """The path of a model. Raises CallRefused for what cannot be the id of one."""
    if not _ID.fullmatch(model):
        raise CallRefused(f"{model} is no full id of a model at Replicate: those are written OWNER/NAME.")
    return f"/v1/models/{quote(model)}"


def version_of(model: Mapping[str, Any]) -> str | None:
    latest = model.get("latest_version")
    found = latest.get("id") if isinstance(latest, Mapping) else None
    return found if isinstance(found, str) and found else None


def schema_in(version: Any, model: str) -> Mapping[str, Any]:
    found = version.get("openapi_schema") if isinstance(version, Mapping) else None
    if not isinstance(found, Mapping):
        raise AskAgain(f"Replicate knows {model}, but does not say which parameters it takes.")
    return found


def not_told(answer: Answer, what: str) -> ProviderError:
    """What an answer that does not describe `what` means."""
    if answer.ok:
        return AskAgain(f"Replicate answered, but not with {what}.")
    error = trouble(answer)
    if isinstance(error, OutputLost):
        return CallRefused(f"Replicate has no model {what}, or not for this key ({answer.status}): {answer.reason()}.")
    return error
