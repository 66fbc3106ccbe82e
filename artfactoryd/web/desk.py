"""Where visitors are answered: who comes in, and who answers them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger

from artfactoryd.errors import AmbiguousName, NoSuchOrder, NoSuchProduct, StorageFull
from artfactoryd.web.access import Guard
from artfactoryd.web.api.drafts import Drafts
from artfactoryd.web.api.lists import Lists
from artfactoryd.web.api.marking import Marking
from artfactoryd.web.api.openapi import Description
from artfactoryd.web.api.pictures import Pictures
from artfactoryd.web.api.steering import Steering
from artfactoryd.web.api.versions import Versions, headers_of
from artfactoryd.web.connections import IDLE, Doors
from artfactoryd.web.following import CLOSING, Following
from artfactoryd.web.front import Front
from artfactoryd.web.pace import Buckets
from artfactoryd.web.pages import Pages
from artfactoryd.web.refusals import Refused, answer, of_http, reading_body
from artfactoryd.web.routes import Route

log = logging.getLogger(__name__)
access = logging.getLogger("artfactoryd.access")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Spawn = Callable[[Coroutine[Any, Any, None]], None]
MOST_BYTES = 64 << 20  # of what is sent here together
FORM_TOKEN = "X-Form-Token"
HEADERS = {
    "Server": "artfactoryd", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
                               "media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; "
                               "frame-ancestors 'none'",
}  # fmt: skip


class Desk:
    def __init__(self, front: Front, spawn: Spawn, guard: Guard) -> None:
        self.front, self.guard, self.spawn = front, guard, spawn
        self.doors, self.buckets = Doors(), Buckets()
        self.following = Following(front, self.doors, spawn, lambda: self.guard)
        description = Description()
        makers = (Lists, Pictures, Steering, Marking, Drafts, Pages)
        parts = (*(maker(front) for maker in makers), Versions(), description)
        self.routes = [route for part in parts for route in part.routes()]
        description.tell(self.routes)
        self.leaving = {(route.method, route.path): route.leaving for route in self.routes if route.leaving}
        self.runner = web.AppRunner(
            self._app(),
            handle_signals=False,
            access_log_class=AccessLog,
            access_log=access,
            shutdown_timeout=CLOSING,
            keepalive_timeout=IDLE,
        )
        self.listener: asyncio.Server | None = None

    def _app(self) -> web.Application:
        app = web.Application(middlewares=[self._answer, self._guarded], client_max_size=MOST_BYTES)
        for route in self.routes:
            handle = self._handler(route)
            app.router.add_route(route.method, route.path, handle)
            if route.method == "GET":
                app.router.add_route("HEAD", route.path, handle)
        for path in self.following.paths:
            app.router.add_get(path, self.following.follow, allow_head=False)
        app.on_response_prepare.append(self._dress)
        app.on_shutdown.append(self.following.say_good_bye)
        return app

    def _handler(self, route: Route) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            if wait := self.buckets.take(route.pace):
                text = f"This was asked too often. Ask again in {wait} s."
                raise Refused(429, "Too many", text, {"Retry-After": str(wait)})
            return await route.handle(request, route.read(request))

        return handle

    async def close(self) -> None:
        if self.listener is not None:
            self.listener.close()
        await self.runner.cleanup()
        self.front.reads.close()

    async def _dress(self, request: web.Request, response: web.StreamResponse) -> None:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        resource = request.match_info.route.resource
        leaving = self.leaving.get((request.method.replace("HEAD", "GET"), resource.canonical)) if resource else None
        response.headers.update(headers_of(request.path, leaving))
        response.headers["Server"] = HEADERS["Server"]

    # --- at the door ---

    @web.middleware
    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Every failure as words; what is our own defect goes to the log, never to the visitor."""
        try:
            with self.doors.answering(request.transport):
                return await handler(request)
        except Refused as refused:
            return answer(request, refused, self.front.forms.token)
        except (NoSuchOrder, NoSuchProduct, AmbiguousName) as error:
            return answer(request, _not_there(error))
        except TimeoutError:
            text = "The index does not answer just now. Try again in a moment."
            return answer(request, Refused(503, "Busy", text))
        except StorageFull as error:
            return answer(request, Refused(503, "No room", str(error), code="no_room"))
        except web.HTTPException as error:
            return answer(request, of_http(error))
        except Exception:
            log.exception("the status page: a defect of this program")
            return answer(request, Refused(500, "A defect of this program", "The log has the details."))

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        hosts = request.headers.getall("Host", [])
        if len(hosts) != 1 or not self.guard.knows(hosts[0]):
            raise Refused(403, "Not for this name", f"This is known as {self.guard.address} and by no other name.")
        self._admit(request)
        if request.method not in ("GET", "HEAD"):
            await self._check_form(request)
        response = await handler(request)
        self._remember(request, response)
        return response

    def _admit(self, request: web.Request) -> None:
        shown = request.headers.get("Authorization"), request.query.get("token")
        is_asset = request.path.startswith("/web/")  # holds nothing of anybody's
        if not is_asset and not self.guard.admits(*shown) and not self.guard.remembers(request.cookies):
            text = "Show the token of http.token: `Authorization: Bearer TOKEN`, or ?token=TOKEN in the address."
            raise Refused(401, "A token is needed", text, {"WWW-Authenticate": "Bearer"})

    def _remember(self, request: web.Request, response: web.StreamResponse) -> None:
        """Whoever opened a page with the token in its address needs it in no other."""
        if self.guard.token and "token" in request.query and not response.prepared:
            response.set_cookie(*self.guard.cookie, httponly=True, samesite="Strict")

    async def _check_form(self, request: web.Request) -> None:
        """What changes something comes from our own page, or from a program."""
        site = request.headers.get("Sec-Fetch-Site", "same-origin")
        if not self.guard.own_page(request.headers.get("Origin")) or site not in ("same-origin", "none"):
            raise Refused(403, "Not for this page", f"Only pages of {self.guard.address} may change something.")
        kind = request.content_type if "Content-Type" in request.headers else ""
        if not self.front.forms.needs_token(request.headers, kind):
            return
        given = request.headers.get(FORM_TOKEN)
        if given is None and kind == "application/x-www-form-urlencoded":
            with reading_body():
                given = str((await request.post()).get("form_token", ""))
        if not self.front.forms.knows(given):
            text = "Open the page again: this form is of an earlier start, or of no page of ours."
            raise Refused(403, "Not from our page", text, code="form_token")


def _not_there(error: NoSuchOrder | NoSuchProduct | AmbiguousName) -> Refused:
    if isinstance(error, AmbiguousName):
        return Refused(409, "Several of that name", str(error), code="ambiguous_name")
    if isinstance(error, NoSuchOrder):
        text = "There is no order of this id or name. /api/v1/orders lists them."
        return Refused(404, "No such order", text, code="no_such_order")
    text = "There is no product of this id or path. /api/v1/products lists them."
    return Refused(404, "No such product", text, code="no_such_product")


class AccessLog(AbstractAccessLogger):
    """One line a request. Never the query: it may hold the token."""

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        words = "%s %s %s %s %s bytes in %.1f ms"
        path = request.rel_url.raw_path
        self.logger.info(
            words, request.remote, request.method, path, response.status, response.body_length, time * 1000
        )
