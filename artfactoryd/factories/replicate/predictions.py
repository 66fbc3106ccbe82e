"""What Replicate's answers mean: for money, and for a person. Nothing here touches the network."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

from artfactoryd.core.json_types import JsonValue, Parameters, Value
from artfactoryd.core.measures import seconds_of_run
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
from artfactoryd.factories.http.answer import Answer, fields, shortened, text, words
from artfactoryd.factories.http.shapes import kept_answer, outputs_in, text_beside, text_in

_ID_FIRST = re.compile(rb'\s*\{\s*"id"\s*:\s*"([A-Za-z0-9_-]+)"')
_CONTENT = re.compile(r"nsfw|safety|flagged|sensitive|moderat|content policy", re.IGNORECASE)
_PASSING = re.compile(r"\bplease retry\b|\bprediction interrupted\b|\bcuda out of memory\b", re.IGNORECASE)
_VERSION = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Prediction:
    """One prediction as Replicate tells it.

    `status`: as it came, since one that is not known here is repeated to a person. `error`: in words. `parameters`:
    the input that it shows, with defaults. `seconds`: of the run.
    """

    status: JsonValue = None
    error: str = ""
    outputs: tuple[Output, ...] = ()
    answer: str = ""
    parameters: Parameters = field(default_factory=dict)
    is_erased: bool = False
    seconds: float | None = None
    has_begun: bool = False
    version: str | None = None


def read_prediction(value: JsonValue) -> Prediction | None:
    """None of what is no JSON object."""
    if not isinstance(value, dict):
        return None
    metrics = fields(value.get("metrics"))
    return Prediction(
        status=value.get("status"),
        error=words(value.get("error")),
        outputs=_outputs_of(value.get("output"), value.get("input")),
        answer=kept_answer(json.dumps(value.get("output"), ensure_ascii=False).encode("utf-8", "replace")),
        parameters=fields(value.get("input")),
        is_erased=bool(value.get("data_removed")),
        seconds=seconds_of_run(metrics.get("predict_time")),
        # A time that cannot be true is a run all the same: what it cost counts.
        has_begun=bool(value.get("started_at")) or metrics.get("predict_time", 0) != 0,
        version=text(value.get("version")),
    )


def _outputs_of(output: JsonValue, sent: JsonValue) -> tuple[Output, ...]:
    """In the order given, out of whatever shape; what is said beside the files comes after them."""
    files = outputs_in(output)
    words = text_beside(output, sent) if files else text_in(output)
    return (*files, words) if words else tuple(files)


def ticket_in(answer: Answer) -> Ticket | None:
    """An id is a ticket, whatever else is wrong with the answer to a create."""
    if not answer.ok:
        return None
    value = answer.value()
    if isinstance(value, dict):
        name = text(value.get("id"))
        return Ticket(name) if name and name.isprintable() else None
    start = _ID_FIRST.match(answer.body)  # cut short, but the id had arrived
    return Ticket(start[1].decode()) if start else None


def job_trouble(answer: Answer) -> ProviderError:
    """Of a question about one prediction: that this one is refused (403) says nothing of the others."""
    if answer.status == 403:
        sentence = f"Replicate does not let this prediction be asked about (403): {answer.reason()}."
        return OutputLost(sentence, refused=True)
    return trouble(answer)


def trouble(answer: Answer) -> ProviderError:
    """Of a question: what is no answer to it."""
    reason = answer.reason()
    if answer.status in (404, 410):
        sentence = f"Replicate no longer knows this prediction ({answer.status}): {reason}."
        return OutputLost(sentence, passing=answer.status == 404)
    if answer.status in (401, 403):
        return ProviderStopped(f"Replicate does not accept the key ({answer.status}): {reason}.", of_key=True)
    if answer.status == 429:
        return Throttled(f"Replicate asks to wait (429): {reason}.", answer.wait())
    kind = Unreachable if answer.status is None or answer.status >= 500 else AskAgain
    return kind(f"Replicate does not say just now ({answer.status}): {reason}.", answer.wait())


def outcome(prediction: Prediction, key: str) -> Outputs | None:
    """What a prediction gave; None while it runs. Raises RunFailed, OutputLost, or AskAgain for a status not known."""
    match prediction.status:
        case "starting" | "processing":
            return None  # also with output already there: only a last status is the end
        case "succeeded":
            return _outputs(prediction)
        case "failed":
            raise _failure(prediction, key)
        case "canceled":
            raise RunFailed("It was cancelled at Replicate.", charged=True, cancelled=True)
        case "aborted":
            raise RunFailed("Replicate gave it up before it began.", charged=False, passing=True)
    status = shortened(words(prediction.status), key)
    raise AskAgain(f"Replicate says {status!r}, a status this program does not know.")


def _failure(prediction: Prediction, key: str) -> RunFailed:
    reason = shortened(prediction.error, key) or "no reason given"
    is_content = bool(_CONTENT.search(reason))
    charged = is_content or _is_billed_by_time(prediction)
    passing = not is_content and bool(_PASSING.search(reason))
    return RunFailed(f"Replicate could not make it: {reason}.", charged=charged, passing=passing)


def _outputs(prediction: Prediction) -> Outputs:
    outputs = prediction.outputs
    if not outputs and prediction.is_erased:
        raise OutputLost("Replicate has removed the output: it keeps one for about an hour.")
    if not outputs:
        sentence = "Replicate says it succeeded, without any output."
        raise RunFailed(sentence, charged=True, answer=prediction.answer)
    note = _shortfall(sum(not output.byproduct for output in outputs), prediction.parameters.get("num_outputs"))
    return Outputs(outputs, prediction.parameters, prediction.seconds, note)


def _shortfall(came: int, asked: Value) -> str:
    if not isinstance(asked, int) or came >= asked:
        return ""
    return f"{came} of {asked} came: Replicate leaves out pictures that its content filter flags."


def _is_billed_by_time(prediction: Prediction) -> bool:
    """Only a model with a version of its own costs by the second, and then a failed run costs too."""
    return prediction.has_begun and bool(_VERSION.fullmatch(prediction.version or ""))
