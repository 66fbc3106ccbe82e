"""The endpoint of the real daemon, over real HTTP."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import re
import signal
import socket
import time
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from artfactoryd.daemon import loop
from artfactoryd.daemon.app import open_app
from artfactoryd.daemon.loop import Daemon
from artfactoryd.daemon.run import RunOptions
from artfactoryd.settings import Http, Settings
from artfactoryd.web import pages, server
from tests.emulator.client import Emulator
from tests.homes import PATIENCE, TestHome, until

TOKEN = "a-token-of-24-characters"
FORTY = """\
provider: replicate
model: flux-schnell
project: summer-cars
parameters:
  prompt: "A [red,blue,green,white,black] car in [snow,rain,sun,fog] at [noon,night]"
"""
SKETCH = """\
provider: local
model: sketch
project: {project}
parameters: {{prompt: "a [red,blue] cat", width: 64, height: 64}}
"""


class Answer:
    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self.status, self.headers, self.body = answer.status, answer.headers, answer.read()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(address: str, path: str, method: str = "GET", **headers: str) -> Answer:
    """Headers may override any, Host too; an underscore stands for a hyphen."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=20)
    try:
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        return Answer(connection.getresponse())
    finally:
        connection.close()


def page_of(home: TestHome) -> str:
    def said() -> dict[str, Any]:
        return dict(home.home.holder() or {})

    until(lambda: said().get("page"))
    return str(said()["page"])


def orders_at(address: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask(address, "/api/v1/orders").json["orders"]
    return found


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestHome, str]]:
    """A daemon at rest: three orders done, one held, one file rejected. For tests that only read."""
    home = TestHome.make(tmp_path_factory.mktemp("status") / "home", limits={"products_per_order": 3})
    for name in ("one", "two", "three"):
        home.drop(f"{name}.yaml", SKETCH.format(project=name))
    home.drop("many.yaml", SKETCH.format(project="many").replace("[red,blue]", "[red,blue,green,white]"))
    home.drop("<img src=x onerror=alert(1)>.yaml", "provider: local\n")
    with home.running():
        address = page_of(home)
        until(lambda: sorted(each["status"] for each in orders_at(address)) == ["completed"] * 3 + ["held"])
        until(lambda: ask(address, "/api/v1/status").json["rejected"])
        yield home, address


# --- during an order ---


async def follow(address: str, order_id: str) -> list[dict[str, Any]]:
    """Every document until the other side closes."""
    async with (
        asyncio.timeout(PATIENCE), aiohttp.ClientSession() as session,
        session.ws_connect(f"{address}ws/generation/{order_id}") as socket,
    ):  # fmt: skip
        return [json.loads(message.data) async for message in socket if message.type == aiohttp.WSMsgType.TEXT]


