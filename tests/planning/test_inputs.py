"""The pictures an order names: what may be named, what is found, and how each is told apart."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from artfactoryd.clock import now
from artfactoryd.errors import OutputBad, Refusal
from artfactoryd.planning import inputs
from artfactoryd.planning.inputs import InputsMissing
from artfactoryd.planning.origin import Origin
from artfactoryd.planning.planner import Scholar, Study
from artfactoryd.settings import Limits, Settings
from tests.homes import TestHome
from tests.pictures import draw, edit, with_editor
from tests.works import order


def study(home: TestHome, folder: Path, text: str, **limits: Any) -> list[Study]:
    scholar = Scholar(with_editor(home).home, Settings(limits=Limits(**limits)), None, now)
    return scholar.study(text.encode(), Origin("cars.yaml", "cars", folder=folder))


def refused(home: TestHome, folder: Path, text: str, **limits: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        study(home, folder, text, **limits)
    return caught.value


def test_a_picture_is_known_by_its_bytes_its_size_and_its_name_in_inputs(home: TestHome, tmp_path: Path) -> None:
    data = draw(tmp_path / "beach.png", size=(64, 48))
    (found,) = study(home, tmp_path, edit())[0].inputs
    assert found.as_json() == {
        "value": "beach.png", "name": "beach.png", "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data),
        "mime": "image/png", "width": 64, "height": 48,
    }  # fmt: skip


def test_a_list_of_pictures_is_an_axis_and_two_of_one_name_get_two_files(home: TestHome, tmp_path: Path) -> None:
    for place in ("a/Beach.png", "b/beach.png", "c/beach.png"):
        draw(tmp_path / place)
    (found,) = study(home, tmp_path, edit(["a/Beach.png", "b/beach.png", "c/beach.png"]))
    assert found.plan.total_items == 3
    assert [each.name for each in found.inputs] == ["Beach.png", "beach-2.png", "beach-3.png"]


def test_a_synonym_of_a_picture_parameter_names_a_picture_too(home: TestHome, tmp_path: Path) -> None:
    draw(tmp_path / "beach.png")
    (found,) = study(home, tmp_path, edit().replace("image:", "photo:"))
    assert [each.name for each in found.inputs] == ["beach.png"]


UNFIT = [
    ("http://example.org/beach.png", "E_INPUT", "only https: addresses are"),
    ("https://127.0.0.1/beach.png?token=secret", "E_INPUT", "A picture is not fetched from 127.0.0.1"),
    ("file:///etc/passwd", "E_INPUT", "only https: addresses are"),
    ("data:image/png;base64,AAAA", "E_INPUT", "only https: addresses are"),
    ("product:01a2", "E_INPUT", "product:01a2 is no product here"),
    ("photos/*.png", "E_INPUT_MISSING", "photos/*.png finds no picture"),
    ("../*.png", "E_INPUT", "not a pattern of paths beside the order"),
    ("products:", "E_INPUT", "a query is missing"),
    ("products: red", "E_INPUT", "finds no picture"),
    ("products: after:now", "E_INPUT", "no date"),
    ("Library/faces/a.png", "E_INPUT_MISSING", "beside the order or there"),
    ("../beach.png", "E_INPUT", "not a path beside the order"),
    ("a/../../beach.png", "E_INPUT", "not a path beside the order"),
    ("/etc/passwd", "E_INPUT", "not a path beside the order"),
    ("~/beach.png", "E_INPUT", "not a path beside the order"),
    ("", "E_INPUT", "not a path beside the order"),
    ("letter.png", "E_INPUT", "no picture"),
    ("cut.png", "E_INPUT", "cut short"),
    ("link.png", "E_INPUT", "a link"),
    ("linked/beach.png", "E_INPUT", "a link"),
    ("folder", "E_INPUT", "folder is a folder"),
    ("pipe", "E_INPUT", "not a file"),
    ("nowhere.png", "E_INPUT_MISSING", "there is no nowhere.png beside the order"),
]


@pytest.mark.parametrize(("value", "code", "words"), UNFIT)
def test_what_cannot_be_an_input_is_refused_by_name_and_place(
    home: TestHome, tmp_path: Path, value: str, code: str, words: str
) -> None:
    folder = tmp_path / "dropped"
    whole = draw(folder / "folder" / "beach.png", size=(640, 480))
    (folder / "letter.png").write_text("Dear Sir")
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "link.png").symlink_to(folder / "folder" / "beach.png")
    (folder / "linked").symlink_to(folder / "folder")
    os.mkfifo(folder / "pipe")
    (problem,) = refused(home, folder, edit(value)).problems
    assert (problem.code, problem.key, problem.file) == (code, "parameters.image", "cars.yaml")
    assert words in problem.message and problem.line and problem.fix


def test_a_picture_over_a_limit_is_refused_with_the_limit_s_name(home: TestHome, tmp_path: Path) -> None:
    draw(tmp_path / "beach.png", size=(640, 480))
    assert "limits.product_bytes" in str(refused(home, tmp_path, edit(), product_bytes=100))
    assert "limits.megapixels" in str(refused(home, tmp_path, edit(), megapixels=0.1))


def test_every_bad_picture_of_every_document_is_told_at_once(home: TestHome, tmp_path: Path) -> None:
    text = edit(["a.png", "/b.png"]) + "---\n" + edit("c.png") + "---\n" + order(parameters={"stpes": 2})
    found = refused(home, tmp_path, text)
    assert [problem.code for problem in found.problems].count("E_INPUT_MISSING") == 2
    assert {"E_INPUT", "E_INPUT_MISSING"} < {problem.code for problem in found.problems}
    assert isinstance(found, InputsMissing) and found.names == ("a.png", "c.png") and not found.may_come


def test_waiting_may_only_help_where_nothing_else_is_wrong(home: TestHome, tmp_path: Path) -> None:
    found = refused(home, tmp_path, edit("a.png"))
    assert isinstance(found, InputsMissing) and found.may_come


def test_another_picture_is_no_duplicate_and_the_same_one_elsewhere_is(home: TestHome, tmp_path: Path) -> None:
    prints = []
    for folder, colour in (("one", "blue"), ("two", "blue"), ("three", "red")):
        draw(tmp_path / folder / "beach.png", colour)
        prints.append(study(home, tmp_path / folder, edit())[0].fingerprint)
    assert prints[0] == prints[1] != prints[2]


def test_only_parameters_that_take_pictures_are_read_as_pictures(home: TestHome, tmp_path: Path) -> None:
    draw(tmp_path / "beach.png")
    (found,) = study(home, tmp_path, edit(prompt="beach.png"))
    known = [each.as_json() for each in found.inputs]
    assert set(inputs.of_item({"prompt": "beach.png", "image": "beach.png"}, known, found.plan.model)) == {("image",)}


def test_changed_or_vanished_bytes_are_not_taken_for_the_accepted_ones(tmp_path: Path) -> None:
    data = draw(tmp_path / "beach.png")
    known = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    assert inputs.read(tmp_path / "beach.png", known) == data
    draw(tmp_path / "beach.png", "red")
    with pytest.raises(OutputBad, match="not the picture any more"):
        inputs.read(tmp_path / "beach.png", known)
    (tmp_path / "beach.png").unlink()
    with pytest.raises(OutputBad, match="cannot be read"):
        inputs.read(tmp_path / "beach.png", known)


# --- a table of cases ---

TABLE = "provider: local\nmodel: sketch\nparameters: {prompt: x, width: 64}\ncases: rows.csv\n"


def test_a_table_beside_the_order_is_kept_with_it_and_known_by_its_bytes(home: TestHome, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("prompt\na cat\na dog\n")
    (found,) = study(home, tmp_path, TABLE)
    assert [item.parameters["prompt"] for item in found.plan.items()] == ["a cat", "a dog"]
    assert [(each.name, each.mime) for each in found.inputs] == [("rows.csv", "text/csv")]
    assert found.library["table"] == "prompt\na cat\na dog\n"
    (tmp_path / "rows.csv").write_text("prompt\na cat\n")
    assert study(home, tmp_path, TABLE)[0].fingerprint != found.fingerprint


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (None, "E_INPUT_MISSING", "no rows.csv"), (b"caf\xe9\n", "E_INPUT", "not UTF-8"),
        (b"x" * 2000, "E_INPUT", "larger than limits.order_bytes"),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_had_is_refused(
    home: TestHome, tmp_path: Path, data: bytes | None, code: str, words: str
) -> None:
    if data is not None:
        (tmp_path / "rows.csv").write_bytes(data)
    refusal = refused(home, tmp_path, TABLE, order_bytes=1000)
    assert [problem.code for problem in refusal.problems] == [code] and words in str(refusal)


def test_a_table_outside_the_orders_folder_is_refused(home: TestHome, tmp_path: Path) -> None:
    assert [each.code for each in refused(home, tmp_path, TABLE.replace("rows", "../rows")).problems] == ["E_INPUT"]
