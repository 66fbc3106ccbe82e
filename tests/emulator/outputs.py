"""The output host: another port, no key wanted. A request that brings one is sent away."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Any

from aiohttp import web

from tests.emulator import answers, pictures
from tests.emulator.book import Book
from tests.emulator.others import OTHERS
from tests.emulator.weather import OK, OUTPUTS, Behaviour, Weather

FRESH = {"Cache-Control": "public,max-age=3600"}


class Outputs:
    def __init__(self, book: Book[Any], weather: Weather, seen: Counter[str]) -> None:
        self.book = book
        self.weather = weather
        self.seen = seen

    def app(self) -> web.Application:
        app = web.Application()
        app.add_routes([web.get("/pbxt/{id}/out-{place:[0-9]+}.{ending}", self.output)])
        return app

    async def output(self, request: web.Request) -> web.StreamResponse:
        self.seen["GET output"] += 1
        if "Authorization" in request.headers:
            self.seen["GET output with a key"] += 1
            return web.Response(status=403, text="this host must never see a key")
        prediction = self.book.accepted.get(request.match_info["id"])
        if prediction is None or prediction.removed(time.time(), self.weather):
            return web.Response(status=404, text="not found")
        if "plain" in request.query:
            told = dict(OK)
        else:
            told = {"do": prediction.output} if prediction.output else self.weather.take("output")
        return await self._send(request, prediction, told)

    async def _send(self, request: web.Request, prediction: Any, told: Behaviour) -> web.StreamResponse:
        do = told["do"]
        mime = OTHERS[do][1] if do in OTHERS else pictures.mime(prediction.drawing)
        kind = {"Content-Type": mime, **FRESH}
        assert do in OUTPUTS or do == "ok" or do.isdigit(), f"unknown output behaviour {do}"
        if do.isdigit():
            return answers.refusal(told)
        if do == "close":
            return answers.hang_up(request)
        if do.startswith("redirect"):
            where = told.get("to") or str(request.rel_url.with_query("" if do == "redirect-loop" else "plain=1"))
            return web.Response(status=302, headers={"Location": where})
        body = self._body(request, prediction, do)
        if do == "short":
            return await answers.cut_short(request, 200, body, len(body) // 2, kind)
        return await self._slowly(request, body, kind) if do == "slow" else web.Response(body=body, headers=kind)

    def _body(self, request: web.Request, prediction: Any, do: str) -> bytes:
        if do == "not-picture":
            return b"<html><body>Sorry, the picture you are looking for is not here.</body></html>"
        if do in OTHERS:
            return OTHERS[do][0]
        place, is_flagged = int(request.match_info["place"]), getattr(prediction, "is_flagged", None)
        made = pictures.draw(prediction.drawing, place, self.weather.pixels)
        if is_flagged is not None and is_flagged(place):
            made = pictures.blacked_out(made)
        if do == "spoiled":
            return pictures.spoiled(made)
        return {"empty": b"", "huge": made + bytes(8 * 2**20)}.get(do, made)

    async def _slowly(self, request: web.Request, body: bytes, kind: dict[str, str]) -> web.StreamResponse:
        answer = web.StreamResponse(headers=kind)
        answer.content_length = len(body)
        await answer.prepare(request)
        step = max(1, len(body) // 10)
        for start in range(0, len(body), step):
            await answer.write(body[start : start + step])
            await asyncio.sleep(self.weather.slow_seconds / 10)
        return answer
