"""`models`: what can be ordered, asked of the providers again; and what an order is checked against then."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from artfactoryd import documents
from artfactoryd.cli.models import listed_text
from artfactoryd.core.catalog import Catalog
from artfactoryd.planning.models import load_catalog
from artfactoryd.reporting.models import listed
from tests.emulator.client import Emulator
from tests.emulator.models import SDXL, SDXL_VERSIONS
from tests.homes import TestHome
from tests.pictures import draw

PICTURE = """provider: replicate
model: sdxl
parameters:
  prompt: a car
  scheduler: K_EULR
  num_inference_steps: 501
"""
FIVE = """provider: replicate
model: flux-shnell
projct: cars
template: nior
parameters:
  prompt: a [colr] car
  num_inference_step: 3
"""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(tmp_path_factory.mktemp("cloud") / "bought.jsonl") as running:
        yield running


@pytest.fixture
def shop(cloud: Emulator, tmp_path: Path) -> TestHome:
    return TestHome.make(tmp_path / "shop", cloud.base_url)


def plan(home: TestHome, text: str, name: str = "order.yaml") -> dict[str, Any]:
    (file := home.root.parent / name).write_text(text)
    found: dict[str, Any] = home.ask("plan", str(file))["orders"][0]
    return found


def test_the_recorded_sdxl_is_taken_over_and_its_enum_and_ranges_are_kept(shop: TestHome) -> None:
    [said] = shop.ask("models", "refresh", "sdxl")["models"]
    assert (said["model"], said["new"], said["error"]) == (f"{SDXL}:{SDXL_VERSIONS[0]}", False, None)
    [file] = shop.home.told.rglob("*.yaml")
    assert documents.read_documents(file.read_bytes(), "")[0].value["model"] == said["model"]
    wrong = {each["key"]: each for each in plan(shop, PICTURE)["errors"]}
    scheduler, steps = wrong["parameters.scheduler"], wrong["parameters.num_inference_steps"]
    assert (scheduler["line"], scheduler["column"], steps["line"], steps["column"]) == (5, 14, 6, 24)
    assert "DDIM, DPMSolverMultistep, HeunDiscrete, KarrasDPM, K_EULER_ANCESTRAL, K_EULER, PNDM" in scheduler["text"]
    assert "from 1 to 500" in steps["text"]


def test_a_refresh_says_what_changed_and_keeps_what_no_provider_tells(shop: TestHome) -> None:
    before = Catalog(load_catalog(None)[0]).find("replicate", "flux-schnell")
    assert before is not None
    stale = {"provider": "replicate", "model": before.id, "schema": {"properties": {
        "prompt": {"type": "string"}, "num_inference_steps": {"type": "integer", "maximum": 8}, "old": {},
    }}}  # fmt: skip
    (shop.home.told / "replicate").mkdir(parents=True)
    from artfactoryd.planning.models import keep_told

    keep_told(shop.home.told, stale, asked=before.id)
    done = shop.call("models", "refresh", "flux-schnell")
    assert done.returncode == 0, done.stderr
    assert "no parameter old any more" in done.stdout and "new parameter go_fast: true or false" in done.stdout
    assert "num_inference_steps: a whole number of at most 8 -> a whole number from 1 to 4" in done.stdout
    [now] = [each for each in load_catalog(None, shop.home.told)[0] if each.id == before.id]
    assert (now.aliases, now.family, now.price, now.synonyms) == (
        before.aliases, before.family, before.price, before.synonyms
    )  # fmt: skip
    assert now.version is None and now.properties["seed"]["maximum"] == before.properties["seed"]["maximum"]
    assert "as it was" in shop.call("models", "refresh", "flux-schnell").stdout


def test_a_model_by_its_full_id_is_described_once_and_then_known(shop: TestHome, cloud: Emulator) -> None:
    before = cloud.seen().get("GET black-forest-labs", 0)
    order = "provider: replicate\nmodel: black-forest-labs/flux-pro\nparameters:\n  prompt: a car\n"
    good, wrong = plan(shop, order), plan(shop, order + "  safety_tolerance: 7\n  promt: x\n")
    assert (good["total_items"], good["errors"], [each["code"] for each in good["held"]]) == (1, [], ["price"])
    assert {each["code"] for each in wrong["errors"]} == {"E_VALUE", "E_PARAMETER"}
    older = f"provider: replicate\nmodel: {SDXL}:{SDXL_VERSIONS[1]}\nprice: {{usd: 0.01}}\nparameters: {{prompt: x}}\n"
    assert plan(shop, older)["model"] == f"{SDXL}:{SDXL_VERSIONS[1]}" == plan(shop, older)["model"]
    assert plan(shop, older.replace(f"{SDXL}:{SDXL_VERSIONS[1]}", "sdxl"))["model"] == f"{SDXL}:{SDXL_VERSIONS[0]}"
    shop.drop("pro.yaml", order + "price: {usd: 0.04}\n")
    assert shop.once() == 0
    assert cloud.creates()[-1]["model"] == "black-forest-labs/flux-pro"
    assert cloud.seen()["GET black-forest-labs"] == before + 1


def test_submit_takes_the_picture_of_a_model_along_that_only_its_provider_knows(shop: TestHome, tmp_path: Path) -> None:
    data = draw(tmp_path / "recipes" / "beach.png")
    pro = "provider: replicate\nmodel: black-forest-labs/flux-pro\nprice: {usd: 0.04}\n"
    (order := tmp_path / "recipes" / "pro.yaml").write_text(pro + "parameters: {prompt: x, image_prompt: beach.png}\n")
    assert Catalog(load_catalog(None)[0]).find("replicate", "black-forest-labs/flux-pro") is None
    assert shop.call("submit", str(order)).returncode == 0
    [bundle] = shop.home.inbox.iterdir()
    assert (bundle / "beach.png").read_bytes() == data
    assert shop.once() == 0 and shop.states() == ["completed"]


def test_a_full_id_that_the_provider_does_not_know_is_an_error_with_its_words(shop: TestHome) -> None:
    [error] = plan(shop, "provider: replicate\nmodel: acme/nothing\nparameters: {prompt: x}\n")["errors"]
    assert (error["code"], error["line"]) == ("E_MODEL", 2) and "has no model acme/nothing" in error["message"]
    done = shop.call("models", "refresh", "acme/nothing")
    assert done.returncode == 1 and "not brought up to date. Replicate has no model" in done.stdout


def test_where_nobody_can_tell_it_runs_with_a_warning_at_the_orders_own_price(shop: TestHome) -> None:
    shop.base_url = "http://127.0.0.1:9"
    shop.configure()
    order = "provider: replicate\nmodel: acme/far\nparameters: {prompt: 'a [red,blue] car', steps: 900}\n"
    found = plan(shop, order)
    assert [each["code"] for each in found["warnings"]] == ["W_NO_SCHEMA"] and found["errors"] == []
    assert (found["total_items"], [each["code"] for each in found["held"]]) == (2, ["price"])
    assert plan(shop, order + "price: {usd: 0.01}\n")["held"] == []
    pattern = order.replace("steps: 900", "image: '*.JPG'") + "price: {usd: 0.01}\n"  # whose letters would be sent
    assert [each["code"] for each in plan(shop, pattern)["held"]] == ["warning"]
    assert plan(shop, pattern + "raw: [image]\n")["held"] == []
    fed = "provider: local\nmodel: sketch\nparameters: {prompt: x}\nthen: [{provider: replicate, model: acme/far}]\n"
    assert "acme/far takes is not known here" in plan(shop, fed)["errors"][0]["message"]
    done = shop.call("models", "refresh")
    assert done.returncode == 1 and "Replicate does not answer" in done.stdout


def test_five_mistakes_of_five_kinds_are_told_at_once_with_the_right_spelling(home: TestHome) -> None:
    for folder, name, text in (("lookups", "color.txt", "red\nblue\n"), ("templates", "noir.yaml", "tags: [x]\n")):
        (home.home.library / folder).mkdir(exist_ok=True)
        (home.home.library / folder / name).write_text(text)
    found = plan(home, FIVE)
    told = {each["code"]: (each["line"], each["column"], each["fix"]) for each in found["errors"] + found["warnings"]}
    assert told == {
        "E_UNKNOWN_KEY": (3, 1, "Did you mean project?"), "E_TEMPLATE": (4, 11, "Did you mean noir?"),
        "E_MODEL": (2, 8, "Did you mean flux-schnell?"),
        "W_SINGLE": (
            6, 13, "Did you mean [color]? Else write [\\colr] if the word is meant, \\[colr\\] for the brackets too.",
        ),
        "E_PARAMETER": (7, 3, "Did you mean num_inference_steps?"),
    }  # fmt: skip


def test_the_list_and_one_model_say_what_it_takes_and_costs(home: TestHome) -> None:
    assert [each["name"] for each in home.ask("models", "--provider", "local")["models"]] == [
        "convert", "resize", "sketch",
    ]  # fmt: skip
    assert {each["provider"] for each in home.ask("models", "--family", "sdxl")["models"]} == {"fal", "replicate"}
    both = home.ask("models", "show", "flux-dev")["models"]
    assert [each["provider"] for each in both] == ["fal", "replicate"]
    steps = next(each for each in both[1]["parameters"] if each["name"] == "num_inference_steps")
    assert (steps["allowed"], steps["default"], steps["synonyms"]) == ("a whole number from 1 to 50", 28, ["steps"])
    done = home.call("models", "show", "flux-def")
    assert done.returncode == 2 and "Did you mean flux-dev?" in done.stderr
    (home.home.models / "mine.yaml").write_text("provider: local\nmodle: x\n")
    done = home.call("models")
    assert done.returncode == 2 and "mine.yaml, line 2, column 1, in modle; E_UNKNOWN_KEY)" in done.stderr


def test_the_list_is_grouped_and_says_which_prices_are_to_be_looked_up_again(home: TestHome) -> None:
    text = "provider: replicate\nmodel: acme/{0}\naliases: [{0}]\nfamily: mine\nschema: {{properties: {{}}}}\n"
    for name, modality, year in (("old", "edit", 2020), ("new", "edit", 2999), ("odd", "x", 2020)):
        more = f"modality: {modality}\nprice: {{usd: 1, as_of: {year}-01-01}}\n"
        (home.home.models / f"{name}.yaml").write_text(text.format(name) + more)
    lines = listed_text(listed(home.home, "mine", None, None)).split("\n")
    assert [line.strip().split("  ")[:2] for line in lines] == [
        ["edit"], ["replicate", "new"], ["replicate", "old"], [""], ["x"], ["replicate", "odd"],
    ]  # fmt: skip
    assert lines[2].endswith("$1 per image that comes (as of 2020-01-01)")
    assert [each["name"] for each in home.ask("models", "--family", "mine", "--stale")["models"]] == ["odd", "old"]
    assert "models refresh NAME" in listed_text(listed(home.home, "mine", None, None, stale=True), stale=True)
    assert "No price is older" in listed_text(listed(home.home, None, "speak", None, stale=True), stale=True)


def test_a_model_says_of_which_day_it_is_and_where_its_price_was_found(home: TestHome) -> None:
    [found] = home.ask("models", "show", "nano-banana-pro")["models"]
    assert found["schema_as_of"] and found["price"]["as_of"] and found["told_by"] and found["status"] == "current"
    words = home.call("models", "show", "nano-banana-pro").stdout
    assert found["told_by"] in words and f"as of     {found['schema_as_of']}" in words


def test_a_retired_model_is_named_with_its_successor(home: TestHome) -> None:
    done = home.call("models", "show", "veo-3")
    assert done.returncode == 2 and "Its successor: `model: veo-3.1`" in done.stderr


def test_fals_models_are_asked_with_their_prices_and_one_providers_trouble_stops_no_other(
    home: TestHome, fal: Emulator
) -> None:
    home.fal_url, home.base_url = fal.base_url, "http://127.0.0.1:9"
    home.configure()
    done = home.call("models", "refresh", "flux-schnell", "--json")
    said = {each["provider"]: each for each in json.loads(done.stdout)["models"]}
    assert done.returncode == 1 and said["fal"]["error"] is None and said["replicate"]["error"]
    [now] = [each for each in load_catalog(None, home.home.told)[0] if each.id == "fal-ai/flux/schnell"]
    assert "sync_mode" not in now.properties and now.aliases == ("flux-schnell",)
    assert now.price is not None and (now.price.parts[0].per, now.price.as_of or "") > ("megapixel", "2026-11-21")


def test_what_fal_changes_is_told_and_a_model_that_it_gives_up_is_warned_of(home: TestHome, fal: Emulator) -> None:
    home.fal_url = fal.base_url
    home.configure()
    new = {"price": {"unit_price": 0.004}, "status": "deprecated", "parameters": {"sharpness": {"type": "integer"}}}
    fal.control(model_news={"fal-ai/flux/schnell": new})
    done = home.call("models", "refresh", "fal-ai/flux/schnell")
    assert "per megapixel that comes (as of 2026-11-22) -> $0.004 per megapixel that comes" in done.stdout, done.stderr
    assert "new parameter sharpness: a whole number" in done.stdout and "status: current -> deprecated" in done.stdout
    (order := home.root / "cars.yaml").write_text("provider: fal\nmodel: flux-schnell\nparameters: {prompt: x}\n")
    assert "warning  fal gives up fal-ai/flux/schnell: choose another one" in home.call("plan", str(order)).stdout


def test_of_several_models_each_mistake_is_told_at_its_own_place(home: TestHome) -> None:
    text = "models:\n  - {provider: local, model: sketch}\n  - {provider: locl, model: sketch}\n"
    found = plan(home, text + "  - {provider: replicate, model: flux-shnell}\nparameters: {prompt: x}\n")
    told = [(each["code"], each["key"], each["line"]) for each in found["errors"]]
    assert told == [("E_PROVIDER", "models.1.provider", 3), ("E_MODEL", "models.2.model", 4)]
