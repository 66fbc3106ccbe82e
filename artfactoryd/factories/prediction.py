"""What Replicate's answers mean: for money, and for a person. Nothing here touches the network.

The shapes follow no one rule (a reason may be a string, a list, an object, a web page or absent),
so everything is read as raw JSON, and whatever is missing or odd is borne.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from artfactoryd.errors import (
    AskAgain,
    CallRefused,
    OutputLost,
    ProviderError,
    ProviderStopped,
    RunFailed,
    Throttled,
    Unreachable,
)
from artfactoryd.factories import Output, Outputs, Ticket

LONGEST_WAIT = 3600.0
DEEPEST = 4  # nesting that is looked into
REFUSED = frozenset({400, 404, 413, 422})  # this call is bad; with 401, 402, 403 and 429 the whole closed list
_ID_FIRST = re.compile(rb'\s*\{\s*"id"\s*:\s*"([A-Za-z0-9_-]+)"')
_RESETS = re.compile(r"(?:reset|wait|again|retry)\D{0,30}?(\d+(?:\.\d+)?)\s*(s|m)(?:ec|in|\b)", re.IGNORECASE)
_CONTENT = re.compile(r"nsfw|safety|flagged|sensitive|moderat|content policy", re.IGNORECASE)
_PASSING = re.compile(r"\bplease retry\b|\bprediction interrupted\b|\bcuda out of memory\b", re.IGNORECASE)
_VERSION = re.compile(r"[0-9a-f]{64}")
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


def ticket_in(answer: Answer) -> Ticket | None:
    if not answer.ok:
        return None
    value = answer.value()
    if isinstance(value, dict):
        name = value.get("id")
        return Ticket(name) if isinstance(name, str) and name and name.isprintable() else None
    start = _ID_FIRST.match(answer.body)  # cut short, but the id had arrived
    return Ticket(start[1].decode()) if start else None


def refusal(answer: Answer) -> ProviderError | None:
    reason = answer.reason()
    match answer.status:
        case 401:
            words = f"Replicate does not accept the key (401): {reason}. Nothing was bought."
            return ProviderStopped(words, of_key=True)
        case 402:
            return ProviderStopped(f"Replicate wants money first (402): {reason}. Nothing was bought.")
        case 403:
            return ProviderStopped(f"Replicate does not allow this with this key (403): {reason}. Nothing was bought.")
        case 429:
            return Throttled(f"Replicate asks to wait (429): {reason}.", _wait(answer))
        case status if status in REFUSED:
            return CallRefused(f"Replicate refused this ({status}): {reason}. Nothing was bought.")
    return None


def _wait(answer: Answer) -> float | None:
    """Seconds to wait: header, body field or, failing these, the sentence that a person would read."""
    value = answer.value()
    body = value if isinstance(value, Mapping) else {}
    header = answer.headers.get("Retry-After")
    for told in (header, _until(header, answer.headers.get("Date")), body.get("retry_after"), _said(words(value))):
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


def trouble(answer: Answer) -> ProviderError:
    """Of a question: what is no answer to it."""
    reason = answer.reason()
    if answer.status in (404, 410):
        return OutputLost(f"Replicate no longer knows this prediction ({answer.status}): {reason}.")
    if answer.status in (401, 403):
        return ProviderStopped(f"Replicate does not accept the key ({answer.status}): {reason}.", of_key=True)
    if answer.status == 429:
        return Throttled(f"Replicate asks to wait (429): {reason}.", _wait(answer))
    kind = Unreachable if answer.status is None or answer.status >= 500 else AskAgain
    return kind(f"Replicate does not say just now ({answer.status}): {reason}.", _wait(answer))


def outcome(prediction: dict[str, Any], key: str) -> Outputs | None:
    status = prediction.get("status")
    reason = shortened(words(prediction.get("error")), key) or "no reason given"
    if status in ("starting", "processing"):
        return None  # also with output already there: only a last status is the end
    if status == "succeeded":
        return _outputs(prediction)
    if status == "failed":
        content = bool(_CONTENT.search(reason))
        charged = content or _billed_by_time(prediction)
        passing = not content and bool(_PASSING.search(reason))
        raise RunFailed(f"Replicate could not make it: {reason}.", charged=charged, passing=passing)
    if status == "canceled":
        raise RunFailed("It was cancelled at Replicate.", charged=True, cancelled=True)
    if status == "aborted":
        raise RunFailed("Replicate gave it up before it began.", charged=False, passing=True)
    raise AskAgain(f"Replicate says {shortened(words(status), key)!r}, a status this program does not know.")


def _outputs(prediction: dict[str, Any]) -> Outputs:
    outputs = tuple(Output(address) for address in _addresses(prediction.get("output")))
    if not outputs and prediction.get("data_removed"):
        raise OutputLost("Replicate has removed the output: it keeps one for about an hour.")
    if not outputs:
        raise RunFailed("Replicate says it succeeded, without any output.", charged=True)
    given = prediction.get("input")
    returned = given if isinstance(given, dict) else {}
    return Outputs(outputs, returned, _run_time(prediction), _shortfall(len(outputs), returned.get("num_outputs")))


def _addresses(output: Any, depth: int = DEEPEST) -> Iterator[str]:
    """In the order given, out of whatever shape the model answers in."""
    if isinstance(output, str):
        if output.startswith(("https:", "http:", "data:")):
            yield output
    elif isinstance(output, list | dict) and depth:
        for part in output.values() if isinstance(output, dict) else output:
            yield from _addresses(part, depth - 1)


def _shortfall(came: int, asked: Any) -> str:
    if not isinstance(asked, int) or came >= asked:
        return ""
    return f"{came} of {asked} came: Replicate leaves out pictures that its content filter flags."


def _run_time(prediction: dict[str, Any]) -> float | None:
    metrics = prediction.get("metrics")
    seconds = metrics.get("predict_time") if isinstance(metrics, dict) else None
    return float(seconds) if isinstance(seconds, int | float) else None


def _billed_by_time(prediction: dict[str, Any]) -> bool:
    """Only a model with a version of its own costs by the second, and then a failed run costs too."""
    version = prediction.get("version")
    began = bool(prediction.get("started_at")) or bool(_run_time(prediction))
    return began and isinstance(version, str) and bool(_VERSION.fullmatch(version))


def words(value: Any, depth: int = DEEPEST) -> str:
    """A string, list or object from an error body as one line; the bodies follow no one shape."""
    if isinstance(value, Mapping | list) and not depth:
        return "…"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {words(part, depth - 1)}" for name, part in value.items())
    if isinstance(value, list):
        return "; ".join(words(part, depth - 1) for part in value)
    return "" if value is None else str(value)


def shortened(text: str, key: str) -> str:
    clean = " ".join(text.split()).rstrip(". ")
    if key:
        clean = clean.replace(key, "(key)")
    return clean if len(clean) <= 500 else clean[:499] + "…"


def named(error: Exception | None, key: str) -> str:
    try:
        text = shortened(str(error or ""), key)
    except Exception:  # one whose own words fail must not hide what it stands for
        text = ""
    name = type(error).__name__ if error is not None else "no answer"
    return f"{name}: {text}" if text else name
