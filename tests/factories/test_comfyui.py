"""A ComfyUI of one's own: what model files may say of a workflow, and what each of its answers means."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from artfactoryd import documents
from artfactoryd.core.model import Model
from artfactoryd.errors import (
    AskAgain,
    CallRefused,
    InDoubt,
    OutputLost,
    ProviderStopped,
    Refusal,
    RunFailed,
    Throttled,
    Unreachable,
)
from artfactoryd.factories import Absent, Attempt, Call, ProviderSettings, Ticket, comfyui
from artfactoryd.factories.comfyui import ComfyUI, client, model_file, prompts, results
from artfactoryd.factories.comfyui.results import Slip
from artfactoryd.factories.comfyui.workflow import Recipe, Workflow
from artfactoryd.factories.http.answer import Answer
from artfactoryd.schema import check
from tests.emulator.client import Emulator

EXAMPLES = Path(__file__).parents[2] / "examples" / "comfyui"
PORTRAIT: dict[str, Any] = json.loads((EXAMPLES / "portrait.api.json").read_text())
MAP = {"prompt": "Prompt.inputs.text", "seed": "3.inputs.seed", "n": "5.inputs.batch_size"}
FILE = {"provider": "comfyui", "workflow": "w.json", "map": MAP, "output": 9}
PAID = {
    "1": {"class_type": "FluxProUltraImageNode", "inputs": {"prompt": "a fox", "seed": 0}},
    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}},
}


def read(graph: Any = PORTRAIT, **other: Any) -> Mapping[str, Any]:
    return model_file.read({**FILE, **other}, "portrait", lambda name: json.dumps(graph).encode())


def call(graph: Any = PORTRAIT, attempt: str = "", **parameters: Any) -> Call:
    return Call("portrait", None, {"prompt": "A red car", **parameters}, read(graph)["recipe"], attempt)


# --- model files ---


def changed(**nodes: Any) -> dict[str, Any]:
    return {**PORTRAIT, **{name.removeprefix("n"): node for name, node in nodes.items()}}


TWINS = changed(n7={**PORTRAIT["7"], "_meta": {"title": "Prompt"}})
WRONG: list[tuple[str, Any, dict[str, Any], str, str]] = [
    ("saved by the editor", {"nodes": [], "links": []}, {}, "workflow", "Export (API)"),
    ("something else", {"a": 1}, {}, "workflow", "Export (API)"),
    ("no such node", PORTRAIT, {"output": 99}, "output", "node 9 (SaveImage"),
    ("a class", PORTRAIT, {"map": {"seed": "CLIPTextEncode.inputs.text"}}, "map.seed", "the number (6, 7)"),
    ("a title twice", TWINS, {}, "map.prompt", "6, 7"),
    ("no such input", PORTRAIT, {"map": {"a": "6.inputs.txt"}}, "map.a", "text, clip"),
    ("a link", PORTRAIT, {"map": {"a": "3.inputs.positive"}}, "map.a", "comes from node 6 (CLIPTextEncode, “Prompt”)"),
    ("no input at all", PORTRAIT, {"map": {"a": "6.text"}}, "map.a", "NODE.inputs.NAME"),
    ("no output", PORTRAIT, {"output": None}, "", "output: 9"),
    ("no map", PORTRAIT, {"map": {}}, "", "map: {"),
]


@pytest.mark.parametrize(("graph", "other", "path", "words"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_what_is_wrong_with_a_model_file_is_said_with_its_key_and_a_way_out(
    graph: Any, other: dict[str, Any], path: str, words: str
) -> None:
    with pytest.raises(Refusal) as caught:
        read(graph, **other)
    [problem] = caught.value.problems
    assert problem.key == path and words in str(problem)


def test_parameters_take_their_kinds_from_the_workflow_and_another_workflow_is_another_version() -> None:
    entry = read(map={**MAP, "steps": ["3.inputs.steps"], "cfg": "3.inputs.cfg"})
    properties = entry["schema"]["properties"]
    assert {name: part["type"] for name, part in properties.items()} == {
        "prompt": "string", "seed": "integer", "n": "integer", "steps": "integer", "cfg": "number",
    }  # fmt: skip
    assert (entry["seed"], entry["batch"], properties["seed"]["maximum"]) == ("seed", "n", 2**64 - 1)
    assert read()["model"] == read()["model"] != read(TWINS, map={"a": "6.inputs.text"})["model"]
    nested = {"class_type": "Power Lora Loader", "inputs": {"lora_1": {"on": True, "strength": 1.0}, "a.b": 3}}
    entry = read(changed(n30=nested), map={"strength": "30.inputs.lora_1.strength", "deep": "30.inputs.a.b"})
    recipe = Recipe.read(entry["recipe"])
    filled = recipe.workflow.filled(recipe.targets, {"strength": 0.5, "deep": 4})
    assert filled["30"]["inputs"] == {"lora_1": {"on": True, "strength": 0.5}, "a.b": 4}
    assert recipe.workflow.graph["30"]["inputs"]["lora_1"]["strength"] == 1.0


def test_the_model_file_on_its_page_is_the_example() -> None:
    page = (EXAMPLES.parents[1] / "docs" / "comfyui.md").read_text()
    block = page.partition("```yml\n")[2].partition("   ```")[0]
    told = [line.strip() for line in (EXAMPLES / "portrait.yaml").read_text().splitlines() if line[:1] != "#"]
    assert [line.strip() for line in block.splitlines()] == told
    for file in EXAMPLES.glob("*.yaml"):
        [document] = documents.read_documents(file.read_bytes(), file.name)
        assert check(document, "model") == []  # an editor has nothing against it


# --- what its answers mean ---


def answer(status: int, body: Any) -> Answer:
    return Answer("", True, status, {}, bytearray(body if isinstance(body, bytes) else json.dumps(body).encode()))


CHECKPOINT = {
    "type": "value_not_in_list", "message": "Value not in list", "details": "ckpt_name: 'x.safetensors' not in []",
    "extra_info": {"input_name": "ckpt_name", "input_config": [[], {}], "received_value": "x.safetensors"},
}  # fmt: skip
NO_CUSTOM = {"error": {"type": "invalid_prompt", "message": "Cannot execute because node Foo does not exist."}}
ANSWERS: list[tuple[int, Any, type[Exception], str]] = [
    (400, {"error": {}, "node_errors": {"4": {"errors": [CHECKPOINT]}}}, CallRefused, "x.safetensors is not there"),
    (400, NO_CUSTOM, CallRefused, "install the custom nodes"),
    (400, {"error": {"type": "invalid_prompt", "message": "No prompt"}, "node_errors": []}, CallRefused, "No prompt"),
    (400, b"<h1>Bad Request</h1>", CallRefused, "Bad Request"),
    (413, b"", CallRefused, "Nothing was queued"),
    (401, b"", ProviderStopped, "lets nobody in"),
    (404, b"404: Not Found", ProviderStopped, "is no ComfyUI"),
    (302, b"", ProviderStopped, "is no ComfyUI"),
    (429, b"", Throttled, "asks to wait"),
    (500, b"", InDoubt, "by its own id"),
    (502, "<html>", InDoubt, "by its own id"),
    (200, b"<<<", InDoubt, "by its own id"),
    (200, {"number": 1}, InDoubt, "by its own id"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "kind", "words"), ANSWERS)
def test_what_a_create_without_an_id_means(status: int, body: Any, kind: type[Exception], words: str) -> None:
    told, workflow = answer(status, body), Workflow.of(PORTRAIT)
    assert prompts.taken_as(told) is None
    error = prompts.not_taken(None, told, "http://127.0.0.1:8188", workflow)
    assert type(error) is kind and words in str(error)


def test_a_neighbour_that_macos_hides_is_named_with_the_remedy() -> None:
    class Wrapped(OSError):
        os_error = OSError(65, "No route to host")

    hidden = client.why_not(Wrapped(), "http://192.168.1.20:8188")
    assert "Local Network" in hidden and "System Settings" in hidden
    assert "is it running" in client.why_not(ConnectionRefusedError(61, "refused"), "http://127.0.0.1:8188")
    assert "--listen" in client.why_not(ConnectionRefusedError(61, "refused"), "http://gpu.local:8188")


SLIP = Slip("p", {"9": "node 9 (SaveImage)"})
FILES: dict[str, Any] = {"images": [{"filename": "a b.png", "subfolder": "x", "type": "output"}], "animated": [True]}


def test_all_files_of_the_nodes_that_count_are_outputs_whatever_they_are_listed_under() -> None:
    film: dict[str, Any] = {"gifs": [{"filename": "f.mp4", "subfolder": "", "type": "temp"}], "text": ["what it saw"]}
    run = results.Ended({"9": FILES, "12": film, "13": FILES})
    made = results.outcome(run, replace(SLIP, outputs={"9": "", "12": ""}), "http://h").outputs
    assert [output.address for output in made[:2]] == [
        "http://h/view?filename=a+b.png&subfolder=x&type=output", "http://h/view?filename=f.mp4&subfolder=&type=temp",
    ]  # fmt: skip
    assert [output.byproduct for output in made] == [False, False, True] and made[2].address.startswith("data:")


ENDS: list[tuple[results.Ended, Slip, str, bool]] = [
    (results.Ended({"13": FILES}), SLIP, "Files came from node 13: is `output` the right one?", False),
    (results.Ended({}), replace(SLIP, wrong="node 4: gone"), "left out: node 4: gone", False),
    (results.Ended({}, "node 3 (KSampler): it broke"), SLIP, "could not make it: node 3 (KSampler): it broke", False),
    (results.Ended({}, was_stopped=True), SLIP, "was stopped at ComfyUI", False),
    (results.Ended({}, "Unauthorized"), replace(SLIP, is_paid=True), "Unauthorized", True),
]


@pytest.mark.parametrize(("run", "slip", "words", "charged"), ENDS)
def test_a_run_that_gives_nothing_says_why(run: results.Ended, slip: Slip, words: str, charged: bool) -> None:
    with pytest.raises(RunFailed, match=words.replace("(", r"\(").replace(")", r"\)").replace("?", r"\?")) as caught:
        results.outcome(run, slip, "http://h")
    assert caught.value.charged is charged and caught.value.cancelled is run.was_stopped


# --- against the emulator ---


@pytest.fixture(scope="module")
def at_work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(tmp_path_factory.mktemp("comfyui") / "queued.jsonl", "comfyui") as emulator:
        yield emulator


@pytest.fixture
def comfy(at_work: Emulator) -> Emulator:
    at_work.calm()
    return at_work


def factory(comfy: Emulator, key: str | None = None, steady: Callable[[], float] = lambda: 0.0) -> ComfyUI:
    return ComfyUI(ProviderSettings("comfyui", key, {"base_url": comfy.base_url}, timeout=2.0), steady)


async def outcome_of(made: ComfyUI, ticket: Ticket) -> Any:
    while (outputs := await made.collect(ticket)) is None:
        await asyncio.sleep(0.01)
    return outputs


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("told", ["close-after", "half", "garbage", "500-after", "500", "close-before"])
async def test_a_create_whose_answer_was_lost_is_found_by_its_own_id_or_proven_not_to_be_there(
    comfy: Emulator, told: str, old: bool
) -> None:
    comfy.control(create=[told], old=old)
    before, now = len(comfy.creates()), [0.0]
    attempt = Attempt(f"{told}-{old}", call(attempt=f"{told}-{old}"), datetime.now(UTC))
    made = factory(comfy, steady=lambda: now[0])
    taken = 0 if told in ("500", "close-before") else 1
    try:
        ticket = await made.submit(attempt.call)
        assert told == "500-after"  # it was looked up at once
    except CallRefused:
        assert told == "500"
    except InDoubt:
        found = await made.reconcile([attempt], [])
        assert (attempt.id in found) == bool(taken)
        now[0] += comfyui.APART
        answer = (await made.reconcile([attempt], []))[attempt.id]
        assert isinstance(answer, Ticket if taken else Absent)
        ticket = answer if isinstance(answer, Ticket) else Ticket("")
    assert len(comfy.creates()) - before == taken
    if taken:
        assert comfy.creates()[-1]["id"] == prompts.prompt_id(attempt.id)
        assert len((await outcome_of(made, ticket)).outputs) == 1
    await made.close()


async def test_what_a_restart_of_comfyui_forgot_is_made_again_and_never_where_it_costs_money(comfy: Emulator) -> None:
    made = factory(comfy)
    ticket = await made.submit(call())
    comfy.forget()
    with pytest.raises(RunFailed, match="made again") as caught:
        await made.collect(ticket)
    assert caught.value.passing and not caught.value.charged
    with pytest.raises(OutputLost):
        await made.collect(Slip("unknown", {"9": ""}, is_paid=True).ticket())
    recipe = {**read(PAID, map={"prompt": "1.inputs.prompt"}, output=2)["recipe"], "paid": ["FluxProUltraImageNode"]}
    lost = Attempt("lost", Call("dear", None, {}, recipe), datetime.now(UTC) - timedelta(hours=1))
    assert await made.reconcile([lost], []) == {}
    await made.close()


async def test_a_node_that_costs_money_runs_only_by_a_recipe_that_says_so_and_with_a_key(comfy: Emulator) -> None:
    before, made, keyed = len(comfy.creates()), factory(comfy), factory(comfy, "comfyui-key")
    mapped = {"prompt": "1.inputs.prompt"}
    entry = read(PAID, map=mapped, output=2)
    model = Model.from_mapping(entry, "")
    told = dict(await made.complete(model))
    assert "price" not in told and told["recipe"]["paid"] == ["FluxProUltraImageNode"]
    for factory_, recipe, words in (
        (keyed, entry["recipe"], "Order it again"), (made, told["recipe"], "providers.comfyui.api_key"),
    ):  # fmt: skip
        with pytest.raises(CallRefused, match=words):
            await factory_.submit(Call("dear", None, {"prompt": "a fox"}, recipe))
    assert len(comfy.creates()) == before
    ticket = await keyed.submit(Call("dear", None, {"prompt": "a fox"}, told["recipe"]))
    assert comfy.creates()[-1]["has_key"] and (await outcome_of(keyed, ticket)).outputs
    await keyed.submit(call())
    assert not comfy.creates()[-1]["has_key"] and comfy.creates()[-1]["client_id"] == prompts.CLIENT
    await made.close()
    await keyed.close()


async def test_types_and_ranges_come_from_comfyui_and_a_class_that_it_lacks_is_a_sentence(comfy: Emulator) -> None:
    made = factory(comfy)
    mapped = {"prompt": "6.inputs.text", "sampler": "3.inputs.sampler_name", "w": "5.inputs.width", "c": "3.inputs.cfg"}
    told = await made.complete(Model.from_mapping(read(map=mapped), ""))
    properties = told["schema"]["properties"]
    assert properties["sampler"]["enum"] == ["euler", "dpmpp_2m", "ddim"] and told["price"]["usd"] == 0
    assert (properties["w"]["minimum"], properties["w"]["maximum"], properties["w"]["type"]) == (16, 16384, "integer")
    assert (properties["c"]["type"], properties["c"]["maximum"]) == ("number", 100.0)
    assert properties["prompt"]["description"] == "The text to be encoded."
    graph = changed(n30={"class_type": "FancyNode", "inputs": {}})
    with pytest.raises(CallRefused, match="no node of the class FancyNode: install"):
        await made.complete(Model.from_mapping(read(graph), ""))
    with pytest.raises(CallRefused, match="FancyNode: install"):
        await made.submit(call(graph))
    await made.close()


async def test_cancel_takes_it_out_of_the_queue_or_stops_it_and_nothing_else(comfy: Emulator) -> None:
    made = factory(comfy)
    comfy.control(run_seconds=600, start_seconds=0)
    running, other = await made.submit(call()), await made.submit(call())
    comfy.control(start_seconds=600)
    waiting = await made.submit(call())
    await made.cancel(running)
    comfy.control(old=True)
    await made.cancel(waiting)
    for ticket in (running, waiting):
        with pytest.raises(RunFailed) as caught:
            await made.collect(ticket)
        assert caught.value.cancelled
    assert await made.collect(other) is None
    await made.close()


async def test_the_same_once_more_gives_files_of_its_own_though_comfyui_has_it_made_already(comfy: Emulator) -> None:
    made = factory(comfy)
    comfy.control(old=True)
    bare = {name: {**node, "_meta": {}} for name, node in PORTRAIT.items()}  # as older ones export it
    recipe = read(bare, map={"prompt": "6.inputs.text"})["recipe"]
    first, second = [
        (await outcome_of(made, await made.submit(Call("portrait", None, {"prompt": "a fox"}, recipe)))).outputs
        for _ in range(2)
    ]
    assert len(first) == len(second) == 1 and first != second
    await made.close()


@pytest.mark.parametrize(("status", "kind"), [("500", Unreachable), ("403", ProviderStopped), ("418", AskAgain)])
async def test_a_question_that_gets_no_answer_says_whose_trouble_it_is(
    comfy: Emulator, status: str, kind: type[Exception]
) -> None:
    made = factory(comfy)
    ticket = await made.submit(call())
    comfy.control(get=[status])
    with pytest.raises(kind):
        await made.collect(ticket)
    fresh, before = factory(comfy), len(comfy.creates())
    comfy.control(result=[status])
    with pytest.raises(ProviderStopped if kind is ProviderStopped else Unreachable):  # never a doubt: nothing was sent
        await fresh.submit(call())
    assert len(comfy.creates()) == before
    await fresh.close()
    assert (await outcome_of(made, ticket)).seconds == 0
    await made.close()


async def test_nobody_there_is_told_with_the_address_and_nothing_was_sent(unused_tcp_port: int) -> None:
    away = ComfyUI(ProviderSettings("comfyui", None, {"base_url": f"http://127.0.0.1:{unused_tcp_port}"}))
    with pytest.raises(Unreachable, match=f"{unused_tcp_port}.*is it running"):
        await away.submit(call())
    await away.close()
