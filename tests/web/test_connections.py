"""A crowd at the page does not take the work's descriptors."""

from __future__ import annotations

import resource
import socket
import subprocess
from urllib.parse import urlsplit

from artfactoryd.web.connections import MOST, most
from tests.homes import TestHome, until
from tests.web.test_server import ask, page_of

SKETCH = "provider: local\nmodel: sketch\nparameters: {prompt: a cat, width: 64, height: 64}\n"


def test_connections_leave_a_reserve_for_the_work() -> None:
    assert [most(limit) for limit in (100, 150, 200, 4096, resource.RLIM_INFINITY)] == [4, 22, MOST, MOST, MOST]


def test_half_open_connections_end_neither_the_daemon_nor_the_page(home: TestHome) -> None:
    command = ["bash", "-c", 'ulimit -n 200; exec "$@"', "-", *home.command("run")]
    with subprocess.Popen(command, env=home.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as daemon:
        address = page_of(home)
        place = urlsplit(address)
        crowd = []
        for _ in range(258):
            one = socket.create_connection((place.hostname, place.port), timeout=5)
            one.sendall(b"GET / HT")
            crowd.append(one)
        home.drop("cat.yaml", SKETCH)
        until(lambda: home.states() == ["completed"])
        until(lambda: answers(address))
        for one in crowd:
            one.close()
        assert daemon.poll() is None
        daemon.terminate()
        assert daemon.wait(20) == 0


def answers(address: str) -> bool:
    try:
        return ask(address, "/healthz").status == 200
    except OSError:
        return False
