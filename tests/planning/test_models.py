"""The Library and the shipped catalogue: what models there are, and what is wrong with a model file."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from artfactoryd import documents
from artfactoryd.core.catalog import Catalog
from artfactoryd.core.model import Model
from artfactoryd.core.pricing.price import Part, Price
from artfactoryd.errors import Problem
from artfactoryd.planning.models import SHIPPED, load_catalog, model_of, shipped_models
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


MODALITIES = {
    "text-to-image", "edit", "upscale", "remove-background", "text-to-video", "image-to-video", "speech", "music",
}  # fmt: skip


def with_file(folder: Path, text: str, name: str = "painter.yaml") -> tuple[Catalog, list[Problem]]:
    (folder / name).write_text(text, encoding="utf-8")
    models, problems = load_catalog(folder)
    return Catalog(models), problems


def shipped() -> list[Model]:
    models, problems = load_catalog(None)
    assert problems == []
    return models


def test_the_shipped_files_pass_every_check_that_a_persons_own_must_pass() -> None:
    """Those made by scripts/make_catalog.py lie many in a file."""
    files = sorted(SHIPPED.glob("*.*"))
    own, many = ([file for file in files if file.suffix == ending] for ending in (".yaml", ".json"))
    entries = [one.value for file in own for one in documents.read_documents(file.read_bytes(), "")]
    entries += [each for file in many for each in json.loads(file.read_bytes())]
    for entry in entries:
        model_of(entry, "")
    known = shipped_models()[0]  # also what lacks a library here
    assert len(entries) == len(known) == len({(each.provider, each.id) for each in known})


def test_the_shipped_models_are_there_by_alias_and_id() -> None:
    catalog = Catalog(shipped())
    for provider, names in (("replicate", ("flux-schnell", "flux-dev")), ("local", ("sketch",))):
        assert all(catalog.find(provider, name) for name in names)
    schnell = catalog.find("replicate", "black-forest-labs/flux-schnell")
    assert schnell is not None
    assert (schnell.batch, schnell.seed, schnell.text, schnell.version) == ("num_outputs", "seed", ("prompt",), None)
    assert schnell.price == Price((Part("0.003"),), "2026-10-07")


@pytest.mark.parametrize("model", shipped(), ids=lambda model: f"{model.provider} {model.id}")
def test_a_shipped_model_keeps_the_laws_of_the_catalogue(model: Model) -> None:
    assert model.price is not None and (model.provider == "local" or model.price.as_of)
    for name, schema in model.properties.items():
        assert schema["description"], name
        assert "default" not in schema or check_value(schema, schema["default"]) is None, name
        assert not re.fullmatch("sync_mode|.*api_key|.*fallback_model", name)
    assert not set(model.sends) & set(model.properties)
    files = {model.image, model.mask, model.video, model.audio} - {None}
    assert files <= set(model.files) and (model.image is not None or not set(model.required) & set(model.files))
    if model.modality in ("edit", "upscale", "remove-background", "image-to-video"):
        assert model.image is not None
    if model.modality in ("upscale", "remove-background"):
        assert model.image in model.required


def test_no_two_shipped_models_of_a_provider_share_a_name() -> None:
    names = [(model.provider, name) for model in shipped() for name in model.names]
    assert len(names) == len(set(names))


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
    ("fal", "flux-dev-image-to-image"): ("image_url",),
    ("fal", "nano-banana-pro-edit"): ("image_urls",),
    ("fal", "kling-v3-pro-i2v"): ("end_image_url", "start_image_url"),
    ("local", "resize"): ("image",),
    ("local", "sketch"): (),
    ("replicate", "flux-dev"): ("image",),
    ("replicate", "flux-2-pro"): ("input_images",),
    ("replicate", "seedream-4.5"): ("image_input",),
    ("replicate", "flux-kontext-pro"): ("input_image",),
    ("replicate", "ideogram-v3-turbo"): ("mask", "image", "style_reference_images"),
    ("replicate", "sdxl"): ("image", "mask"),
}


@pytest.mark.parametrize(("provider", "name"), TAKES)
def test_each_shipped_model_says_which_parameters_take_pictures(provider: str, name: str) -> None:
    found = Catalog(shipped()).find(provider, name)
    assert found is not None and found.files == TAKES[provider, name]
    assert (found.image in found.files) if found.files else found.image is None
    is_listed = found.listed(found.image or "", "a.png") == ["a.png"]
    assert is_listed == (found.image in ("image_urls", "input_images", "image_input"))


def test_the_catalogue_has_the_models_of_the_day() -> None:
    """With what is particular about one: no seed, no batch, a version, a price that is only bounded."""
    catalog, remote = Catalog(shipped()), [model for model in shipped() if model.provider != "local"]
    assert len(remote) >= 65 and {model.modality for model in remote} >= MODALITIES
    assert all(model.schema_as_of and model.told_by for model in remote if model.source.endswith(".json"))
    rows = {
        ("fal", "nano-banana-pro"): ("num_images", "seed", True), ("fal", "recraft-v4"): (None, None, False),
        ("replicate", "seedream-4"): (None, None, False), ("replicate", "flux-2-pro"): (None, "seed", False),
        ("replicate", "real-esrgan"): (None, None, True), ("fal", "fast-sdxl"): ("num_images", "seed", False),
    }  # fmt: skip
    for (provider, name), row in rows.items():
        model = catalog.find(provider, name)
        assert model is not None and model.price is not None
        assert (model.batch, model.seed, model.price.bound) == row, name
        assert bool(model.version) == (name == "real-esrgan")


def test_a_persons_model_is_added_with_its_price_as_written(tmp_path: Path) -> None:
    catalog, problems = with_file(tmp_path, PAINTER)
    painter = catalog.find("replicate", "painter")
    assert problems == [] and painter is not None
    assert (painter.id, painter.version, painter.batch) == ("acme/painter", "v1", "count")
    assert painter.price == Price((Part("0.0030"),), "2026-05-01")
    assert painter.source == str(tmp_path / "painter.yaml")


def test_every_figure_of_a_persons_price_is_as_written(tmp_path: Path) -> None:
    parts = "price: {parts: [{usd: 0.0010, per: call}, {per: megapixel, steps: [{up_to: 4, usd: 0.050}]}]}\n"
    catalog, problems = with_file(tmp_path, PAINTER.partition("price:")[0] + parts)
    painter = catalog.find("replicate", "painter")
    assert problems == [] and painter is not None and painter.price is not None
    call, megapixels = painter.price.parts
    assert (call.usd, megapixels.steps) == ("0.0010", ((4, "0.050"),))


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
        ("per: image", "per: character, of: promt", "E_PARAMETER_NAME", "price.of", 17),
        ("usd: 0.0030, per: image", "parts: [{usd: 1, rate: stps}]", "E_PARAMETER_NAME", "price.parts.0.rate", 17),
        (
            "usd: 0.0030, per: image",
            "parts: [{usd: 1, when: {sise: 1}}]",
            "E_PARAMETER_NAME",
            "price.parts.0.when.sise",
            17,
        ),
        ("usd: 0.0030", "usd: free", "E_TYPE", "price.usd", 17),
        ("as_of: 2026-05-01", "as_of: May", "E_VALUE", "price.as_of", 17),
    ],
)
def test_a_wrong_model_file_says_where(tmp_path: Path, old: str, new: str, code: str, key: str, line: int) -> None:
    assert old in PAINTER
    catalog, problems = with_file(tmp_path, PAINTER.replace(old, new, 1))
    assert [(problem.code, problem.key, problem.line) for problem in problems] == [(code, key, line)]
    assert catalog.find("replicate", "painter") is None
