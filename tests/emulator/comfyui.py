"""ComfyUI: prompts with ids of their client's, a queue and a history that live in memory, files in and out.

A prompt that comes twice is queued twice, as there. `forget` (POST /_control) is a start anew: what was accepted stays
in the emulator's own book alone.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from aiohttp import web

from tests.emulator import answers, comfyui_nodes, pictures
from tests.emulator.book import Book
from tests.emulator.comfyui_nodes import NODES, tree
from tests.emulator.weather import CREATES, Behaviour, Weather, wish

NO_LOGIN = "Unauthorized: Please login first to use this node."


@dataclass
class Prompt:
    """The line in the ledger file: a prompt that was queued."""

    id: str
    accepted: float  # seconds since the epoch
    number: int
    graph: dict[str, Any]
    good: list[str]  # the output nodes that are made
    has_key: bool
    client_id: str | None
    cached: list[str]  # output nodes of which every input was as in a prompt before
    outcome: str
    run_seconds: float
    start_seconds: float
    answered: str
    canceled: float | None = None

    def line(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def input(self) -> dict[str, Any]:
        """The values of all its nodes, by their names: what it was told."""
        inputs = [node["inputs"].items() for node in self.graph.values()]
        texts = [str(value) for part in inputs for name, value in part if name in ("text", "prompt")]
        plain = {name: value for part in inputs for name, value in part if not isinstance(value, list)}
        return {**plain, "prompt": " ".join(texts)}

    @property
    def drawing(self) -> dict[str, Any]:
        return {"width": 512, "height": 512, **self.input, "output_format": "png"}

    @property
    def ended(self) -> float:
        if self.canceled is not None:
            return self.canceled
        return self.accepted + (float("inf") if self.outcome == "stuck" else self.run_seconds)

    def state(self, now: float) -> str:
        if now < self.ended:
            return "pending" if now < self.accepted + self.start_seconds else "in_progress"
        if self.canceled is not None:
            return "cancelled"
        return "failed" if self.failure else "completed"

    @property
    def failure(self) -> tuple[str, str] | None:
        """The node that failed, and its words."""
        paid = [name for name, node in self.graph.items() if NODES[node["class_type"]].get("api_node")]
        if paid and not self.has_key:
            return paid[0], NO_LOGIN
        return (self.good[0], "mat1 and mat2 shapes cannot be multiplied") if self.outcome == "failed" else None

    def outputs(self) -> dict[str, Any]:
        if self.failure or self.canceled is not None:
            return {}
        return {name: {"images": self._files(name)} for name in self.good if name not in self.cached}

    def _files(self, name: str) -> list[dict[str, str]]:
        kind = "temp" if self.graph[name]["class_type"] == "PreviewImage" else "output"
        count = int(self.input.get("batch_size", 1)) - (self.outcome == "fewer")
        files = [f"{self.id}_{name}_{place:05}_.png" for place in range(count)]
        return [{"filename": file, "subfolder": "", "type": kind} for file in files]

    def status(self) -> dict[str, Any]:
        messages: list[Any] = [["execution_start", {"prompt_id": self.id, "timestamp": int(self.accepted * 1000)}]]
        end = {"prompt_id": self.id, "timestamp": int(self.ended * 1000)}
        if self.failure:
            node, words = self.failure
            error = {"node_id": node, "node_type": self.graph[node]["class_type"], "exception_type": "RuntimeError"}
            messages.append(["execution_error", {**end, **error, "exception_message": words, "traceback": ["..."]}])
        elif self.canceled is not None:
            messages.append(["execution_interrupted", end])
        else:
            messages.append(["execution_success", end])
        is_well = not self.failure and self.canceled is None
        return {"status_str": "success" if is_well else "error", "completed": is_well, "messages": messages}

    def item(self) -> list[Any]:
        """As the queue has it."""
        return [self.number, self.id, self.graph, {"client_id": self.client_id}, self.good]

    def history(self) -> dict[str, Any]:
        return {"prompt": self.item(), "outputs": self.outputs(), "status": self.status(), "meta": {}}

    def as_job(self, now: float) -> dict[str, Any]:
        state = self.state(now)
        told: dict[str, Any] = {"id": self.id, "status": state, "priority": self.number, "outputs_count": 0}
        if state in ("pending", "in_progress"):
            return told
        error = {"execution_error": self.status()["messages"][1][1]} if self.failure else {}
        return {**told, **error, "outputs": self.outputs(), "execution_status": self.status()}


class ComfyUI:
    def __init__(self, book: Book[Prompt], weather: Weather) -> None:
        self.book, self.weather = book, weather
        self.base = self.outputs = ""  # set when the ports are known
        self.seen: Counter[str] = Counter()
        self.files: dict[str, bytes] = {}

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._front], client_max_size=128 * 2**20)
        app.add_routes([
            web.post("/_control", self.control), web.get("/_seen", self.counts), web.get("/_came", self.weathers),
            web.post("/_forget", self.forget),
            web.post("/prompt", self.create), web.get("/prompt", self.remaining), web.get("/queue", self.queue),
            web.post("/queue", self.delete), web.post("/interrupt", self.interrupt),
            web.get("/history/{id}", self.history), web.get("/api/jobs/{id}", self.job),
            web.get("/object_info/{kind}", self.object_info), web.post("/upload/image", self.upload),
            web.get("/view", self.view),
        ])  # fmt: skip
        return app

    @web.middleware
    async def _front(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if not request.path.startswith("/_"):
            self.seen[f"{request.method} {request.path.split('/')[1]}"] += 1
            await asyncio.sleep(self.weather.latency)
        answer: web.StreamResponse = await handler(request)
        return answer

    # The emulator's own doors.

    async def control(self, request: web.Request) -> web.Response:
        try:
            self.weather.change(await request.json())
        except (KeyError, ValueError, TypeError) as error:
            return web.json_response({"error": f"no such weather: {error}"}, status=400)
        return web.json_response({"ok": True})

    async def counts(self, request: web.Request) -> web.Response:
        return web.json_response(dict(self.seen))

    async def weathers(self, request: web.Request) -> web.Response:
        return web.json_response(dict(self.weather.came))

    async def forget(self, request: web.Request) -> web.Response:
        self.book.accepted.clear()
        return web.json_response({"ok": True})

    # Creating.

    async def create(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        told = wish(json.dumps(body.get("prompt"))).create or self.weather.take("create")
        if told["do"].isdigit():
            return web.Response(status=int(told["do"]), text="500 Internal Server Error")
        if told["do"] == "close-before":
            return answers.hang_up(request)
        if told["do"] == "hang-before":
            return await answers.hang(request, self.weather.hang_seconds)
        name = body.get("prompt_id", str(uuid.uuid4()))
        if name != _canonical(name):
            return _error("invalid_prompt_id", f"prompt_id {name} is no canonical UUID")
        graph: dict[str, Any] = body["prompt"]
        for node in graph.values():
            if node["class_type"] not in NODES:
                kind = node["class_type"]
                return _error("missing_node_type", f"Node '{kind}' not found. The custom node may not be installed.",
                              extra={"class_type": kind})  # fmt: skip
        return await self._checked(request, body, name, told)

    async def _checked(
        self, request: web.Request, body: dict[str, Any], name: str, told: Behaviour
    ) -> web.StreamResponse:
        graph = body["prompt"]
        ends = [node for node, value in graph.items() if NODES[value["class_type"]]["output_node"]]
        if not ends:
            return _error("prompt_no_outputs", "Prompt has no outputs")
        wrong = {node: self._wrong(graph, node) for node in dict.fromkeys(n for end in ends for n in tree(graph, end))}
        wrong = {node: errors for node, errors in wrong.items() if errors}
        good = [end for end in ends if not any(node in wrong for node in tree(graph, end))]
        errors = {
            node: {"errors": found, "dependent_outputs": [end for end in ends if node in tree(graph, end)],
                   "class_type": graph[node]["class_type"]}
            for node, found in wrong.items()
        }  # fmt: skip
        if not good:
            return _error("prompt_outputs_failed_validation", "Prompt outputs failed validation", node_errors=errors)
        return await self._accept(request, body, name, good, errors, told)

    def _wrong(self, graph: dict[str, Any], node: str) -> list[dict[str, Any]]:
        return comfyui_nodes.complaints(graph, node, set(self.files))

    async def _accept(
        self, request: web.Request, body: dict[str, Any], name: str, good: list[str], errors: dict[str, Any],
        told: Behaviour,
    ) -> web.StreamResponse:  # fmt: skip
        asked = wish(json.dumps(body["prompt"]))
        outcome = self.weather.take("outcome")["do"] if asked.outcome is None else asked.outcome
        prompt = self.book.kind(
            id=name, accepted=time.time(), number=len(self.book.accepted), graph=body["prompt"], good=good,
            has_key=bool(body.get("extra_data", {}).get("api_key_comfy_org")), client_id=body.get("client_id"),
            cached=self._cached(body["prompt"], good), outcome=outcome,
            run_seconds=self.weather.run_seconds if asked.run_seconds is None else asked.run_seconds,
            start_seconds=self.weather.start_seconds, answered=told["do"],
        )  # fmt: skip
        self.book.accept(prompt)
        await asyncio.sleep(self.weather.create_latency)
        answer = {"prompt_id": name, "number": prompt.number, "node_errors": errors}
        return await self._answer_create(request, json.dumps(answer).encode(), name, told["do"])

    def _cached(self, graph: dict[str, Any], good: list[str]) -> list[str]:
        """What is as it was is not made again, and in an old ComfyUI not told of again either."""

        def looks(whole: dict[str, Any], node: str) -> str:
            return json.dumps([whole[name] for name in tree(whole, node)], sort_keys=True)

        before = {looks(one.graph, node) for one in self.book.accepted.values() for node in one.good}
        return [node for node in good if self.weather.old and looks(graph, node) in before]

    async def _answer_create(self, request: web.Request, body: bytes, name: str, do: str) -> web.StreamResponse:
        assert do == "ok" or do in CREATES, f"unknown create behaviour {do}"
        if do == "close-after":
            return answers.hang_up(request)
        if do == "hang-after":
            return await answers.hang(request, self.weather.hang_seconds)
        if do == "500-after":
            return web.Response(status=500, text="500 Internal Server Error")
        kind = {"Content-Type": "application/json"}
        if do in ("half", "stub"):
            return await answers.cut_short(request, 200, body, body.index(name.encode()) + 13, kind)
        return web.Response(body=b"<<<this is no JSON>>>" if do == "garbage" else body, headers=kind)

    # Asking.

    async def _told(self, request: web.Request, door: str) -> web.StreamResponse | None:
        told = self.weather.take(door)
        if told["do"] == "close":
            return answers.hang_up(request)
        if told["do"] == "garbage":
            return web.Response(text="<<<this is no JSON>>>", content_type="application/json")
        return answers.refusal(told) if told["do"].isdigit() else None

    def _in(self, *states: str) -> list[Prompt]:
        now = time.time()
        return [prompt for prompt in self.book.accepted.values() if prompt.state(now) in states]

    async def job(self, request: web.Request) -> web.StreamResponse:
        if self.weather.old:
            return web.Response(status=404, text="404: Not Found")
        if told := await self._told(request, "get"):
            return told
        prompt = self.book.accepted.get(request.match_info["id"])
        if prompt is None:
            return web.json_response({"error": "Job not found"}, status=404)
        return web.json_response(prompt.as_job(time.time()))

    async def queue(self, request: web.Request) -> web.StreamResponse:
        told = await self._told(request, "list")
        running, waiting = self._in("in_progress"), self._in("pending")
        rows = {"queue_running": [one.item() for one in running], "queue_pending": [one.item() for one in waiting]}
        return told or web.json_response(rows)

    async def history(self, request: web.Request) -> web.StreamResponse:
        told = await self._told(request, "list")
        name = request.match_info["id"]
        done = {prompt.id: prompt for prompt in self._in("completed", "failed", "cancelled")}
        return told or web.json_response({name: done[name].history()} if name in done else {})

    async def remaining(self, request: web.Request) -> web.StreamResponse:
        told = await self._told(request, "account")
        return told or web.json_response({"exec_info": {"queue_remaining": len(self._in("pending", "in_progress"))}})

    async def object_info(self, request: web.Request) -> web.StreamResponse:
        kind = request.match_info["kind"]
        told = await self._told(request, "result")
        return told or web.json_response({kind: {**NODES[kind], "name": kind}} if kind in NODES else {})

    # Stopping: what waits is taken out and leaves no trace; what runs is interrupted, and is in the history.

    async def delete(self, request: web.Request) -> web.StreamResponse:
        if told := await self._told(request, "cancel"):
            return told
        for name in (await request.json()).get("delete", []):
            prompt = self.book.accepted.get(name)
            if prompt is not None and prompt.state(time.time()) == "pending":
                prompt.canceled = time.time()
                self.book.cancelled(prompt)
                del self.book.accepted[name]
        return web.Response(status=200)

    async def interrupt(self, request: web.Request) -> web.StreamResponse:
        name = (await request.json()).get("prompt_id")
        for prompt in self._in("in_progress"):
            if name in (None, prompt.id) or self.weather.old:  # an old one stops whatever runs
                prompt.canceled = time.time()
                self.book.cancelled(prompt)
        return web.Response(status=200)

    # Files.

    async def upload(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        if told := await self._told(request, "upload"):
            return told
        part, folder = form["image"], str(form.get("subfolder", ""))
        assert isinstance(part, web.FileField) and form.get("overwrite") == "true" and form.get("type") == "input"
        self.files[f"{folder}/{part.filename}" if folder else part.filename] = part.file.read()
        return web.json_response({"name": part.filename, "subfolder": folder, "type": "input"})

    async def view(self, request: web.Request) -> web.StreamResponse:
        if told := await self._told(request, "output"):
            return told
        name, _, place, _ = request.query["filename"].split("_")
        prompt = self.book.accepted.get(name)
        if prompt is None:
            return web.Response(status=404)
        made = pictures.draw(prompt.drawing, int(place), self.weather.pixels)
        return web.Response(body=made, content_type="image/png")


def _canonical(name: object) -> str | None:
    try:
        return str(uuid.UUID(str(name)))
    except ValueError:
        return None


def _error(kind: str, message: str, extra: Any = None, node_errors: Any = None) -> web.Response:
    details = "\n".join(str(error["details"]) for about in (node_errors or {}).values() for error in about["errors"])
    error = {"type": kind, "message": message, "details": details, "extra_info": extra or {}}
    return web.json_response({"error": error, "node_errors": node_errors or {}}, status=400)
