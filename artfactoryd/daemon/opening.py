"""Opening a home for work, however long the machine refuses."""

from __future__ import annotations

import asyncio
import ctypes
import logging
from contextlib import AsyncExitStack

from artfactoryd.daemon.app import App, open_app
from artfactoryd.daemon.run import RunOptions
from artfactoryd.daemon.steady import AGAIN
from artfactoryd.daemon.supervisors import notify
from artfactoryd.errors import HomeMoved, StorageFull, StorageSick, WrongUse
from artfactoryd.home import Home
from artfactoryd.medium import in_words
from artfactoryd.settings import Settings
from artfactoryd.storage.database import DatabaseError
from artfactoryd.storage.engines.troubles import is_passing

log = logging.getLogger(__name__)

LONGEST_AGAIN = 30.0  # seconds between tries to open what a person must mend first
ARENAS, FROM_SYSTEM = (-8, 2), (-3, 512 << 10)  # glibc's M_ARENA_MAX, M_MMAP_THRESHOLD; bytes
LATE = 60.0  # seconds without a word: something is badly wrong


async def opened(
    stack: AsyncExitStack, home: Home, settings: Settings, environ: dict[str, str], options: RunOptions
) -> App:
    """The home, opened. What the machine refuses just now is waited out, but by a run that is to end by itself; what it
    refuses until a person mends it, only by a supervised one. Raises WrongUse of that."""
    return_memory()
    again = AGAIN
    while True:
        try:
            return await stack.enter_async_context(open_app(home, settings, environ, tell=options.mending))
        except HomeMoved:
            raise
        except (OSError, StorageFull, StorageSick, DatabaseError) as error:
            lasts = not (isinstance(error, StorageFull) or is_passing(error))
            if not options.until_done and lasts and not options.supervised and isinstance(error, OSError):
                raise WrongUse(f"{in_words(error)} When that is mended, start again.") from error
            if options.until_done or (lasts and not options.supervised):
                raise
            log.error("the work waits: %s", in_words(error))
            home.tell({"waits": in_words(error)})
            notify.ready(environ, f"waits: {in_words(error)}", LATE)
        await asyncio.sleep(again)
        again = min(2 * again, LONGEST_AGAIN) if lasts else AGAIN
        home.tell({"waits": None})


def return_memory() -> None:
    """What a picture took goes back to the system when it is filed: by itself glibc keeps it, a part for each thread,
    and so 25 MB more over a long run. Of another library nothing is asked."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for option in (ARENAS, FROM_SYSTEM):
            mallopt(*option)