def deaf_follower(address: str, order_id: str) -> socket.socket:
    """Asks to follow and then never reads."""
    parts = urlsplit(address)
    connection = socket.create_connection((parts.hostname, parts.port))
    asked = (
        f"GET /ws/generation/{order_id} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: Upgrade\r\n"
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    connection.sendall(asked.encode())
    return connection


def test_an_order_of_forty_items_is_followed_to_its_end_while_every_address_answers(
    tmp_path: Path, emulator: Emulator
) -> None:
    home = TestHome.make(tmp_path / "home", emulator.base_url, providers={"replicate": {
        "concurrency": 10, "base_url": emulator.base_url,
    }})  # fmt: skip
    with home.running():
        address = page_of(home)
        home.drop("forty.yaml", FORTY)
        until(lambda: orders_at(address))
        order_id = orders_at(address)[0]["order_id"]
        deaf = [deaf_follower(address, order_id) for _ in range(3)]
        first, second = asyncio.run(two_followers(address, order_id))
        for found in (first, second):
            assert [each["order_id"] for each in found] == [order_id] * len(found)
            assert found[-1]["status"] == "completed" and found[-1]["completed_items"] == 40
            assert len(found[-1]["products"]) == 40
            done = [each["completed_items"] for each in found]
            assert len(found) > 3 and done == sorted(done), "it was told on the way, and nothing old after the new"
        assert ask(address, f"/api/v1/orders/{order_id}").json == first[-1]
        assert asyncio.run(follow(address, order_id)) == [first[-1]], "of an ended order: once, and closed"
        for each in deaf:
            each.close()


async def two_followers(address: str, order_id: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    def look() -> None:
        for path in ("", "healthz", "api/v1/status", "api/v1/orders", f"api/v1/orders/{order_id}/items"):
            answer = ask(address, f"/{path}")
            assert answer.status == 200, path
        assert b"summer-cars" in ask(address, "/").body

    first, second, _ = await asyncio.gather(
        follow(address, order_id), follow(address, order_id), asyncio.to_thread(look)
    )
    return first, second


def test_a_stop_closes_open_websockets_within_five_seconds(tmp_path: Path) -> None:
    home = TestHome.make(tmp_path / "home", limits={"products_per_order": 1})
    home.drop("held.yaml", SKETCH.format(project="x"))
    with home.running() as process:
        address = page_of(home)
        until(lambda: orders_at(address))
        order_id = orders_at(address)[0]["order_id"]
        deaf = [deaf_follower(address, order_id) for _ in range(5)]
        code, took = asyncio.run(stopped_meanwhile(address, order_id, process.pid))
        process.wait(PATIENCE)
        assert (process.returncode, code) == (0, 1001)
        assert took < 5
        for each in deaf:
            each.close()


async def stopped_meanwhile(address: str, order_id: str, pid: int) -> tuple[int | None, float]:
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{address}ws/generation/{order_id}") as follower:
        assert json.loads((await follower.receive()).data)["status"] == "held"
        began = time.monotonic()
        os.kill(pid, signal.SIGTERM)
        message = await follower.receive(timeout=10)
        assert message.type == aiohttp.WSMsgType.CLOSE
        return follower.close_code or message.data, time.monotonic() - began


def test_a_follower_sees_what_a_person_does_to_a_held_order(tmp_path: Path) -> None:
    home = TestHome.make(tmp_path / "home", limits={"products_per_order": 1})
    home.drop("held.yaml", SKETCH.format(project="x"))
    with home.running():
        address = page_of(home)
        until(lambda: orders_at(address))
        order_id = orders_at(address)[0]["order_id"]
        seen = asyncio.run(seen_while(address, order_id, lambda: home.call("cancel", order_id)))
        assert (seen[0]["status"], seen[-1]["status"]) == ("held", "cancelled")


async def seen_while(address: str, order_id: str, act: Any) -> list[dict[str, Any]]:
    seen, _ = await asyncio.gather(follow(address, order_id), asyncio.to_thread(act))
    return seen


# --- what the addresses answer ---


def test_the_status_over_http_is_the_status_of_the_command(stocked: tuple[TestHome, str]) -> None:
    home, address = stocked
    until(lambda: not ask(address, "/api/v1/status").json["to_look_at"])  # several readers get one, for a moment
    assert ask(address, "/api/v1/status").json == home.ask("status")
    assert f"Page    {address}" in home.call("status").stdout


def test_the_page_and_the_status_tell_the_reasons_of_held_and_rejected_files(stocked: tuple[TestHome, str]) -> None:
    _, address = stocked
    found = ask(address, "/api/v1/status").json
    assert "more than 3 need your word" in found["why"]["held"]["many.yaml"]
    [(name, words)] = found["why"]["rejected"].items()
    assert name == "<img src=x onerror=alert(1)>.yaml" and "Nothing of it was sent" in words
    drawn = ask(address, "/").body.decode()
    assert "more than 3 need your word" in drawn and "&lt;img src=x onerror=alert(1)&gt;.yaml" in drawn
    assert "<img src=x" not in drawn


def test_an_order_is_named_by_its_id_or_the_beginning_of_it(stocked: tuple[TestHome, str]) -> None:
    home, address = stocked
    order_id = orders_at(address)[0]["order_id"]
    found = ask(address, f"/api/v1/orders/{order_id}").json
    assert found["total_items"] >= 2 and found["order_id"] == order_id
    assert ask(address, f"/api/v1/orders/{order_id[:-1]}").json == found
    assert {
        key: value for key, value in home.order(order_id).items() if key not in ("items", "attempts", "doubts")
    } == found


def test_orders_are_paged_from_the_newest_to_the_oldest(stocked: tuple[TestHome, str]) -> None:
    _, address = stocked
    whole = orders_at(address)
    first = ask(address, "/api/v1/orders?limit=3").json
    second = ask(address, f"/api/v1/orders?limit=3&before={first['next']}").json
    assert first["orders"] + second["orders"] == whole and second["next"] is None
    assert [each["order_id"] for each in whole] == sorted((each["order_id"] for each in whole), reverse=True)


def test_items_are_paged_in_their_order(stocked: tuple[TestHome, str]) -> None:
    home, address = stocked
    order_id = next(each["order_id"] for each in orders_at(address) if each["status"] == "completed")
    first = ask(address, f"/api/v1/orders/{order_id}/items?limit=1").json
    second = ask(address, f"/api/v1/orders/{order_id}/items?limit=1&after={first['next']}").json
    assert first["items"] + second["items"] == home.order(order_id)["items"]
    assert ask(address, f"/api/v1/orders/{order_id}/items?after=2").json == {
        "order_id": order_id, "items": [], "next": None,
    }  # fmt: skip


def test_products_are_found_by_a_query_page_by_page(stocked: tuple[TestHome, str]) -> None:
    _, address = stocked
    whole = ask(address, "/api/v1/products").json["products"]
    first = ask(address, "/api/v1/products?limit=2&query=cat%20is:image").json
    second = ask(address, f"/api/v1/products?query=cat&before={first['next']}").json
    assert len(whole) > 2 and first["products"] + second["products"] == whole and second["next"] is None


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/api/v1/products?query=widht:3", 400), ("/api/v1/products?limit=501", 400),
        ("/api/v1/products?before=nobody", 400),
        ("/nothing", 404), ("/api/v1/orders/00000000", 404), ("/api/v1/orders/%25", 404),
        ("/api/v1/orders/x/items", 404), ("/web/../../settings.py", 404), ("/web/..%2fsettings.py", 404),
        ("/web/nothing.css", 404),
        ("/api/v1/orders?limit=0", 400), ("/api/v1/orders?limit=201", 400), ("/api/v1/orders?limit=x", 400),
        ("/api/v1/orders?limit=%C2%B2", 400), ("/api/v1/orders?befor=1", 400), ("/ws/generation/x", 426),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_said_in_words(stocked: tuple[TestHome, str], path: str, code: int) -> None:
    answer = ask(stocked[1], path)
    assert answer.status == code
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert answer.json["status"] == code and answer.json["code"] and answer.json["title"] and answer.json["detail"]
    in_a_browser = ask(stocked[1], path, Accept="text/html,*/*")
    assert in_a_browser.status == code and in_a_browser.body.startswith(b"<!doctype html>")


def test_a_defect_is_told_without_its_insides(stocked: tuple[TestHome, str]) -> None:
    parts = urlsplit(stocked[1])
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        connection.sendall(b"NONSENSE \x00\xff\r\n\r\n")
        answer = connection.recv(65536)
    assert answer.split(b" ")[1] == b"400" and b"Traceback" not in answer and b".py" not in answer


def test_health_is_good_while_the_inbox_is_looked_at(stocked: tuple[TestHome, str]) -> None:
    answer = ask(stocked[1], "/healthz")
    assert answer.status == 200 and answer.json["alive"] is True and answer.json["books"] is True


async def test_health_is_bad_when_the_inbox_is_not_looked_at_or_the_books_are_closed(
    home: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_app(home.home, Settings(), {}) as house:
        watched = Daemon(house, RunOptions(), {})
        assert watched.health()["alive"]
        late = time.monotonic() + loop.LATE + 1
        with monkeypatch.context() as later:
            later.setattr(time, "monotonic", lambda: late)
            assert not watched.health()["alive"]
    assert not watched.health()["alive"] and not watched.health()["books"]


# --- who is answered ---


@pytest.mark.parametrize("path", ["/", "/healthz", "/api/v1/status", "/web/page.js", "/nothing"])
def test_a_foreign_host_is_refused_with_words(stocked: tuple[TestHome, str], path: str) -> None:
    address = stocked[1]
    for host in ("evil.example", f"evil.example:{urlsplit(address).port}", "127.0.0.1:1"):
        answer = ask(address, path, Host=host)
        assert answer.status == 403 and address in answer.json["error"]["text"]
    assert ask(address, "/healthz", Host=f"localhost:{urlsplit(address).port}").status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_what_is_read_cannot_be_written(stocked: tuple[TestHome, str], method: str) -> None:
    for path in ("/", "/api/v1/status"):
        assert ask(stocked[1], path, method, Origin="http://evil.example").status == 403
        answer = ask(stocked[1], path, method)
        assert answer.status == 405 and answer.headers["Allow"] == "GET, HEAD"
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize("path", ["/", "/healthz", "/nothing", "/web/page.css", "/api/v1/status"])
def test_every_answer_is_kept_in_its_frame(stocked: tuple[TestHome, str], path: str) -> None:
    headers = ask(stocked[1], path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff" and "max-age" not in headers["Cache-Control"]
    assert "aiohttp" not in headers["Server"]


def test_the_page_needs_nothing_from_elsewhere() -> None:
    web = Path(server.__file__).parent
    assert {path.name for path in (web / "assets").iterdir()} == set(pages.ASSETS)
    texts = {path.name: path.read_text() for path in (*web.glob("assets/*"), *web.glob("templates/*"))}
    texts["icon.svg"] = texts["icon.svg"].replace("http://www.w3.org/2000/svg", "")
    assert not [name for name, text in texts.items() if re.search(r"https?:|//\w+\.\w|@import|url\(", text)]
    makes_html = r"innerHTML|insertAdjacentHTML|document\.write|eval\(|Function\(|\|\s*safe|autoescape| on\w+=| style="
    assert not [name for name, text in texts.items() if re.search(makes_html, text)]


def test_a_websocket_is_only_for_our_own_pages(stocked: tuple[TestHome, str]) -> None:
    address = stocked[1]
    order_id = orders_at(address)[-1]["order_id"]

    async def code(**headers: str) -> int:
        async with aiohttp.ClientSession() as session:
            try:
                async with session.ws_connect(f"{address}ws/generation/{order_id}", headers=headers):
                    return 101
            except aiohttp.WSServerHandshakeError as error:
                return error.status

    assert asyncio.run(code()) == 101
    assert asyncio.run(code(Origin=address.rstrip("/"))) == 101
    assert asyncio.run(code(Origin="http://evil.example")) == 403
    assert asyncio.run(code(Host="evil.example")) == 403


def test_where_a_token_is_set_nothing_is_told_without_it(home: TestHome) -> None:
    home.configure(http={"token": "env:PAGE_TOKEN"})
    home.environ["PAGE_TOKEN"] = TOKEN
    with home.running():
        address = page_of(home)
        for path in ("/", "/healthz", "/api/v1/status", "/api/v1/orders", "/ws/generation/x", "/nothing"):
            refused = ask(address, path)
            assert refused.status == 401 and refused.headers["WWW-Authenticate"] == "Bearer", path
            assert ask(address, f"{path}?token=wrong").status == 401
        assert ask(address, "/api/v1/status", Authorization=f"Bearer {TOKEN}").status == 200
        assert ask(address, f"/?token={TOKEN}").status == 200
    logs = "".join(path.read_text() for path in home.home.logs.iterdir())
    assert "GET /api/v1/status 401" in logs and TOKEN not in logs


# --- when it cannot be opened ---


def test_a_taken_port_is_a_warning_and_the_line_runs(home: TestHome) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        home.configure(http={"port": port})
        with home.running():
            until(lambda: (home.home.holder() or {}).get("page_problem"))
            assert f"Port {port} of 127.0.0.1 is taken" in home.call("status").stdout
            home.drop("one.yaml", SKETCH.format(project="one"))
            until(lambda: home.states() == ["completed"] * 2)
    lines = map(json.loads, (home.home.logs / "artfactoryd.log").read_text().splitlines())
    warned = [line for line in lines if line["level"] == "warning" and line.get("logger") == "web.server"]
    assert [line["text"].startswith("no status page: ") for line in warned] == [True]


async def test_a_taken_port_is_taken_up_when_it_is_free(home: TestHome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "PORT_AGAIN", 0.01)
    stop = asyncio.Event()
    with home.home.lock(), socket.create_server(("127.0.0.1", 0)) as taken:
        settings = Settings(http=Http(port=taken.getsockname()[1]))
        async with open_app(home.home, settings, {}) as house, asyncio.TaskGroup() as group:
            spawned: list[asyncio.Task[None]] = []

            def spawn(work: Coroutine[Any, Any, None]) -> None:
                spawned.append(group.create_task(work))

            group.create_task(server.serve(house, {}, dict, nobody, spawn, stop))
            await held(lambda: (home.home.holder() or {}).get("page_problem"))
            taken.close()
            await held(lambda: (home.home.holder() or {}).get("page"))
            assert (home.home.holder() or {})["page_problem"] is None
            stop.set()
            spawned[0].cancel()


async def nobody(command: dict[str, Any]) -> dict[str, Any]:
    raise AssertionError(command)


async def held(true: Any) -> None:
    await asyncio.to_thread(until, true)


def test_a_token_that_cannot_be_had_closes_the_page_and_not_the_daemon(home: TestHome) -> None:
    home.configure(http={"host": "0.0.0.0", "token": "env:PAGE_TOKEN"})
    with home.running():
        until(lambda: (home.home.holder() or {}).get("page_problem"))
        found = home.ask("status")["daemon"]
        assert found.get("page") is None and "PAGE_TOKEN is not set" in found["page_problem"]


def test_open_to_others_without_a_token_is_a_bad_setting(home: TestHome) -> None:
    home.configure(http={"host": "0.0.0.0"})
    done = home.call("run")
    assert done.returncode == 2
    assert "no token" in (home.root / "artfactory.yaml.error.txt").read_text()


def test_once_shows_no_page(home: TestHome) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        home.configure(http={"port": taken.getsockname()[1]})
        home.drop("one.yaml", SKETCH.format(project="one"))
        assert home.once() == 0
    assert "status page" not in "".join(path.read_text() for path in home.home.logs.glob("*"))
