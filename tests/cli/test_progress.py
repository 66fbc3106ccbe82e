from __future__ import annotations

import sys

import pytest

from artfactoryd.cli.progress import Mending


def test_how_far_an_index_is_made_again_is_one_line_that_is_written_over(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with Mending(quiet=False) as mending:
        for done in (50, 50, 100):
            mending.tell("ledger", done, 100)
    lines = [line for line in capsys.readouterr().err.split("\r") if "index" in line]
    assert [line[-4:] for line in lines] == [" 50%", "100%"] and "░" in lines[0] and "░" not in lines[1]


@pytest.mark.parametrize(("quiet", "terminal"), [(True, True), (False, False)])
def test_nothing_is_drawn_where_nobody_looks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], quiet: bool, terminal: bool
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    with Mending(quiet) as mending:
        mending.tell("shelf", 1, 2)
    assert capsys.readouterr().err == ""
