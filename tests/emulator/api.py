"""The API host: creates, gets, the list, cancel, models, files, and the emulator's own control door."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import logging
import time
from collections import Counter
from datetime import datetime
from typing import Any

from aiohttp import web

from tests.emulator import answers, models
from tests.emulator.book import Book
from tests.emulator.flights import Flights
from tests.emulator.predictions import Prediction, moment, new_id
from tests.emulator.weather import CREATES, NUMBERS, Behaviour, Weather, wish


def _is_news(record: logging.LogRecord) -> bool:
    """A buyer who was killed while it was answered is none."""
    return not (record.exc_info and isinstance(record.exc_info[1], ConnectionResetError))


class Api:
    def __init__(self, book: Book[Prediction], weather: Weather) -> None:
        self.book = book
        self.weather = weather
        self.base = self.outputs = ""  # set when the ports are known
        self.seen: Counter[str] = Counter()
        self.files: dict[str, dict[str, Any]] = {}
        self.flights = Flights()

    def app(self) -> web.Application:
        logging.getLogger("aiohttp.server").addFilter(_is_news)
        app = web.Application(middlewares=[self._front], client_max_size=64 * 2**20)
        app.add_routes([
            web.post("/_control", self.control), web.get("/_ledger", self.ledger), web.get("/_seen", self.counts),
            web.get("/_flights", self.under_way), web.get("/_came", self.weathers),
            web.post("/v1/predictions", self.create), web.get("/v1/predictions", self.list),
            web.post("/v1/models/{owner}/{name}/predictions", self.create),
            web.get("/v1/predictions/{id}", self.get), web.post("/v1/predictions/{id}/cancel", self.cancel),
            web.get("/v1/models/{owner}/{name}", self.model),
            web.get("/v1/models/{owner}/{name}/versions/{version}", self.version),
            web.get("/v1/models/{owner}/{name}/versions", self.versions),
            web.get("/v1/account", self.account), web.post("/v1/files", self.upload),
            web.get("/v1/files", self.file_list), web.get("/v1/files/{id}", self.file),
            web.delete("/v1/files/{id}", self.file_gone),
        ])  # fmt: skip
        return app

    @web.middleware
    async def _front(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if request.path.startswith("/_"):
            answer: web.StreamResponse = await handler(request)
            return answer
        self.seen[f"{request.method} {self._place(request)}"] += 1
        await asyncio.sleep(self.weather.latency)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme not in ("Bearer", "Token") or not token or self.weather.token not in (None, token):
            return answers.problem(401)
        try:
            answer = await handler(request)
        except web.HTTPNotFound:
            answer = answers.problem(404)
        if not answer.prepared:
            answer.headers["ratelimit-remaining"] = "599" if self._place(request) == "create" else "2999"
            answer.headers["ratelimit-reset"] = "1"
        return answer

    def _place(self, request: web.Request) -> str:
        if request.method == "POST" and request.path.endswith("/predictions"):
            return "create"
        return {"/v1/predictions": "list"}.get(request.path, request.path.rsplit("/", 1)[0].rsplit("/", 1)[-1])

    # The emulator's own doors.

    async def control(self, request: web.Request) -> web.Response:
        try:
            self.weather.change(await request.json())
        except (KeyError, ValueError, TypeError) as error:
            return web.json_response({"error": f"no such weather: {error}"}, status=400)
        return web.json_response({"ok": True})

    async def ledger(self, request: web.Request) -> web.Response:
        return web.json_response([one.line() for one in self.book.accepted.values()])

    async def counts(self, request: web.Request) -> web.Response:
        return web.json_response(dict(self.seen))

    async def weathers(self, request: web.Request) -> web.Response:
        return web.json_response(dict(self.weather.came))

    async def under_way(self, request: web.Request) -> web.Response:
        after, seconds = int(request.query.get("after", 0)), float(request.query.get("seconds", 0))
        return web.json_response(await self.flights.wait(after, seconds))

    # Creating.

    async def create(self, request: web.Request) -> web.StreamResponse:
        with self.flights.one() as flight:
            return await self._create(request, flight)

    async def _create(self, request: web.Request, flight: int) -> web.StreamResponse:
        try:
            body = json.loads(await request.text())
            given = body["input"]
        except (ValueError, KeyError, TypeError):
            return answers.problem(422, {"title": "Invalid input", "detail": "input is required", "status": 422})
        prompt = str(given.get("prompt", "")) if isinstance(given, dict) else ""
        told = wish(prompt).create or self.weather.take("create")
        if told["do"].isdigit():
            return answers.refusal(told)
        if told["do"] == "close-before":
            return answers.hang_up(request)
        if told["do"] == "hang-before":
            return await answers.hang(request, self.weather.hang_seconds)
        return self._checked(request, body) or await self._accept(request, body, told, flight)

    def _model(self, request: web.Request, body: dict[str, Any]) -> str | None:
        if "name" in request.match_info:
            name = f"{request.match_info['owner']}/{request.match_info['name']}"
            return name if models.official(name) else None
        return models.model_of_version(str(body.get("version", "")))

    def _checked(self, request: web.Request, body: dict[str, Any]) -> web.Response | None:
        model = self._model(request, body)
        if model is None:
            return answers.problem(404 if "name" in request.match_info else 422)
        wrong = models.complaints(model, body["input"])
        if wrong:
            detail = "\n".join(wrong)
            return answers.problem(422, {"title": "Input validation failed", "detail": detail, "status": 422})
        return None

    async def _accept(
        self, request: web.Request, body: dict[str, Any], told: Behaviour, flight: int
    ) -> web.StreamResponse:
        prediction = self._prediction(request, body, told)
        self.book.accept(prediction)
        self.flights.accepted[flight] = True
        await asyncio.sleep(self.weather.create_latency)
        if "wait" in request.headers.get("Prefer", ""):
            headers = {"Preference-Applied": request.headers["Prefer"]}
            return web.json_response(prediction.blocking(self.base, self.weather), status=201, headers=headers)
        return await self._answer_create(request, prediction.fresh(self.base), told)

    def _prediction(self, request: web.Request, body: dict[str, Any], told: Behaviour) -> Prediction:
        model, given = self._model(request, body), body["input"]
        assert model is not None
        asked = wish(str(given.get("prompt", "")))
        outcome = self.weather.take("outcome") if asked.outcome is None else {"do": asked.outcome}
        by_version = "name" not in request.match_info and model == models.SDXL
        return self.book.kind(
            id=new_id(), accepted=time.time(), digits=2 + len(self.book.accepted) % 8, model=model,
            version=body["version"].rpartition(":")[2] if by_version else "hidden", by_version=by_version, input=given,
            outcome="succeeded" if outcome["do"] == "ok" else outcome["do"],
            error=outcome.get("error", "ValueError: width and height must be multiples of 32"), output=asked.output,
            run_seconds=self.weather.run_seconds if asked.run_seconds is None else asked.run_seconds,
            start_seconds=self.weather.start_seconds, answered=told["do"], number=self._number(),
        )  # fmt: skip

    def _number(self) -> str:
        told: str = self.weather.take("number")["do"]
        assert told == "ok" or told in NUMBERS, f"unknown number {told}"
        return "" if told == "ok" else told

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
            return answers.refusal({**told, "do": str(told.get("status", 500))})
        if do in ("half", "stub"):
            keep = len(body) // 2 if do == "half" else body.index(fresh["id"].encode()) + 13
            return await answers.cut_short(request, 201, body, keep, kind)
        if do == "garbage":
            return web.Response(status=201, body=b"<<<this is no JSON>>>", headers=kind)
        if do == "odd":
            changed = {**fresh, **told.get("set", {"status": "aborted", "model": None})}
            fresh = {key: value for key, value in changed.items() if key not in told.get("drop", [])}
        return web.json_response(fresh, status=201)

    # Asking.

    def _found(self, request: web.Request) -> Prediction:
        prediction = self.book.accepted.get(request.match_info["id"])
        if prediction is None:
            raise web.HTTPNotFound
        return prediction

    def _document(self, prediction: Prediction, now: float) -> dict[str, Any]:
        return prediction.document(now, self.base, self.outputs, self.weather)

    async def _asked(self, request: web.Request, door: str) -> web.StreamResponse | None:
        told = self.weather.take(door)
        return None if told["do"] == "ok" else await self._not_told(request, told)

    async def _not_told(self, request: web.Request, told: Behaviour) -> web.StreamResponse:
        if told["do"] == "close":
            return answers.hang_up(request)
        if told["do"] == "hang":
            return await answers.hang(request, self.weather.hang_seconds)
        if told["do"] == "garbage":
            return web.Response(text="<<<this is no JSON>>>", content_type="application/json")
        assert told["do"].isdigit(), f"unknown behaviour {told['do']}"
        return answers.refusal(told)

    async def get(self, request: web.Request) -> web.StreamResponse:
        told = await self._asked(request, "get")
        return told or web.json_response(self._document(self._found(request), time.time()))

    async def cancel(self, request: web.Request) -> web.StreamResponse:
        told = await self._asked(request, "cancel")
        if told is not None:
            return told
        prediction, now = self._found(request), time.time()
        if prediction.cancel(now):
            self.book.cancelled(prediction)
        return web.json_response(self._document(prediction, now))

    async def list(self, request: web.Request) -> web.StreamResponse:
        told = await self._asked(request, "list")
        if told is not None:
            return told
        now, query = time.time(), request.query
        found = [one for one in self.book.accepted.values() if self._listed(one, now, query)]
        found.sort(key=lambda one: one.accepted, reverse=True)
        start = int(base64.urlsafe_b64decode(query["cursor"])) if "cursor" in query else 0
        size = self.weather.page_size
        page = [self._document(one, now) | {"source": "api"} for one in found[start : start + size]]
        for one in page:
            one.pop("logs", None)
        return web.json_response({
            "next": self._page(request, start + size) if start + size < len(found) else None,
            "previous": self._page(request, max(0, start - size)) if start else None,
            "results": page,
        })  # fmt: skip

    def _listed(self, prediction: Prediction, now: float, query: Any) -> bool:
        after, before = query.get("created_after"), query.get("created_before")
        at = prediction.accepted
        return (
            at <= now - self.weather.list_lag
            and (after is None or at >= datetime.fromisoformat(after).timestamp())
            and (before is None or at < datetime.fromisoformat(before).timestamp())
        )

    def _page(self, request: web.Request, start: int) -> str:
        cursor = base64.urlsafe_b64encode(str(start).encode()).decode()
        return f"{self.base}{request.rel_url.update_query(cursor=cursor)}"

    # Models, files, account.

    async def model(self, request: web.Request) -> web.Response:
        name = f"{request.match_info['owner']}/{request.match_info['name']}"
        return web.json_response(models.document(name)) if name in models.INPUTS else answers.problem(404)

    async def version(self, request: web.Request) -> web.Response:
        name = f"{request.match_info['owner']}/{request.match_info['name']}"
        if name != models.SDXL or request.match_info["version"] not in models.SDXL_VERSIONS:
            return answers.problem(404)  # an official model keeps its versions to itself
        return web.json_response(models.document(name)["latest_version"] | {"id": request.match_info["version"]})

    async def versions(self, request: web.Request) -> web.Response:
        if f"{request.match_info['owner']}/{request.match_info['name']}" != models.SDXL:
            return answers.problem(404)
        latest = models.document(models.SDXL)["latest_version"]
        results = [latest | {"id": version} for version in models.SDXL_VERSIONS]
        return web.json_response({"next": None, "previous": None, "results": results})

    async def account(self, request: web.Request) -> web.StreamResponse:
        told = await self._asked(request, "account")
        if told is not None:
            return told
        return web.json_response({"type": "user", "username": "emulated", "name": "Emulated", "github_url": ""})

    async def upload(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        told = self.weather.take("upload")
        if told["do"] not in ("ok", "close-after", "half"):
            return await self._not_told(request, told)
        part = form["content"]
        assert isinstance(part, web.FileField)
        data, name, now = part.file.read(), new_id(), time.time()
        sums = {"sha256": hashlib.sha256(data).hexdigest(), "md5": hashlib.md5(data).hexdigest()}
        self.files[name] = {
            "id": name, "name": part.filename, "content_type": part.content_type, "size": len(data),
            "etag": sums["md5"], "checksums": sums, "metadata": json.loads(str(form.get("metadata", "{}"))),
            "created_at": moment(now, 3), "expires_at": moment(now + self.weather.file_seconds, 3),
            "urls": {"get": f"{self.base}/v1/files/{name}"},
        }  # fmt: skip
        return await self._answer_upload(request, self.files[name], told)

    async def _answer_upload(
        self, request: web.Request, document: dict[str, Any], told: Behaviour
    ) -> web.StreamResponse:
        if told["do"] == "close-after":
            return answers.hang_up(request)
        if told["do"] == "half":
            body = json.dumps(document).encode()
            return await answers.cut_short(request, 201, body, len(body) // 2, {"Content-Type": "application/json"})
        return web.json_response(document, status=201)

    async def file_list(self, request: web.Request) -> web.Response:
        return web.json_response({"next": None, "previous": None, "results": list(self.files.values())})

    async def file(self, request: web.Request) -> web.Response:
        found = self.files.get(request.match_info["id"])
        return web.json_response(found) if found else answers.problem(404)

    async def file_gone(self, request: web.Request) -> web.Response:
        found = self.files.pop(request.match_info["id"], None)
        return web.Response(status=204) if found else answers.problem(404)
