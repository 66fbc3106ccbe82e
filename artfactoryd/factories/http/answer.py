"""What came over the wire for one request to a provider: its words for a person, and what a refusal means for money.

Nothing here touches the network. The bodies follow no one rule (a reason may be a string, a list, an object,
a web page or absent), so everything is read as raw JSON, and whatever is missing or odd is borne.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from artfactoryd.errors import CallRefused, ProviderError, ProviderStopped, Throttled

LONGEST_WAIT = 3600.0
DEEPEST = 4  # nesting that is looked into
REFUSED = frozenset({400, 404, 413, 422})  # this call is bad; with 401, 402, 403 and 429 the whole closed list
_RESETS = re.compile(r"(?:reset|wait|again|retry)\D{0,30}?(\d+(?:\.\d+)?)\s*(s|m)(?:ec|in|\b)", re.IGNORECASE)
_TAGS = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.IGNORECASE | re.DOTALL)


@dataclass
class Answer:
    """What came over the wire for one request. `sent`: a create was handed to the network."""

    key: str = ""
    sent: bool = False
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)

    @property
    def ok(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    def value(self) -> Any:
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):  # cut or garbled, no text at all, nested to make us fall
            return None

    def reason(self) -> str:
        """The provider's own words, for a person; never with our key in them."""
        value = self.value()
        if isinstance(value, Mapping):
            parts = [words(value.get(name)) for name in ("title", "detail", "error")]
            text = ": ".join(part for part in parts if part) or words(value)
        elif value is not None:
            text = words(value)
        else:
            text = _TAGS.sub(" ", self.body.decode(errors="replace"))
        return shortened(text, self.key) or "no reason given"

    def wait(self) -> float | None:
        """Seconds to wait: header, body field or, failing these, the sentence that a person would read."""
        value = self.value()
        body = value if isinstance(value, Mapping) else {}
        header = self.headers.get("Retry-After")
        dated = _until(header, self.headers.get("Date"))
        for told in (header, dated, body.get("retry_after"), _said(words(value))):
            try:
                seconds = float(told)  # type: ignore[arg-type]
            except (TypeError, ValueError):
                continue
            if math.isfinite(seconds) and seconds >= 0:
                return min(seconds, LONGEST_WAIT)
        return None


def _until(moment: str | None, now: str | None) -> float | None:
    """Seconds from one HTTP date to another: both by the provider's clock, where it says what that shows."""
    try:
        then = parsedate_to_datetime(moment or "")
        since = parsedate_to_datetime(now) if now else datetime.now(UTC)
        return (then - since).total_seconds() or None
    except (TypeError, ValueError):
        return None


def _said(text: str) -> float | None:
    found = _RESETS.search(text)
    return float(found[1]) * (60 if found[2] == "m" else 1) if found else None


def refusal(answer: Answer, who: str) -> ProviderError | None:
    """What a create means that was surely not taken; None where that is not sure."""
    reason = answer.reason()
    match answer.status:
        case 401:
            said = f"{who} does not accept the key (401): {reason}. Nothing was bought."
            return ProviderStopped(said, of_key=True)
        case 402:
            return ProviderStopped(f"{who} wants money first (402): {reason}. Nothing was bought.")
        case 403:
            return ProviderStopped(f"{who} does not allow this with this key (403): {reason}. Nothing was bought.")
        case 429:
            return Throttled(f"{who} asks to wait (429): {reason}.", answer.wait())
        case status if status in REFUSED:
            return CallRefused(f"{who} refused this ({status}): {reason}. Nothing was bought.")
    return None


def words(value: Any, depth: int = DEEPEST) -> str:
    """A string, list or object from an error body as one line; the bodies follow no one shape."""
    if isinstance(value, Mapping | list) and not depth:
        return "…"
    if isinstance(value, Mapping) and isinstance(value.get("msg"), str):  # pydantic's: where, and what is wrong there
        place = ".".join(str(part) for part in value.get("loc") or () if part != "body")
        return f"{place}: {value['msg']}" if place else str(value["msg"])
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {words(part, depth - 1)}" for name, part in value.items())
    if isinstance(value, list):
        return "; ".join(words(part, depth - 1) for part in value)
    return "" if value is None else str(value)


def shortened(text: str, key: str) -> str:
    clean = " ".join(text.split()).rstrip(". ")
    for secret in (key, *key.split(":")):  # fal's are two halves, either of which gives something away
        if len(secret) > 7:
            clean = clean.replace(secret, "(key)")
    return clean if len(clean) <= 500 else clean[:499] + "…"


def named(error: Exception | None, key: str) -> str:
    try:
        text = shortened(str(error or ""), key)
    except Exception:  # one whose own words fail must not hide what it stands for
        text = ""
    name = type(error).__name__ if error is not None else "no answer"
    return f"{name}: {text}" if text else name
