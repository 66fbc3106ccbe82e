"""fal: its queue, REST, CDN and platform hosts at one address, and the emulator's own control door."""

from __future__ import annotations

import asyncio
import base64
import json
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import jsonschema
from aiohttp import web

from tests.emulator import answers
from tests.emulator.book import Book
from tests.emulator.fal_requests import Request, app_of
from tests.emulator.predictions import moment
from tests.emulator.weather import CREATES, Behaviour, Weather, wish

LOCKED = "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing."
PROBLEMS: dict[int, Any] = {
    401: {"detail": "invalid key credentials"},
    403: {"detail": LOCKED},
    404: {"detail": "Application not found"},
    422: {"detail": [{"loc": ["body", "prompt"], "msg": "field required", "type": "missing"}]},
    429: {"detail": "Too many requests"},
}
PRICE = {"unit_price": 0.003, "unit": "megapixels", "currency": "USD"}
NOT_FOUND = {"status": "NOT_FOUND"}
_TEXT: dict[str, Any] = {
    "prompt": {"type": "string"}, "num_images": {"type": "integer", "minimum": 1, "maximum": 4},
    "image_size": {"type": ["string", "object"]},
}  # fmt: skip
INPUTS: dict[str, dict[str, Any]] = {
    "fal-ai/flux/schnell": {"required": ["prompt"], "properties": _TEXT},
    "fal-ai/flux/dev": {"required": ["prompt"], "properties": _TEXT},
    "fal-ai/fast-sdxl": {"required": ["prompt"], "properties": _TEXT},
    "fal-ai/flux/dev/image-to-image": {
        "required": ["prompt", "image_url"],
        "properties": {**_TEXT, "image_url": {"type": "string", "pattern": "^(https?:|data:)"}},
    },
}


