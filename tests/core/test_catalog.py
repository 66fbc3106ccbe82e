from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artfactoryd.core.catalog import Catalog
from artfactoryd.core.model import Model
from artfactoryd.core.money import dollars, micro_dollars, rounded
from artfactoryd.planning.models import load_catalog
from tests.orders import MODEL, model

SHIPPED = load_catalog(None)[0]


def test_the_shipped_models_are_found_by_alias_and_full_id() -> None:
    catalog = Catalog(SHIPPED)
    for name in ("flux-schnell", "black-forest-labs/flux-schnell"):
        found = catalog.find("replicate", name)
        assert found is not None and found.id == "black-forest-labs/flux-schnell"
    assert catalog.find("local", "sketch") is not None
    assert catalog.find("local", "flux-schnell") is None
    assert catalog.providers() == ["fal", "local", "replicate"]
    assert len(list(catalog)) == len(SHIPPED)


@pytest.mark.parametrize("shipped", SHIPPED, ids=lambda model: f"{model.provider}/{model.id}")
def test_a_description_is_one_text(shipped: Model) -> None:
    """In braces YAML ends it at a comma, unless it stands in quotes."""
    for name, parameter in shipped.schema["properties"].items():
        assert None not in parameter.values(), name
        assert parameter.get("description", ".")[-1] == ".", name


@pytest.mark.parametrize(
    ("name", "found"),
    [("painter", True), ("acme/painter", True), ("acme/painter:v1", True), ("acme/painter:v2", False),
     ("acme/painter:v11", False), ("acme/painter:", False),
     ("painter:v1", False), ("Painter", False), ("", False)],
)  # fmt: skip
def test_a_version_is_only_found_when_it_is_the_one_known_here(name: str, found: bool) -> None:
    assert (Catalog([MODEL]).find("acme", name) is MODEL) == found


def test_a_persons_model_overrides_the_shipped_one_of_the_same_id() -> None:
    mine = Model.from_mapping(
        {"provider": "replicate", "model": "black-forest-labs/flux-dev:abc", "schema": {}}, "mine.yaml"
    )
    catalog = Catalog([*SHIPPED, mine])
    assert catalog.find("replicate", "black-forest-labs/flux-dev") is mine
    assert catalog.find("replicate", "black-forest-labs/flux-dev:abc") is mine
    assert len(list(catalog)) == len(SHIPPED)
    assert catalog.find("replicate", "flux-dev") is None  # its file gives no alias


def test_where_two_models_share_an_alias_the_later_read_one_has_it() -> None:
    first = model(model="acme/a", aliases=["x"])
    second = model(model="acme/b", aliases=["x"])
    assert Catalog([first, second]).find("acme", "x") is second
    mine = model(model="acme/a", aliases=["x"])  # overrides the first, and so comes last
    assert Catalog([first, second, mine]).find("acme", "x") is mine


@pytest.mark.parametrize(
    ("name", "near"), [("flux-shnell", "flux-schnell"), ("flux_dev", "flux-dev"), ("black-forest-labs/flux-dve", None)]
)
def test_near_names_are_offered(name: str, near: str | None) -> None:
    found = Catalog(SHIPPED).near("replicate", name)
    assert found[0] == near if near else found[0].startswith("black-forest-labs/flux")
    assert Catalog(SHIPPED).near("local", name) == []
    assert Catalog(SHIPPED).near("replicate", "zzzz") == []


def test_a_model_file_is_read_with_its_defaults() -> None:
    names: dict[str, Any] = {"prompt": {}, "negative_prompt": {}, "promptness": {}, "n": {}}
    found = Model.from_mapping({"provider": "p", "model": "o/n:v:w", "schema": {"properties": names}}, "f")
    assert (found.id, found.version, found.full, found.names) == ("o/n", "v:w", "o/n:v:w", ("o/n",))
    assert (found.text, found.modality, found.price) == (("prompt", "negative_prompt"), "text-to-image", None)
    assert (list(found.properties), found.required) == (list(names), [])
    assert Model.from_mapping({"provider": "p", "model": "o", "schema": {}, "text": []}, "f").text == ()
    bare = Model.from_mapping({"provider": "p", "model": "o", "schema": {}}, "f")
    assert (bare.properties, bare.text, bare.full) == ({}, (), "o")


def test_a_name_that_ends_in_prompt_is_no_text_where_it_takes_a_picture_or_no_string() -> None:
    names: dict[str, Any] = {
        "prompt": {"type": "string"}, "image_prompt": {"type": "string", "format": "uri"}, "control_prompt": {},
        "expand_prompt": {"type": "boolean"}, "style_prompt": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    }  # fmt: skip
    value = {"provider": "p", "model": "o", "schema": {"properties": names}, "image": "control_prompt"}
    assert Model.from_mapping(value, "f").text == ("prompt", "style_prompt")


@pytest.mark.parametrize("found", [*SHIPPED, MODEL, model(price=None)], ids=lambda found: found.full)
def test_a_snapshot_survives_the_ledger(found: Model) -> None:
    again = Model.from_snapshot(json.loads(json.dumps(found.snapshot())))
    assert again == found
    assert again.snapshot() == found.snapshot()


# --- money ---


@pytest.mark.parametrize(
    ("usd", "times", "micro"),
    [
        (0.003, 1, 3_000), ("0.003", 4, 12_000), (0.1, 3, 300_000), (0.0000001, 1, 1), ("0.0000005", 2, 1),
        (0, 5, 0),
        ("1e-7", 1, 1), (5, 1, 5_000_000), (Decimal("0.0000011"), 1, 2), ("0.299999", 1, 299_999),
    ],
)  # fmt: skip
def test_dollars_become_whole_micro_dollars_rounded_up(usd: Any, times: int, micro: int) -> None:
    assert micro_dollars(usd, times) == micro


@given(st.decimals(0, 10_000, places=9), st.integers(1, 1000))
def test_rounding_never_loses_and_never_adds_a_whole_micro_dollar(usd: Decimal, times: int) -> None:
    exact = usd * times * 1_000_000
    assert exact <= micro_dollars(usd, times) < exact + 1


@pytest.mark.parametrize(
    ("micro", "text"),
    [(0, "$0.00"), (1, "$0.000001"), (3_000, "$0.003"), (12_000, "$0.012"), (300_000, "$0.30"),
     (10_000_000, "$10.00"),
     (1_234_560_000, "$1234.56")],
)  # fmt: skip
def test_money_is_shown_with_two_decimals_or_as_many_as_it_needs(micro: int, text: str) -> None:
    assert dollars(micro) == text


@pytest.mark.parametrize(
    ("micro", "text", "at_most"),
    [(0, "$0.00", "$0.00"), (400, "$0.0004", "$0.0004"), (3_000, "$0.003", "$0.003"), (24_300, "$0.024", "$0.025"),
     (99_600, "$0.10", "$0.10"), (303_000, "$0.30", "$0.31"), (7_500_000, "$7.50", "$7.50"),
     (1_234_561_000, "$1234.56", "$1234.57")],
)  # fmt: skip
def test_whoever_looks_is_told_cents_and_below_ten_of_them_tenths_of_a_cent(
    micro: int, text: str, at_most: str
) -> None:
    assert rounded(micro) == text and rounded(micro, up=True) == at_most


@given(st.integers(0, 10**18))
def test_shown_money_is_exact(micro: int) -> None:
    assert micro_dollars(dollars(micro).removeprefix("$")) == micro
