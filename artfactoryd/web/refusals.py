"""Answers that are no success: problem documents (RFC 9457) for programs, a page of words for a browser."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from aiohttp import web
from aiohttp.http import HttpProcessingError

from artfactoryd.reporting.blockers import Blocker
from artfactoryd.web import page
from artfactoryd.web.replies import as_json, wants_page

PROBLEM = "application/problem+json"


class Refused(Exception):
    """An answer that is no success, in words. `code`: what programs go by; `more`: members of the problem document."""

    def __init__(
        self, status: int, title: str, text: str, headers: Mapping[str, str] | None = None, *, code: str = "",
        more: Mapping[str, object] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(text)
        self.status, self.title, self.text, self.headers = status, title, text, headers
        self.code, self.more = code or CODES.get(status, "refused"), more or {}

    def page(self, form_token: str) -> str:
        """For a browser."""
        return page.draw_words(self.title, self.text)


@contextmanager
def reading_body() -> Iterator[None]:
    """What a visitor sent, while it is read: what is not of the form that it says is their error, and no defect."""
    try:
        yield
    except (ValueError, LookupError, AssertionError, RuntimeError, HttpProcessingError):
        raise Refused(400, "Not readable", "The body is not of the form that its Content-Type says.") from None


CODES = {
    400: "bad_request", 401: "token_needed", 403: "forbidden", 404: "not_found", 405: "method", 409: "conflict",
    413: "too_large", 415: "media_type", 426: "websocket", 429: "too_many", 500: "defect", 503: "busy",
}  # fmt: skip


def answer(request: web.Request, refused: Refused, form_token: str = "") -> web.Response:
    if wants_page(request):
        text = refused.page(form_token)
        return web.Response(text=text, status=refused.status, headers=refused.headers, content_type="text/html")
    problem = {
        "type": f"urn:artfactoryd:{refused.code}", "title": refused.title, "status": refused.status,
        "detail": refused.text, "code": refused.code, **refused.more,
        "error": {"title": refused.title, "text": refused.text},
    }  # fmt: skip
    return as_json(problem, refused.status, refused.headers, PROBLEM)


def of_http(error: web.HTTPException) -> Refused:
    if error.status == 404:
        return Refused(404, "Nothing here", "There is no such address. The page is at /, the data at /api/v1/status.")
    if error.status == 405 and isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        return Refused(405, "Not in this way", f"{error.method} is not possible here.", {"Allow": allowed})
    if error.status == 413:
        return Refused(413, "Too much", "This is larger than what may be sent here.")
    return Refused(error.status, error.reason, f"{error.reason}.")


def why_it_waits(blockers: Sequence[Blocker]) -> dict[str, object]:
    """The blockers of an order, as members of a problem document."""
    told = [{"code": one.code, "who": one.who, "provider": one.provider, "text": one.text} for one in blockers]
    return {"blockers": told}
