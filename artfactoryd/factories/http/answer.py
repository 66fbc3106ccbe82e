"""What came over the wire for one request to a provider: its words for a person, and what a refusal means for money.

Nothing here touches the network. The bodies follow no one rule (a reason may be a string, a list, an object,
a web page or absent), so everything is read as raw JSON, and whatever is missing or odd is borne. Not here: how a
provider's own documents are read.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from artfactoryd.core import strict_json
from artfactoryd.core.json_types import JsonValue
from artfactoryd.errors import CallRefused, ProviderError, ProviderStopped, Throttled
from artfactoryd.printable import without_secrets

LONGEST_WAIT = 3600.0
DEEPEST = 4  # nesting that is looked into
LONGEST_REASON = 500  # characters
LONGEST_PAGE = 20_000  # bytes of a web page in which words are looked for
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

    def value(self) -> JsonValue:
        """The body as JSON, with null for a number that is none.

        None where it is no JSON (cut or garbled, no text at all, nested to make us fall).
        """
        try:
            value: JsonValue = strict_json.loads_foreign(self.body)
        except (ValueError, RecursionError):
            return None
        return value

    def accepted(self) -> JsonValue:
        """The body of an answer that is no error; None of any other."""
        return self.value() if self.ok else None

    def reason(self) -> str:
        """The provider's own words, for a person; never with our key in them."""
        value = self.value()
        if isinstance(value, dict):
            parts = [words(value.get(name)) for name in ("title", "detail", "error")]
            sentence = ": ".join(part for part in parts if part) or words(value)
        elif value is not None:
            sentence = words(value)
        else:
            sentence = _TAGS.sub(" ", self.body[:LONGEST_PAGE].decode(errors="replace"))
        return shortened(sentence, self.key) or "no reason given"

    def lives(self, until: datetime | None) -> float | None:
        """Seconds from this answer until then, both by the provider's clock, where it says what that shows."""
        if until is None:
            return None
        try:
            since = parsedate_to_datetime(self.headers.get("Date", ""))
        except (TypeError, ValueError):
            since = datetime.now(UTC)
        return (until - (since if since.tzinfo else since.replace(tzinfo=UTC))).total_seconds()

    def wait(self) -> float | None:
        """Seconds to wait: header, body field or, failing these, the sentence that a person would read."""
        value = self.value()
        header = self.headers.get("Retry-After")
        dated = _until(header, self.headers.get("Date"))
        for hint in (header, dated, fields(value).get("retry_after"), _seconds_in(words(value))):
            seconds = _seconds(hint)
            if seconds is not None:
                return min(seconds, LONGEST_WAIT)
        return None


def fields(value: JsonValue) -> dict[str, JsonValue]:
    """The fields of a JSON object; none of what is no object."""
    return value if isinstance(value, dict) else {}


def text(value: JsonValue) -> str | None:
    """A text that says something; None for an empty one and for every other value."""
    return value if isinstance(value, str) and value else None


def objects(value: JsonValue) -> list[dict[str, JsonValue]]:
    """The JSON objects in a list; none where it is no list."""
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []


def moment(value: JsonValue) -> datetime | None:
    """An ISO 8601 text as an aware moment, taken for UTC where it names no zone; None for anything else."""
    try:
        read = datetime.fromisoformat(text(value) or "")
    except ValueError:
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _seconds(hint: JsonValue) -> float | None:
    """A number, or a text that is one; None for what is no length of time."""
    try:
        seconds = float(hint) if isinstance(hint, str | int | float) else math.nan
    except (ValueError, OverflowError):
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _until(date: str | None, now: str | None) -> float | None:
    """Seconds from one HTTP date to another: both by the provider's clock, where it says what that shows."""
    try:
        then = parsedate_to_datetime(date or "")
        since = parsedate_to_datetime(now) if now else datetime.now(UTC)
        return (then - since).total_seconds() or None
    except (TypeError, ValueError):
        return None


def _seconds_in(sentence: str) -> float | None:
    hint = _RESETS.search(sentence)
    return float(hint[1]) * (60 if hint[2] == "m" else 1) if hint else None


def refusal(answer: Answer, who: str) -> ProviderError | None:
    """What a create means that was surely not taken; None where that is not sure."""
    reason = answer.reason()
    match answer.status:
        case 401:
            sentence = f"{who} does not accept the key (401): {reason}. Nothing was bought."
            return ProviderStopped(sentence, of_key=True)
        case 402:
            return ProviderStopped(f"{who} wants money first (402): {reason}. Nothing was bought.")
        case 403:
            return ProviderStopped(f"{who} does not allow this with this key (403): {reason}. Nothing was bought.")
        case 429:
            return Throttled(f"{who} asks to wait (429): {reason}.", answer.wait())
        case status if status in REFUSED:
            return CallRefused(f"{who} refused this ({status}): {reason}. Nothing was bought.")
    return None


def words(value: JsonValue, depth: int = DEEPEST) -> str:
    """A string, list or object from an error body as one line; the bodies follow no one shape."""
    if isinstance(value, dict | list) and not depth:
        return "…"
    if isinstance(value, dict):
        message = value.get("msg")
        if isinstance(message, str):
            return _complaint(message, value.get("loc"))
        return ", ".join(f"{name}: {words(part, depth - 1)}" for name, part in value.items())
    if isinstance(value, list):
        return "; ".join(words(part, depth - 1) for part in value)
    return "" if value is None else str(value)


def _complaint(message: str, location: JsonValue) -> str:
    """As pydantic writes one: where it is, as a list of keys, and what is wrong there."""
    steps = location if isinstance(location, list) else [location] if location else []
    path = ".".join(str(step) for step in steps if step != "body")
    return f"{path}: {message}" if path else message


def shortened(sentence: str, key: str) -> str:
    """One line of at most LONGEST_REASON characters without our key, and without a full stop."""
    clean = " ".join(without_secrets(sentence).split()).rstrip(". ")
    for secret in (key, *key.split(":")):  # fal's are two halves, either of which gives something away
        if len(secret) > 7:
            clean = clean.replace(secret, "(key)")
    return clean if len(clean) <= LONGEST_REASON else clean[: LONGEST_REASON - 1] + "…"


def named(error: Exception | None, key: str) -> str:
    """The kind of an error with its words, without our key."""
    try:
        sentence = shortened(str(error or ""), key)
    except Exception:  # one whose own words fail must not hide what it stands for
        sentence = ""
    name = type(error).__name__ if error is not None else "no answer"
    return f"{name}: {sentence}" if sentence else name
