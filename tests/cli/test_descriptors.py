"""Few descriptors: more are asked for, few are said, and far too few refused before anything is begun."""

from __future__ import annotations

import pytest

from artfactoryd.cli import descriptors, once, run
from artfactoryd.errors import WrongUse
from artfactoryd.settings import Settings
from tests.homes import TestHome

Limits = list[tuple[int, int]]


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> tuple[Limits, Limits]:
    """What the system gives, and what it was asked for."""
    given: Limits = [(64, 64)]
    asked: Limits = []
    monkeypatch.setattr(descriptors.resource, "getrlimit", lambda which: given[0])
    monkeypatch.setattr(descriptors.resource, "setrlimit", lambda which, both: asked.append(both))
    return given, asked


def test_too_few_are_said_in_words_and_more_are_asked_for(
    limits: tuple[Limits, Limits], caplog: pytest.LogCaptureFixture
) -> None:
    given, asked = limits
    descriptors.say_when_few()
    assert "only 64 files may be open" in caplog.text and "256 are needed" in caplog.text and "ulimit -n" in caplog.text
    caplog.clear()
    given[0] = (64, 4096)
    descriptors.say_when_few()
    given[0] = (1024, 4096)
    descriptors.say_when_few()
    assert asked == [(64, 64), (256, 4096)] and not caplog.text


@pytest.mark.parametrize("most", [16, 24, 32, 48, 63])
def test_far_too_few_are_refused_before_anything_is_begun(
    home: TestHome, limits: tuple[Limits, Limits], most: int
) -> None:
    limits[0][0] = (most, most)
    with pytest.raises(WrongUse, match=f"Only {most} files may be open .* needs 64 .*ulimit -n 1024"):
        once.work_once(home.home, Settings(), {}, verbose=False, quiet=True)
    with pytest.raises(WrongUse, match=f"Only {most} files"):
        run.run_daemon(home.home, {}, verbose=False, supervised=False)
    limits[0][0] = (16, 4096)
    descriptors.ask_for_enough()
