"""What came of a request at fal that has ended: for money, and for a person. Nothing here touches the network.

fal has no word for "failed": a request ends as COMPLETED, and what became of it is said by an `error` there, by
the status of its result, or by both. A result is the model's own answer passed through, errors included.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from artfactoryd.core.json_types import JsonValue, Parameters
from artfactoryd.errors import AskAgain, RunFailed
from artfactoryd.factories import Output, Outputs
from artfactoryd.factories.fal.requests import Ended, job_trouble
from artfactoryd.factories.http.answer import Answer, fields, shortened, text
from artfactoryd.factories.http.shapes import kept_answer, outputs_in, text_beside, text_in

# What fal calls the ways a run ends that are its own fault: never charged.
FREE = frozenset({
    "request_timeout", "startup_timeout", "generation_timeout", "internal_error", "internal_server_error",
    "downstream_service_error", "downstream_service_unavailable",
})  # fmt: skip
CANCELLED = frozenset({"client_cancelled", "client_disconnected"})
CLIENT_LEFT = 499  # nginx's: whoever asked went away
NOT_THE_RUNS = frozenset({401, 402, 403, 404, 408, 410, 429})  # errors of the way to a result: it is asked again
OF_THE_CALL = frozenset({400, 405, 409, 413, 415, 422})  # the model does not take what it was given
_NOT_YET = re.compile(r"in progress|not (yet )?complete|in queue", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Result:
    """The answer to the question for a result.

    `is_object`: it is JSON of a model or of fal, not a page of a proxy. `kind`: the word there for the way it failed.
    `lists_faults`: as a model does with its input. `words`: what it says, alone or beside its files.
    """

    answer: Answer
    is_object: bool
    kind: str
    lists_faults: bool
    files: tuple[Output, ...]
    words: Output | None
    parameters: Parameters

    @property
    def is_own_fault(self) -> bool:
        """Of the model or its runner: a 5xx that says so itself."""
        return self.is_object and (self.answer.status or 0) >= 500

    @property
    def is_of_the_run(self) -> bool:
        """The model's or the runner's own error, not one of the way to it: that would be asked again."""
        if self.answer.status == CLIENT_LEFT:
            return True
        if self.answer.ok or not self.is_object or self.answer.status in NOT_THE_RUNS:
            return False
        return self.lists_faults or self.kind.startswith("runner_") or self.kind.endswith("_timeout")


def read_result(answer: Answer) -> Result:
    value = answer.value()
    body = fields(value)
    detail = body.get("detail")
    files = outputs_in(body)
    return Result(
        answer=answer,
        is_object=isinstance(value, dict),
        kind=_kind(body, answer.headers),
        lists_faults=isinstance(detail, list),
        files=_flagged(files, body.get("has_nsfw_concepts")),
        words=(text_beside(body) if files else text_in(body)) if answer.ok else None,
        parameters={name: part for name, part in body.items() if isinstance(part, str | int | float)},
    )


def _kind(body: Mapping[str, JsonValue], headers: Mapping[str, str]) -> str:
    detail = body.get("detail")
    first = fields(detail[0]) if isinstance(detail, list) and detail else {}
    kinds = (body.get("error_type"), headers.get("X-Fal-Error-Type"), first.get("type"))
    return next(filter(None, map(text, kinds)), "")


def _flagged(files: Sequence[Output], flags: JsonValue) -> tuple[Output, ...]:
    """`flags` is a list of them, one for each file that is no byproduct, or one for all, or neither."""
    left = iter(flags if isinstance(flags, list) else [flags] * len(files))
    return tuple(file if file.byproduct else replace(file, flagged=next(left, None) is True) for file in files)


def outcome(request: Ended, result: Result) -> Outputs | None:
    """What a request that has ended gave; None: its result is not there yet. Raises RunFailed, AskAgain and others."""
    answer = result.answer
    if answer.status == 200 and result.is_object and (result.files or not request.has_failed):
        return _outputs(request, result)
    if request.has_failed or result.is_of_the_run:
        raise _failure(request, result)
    if answer.status == 202 or (answer.status == 400 and _NOT_YET.search(answer.reason())):
        return None
    if answer.status in OF_THE_CALL:
        raise _failure(request, result)
    if result.is_own_fault:
        # It may be the model's answer as well as fal's: no outage is made of it, others are answered.
        raise AskAgain(f"fal does not hand out what came of it ({answer.status}): {answer.reason()}.", answer.wait())
    raise job_trouble(answer)


def _failure(request: Ended, result: Result) -> RunFailed:
    """fal never charges for its own faults (5xx), which may pass; for a bad or unwanted input it may charge."""
    kind = request.kind or result.kind
    if kind in CANCELLED or result.answer.status == CLIENT_LEFT:
        return RunFailed("It was cancelled at fal.", charged=True, cancelled=True)
    if result.is_object and not result.answer.ok:
        reason = result.answer.reason()
    else:
        reason = shortened(request.error, result.answer.key) or kind or "no reason given"
    is_free = kind in FREE or kind.startswith("runner_") or result.is_own_fault
    return RunFailed(f"fal could not make it: {reason}.", charged=not is_free, passing=is_free)


def _outputs(request: Ended, result: Result) -> Outputs:
    outputs = (*result.files, result.words) if result.words else result.files
    if not outputs:
        sentence = "fal says it is done, without any output."
        raise RunFailed(sentence, charged=True, answer=kept_answer(result.answer.body))
    return Outputs(outputs, result.parameters, request.seconds)
