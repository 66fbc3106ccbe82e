"""The Library and the shipped catalogue: what models there are, and what is wrong with a model file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from artfactoryd.core.catalog import Catalog
from artfactoryd.core.model import Model
from artfactoryd.core.pricing.price import Part, Price
from artfactoryd.errors import Problem
from artfactoryd.planning.models import SHIPPED, load_catalog
from artfactoryd.schema import check_value

PAINTER = """\
provider: replicate
model: acme/painter:v1
aliases: [painter]
family: painter
schema:
  type: object
  required: [prompt]
  properties:
    prompt: {type: string}
    steps: {type: integer, minimum: 1, maximum: 50, default: 20}
    count: {type: integer}
    seed: {type: integer}
text: [prompt]
batch: count
seed: seed
synonyms: {guidance_steps: steps}
price: {usd: 0.0030, per: image, as_of: 2026-05-01}
"""


def with_file(folder: Path, text: str, name: str = "painter.yaml") -> tuple[Catalog, list[Problem]]:
    (folder / name).write_text(text, encoding="utf-8")
    models, problems = load_catalog(folder)
    return Catalog(models), problems


def shipped() -> list[Model]:
    models, problems = load_catalog(None)
    assert problems == []
    return models


def test_the_shipped_files_pass_every_check_that_a_persons_own_must_pass() -> None:
    models, problems = load_catalog(SHIPPED)
    assert problems == [] and models[len(models) // 2 :] == shipped()


def test_the_shipped_models_are_there_by_alias_and_id() -> None:
    catalog = Catalog(shipped())
    for provider, names in (("replicate", ("flux-schnell", "flux-dev")), ("local", ("sketch",))):
        assert all(catalog.find(provider, name) for name in names)
    schnell = catalog.find("replicate", "black-forest-labs/flux-schnell")
    assert schnell is not None
    assert (schnell.batch, schnell.seed, schnell.text, schnell.version) == ("num_outputs", "seed", ("prompt",), None)
    assert schnell.price == Price((Part("0.003"),), "2026-05-01")


@pytest.mark.parametrize("model", shipped(), ids=lambda model: model.id)
def test_defaults_and_descriptions_of_a_shipped_model_hold(model: Model) -> None:
    for name, schema in model.properties.items():
        assert schema["description"], name
        if "default" in schema:
            assert check_value(schema, schema["default"]) is None, name


@pytest.mark.parametrize("model", shipped(), ids=lambda model: model.id)
def test_a_shipped_price_says_of_which_day_it_is(model: Model) -> None:
    assert model.price is not None and (model.provider == "local" or model.price.as_of)


@pytest.mark.parametrize(
    ("model", "parameter", "good", "bad"),
    [
        ("flux-schnell", "num_inference_steps", [1, 4], [0, 5, 2.5]),
        ("flux-schnell", "num_outputs", [1, 4], [0, 5]),
        ("flux-schnell", "megapixels", ["1", "0.25"], [1, "2"]),
        ("flux-schnell", "aspect_ratio", ["1:1", "16:9", "9:21"], ["2:1"]),
        ("flux-schnell", "seed", [0, 2147483647], [-1, 2147483648]),
        ("flux-schnell", "disable_safety_checker", [True], ["true"]),
        ("flux-dev", "num_inference_steps", [1, 50], [51]),
        ("flux-dev", "guidance", [0, 3.5, 10], [-0.1, 11]),
        ("sketch", "width", [64, 4096], [63, 4097]),
        ("fal-ai/flux/schnell", "num_inference_steps", [1, 12], [0, 13]),
        ("fal-ai/flux/dev", "guidance_scale", [1, 20], [0.9, 21]),
        ("fal-ai/flux/dev", "image_size", ["square", {"width": 1, "height": 14142}], ["wide", {"width": 64}]),
        ("fal-ai/flux/dev/image-to-image", "strength", [0.01, 1], [0, 1.1]),
        ("fal-ai/flux/dev/image-to-image", "num_inference_steps", [10, 50], [9, 51]),
        ("fal-ai/fast-sdxl", "num_images", [1, 8], [0, 9]),
    ],
)
def test_the_shipped_ranges_are_the_providers(model: str, parameter: str, good: list[Any], bad: list[Any]) -> None:
    provider = "local" if model == "sketch" else "fal" if model.startswith("fal-ai/") else "replicate"
    found = Catalog(shipped()).find(provider, model)
    assert found is not None
    assert [check_value(found.properties[parameter], value) for value in good] == [None] * len(good)
    assert all(check_value(found.properties[parameter], value) for value in bad)


TAKES = {
    ("fal", "flux-schnell"): (),
    ("fal", "flux-dev"): (),
    ("fal", "flux-dev-image-to-image"): ("image_url",),
    ("fal", "fast-sdxl"): (),
    ("local", "resize"): ("image",),
    ("local", "convert"): ("image",),
    ("local", "sketch"): (),
    ("replicate", "flux-schnell"): (),
    ("replicate", "flux-dev"): ("image",),
    ("replicate", "flux-kontext-pro"): ("input_image",),
    ("replicate", "sdxl"): ("image", "mask"),
}


@pytest.mark.parametrize(("provider", "name"), TAKES)
def test_each_shipped_model_says_which_parameters_take_pictures(provider: str, name: str) -> None:
    found = Catalog(shipped()).find(provider, name)
    assert found is not None and found.files == TAKES[provider, name]
    assert len(shipped()) == len(TAKES) and found.image == (found.files[0] if found.files else None)


def test_fal_s_models_never_take_sync_mode_and_have_prices_and_texts() -> None:
    fal = {each.names[1]: each for each in shipped() if each.provider == "fal"}
    assert set(fal) == {"flux-schnell", "flux-dev", "flux-dev-image-to-image", "fast-sdxl"}
    for each in fal.values():
        assert "sync_mode" not in each.properties and each.price is not None and each.price.as_of
        assert (each.batch, each.seed) == ("num_images", "seed")
    assert fal["fast-sdxl"].text == ("prompt", "negative_prompt")


def test_a_persons_model_is_added_with_its_price_as_written(tmp_path: Path) -> None:
    catalog, problems = with_file(tmp_path, PAINTER)
    painter = catalog.find("replicate", "painter")
    assert problems == [] and painter is not None
    assert (painter.id, painter.version, painter.batch) == ("acme/painter", "v1", "count")
    assert painter.price == Price((Part("0.0030"),), "2026-05-01")
    assert painter.source == str(tmp_path / "painter.yaml")


def test_a_price_in_an_odd_form_of_number_is_still_a_decimal(tmp_path: Path) -> None:
    catalog, problems = with_file(tmp_path, PAINTER.replace("0.0030", "0x2"))
    painter = catalog.find("replicate", "painter")
    assert problems == [] and painter is not None and painter.price is not None
    assert painter.price.parts[0].usd == "2"


def test_a_persons_model_overrides_the_shipped_one(tmp_path: Path) -> None:
    text = PAINTER.replace("acme/painter:v1", "black-forest-labs/flux-schnell").replace("painter]", "flux-schnell]")
    catalog, problems = with_file(tmp_path, text)
    found = catalog.find("replicate", "flux-schnell")
    assert problems == [] and found is not None and found.family == "painter"


def test_models_are_read_from_yaml_yml_and_json_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "b.yml").write_text(PAINTER.replace("painter", "second"))
    (tmp_path / "c.json").write_text('{"provider": "x", "model": "third", "schema": {"properties": {"prompt": {}}}}')
    for name in (".hidden.yaml", "notes.txt", "readme.md"):
        (tmp_path / name).write_text("[broken")
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "folder.yaml").mkdir()
    catalog, problems = with_file(tmp_path, PAINTER + "---\n" + PAINTER.replace("painter", "fourth"))
    assert problems == []
    names = {"replicate": ["acme/painter", "acme/second", "acme/fourth"], "x": ["third"]}
    assert all(catalog.find(provider, name) for provider, each in names.items() for name in each)


def test_a_missing_folder_is_no_problem(tmp_path: Path) -> None:
    assert load_catalog(tmp_path / "none") == load_catalog(None)


def test_a_broken_model_file_is_told_and_spoils_no_other(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("provider: [x\n")
    catalog, problems = with_file(tmp_path, PAINTER)
    assert catalog.find("replicate", "painter") and catalog.find("replicate", "flux-dev")
    assert [(problem.code, problem.file, problem.line) for problem in problems] == [
        ("E_YAML", str(tmp_path / "a.yaml"), 1)
    ]


@pytest.mark.parametrize(
    ("old", "new", "code", "key", "line"),
    [
        ("provider: replicate\n", "", "E_REQUIRED", "", 1),
        ("family: painter", "familly: painter", "E_UNKNOWN_KEY", "familly", 4),
        ("family: painter", "image: pictre", "E_PARAMETER_NAME", "image", 4),
        ("family: painter", "syntax: [lroa]", "E_VALUE", "syntax.0", 4),
        ("type: integer, minimum: 1,", "type: integr, minimum: 1,", "E_SCHEMA", "schema", 6),
        ("{type: string}", "{$ref: 'https://example.com'}", "E_SCHEMA", "schema", 6),
        ("text: [prompt]", "text: [promt]", "E_PARAMETER_NAME", "text.0", 13),
        ("batch: count", "batch: amount", "E_PARAMETER_NAME", "batch", 14),
        ("batch: count", "batch: prompt", "E_TYPE", "batch", 14),
        ("seed: seed", "seed: sed", "E_PARAMETER_NAME", "seed", 15),
        ("guidance_steps: steps", "guidance_steps: stepps", "E_PARAMETER_NAME", "synonyms.guidance_steps", 16),
        ("required: [prompt]", "required: [promt]", "E_PARAMETER_NAME", "schema.required.0", 7),
        ("per: image", "per: second", "E_REQUIRED", "price", 17),
        ("per: image", "per: picture", "E_VALUE", "price.per", 17),
        ("usd: 0.0030", "usd: free", "E_TYPE", "price.usd", 17),
        ("as_of: 2026-05-01", "as_of: May", "E_VALUE", "price.as_of", 17),
    ],
)
def test_a_wrong_model_file_says_where(tmp_path: Path, old: str, new: str, code: str, key: str, line: int) -> None:
    assert old in PAINTER
    catalog, problems = with_file(tmp_path, PAINTER.replace(old, new, 1))
    assert [(problem.code, problem.key, problem.line) for problem in problems] == [(code, key, line)]
    assert catalog.find("replicate", "painter") is None
