"""Ends the tasks of the house, also those that swallow a cancellation."""

from __future__ import annotations

import asyncio
import logging
import os

log = logging.getLogger(__name__)

CANCELS = 5
AGAIN = 0.5  # seconds until what goes on is cancelled again


async def end(*owners: set[asyncio.Task[None]]) -> None:
    """Until all of these, and what they begin meanwhile, have ended. A stop never waits for ever.

    A library may lose a cancellation. What loses them all ends the process: every state can be taken up again.
    """
    for _ in range(CANCELS):
        tasks = {task for owner in owners for task in owner}
        if not tasks:
            return
        for task in tasks:
            task.cancel()
        _, tasks = await asyncio.wait(tasks, timeout=AGAIN)
    if tasks:
        log.error("stopped at once, because this does not end: %s", ", ".join(map(repr, tasks)))
        os._exit(1)
