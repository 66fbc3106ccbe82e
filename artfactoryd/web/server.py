"""The status endpoint: what this home is at, over HTTP, for reading only.

    /   /healthz   /api/v1/status   /api/v1/orders[/ID[/items]]   /api/v1/products   websocket /ws/generation/ID

`access` decides who may read, `queries` asks the index, `page` draws it, `subscriptions` knows who waits for
news. Nothing here can stop the work, and nothing a visitor sends is ever part of an error's cause.
"""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger

from artfactoryd.credentials import resolve_token
from artfactoryd.daemon.app import App
from artfactoryd.errors import AmbiguousName, NoSuchOrder, WrongUse
from artfactoryd.medium import in_words
from artfactoryd.printable import printable
from artfactoryd.reporting.json_object import JsonObject, plain
from artfactoryd.reporting.status import StatusDocument
from artfactoryd.settings import Http
from artfactoryd.web import page
from artfactoryd.web.access import Guard
from artfactoryd.web.connections import IDLE, Doors
from artfactoryd.web.queries import Reads, as_news
from artfactoryd.web.subscriptions import Follower, Followers

log = logging.getLogger(__name__)
access = logging.getLogger("artfactoryd.access")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Spawn = Callable[[Coroutine[Any, Any, None]], None]

WEB = Path(__file__).with_name("assets")
ASSETS = {"page.css": "text/css", "page.js": "text/javascript", "icon.svg": "image/svg+xml"}
HEADERS = {
    "Server": "artfactoryd", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
                               "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}  # fmt: skip
FRESH = 0.25  # seconds for which several readers get one and the same status
PATIENCE = 10.0  # seconds for a follower to take its news
CLOSING = 0.5  # seconds for a follower to say good-bye
PORT_AGAIN = 60.0  # seconds until a taken port is tried again
HEARTBEAT = 20.0  # seconds between signs of life asked of a follower
ORDERS, ITEMS, PRODUCTS = (50, 200), (100, 1000), (50, 500)  # a page's length: unasked, and at the most


class Refused(Exception):
    """An answer that is no success, in words."""

    def __init__(self, status: int, title: str, text: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(text)
        self.status, self.title, self.text, self.headers = status, title, text, headers


async def serve(
    app: App, environ: Mapping[str, str], health: Callable[[], Mapping[str, object]], spawn: Spawn, stop: asyncio.Event
) -> None:
    """Until `stop`, then closed within a second. What goes wrong here is a line in the log, and the work goes on.

    `spawn` makes a task of what a follower is sent; such a task ends when its follower goes.
    """
    try:
        token = resolve_token(app.settings.now, environ)
        await _serve(Desk(app, health, spawn, Guard(app.settings.now.http.host, frozenset(), token)), stop)
    except WrongUse as error:
        await _no_page(app, str(error))
    except Exception as error:
        log.exception("the status page ended by a defect of this program")
        await _no_page(app, f"It ended by a defect of this program ({in_words(error)}); the log has the details.")


async def _serve(desk: Desk, stop: asyncio.Event) -> None:
    try:
        desk.spawn(desk.followers.tell())
        if await _bind(desk, desk.app.settings.now.http, stop):
            await stop.wait()
    finally:
        await desk.close()


async def _bind(desk: Desk, http: Http, stop: asyncio.Event) -> bool:
    """True when bound; a taken port is tried again for as long as it takes."""
    await desk.runner.setup()
    while not stop.is_set():
        try:
            desk.listener = await desk.doors.listen(desk.runner, http.host, http.port)
        except OSError as error:
            await _no_page(desk.app, _why_not(http, error))
            with suppress(TimeoutError):
                async with asyncio.timeout(PORT_AGAIN):
                    await stop.wait()
            continue
        addresses = [listening.getsockname() for listening in desk.listener.sockets]
        ports = frozenset(int(address[1]) for address in addresses)
        desk.guard = Guard(http.host, ports, desk.guard.token)
        log.info("the status page is at %s", desk.guard.address)
        await asyncio.to_thread(desk.app.home.tell, {"page": desk.guard.address, "page_problem": None})
        return True
    return False


async def _no_page(app: App, reason: str) -> None:
    """Told in the log and in `status`; once, however often it happens."""
    told = app.home.holder() or {}
    if told.get("page_problem") != reason:
        log.warning("no status page: %s", reason)
        await asyncio.to_thread(app.home.tell, {"page": None, "page_problem": reason})


def _why_not(http: Http, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {http.port} of {http.host} is taken by another program. It is tried again every minute; "
            "or set http.port to another (0: any free one) and start again."
        )
    return f"{http.host}:{http.port} cannot be used ({error.strerror or error}). See http.host in artfactory.yaml."


class Desk:
    """Where visitors are answered."""

    def __init__(self, app: App, health: Callable[[], Mapping[str, object]], spawn: Spawn, guard: Guard) -> None:
        self.app, self.health, self.guard, self.spawn = app, health, guard, spawn
        self.reads = Reads(app.home, app.settings)
        self.doors = Doors()
        self.followers = Followers(self.reads.news, app.execution.receipts.moved)
        self.runner = web.AppRunner(
            self._app(),
            handle_signals=False,
            access_log_class=AccessLog,
            access_log=access,
            shutdown_timeout=CLOSING,
            keepalive_timeout=IDLE,
        )
        self.listener: asyncio.Server | None = None
        self._sockets: set[web.WebSocketResponse] = set()
        self._assets = {name: (WEB / name).read_bytes() for name in ASSETS}
        self._asking = asyncio.Lock()
        self._status: tuple[float, StatusDocument | None] = (0.0, None)

    def _app(self) -> web.Application:
        app = web.Application(middlewares=[self._answer, self._guarded])
        app.router.add_get("/", self.page)
        app.router.add_get("/web/{name}", self.asset)
        app.router.add_get("/healthz", self.healthz)
        app.router.add_get("/api/v1/status", self.status)
        app.router.add_get("/api/v1/orders", self.orders)
        app.router.add_get("/api/v1/orders/{order_id}", self.order)
        app.router.add_get("/api/v1/orders/{order_id}/items", self.items)
        app.router.add_get("/api/v1/products", self.products)
        app.router.add_get("/ws/generation/{order_id}", self.follow, allow_head=False)
        app.on_response_prepare.append(_dress)
        app.on_shutdown.append(self._say_good_bye)
        return app

    async def close(self) -> None:
        if self.listener is not None:
            self.listener.close()
        await self.runner.cleanup()
        self.reads.close()

    # --- at the door ---

    @web.middleware
    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Every failure as words; what is our own defect goes to the log, never to the visitor."""
        try:
            with self.doors.answering(request.transport):
                return await handler(request)
        except Refused as refused:
            return _refusal(request, refused)
        except NoSuchOrder:
            text = "There is no order of this id or name. /api/v1/orders lists them."
            return _refusal(request, Refused(404, "No such order", text))
        except AmbiguousName as error:
            return _refusal(request, Refused(409, "Several orders", str(error)))
        except TimeoutError:
            text = "The index does not answer just now. Try again in a moment."
            return _refusal(request, Refused(503, "Busy", text))
        except web.HTTPException as error:
            return _refusal(request, _of_http(error))
        except Exception:
            log.exception("the status page: a defect of this program")
            return _refusal(request, Refused(500, "A defect of this program", "The log has the details."))

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        hosts = request.headers.getall("Host", [])
        if len(hosts) != 1 or not self.guard.knows(hosts[0]):
            raise Refused(403, "Not for this name", f"This is known as {self.guard.address} and by no other name.")
        if request.method not in ("GET", "HEAD"):
            raise Refused(405, "For reading only", f"{request.method} is not possible here.", {"Allow": "GET, HEAD"})
        shown = request.headers.get("Authorization"), request.query.get("token")
        if not self._is_asset(request) and not self.guard.admits(*shown):
            text = "Show the token of http.token: `Authorization: Bearer TOKEN`, or ?token=TOKEN in the address."
            raise Refused(401, "A token is needed", text, {"WWW-Authenticate": "Bearer"})
        return await handler(request)

    def _is_asset(self, request: web.Request) -> bool:
        return request.path.startswith("/web/")  # holds nothing of anybody's

    # --- the addresses ---

    async def page(self, request: web.Request) -> web.Response:
        document = await self._status_now()
        text = await asyncio.to_thread(page.draw, document)
        return web.Response(text=text, content_type="text/html")

    async def asset(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in self._assets:
            raise web.HTTPNotFound
        return web.Response(body=self._assets[name], content_type=ASSETS[name], charset="utf-8")

    async def healthz(self, request: web.Request) -> web.Response:
        health = self.health()
        return _json(health, 200 if health["alive"] else 503)

    async def status(self, request: web.Request) -> web.Response:
        return _json(await self._status_now())

    async def orders(self, request: web.Request) -> web.Response:
        asked = _asked(request, "limit", "before")
        most = _number(asked, "limit", *ORDERS)
        return _json(await self.reads.orders(most, asked.get("before", "")))

    async def order(self, request: web.Request) -> web.Response:
        return _json(await self.reads.order(request.match_info["order_id"]))

    async def items(self, request: web.Request) -> web.Response:
        asked = _asked(request, "limit", "after")
        most, after = _number(asked, "limit", *ITEMS), _number(asked, "after", 0, 1 << 60, least=0)
        return _json(await self.reads.items(request.match_info["order_id"], after, most))

    async def products(self, request: web.Request) -> web.Response:
        asked = _asked(request, "query", "limit", "before")
        most = _number(asked, "limit", *PRODUCTS)
        try:
            return _json(await self.reads.products(asked.get("query", ""), most, asked.get("before", "")))
        except WrongUse as error:
            raise Refused(400, "Not such a query", str(error)) from error

    async def follow(self, request: web.Request) -> web.StreamResponse:
        """The order's document at once and whenever it changed, until the order has ended."""
        socket = self._socket(request)
        document = await self.reads.order(request.match_info["order_id"])
        await socket.prepare(request)
        self._sockets.add(socket)
        try:
            following = self.followers.following(document.order_id, as_news(document))
            with self.doors.following(request.transport), following as follower:
                self.spawn(_send(socket, follower))
                async for _ in socket:  # what a follower says means nothing; that it has gone is heard here
                    pass
        finally:
            self._sockets.discard(socket)
        return socket

    def _socket(self, request: web.Request) -> web.WebSocketResponse:
        if not self.guard.own_page(request.headers.get("Origin")):
            raise Refused(403, "Not for this page", f"Only pages of {self.guard.address} may follow an order.")
        if len(self.followers) >= self.doors.most_followers:
            raise Refused(503, "Too many followers", f"{len(self.followers)} follow already. Try again later.")
        socket = web.WebSocketResponse(timeout=CLOSING, heartbeat=HEARTBEAT, compress=False, max_msg_size=4096)
        if not socket.can_prepare(request).ok:
            raise Refused(426, "A websocket", "This address is for websockets.", {"Upgrade": "websocket"})
        return socket

    async def _say_good_bye(self, app: web.Application) -> None:
        closing = [socket.close(code=1001, message=b"the daemon stops", drain=False) for socket in self._sockets]
        with suppress(TimeoutError):
            async with asyncio.timeout(2 * CLOSING):
                await asyncio.gather(*closing, return_exceptions=True)

    # --- what they answer ---

    async def _status_now(self) -> StatusDocument:
        async with self._asking:
            read_at, document = self._status
            if document is None or time.monotonic() - read_at > FRESH:
                document = await self.reads.status()
                self._status = time.monotonic(), document
            return document


async def _send(socket: web.WebSocketResponse, follower: Follower) -> None:
    """One follower's news, as fast as it takes them: what it missed meanwhile is not sent late."""
    ended = False
    try:
        while not ended:
            await follower.changed.wait()
            follower.changed.clear()
            if follower.left:
                return
            ended, text = follower.news.ended, follower.news.text
            async with asyncio.timeout(PATIENCE):
                await socket.send_str(text)
    except (TimeoutError, ConnectionError, RuntimeError) as error:
        log.debug("a follower is gone: %s", error)
    with suppress(TimeoutError, ConnectionError, RuntimeError):
        async with asyncio.timeout(2 * CLOSING):
            await socket.close(drain=False)


def _asked(request: web.Request, *names: str) -> dict[str, str]:
    """The query. What means nothing here is refused, not ignored."""
    for name in request.query:
        if name not in (*names, "token"):
            raise Refused(400, "Unknown word", f"?{name[:40]}= means nothing here; {' and '.join(names)} do.")
    return dict(request.query)


def _number(asked: Mapping[str, str], name: str, unasked: int, most: int, least: int = 1) -> int:
    text = asked.get(name, str(unasked))
    if not (text.isascii() and text.isdigit() and len(text) < 19 and least <= int(text) <= most):
        raise Refused(400, "Not such a number", f"{name} is a number from {least} to {most}.")
    return int(text)


async def _dress(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)


def _json(
    document: JsonObject | Mapping[str, object], status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    body = (printable(json.dumps(plain(document), ensure_ascii=False)) + "\n").encode()
    return web.Response(body=body, status=status, headers=headers, content_type="application/json", charset="utf-8")


def _of_http(error: web.HTTPException) -> Refused:
    if error.status == 404:
        return Refused(404, "Nothing here", "There is no such address. The page is at /, the data at /api/v1/status.")
    return Refused(error.status, error.reason, f"{error.reason}.")


def _refusal(request: web.Request, refused: Refused) -> web.Response:
    if "text/html" in request.headers.get("Accept", ""):
        text = page.draw_words(refused.title, refused.text)
        return web.Response(text=text, status=refused.status, headers=refused.headers, content_type="text/html")
    return _json({"error": {"title": refused.title, "text": refused.text}}, refused.status, refused.headers)


class AccessLog(AbstractAccessLogger):
    """One line a request. Never the query: it may hold the token."""

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        words = "%s %s %s %s %s bytes in %.1f ms"
        path = request.rel_url.raw_path
        self.logger.info(
            words, request.remote, request.method, path, response.status, response.body_length, time * 1000
        )
