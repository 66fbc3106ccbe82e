from __future__ import annotations

from pathlib import Path

import pytest

from artfactoryd import documents
from artfactoryd.errors import Problem, Refusal
from artfactoryd.planning.template_resolution import Resolved, resolve
from artfactoryd.planning.templates import TemplateFiles


def resolved(tmp_path: Path, order: str, **templates: str) -> Resolved:
    for name, text in templates.items():
        path = tmp_path / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    [document] = documents.read_documents(order.encode(), "o.yaml")
    return resolve(document, TemplateFiles(tmp_path))


ORDER = "template: noir\nparameters:\n  prompt: a car\n  steps: 2\n"
NOIR = "provider: fake\nmodel: painter\nparameters:\n  steps: 4\n  prompt: x\n  guidance: 3\ntags: [dark]\n"


def test_the_orders_keys_win_and_stand_first(tmp_path: Path) -> None:
    found = resolved(tmp_path, ORDER, noir=NOIR).value
    assert found == {
        "parameters": {"prompt": "a car", "steps": 2, "guidance": 3}, "provider": "fake", "model": "painter",
        "tags": ["dark"],
    }  # fmt: skip
    assert list(found["parameters"]) == ["prompt", "steps", "guidance"]


def test_of_several_templates_the_later_one_wins_and_each_may_extend_others(tmp_path: Path) -> None:
    found = resolved(
        tmp_path, "template: [a, looks/b]\n", a="model: a\ntags: [a]\nnotes: a\n",
        looks__b="template: c\nmodel: b\nparameters: {x: b}\n", c="model: c\ntags: [c]\nparameters: {x: c, y: c}\n",
    ).value  # fmt: skip
    assert found == {"model": "b", "tags": ["c"], "notes": "a", "parameters": {"x": "b", "y": "c"}}


def test_lookups_of_order_and_template_stand_together(tmp_path: Path) -> None:
    found = resolved(tmp_path, "template: a\nlookups: {color: [red]}\n", a="lookups: {color: [x], shape: [y]}\n").value
    assert found["lookups"] == {"color": ["red"], "shape": ["y"]}


@pytest.mark.parametrize(
    ("order", "template", "keys"),
    [
        ("models: [{provider: p, model: n}]", "provider: p\nmodel: m", {"models"}),
        ("model: m", "models: [{provider: p, model: n}]\nprovider: p", {"model", "provider"}),
    ],
)  # fmt: skip
def test_one_model_and_several_do_not_meet(tmp_path: Path, order: str, template: str, keys: set[str]) -> None:
    assert resolved(tmp_path, f"template: a\n{order}\n", a=template).value.keys() == keys


def test_a_problem_is_told_where_its_key_was_written(tmp_path: Path) -> None:
    found = resolved(tmp_path, ORDER, noir=NOIR)
    paths: list[tuple[str | int, ...]] = [
        ("parameters", "steps"), ("parameters", "guidance"), ("tags", 0), ("parameters",), ("name",)
    ]  # fmt: skip
    places = {
        path: (each.file, each.line, each.column)
        for path in paths
        for each in [found.locate(Problem("E_TYPE", "no.", path=path))]
    }
    noir = str(tmp_path / "noir.yaml")
    assert places == {
        ("parameters", "steps"): ("o.yaml", 4, 10), ("parameters", "guidance"): (noir, 6, 13),
        ("tags", 0): (noir, 7, 8),
        ("parameters",): ("o.yaml", 3, 3), ("name",): ("o.yaml", 1, 1),
    }  # fmt: skip
    assert found.written(("parameters", "guidance")) == "3" and found.text == ORDER.encode()


@pytest.mark.parametrize(
    ("templates", "code", "file", "line", "words"),
    [
        ({"nior": "tags: []"}, "E_TEMPLATE", "o.yaml", 1, "Did you mean nior?"),
        ({}, "E_TEMPLATE", "o.yaml", 1, "there is no template 'noir'"),
        ({"noir": "template: b", "b": "template: noir"}, "E_TEMPLATE", "b.yaml", 1, "noir -> b -> noir"),
        ({"noir": "tags: []\nmodle: x"}, "E_UNKNOWN_KEY", "noir.yaml", 2, "Did you mean model?"),
        ({"noir": "tags: []\n---\ntags: []"}, "E_TEMPLATE", "noir.yaml", 3, "one document"),
        ({"noir": "tags: ["}, "E_YAML", "noir.yaml", 1, "bracket"),
    ],
)
def test_what_is_wrong_with_a_template_is_told_in_its_file(
    tmp_path: Path, templates: dict[str, str], code: str, file: str, line: int, words: str
) -> None:
    with pytest.raises(Refusal) as caught:
        resolved(tmp_path, ORDER, **templates)
    [problem] = caught.value.problems
    assert (problem.code, Path(problem.file).name, problem.line) == (
        code,
        file,
        line,
    ) and words in f"{problem.message} {problem}"
