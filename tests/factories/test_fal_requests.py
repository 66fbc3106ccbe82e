"""What fal's answers mean, as tables; nothing here is sent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from artfactoryd.errors import (
    AskAgain,
    OutputLost,
    ProviderError,
    ProviderStopped,
    RunFailed,
    Throttled,
    Unreachable,
)
from artfactoryd.factories import Ticket
from artfactoryd.factories.fal.requests import app_of, ended, read_ended, ticket_in, urls_of
from artfactoryd.factories.fal.results import outcome, read_result
from artfactoryd.factories.http.answer import Answer

QUEUE = "https://queue.fal.run"
DONE = {"status": "COMPLETED", "logs": None}
FAILED = {**DONE, "error": "no luck", "error_type": "runner_disconnected"}


def answer(status: int, body: Any, **headers: str) -> Answer:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer("", True, status, {name.replace("_", "-"): value for name, value in headers.items()}, bytearray(data))


def detail(kind: str, words: str = "no luck") -> dict[str, Any]:
    return {"detail": [{"loc": ["body", "prompt"], "msg": words, "type": kind}]}


RUNS: list[tuple[dict[str, Any], Answer, bool | None, str]] = [
    # status document, result, charged (None: cancelled), words
    (DONE, answer(500, detail("internal_server_error")), False, "prompt: no luck"),
    (DONE, answer(504, detail("generation_timeout")), False, "no luck"),
    (DONE, answer(422, detail("content_policy_violation")), True, "no luck"),
    (DONE, answer(422, {"detail": "bad image"}), True, "bad image"),
    (DONE, answer(400, {"detail": "bad size"}), True, "bad size"),
    (DONE, answer(503, {"detail": "gone", "error_type": "runner_disconnected"}), False, "gone"),
    (DONE, answer(504, {"detail": "late", "error_type": "startup_timeout"}), False, "late"),
    (DONE, answer(499, b""), None, "cancelled"),
    (FAILED, answer(502, b"<html>bad gateway</html>"), False, "no luck"),
    (FAILED, answer(404, {"status": "NOT_FOUND"}), False, "NOT_FOUND"),
    (FAILED, answer(200, {"images": []}), False, "no luck"),
    (FAILED, answer(400, {"detail": "Request is still in progress"}), False, "in progress"),
    ({**DONE, "error": "odd"}, answer(502, b"<html>"), True, "odd"),
    ({**DONE, "error": "odd"}, answer(500, {"detail": "odd"}), False, "odd"),
    ({**DONE, "error_type": "client_cancelled"}, answer(404, {}), None, "cancelled"),
    (DONE, answer(200, {"images": []}), True, "without any output"),
]


@pytest.mark.parametrize(("done", "result", "charged", "words"), RUNS, ids=lambda value: str(value)[:60])
def test_each_way_a_run_fails_says_whether_it_may_have_cost_money_and_may_pass(
    done: dict[str, Any], result: Answer, charged: bool | None, words: str
) -> None:
    with pytest.raises(RunFailed, match=words) as caught:
        outcome(read_ended(done), read_result(result))
    assert (caught.value.cancelled, caught.value.charged) == (charged is None, charged is not False)
    assert caught.value.passing == (charged is False)  # fal's own fault, which it never charges for


ASKS: list[tuple[Answer, type[ProviderError]]] = [
    (answer(500, {"detail": "Internal Server Error"}), AskAgain),  # perhaps of the way to it, not of the run
    (answer(500, {"detail": "x", "error_type": "internal_error"}), AskAgain),
    (answer(502, b"<html>nginx</html>"), Unreachable),
    (answer(200, b"<<<"), AskAgain),
    (answer(200, ["a", "list"]), AskAgain),
    (answer(408, {}), AskAgain),
    (answer(429, detail("slow")), Throttled),
    (answer(401, {"detail": "no"}), ProviderStopped),
    (answer(404, detail("gone")), OutputLost),
]


@pytest.mark.parametrize(("result", "kind"), ASKS, ids=lambda value: str(value)[:60])
def test_trouble_on_the_way_to_a_result_is_not_the_end_of_the_run(result: Answer, kind: type[ProviderError]) -> None:
    with pytest.raises(kind) as caught:
        outcome(read_ended(DONE), read_result(result))
    assert type(caught.value) is kind


def test_pictures_that_came_count_more_than_an_error_beside_them() -> None:
    got = outcome(read_ended(FAILED), read_result(answer(200, {"images": [{"url": "https://a/1"}]})))
    assert got is not None and len(got.outputs) == 1


SHAPES: list[tuple[dict[str, Any], list[str]]] = [
    ({"images": [{"url": "https://a/1"}, {"url": "https://a/2"}]}, ["https://a/1", "https://a/2"]),
    ({"image": {"url": "https://a/1", "content_type": 3}}, ["https://a/1"]),
    ({"video": {"url": "https://a/v.mp4"}, "seed": 3}, ["https://a/v.mp4"]),
    ({"images": [{"url": "data:image/png;base64,AAAA"}]}, ["data:image/png;base64,AAAA"]),
    ({"images": [{"url": "https://a/1"}], "mask": {"url": "https://a/mask"}}, ["https://a/1", "https://a/mask"]),
    ({"images": [{"url": "https://a/1"}, None, {"url": 3}, 7]}, ["https://a/1"]),
    (
        {"images": [{"url": "https://a/1"}, {"url": "https://a/2"}], "has_nsfw_concepts": [True]},
        ["https://a/1", "https://a/2"],
    ),
    ({"images": [{"url": "https://a/1"}], "has_nsfw_concepts": None}, ["https://a/1"]),
]


def test_what_is_said_beside_a_picture_comes_after_it() -> None:
    body = {
        "image": {"url": "https://a/1", "width": 8},
        "caption": "a red car",
        "seed": 1,
        "has_nsfw_concepts": [False],
    }
    got = outcome(read_ended(DONE), read_result(answer(200, body)))
    assert got is not None and [one.byproduct for one in got.outputs] == [False, True]


@pytest.mark.parametrize(("result", "addresses"), SHAPES, ids=str)
def test_outputs_come_in_any_shape(result: dict[str, Any], addresses: list[str]) -> None:
    got = outcome(read_ended({**DONE, "metrics": {"inference_time": 1.5}}), read_result(answer(200, result)))
    assert got is not None and [one.address for one in got.outputs] == addresses and got.seconds == 1.5


@pytest.mark.parametrize(
    ("body", "ends"),
    [({"status": "IN_QUEUE"}, False), ({"status": "IN_PROGRESS", "error": "x"}, False), (DONE, True)],
)
def test_only_a_last_status_ends_a_request(body: dict[str, Any], ends: bool) -> None:
    assert (ended(answer(202, body)) is not None) == ends


@pytest.mark.parametrize("body", [{"status": "FAILED"}, {"status": "CANCELED"}, {"status": None}, {}, [], 7, b"<"])
def test_a_status_word_that_is_not_fal_s_is_asked_again(body: Any) -> None:
    with pytest.raises(AskAgain):
        ended(answer(200, body))


APPS = [
    ("fal-ai/flux/schnell", "fal-ai/flux"), ("fal-ai/fast-sdxl", "fal-ai/fast-sdxl"),
    ("workflows/me/mine", "workflows/me/mine"), ("comfy/me/mine/run", "comfy/me/mine"),
]  # fmt: skip


@pytest.mark.parametrize(("endpoint", "app"), APPS)
def test_a_request_is_followed_by_owner_and_app_alone(endpoint: str, app: str) -> None:
    assert app_of(endpoint) == app
    ticket = Ticket(json.dumps({"request_id": "a b", "endpoint": endpoint}))
    assert urls_of(ticket, QUEUE).status_url == f"{QUEUE}/{app}/requests/a%20b/status"


@pytest.mark.parametrize(
    "url", ["https://queue.fal.run.evil.example/x", "https://queue.falrun.com/x", "http://queue.fal.run/x", 7, None]
)
def test_an_address_that_is_not_the_queue_s_own_is_built_instead(url: Any) -> None:
    ticket = Ticket(json.dumps({"request_id": "x", "endpoint": "a/b", "cancel_url": url}))
    assert urls_of(ticket, QUEUE).cancel_url == f"{QUEUE}/a/b/requests/x/cancel"


IDS: list[tuple[Answer, str | None]] = [
    (answer(200, {"request_id": "x", "status": "IN_QUEUE"}), "x"),
    (answer(200, b'{"status":"IN_QUEUE","request_id":"0a-1b","respo'), "0a-1b"),
    (answer(200, b'{"gateway_request_id":"no","request_id":"yes","x'), "yes"),
    (answer(200, b'{"status":"IN_QUEUE","request_id":"0a-1'), None),
    (answer(200, b'{"request_id":"abc","input":' + b"[" * 100_000), "abc"),
    (answer(200, b"", **{"x-fal-request-id": "of-header"}), "of-header"),
    (answer(200, {"gateway_request_id": "no"}), None),
    (answer(200, {"request_id": "a\nb"}), None),
    (answer(500, {"request_id": "x"}, **{"x-fal-request-id": "x"}), None),
]


@pytest.mark.parametrize(("came", "name"), IDS, ids=lambda value: str(value)[:60])
def test_an_id_is_read_off_whatever_came(came: Answer, name: str | None) -> None:
    ticket = ticket_in(came, "a/b")
    assert (json.loads(ticket.text)["request_id"] if ticket else None) == name


MAD = [b"Infinity", b"NaN", b"-1", b"1e30", b"1e999", b"9" * 5000, b"true"]


@pytest.mark.parametrize("number", MAD, ids=lambda number: number.decode()[:9])
def test_a_time_that_cannot_be_true_is_none_and_what_is_around_it_is_read(number: bytes) -> None:
    body = b'{"status": "COMPLETED", "metrics": {"inference_time": %s}}' % number
    assert ended(answer(200, body)) == read_ended({})
    result = read_result(answer(200, b'{"images": [{"url": "https://a/1"}], "seed": %s}' % number))
    outputs = outcome(read_ended({}), result)
    assert outputs is not None and len(outputs.outputs) == 1
    json.dumps(dict(outputs.returned), allow_nan=False)
