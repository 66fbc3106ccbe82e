"""Websockets: of one order its document, of everything the status, at once and whenever it changed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from aiohttp import web

from artfactoryd.web.access import Guard
from artfactoryd.web.connections import Doors
from artfactoryd.web.front import Front
from artfactoryd.web.queries import as_news, as_text
from artfactoryd.web.refusals import Refused
from artfactoryd.web.subscriptions import Follower, Followers, News

log = logging.getLogger(__name__)

PATIENCE = 10.0  # seconds for a follower to take its news
CLOSING = 0.5  # seconds for a follower to say good-bye
HEARTBEAT = 20.0  # seconds between signs of life asked of a follower


class Following:
    paths = ("/ws/generation/{order_id}", "/ws/status")

    def __init__(
        self, front: Front, doors: Doors, spawn: Callable[[Coroutine[Any, Any, None]], None], guard: Callable[[], Guard]
    ) -> None:
        self._front, self._doors, self._spawn, self._guard = front, doors, spawn, guard
        self.followers = Followers(self._read, front.app.execution.receipts.moved)
        self._sockets: set[web.WebSocketResponse] = set()

    async def _read(self, order_id: str) -> News:
        """Of an order, or with no id of everything."""
        if not order_id:
            return News(as_text(await self._front.status_now()), ended=False)
        return await self._front.reads.news(order_id)

    async def follow(self, request: web.Request) -> web.StreamResponse:
        """Until the order has ended; the status for as long as somebody follows."""
        socket = self._socket(request)
        order_id, news = await self._first(request.match_info.get("order_id", ""))
        await socket.prepare(request)
        self._sockets.add(socket)
        try:
            following = self.followers.following(order_id, news)
            with self._doors.following(request.transport), following as follower:
                self._spawn(_send(socket, follower))
                async for _ in socket:  # what a follower says means nothing; that it has gone is heard here
                    pass
        finally:
            self._sockets.discard(socket)
        return socket

    async def _first(self, given: str) -> tuple[str, News]:
        if not given:
            return "", await self._read("")
        document = await self._front.reads.order(given)
        return document.order_id, as_news(document)

    def _socket(self, request: web.Request) -> web.WebSocketResponse:
        if not self._guard().own_page(request.headers.get("Origin")):
            raise Refused(403, "Not for this page", f"Only pages of {self._guard().address} may follow an order.")
        if len(self.followers) >= self._doors.most_followers:
            raise Refused(503, "Too many followers", f"{len(self.followers)} follow already. Try again later.")
        socket = web.WebSocketResponse(timeout=CLOSING, heartbeat=HEARTBEAT, compress=False, max_msg_size=4096)
        if not socket.can_prepare(request).ok:
            raise Refused(426, "A websocket", "This address is for websockets.", {"Upgrade": "websocket"})
        return socket

    async def say_good_bye(self, app: web.Application) -> None:
        closing = [socket.close(code=1001, message=b"the daemon stops", drain=False) for socket in self._sockets]
        with suppress(TimeoutError):
            async with asyncio.timeout(2 * CLOSING):
                await asyncio.gather(*closing, return_exceptions=True)


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
