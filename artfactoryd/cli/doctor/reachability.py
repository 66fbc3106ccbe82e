"""Whether a web address answers, and where the way to it ends: name, connection, certificate, answer.

Asks without a key, once, with little patience; nothing is bought or changed by it.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from artfactoryd.factories.http.transport import hidden_by_mac

PATIENCE = 3.0  # seconds for each step


@dataclass(frozen=True, slots=True)
class Reached:
    """`step`: "answered", or the step that failed. `date`: the other side's clock, where it told."""

    step: str
    text: str
    date: datetime | None = None


def reach(address: str, patience: float = PATIENCE) -> Reached:
    way = _Way(address, patience)
    thread = threading.Thread(target=way.go, name="reach", daemon=True)  # a name server may keep silent for a minute
    thread.start()
    thread.join(3 * patience)
    return way.end or _failed(way.step, way.host, way.port, f"no answer in {3 * patience:g} seconds")


class _Way:
    def __init__(self, address: str, patience: float) -> None:
        parts = urlsplit(address)
        self.secure = parts.scheme == "https"
        self.host, self.path = parts.hostname or "", parts.path or "/"
        self.port = parts.port or (443 if self.secure else 80)
        self.patience = patience
        self.step = "name"
        self.end: Reached | None = None

    def go(self) -> None:
        try:
            self.end = self._ask()
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            words = getattr(error, "verify_message", "") or getattr(error, "strerror", "") or type(error).__name__
            self.end = _failed(self.step, self.host, self.port, words, hidden_by_mac(error, self.host))

    def _ask(self) -> Reached:
        socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        self.step = "connection"
        with socket.create_connection((self.host, self.port), self.patience) as plain:
            self.step = "certificate"
            context = ssl.create_default_context()
            with context.wrap_socket(plain, server_hostname=self.host) if self.secure else plain as connected:
                self.step = "answer"
                return self._answer(connected)

    def _answer(self, connected: socket.socket) -> Reached:
        asking = http.client.HTTPConnection(self.host, self.port, timeout=self.patience)
        asking.sock = connected
        asking.request("HEAD", self.path)
        answer = asking.getresponse()
        if answer.status >= 500:
            return Reached("answer", f"{self.host} answers that it is out of order (HTTP {answer.status}).")
        return Reached("answered", f"{self.host} answers (HTTP {answer.status}).", _date(answer.getheader("Date")))


def _failed(step: str, host: str, port: int, words: str, hidden: str = "") -> Reached:
    """`hidden`: what to do where another machine is hidden from this program, and not away."""
    if hidden:
        return Reached(step, f"nothing answers at {host}, port {port} ({words}): {hidden}.")
    text = {
        "name": f"the name {host} cannot be looked up ({words}): this machine is offline, or the name is wrong.",
        "connection": f"nothing answers at {host}, port {port} ({words}): this machine is offline, or a firewall is in "
                      "between.",
        "certificate": f"{host} cannot prove who it is ({words}): the clock is wrong, or somebody is in between.",
        "answer": f"{host} can be connected, but does not answer ({words}).",
    }[step]  # fmt: skip
    return Reached(step, text)


def _date(text: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(text) if text else None
    except ValueError:
        return None
