"""Pauses that matter to nobody, made short: in the test's own loop (`works.quick`) and in a forked program."""

from __future__ import annotations

from pkgutil import resolve_name

from tests.eyes import NearEye

SHORT: dict[str, object] = {
    "artfactoryd.daemon.mailbox:LOOK": 0.01,
    "artfactoryd.daemon.keys:LOOK_EVERY": 0.02,
    "artfactoryd.daemon.loop:COMMANDS_EVERY": 0.02,
    "artfactoryd.daemon.loop:RECEIPTS_EVERY": 0.02,
    "artfactoryd.daemon.loop:IDLE_EVERY": 0.05,
    "artfactoryd.execution.delivery:AGAIN": (0.02, 0.05, 0.1),
    "artfactoryd.factories.replicate:ReplicateFactory.first_ask": 0.02,
    "artfactoryd.daemon.sheets:LOOK": 0.01,
    "artfactoryd.daemon.noticing.folder_events:REST": 0.02,
    "artfactoryd.daemon.noticing.noticer:AGAIN": 0.05,
    "artfactoryd.daemon.noticing.noticer:AWAY_EVERY": 0.02,
    "artfactoryd.daemon.noticing.noticer:GONE_AFTER": 0.1,
    "artfactoryd.daemon.noticing.noticer:FOLDERS_EVERY": 0.1,
    "artfactoryd.execution.delivery:CALM": 0.0,
    "artfactoryd.daemon.noticing.noticer:TOLD_EVERY": 0.1,
    "artfactoryd.web.subscriptions:ANYWAY": 0.1,
    "artfactoryd.web.subscriptions:PACE": 0.05,
    "artfactoryd.execution.collection:ASK_AGAIN": 0.01,
    "artfactoryd.execution.pacing.uploads:AGAIN": 0.02,
    "artfactoryd.execution.pacing.polling:LONGEST": 0.02,
    "artfactoryd.cli.upkeep.logs:LOOK": 0.02,
    "artfactoryd.cli.run:AGAIN": 0.05,
    "artfactoryd.cli.submit:LOOK": 0.02,
    "artfactoryd.execution.delivery:GONE_LASTS": 0.2,
    "artfactoryd.execution.collection:GONE_LASTS": 0.2,
    "artfactoryd.execution.recorder:WRITE_AGAIN": 0.02,
    "artfactoryd.execution.assembly:Eye": NearEye,
    "artfactoryd.execution.shelving.later:PAUSE": 0.01,
    "artfactoryd.execution.shelving.later:OWES_EVERY": 0.0,
    "artfactoryd.daemon.arranging.folders:EVERY": 0.02,
    "artfactoryd.daemon.arranging.folders:QUIET": 0.05,
    "artfactoryd.execution.shelving.again:ROOM_AGAIN": 0.05,
}


def shorten() -> None:
    """For good: only in a process of its own."""
    for place, pause in SHORT.items():
        owner, _, name = place.replace(":", ".").rpartition(".")
        setattr(resolve_name(owner), name, pause)
