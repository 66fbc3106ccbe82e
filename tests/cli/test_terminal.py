"""What is wider than a terminal is folded between words; what a program reads stays as it is."""

from __future__ import annotations

import sys
import unicodedata
from functools import partial

import pytest

from artfactoryd.cli import terminal
from artfactoryd.cli.terminal import echo, folded, width

nfd = partial(unicodedata.normalize, "NFD")
PATH = "/home/me/ArtFactory/Projects/summer-cars/2026-11-30/01-cars/0001-a-red-car-by-the-lake.png"


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        ("short", "short"),
        ("", ""),
        ("one two three four five six seven eight nine ten", "one two three four five six seven eight|nine ten"),
        ("    a reason that is longer than the terminal is", "    a reason that is longer than the|    terminal is"),
        (
            "Daemon  process 4711 (run) since 2026-11-30 15:26",
            "Daemon  process 4711 (run) since|        2026-11-30 15:26",
        ),
        ("Look at it, then `retry 01a22d0f-aae2 --in-doubt`.", "Look at it, then|`retry 01a22d0f-aae2 --in-doubt`."),
        (f"put into {PATH} now", f"put into|{PATH}|now"),
        (f"     {PATH[-38:]}", PATH[-38:]),
        (f"file    {PATH[-40:]} now", f"file|{PATH[-40:]}|        now"),
        (f"  15:26  {PATH}", f"  15:26  {PATH}"),
        (
            "`a command that is longer than the whole of a terminal`",
            "`a command that is longer than the whole|of a terminal`",
        ),
        ("赤い車が一台 青い車が二台 緑の車が三台 白", "赤い車が一台 青い車が二台 緑の車が三台|白"),
        (" ".join([nfd("나윤선")] * 6), "|".join([" ".join([nfd("나윤선")] * 5), nfd("나윤선")])),
        ("one ` of them alone and many more words after it", "one ` of them alone and many more words|after it"),
    ],
)  # fmt: skip
def test_a_line_is_folded_between_words_and_begins_again_where_its_text_did(line: str, lines: str) -> None:
    assert folded(line, 40).replace("\n", "|") == lines
    assert all(width(piece) <= 40 or PATH in piece for piece in lines.split("|"))
    assert folded(line, 20) == line  # its own breaking is no worse there


@pytest.mark.parametrize(
    ("is_terminal", "whole", "lines"), [(True, False, 2), (True, True, 1), (False, False, 1)]
)  # fmt: skip
def test_only_words_on_a_terminal_are_folded(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], is_terminal: bool, whole: bool, lines: int
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: is_terminal)
    echo("word " * 10, whole=whole)
    assert len(capsys.readouterr().out.splitlines()) == lines
    assert terminal.columns_of_terminal() == (40 if is_terminal else None)
