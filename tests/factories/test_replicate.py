"""The Replicate factory, at the emulator and at crooked servers."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

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
from artfactoryd.factories import Call, ProviderSettings, Ticket
from artfactoryd.factories.http import transport
from artfactoryd.factories.http.answer import Answer, fields, refusal
from artfactoryd.factories.replicate import make
from artfactoryd.factories.replicate.client import ReplicateClient
from artfactoryd.factories.replicate.predictions import Prediction, outcome, read_prediction, trouble
from tests.crooked import server
from tests.emulator.client import Emulator
from tests.emulator.customer import KEY, at
from tests.emulator.models import SDXL, SDXL_VERSIONS

SCHNELL = "black-forest-labs/flux-schnell"
CAR = Call(SCHNELL, None, {"prompt": "A red car", "num_outputs": 2, "seed": 7})


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(tmp_path_factory.mktemp("emulator") / "ledger.jsonl") as emulator:
        yield emulator


@pytest.fixture
def emulator(running: Emulator) -> Emulator:
    running.calm()
    return running


async def sent(emulator: Emulator, work: Callable[[], Awaitable[Any]]) -> tuple[int, int, Any]:
    """(creates that arrived, creates that were bought, what came of it) while `work` ran."""
    arrived, bought = emulator.seen().get("POST create", 0), len(emulator.creates())
    try:
        came: Any = await work()
    except Exception as error:
        came = error
    return emulator.seen().get("POST create", 0) - arrived, len(emulator.creates()) - bought, came


# A create.


async def test_a_ticket_is_the_prediction_s_id_and_the_call_arrives_as_it_is(emulator: Emulator) -> None:
    async with at(emulator.base_url) as factory:
        ticket = await factory.submit(CAR)
    bought = emulator.creates()[-1]
    assert ticket.text == bought["id"]
    assert (bought["model"], bought["input"], bought["by_version"]) == (SCHNELL, CAR.parameters, False)


async def test_a_pinned_version_goes_by_the_version_form(emulator: Emulator) -> None:
    async with at(emulator.base_url) as factory:
        await factory.submit(Call(SDXL, SDXL_VERSIONS[1], {"prompt": "A car"}))
    bought = emulator.creates()[-1]
    assert (bought["model"], bought["version"], bought["by_version"]) == (SDXL, SDXL_VERSIONS[1], True)


ANSWERS: list[tuple[Any, type[ProviderError], int]] = [
    ("401", ProviderStopped, 0),
    ("402", ProviderStopped, 0),
    ("403", ProviderStopped, 0),
    ("429", Throttled, 0),
    ("400", CallRefused, 0),
    ("404", CallRefused, 0),
    ("413", CallRefused, 0),
    ("422", CallRefused, 0),
    ({"do": "422", "body": ["a", "list"]}, CallRefused, 0),  # the library trips over this one
    ("405", InDoubt, 0),
    ("408", InDoubt, 0),
    ("409", InDoubt, 0),
    ("418", InDoubt, 0),
    ("500", InDoubt, 0),
    ("502", InDoubt, 0),
    ("503", InDoubt, 0),
    ("504", InDoubt, 0),
    ("307", InDoubt, 0),
    ({"do": "429", "html": "<h1>slow down</h1>"}, Throttled, 0),
    ("close-before", InDoubt, 0),
    ("close-after", InDoubt, 1),
    ("500-after", InDoubt, 1),
    ({"do": "500-after", "status": 502}, InDoubt, 1),
    ("stub", InDoubt, 1),
    ("garbage", InDoubt, 1),
    ({"do": "odd", "drop": ["id"]}, InDoubt, 1),
    ({"do": "odd", "set": {"id": None}}, InDoubt, 1),
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
    {"do": "odd", "set": {"status": "aborted", "model": None}},
    {"do": "odd", "set": {"version": None, "urls": "none", "error": {"a": 1}, "input": []}},
    {"do": "odd", "drop": ["version", "model", "status", "urls", "created_at", "input"]},
]


@pytest.mark.parametrize("told", ODD, ids=lambda value: str(value)[:40])
async def test_an_answer_with_an_id_is_a_ticket_whatever_else_is_wrong_with_it(emulator: Emulator, told: Any) -> None:
    emulator.control(create=told)
    async with at(emulator.base_url) as factory:
        arrived, paid, came = await sent(emulator, lambda: factory.submit(CAR))
    assert (arrived, paid, came) == (1, 1, Ticket(emulator.creates()[-1]["id"]))


@pytest.mark.parametrize("told", ["hang-after", "hang-before"])
async def test_a_create_without_an_answer_ends_in_doubt_by_itself(emulator: Emulator, told: str) -> None:
    emulator.control(create=told)
    async with at(emulator.base_url, timeout=0.4) as factory:
        arrived, paid, came = await sent(emulator, lambda: factory.submit(CAR))
    assert (arrived, paid, type(came)) == (1, int(told == "hang-after"), InDoubt)


async def test_a_cancelled_create_stays_cancelled(emulator: Emulator) -> None:
    emulator.control(create="hang-after")
    before = len(emulator.creates())
    async with at(emulator.base_url) as factory:
        task = asyncio.create_task(factory.submit(CAR))
        while len(emulator.creates()) == before:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_nobody_there_is_the_network_and_nothing_sent(unused_tcp_port: int) -> None:
    async with at(f"http://127.0.0.1:{unused_tcp_port}") as factory:
        with pytest.raises(Unreachable, match=r"cannot be reached.*Nothing was sent"):
            await factory.submit(CAR)
        for question in (factory.collect(Ticket("x")), factory.cancel(Ticket("x")), factory.probe()):
            with pytest.raises(Unreachable):
                await question


PROBES: list[tuple[str | None, str, type[ProviderError] | None]] = [
    (KEY, "ok", None), (KEY, "404", None), (KEY, "401", ProviderStopped), (None, "ok", ProviderStopped),
    (KEY, "429", Throttled), (KEY, "500", Unreachable), (KEY, "close", Unreachable), (KEY, "302", AskAgain),
]  # fmt: skip


@pytest.mark.parametrize(("key", "told", "kind"), PROBES, ids=str)
async def test_whether_it_is_there_and_takes_the_key_is_asked_for_nothing(
    emulator: Emulator, key: str | None, told: str, kind: type[ProviderError] | None
) -> None:
    emulator.control(account=told)
    before = len(emulator.creates())
    async with at(emulator.base_url, key=key) as factory:
        came: BaseException | None = None
        try:
            await factory.probe()
        except ProviderError as error:
            came = error
    assert (type(came) if came else None) is kind and len(emulator.creates()) == before
    assert not isinstance(came, ProviderStopped) or came.of_key


async def test_a_call_that_cannot_be_written_down_is_refused_unsent(emulator: Emulator) -> None:
    async with at(emulator.base_url) as factory:
        for call in (Call(SCHNELL, None, {"guidance": float("nan")}), Call("no-owner", None, {"prompt": "x"})):
            arrived, paid, came = await sent(emulator, lambda call=call: factory.submit(call))  # type: ignore[misc]
            assert (arrived, paid, type(came)) == (0, 0, CallRefused)


WAITS: list[tuple[dict[str, Any], Any]] = [
    ({"header": "7", "retry_after": 5}, 7),
    ({"retry_after": 5}, 5),
    ({}, 30),  # "Your rate limit resets in ~30s."
    ({"text": "Reduced to 6 requests per minute with a burst of 1 requests while you have less than $5.0"}, None),
    ({"text": "Too many requests. Please wait 2 minutes before trying again."}, 120),
    ({"text": ["busy"]}, None),
    ({"header": "Sat, 22 Nov 2025 10:00:00 GMT"}, 30),
    ({"header": "Sat, 22 Nov 2025 10:00:00"}, 30),
    ({"header": "86400"}, 3600),
    ({"header": "nan", "retry_after": -3, "text": "no"}, None),
    ({"retry_after": 10**400}, None),
    ({"body": "later"}, None),
    ({"body": "Your rate limit resets in ~7s."}, 7),
]


@pytest.mark.parametrize(("told", "seconds"), WAITS, ids=lambda value: str(value)[:60])
async def test_waiting_is_as_long_as_told(emulator: Emulator, told: dict[str, Any], seconds: float | None) -> None:
    emulator.control(create={"do": "429", **told})
    async with at(emulator.base_url) as factory:
        with pytest.raises(Throttled) as caught:
            await factory.submit(CAR)
    assert caught.value.after == seconds


def test_a_date_to_wait_for_is_read_by_the_providers_own_clock() -> None:
    """Ours may be wrong by years."""
    headers = {"Retry-After": "Fri, 22 Nov 2019 10:01:30 GMT", "Date": "Fri, 22 Nov 2019 10:00:00 GMT"}
    told = refusal(Answer(KEY, True, 429, headers, bytearray(b'{"retry_after": 5}')), "Replicate")
    assert isinstance(told, Throttled) and told.after == 90


def test_a_date_without_the_providers_clock_is_read_by_ours() -> None:
    headers = {"Retry-After": format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)}
    told = refusal(Answer(KEY, True, 429, headers), "Replicate")
    assert isinstance(told, Throttled) and told.after == pytest.approx(95, abs=10)


REASONS: list[tuple[Any, str]] = [
    ({"body": {"title": "Input validation failed", "detail": "- input.seed: not a number"}}, "seed: not a number"),
    ({"body": {"detail": [{"loc": ["body", "seed"], "msg": "bad"}]}}, "seed: bad"),
    ({"body": {"detail": {"seed": "bad"}}}, "seed: bad"),
    ({"body": {"unheard": "of"}}, "unheard: of"),
    ({"body": ["bad", "worse"]}, "bad; worse"),
    ({"html": "<html><style>b{}</style><b>No</b> such thing</html>"}, "No such thing"),
    ({"body": ""}, "no reason given"),
    ({"body": {"detail": f"the key {KEY} may not do this"}}, "the key (key) may not do this"),
]


@pytest.mark.parametrize(("told", "words"), REASONS, ids=lambda value: str(value)[:40])
async def test_a_refusal_carries_the_provider_s_own_reason_and_never_the_key(
    emulator: Emulator, told: dict[str, Any], words: str
) -> None:
    emulator.control(create={"do": "422", **told})
    async with at(emulator.base_url) as factory:
        with pytest.raises(CallRefused) as caught:
            await factory.submit(CAR)
    assert words in str(caught.value) and KEY not in str(caught.value)


# The key, and where it may go.


@pytest.mark.parametrize("key", [None, "", "  "])
async def test_without_a_key_nothing_is_built_or_sent(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, key: str | None
) -> None:
    monkeypatch.setenv("REPLICATE_API_TOKEN", KEY)
    async with at(emulator.base_url, key=key) as factory:
        arrived, _, came = await sent(emulator, lambda: factory.submit(CAR))
        assert arrived == 0 and type(came) is ProviderStopped and "REPLICATE_API_TOKEN" in str(came)
        assert not factory._client.is_open


async def test_the_library_uses_our_key_and_address_whatever_the_environment_says(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int
) -> None:
    monkeypatch.setenv("REPLICATE_API_TOKEN", "r8_another")
    monkeypatch.setenv("REPLICATE_BASE_URL", f"http://127.0.0.1:{unused_tcp_port}")
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{unused_tcp_port}")
    emulator.control(token=KEY)
    async with at(emulator.base_url, key=f"{KEY}\n") as factory:
        await factory.submit(CAR)


async def test_a_key_that_cannot_be_one_stops_before_anything_is_sent(emulator: Emulator) -> None:
    async with at(emulator.base_url, key="r8_a\nb") as factory:
        arrived, _, came = await sent(emulator, lambda: factory.submit(CAR))
        assert arrived == 0 and type(came) is ProviderStopped and "r8_a" not in str(came)


async def test_a_library_that_does_not_start_stops_the_provider(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPLICATE_POLL_INTERVAL", "often")
    async with at(emulator.base_url) as factory:
        with pytest.raises(ProviderStopped, match="cannot be set up"):
            await factory.upload("a.png", b"picture", "image/png")
        await factory.submit(CAR)  # which needs none


async def test_no_request_with_our_key_goes_to_another_host(emulator: Emulator) -> None:
    async with at(emulator.base_url) as factory:
        library = await factory._client.library()
        before, other = emulator.seen(), f"{emulator.output_url}/pbxt/x/out-0.webp"
        with pytest.raises(transport.Elsewhere):
            await library._async_client.get(other)
        with pytest.raises(transport.Elsewhere):
            await factory._client.ask("GET", other)
        _, error = await factory._client.create(lambda: (other, {}), 5)
        assert isinstance(error, transport.Elsewhere)
        assert emulator.seen() == before


def test_only_a_configured_address_is_trusted_for_outputs() -> None:
    def hosts(**addresses: str) -> frozenset[str]:
        return make(ProviderSettings("replicate", KEY, addresses), Path("/nowhere")).output_hosts

    assert hosts() == hosts(base_url="https://api.replicate.com/") == frozenset()
    assert hosts(base_url="https://mirror.example:8443/v1") == {"mirror.example"}
    assert "127.0.0.1" in hosts(base_url="http://localhost:9000")


# What the library under us might do.


async def test_neither_the_library_nor_a_second_try_can_buy(emulator: Emulator) -> None:
    emulator.control(create="close-after")
    async with at(emulator.base_url) as factory:
        library = await factory._client.library()
        with pytest.raises(transport.SecondCreate):
            await library.models.predictions.async_create(model=SCHNELL, input={"prompt": "a car"})
        wire, answer = await factory._client.wire(), Answer(KEY)
        place = f"{emulator.base_url}/v1/models/{SCHNELL}/predictions"
        body = b'{"input":{"prompt":"a car"}}'
        before = emulator.seen().get("POST create", 0)
        for wanted in (aiohttp.ServerDisconnectedError, transport.SecondCreate, transport.SecondCreate):
            with pytest.raises(wanted):
                await wire.create(place, body, answer, 5)
        assert emulator.seen()["POST create"] - before == 1


async def test_creates_never_ride_on_a_connection_that_was_kept() -> None:
    async def ready_for_more(writer: asyncio.StreamWriter) -> None:
        writer.write(b'HTTP/1.1 201 Created\r\nConnection: keep-alive\r\nContent-Length: 12\r\n\r\n{"id":"abc"}')

    async with server(ready_for_more) as (address, askers), at(address) as factory:
        assert [await factory.submit(CAR) for _ in range(3)] == [Ticket("abc")] * 3
        assert len(set(askers)) == len(askers) == 3


async def test_a_create_has_limits_on_the_wire_and_asks_for_plain_bytes(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[dict[str, Any]] = []
    send = aiohttp.ClientSession._request

    async def watched(self: aiohttp.ClientSession, method: str, address: Any, **parts: Any) -> aiohttp.ClientResponse:
        left.append(parts)
        return await send(self, method, address, **parts)

    monkeypatch.setattr(aiohttp.ClientSession, "_request", watched)
    async with at(emulator.base_url, timeout=9) as factory:
        await factory.submit(CAR)
    limits = left[0]["timeout"]
    assert limits.connect
    assert 2 * limits.sock_connect < 9, "connecting must end as unsent before the whole ends in doubt"
    assert left[0]["headers"]["Accept-Encoding"] == "identity" and left[0]["allow_redirects"] is False


async def test_dripping_an_answer_does_not_hold_a_create_for_ever() -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 100000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with server(drip) as (address, askers), at(address, timeout=0.4) as factory:
        with pytest.raises(InDoubt):
            await factory.submit(CAR)
        assert len(askers) == 1


async def test_a_create_does_not_follow_a_redirect() -> None:
    async def elsewhere(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 308 Moved\r\nLocation: /v1/models/a/b/predictions\r\nContent-Length: 0\r\n\r\n")

    async with server(elsewhere) as (address, askers), at(address) as factory:
        with pytest.raises(InDoubt):
            await factory.submit(CAR)
        assert len(askers) == 1


async def test_an_id_is_taken_from_a_body_that_would_overflow_a_parser() -> None:
    async def nested(writer: asyncio.StreamWriter) -> None:
        body = b'{"id":"abc","input":' + b"[" * 100_000
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    async with server(nested) as (address, _), at(address) as factory:
        assert await factory.submit(CAR) == Ticket("abc")


def test_one_factory_on_two_loops_loses_no_answer(emulator: Emulator) -> None:
    factory = make(ProviderSettings("replicate", KEY, {"base_url": emulator.base_url}), Path("/nowhere"))
    before = len(emulator.creates())

    async def make_one() -> Ticket:
        ticket = await factory.submit(CAR)
        assert await factory.collect(ticket) is not None
        return ticket

    tickets = [asyncio.run(make_one()) for _ in range(4)]
    assert [ticket.text for ticket in tickets] == [one["id"] for one in emulator.creates()[before:]]


# Asking.

ENDS: list[tuple[dict[str, Any], type[ProviderError], dict[str, bool]]] = [
    (
        {"status": "failed", "error": "CUDA out of memory", "version": "hidden"},
        RunFailed,
        {"charged": False, "passing": True},
    ),
    (
        {"status": "failed", "error": "CUDA out of memory", "version": "a" * 64, "started_at": "2026"},
        RunFailed,
        {"charged": True, "passing": True},
    ),
    ({"status": "failed", "error": "Prediction interrupted; please retry (code: PA)"}, RunFailed, {"passing": True}),
    ({"status": "failed", "error": "NSFW. Please retry with another prompt"}, RunFailed, {"passing": False}),
    ({"status": "failed", "error": "prompt is too long"}, RunFailed, {"passing": False}),
    ({"status": "failed", "error": "NSFW content detected. Try again"}, RunFailed, {"charged": True, "passing": False}),
    ({"status": "failed", "error": {"code": "E005", "message": "flagged as sensitive"}}, RunFailed, {"charged": True}),
    ({"status": "failed", "error": None}, RunFailed, {"charged": False, "passing": False}),
    ({"status": "failed", "version": "a" * 64, "started_at": "2026"}, RunFailed, {"charged": True}),
    ({"status": "failed", "version": "a" * 64, "metrics": {"predict_time": 2}}, RunFailed, {"charged": True}),
    ({"status": "failed", "version": "a" * 64, "metrics": None}, RunFailed, {"charged": False}),
    ({"status": "canceled"}, RunFailed, {"charged": True, "cancelled": True, "passing": False}),
    ({"status": "aborted"}, RunFailed, {"charged": False, "cancelled": False, "passing": True}),
    ({"status": "succeeded", "output": []}, RunFailed, {"charged": True}),
    ({"status": "succeeded", "output": None}, RunFailed, {"charged": True}),
    ({"status": "succeeded"}, RunFailed, {"charged": True}),
    ({"status": "succeeded", "output": ["", " "]}, RunFailed, {"charged": True}),
    ({"status": "succeeded", "output": None, "data_removed": True}, OutputLost, {}),
    ({"status": "resting"}, AskAgain, {}),
    ({"status": None}, AskAgain, {}),
    ({"status": ["succeeded"]}, AskAgain, {}),
    ({}, AskAgain, {}),
]


def read(document: dict[str, Any]) -> Prediction:
    prediction = read_prediction(document)
    assert prediction is not None
    return prediction


@pytest.mark.parametrize(("prediction", "kind", "says"), ENDS, ids=lambda value: str(value)[:60])
def test_each_end_of_a_prediction_is_told_apart(
    prediction: dict[str, Any], kind: type[ProviderError], says: dict[str, bool]
) -> None:
    with pytest.raises(kind) as caught:
        outcome(read(prediction), KEY)
    assert {name: getattr(caught.value, name) for name in says} == says


MAD = [b"Infinity", b"-Infinity", b"NaN", b"-5", b"1e30", b"1e999", b"9" * 5000, b'"3"', b"true"]


@pytest.mark.parametrize("number", MAD, ids=lambda number: number.decode()[:9])
def test_a_time_that_cannot_be_true_is_none_and_what_is_around_it_is_read(number: bytes) -> None:
    body = b'{"status": "succeeded", "output": ["https://x.y/z"], "input": {"s": %s}, "metrics": {"predict_time": %s}}'
    answer = Answer(KEY, True, 200, {}, bytearray(body % (number, number)))
    outputs = outcome(read(fields(answer.value())), KEY)
    assert outputs is not None and outputs.seconds is None and len(outputs.outputs) == 1
    json.dumps(dict(outputs.returned), allow_nan=False)


def test_a_failed_run_whose_time_cannot_be_true_counts_as_paid() -> None:
    document = {"status": "failed", "version": "a" * 64, "metrics": {"predict_time": None}}
    with pytest.raises(RunFailed) as caught:
        outcome(read(document), KEY)
    assert caught.value.charged


RUNNING = [{"status": "starting"}, {"status": "processing"}, {"status": "processing", "output": ["data:,x"]}]


@pytest.mark.parametrize("prediction", RUNNING, ids=str)
def test_only_a_last_status_ends_a_prediction(prediction: dict[str, Any]) -> None:
    assert outcome(read(prediction), KEY) is None


SHAPES: list[tuple[Any, list[str]]] = [
    (["https://a/1", "https://a/2"], ["https://a/1", "https://a/2"]),
    ("https://a/1", ["https://a/1"]),
    ("data:image/png;base64,AAAA", ["data:image/png;base64,AAAA"]),
    ({"images": ["https://a/1"], "seed": 7}, ["https://a/1"]),
    (["https://a/1", None, 3, "words"], ["https://a/1"]),
]


@pytest.mark.parametrize(("output", "addresses"), SHAPES, ids=str)
def test_outputs_come_in_any_shape(output: Any, addresses: list[str]) -> None:
    got = outcome(read({"status": "succeeded", "output": output}), KEY)
    assert got is not None and [one.address for one in got.outputs] == addresses


@pytest.mark.parametrize("output", [["https://a/1", "a red car"], {"image": "https://a/1", "caption": "a red car"}])
def test_what_is_said_beside_a_picture_comes_after_it_and_is_not_counted(output: Any) -> None:
    got = outcome(read({"status": "succeeded", "output": output, "input": {"num_outputs": 1}}), KEY)
    assert got is not None and [one.byproduct for one in got.outputs] == [False, True] and not got.note


async def test_a_finished_prediction_tells_what_was_used(emulator: Emulator) -> None:
    emulator.control(outcome="fewer", run_seconds=0.001)
    async with at(emulator.base_url) as factory:
        ticket = await factory.submit(CAR)
        while (got := await factory.collect(ticket)) is None:
            await asyncio.sleep(0.01)
    assert len(got.outputs) == 1 and "1 of 2" in got.note
    assert got.returned == CAR.parameters and got.seconds == pytest.approx(0.001, rel=0.01)


async def test_a_prediction_the_library_cannot_parse_is_read_all_the_same(emulator: Emulator) -> None:
    emulator.control(outcome=["aborted", "stuck"])
    async with at(emulator.base_url) as factory:
        with pytest.raises(RunFailed):
            await factory.collect(await factory.submit(CAR))
        assert await factory.collect(await factory.submit(CAR)) is None


async def test_removed_data_is_an_output_lost(emulator: Emulator) -> None:
    async with at(emulator.base_url) as factory:
        ticket = await factory.submit(CAR)
        emulator.control(remove_after=0)
        with pytest.raises(OutputLost):
            await factory.collect(ticket)


READS: list[tuple[Any, type[ProviderError], float | None]] = [
    ("401", ProviderStopped, None),
    ("403", OutputLost, None),
    ("404", OutputLost, None),
    ("410", OutputLost, None),
    ("400", AskAgain, None),
    ({"do": "429", "header": "3"}, Throttled, 3),
    ({"do": "503", "header": "3"}, Unreachable, 3),
    ("500", Unreachable, None),
    ("502", Unreachable, None),
    ("504", Unreachable, None),
    ("302", AskAgain, None),
    ("close", Unreachable, None),
    ("garbage", AskAgain, None),
]


@pytest.mark.parametrize(("told", "kind", "after"), READS, ids=lambda value: str(value)[:40])
async def test_each_answer_to_a_question_is_told_apart_and_asked_once(
    emulator: Emulator, told: Any, kind: type[ProviderError], after: float | None
) -> None:
    async with at(emulator.base_url) as factory:
        ticket = await factory.submit(CAR)
        emulator.control(get=told)
        before = emulator.seen().get("GET predictions", 0)
        with pytest.raises(kind) as caught:
            await factory.collect(ticket)
        assert type(caught.value) is kind and getattr(caught.value, "after", None) == after
        # A kept connection may have been closed before the question came: the transport asks once more.
        assert emulator.seen()["GET predictions"] - before in ((1, 2) if told == "close" else (1,))


async def test_a_question_has_a_time_limit(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ReplicateClient.ask, "__defaults__", (0.2,))
    emulator.control(get="hang")
    async with at(emulator.base_url) as factory:
        with pytest.raises(AskAgain):
            await factory.collect(Ticket("x"))


@pytest.mark.parametrize("text", ["nobody", "../account", "a b/c?d#e", "ü"])
async def test_a_ticket_nobody_gave_is_lost_and_asks_for_nothing_else(emulator: Emulator, text: str) -> None:
    async with at(emulator.base_url) as factory:
        with pytest.raises(OutputLost):
            await factory.collect(Ticket(text))


async def test_cancelling_reaches_the_provider_and_what_has_ended_is_no_error(emulator: Emulator) -> None:
    emulator.control(outcome="stuck")
    async with at(emulator.base_url) as factory:
        ticket = await factory.submit(CAR)
        await factory.cancel(ticket)
        with pytest.raises(RunFailed) as caught:
            await factory.collect(ticket)
        assert caught.value.cancelled
        await factory.cancel(ticket)
        await factory.cancel(Ticket("nobody"))
        emulator.control(cancel=["403", "500", "401"])
        await factory.cancel(ticket)  # not for us to
        with pytest.raises(AskAgain):
            await factory.cancel(ticket)
        with pytest.raises(ProviderStopped):
            await factory.cancel(ticket)


def test_words_of_trouble_never_hold_the_key() -> None:
    assert KEY not in str(trouble(Answer(KEY, True, 401, {}, bytearray(f"bad {KEY}", "ascii"))))
    with pytest.raises(RunFailed) as caught:
        outcome(read({"status": "failed", "error": f"bad {KEY}"}), KEY)
    assert KEY not in str(caught.value)


def test_the_heavy_library_is_not_loaded_before_it_is_needed() -> None:
    code = "import sys, artfactoryd.factories.replicate; sys.exit('replicate' in sys.modules or 'httpx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
