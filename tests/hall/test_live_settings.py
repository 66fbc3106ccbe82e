"""What counts, and what is told, while the file of the settings is bad or away."""

from __future__ import annotations

import json
import os

import pytest
from click.testing import CliRunner

from artfactoryd import schema, settings
from artfactoryd.cli.program import main
from artfactoryd.errors import Problem, Refusal
from artfactoryd.live_settings import read_settings
from artfactoryd.settings import load
from tests.homes import TestHome

GREEN = "provider: local\nmodel: sketch\nparameters: {prompt: a green car, width: 64, height: 64}\n"


def call(home: TestHome, *words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(main, ["--home", str(home.root), *words])
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.parametrize(("text", "words"), [(None, "are not there"), ("", "say nothing"), ("budgit: 1\n", "budgit")])
def test_what_only_looks_goes_by_the_last_good_settings_and_says_so(
    home: TestHome, text: str | None, words: str
) -> None:
    home.configure(budget={"per_day": 0.003})
    home.drop("mine.yaml", GREEN)
    assert home.once() == 0 and read_settings(home.home, {}, running=False)
    home.home.settings_file.unlink()
    if text is not None:
        home.home.settings_file.write_text(text)
    code, out, _ = call(home, "status")
    assert code == 0 and "Settings" in out and words in out and "Nothing is taken until they are mended" in out
    assert "/mine" in out and "$0.003 left" in out
    assert words in json.loads(call(home, "status", "--json")[1])["settings"]
    for command in (["orders"], ["order", "mine"], ["why", "mine"], ["spend"], ["providers", "--offline"]):
        code, out, err = call(home, *command)
        assert code == 0 and out and words in err and len(err.splitlines()) == 1, command
    assert call(home, "pause")[0] == 2  # what changes something needs them


def test_while_a_daemon_is_at_work_it_is_said_to_go_on_with_the_last_good_ones(home: TestHome) -> None:
    home.home.settings_file.write_text("budgit: 1\n")
    holder = {"pid": os.getpid(), "started_at": "now", "command": "run"}
    home.home.holder_file.write_text(json.dumps(holder))
    assert "Nothing is taken" in call(home, "status")[1] and "goes by the defaults" in call(home, "status")[1]
    home.home.holder_file.write_text(json.dumps({**holder, "page": "http://127.0.0.1:1/"}))
    assert "The daemon works on with the last good ones" in call(home, "status")[1]


def test_settings_that_were_good_are_not_checked_again_until_they_or_the_program_change(
    home: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read_settings(home.home, {}, running=False)
    checks: list[object] = []

    def check(document: object, name: str) -> list[Problem]:
        checks.append(document)
        return []

    monkeypatch.setattr(schema, "check", check)
    assert load(home.home.settings_file, {}) and checks == []
    monkeypatch.setattr(settings, "__version__", "another")
    assert load(home.home.settings_file, {}) and len(checks) == 1
    monkeypatch.undo()
    home.home.checked_settings.write_bytes(b"")  # as a power cut may leave it
    assert load(home.home.settings_file, {})


def test_a_mark_of_good_settings_says_nothing_of_others(home: TestHome) -> None:
    assert read_settings(home.home, {}, running=False)
    home.home.settings_file.write_text("budget: {per_day: much}\n")
    with pytest.raises(Refusal, match="per_day"):
        load(home.home.settings_file, {})
    assert read_settings(home.home, {}, running=True) is None
    with pytest.raises(Refusal, match="per_day"):
        load(home.home.settings_file, {})
