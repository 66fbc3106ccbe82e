"""Which web addresses a provider may be asked at, as far as they tell. Nothing is looked up."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

TAILNET = ipaddress.ip_network("100.64.0.0/10")
NEAR = (".local", ".lan", ".home", ".internal", ".home.arpa", ".ts.net")  # names that only a network of one's own has


def bad_address(address: str, *, is_keyless: bool) -> str | None:
    """What is wrong with it. The address itself is not repeated: it may hold a password.

    `is_keyless`: no key is sent there, so plain http may go into the local network.
    """
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "this is no web address."
    if parts.scheme not in ("http", "https") or not host:
        return "the address must begin with https:// and a host."
    if parts.username or parts.password or parts.query or parts.fragment:
        return "the address must hold no user, password, ? or #."
    if parts.scheme == "https" or is_loopback(host) or (is_keyless and _is_near(host)):
        return None
    if is_keyless:
        return "plain http is allowed on this machine and in the local network only, and where no API key is given."
    return "plain http would show the API key to the network; it is allowed on this machine only."


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_near(host: str) -> bool:
    """In the local network, as far as the name or the number tells."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.endswith(NEAR)
    return address.is_private or address.is_link_local or address in TAILNET


def bad_server(url: str) -> str | None:
    """What is wrong with that of a PostgreSQL server, which is not repeated either."""
    try:
        parts = urlsplit(url)
        _ = parts.hostname, parts.port
    except ValueError:
        return "this is no address of a server."
    if parts.scheme not in ("postgresql", "postgres"):
        return "the address must begin with postgresql://."
    if parts.password or "password=" in parts.query:
        return "the address must hold no password."
    return None
