"""The daemon's word to systemd: datagrams to $NOTIFY_SOCKET. Without that variable nobody listens."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import suppress

MISSED = 3  # so many looks into the inbox may be late before the watchdog counts


def tell(environ: Mapping[str, str], *words: str) -> None:
    """`READY=1`, `WATCHDOG=1`, `STATUS=…`, `STOPPING=1`. Never waits and never fails: the next word makes up for it."""
    address = environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    name = "\0" + address[1:] if address.startswith("@") else address
    message = "\n".join(" ".join(word.split()) for word in words)
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.setblocking(False)
        ear.sendto(message.encode("utf-8", "replace"), name)


def ready(environ: Mapping[str, str], status: str, pause: float) -> None:
    """At work. `pause`: seconds between two looks into the inbox, each of which pings the watchdog."""
    watchdog = environ.get("WATCHDOG_USEC", "")
    longer = int(pause * MISSED * 1e6)
    asked = [f"WATCHDOG_USEC={longer}"] if watchdog.isdigit() and longer > int(watchdog) else []
    tell(environ, "READY=1", f"STATUS={status}", *asked, "WATCHDOG=1")
