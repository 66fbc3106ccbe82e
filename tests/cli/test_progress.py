from __future__ import annotations

import sys
from pathlib import Path

import pytest

from artfactoryd.cli import submit
from artfactoryd.cli.progress import Mending, Progress
from artfactoryd.settings import Settings
from artfactoryd.storage.index import Index
from tests.homes import TestHome


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


def test_the_bar_has_ended_before_the_outcome_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, happened = TestHome.make(tmp_path / "home"), list[str]()
    home.drop("car.yaml", "provider: local\nmodel: sketch\nparameters: {prompt: a car, width: 64, height: 64}\n")
    assert home.once() == 0
    monkeypatch.setattr(Progress, "end", lambda self: happened.append("the bar ends"))
    monkeypatch.setattr("artfactoryd.cli.once.echo", happened.append)
    with Index.reading(home.home.index_file) as index, Progress(quiet=False) as progress:
        assert index is not None
        monkeypatch.setattr(index, "orders_of_submission", lambda name: index.orders())
        submit._followed(home.home, Settings(), index, ["any"], progress, quiet=False)
    assert happened[0] == "the bar ends" and happened[1].startswith("car: completed, 1 picture, $0.00 in ")
