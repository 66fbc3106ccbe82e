"""What is combined, in one line that a person can check in the head."""

from __future__ import annotations

from pathlib import Path

import pytest

from artfactoryd.core.expansion.axes_in_words import in_short
from artfactoryd.planning.preview import plan
from artfactoryd.settings import Settings
from tests.homes import TestHome

HEAD = "provider: replicate\nmodel: flux-schnell\n"


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ('prompt: "a [red,blue,green,yellow,black] [mug,cup,glass,bowl] ok"\n  aspect_ratio: ["1:1", "16:9", "4:3"]',
         "[red,blue,…] 5 x [mug,cup,glass,…] 4 x aspect_ratio 3 = 60"),
        ('prompt: "a [red,blue] car"', "[red,blue] 2"),
        ("prompt: a car", ""),
        ("prompt: [a car, a boat]\n  aspect_ratio: ['1:1', '16:9']", "prompt 2 x aspect_ratio 2 = 4"),
        ('prompt: "[c] and [c]"\nlookups: {c: [red, blue, green]}', "prompt 6"),
        ('prompt: "[c] car"\nlookups: {c: [red, blue, green]}', "[c] 3"),
        ('prompt: "[red,blue] car"\nsample: 1', "[red,blue] 2, 1 of them taken"),
        ('prompt: "[red,blue] car"\ncases: [{aspect_ratio: "1:1"}, {aspect_ratio: "4:3"}]',
         "cases 2 x [red,blue] 2 = 4"),
        ('prompt: "[red,blue] car"\ncases: [{prompt: a boat}, {prompt: "a [big,small] ship"}]', "cases 2, in all 3"),
    ],
)  # fmt: skip
def test_the_sum_is_told_factor_by_factor(home: TestHome, tmp_path: Path, order: str, words: str) -> None:
    (file := tmp_path / "x.yaml").write_text(f"{HEAD}parameters:\n  {order}\n")
    head = plan(home.home, Settings(), file, rehearse=False, most=0).orders[0].head
    assert head["combined"] == words


@pytest.mark.parametrize(
    ("token", "short"),
    [
        ("[red,blue]", "[red,blue]"),
        ("[red,blue,green,yellow]", "[red,blue,…]"),
        ("[a" + "b" * 30 + "]", "[a" + "b" * 13 + "…]"),
    ],
)
def test_a_long_token_keeps_whole_options(token: str, short: str) -> None:
    assert in_short(token) == short
