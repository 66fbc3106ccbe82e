"""ComfyUI's `prompt`: the graph that was run. What made the picture is looked for before what saved it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from artfactoryd.core.foreign.told import Told, model_name, named

MOST_NODES = 10_000  # looked at on one way
MOST_TEXTS = 50  # one in another
MOST_SAMPLERS = 20
MODELS = ("ckpt_name", "unet_name", "model_name", "gguf_name")
NUMBERS = ("seed", "noise_seed", "steps", "cfg", "guidance", "sampler_name", "scheduler", "denoise")
SIZES = ("width", "height")
LATENT = "latent_image"
ZERO = "zeroout"  # in the name of a node that makes nothing of a text
TEXT = re.compile(r"text|string|prompt|populated|wildcard_text|t5xxl|clip_[lg]$|value$", re.IGNORECASE)
SAMPLES = ("latent_image", "noise", "guider", "sigmas", "sampler")  # inputs of whatever samples
HELD = ("value", "Value", "seed", "number", "int", "float")  # what primitive nodes call it
Node = Mapping[str, object]
Graph = Mapping[str, Node]


def read(value: object) -> Told | None:
    """None where it is no such graph."""
    graph = _graph(value)
    if not graph:
        return None
    samplers = list(islice(_samplers(graph), MOST_SAMPLERS))
    if not samplers:
        return Told("comfyui")
    prompts = {key: _words(graph, key, ("positive", "conditioning", "guider")) for key in samplers}
    told = [key for key in samplers if prompts[key]]
    sampler = told[-1] if told else samplers[-1]  # the first that was run: others made its picture larger, or finer
    before = list(_before(graph, [sampler]))
    given: dict[str, object] = {"prompt": prompts[sampler]}
    given["negative_prompt"] = _words(graph, sampler, ("negative", "guider"), negative=True)
    for name in NUMBERS:
        known = "seed" if name == "noise_seed" else name
        if given.get(known) is None:
            given[known] = _nearest(graph, before, name)
    latent = _link(graph, _inputs(graph[sampler]).get(LATENT))
    for name in SIZES if latent else ():
        given[name] = _nearest(graph, list(_before(graph, [latent])), name)
    model = next((found for node in before for name in MODELS if isinstance(found := _inputs(node).get(name), str)), "")
    loras = [str(_inputs(node)["lora_name"]) for node in before if isinstance(_inputs(node).get("lora_name"), str)]
    if loras:
        given["loras"] = ", ".join(map(model_name, loras))
    return Told("comfyui", named(given), model_name(model))


def _graph(value: object) -> Graph:
    if not isinstance(value, Mapping):
        return {}
    return {str(key): node for key, node in value.items() if isinstance(node, Mapping) and "class_type" in node}


def _inputs(node: Node) -> Mapping[str, object]:
    inputs = node.get("inputs")
    return inputs if isinstance(inputs, Mapping) else {}


def _nearest(graph: Graph, nodes: Sequence[Node], name: str) -> object:
    return next((value for node in nodes if (value := _plain(graph, node, name)) is not None), None)


def _plain(graph: Graph, node: Node, name: str) -> str | int | float | None:
    """As it stands there, or in a node that holds nothing else."""
    value = _inputs(node).get(name)
    if link := _link(graph, value):
        inner = _inputs(graph[link])
        value = next((inner[held] for held in (name, *HELD) if _is_plain(inner.get(held))), None)
    return value if isinstance(value, str | int | float) and _is_plain(value) else None


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _samplers(graph: Graph) -> Iterator[str]:
    """The nearest before what saves; else any."""
    saves = [key for key, node in graph.items() if "save" in str(node["class_type"]).lower()]
    for key in _keys_before(graph, saves or list(graph)):
        if _samples(graph[key]):
            yield key


def _samples(node: Node) -> bool:
    inputs = _inputs(node)
    return ("positive" in inputs and ("seed" in inputs or "noise_seed" in inputs)) or (
        "sampler" in str(node["class_type"]).lower() and sum(name in inputs for name in SAMPLES) >= 2
    )


def _keys_before(graph: Graph, first: Sequence[str]) -> Iterator[str]:
    """Breadth first, each once."""
    seen, waiting = dict.fromkeys(first), list(first)
    while waiting and len(seen) < MOST_NODES:
        key = waiting.pop(0)
        yield key
        links = [link for value in _inputs(graph[key]).values() if (link := _link(graph, value)) and link not in seen]
        seen.update(dict.fromkeys(links))
        waiting += links


def _before(graph: Graph, first: Sequence[str]) -> Iterator[Node]:
    return (graph[key] for key in islice(_keys_before(graph, first), MOST_NODES))


def _link(graph: Graph, value: object) -> str:
    """The node that an input comes from."""
    if isinstance(value, list) and len(value) == 2 and str(value[0]) in graph:
        return str(value[0])
    return ""


def _words(graph: Graph, sampler: str, ways: Sequence[str], *, negative: bool = False) -> str:
    """The first text on the first of these ways that leads to one."""
    for way in ways:
        link = _link(graph, _inputs(graph[sampler]).get(way))
        if link and way == "guider":
            inner = ("negative",) if negative else ("positive", "conditioning")
            return _words(graph, link, inner, negative=negative)
        if link:
            return _first_text(graph, link, negative=negative)
    return ""


def _first_text(graph: Graph, key: str, *, negative: bool) -> str:
    """What joins a positive and a negative text hands each on; so only the one asked for is followed."""
    wanted, skipped = ("negative", "positive") if negative else ("positive", "negative")
    seen, waiting = {key}, [key]
    while waiting and len(seen) < MOST_NODES:
        node = graph[waiting.pop(0)]
        if ZERO in str(node["class_type"]).lower():
            return ""
        if texts := _texts(graph, node, wanted, skipped, frozenset()):
            return ", ".join(dict.fromkeys(texts))
        inputs = _inputs(node)
        names = [name for name in inputs if name != skipped and name not in ("clip", "vae", "model")]
        links = [link for name in names if (link := _link(graph, inputs[name])) and link not in seen]
        seen.update(links)
        waiting += links
    return ""


def _texts(graph: Graph, node: Node, wanted: str, skipped: str, seen: frozenset[str]) -> list[str]:
    """Those that a node holds, or is handed, in their order."""
    texts = list[str]()
    for name, value in _inputs(node).items():
        if skipped in name or len(seen) > MOST_TEXTS or not (TEXT.match(name) or name == wanted):
            continue
        if isinstance(value, str) and value.strip():
            texts.append(value.strip())
        elif (link := _link(graph, value)) and link not in seen:
            texts += _texts(graph, graph[link], wanted, skipped, seen | {link})
    return texts
