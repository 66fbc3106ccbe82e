"""What fal says about one of its models, and what it costs. Nothing here touches the network."""

from __future__ import annotations

from artfactoryd.core.json_types import Document, JsonValue
from artfactoryd.errors import AskAgain, CallRefused, OutputLost, ProviderError
from artfactoryd.factories.fal.requests import trouble
from artfactoryd.factories.http.answer import Answer, fields, objects

KEPT_BACK = ("sync_mode",)  # always off here: its answers are kept for minutes only


def described(answer: Answer, model: str) -> tuple[Document, bool]:
    """The OpenAPI document of the model, and whether fal gives it up. Raises CallRefused when there is none of that
    name."""
    entry = _entry(answer, "models", model)
    if entry is None:
        raise _undescribed(answer, model)
    document = entry.get("openapi")
    if not isinstance(document, dict) or "error" in document:
        raise AskAgain(f"fal knows {model}, but does not say which parameters it takes.")
    metadata = entry.get("metadata")
    return document, isinstance(metadata, dict) and metadata.get("status") == "deprecated"


def priced(answer: Answer, model: str) -> tuple[float | str, str] | None:
    """What one unit costs in US dollars, and what a unit is; None where fal does not say."""
    entry = _entry(answer, "prices", model) or {}
    amount, unit = entry.get("unit_price"), entry.get("unit")
    if entry.get("currency") != "USD" or isinstance(amount, bool) or not isinstance(unit, str):
        return None
    return (amount, unit) if isinstance(amount, int | float | str) else None


def _entry(answer: Answer, key: str, model: str) -> dict[str, JsonValue] | None:
    """What the list at `key` has about the model; None where it has nothing."""
    entries = objects(fields(answer.accepted()).get(key))
    return next((entry for entry in entries if entry.get("endpoint_id") == model), None)


def _undescribed(answer: Answer, model: str) -> ProviderError:
    error = None if answer.ok else trouble(answer)
    if error is None or isinstance(error, OutputLost):
        return CallRefused(f"fal has no model {model}, or not for this key.")
    return error
