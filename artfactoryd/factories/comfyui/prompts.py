"""What is sent to ComfyUI for one item, and what its refusals mean, node by node, in words. No network here."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from artfactoryd.core.json_types import Json, JsonValue
from artfactoryd.errors import CallRefused, InDoubt, ProviderError, ProviderStopped, Throttled, Unreachable
from artfactoryd.factories import Call
from artfactoryd.factories.comfyui.client import why_not
from artfactoryd.factories.comfyui.workflow import NotAWorkflow, Recipe, Workflow
from artfactoryd.factories.http.answer import Answer, fields, named, objects, shortened, text
from artfactoryd.factories.http.transport import surely_unsent

OURS = uuid.UUID("6f0c7f0e-6d0f-5d3b-9a55-0a6f1d0a7c11")  # the namespace of our names at ComfyUI
CLIENT = str(uuid.uuid5(OURS, "artfactoryd"))  # without one, outputs of cached nodes are missing in the history
PREFIX = "filename_prefix"
UNRAISED = "Nothing was queued."
MOST_LISTED = 8  # of the values that a ComfyUI has, in a sentence
NO_COMFYUI = frozenset({404, 405, 501})  # of an address where something else answers


def prompt_id(attempt: str) -> str:
    """Of one sending: the same for the same attempt, so that one whose answer was lost is found by it."""
    return str(uuid.uuid5(OURS, attempt) if attempt else uuid.uuid4())


def recipe_of(call: Call) -> Recipe:
    """Raises CallRefused."""
    try:
        return Recipe.read(call.recipe)
    except NotAWorkflow as error:
        raise CallRefused(f"{error}. {error.fix} {UNRAISED}") from error


def body(call: Call, recipe: Recipe, name: str, key: str) -> Json:
    """`key`: of an account at Comfy, sent only where the plan has said that a node costs money."""
    unknown = sorted(call.parameters.keys() - recipe.targets.keys())
    if unknown:
        raise CallRefused(f"The model's map has no {', '.join(unknown)}. {UNRAISED}")
    graph = _saving_anew(recipe.workflow.filled(recipe.targets, call.parameters), recipe, name)
    document: Json = {"prompt": graph, "prompt_id": name, "client_id": CLIENT}
    return {**document, "extra_data": {"api_key_comfy_org": key}} if recipe.paid and key else document


def _saving_anew(graph: Json, recipe: Recipe, name: str) -> Json:
    """With names of its own for the files, so that what ComfyUI has made before is saved again: of a node whose inputs
    are all as they were it gives no files, or those of before, which a person may have tidied away."""
    ordered = {target.node for targets in recipe.targets.values() for target in targets if target.steps == (PREFIX,)}
    for node, value in graph.items():
        prefix = value["inputs"].get(PREFIX)
        if isinstance(prefix, str) and node not in ordered:
            value["inputs"][PREFIX] = f"{prefix}_{name[:8]}"
    return graph


def taken_as(answer: Answer) -> str | None:
    """The id under which it was queued; None where the answer does not say that it was."""
    own = text(fields(answer.accepted()).get("prompt_id"))
    return own if own and own.isprintable() else None


def partly_wrong(answer: Answer, workflow: Workflow) -> str:
    """What it will not make of what it took: a branch that is wrong is left out without a refusal."""
    return _of_nodes(fields(answer.value()).get("node_errors"), workflow)


def not_taken(error: Exception | None, answer: Answer, base: str, workflow: Workflow) -> ProviderError:
    """The one place that says what a create without an id means. What is not listed is in doubt."""
    if not answer.sent:
        return CallRefused(f"This could not be written as a request to ComfyUI: {named(error, '')}. {UNRAISED}")
    if answer.status is None and isinstance(error, surely_unsent()):
        return Unreachable(f"ComfyUI cannot be reached at {base}: {why_not(error, base)}. {UNRAISED}")
    if answer.status is None:
        words = f"A create was sent to ComfyUI and its answer was lost: {named(error, '')}."
        return InDoubt(f"{words} It is looked for by its own id.")
    reason = answer.reason()
    if answer.status in (400, 413, 422):
        return CallRefused(f"ComfyUI refused this: {_refusal(answer, workflow)}. {UNRAISED}")
    if answer.status in (401, 403, 407):
        return ProviderStopped(f"What answers at {base} lets nobody in ({answer.status}): {reason}. {UNRAISED}")
    if answer.status in NO_COMFYUI or 300 <= answer.status < 400:
        return ProviderStopped(
            f"What answers at {base} is no ComfyUI ({answer.status}). Its address is providers.comfyui.base_url; "
            f"`artfactoryd resume comfyui` goes on. {UNRAISED}"
        )
    if answer.status == 429:
        return Throttled(f"ComfyUI asks to wait (429): {reason}.", answer.wait())
    return InDoubt(f"ComfyUI answered {answer.status} to a create ({reason}). It is looked for by its own id.")


def _refusal(answer: Answer, workflow: Workflow) -> str:
    document = fields(answer.value())
    if words := _of_nodes(document.get("node_errors"), workflow):
        return words
    error = fields(document.get("error"))
    kind, message, details = (text(error.get(name)) or "" for name in ("type", "message", "details"))
    missing = text(fields(error.get("extra_info")).get("class_type"))
    if kind == "missing_node_type" or "does not exist" in message:
        node = missing or message
        return f"it has no node of the class {shortened(node, '')}: install the custom nodes that bring it" if missing \
            else f"{shortened(message, '')}: install the custom nodes that bring it"  # fmt: skip
    if kind == "prompt_no_outputs":
        return "the workflow has no node that saves or shows anything"
    return shortened(": ".join(part for part in (message, details) if part), "") or answer.reason()


def _of_nodes(errors: JsonValue, workflow: Workflow) -> str:
    parts = [
        f"{workflow.named(node)}: {words}"
        for node, about in fields(errors).items()
        for words in map(_complaint, objects(fields(about).get("errors")))
    ]
    return "; ".join(dict.fromkeys(parts))


def _complaint(error: dict[str, JsonValue]) -> str:
    """One thing wrong with one node."""
    info, details = fields(error.get("extra_info")), text(error.get("details")) or ""
    name = text(info.get("input_name")) or details.partition(":")[0].partition(",")[0]
    given = info.get("received_value")
    match text(error.get("type")):
        case "value_not_in_list":
            return f"{_not_there(name, given, details)}{_there(info.get('input_config'))}"
        case "value_smaller_than_min" | "value_bigger_than_max":
            limits = {part: fields(_second(info.get("input_config"))).get(part) for part in ("min", "max")}
            return f"{name} is {given}, and may be {limits['min']} to {limits['max']}"
        case "required_input_missing":
            return f"{name} is missing"
        case "custom_validation_failed" if "image" in details.lower():
            return f"the picture is not there ({shortened(details, '')})"
    message = text(error.get("message")) or "it is wrong"
    return shortened(f"{message} ({details})" if details else message, "")


def _not_there(name: str, given: JsonValue, details: str) -> str:
    if isinstance(given, str) and "." in given:
        return f"the file {given} is not there ({name})"
    value = given if given is not None else shortened(details, "")
    return f"{name} may not be {value}"


def _there(config: JsonValue) -> str:
    choices = list(_choices(config))
    if not choices:
        return ", and it has none: put one into its models folder"
    more = f" and {len(choices) - MOST_LISTED} more" if len(choices) > MOST_LISTED else ""
    return f"; it has {', '.join(choices[:MOST_LISTED])}{more}"


def _choices(config: JsonValue) -> Iterator[str]:
    first = config[0] if isinstance(config, list) and config else None
    given = first if isinstance(first, list) else fields(_second(config)).get("options")
    yield from (str(choice) for choice in given) if isinstance(given, list) else ()


def _second(config: JsonValue) -> JsonValue:
    return config[1] if isinstance(config, list) and len(config) > 1 else None
