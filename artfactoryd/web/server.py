"""The status endpoint, for as long as the daemon is at work: bound, and closed again.

`desk` lets visitors in and hands them on; `front` is what all that answer them work with. `lists` has what is read,
`pictures` what is shown, `steering` what a person says, `drafts` orders that are being written, `pages` what a browser
shows. Nothing here can stop the work, and nothing a visitor sends is ever part of an error's cause.
"""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress

from artfactoryd.credentials import resolve_token
from artfactoryd.daemon.app import App
from artfactoryd.errors import WrongUse
from artfactoryd.medium import in_words
from artfactoryd.settings import Http
from artfactoryd.web.access import Guard
from artfactoryd.web.desk import Desk, Spawn
from artfactoryd.web.front import Act, Front
from artfactoryd.web.queries import Reads

log = logging.getLogger(__name__)

PORT_AGAIN = 60.0  # seconds until a taken port is tried again


async def serve(
    app: App, environ: Mapping[str, str], health: Callable[[], Mapping[str, object]], act: Act, spawn: Spawn,
    stop: asyncio.Event,
) -> None:  # fmt: skip
    """Until `stop`, then closed within a second. What goes wrong here is a line in the log, and the work goes on.

    `act` carries out a command, as the mailbox has it done. `spawn` makes a task of what a follower is sent; such a
    task ends when its follower goes.
    """
    try:
        token = resolve_token(app.settings.now, environ)
        front = Front(app, health, act, Reads(app.home, app.settings))
        await _serve(Desk(front, spawn, Guard(app.settings.now.http.host, frozenset(), token)), stop)
    except WrongUse as error:
        await _no_page(app, str(error))
    except Exception as error:
        log.exception("the status page ended by a defect of this program")
        await _no_page(app, f"It ended by a defect of this program ({in_words(error)}); the log has the details.")


async def _serve(desk: Desk, stop: asyncio.Event) -> None:
    try:
        desk.spawn(desk.following.followers.tell())
        if await _bind(desk, desk.front.app.settings.now.http, stop):
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
            await _no_page(desk.front.app, _why_not(http, error))
            with suppress(TimeoutError):
                async with asyncio.timeout(PORT_AGAIN):
                    await stop.wait()
            continue
        addresses = [listening.getsockname() for listening in desk.listener.sockets]
        ports = frozenset(int(address[1]) for address in addresses)
        desk.guard = Guard(http.host, ports, desk.guard.token)
        log.info("the status page is at %s", desk.guard.address)
        await asyncio.to_thread(desk.front.app.home.tell, {"page": desk.guard.address, "page_problem": None})
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
