"""How many files this process may have open at once: more are asked for, and a run with far too few does not begin."""

from __future__ import annotations

import logging
import resource
from contextlib import suppress

from artfactoryd.errors import WrongUse

DESCRIPTORS = 256  # open at once: of ledger, index, page, and of as many pictures as are on their way
LEAST = 64  # with fewer, what is refused would be met in the middle of everything
MORE = "`ulimit -n 1024` (systemd: LimitNOFILE=1024, launchd: NumberOfFiles)"


def ask_for_enough() -> None:
    """As many as are needed, where the system gives them. Raises WrongUse where they are too few to work with."""
    if (most := _most()) < LEAST:
        words = f"Only {most} files may be open here at once, and a run needs {LEAST} at the least."
        raise WrongUse(f"{words} Before the start: {MORE}.")


def say_when_few() -> None:
    """In the log, which is there by now."""
    if (most := _most()) < DESCRIPTORS:
        logging.getLogger(__name__).warning(
            "only %s files may be open here at once, and %s are needed: what is one too many waits. Before the start: "
            "%s", most, DESCRIPTORS, MORE,
        )  # fmt: skip


def _most() -> float:
    """After as many as are needed were asked for."""
    most, limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most == resource.RLIM_INFINITY or most >= DESCRIPTORS:
        return float("inf")
    given = DESCRIPTORS if limit == resource.RLIM_INFINITY else min(DESCRIPTORS, limit)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (given, limit))
        most = given
    return most
