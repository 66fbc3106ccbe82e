"""What Replicate's answers mean: for money, and for a person. Nothing here touches the network."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from artfactoryd.errors import (
    AskAgain,
    OutputLost,
    ProviderError,
    ProviderStopped,
    RunFailed,
    Throttled,
    Unreachable,
)
from artfactoryd.factories import Output, Outputs, Ticket
from artfactoryd.factories.http.answer import DEEPEST, Answer, shortened, words

_ID_FIRST = re.compile(rb'\s*\{\s*"id"\s*:\s*"([A-Za-z0-9_-]+)"')
_CONTENT = re.compile(r"nsfw|safety|flagged|sensitive|moderat|content policy", re.IGNORECASE)
_PASSING = re.compile(r"\bplease retry\b|\bprediction interrupted\b|\bcuda out of memory\b", re.IGNORECASE)
_VERSION = re.compile(r"[0-9a-f]{64}")


def ticket_in(answer: Answer) -> Ticket | None:
    if not answer.ok:
        return None
    value = answer.value()
    if isinstance(value, dict):
        name = value.get("id")
        return Ticket(name) if isinstance(name, str) and name and name.isprintable() else None
    start = _ID_FIRST.match(answer.body)  # cut short, but the id had arrived
    return Ticket(start[1].decode()) if start else None


def trouble(answer: Answer) -> ProviderError:
    """Of a question: what is no answer to it."""
    reason = answer.reason()
    if answer.status in (404, 410):
        return OutputLost(f"Replicate no longer knows this prediction ({answer.status}): {reason}.")
    if answer.status in (401, 403):
        return ProviderStopped(f"Replicate does not accept the key ({answer.status}): {reason}.", of_key=True)
    if answer.status == 429:
        return Throttled(f"Replicate asks to wait (429): {reason}.", answer.wait())
    kind = Unreachable if answer.status is None or answer.status >= 500 else AskAgain
    return kind(f"Replicate does not say just now ({answer.status}): {reason}.", answer.wait())


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
