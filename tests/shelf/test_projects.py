"""A project's own paper: one line is set, and a person's comments, order and other keys stay."""

from __future__ import annotations

from pathlib import Path

import pytest

from artfactoryd.errors import WrongUse
from artfactoryd.shelf import projects


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("# mine\nid: x  # no\nstatus: active # as yet\n", "# mine\nid: x  # no\nstatus: archived # as yet\n"),
        ("status:\nname: cars\n", "status: archived\nname: cars\n"),
        ("name: cars", "name: cars\nstatus: archived\n"),
        ("", "status: archived\n"),
        ("a: {status: active}\r\nstatus: 'active'\r\n", "a: {status: active}\r\nstatus: archived\r\n"),
        ("status: [\n  active]\n", None), ("status: >\n  active\n", None), ("{status: active}\n", None),
        ("- a\n", None), ("status: active\nstatus: active\n", None),
    ],
)  # fmt: skip
def test_one_key_is_set_or_a_person_is_told_to(tmp_path: Path, before: str, after: str | None) -> None:
    paper = tmp_path / projects.PAPER
    paper.write_bytes(before.encode())
    if after is None:
        with pytest.raises(WrongUse, match="Write it there: `status: archived`"):
            projects.set_key(tmp_path, "status", "archived")
    else:
        projects.set_key(tmp_path, "status", "archived")
        assert projects.read(tmp_path)["status"] == "archived"
    assert paper.read_bytes().decode() == (before if after is None else after)
    assert [*tmp_path.iterdir()] == [paper]
