"""A workflow in ComfyUI's API format: which of its inputs are parameters, and which of its nodes makes what counts.

A node is called by its number, or by its title where no other has the same; never by its class, of which there may be
two tomorrow. Nothing here touches a disk or the network.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from artfactoryd.core.json_types import Document, Json, JsonValue, Parameters

INPUTS = ".inputs."
MOST_NAMED = 12  # nodes or inputs, in one sentence
EXPORT = (
    "In ComfyUI open it and take File > Export (API); in an older one switch on the dev mode in the settings first. "
    "The file that Save writes is for its editor alone."
)


class NotAWorkflow(ValueError):
    """Why it cannot be used, and what to do: a sentence each."""

    def __init__(self, sentence: str, fix: str) -> None:
        super().__init__(sentence)
        self.fix = fix


@dataclass(frozen=True, slots=True)
class Target:
    """One input of one node. `steps`: where its value stands inside the node's inputs."""

    node: str
    steps: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.node}{INPUTS}{'.'.join(self.steps)}"


@dataclass(frozen=True, slots=True)
class Workflow:
    graph: Mapping[str, Document]

    @classmethod
    def read(cls, data: bytes) -> Workflow:
        """Raises NotAWorkflow."""
        try:
            value = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise NotAWorkflow(f"it is no JSON ({error})", EXPORT) from error
        return cls.of(value)

    @classmethod
    def of(cls, value: JsonValue) -> Workflow:
        """Raises NotAWorkflow."""
        if isinstance(value, dict) and isinstance(value.get("nodes"), list):
            raise NotAWorkflow("it is a workflow as ComfyUI's editor saves it, which cannot be sent", EXPORT)
        if isinstance(value, dict) and isinstance(value.get("prompt"), dict):
            value = value["prompt"]  # as somebody sent it
        nodes = value if isinstance(value, dict) else {}
        graph = {name: node for name, node in nodes.items() if isinstance(node, dict) and "class_type" in node}
        if not graph or len(graph) < len(nodes):
            raise NotAWorkflow("it is no workflow in ComfyUI's API format", EXPORT)
        return cls({name: {**node, "inputs": node.get("inputs") or {}} for name, node in graph.items()})

    # --- names ---

    def title(self, node: str) -> str:
        meta = self.graph[node].get("_meta")
        title = meta.get("title") if isinstance(meta, Mapping) else None
        return title if isinstance(title, str) else ""

    def kind(self, node: str) -> str:
        return str(self.graph[node]["class_type"])

    @property
    def kinds(self) -> list[str]:
        """The classes of its nodes."""
        return sorted({self.kind(node) for node in self.graph})

    def named(self, node: str) -> str:
        """For a person: `node 3 (KSampler, "Portrait")`. Also of one that is not in it."""
        if node not in self.graph:
            return f"node {node}"
        title = self.title(node)
        return f"node {node} ({self.kind(node)}{f', “{title}”' if title not in ('', self.kind(node)) else ''})"

    def node(self, name: str) -> str:
        """The number of the node that is called so. Raises NotAWorkflow."""
        if name in self.graph:
            return name
        titled = [node for node in self.graph if self.title(node) == name]
        if len(titled) == 1:
            return titled[0]
        if titled:
            raise NotAWorkflow(f"{len(titled)} nodes are titled {name!r}", f"Take a number: {', '.join(titled)}.")
        of_kind = [node for node in self.graph if self.kind(node) == name]
        if of_kind:
            fix = f"A class may come twice: take the number ({', '.join(of_kind)}), or give the node a title."
            raise NotAWorkflow(f"{name} is the class of a node, and no node is titled so", fix)
        raise NotAWorkflow(f"it has no node {name!r}", f"It has: {self._listed(map(self.named, self.graph))}.")

    # --- inputs ---

    def target(self, written: str) -> Target:
        """`6.inputs.text`, `Sampler.inputs.seed`; deeper where an input is an object. Raises NotAWorkflow."""
        name, dots, rest = written.partition(INPUTS)
        if not dots or not name or not rest:
            raise NotAWorkflow(f"{written!r} names no input of a node", "Write NODE.inputs.NAME: 6.inputs.text.")
        node = self.node(name)
        steps = self._steps(node, rest)
        if link := _link(self._at(node, steps), self.graph):
            from_ = self.named(link)
            fix = f"Name the input of the node where the value is written: of {from_} or before it."
            raise NotAWorkflow(f"the input {rest} of {self.named(node)} comes from {from_}", fix)
        return Target(node, steps)

    def value(self, target: Target) -> JsonValue:
        """What the workflow has there."""
        return self._at(target.node, target.steps)

    def _steps(self, node: str, rest: str) -> tuple[str, ...]:
        """A name may have a dot in it, so the whole is looked for first."""
        inputs = self.graph[node]["inputs"]
        if rest in inputs:
            return (rest,)
        steps = tuple(rest.split("."))
        value: JsonValue = inputs
        for step in steps:
            if not isinstance(value, Mapping) or step not in value:
                own = self._listed(inputs) if inputs else "none"
                raise NotAWorkflow(f"{self.named(node)} has no input {rest}", f"It has: {own}.")
            value = value[step]
        return steps

    def _at(self, node: str, steps: Sequence[str]) -> JsonValue:
        value: JsonValue = self.graph[node]["inputs"]
        for step in steps:
            value = value[step]  # type: ignore[index,call-overload]
        return value

    def filled(self, targets: Mapping[str, Sequence[Target]], parameters: Parameters) -> Json:
        """The graph as it is sent. Raises KeyError for a parameter that is none."""
        graph: Json = copy.deepcopy(dict(self.graph))
        for name, value in parameters.items():
            for target in targets[name]:
                place = graph[target.node]["inputs"]
                for step in target.steps[:-1]:
                    place = place[step]
                place[target.steps[-1]] = copy.deepcopy(value)
        return graph

    def _listed(self, names: Iterator[str] | Mapping[str, object]) -> str:
        all_ = list(names)
        more = f" and {len(all_) - MOST_NAMED} more" if len(all_) > MOST_NAMED else ""
        return ", ".join(all_[:MOST_NAMED]) + more


