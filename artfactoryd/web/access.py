"""Who may read the status page, and who may do something there: decided by the request's own words.

A page elsewhere can send a browser here under a name of its own (DNS rebinding), so only the names
this address is known by are answered, and a websocket only for a page of ours. What changes something is taken from a
browser only with the token that our own page holds, and from a program only in a form that no page elsewhere can send
without being asked about it first.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

LOOPBACK = ("127.0.0.1", "localhost", "::1")
EVERYWHERE = ("0.0.0.0", "::")


@dataclass(frozen=True)
class Guard:
    """`host` as in the settings, `ports` as bound."""

    host: str
    ports: frozenset[int]
    token: str | None = field(default=None, repr=False)

    def knows(self, host: str | None) -> bool:
        """Whether a Host header names us."""
        name, port = _split(host or "")
        return port in self.ports and (name in self._names() or (self.host in EVERYWHERE and _is_address(name)))

    def _names(self) -> set[str]:
        names = {*LOOPBACK, self.host.lower()}
        if self.host in EVERYWHERE:  # an address cannot be rebound, so any of ours will do; a name must be our own
            own = socket.gethostname().lower()
            names |= {own, f"{own.partition('.')[0]}.local"}
        return names

    def own_page(self, origin: str | None) -> bool:
        """Whether an Origin header is ours; programs that are no browser send none."""
        if origin is None:
            return True
        scheme, mark, host = origin.partition("://")
        return bool(mark) and scheme == "http" and self.knows(host)

    def admits(self, authorization: str | None, given: str | None) -> bool:
        """Whether the token is shown, in `Authorization: Bearer` or as `?token=`; True where none is asked for."""
        if self.token is None:
            return True
        kind, _, shown = (authorization or "").partition(" ")
        shown = shown.strip() if kind.lower() == "bearer" else given or ""
        return hmac.compare_digest(shown.encode("utf-8", "replace"), self.token.encode())

    @property
    def cookie(self) -> tuple[str, str]:
        """Name and value of what a browser shows instead, so that no address holds the token: no other port's."""
        name, token = f"artfactory-{min(self.ports, default=0)}", self.token or ""
        return name, hmac.new(token.encode(), name.encode(), "sha256").hexdigest()

    def remembers(self, cookies: Mapping[str, str]) -> bool:
        name, value = self.cookie
        return self.token is None or hmac.compare_digest(cookies.get(name, "").encode(), value.encode())

    @property
    def address(self) -> str:
        """Where a person on this machine finds the page."""
        host = "127.0.0.1" if self.host in EVERYWHERE else self.host
        return f"http://{f'[{host}]' if ':' in host else host}:{min(self.ports)}/"


SIMPLE = frozenset({"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"})  # any page may send them
BY_BROWSERS = ("Origin", "Sec-Fetch-Site", "Cookie")


@dataclass(frozen=True)
class Forms:
    """`token`: of this run, in every form of our own pages, where no other page can read it."""

    token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)

    def knows(self, given: str | None) -> bool:
        return hmac.compare_digest((given or "").encode("utf-8", "replace"), self.token.encode())

    def is_by_browser(self, headers: Mapping[str, str]) -> bool:
        return any(name in headers for name in BY_BROWSERS)

    def needs_token(self, headers: Mapping[str, str], content_type: str) -> bool:
        """`content_type`: of its body, empty where there is none."""
        return self.is_by_browser(headers) or content_type in SIMPLE


def _split(host: str) -> tuple[str, int]:
    """Name and port of a Host header; port -1 for what is none."""
    if not host.isascii() or any(mark in host for mark in "/?#@\\ "):
        return "", -1
    try:
        parts = urlsplit(f"//{host}")
        return (parts.hostname or "").lower(), parts.port or (-1 if host.endswith(":") else 80)
    except ValueError:
        return "", -1


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
