"""Models that are offered no more: said before anybody is asked, with the day and what came in their place."""

from __future__ import annotations

from pathlib import Path

import pytest

from artfactoryd.core.catalog import Catalog
from artfactoryd.planning.catalogue.retired import ended, retired_models
from artfactoryd.planning.model_choice import Heard, choose
from artfactoryd.planning.models import keep_told, load_catalog

SHIPPED = Catalog(load_catalog(None)[0])
ENTRY = {"provider": "replicate", "schema": {"properties": {"prompt": {"type": "string"}}}}


@pytest.mark.parametrize(
    ("provider", "name", "day", "successor"),
    [
        ("replicate", "imagen-4", "2026-08-17", "`model: nano-banana-pro` and `provider: fal`"),
        ("replicate", "google/imagen-4-ultra", "2026-08-17", "`model: nano-banana-pro` and `provider: fal`"),
        ("fal", "fal-ai/imagen4/preview/fast", "2026-08-17", "`model: nano-banana-pro`."),
        ("replicate", "google/nano-banana:0abc", "2026-10-02", "`model: google/nano-banana-2.1` and `provider: fal`"),
        ("fal", "nano-banana-2", "2026-10-29", "`model: google/nano-banana-2.1`."),
        ("fal", "veo-3", "2026-08-02", "`model: veo-3.1`."),
        ("fal", "fal-ai/sora-2/text-to-video", "2026-08-02", ""),
        ("replicate", "openai/gpt-image-1", "", "`model: openai/gpt-image-1.5`."),
    ],
)
def test_an_order_for_a_retired_model_is_told_so(
    tmp_path: Path, provider: str, name: str, day: str, successor: str
) -> None:
    choice = choose(SHIPPED, tmp_path, Heard(), provider, name)
    [problem] = choice.problems
    assert choice.ask is None and problem.code == "E_MODEL"
    assert problem.message.startswith(name) and day in problem.message
    assert (f"Its successor: {successor}" in problem.fix) if successor else "successor" not in problem.fix


def test_no_shipped_model_is_taken_for_a_retired_one(tmp_path: Path) -> None:
    names = [(model.provider, name) for model in SHIPPED for name in model.names]
    assert [name for name in names if ended(*name, None, tmp_path)] == []


@pytest.mark.parametrize(("day", "is_there"), [("2026-08-01", False), ("2026-11-01", True), (None, False)])
def test_a_provider_that_describes_it_after_its_end_has_it_again(
    tmp_path: Path, day: str | None, is_there: bool
) -> None:
    dated = {"schema_as_of": day} if day else {}
    keep_told(tmp_path, {**ENTRY, "model": "google/imagen-4", **dated}, asked="google/imagen-4")
    catalog = Catalog(load_catalog(None, tmp_path)[0])
    assert (choose(catalog, tmp_path, Heard(), "replicate", "google/imagen-4").problems == ()) == is_there


def test_a_persons_own_file_of_a_retired_model_stands(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("provider: replicate\nmodel: google/imagen-4\nschema: {properties: {}}\n")
    catalog = Catalog(load_catalog(tmp_path)[0])
    assert choose(catalog, tmp_path / "told", Heard(), "replicate", "google/imagen-4").problems == ()


def test_a_successor_is_shipped_or_named_in_full() -> None:
    for retired in retired_models():
        assert retired.successor is None or "/" in retired.successor[1]
