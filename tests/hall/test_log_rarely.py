"""One line that comes again and again: first, then ever more rarely, with the count."""

from __future__ import annotations

import logging

import pytest

from artfactoryd import log


def lines(seconds: int, texts: list[str], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is shown when each of `texts` is logged once a second."""
    rarely, now, shown = log._Rarely(), [0.0], list[str]()
    monkeypatch.setattr(log.time, "monotonic", lambda: now[0])
    for second in range(seconds):
        now[0] = float(second)
        for text in texts:
            record = logging.LogRecord("artfactoryd.x", logging.ERROR, "", 0, text, (), None)
            if rarely.filter(record):
                assert rarely.filter(record)  # the second handler shows the same
                shown.append(record.getMessage())
    return shown


def test_a_line_a_second_for_an_hour_is_told_a_few_times_with_the_count(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = lines(3600, ["nothing is sent: no room"], monkeypatch)
    assert shown[0] == "nothing is sent: no room" and shown[1].endswith("(29 more times since it was last told)")
    assert 5 <= len(shown) <= 10


def test_lines_that_differ_are_all_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert lines(10, ["a", "b"], monkeypatch) == ["a", "b"]
