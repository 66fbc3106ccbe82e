"""The answers that are not a prediction: refusals and broken connections."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import web

from tests.emulator.weather import Behaviour

UNAUTHENTICATED = "You did not pass a valid authentication token"
NOT_FOUND: dict[str, Any] = {"detail": "The requested resource could not be found.", "status": 404}
NO_VERSION = "The specified version does not exist (or perhaps you don't have permission to use it?)"
NO_MONEY = (
    "You have insufficient credit to run this model. Go to https://replicate.com/account/billing#billing "
    "to purchase credit. Once you purchase credit, please wait a few minutes before trying again."
)
PROBLEMS: dict[int, Any] = {
    401: {"title": "Unauthenticated", "detail": UNAUTHENTICATED, "status": 401},
    402: {"title": "Insufficient credit", "detail": NO_MONEY, "status": 402},
    403: {"title": "Forbidden", "detail": "You do not have permission to perform this action.", "status": 403},
    404: NOT_FOUND,
    422: {"title": "Invalid version or not permitted", "detail": NO_VERSION, "status": 422},
}
GATEWAY = "<!DOCTYPE html><html><head><title>{0} | cloudflare</title></head><body><h1>Error {0}</h1></body></html>"


def problem(status: int, body: Any = None, headers: dict[str, str] | None = None) -> web.Response:
    body = PROBLEMS.get(status, {"detail": "Something went wrong.", "status": status}) if body is None else body
    return web.Response(
        status=status, text=json.dumps(body), content_type="application/problem+json", headers=headers or {}
    )


def refusal(told: Behaviour) -> web.Response:
    """The answer for a behaviour that is a status number, with `body`, `text`, `html`, `header`, `retry_after`."""
    status = int(told["do"])
    headers = {"Retry-After": str(told["header"])} if "header" in told else {}
    if "html" in told or (status in (502, 504) and "body" not in told):
        page = told.get("html") or GATEWAY.format(status)
        return web.Response(status=status, text=page, content_type="text/html", headers=headers)
    if status == 429:
        return problem(429, told.get("body", _throttled(told)), headers)
    return problem(status, told.get("body"), headers)


def _throttled(told: Behaviour) -> dict[str, Any]:
    if "retry_after" in told:
        return {"detail": told.get("text", "Request was throttled."), "status": 429, "retry_after": told["retry_after"]}
    return {"detail": told.get("text", "Request was throttled. Your rate limit resets in ~30s.")}


def hang_up(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.close()
    return web.Response()


async def hang(request: web.Request, seconds: float) -> web.Response:
    await asyncio.sleep(seconds)
    return hang_up(request)


async def cut_short(
    request: web.Request, status: int, body: bytes, keep: int, headers: dict[str, str]
) -> web.StreamResponse:
    """Says how long the body is, sends `keep` bytes of it, and closes."""
    answer = web.StreamResponse(status=status, headers=headers)
    answer.content_length = len(body)
    await answer.prepare(request)
    await answer.write(body[:keep])
    hang_up(request)
    return answer
