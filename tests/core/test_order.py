from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artfactoryd import schema
from artfactoryd.core.order import LONGEST_FOLDER, LONGEST_PROJECT, Order, project_problems, read_order

SMALLEST: dict[str, Any] = {"provider": "replicate", "model": "flux-schnell", "parameters": {"prompt": "a"}}


def read(name: str = "cars", project: str | None = None, rehearse: bool = False, **keys: Any) -> Order:
    value = {**SMALLEST, **keys}
    assert schema.check_mapping(value, "order") == []
    return read_order(value, name=name, project=project, rehearse=rehearse)


def test_an_order_of_three_keys_has_the_files_name_and_lands_in_unsorted() -> None:
    assert read() == Order("cars", "unsorted", "replicate", "flux-schnell", {"prompt": "a"})


def test_every_key_of_the_document_is_in_the_order() -> None:
    found = read(
        project="summer", name="vans", seed=7, budget=0.1, price={"usd": 1}, priority=-3, tags=["a", "b"], notes="n",
        validate=False, rehearse=True, version=1,
    )  # fmt: skip
    assert found == Order(
        "vans", "summer", "replicate", "flux-schnell", {"prompt": "a"}, seed=7, budget="0.1", price={"usd": 1},
        priority=-3, tags=("a", "b"), notes="n", validate=False, rehearse=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("keys", "dropped_in", "project"),
    [
        ({"project": "mine"}, "box", "mine"), ({"project_id": "mine"}, "box", "mine"), ({}, "box", "box"),
        ({}, None, "unsorted"),
        ({"project": "mine", "project_id": "mine"}, None, "mine"), ({"project": "cafe\u0301"}, None, "café"),
        ({}, "cafe\u0301", "café"),
    ],
)  # fmt: skip
def test_the_orders_own_project_wins_over_the_drop_boxes(
    keys: dict[str, Any], dropped_in: str | None, project: str
) -> None:
    found = read_order({**SMALLEST, **keys}, name="cars", project=dropped_in)
    assert (found.project, found.problems) == (project, ())


def test_the_documents_name_wins_over_the_files_and_both_are_composed() -> None:
    assert read_order({**SMALLEST, "name": "cafe\u0301"}, name="x", project=None).name == "café"
    assert read_order(SMALLEST, name="cafe\u0301", project=None).name == "café"


def test_a_rehearsal_is_asked_for_by_the_document_or_from_outside() -> None:
    assert [read().rehearse, read(rehearse=True).rehearse] == [False, True]
    assert read_order({**SMALLEST, "rehearse": True}, name="x", project=None).rehearse
    assert read_order({**SMALLEST, "rehearse": False}, name="x", project=None, rehearse=True).rehearse


def test_whole_numbers_written_with_a_point_are_whole() -> None:
    found = read(seed=7.0, priority=2.0)
    assert [(each, type(each)) for each in (found.seed, found.priority)] == [(7, int), (2, int)]
    assert read(seed=0).seed == 0


@pytest.mark.parametrize(
    "name", ["summer-cars", "Été 2026", "車", "a.b", "a" * LONGEST_PROJECT, "é" * LONGEST_PROJECT, "C'est ça!", "x (2)"]
)
def test_a_project_may_have_any_plain_name_of_any_script(name: str) -> None:
    assert project_problems(name, "project") == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a/b", "Try 'a-b'"), ("../x", "Try 'x'"), ("a\\b", "Try 'a-b'"), ("a:b", "Try 'a-b'"),
        ("..", "Try 'my-project'"),
        (".", "my-project"), (".git", "Try 'git'"), ("cars.", "Try 'cars'"), (" cars", "Try 'cars'"),
        ("cars\u00a0", "Try 'cars'"),
        ("a\nb", "one plain line"), ("a\x00b", "one plain line"), ("a\x7f", "one plain line"),
        ("a\u202eb", "one plain line"), ("a\u2066b", "one plain line"), ("\ufeffa", "one plain line"),
        ("a\u2028b", "one plain line"),
        ("\ud800", "one plain line"), ("a" * 300, "at most 100 characters, this has 300"),
        ("車" * 80, "Shorten it to 40"),
    ],
)  # fmt: skip
def test_a_name_that_makes_no_folder_everywhere_is_refused_with_a_way_out(name: str, words: str) -> None:
    (problem,) = project_problems(name, "project_id")
    assert (problem.code, problem.path) == ("E_PROJECT", ("project_id",))
    assert words in f"{problem.message} {problem.fix}"


@given(st.text())
def test_a_name_without_a_problem_is_safe_as_a_folders_name(name: str) -> None:
    composed = unicodedata.normalize("NFC", name)
    if composed and not project_problems(composed, None):
        assert not set(composed) & set("/\\:\x00\n")
        assert composed not in (".", "..") and len(composed.encode()) <= LONGEST_FOLDER


def test_length_is_counted_as_it_will_be_written() -> None:
    decomposed = "e\u0301" * LONGEST_PROJECT
    assert read_order({**SMALLEST, "project": decomposed}, name="x", project=None).problems == ()


@pytest.mark.parametrize(
    ("keys", "dropped_in", "path"),
    [({"project": "a/b"}, None, ("project",)), ({"project_id": "a/b"}, None, ("project_id",)), ({}, "a:b", ())],
)
def test_a_bad_project_is_told_where_it_is_written(
    keys: dict[str, Any], dropped_in: str | None, path: tuple[str]
) -> None:
    (problem,) = read_order({**SMALLEST, **keys}, name="x", project=dropped_in).problems
    assert problem.path == path


@pytest.mark.parametrize("keys", [{"seed": 2**63}, {"seed": 1e300}, {"budget": 1e13}])
def test_numbers_too_large_for_the_index_are_refused(keys: dict[str, Any]) -> None:
    (problem,) = read(**keys).problems
    assert (problem.code, problem.path) == ("E_VALUE", tuple(keys))
    smaller: dict[str, Any] = dict.fromkeys(keys, 2**39)
    assert read(**smaller).problems == ()


@pytest.mark.parametrize("letter", ["\x00", "\x1b", "\u202e", "\u2066", "\ufeff", "\x9b"])
def test_a_name_that_would_act_where_it_is_shown_is_refused_with_its_place(letter: str) -> None:
    (problem,) = schema.check_mapping({**SMALLEST, "name": f"ca{letter}rs"}, "order")
    assert problem.path == ("name",) and problem.code.startswith("E_")
    assert "without control characters" in f"{problem.message} {problem.fix}"
