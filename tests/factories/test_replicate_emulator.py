"""The emulator is trusted by other tests, so it is held to what the API is known to answer."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.emulator.client import Emulator
from tests.emulator.models import SDXL, SDXL_VERSIONS
from tests.emulator.weather import CREATES, OUTCOMES

SCHNELL = "/v1/models/black-forest-labs/flux-schnell"
KEY = {"Authorization": "Bearer r8_key"}
CAR = {"prompt": "A red car", "num_outputs": 2}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(tmp_path_factory.mktemp("emulator") / "ledger.jsonl") as emulator:
        yield emulator


@pytest.fixture
def emulator(running: Emulator) -> Emulator:
    running.calm()
    return running


def client(emulator: Emulator) -> httpx.Client:
    return httpx.Client(base_url=emulator.base_url, headers=KEY, timeout=20, trust_env=False)


def create(emulator: Emulator, given: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    with client(emulator) as api:
        answer = api.post(f"{SCHNELL}/predictions", json={"input": given or CAR}, **more)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def get(emulator: Emulator, path: str, **more: Any) -> Any:
    with client(emulator) as api:
        return api.get(path, **more).json()


def picture(emulator: Emulator, given: dict[str, Any], place: int = 0) -> httpx.Response:
    made = get(emulator, create(emulator, given)["urls"]["get"])
    return httpx.get(made["output"][place], trust_env=False)


def test_a_fresh_prediction_lacks_what_is_not_known_yet(emulator: Emulator) -> None:
    emulator.control(run_seconds=3600, start_seconds=3600)
    fresh = create(emulator)
    keys = {
        "id", "model", "version", "input", "logs", "data_removed", "error", "status", "created_at", "urls"
    }  # fmt: skip
    assert set(fresh) == keys and (fresh["status"], fresh["logs"], fresh["error"]) == ("starting", "", None)
    assert re.fullmatch(r"[0-9a-z]{26}", fresh["id"])
    assert fresh["urls"]["get"] == f"{emulator.base_url}/v1/predictions/{fresh['id']}"
    assert set(get(emulator, fresh["urls"]["get"])) == keys


def test_a_prediction_gains_keys_as_it_goes_on(emulator: Emulator) -> None:
    emulator.control(run_seconds=3600, start_seconds=0)
    going = get(emulator, create(emulator)["urls"]["get"])
    assert going["status"] == "processing" and "started_at" in going
    assert not {"output", "completed_at", "metrics"} & set(going)
    emulator.control(run_seconds=0)
    done = get(emulator, create(emulator)["urls"]["get"])
    assert done["status"] == "succeeded" and len(done["output"]) == 2
    assert {"started_at", "completed_at", "metrics"} <= set(done)


def test_dates_have_two_to_nine_digits(emulator: Emulator) -> None:
    dates = [create(emulator)["created_at"] for _ in range(9)]
    lengths = {len(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.(\d+)Z", date)[1]) for date in dates}  # type: ignore[index]
    assert lengths == set(range(2, 10))


def test_answers_carry_the_headers_of_the_rate_limit(emulator: Emulator) -> None:
    with client(emulator) as api:
        made = api.post(f"{SCHNELL}/predictions", json={"input": CAR})
        read = api.get("/v1/predictions")
    assert (made.status_code, made.headers["ratelimit-remaining"]) == (201, "599")
    assert (read.status_code, read.headers["ratelimit-remaining"]) == (200, "2999")


def test_errors_are_problem_documents(emulator: Emulator) -> None:
    with client(emulator) as api:
        nobody = httpx.get(f"{emulator.base_url}/v1/account", trust_env=False)
        nowhere = api.get("/v1/predictions/nobody")
        bad = api.post(f"{SCHNELL}/predictions", json={"input": {"prompt": "x", "num_outputs": 9}})
        no_model = api.post("/v1/models/acme/none/predictions", json={"input": {}})
        no_version = api.post("/v1/predictions", json={"input": {}, "version": "f" * 64})
    answers = [nobody, nowhere, bad, no_model, no_version]
    assert [one.status_code for one in answers] == [401, 404, 422, 404, 422]
    assert {one.headers["content-type"].partition(";")[0] for one in answers} == {"application/problem+json"}
    assert "input.num_outputs" in bad.json()["detail"] and "title" not in nowhere.json()


def test_what_is_refused_is_not_in_the_book_and_what_is_accepted_is(emulator: Emulator) -> None:
    before = len(emulator.creates())
    emulator.control(create=["429", "500", "close-before", "ok", "close-after", "500-after", "garbage", "half"])
    with client(emulator) as api:
        for _ in range(8):
            try:
                api.post(f"{SCHNELL}/predictions", json={"input": CAR})
            except httpx.TransportError:
                continue
    assert [one["answered"] for one in emulator.creates()[before:]] == [
        "ok",
        "close-after",
        "500-after",
        "garbage",
        "half",
    ]


@pytest.mark.parametrize(
    "told", sorted({"401", "402", "422", "429", "500", "502"} | set(CREATES) - {"hang-after", "hang-before"})
)
def test_every_weather_can_be_asked_for_in_a_prompt(emulator: Emulator, told: str) -> None:
    before = len(emulator.creates())
    with client(emulator) as api:
        try:
            status = api.post(f"{SCHNELL}/predictions", json={"input": {"prompt": f"a car EMU:{told}"}}).status_code
        except httpx.TransportError:
            status = 0
    refused = told.isdigit() or told.endswith("-before")
    assert len(emulator.creates()) - before == (0 if refused else 1)
    assert status == (int(told) if told.isdigit() else {"garbage": 201, "odd": 201, "500-after": 500}.get(told, 0))


@pytest.mark.parametrize("told", sorted(OUTCOMES))
def test_every_outcome_can_be_asked_for_in_a_prompt(emulator: Emulator, told: str) -> None:
    made = get(emulator, create(emulator, {**CAR, "prompt": f"a car EMU:{told}"})["urls"]["get"])
    status = {"fewer": "succeeded", "more": "succeeded", "empty": "succeeded", "nsfw": "failed", "stuck": "processing",
              "interrupted": "failed"}.get(told, told)  # fmt: skip
    assert made["status"] == status
    if told == "nsfw":
        assert "NSFW" in made["error"]
    if status == "succeeded":
        assert len(made["output"]) == {"fewer": 1, "more": 4, "empty": 0}.get(told, 2)


def test_a_slip_in_the_weather_is_an_error(emulator: Emulator) -> None:
    with pytest.raises(ValueError, match="lattency"):
        emulator.control(lattency=1)


def test_every_third_create_and_the_time_of_a_run_can_be_told(emulator: Emulator) -> None:
    emulator.control(create={"every": [3, "429"]})
    with client(emulator) as api:
        made = [api.post(f"{SCHNELL}/predictions", json={"input": CAR}).status_code for _ in range(6)]
    assert made == [201, 201, 429] * 2
    assert get(emulator, create(emulator, {"prompt": "EMU:run=60"})["urls"]["get"])["status"] == "processing"


# Outputs.


def test_outputs_are_real_pictures_decided_by_input_and_place(emulator: Emulator) -> None:
    red = {"prompt": "A red car", "num_outputs": 2, "output_format": "png", "aspect_ratio": "16:9", "seed": 7}
    first, again, second = picture(emulator, red), picture(emulator, red), picture(emulator, red, 1)
    blue = picture(emulator, {**red, "prompt": "A blue car"})
    assert first.content == again.content and len({first.content, second.content, blue.content}) == 3
    assert first.headers["content-type"] == "image/png" and "max-age" in first.headers["cache-control"]
    one, other = (
        Image.open(io.BytesIO(got.content)).convert("RGB").resize((1, 1)).getpixel((0, 0)) for got in (first, blue)
    )
    assert isinstance(one, tuple) and isinstance(other, tuple)
    assert one[0] > one[2] and other[2] > other[0]
    with Image.open(io.BytesIO(first.content)) as image:
        assert image.format == "PNG" and image.width > image.height
    with Image.open(io.BytesIO(picture(emulator, {"prompt": "x"}).content)) as image:
        assert image.format == "WEBP"


def test_the_output_host_sends_a_key_away(emulator: Emulator) -> None:
    address = get(emulator, create(emulator)["urls"]["get"])["output"][0]
    assert address.startswith(emulator.output_url) and emulator.output_url != emulator.base_url
    assert httpx.get(address, headers=KEY, trust_env=False).status_code == 403
    assert httpx.get(address, trust_env=False).status_code == 200


def test_outputs_have_weather_of_their_own(emulator: Emulator) -> None:
    emulator.control(slow_seconds=0.05)
    for told, status in (("404", 404), ("redirect", 302), ("slow", 200), ("empty", 200), ("not-picture", 200)):
        got = picture(emulator, {"prompt": f"a car EMU:out-{told}"})
        assert got.status_code == status
        if told == "redirect":
            assert httpx.get(f"{emulator.output_url}{got.headers['location']}", trust_env=False).content[:4] == b"RIFF"
    for told in ("short", "close"):
        with pytest.raises(httpx.TransportError):
            picture(emulator, {"prompt": f"a car EMU:out-{told}"})
    emulator.control(output=["500"])
    address = get(emulator, create(emulator)["urls"]["get"])["output"][0]
    assert [httpx.get(address, trust_env=False).status_code for _ in range(2)] == [500, 200]


def test_an_hour_later_input_and_output_are_gone(emulator: Emulator) -> None:
    done = get(emulator, create(emulator)["urls"]["get"])
    emulator.control(remove_after=0)
    later = get(emulator, done["urls"]["get"])
    assert (later["data_removed"], later["input"], later["output"]) == (True, {}, None)
    assert later["id"] == done["id"] and later["created_at"] == done["created_at"]
    assert httpx.get(done["output"][0], trust_env=False).status_code == 404


def test_a_create_that_waits_is_processing_with_its_output_inline(emulator: Emulator) -> None:
    made = create(emulator, headers={"Prefer": "wait=5"})
    assert made["status"] == "processing" and all(one.startswith("data:image/webp;base64,") for one in made["output"])
    assert not {"completed_at", "metrics"} & set(made)


# The rest of the API.


def test_the_list_is_newest_first_in_pages_and_between_dates(emulator: Emulator) -> None:
    made = [create(emulator) for _ in range(5)]
    emulator.control(page_size=2)
    seen: list[dict[str, Any]] = []
    page = get(emulator, "/v1/predictions", params={"created_after": made[0]["created_at"][:22] + "Z"})
    while True:
        seen += page["results"]
        if page["next"] is None:
            break
        page = get(emulator, page["next"])
    assert [one["id"] for one in seen][:5] == [one["id"] for one in reversed(made)]
    assert seen[0]["input"] == CAR and seen[0]["source"] == "api" and "logs" not in seen[0]
    assert get(emulator, "/v1/predictions", params={"created_after": "2100-01-01T00:00:00Z"})["results"] == []
    assert get(emulator, "/v1/predictions", params={"created_before": "2000-01-01T00:00:00Z"})["results"] == []
    emulator.control(list_lag=3600)
    assert get(emulator, "/v1/predictions")["results"] == []


def test_cancelling_ends_what_runs_and_leaves_what_has_ended(emulator: Emulator) -> None:
    done = create(emulator)
    emulator.control(run_seconds=3600)
    going = create(emulator)
    with client(emulator) as api:
        ended, kept = (api.post(one["urls"]["cancel"]).json() for one in (going, done))
    assert (ended["status"], ended["output"], ended["logs"]) == ("canceled", None, None)
    assert kept["status"] == "succeeded" and get(emulator, going["urls"]["get"])["status"] == "canceled"


def test_models_show_their_schema_and_official_ones_hide_their_versions(emulator: Emulator) -> None:
    model = get(emulator, SCHNELL)
    parts = model["latest_version"]["openapi_schema"]["components"]["schemas"]
    assert parts["Input"]["properties"]["num_outputs"] == {
        "x-order": 2, "type": "integer", "minimum": 1, "maximum": 4, "default": 1
    }  # fmt: skip
    reference = parts["Input"]["properties"]["aspect_ratio"]["allOf"][0]["$ref"].rpartition("/")[2]
    assert "16:9" in parts[reference]["enum"] and parts["Output"]["type"] == "array"
    with client(emulator) as api:
        assert api.get(f"{SCHNELL}/versions/{SDXL_VERSIONS[0]}").status_code == 404
        assert api.get(f"/v1/models/{SDXL}/versions/{SDXL_VERSIONS[0]}").status_code == 200
        assert api.post(f"/v1/models/{SDXL}/predictions", json={"input": {}}).status_code == 404
        made = api.post("/v1/predictions", json={"version": SDXL_VERSIONS[0], "input": {}}).json()
    assert (made["model"], made["version"]) == (SDXL, SDXL_VERSIONS[0])


def test_a_model_of_one_picture_answers_one_address(emulator: Emulator) -> None:
    with client(emulator) as api:
        made = api.post("/v1/models/black-forest-labs/flux-1.1-pro/predictions", json={"input": {"prompt": "x"}})
    assert isinstance(get(emulator, made.json()["urls"]["get"])["output"], str)


def test_files_can_be_put_looked_at_and_taken_away(emulator: Emulator) -> None:
    with client(emulator) as api:
        made = api.post(
            "/v1/files", files={"content": ("a.txt", b"hello", "text/plain")}, data={"metadata": '{"a": 1}'}
        )
        file = made.json()
        assert (made.status_code, file["size"], file["metadata"], len(file["checksums"]["sha256"])) == (
            201,
            5,
            {"a": 1},
            64,
        )
        assert api.get(file["urls"]["get"]).json() == file in api.get("/v1/files").json()["results"]
        assert api.delete(f"/v1/files/{file['id']}").status_code == 204
        assert api.get(f"/v1/files/{file['id']}").status_code == 404


# Its own process, its own book.


def test_killed_and_started_again_it_knows_everything_it_accepted(tmp_path: Path) -> None:
    emulator = Emulator(tmp_path / "ledger.jsonl", run_seconds=3600)
    with emulator:
        made, gone = create(emulator), create(emulator)
        with client(emulator) as api:
            api.post(gone["urls"]["cancel"])
        addresses = emulator.base_url, emulator.output_url
        emulator.kill()
        with emulator.ledger.open("ab") as file:
            file.write(b'{"create": {"id": "torn')
        assert [one["id"] for one in emulator.creates()] == [made["id"], gone["id"]]
        emulator.start()
        assert (emulator.base_url, emulator.output_url) == addresses
        assert get(emulator, made["urls"]["get"])["status"] == "processing"
        assert get(emulator, gone["urls"]["get"])["status"] == "canceled"
        third = create(emulator)
        assert [one["id"] for one in emulator.creates()] == [made["id"], gone["id"], third["id"]]
        assert [one["id"] for one in get(emulator, "/_ledger")] == [one["id"] for one in emulator.creates()]


def test_weather_at_start_holds_until_told_otherwise(tmp_path: Path) -> None:
    with Emulator(tmp_path / "ledger.jsonl", create="402", token="r8_key") as emulator, client(emulator) as api:
        assert api.post(f"{SCHNELL}/predictions", json={"input": CAR}).status_code == 402
        assert api.get("/v1/account", headers={"Authorization": "Bearer other"}).status_code == 401
        emulator.control(create="ok")
        assert api.post(f"{SCHNELL}/predictions", json={"input": CAR}).status_code == 201
        emulator.calm()
        assert api.post(f"{SCHNELL}/predictions", json={"input": CAR}).status_code == 402
        assert emulator.seen()["POST create"] == 3
