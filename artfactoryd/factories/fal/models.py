"""What fal says about one of its models, and what it costs. Nothing here touches the network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from artfactoryd.errors import AskAgain, CallRefused, OutputLost, ProviderError
from artfactoryd.factories.fal.requests import trouble
from artfactoryd.factories.http.answer import Answer

KEPT_BACK = ("sync_mode",)  # always off here: its answers are kept for minutes only


def described(answer: Answer, model: str) -> Mapping[str, Any]:
    """The OpenAPI document of the model. Raises CallRefused when there is none of that name."""
    found = _of_model(answer, "models", model)
    if found is None:
        raise _not_told(answer, model)
    document = found.get("openapi")
    if not isinstance(document, Mapping) or "error" in document:
        raise AskAgain(f"fal knows {model}, but does not say which parameters it takes.")
    return document


def priced(answer: Answer, model: str) -> tuple[float | str, str] | None:
    """What one unit costs in US dollars, and what a unit is; None where fal does not say."""
    found = _of_model(answer, "prices", model) or {}
    amount, unit = found.get("unit_price"), found.get("unit")
    if found.get("currency") != "USD" or isinstance(amount, bool) or not isinstance(unit, str):
        return None
    return (amount, unit) if isinstance(amount, int | float | str) else None


def _of_model(answer: Answer, key: str, model: str) -> Mapping[str, Any] | None:
    value = answer.value() if answer.ok else None
    listed = value.get(key) if isinstance(value, Mapping) else None
    each = [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []
    return next((one for one in each if one.get("endpoint_id") == model), None)


def _not_told(answer: Answer, model: str) -> ProviderError:
    error = None if answer.ok else trouble(answer)
    if error is None or isinstance(error, OutputLost):
        return CallRefused(f"fal has no model {model}, or not for this key.")
    return error
