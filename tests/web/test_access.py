from __future__ import annotations

import socket

import pytest

from artfactoryd.web.access import Guard

HERE = Guard("127.0.0.1", frozenset({8765}))
EVERYWHERE = Guard("0.0.0.0", frozenset({8765}), "t" * 16)
NAMED = Guard("factory.lan", frozenset({8765}), "t" * 16)


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost:8765", "LOCALHOST:8765", "[::1]:8765"])
def test_this_machine_is_known_by_its_own_names_and_our_port(host: str) -> None:
    assert HERE.knows(host) and EVERYWHERE.knows(host) and NAMED.knows(host)


@pytest.mark.parametrize(
    "host",
    [
        None, "", "evil.example", "evil.example:8765", "127.0.0.1", "127.0.0.1:80", "127.0.0.1:", "127.0.0.1:x",
        "127.0.0.1:8765:8765", "127.0.0.1.evil.example:8765", "localhost.evil.example:8765", "evil@localhost:8765",
        "localhost:8765@evil.example", "localhost:8765/x", "localhost:8765#x", "[::1", "::1:8765", "localhost:99999999",
        "löcalhost:8765", "127.0.0.1:8765, evil.example",
    ],
)  # fmt: skip
def test_every_other_name_is_foreign(host: str | None) -> None:
    assert not HERE.knows(host) and not EVERYWHERE.knows(host) and not NAMED.knows(host)


def test_bound_to_all_addresses_any_address_is_ours_but_only_our_own_name() -> None:
    assert EVERYWHERE.knows("192.168.1.7:8765") and EVERYWHERE.knows("[fe80::1]:8765")
    assert EVERYWHERE.knows(f"{socket.gethostname()}:8765")
    assert not HERE.knows("192.168.1.7:8765") and not NAMED.knows("192.168.1.7:8765")
    assert NAMED.knows("factory.lan:8765") and not HERE.knows("factory.lan:8765")


def test_the_port_80_needs_no_number() -> None:
    assert Guard("127.0.0.1", frozenset({80})).knows("localhost")


@pytest.mark.parametrize(
    ("origin", "ours"),
    [
        (None, True),
        ("http://127.0.0.1:8765", True),
        ("http://localhost:8765", True),
        ("https://127.0.0.1:8765", False),
        ("http://evil.example", False),
        ("http://127.0.0.1:9999", False),
        ("null", False),
        ("", False),
    ],
)
def test_only_our_own_pages_and_programs_may_follow(origin: str | None, ours: bool) -> None:
    assert HERE.own_page(origin) is ours


@pytest.mark.parametrize(
    ("authorization", "given", "admitted"),
    [
        (f"Bearer {'t' * 16}", None, True),
        (f"bearer  {'t' * 16}", None, True),
        (None, "t" * 16, True),
        (None, None, False),
        ("", "", False),
        (f"Basic {'t' * 16}", None, False),
        ("Bearer", "", False),
        (f"Bearer {'t' * 15}", None, False),
        (f"Bearer {'t' * 17}", None, False),
        (None, "tö", False),
    ],
)
def test_the_token_is_shown_whole_or_it_is_not_shown(
    authorization: str | None, given: str | None, admitted: bool
) -> None:
    assert EVERYWHERE.admits(authorization, given) is admitted
    assert HERE.admits(authorization, given), "no token is asked for"


def test_the_token_is_in_no_repr() -> None:
    assert "t" * 16 not in repr(EVERYWHERE)


@pytest.mark.parametrize(
    ("host", "address"),
    [("127.0.0.1", "http://127.0.0.1:8765/"), ("::1", "http://[::1]:8765/"), ("::", "http://127.0.0.1:8765/")],
)
def test_the_address_can_be_opened_on_this_machine(host: str, address: str) -> None:
    assert Guard(host, frozenset({8765})).address == address