def _link(value: JsonValue, graph: Mapping[str, Document]) -> str:
    """[node, output]: the node that it comes from; empty for a value that is written there."""
    is_link = isinstance(value, list) and len(value) == 2 and str(value[0]) in graph and isinstance(value[1], int)
    return str(value[0]) if is_link and isinstance(value, list) else ""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a model's file says for ComfyUI. `paid`: the classes of its nodes that cost money elsewhere."""

    workflow: Workflow
    targets: Mapping[str, tuple[Target, ...]]
    outputs: tuple[str, ...]
    paid: tuple[str, ...] = ()

    @classmethod
    def read(cls, value: Document) -> Recipe:
        """Of what `written` wrote. Raises NotAWorkflow where that was written by nobody of ours."""
        try:
            workflow = Workflow.of(value["workflow"])
            targets = {
                name: tuple(workflow.target(place) for place in places) for name, places in value["map"].items()
            }  # fmt: skip
            outputs = tuple(workflow.node(name) for name in value["output"])
        except (KeyError, TypeError, AttributeError) as error:
            raise NotAWorkflow("its model has no workflow", "Write workflow, map and output in its file.") from error
        return cls(workflow, targets, outputs, tuple(value.get("paid") or ()))

    def written(self) -> Json:
        """As it stands in an order that was accepted."""
        recipe: Json = {
            "workflow": dict(self.workflow.graph), "output": list(self.outputs),
            "map": {name: [str(target) for target in targets] for name, targets in self.targets.items()},
        }  # fmt: skip
        return {**recipe, "paid": list(self.paid)} if self.paid else recipe