class Fal:
    def __init__(self, book: Book[Request], weather: Weather) -> None:
        self.book = book
        self.weather = weather
        self.base = self.outputs = ""  # set when the ports are known
        self.seen: Counter[str] = Counter()
        self.tokens: set[str] = set()
        self.files: dict[str, tuple[bytes, str]] = {}

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._front], client_max_size=128 * 2**20)
        request = "/{app:.+?}/requests/{id:[^/]+}"
        app.add_routes([
            web.post("/_control", self.control), web.get("/_seen", self.counts),
            web.get("/_came", self.weathers),
            web.post("/storage/auth/token", self.token), web.post("/files/upload", self.upload),
            web.get("/files/{id}/{name}", self.file), web.get("/models/requests/by-endpoint", self.history),
            web.get("/models/pricing", self.pricing), web.get("/models", self.models),
            web.get("/models/billing-events", self.billing),
            web.get(request + "/status", self.status), web.put(request + "/cancel", self.cancel),
            web.get(request, self.result), web.post("/{endpoint:.+}", self.create),
        ])  # fmt: skip
        return app

    @web.middleware
    async def _front(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if request.path.startswith(("/_", "/files/")):
            answer: web.StreamResponse = await handler(request)
            return answer
        await asyncio.sleep(self.weather.latency)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Key" or not token or self.weather.token not in (None, token):
            return answers.problem(401, PROBLEMS[401])
        answer = await handler(request)
        if not answer.prepared and "id" in request.match_info:
            answer.headers["x-fal-request-id"] = request.match_info["id"]
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

    # Creating.

    async def create(self, request: web.Request) -> web.StreamResponse:
        self.seen["POST create"] += 1
        endpoint, given = request.match_info["endpoint"], await request.json()
        told = wish(str(given.get("prompt", ""))).create or self.weather.take("create")
        if told["do"].isdigit():
            return _refusal(told)
        if told["do"] == "close-before":
            return answers.hang_up(request)
        if told["do"] == "hang-before":
            return await answers.hang(request, self.weather.hang_seconds)
        if endpoint not in INPUTS:
            return answers.problem(404, PROBLEMS[404])
        wrong = [
            {"loc": ["body", *one.absolute_path], "msg": one.message, "type": "value_error"}
            for one in jsonschema.Draft7Validator(INPUTS[endpoint]).iter_errors(given)
        ]
        if wrong:
            return answers.problem(422, {"detail": wrong})
        return await self._accept(request, endpoint, given, told)

    async def _accept(
        self, request: web.Request, endpoint: str, given: dict[str, Any], told: Behaviour
    ) -> web.StreamResponse:
        asked = wish(str(given.get("prompt", "")))
        outcome = self.weather.take("outcome")["do"] if asked.outcome is None else asked.outcome
        number = self.weather.take("number")["do"].replace("ok", "")
        accepted = self.book.kind(
            id=str(uuid.uuid4()), accepted=time.time(), endpoint=endpoint, input=given,
            outcome="succeeded" if outcome == "ok" else outcome, output=asked.output,
            run_seconds=self.weather.run_seconds if asked.run_seconds is None else asked.run_seconds,
            start_seconds=self.weather.start_seconds, answered=told["do"], number=number,
        )  # fmt: skip
        self.book.accept(accepted)
        await asyncio.sleep(self.weather.create_latency)
        answer = await self._answer_create(request, accepted.fresh(self.base), told)
        if not answer.prepared and told["do"] == "ok":
            answer.headers["x-fal-request-id"] = accepted.id
        return answer

    async def _answer_create(self, request: web.Request, fresh: dict[str, Any], told: Behaviour) -> web.StreamResponse:
        do = told["do"]
        assert do == "ok" or do in CREATES, f"unknown create behaviour {do}"
        body = json.dumps(fresh).encode()
        kind = {"Content-Type": "application/json"}
        if do == "close-after":
            return answers.hang_up(request)
        if do == "hang-after":
            return await answers.hang(request, self.weather.hang_seconds)
        if do == "500-after":
            return _refusal({**told, "do": str(told.get("status", 500))})
        if do in ("half", "stub"):
            keep = len(body) // 2 if do == "half" else body.index(fresh["request_id"].encode()) + 13
            return await answers.cut_short(request, 200, body, keep, kind)
        if do == "garbage":
            headers = kind | ({"x-fal-request-id": fresh["request_id"]} if told.get("header") else {})
            return web.Response(body=b"<<<this is no JSON>>>", headers=headers)
        if do == "odd":
            changed = {**fresh, **told.get("set", {"status": 7, "queue_position": None})}
            fresh = {key: value for key, value in changed.items() if key not in told.get("drop", [])}
        return web.json_response(fresh)

    # Asking: by owner and app, never by the whole id.

    def _found(self, request: web.Request) -> Request | None:
        found = self.book.accepted.get(request.match_info["id"])
        known = found is not None and request.match_info["app"] == app_of(found.endpoint)
        return found if known and not found.removed(time.time(), self.weather) else None  # type: ignore[union-attr]

    async def _told(self, request: web.Request, door: str) -> web.StreamResponse | None:
        told = self.weather.take(door)
        if told["do"] == "close":
            return answers.hang_up(request)
        if told["do"] == "hang":
            return await answers.hang(request, self.weather.hang_seconds)
        if told["do"] == "garbage":
            return web.Response(text="<<<this is no JSON>>>", content_type="application/json")
        return _refusal(told) if told["do"].isdigit() else None

    async def status(self, request: web.Request) -> web.StreamResponse:
        self.seen["GET status"] += 1
        if told := await self._told(request, "get"):
            return told
        found = self._found(request)
        if found is None:
            return web.json_response(NOT_FOUND, status=404)
        document = found.document(time.time(), self.base)
        return web.json_response(document, status=200 if document["status"] == "COMPLETED" else 202)

    async def result(self, request: web.Request) -> web.StreamResponse:
        self.seen["GET result"] += 1
        if told := await self._told(request, "result"):
            return told
        found = self._found(request)
        if found is None:
            return web.json_response(NOT_FOUND, status=404)
        if found.status(time.time()) != "COMPLETED" or self.weather.early:
            status = self.weather.early or 400
            return web.json_response({"detail": "Request is still in progress"}, status=status)
        status, body = found.result(self.outputs)
        return web.json_response(body, status=status)

    async def cancel(self, request: web.Request) -> web.StreamResponse:
        self.seen["PUT cancel"] += 1
        if told := await self._told(request, "cancel"):
            return told
        found = self._found(request)
        if found is None:
            return web.json_response(NOT_FOUND, status=404)
        if not found.cancel(time.time()):
            return web.json_response({"status": "ALREADY_COMPLETED"}, status=400)
        self.book.cancelled(found)
        return web.json_response({"status": "CANCELLATION_REQUESTED"}, status=202)

    async def history(self, request: web.Request) -> web.StreamResponse:
        self.seen["GET history"] += 1
        if told := await self._told(request, "list"):
            return told
        now, query = time.time(), request.query
        found = [one for one in self.book.accepted.values() if self._listed(one, now, query)]
        found.sort(key=lambda one: one.ended, reverse=True)
        start = int(base64.b64decode(query["cursor"])) if "cursor" in query else 0
        size = min(int(query.get("limit", 50)), self.weather.page_size)
        items = [one.history(now, query.get("expand") == "payloads") for one in found[start : start + size]]
        more = start + size < len(found)
        cursor = base64.b64encode(str(start + size).encode()).decode() if more else None
        return web.json_response({"items": items, "next_cursor": cursor, "has_more": more})

    def _listed(self, one: Request, now: float, query: Any) -> bool:
        after = datetime.fromisoformat(query["start"]).timestamp() if "start" in query else now - 86400
        begun = one.status(now) != "IN_QUEUE" or not self.weather.started_only
        known = one.endpoint in query["endpoint_id"].split(",") and one.accepted <= now - self.weather.list_lag
        return known and begun and one.accepted >= after

    async def pricing(self, request: web.Request) -> web.StreamResponse:
        self.seen["GET pricing"] += 1
        if told := await self._told(request, "account"):
            return told
        prices = [
            {"endpoint_id": name, **PRICE, **self.weather.model_news.get(name, {}).get("price", {})}
            for name in request.query.get("endpoint_id", "").split(",")
            if name in INPUTS
        ]
        if not prices:
            return answers.problem(404, PROBLEMS[404])
        return web.json_response({"prices": prices, "next_cursor": None, "has_more": False})

    async def billing(self, request: web.Request) -> web.StreamResponse:
        """Without bills: this key may not ask."""
        self.seen["GET billing"] += 1
        if told := await self._told(request, "account"):
            return told
        if not self.weather.bills:
            error = {"type": "authorization_error", "message": "Admin scope required"}
            return answers.problem(403, {"error": error})
        wanted = [name for name in request.query["request_id"].split(",") if name in self.book.accepted]
        amounts = [*self.weather.bills, *[self.weather.bills[-1]] * len(wanted)]
        events = [
            {"request_id": name, "endpoint_id": self.book.accepted[name].endpoint, "cost_total": amount}
            for name, amount in zip(wanted, amounts, strict=False)
        ]
        return web.json_response({"billing_events": events, "next_cursor": None, "has_more": False})

    async def models(self, request: web.Request) -> web.StreamResponse:
        self.seen["GET models"] += 1
        names = [name for name in request.query.get("endpoint_id", "").split(",") if name in INPUTS]
        expanded = request.query.get("expand") == "openapi-3.0"
        found = [self._listed_model(name, expanded) for name in names]
        return web.json_response({"models": found, "next_cursor": None, "has_more": False})

    def _listed_model(self, name: str, expanded: bool) -> dict[str, Any]:
        news = self.weather.model_news.get(name, {})
        document = {"openapi": described(name, news.get("parameters", {}))} if expanded else {}
        return {"endpoint_id": name, "metadata": {"status": news.get("status", "active")}, **document}

    # Uploads: leave from REST, then the CDN, which wants that leave and not our key.

    async def token(self, request: web.Request) -> web.StreamResponse:
        self.seen["POST token"] += 1
        token = f"cdn-{uuid.uuid4()}"
        self.tokens.add(token)
        expires = moment(time.time() + self.weather.token_seconds, 6).replace("Z", "+00:00")
        return web.json_response(
            {
                "token": token,
                "token_type": "Bearer",
                "base_url": self.base,
                "expires_at": expires,
            }
        )

    async def upload(self, request: web.Request) -> web.StreamResponse:
        self.seen["POST upload"] += 1
        data = await request.read()
        if told := await self._told(request, "upload"):
            return told
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or token not in self.tokens:
            return answers.problem(401, {"detail": "Unauthorized"})
        name = uuid.uuid4().hex
        self.files[name] = (data, request.headers["Content-Type"])
        return web.json_response({"access_url": f"{self.base}/files/{name}/{request.headers['X-Fal-File-Name']}"})

    async def file(self, request: web.Request) -> web.StreamResponse:
        data, kind = self.files[request.match_info["id"]]
        return web.Response(body=data, content_type=kind)


def described(endpoint: str, new: Mapping[str, Any]) -> dict[str, Any]:
    """In fal's shape: the schema is called after the model, `sync_mode` is among its parameters. `new`: others."""
    given = {**INPUTS[endpoint]["properties"], **new, "sync_mode": {"type": "boolean", "default": False}}
    schema = {"type": "object", "required": INPUTS[endpoint]["required"], "properties": given}
    body = {"application/json": {"schema": {"$ref": "#/components/schemas/ModelInput"}}}
    return {
        "openapi": "3.0.4", "components": {"schemas": {"ModelInput": schema}},
        "paths": {f"/{endpoint}": {"post": {"requestBody": {"required": True, "content": body}}}},
    }  # fmt: skip


def _refusal(told: Behaviour) -> web.Response:
    plain = {"body", "text", "html", "retry_after"}.isdisjoint(told) and told["do"] not in ("502", "504")
    body = {"body": PROBLEMS.get(int(told["do"]), {"detail": "Something went wrong"})} if plain else {}
    return answers.refusal({**body, **told})
