"""Pauses that matter to nobody, made short: in the test's own loop (`works.quick`) and in a forked program."""

from __future__ import annotations

from pkgutil import resolve_name

SHORT: dict[str, object] = {
    "artfactoryd.commands:LOOK": 0.01,
    "artfactoryd.daemon:COMMANDS_EVERY": 0.02,
    "artfactoryd.daemon:RECEIPTS_EVERY": 0.02,
    "artfactoryd.daemon:IDLE_EVERY": 0.05,
    "artfactoryd.delivery:AGAIN": (0.02, 0.05, 0.1),
    "artfactoryd.factories.replicate:ReplicateFactory.first_ask": 0.02,
    "artfactoryd.followers:ANYWAY": 0.1,
    "artfactoryd.followers:PACE": 0.05,
    "artfactoryd.foreman:ASK_AGAIN": 0.01,
    "artfactoryd.limits:LONGEST": 0.02,
    "artfactoryd.logs:LOOK": 0.02,
    "artfactoryd.session:AGAIN": 0.05,
    "artfactoryd.session:LOOK": 0.02,
    "artfactoryd.workbench:WRITE_AGAIN": 0.02,
}


def shorten() -> None:
    """For good: only in a process of its own."""
    for place, pause in SHORT.items():
        owner, _, name = place.replace(":", ".").rpartition(".")
        setattr(resolve_name(owner), name, pause)
