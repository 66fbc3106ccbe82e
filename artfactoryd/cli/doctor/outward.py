"""What `doctor` says of hooks, notifications, the scanner and the upscaler: whether they can be had."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Iterator, Mapping

from artfactoryd import clock
from artfactoryd.cli.doctor.report import BAD, OK, WARNING, Row
from artfactoryd.core.names import counted
from artfactoryd.daemon.telling import command
from artfactoryd.daemon.telling.hooks import failures
from artfactoryd.daemon.telling.notifications import call_for, is_desktop
from artfactoryd.factories.local.upscaling import engine, running
from artfactoryd.home import Home
from artfactoryd.settings import Settings
from artfactoryd.shelf.scanning import clamd

Rows = Iterator[Row]


def hooks(home: Home, settings: Settings, environ: Mapping[str, str]) -> Rows:
    """Only of those that there are now: what failed and was taken out is nobody's trouble."""
    if not settings.hooks:
        return
    known = command.environment(environ, home.root)
    failed = {(failure.event, failure.name): failure for failure in failures(home)}
    well = 0
    for event, hook in ((event, hook) for event, given in settings.hooks.items() for hook in given):
        if why := command.absent(hook.words[0], known):
            yield Row(
                "hooks", WARNING, f"The hook of {event} cannot run: {why}.", "Mend it, or `hooks` in the settings."
            )
        elif failure := failed.get((event, hook.name)):
            when = clock.shown(failure.at)
            words = f"The hook of {event} ({hook.name}) failed at {when}: {failure.trouble}."
            yield Row("hooks", WARNING, words, "Mend it: this row goes when it has run well.")
        else:
            well += 1
    if well:
        yield Row("hooks", OK, f"{counted(well, 'hook')}, and nothing is known to be wrong with {_them(well)}.")


def notifications(home: Home, settings: Settings, environ: Mapping[str, str]) -> Rows:
    if settings.desktop.notify is False:
        return
    path = command.environment(environ, home.root)["PATH"]
    call = call_for(sys.platform, lambda name: shutil.which(name, path=path) is not None, "", home.root)
    if settings.desktop.notify == "auto" and not is_desktop(sys.platform, environ):
        yield Row("notifications", OK, "None are shown: this is no session of a desktop, as seen from here.")
    elif call:
        yield Row("notifications", OK, "They are shown by the desktop.")
    else:
        way_out = "Install the package that has notify-send (libnotify-bin), or set `desktop.notify: false`."
        yield Row("notifications", WARNING, "There is no command here that shows them.", way_out)


def scan(settings: Settings) -> Rows:
    if settings.scan.address is None:
        return
    what = "what it is to look at waits" if settings.scan.required else "what comes goes on unscanned"
    try:
        told = asyncio.run(clamd.version(settings.scan))
    except (OSError, TimeoutError) as error:
        words = f"clamd at {settings.scan.address} {clamd.trouble(error)}: {what}."
        way_out = "Start it (Debian: systemctl start clamav-daemon), or correct scan.address in the settings."
        yield Row("scan", BAD if settings.scan.required else WARNING, words, way_out)
        return
    yield Row("scan", OK, f"clamd answers at {settings.scan.address}: {told}.")


def upscale() -> Rows:
    """Only where its library is installed: whoever has none does not want it."""
    if engine.folder() is None:
        return
    if why := engine.lack():
        yield Row("upscale", WARNING, f"local/upscale is not offered: {why}")
        return
    name, trouble = asyncio.run(running.device())
    if trouble:
        yield Row("upscale", BAD, f"local/upscale cannot run: {trouble}.", f"{engine.NEEDS}.")
    else:
        yield Row("upscale", OK, f"local/upscale enlarges pictures on {name}.")


def _them(number: int) -> str:
    return "it" if number == 1 else "them"
