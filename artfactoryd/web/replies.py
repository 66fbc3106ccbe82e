"""Documents as answers: JSON with a tag of its bytes, so that what has not changed is not sent again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from aiohttp import web

from artfactoryd.printable import printable
from artfactoryd.reporting.json_object import JsonObject, plain

AGAIN = "private, no-cache"  # kept, and asked about each time


def wants_page(request: web.BaseRequest) -> bool:
    """Whether a browser asks for something to show."""
    return "text/html" in request.headers.get("Accept", "")


def as_json(
    document: JsonObject | Mapping[str, object], status: int = 200, headers: Mapping[str, str] | None = None,
    kind: str = "application/json",
) -> web.Response:  # fmt: skip
    body = (printable(json.dumps(plain(document), ensure_ascii=False)) + "\n").encode()
    return web.Response(body=body, status=status, headers=headers, content_type=kind, charset="utf-8")


def tagged(request: web.Request, document: JsonObject | Mapping[str, object]) -> web.StreamResponse:
    """The document, or word that it is still the one that was sent last."""
    answer = as_json(document)
    assert isinstance(answer.body, bytes)
    return if_new(request, answer, hashlib.sha256(answer.body).hexdigest()[:32])


def if_new(request: web.Request, answer: web.Response, tag: str, lasts: str = AGAIN) -> web.Response:
    """`answer`, or 304 where whoever asks has what is called so."""
    headers = {"ETag": f'"{tag}"', "Cache-Control": lasts}
    if any(known.value in (tag, "*") for known in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    answer.headers.update(headers)
    return answer
