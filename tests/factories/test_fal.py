"""The fal factory, at the emulator and at crooked servers."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fal_client import client as library

from artfactoryd.errors import (
    AskAgain,
    CallRefused,
    InDoubt,
    OutputLost,
    ProviderError,
    ProviderStopped,
    RunFailed,
    Throttled,
    Unreachable,
)
from artfactoryd.factories import Attempt, Call, Outputs, ProviderSettings, Ticket
from artfactoryd.factories.fal import ADDRESSES, FalFactory, make
from artfactoryd.factories.fal.client import FalClient
from artfactoryd.factories.http import transport
from tests.crooked import server
from tests.emulator.client import Emulator

KEY = "0a1b2c3d-1111-2222-3333-444455556666:0123456789abcdef0123456789abcdef"
SCHNELL = "fal-ai/flux/schnell"
CAR = Call(SCHNELL, None, {"prompt": "A red car", "num_images": 2, "seed": 7})


@pytest.fixture
def emulator(fal: Emulator) -> Emulator:
    return fal


@asynccontextmanager
async def at(
    address: str, *, key: str | None = KEY, timeout: float = 20.0, **addresses: str
) -> AsyncIterator[FalFactory]:
    places = {**dict.fromkeys(ADDRESSES, address), **addresses}
    factory = make(ProviderSettings("fal", key, places, timeout), Path("/nowhere"))
    assert isinstance(factory, FalFactory)
    try:
        yield factory
    finally:
        await factory.close()


async def sent(emulator: Emulator, work: Callable[[], Awaitable[Any]]) -> tuple[int, int, Any]:
    """(creates that arrived, creates that were bought, what came of it) while `work` ran."""
    arrived, bought = emulator.seen().get("POST create", 0), len(emulator.creates())
    try:
        came: Any = await work()
    except Exception as error:
        came = error
    return emulator.seen().get("POST create", 0) - arrived, len(emulator.creates()) - bought, came


def request_id(ticket: Ticket) -> str:
    return str(json.loads(ticket.text)["request_id"])


async def outputs_of(factory: FalFactory, ticket: Ticket) -> Outputs:
    while (outputs := await factory.collect(ticket)) is None:
        await asyncio.sleep(0.01)
    return outputs


# A create.


async def test_a_ticket_holds_id_endpoint_and_fal_s_own_addresses(emulator: Emulator) -> None:
    async with at(emulator.base_url) as factory:
        ticket = await factory.submit(CAR)
    bought = emulator.creates()[-1]
    here = f"{emulator.base_url}/fal-ai/flux/requests/{bought['id']}"
    assert json.loads(ticket.text) == {
        "request_id": bought["id"], "endpoint": SCHNELL, "response_url": here, "status_url": f"{here}/status",
        "cancel_url": f"{here}/cancel",
    }  # fmt: skip
    assert (bought["endpoint"], bought["input"]) == (SCHNELL, CAR.parameters)


async def test_sync_mode_is_never_on(emulator: Emulator) -> None:
    async with at(emulator.base_url) as factory:
        await factory.submit(Call(SCHNELL, None, {**CAR.parameters, "sync_mode": True}))
    assert emulator.creates()[-1]["input"]["sync_mode"] is False


ANSWERS: list[tuple[Any, type[ProviderError], int]] = [
    ("401", ProviderStopped, 0),
    ("402", ProviderStopped, 0),
    ("403", ProviderStopped, 0),
    ("429", Throttled, 0),
    ("400", CallRefused, 0),
    ("404", CallRefused, 0),
    ("413", CallRefused, 0),
    ("422", CallRefused, 0),
    ({"do": "422", "body": ["a", "list"]}, CallRefused, 0),
    ("405", InDoubt, 0),
    ("408", InDoubt, 0),  # the library would send these three again
    ("409", InDoubt, 0),
    ({"do": "502", "html": "<html>nginx</html>"}, InDoubt, 0),
    ("418", InDoubt, 0),
    ("500", InDoubt, 0),
    ("502", InDoubt, 0),
    ("503", InDoubt, 0),
    ({"do": "504", "body": {"detail": "no runner", "error_type": "startup_timeout"}}, InDoubt, 0),
    ("307", InDoubt, 0),
    ({"do": "429", "html": "<h1>slow down</h1>"}, Throttled, 0),
    ("close-before", InDoubt, 0),
    ("close-after", InDoubt, 1),
    ("500-after", InDoubt, 1),
    ({"do": "500-after", "status": 503, "html": "nginx"}, InDoubt, 1),
    ("stub", InDoubt, 1),
    ("garbage", InDoubt, 1),
    ({"do": "odd", "drop": ["request_id"]}, InDoubt, 1),
    ({"do": "odd", "set": {"request_id": None}}, InDoubt, 1),
]


@pytest.mark.parametrize(("told", "kind", "bought"), ANSWERS, ids=lambda value: str(value)[:40])
async def test_each_answer_to_a_create_is_told_apart_and_asked_for_once(
    emulator: Emulator, told: Any, kind: type[ProviderError], bought: int
) -> None:
    emulator.control(create=told)
    async with at(emulator.base_url) as factory:
        arrived, paid, came = await sent(emulator, lambda: factory.submit(CAR))
    assert (arrived, paid, type(came)) == (1, bought, kind)


ODD: list[Any] = [
    "half",
    {"do": "garbage", "header": True},
    {"do": "odd", "set": {"status": "STRANGE", "queue_position": "many"}},
    {"do": "odd", "drop": ["status", "response_url", "status_url", "cancel_url", "queue_position"]},
    {"do": "odd", "set": {"status_url": "https://evil.example/x", "response_url": 7, "cancel_url": None}},
]


@pytest.mark.parametrize("told", ODD, ids=lambda value: str(value)[:40])
async def test_an_answer_with_an_id_is_a_ticket_that_collects_whatever_else_is_wrong_with_it(
    emulator: Emulator, told: Any
) -> None:
    emulator.control(create=told)
    async with at(emulator.base_url) as factory:
        arrived, paid, came = await sent(emulator, lambda: factory.submit(CAR))
        assert (arrived, paid, request_id(came)) == (1, 1, emulator.creates()[-1]["id"])
        assert len((await outputs_of(factory, came)).outputs) == 2
        await factory.cancel(came)


@pytest.mark.parametrize("told", ["hang-after", "hang-before"])
async def test_a_create_without_an_answer_ends_in_doubt_by_itself(emulator: Emulator, told: str) -> None:
    emulator.control(create=told)
    async with at(emulator.base_url, timeout=0.4) as factory:
        arrived, paid, came = await sent(emulator, lambda: factory.submit(CAR))
    assert (arrived, paid, type(came)) == (1, int(told == "hang-after"), InDoubt)


async def test_nobody_there_is_the_network_and_nothing_sent(unused_tcp_port: int) -> None:
    async with at(f"http://127.0.0.1:{unused_tcp_port}") as factory:
        with pytest.raises(Unreachable, match=r"cannot be reached.*Nothing was sent"):
            await factory.submit(CAR)
        ticket = Ticket(json.dumps({"request_id": "x", "endpoint": SCHNELL}))
        doubts = [Attempt("a", CAR, datetime.now(UTC))]
        asked = (factory.collect(ticket), factory.cancel(ticket), factory.probe(), factory.reconcile(doubts, []))
        for question in asked:
            with pytest.raises(Unreachable):
                await question


PROBES: list[tuple[str | None, str, str, type[ProviderError] | None]] = [
    (KEY, "account", "ok", None), (KEY, "account", "404", None), (None, "account", "ok", ProviderStopped),
    (KEY, "get", "401", ProviderStopped), (KEY, "get", "403", ProviderStopped), (KEY, "get", "429", Throttled),
    (KEY, "get", "500", Unreachable), (KEY, "get", "close", Unreachable), (KEY, "get", "302", AskAgain),
    # The platform beside the queue may say that the key is bad; that it is away is no outage.
    (KEY, "account", "401", ProviderStopped), (KEY, "account", "403", AskAgain), (KEY, "account", "429", AskAgain),
    (KEY, "account", "500", AskAgain), (KEY, "account", "close", AskAgain), (KEY, "account", "302", AskAgain),
]  # fmt: skip


@pytest.mark.parametrize(("key", "door", "told", "kind"), PROBES, ids=str)
async def test_whether_it_is_there_and_takes_the_key_is_asked_for_nothing(
    emulator: Emulator, key: str | None, door: str, told: str, kind: type[ProviderError] | None
) -> None:
    emulator.control(**{door: told})
    before = len(emulator.creates())
    async with at(emulator.base_url, key=key) as factory:
        came: BaseException | None = None
        try:
            await factory.probe()
        except ProviderError as error:
            came = error
    assert (type(came) if came else None) is kind and len(emulator.creates()) == before
    assert not isinstance(came, ProviderStopped) or came.of_key == (told != "403")  # a locked account is no bad key


@pytest.mark.parametrize(
    "call",
    [
        Call(SCHNELL, None, {"strength": float("nan")}),
        Call("no-owner", None, {"prompt": "x"}),
        Call("fal-ai/flux?fal_webhook=https://evil.example", None, {"prompt": "x"}),
        Call("fal-ai/../storage", None, {"prompt": "x"}),
    ],
    ids=str,
)
async def test_a_call_that_cannot_be_written_down_is_refused_unsent(emulator: Emulator, call: Call) -> None:
    async with at(emulator.base_url) as factory:
        arrived, paid, came = await sent(emulator, lambda: factory.submit(call))
    assert (arrived, paid, type(came)) == (0, 0, CallRefused)


WAITS: list[tuple[dict[str, Any], float | None]] = [
    ({"header": "7", "retry_after": 5}, 7),
    ({"retry_after": 5}, 5),
    ({"text": "Rate limited. Try again in 12s."}, 12),
    ({}, None),
]


@pytest.mark.parametrize(("told", "seconds"), WAITS, ids=str)
async def test_waiting_is_as_long_as_told(emulator: Emulator, told: dict[str, Any], seconds: float | None) -> None:
    emulator.control(create={"do": "429", **told})
    async with at(emulator.base_url) as factory:
        with pytest.raises(Throttled) as caught:
            await factory.submit(CAR)
    assert caught.value.after == seconds


REASONS: list[tuple[dict[str, Any], str]] = [
    ({"do": "403"}, "User is locked. Reason: Exhausted balance"),
    ({"do": "422"}, "prompt: field required"),
    ({"do": "422", "body": {"detail": f"no {KEY}"}}, "no (key)"),
    ({"do": "422", "body": {"detail": f"no {KEY.partition(':')[2]}"}}, "no (key)"),
]


@pytest.mark.parametrize(("told", "words"), REASONS, ids=lambda value: str(value)[:40])
async def test_a_refusal_carries_fal_s_own_reason_and_never_the_key(
    emulator: Emulator, told: dict[str, Any], words: str
) -> None:
    emulator.control(create=told)
    async with at(emulator.base_url) as factory:
        with pytest.raises(ProviderError) as caught:
            await factory.submit(CAR)
    assert words in str(caught.value) and KEY.partition(":")[2] not in str(caught.value)


# The key, and where it may go.


@pytest.mark.parametrize("key", [None, "", "  "])
async def test_without_a_key_nothing_is_built_or_sent(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, key: str | None
) -> None:
    monkeypatch.setenv("FAL_KEY", KEY)
    async with at(emulator.base_url, key=key) as factory:
        arrived, _, came = await sent(emulator, lambda: factory.submit(CAR))
        assert arrived == 0 and type(came) is ProviderStopped and "FAL_KEY" in str(came)
        assert not factory._client.is_open


async def test_the_library_uses_our_key_whatever_the_environment_says(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int
) -> None:
    monkeypatch.setenv("FAL_KEY", "an:other")
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{unused_tcp_port}")
    emulator.control(token=KEY)
    async with at(emulator.base_url, key=f"{KEY}\n") as factory:
        await outputs_of(factory, await factory.submit(CAR))


async def test_a_key_that_cannot_be_one_stops_before_anything_is_sent(emulator: Emulator) -> None:
    async with at(emulator.base_url, key="id:a\nb") as factory:
        arrived, _, came = await sent(emulator, lambda: factory.submit(CAR))
        assert arrived == 0 and type(came) is ProviderStopped and "id:a" not in str(came)


async def test_no_request_with_our_key_goes_to_another_host(emulator: Emulator) -> None:
    async with at(emulator.base_url) as factory:
        http = await factory._client.library()
        before = emulator.seen()
        with pytest.raises(transport.Elsewhere):
            await http.get(f"{emulator.output_url}/pbxt/x/out-0.jpg")
        assert emulator.seen() == before


async def test_addresses_of_another_host_in_a_ticket_are_not_followed(emulator: Emulator) -> None:
    async with at(emulator.base_url) as factory:
        told = json.loads((await factory.submit(CAR)).text)
        other = emulator.output_url
        ticket = Ticket(json.dumps({**told, "status_url": f"{other}/status", "response_url": f"{other}/r"}))
        assert len((await outputs_of(factory, ticket)).outputs) == 2
    assert "GET output with a key" not in emulator.seen()


def test_only_a_configured_address_is_trusted_for_outputs() -> None:
    def hosts(**addresses: str) -> frozenset[str]:
        return make(ProviderSettings("fal", KEY, addresses), Path("/nowhere")).output_hosts

    assert hosts() == hosts(**ADDRESSES) == frozenset()
    assert hosts(cdn_url="https://cdn.example") == {"cdn.example"}
    assert "127.0.0.1" in hosts(queue_url="http://localhost:9000")


# What the library under us might do.


async def test_the_library_s_own_retries_are_switched_off_and_it_can_buy_nothing(emulator: Emulator) -> None:
    async with at(emulator.base_url) as factory:
        http, before = await factory._client.library(), emulator.seen()
        assert library.MAX_ATTEMPTS == 1
        with pytest.raises(transport.SecondCreate):
            await http.post(f"{emulator.base_url}/{SCHNELL}", json={})
        assert emulator.seen() == before


@pytest.mark.parametrize("change", ["retries", "wire"])
async def test_a_release_that_hides_its_retries_or_its_wire_stops_the_provider(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    if change == "retries":
        monkeypatch.delattr(library, "MAX_ATTEMPTS")
    else:
        own = httpx.AsyncClient()

        async def brought(self: Any) -> httpx.AsyncClient:
            return own

        monkeypatch.setattr(library.AsyncClient, "_client", property(brought))
    async with at(emulator.base_url) as factory:
        with pytest.raises(ProviderStopped, match="this release of fal-client"):
            await factory.upload("a.png", b"picture", "image/png")


async def test_creates_never_ride_on_a_connection_that_was_kept() -> None:
    async def ready_for_more(writer: asyncio.StreamWriter) -> None:
        writer.write(b'HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 20\r\n\r\n{"request_id":"abc"}')

    async with server(ready_for_more) as (address, askers), at(address) as factory:
        assert [request_id(await factory.submit(CAR)) for _ in range(3)] == ["abc"] * 3
        assert len(set(askers)) == len(askers) == 3


async def test_a_create_does_not_follow_a_redirect() -> None:
    async def elsewhere(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 308 Moved\r\nLocation: /fal-ai/flux\r\nContent-Length: 0\r\n\r\n")

    async with server(elsewhere) as (address, askers), at(address) as factory:
        with pytest.raises(InDoubt):
            await factory.submit(CAR)
        assert len(askers) == 1


def test_one_factory_on_two_loops_loses_no_answer(emulator: Emulator) -> None:
    places = dict.fromkeys(ADDRESSES, emulator.base_url)
    factory = make(ProviderSettings("fal", KEY, places), Path("/nowhere"))
    before = len(emulator.creates())

    async def make_one() -> str:
        ticket = await factory.submit(CAR)
        await outputs_of(factory, ticket)
        return request_id(ticket)

    tickets = [asyncio.run(make_one()) for _ in range(4)]
    assert tickets == [one["id"] for one in emulator.creates()[before:]]


# Asking.


async def test_a_request_is_nothing_while_it_waits_or_runs(emulator: Emulator) -> None:
    emulator.control(run_seconds=3600, start_seconds=3600)
    async with at(emulator.base_url) as factory:
        waits = await factory.submit(CAR)
        emulator.control(start_seconds=0)
        runs = await factory.submit(CAR)
        assert [await factory.collect(waits), await factory.collect(runs)] == [None, None]


async def test_a_finished_request_tells_what_was_used(emulator: Emulator) -> None:
    async with at(emulator.base_url) as factory:
        got = await outputs_of(factory, await factory.submit(CAR))
    assert [one.mime for one in got.outputs] == ["image/jpeg"] * 2 and got.note == ""
    assert got.returned == {"seed": 7, "prompt": "A red car"} and got.seconds is not None


@pytest.mark.parametrize("early", [202, 400])
async def test_a_result_that_is_not_there_yet_is_asked_for_again(emulator: Emulator, early: int) -> None:
    async with at(emulator.base_url) as factory:
        ticket = await factory.submit(CAR)
        emulator.control(early=early)
        assert await factory.collect(ticket) is None
        emulator.control(early=0)
        assert await factory.collect(ticket) is not None


async def test_flagged_pictures_are_handed_on_with_their_flag(emulator: Emulator) -> None:
    emulator.control(outcome=["fewer", "nsfw"])
    async with at(emulator.base_url) as factory:
        for flags in ([True, False], [True, True]):
            got = await outputs_of(factory, await factory.submit(CAR))
            assert [output.flagged for output in got.outputs] == flags


ENDS: list[tuple[str, dict[str, bool], str]] = [
    ("failed", {"charged": False, "cancelled": False, "passing": True}, "Internal server error"),
    ("aborted", {"charged": False, "cancelled": False, "passing": True}, "timed out"),
    ("canceled", {"charged": True, "cancelled": True, "passing": False}, "cancelled"),
    ("refused", {"charged": True, "cancelled": False, "passing": False}, "flagged by a content checker"),
    ("empty", {"charged": True, "cancelled": False, "passing": False}, "without any output"),
]


@pytest.mark.parametrize(("outcome", "says", "words"), ENDS)
async def test_each_end_of_a_request_is_told_apart(
    emulator: Emulator, outcome: str, says: dict[str, bool], words: str
) -> None:
    emulator.control(outcome=outcome)
    async with at(emulator.base_url) as factory:
        with pytest.raises(RunFailed, match=words) as caught:
            await factory.collect(await factory.submit(CAR))
    assert {name: getattr(caught.value, name) for name in says} == says


async def test_a_status_nobody_knows_is_asked_again_and_an_expired_result_is_lost(emulator: Emulator) -> None:
    emulator.control(outcome=["strange", "ok"])
    async with at(emulator.base_url) as factory:
        with pytest.raises(AskAgain, match="RESTING"):
            await factory.collect(await factory.submit(CAR))
        ticket = await factory.submit(CAR)
        emulator.control(remove_after=0)
        with pytest.raises(OutputLost):
            await factory.collect(ticket)


READS: list[tuple[Any, type[ProviderError], float | None]] = [
    ("401", ProviderStopped, None),
    ("402", ProviderStopped, None),
    ("403", OutputLost, None),
    ("404", OutputLost, None),
    ("410", OutputLost, None),
    ({"do": "429", "header": "3"}, Throttled, 3),
    ({"do": "503", "header": "3"}, Unreachable, 3),
    ("500", Unreachable, None),
    ("502", Unreachable, None),
    ("302", AskAgain, None),
    ("408", AskAgain, None),
    ("close", Unreachable, None),
    ("garbage", AskAgain, None),
]
PERHAPS_THE_RUNS = ("500", {"do": "503", "header": "3"})  # said by a result, a word of this ticket alone


@pytest.mark.parametrize("door", ["get", "result"])
@pytest.mark.parametrize(("told", "kind", "after"), READS, ids=lambda value: str(value)[:40])
async def test_each_answer_to_a_question_is_told_apart_and_asked_once(
    emulator: Emulator, door: str, told: Any, kind: type[ProviderError], after: float | None
) -> None:
    async with at(emulator.base_url) as factory:
        ticket = await factory.submit(CAR)
        emulator.control(**{door: told})
        place = "GET status" if door == "get" else "GET result"
        before = emulator.seen().get(place, 0)
        with pytest.raises(ProviderError) as caught:
            await factory.collect(ticket)
        if door == "result" and told in PERHAPS_THE_RUNS:
            kind = AskAgain
        assert type(caught.value) is kind and getattr(caught.value, "after", None) == after
        # A kept connection may have been closed before the question came: the transport asks once more.
        assert emulator.seen()[place] - before in ((1, 2) if told == "close" else (1,))


async def test_a_question_has_a_time_limit(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FalClient.ask, "__defaults__", (0.2,))
    async with at(emulator.base_url) as factory:
        ticket = await factory.submit(CAR)
        emulator.control(get="hang")
        with pytest.raises(AskAgain):
            await factory.collect(ticket)


@pytest.mark.parametrize("text", ["nobody", "{}", '{"request_id": 7, "endpoint": "a/b"}', '["x"]', "ü"])
async def test_a_ticket_nobody_gave_is_lost_and_asks_for_nothing(emulator: Emulator, text: str) -> None:
    async with at(emulator.base_url) as factory:
        before = emulator.seen()
        with pytest.raises(OutputLost):
            await factory.collect(Ticket(text))
        assert emulator.seen() == before


async def test_cancelling_reaches_fal_and_what_has_ended_is_no_error(emulator: Emulator) -> None:
    emulator.control(outcome="stuck", start_seconds=3600)
    async with at(emulator.base_url) as factory:
        ticket = await factory.submit(CAR)
        await factory.cancel(ticket)
        with pytest.raises(RunFailed) as caught:
            await factory.collect(ticket)
        assert caught.value.cancelled
        await factory.cancel(ticket)  # 400 ALREADY_COMPLETED
        await factory.cancel(Ticket(json.dumps({"request_id": "nobody", "endpoint": SCHNELL})))  # 404
        emulator.control(cancel=["403", "500", "401"])
        await factory.cancel(ticket)  # not for us to
        with pytest.raises(AskAgain):
            await factory.cancel(ticket)
        with pytest.raises(ProviderStopped):
            await factory.cancel(ticket)


# Creates whose answer was lost.


def doubt(name: str, call: Call, seconds_ago: float = 0) -> Attempt:
    return Attempt(name, call, datetime.now(UTC) - timedelta(seconds=seconds_ago))


async def test_the_history_gives_each_lost_create_its_own_request(emulator: Emulator) -> None:
    van = Call(SCHNELL, None, {"prompt": "a van", "seed": 7})
    dev = Call("fal-ai/flux/dev", None, {**van.parameters, "sync_mode": True})
    async with at(emulator.base_url) as factory:
        known = await factory.submit(van)
        emulator.control(create="close-after", page_size=1)
        for call in (van, dev, van, Call(SCHNELL, None, {**van.parameters, "seed": 8})):
            with pytest.raises(InDoubt):
                await factory.submit(call)
        ids = [one["id"] for one in emulator.creates()[-4:]]
        first, none = doubt("first", van, seconds_ago=1), doubt("none", Call("fal-ai/fast-sdxl", None, van.parameters))
        doubts = [doubt("later", van), doubt("dev", dev), first, doubt("third", van), none]
        found = await factory.reconcile(doubts, [Attempt("known", van, datetime.now(UTC), known)])
        assert {name: request_id(ticket) for name, ticket in found.items() if isinstance(ticket, Ticket)} == {
            "first": ids[0], "later": ids[2], "dev": ids[1],
        }  # fmt: skip
        emulator.control(create="ok")
        lost = found["first"]
        assert isinstance(lost, Ticket) and len((await outputs_of(factory, lost)).outputs) == 1


HIDDEN: list[dict[str, Any]] = [
    {"list_lag": 60},
    {"started_only": True, "start_seconds": 3600, "run_seconds": 3600},
]


@pytest.mark.parametrize("told", HIDDEN, ids=str)
async def test_what_the_history_does_not_show_is_never_called_absent(emulator: Emulator, told: dict[str, Any]) -> None:
    emulator.control(**told)
    call = Call(SCHNELL, None, {"prompt": f"unheard of {told}"})
    async with at(emulator.base_url) as factory:
        await factory.submit(call)
        assert await factory.reconcile([doubt("one", call)], []) == {}


CLOSED: list[tuple[Any, type[ProviderError]]] = [
    ("500", AskAgain), ("403", ProviderStopped), ("404", AskAgain), ("garbage", AskAgain),
    ({"do": "429", "header": "3"}, AskAgain),
]  # fmt: skip


@pytest.mark.parametrize(("told", "kind"), CLOSED, ids=str)
async def test_a_history_that_is_not_shown_says_so_and_what_another_one_shows_is_still_found(
    emulator: Emulator, told: Any, kind: type[ProviderError]
) -> None:
    call = Call(SCHNELL, None, {"prompt": f"not shown {told}"})
    other = Call("fal-ai/flux/dev", None, call.parameters)
    async with at(emulator.base_url) as factory:
        await factory.submit(call)
        emulator.control(list=[told])
        with pytest.raises(ProviderError) as caught:
            await factory.reconcile([doubt("one", call)], [])
        assert type(caught.value) is kind
        emulator.control(list=[told])  # to the question about the first model by name
        assert list(await factory.reconcile([doubt("one", call), doubt("other", other)], [])) == ["one"]


async def test_an_equal_request_of_long_before_is_not_taken_for_a_lost_one(emulator: Emulator) -> None:
    call = Call(SCHNELL, None, {"prompt": "an old one"})
    async with at(emulator.base_url) as factory:
        await factory.submit(call)
        # Because of this one the history is asked that far back.
        other = doubt("other", Call(SCHNELL, None, {"prompt": "unheard of"}), seconds_ago=600)
        assert await factory.reconcile([doubt("one", call, seconds_ago=-600), other], []) == {}


def test_the_heavy_library_is_not_loaded_before_it_is_needed() -> None:
    code = "import sys, artfactoryd.factories.fal; sys.exit('fal_client' in sys.modules or 'httpx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
