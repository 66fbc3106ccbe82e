"""What became of one prompt at ComfyUI, by its run, its queue or its history. No network here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as replaced
from urllib.parse import urlencode

from artfactoryd.core.json_types import JsonValue
from artfactoryd.core.measures import seconds_of_run
from artfactoryd.errors import AskAgain, OutputLost, RunFailed
from artfactoryd.factories import Output, Outputs, Ticket
from artfactoryd.factories.http.answer import fields, objects, shortened, text
from artfactoryd.factories.http.shapes import text_in

UNDER_WAY = ("pending", "in_progress")
ENDED = ("completed", "failed", "cancelled")


# --- tickets ---


@dataclass(frozen=True, slots=True)
class Slip:
    """What a ticket tells: the id of the prompt, the nodes whose outputs count (by number, with their names), what it
    said of other nodes when it took it, and whether a node of it costs money."""

    prompt_id: str
    outputs: Mapping[str, str]
    wrong: str = ""
    is_paid: bool = False

    def ticket(self) -> Ticket:
        more = {"wrong": self.wrong} if self.wrong else {}
        told = {"prompt_id": self.prompt_id, "outputs": dict(self.outputs), **more}
        return Ticket(json.dumps({**told, "paid": True} if self.is_paid else told))

    @classmethod
    def read(cls, ticket: Ticket) -> Slip:
        """Raises OutputLost for what is no ticket of ComfyUI's."""
        try:
            value = fields(json.loads(ticket.text))
        except ValueError:
            value = {}
        name, outputs = text(value.get("prompt_id")), fields(value.get("outputs"))
        if name is None:
            raise OutputLost("This is no ticket of ComfyUI's.")
        names = {node: str(words) for node, words in outputs.items()}
        return cls(name, names, text(value.get("wrong")) or "", value.get("paid") is True)


# --- what is told of one ---


@dataclass(frozen=True, slots=True)
class Ended:
    """A prompt that has ended. `outputs`: by node. `error`: in words, empty where it ended well."""

    outputs: Mapping[str, JsonValue] = field(default_factory=dict)
    error: str = ""
    was_stopped: bool = False
    seconds: float | None = None


def read_ended(value: JsonValue) -> Ended | None:
    """Of an answer of /api/jobs/ID: None while it waits or runs. Raises AskAgain for a state not known here."""
    job = fields(value)
    status = text(job.get("status"))
    if status in UNDER_WAY:
        return None
    if status not in ENDED:
        raise AskAgain(f"ComfyUI says {status!r} of a run, a state this program does not know.")
    read = _read(job.get("outputs"), job.get("execution_status"))
    error = fields(job.get("execution_error"))
    if status == "cancelled":
        return replaced(read, was_stopped=True)
    if status == "failed" and not read.error:
        return replaced(read, error=_words(error) if error else "it does not say why")
    return read


def in_history(value: JsonValue, prompt_id: str) -> Ended | None:
    """Of an answer of /history/ID; None where it is not in there."""
    entry = fields(fields(value).get(prompt_id))
    return _read(entry.get("outputs"), entry.get("status")) if entry else None


def is_queued(value: JsonValue, prompt_id: str) -> bool:
    """Of an answer of /queue: whether it waits there or runs."""
    return any(prompt_id in _ids(value, part) for part in ("queue_running", "queue_pending"))


def is_running(value: JsonValue, prompt_id: str) -> bool:
    return prompt_id in _ids(value, "queue_running")


def _ids(value: JsonValue, part: str) -> set[JsonValue]:
    items = fields(value).get(part)
    rows = items if isinstance(items, list) else []
    return {item[1] for item in rows if isinstance(item, list) and len(item) > 1 and isinstance(item[1], str)}


def _read(outputs: JsonValue, status: JsonValue) -> Ended:
    told = dict(_messages(fields(status).get("messages")))
    error = told.get("execution_error")
    begun, over = (_moment(told, name) for name in (("execution_start",), ("execution_success", "execution_error")))
    seconds = seconds_of_run((over - begun) / 1000) if begun is not None and over is not None else None
    failed = _words(error) if error is not None else ""
    if not failed and fields(status).get("status_str") == "error" and "execution_interrupted" not in told:
        failed = "it does not say why"
    return Ended(fields(outputs), failed, "execution_interrupted" in told, seconds)


def _messages(value: JsonValue) -> Iterator[tuple[str, Mapping[str, JsonValue]]]:
    for message in value if isinstance(value, list) else ():
        if isinstance(message, list) and len(message) > 1 and isinstance(message[0], str):
            yield message[0], fields(message[1])


def _moment(told: Mapping[str, Mapping[str, JsonValue]], names: Sequence[str]) -> float | None:
    moments = [told[name].get("timestamp") for name in names if name in told]
    return next((float(moment) for moment in moments if isinstance(moment, int | float)), None)


def _words(error: Mapping[str, JsonValue]) -> str:
    """What went wrong in which node."""
    node, kind = text(error.get("node_id")), text(error.get("node_type"))
    what, message = text(error.get("exception_type")) or "", text(error.get("exception_message")) or ""
    where = f"node {node} ({kind})" if node and kind else f"node {node}" if node else "a node"
    if "OutOfMemory" in what:
        return f"{where} needs more memory than its graphics card has ({shortened(message, '')})"
    return f"{where}: {shortened(f'{what}: {message}' if what else message, '') or 'it does not say why'}"


# --- what came of it ---


def outcome(run: Ended, slip: Slip, base: str) -> Outputs:
    """The files of the nodes that count. Raises RunFailed."""
    if run.was_stopped:
        raise RunFailed("It was stopped at ComfyUI.", charged=slip.is_paid, cancelled=True)
    if run.error:
        raise RunFailed(f"ComfyUI could not make it: {run.error}.", charged=slip.is_paid)
    made = [output for node in slip.outputs for output in _of_node(run.outputs.get(node), base)]
    if not made:
        raise RunFailed(_nothing(run, slip), charged=slip.is_paid, answer=json.dumps(dict(run.outputs))[:20_000])
    files = [output for output in made if not _is_text(output)]
    if files:  # words beside a picture are no more to count
        made = [replaced(output, byproduct=_is_text(output)) for output in made]
    return Outputs(tuple({output.address: output for output in made}.values()), seconds=run.seconds)


def _is_text(output: Output) -> bool:
    return output.address.startswith("data:")


def _of_node(value: JsonValue, base: str) -> Iterator[Output]:
    """Every file that a node made, under whatever word it lists them: images (films too), gifs, audio, 3d."""
    for name, parts in fields(value).items():
        for part in objects(parts):
            file = text(part.get("filename"))
            if file is not None:
                asked = {"filename": file, "subfolder": str(part.get("subfolder") or ""),
                         "type": str(part.get("type") or "output")}  # fmt: skip
                yield Output(f"{base}/view?{urlencode(asked)}")
        if name in ("text", "string") and (words := text_in(parts)):
            yield words


def _nothing(run: Ended, slip: Slip) -> str:
    names = ", ".join(slip.outputs.values())
    if slip.wrong:
        return f"{names} made nothing, because a part of the workflow was left out: {slip.wrong}."
    others = [node for node, value in run.outputs.items() if node not in slip.outputs and any(_of_node(value, ""))]
    hint = f" Files came from node {', '.join(others)}: is `output` the right one?" if others else ""
    return f"{names} made nothing.{hint}"
