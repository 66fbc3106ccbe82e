"""Model files in the words of their provider: read with what lies beside them, and again when that has changed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from artfactoryd.core.model import Model
from artfactoryd.errors import Problem
from artfactoryd.factories import registry
from artfactoryd.planning.catalogue import provider_files
from artfactoryd.planning.models import load_catalog

EXAMPLES = Path(__file__).parents[3] / "examples" / "comfyui"


@pytest.fixture
def library(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLES, tmp_path / "models"))


def read(library: Path) -> tuple[dict[str, Model], list[Problem]]:
    models, problems = load_catalog(library)
    return {model.id: model for model in models if model.provider in ("comfyui", "acme")}, problems


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    graph = json.loads(path.read_text())
    change(graph)
    path.write_text(json.dumps(graph))


def test_an_edited_workflow_is_another_version_at_once_and_one_that_is_as_it_was_is_not_read_again(
    library: Path,
) -> None:
    (before, problems), (again, _) = read(library), read(library)
    assert problems == [] and sorted(before) == ["portrait", "restyle"]
    assert again["portrait"].schema is before["portrait"].schema
    edit(library / "portrait.api.json", lambda graph: graph["3"]["inputs"].update(steps=30))
    now, _ = read(library)
    assert now["portrait"].version != before["portrait"].version
    assert now["portrait"].properties["steps"]["default"] == 30 and now["restyle"] == before["restyle"]
    assert Model.from_snapshot(json.loads(json.dumps(now["portrait"].snapshot()))) == now["portrait"]


def test_a_workflow_that_is_not_there_is_told_with_its_line_and_missed_no_more_once_it_is(library: Path) -> None:
    away = (library / "portrait.api.json").rename(library.parent / "away")
    models, [problem] = read(library)
    assert sorted(models) == ["restyle"]
    assert (problem.key, problem.line) == ("workflow", 6) and "portrait.api.json cannot be read" in problem.message
    away.rename(library / "portrait.api.json")
    assert sorted(read(library)[0]) == ["portrait", "restyle"]


PORTRAIT = "provider: comfyui\nworkflow: portrait.api.json\noutput: 9\n"
WRONG = {
    "elsewhere": (PORTRAIT.replace("portrait", "../x") + "map: {a: 1.inputs.a}\n", "beside the model file"),
    "of another": ("provider: replicate\nmodel: a/b\nschema: {properties: {}}\nworkflow: x.json\n", "words of its own"),
    "without a map": (PORTRAIT, "needs map"),
    "a name that is none": (PORTRAIT + "map: {a: 6.inputs.text}\nseed: b\n", "no parameter b"),
}


@pytest.mark.parametrize(("text", "words"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_with_one_spoils_no_other(library: Path, text: str, words: str) -> None:
    (library / "wrong.yaml").write_text(text)
    models, [problem] = read(library)
    assert sorted(models) == ["portrait", "restyle"]
    assert words in str(problem) and problem.file.endswith("wrong.yaml")


def test_a_stranger_s_reader_that_fails_is_named_and_stops_nobody(
    library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(value: Mapping[str, Any], stem: str, beside: Callable[[str], bytes]) -> Mapping[str, Any]:
        raise ZeroDivisionError("stranger")

    ours = registry.model_file_reader
    monkeypatch.setattr(provider_files, "model_file_reader", lambda name: fails if name == "acme" else ours(name))
    (library / "acme.yaml").write_text("provider: acme\ncommand: [draw]\n")
    models, [problem] = read(library)
    assert sorted(models) == ["portrait", "restyle"]
    assert "acme cannot read this file: ZeroDivisionError: stranger" in problem.message
