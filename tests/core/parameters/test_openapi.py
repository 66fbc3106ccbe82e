from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from artfactoryd import documents
from artfactoryd.core.model import Model
from artfactoryd.core.parameters.openapi import NoSchema, input_schema, model_entry
from artfactoryd.core.seeds import SeedRange
from artfactoryd.planning import models as library
from artfactoryd.schema import check_schema

# The parameters of stability-ai/sdxl as Replicate served them on 2023-11-16, without their descriptions.
SDXL: dict[str, Any] = json.loads((Path(__file__).parents[2] / "data" / "sdxl_openapi.json").read_text())
FLUX: dict[str, Any] = {
    "openapi": "3.0.4",
    "paths": {
        "/fal-ai/flux/dev": {
            "post": {
                "requestBody": {
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/FluxDevInput"}}}
                }
            }
        },
        "/fal-ai/flux/requests/{request_id}": {"get": {}},
    },
    "components": {
        "schemas": {
            "FluxDevInput": {
                "type": "object", "required": ["prompt", "image_url"],
                "x-fal-order-properties": ["prompt", "image_size", "seed"],
                "properties": {
                    "image_size": {
                        "anyOf": [{"$ref": "#/components/schemas/ImageSize"}, {"type": "string", "enum": ["square"]}],
                        "default": "square",
                    },
                    "image_url": {"type": "string"},
                    "seed": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None},
                    "num_images": {"type": "integer", "minimum": 1, "maximum": 4, "default": 1},
                    "prompt": {"type": "string"},
                },
            },
            "ImageSize": {"type": "object", "properties": {"width": {"type": "integer", "maximum": 14142}}},
        }
    },
}  # fmt: skip


def test_replicates_enums_behind_references_and_its_order_are_read() -> None:
    schema = input_schema(SDXL)
    found = schema["properties"]
    assert list(found)[:4] == ["prompt", "negative_prompt", "image", "mask"] and len(found) == 19
    assert (
        found["scheduler"]["enum"][:2] == ["DDIM", "DPMSolverMultistep"] and found["scheduler"]["default"] == "K_EULER"
    )
    assert found["num_inference_steps"] == {"type": "integer", "default": 50, "minimum": 1, "maximum": 500}
    assert "required" not in schema and check_schema(schema) is None


def test_fals_input_is_the_one_its_post_takes_and_null_means_left_out() -> None:
    found = input_schema(FLUX)["properties"]
    assert list(found)[:3] == ["prompt", "image_size", "seed"]
    assert found["seed"] == {"type": "integer"}
    assert found["image_size"]["anyOf"][0]["properties"]["width"] == {"type": "integer", "maximum": 14142}


@pytest.mark.parametrize(
    ("document", "name", "expected"),
    [
        (SDXL, "stability-ai/sdxl:39ed", {"batch": "num_outputs", "seed": "seed", "image": "image",
                                          "modality": "text-to-image"}),
        (FLUX, "fal-ai/flux/dev", {"batch": "num_images", "seed": "seed", "image": "image_url",
                                   "modality": "image-to-image"}),
    ],
)  # fmt: skip
def test_an_entry_is_a_model_file_and_knows_what_its_parameters_are_for(
    tmp_path: Path, document: dict[str, Any], name: str, expected: dict[str, str]
) -> None:
    entry = model_entry("replicate", name, document, {"usd": 0.025, "per": "image", "as_of": "2026-05-01"})
    assert {key: entry[key] for key in expected} == expected
    (tmp_path / "model.yaml").write_text(documents.dump_yaml(entry))
    models, problems = library.load_catalog(tmp_path)
    assert problems == []
    model: Model = models[-1]
    assert (model.full, model.text[0]) == (name, "prompt") and expected["image"] in model.files


@pytest.mark.parametrize(
    "document", [{}, {"components": []}, {"components": {"schemas": {"Input": 3}}}, {"paths": {"/": 3}}]
)
def test_a_description_without_parameters_is_none(document: dict[str, Any]) -> None:
    with pytest.raises(NoSchema):
        input_schema(document)


def test_references_that_go_round_or_elsewhere_are_borne() -> None:
    schemas = {"Input": {"properties": {"a": {"$ref": "#/components/schemas/B"}, "b": {"$ref": "http://x/y"}}}}
    schemas["B"] = {"properties": {"b": {"$ref": "#/components/schemas/B"}}}
    assert input_schema({"components": {"schemas": schemas}})["properties"]["b"] == {}


def test_a_number_that_is_none_in_a_description_bounds_nothing() -> None:
    seed = {"type": "integer", "minimum": None, "maximum": None}
    document = {"components": {"schemas": {"Input": {"type": "object", "properties": {"seed": seed}}}}}
    assert input_schema(document)["properties"]["seed"] == {"type": "integer"}


def test_a_seed_stays_within_what_the_index_can_hold_whatever_a_provider_takes() -> None:
    seeds = SeedRange.of({"minimum": -(10**30), "maximum": 18446744073709551615})
    assert (seeds.least, seeds.most) == (-(2**63) + 1, 2**63 - 1)


def test_addresses_in_lists_and_deeper_are_files_by_fals_names_for_them() -> None:
    element = {"type": "object", "properties": {"frontal_image_url": {"type": "string"}, "prompt": {"type": "string"}}}
    properties = {
        "prompt": {"type": "string"}, "image_urls": {"type": "array", "items": {"type": "string"}},
        "elements": {"anyOf": [{"type": "array", "items": element}, {"type": "null"}]}, "audio_url": {"type": "string"},
        "tags": {"type": "array", "items": {"type": "string"}},
    }  # fmt: skip
    document = {"components": {"schemas": {"Input": {"type": "object", "properties": properties}}}}
    model = Model.from_mapping(model_entry("fal", "acme/mixer", document, None), "")
    assert (set(model.files), model.image) == ({"image_urls", "elements", "audio_url"}, "image_urls")
    given = {"image_urls": ["a", "b"], "elements": [{"frontal_image_url": "c", "prompt": "d"}], "tags": ["e"]}
    assert [text for _, text in model.places(given)] == ["a", "b", "c"]
