from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from artfactoryd.planning.lookups import LookupFiles


def written(folder: Path, **files: str | bytes) -> Path:
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("DOT", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


@pytest.mark.parametrize(
    ("file", "content", "values"),
    [
        ("colorDOTtxt", "red\nblue\n", ("red", "blue")),
        ("colorDOTtxt", "\ufeffred\r\n\r\n# no\r\n  blue  ", ("red", "blue")),
        ("colorDOTtxt", "dark red\n3\n[x, y]\n", ("dark red", "3", "[x, y]")),
        ("colorDOTyaml", "- red\n- 010\n- 'no'\n- 3.50\n", ("red", "010", "no", "3.50")),
        ("colorDOTyml", "[red, blue]", ("red", "blue")),
        ("colorDOTjson", '["red", 3]', ("red", "3")),
    ],
)
def test_a_file_is_a_list_of_values_as_they_are_written(
    tmp_path: Path, file: str, content: str, values: tuple[str, ...]
) -> None:
    found = LookupFiles(written(tmp_path, **{file: content}))
    assert tuple(found["color"]) == values and found.problems == []
    assert [problem.code for problem in found.check()] == (["W_FOREIGN"] if "[x, y]" in values else [])


def test_folders_are_parts_of_the_name_and_litter_is_passed_over(tmp_path: Path) -> None:
    names = ("aDOTtxt", "colors__warm__deepDOTtxt", "DOThiddenDOTtxt", "DOTgit__xDOTtxt", "notesDOTmd", "desktopDOTini")
    found = LookupFiles(written(tmp_path, **dict.fromkeys(names, "x")))
    assert list(found) == ["a", "colors/warm/deep"] and found["colors/warm/deep"] == ("x",)
    assert LookupFiles(tmp_path / "gone") == {}


def test_a_name_is_the_same_on_every_disk(tmp_path: Path) -> None:
    (tmp_path / (unicodedata.normalize("NFD", "blåbær") + ".txt")).write_text("x")
    assert "blåbær" in LookupFiles(tmp_path)


def test_an_edit_is_seen_at_once(tmp_path: Path) -> None:
    written(tmp_path, colorDOTtxt="red")
    assert LookupFiles(tmp_path)["color"] == ("red",)
    written(tmp_path, colorDOTtxt="blue\ngreen")
    assert LookupFiles(tmp_path)["color"] == ("blue", "green")


@pytest.mark.parametrize(
    ("file", "content", "code", "line"),
    [
        ("colorDOTtxt", "# nothing\n", "E_EMPTY", None),
        ("colorDOTtxt", b"red\nbl\xe5\n", "E_ENCODING", 2),
        ("colorDOTyaml", "red\n", "E_LIST", 1),
        ("colorDOTyaml", "- red\n- {a: 1}\n", "E_LIST", 2),
        ("colorDOTyaml", "- red\n- [\n", "E_YAML", 3),
    ],
)
def test_a_file_that_cannot_be_used_is_told_with_its_place_when_it_is_used(
    tmp_path: Path, file: str, content: str | bytes, code: str, line: int | None
) -> None:
    found = LookupFiles(written(tmp_path, **{file: content, "fineDOTtxt": "x"}))
    assert found["fine"] == ("x",) and found.problems == []
    assert found["color"] == ("color",) == found["color"]
    [problem] = found.problems
    assert (problem.code, problem.line) == (code, line) and "color" in problem.file
    assert {each.code for each in found.check()} == {code}


def test_one_name_in_two_files_is_told_and_the_first_one_counts(tmp_path: Path) -> None:
    found = LookupFiles(written(tmp_path, colorDOTtxt="red", colorDOTyaml="- blue"))
    assert found.problems == [] and found["color"] == ("red",) == found["color"]
    assert [problem.code for problem in found.problems] == ["E_LOOKUP_TWICE"]


def test_a_name_that_no_order_can_write_is_told_by_the_check(tmp_path: Path) -> None:
    (tmp_path / "a,b.txt").write_text("x")
    assert [problem.code for problem in LookupFiles(tmp_path).check()] == ["E_LOOKUP_NAME"]


def test_five_thousand_lines_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, manyDOTtxt="\n".join(f"value {n}" for n in range(5000)))
    assert len(LookupFiles(tmp_path)["many"]) == 5000
    monkeypatch.setattr("artfactoryd.documents.read_lines", lambda *args, **keys: pytest.fail("read again"))
    assert LookupFiles(tmp_path)["many"][4999] == "value 4999"


def test_names_are_looked_for_when_one_is_asked_for(tmp_path: Path) -> None:
    found = LookupFiles(tmp_path)
    written(tmp_path, colorDOTtxt="red")
    assert found["color"] == ("red",)


def test_a_tree_gives_each_list_a_name_with_its_file_and_as_wildcards_have_it(tmp_path: Path) -> None:
    tree = "warm: [red, '3::gold']\ncool:\n  deep: [{text: teal, weight: 2}]\n  one: blue\n"
    found = LookupFiles(written(tmp_path, colorsDOTyaml=tree, pack__paletteDOTjson='{"palette": {"x": ["a"]}}'))
    assert sorted(found) == sorted(
        ["colors/warm", "warm", "colors/cool/deep", "cool/deep", "colors/cool/one", "cool/one", "pack/palette/x"]
    )
    assert tuple(found["colors/warm"]) == ("red", "3::gold") == tuple(found["warm"])
    assert tuple(found["cool/deep"]) == ("2::teal",) and found["cool/one"] == ("blue",)


def test_a_list_in_a_tree_that_cannot_be_used_is_told_to_who_names_it_and_to_the_check(tmp_path: Path) -> None:
    found = LookupFiles(written(tmp_path, colorsDOTyaml="good: [red]\nbad:\n- [a, b]\n", oldDOTtxt=b"bl\xe5\n"))
    assert found["colors/good"] == ("red",) and found.problems == []
    assert found["colors/bad"] == ("colors/bad",) and [problem.line for problem in found.problems] == [3]
    assert {problem.code for problem in found.check()} == {"E_LIST", "E_ENCODING"}


def test_what_is_not_understood_is_told_by_the_check_with_its_line(tmp_path: Path) -> None:
    files = {"wild__outfitDOTtxt": "# a\n__hair__ cap\n__gone__ x\n<lora:x:1>\n", "wild__hairDOTtxt": "red"}
    told = LookupFiles(written(tmp_path, **files)).check()
    assert [(problem.code, problem.line) for problem in told] == [("W_FOREIGN", 4), ("W_FOREIGN", 3)]
    assert all(problem.file.endswith("outfit.txt") and problem.holds for problem in told)
