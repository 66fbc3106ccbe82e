"""Words in every script: as they are read, by a font that has them, else as boxes that are told of."""

from __future__ import annotations

import pytest
from PIL import Image, ImageDraw

from artfactoryd.shelf.sheets import fonts
from artfactoryd.shelf.sheets.fonts import Fonts, in_visual_order, words_of_missing


@pytest.mark.parametrize(
    ("text", "shown"),  # from left to right; words that are read from right to left stand in brackets as they are read
    [
        ("a red car", "a red car"),
        ("שלום עולם", "[שלום עולם]"),
        ("a car, שלום עולם here", "a car, [שלום עולם] here"),
        ("שלום abc עולם", "[ עולם]abc[שלום ]"),
        ("car אחת 42 שתיים end", "car [ שתיים]42[אחת ] end"),
        ("一只红色的猫", "一只红色的猫"),
        ("a red שלום 12 car", "a red 12[שלום ] car"),
        ("red · אדום · 3", "red · 3[אדום · ]"),
        ("100% אדום", "[ אדום]100%"),
        ("אדום 50%", "50%[אדום ]"),
        ("מכ 1,2 b", "b[ ]1,2[מכ ]"),
    ],
)
def test_runs_stand_as_they_are_read(text: str, shown: str) -> None:
    """As the Unicode algorithm has them, of which two other implementations were asked."""
    runs = in_visual_order(text)
    assert "".join(f"[{run}]" if fonts._is_to_left(run) or run == " " else run for run in runs) == shown


@pytest.fixture
def only_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without any font."""
    monkeypatch.setattr(fonts, "paths", lambda: ("",))
    fonts._path_with.cache_clear()


@pytest.mark.usefixtures("only_own")
def test_a_letter_that_no_font_has_is_a_box_and_is_told_of() -> None:
    letters = Fonts()
    picture = Image.new("RGB", (200, 40), "white")
    width = letters.write(ImageDraw.Draw(picture), (2, 30), "a 猫", 20, "black")
    assert letters.missing == {"猫"} and 20 < width < 60
    assert "Cjk" in words_of_missing(letters.missing) and not words_of_missing(())
    fonts._path_with.cache_clear()


@pytest.mark.usefixtures("only_own")
@pytest.mark.parametrize(
    ("text", "most", "count"),
    [("one two three four five six seven", 2, 2), ("a", 3, 1), ("", 3, 0), ("x" * 200, 2, 1), ("猫" * 30, 2, 2)],
)
def test_lines_fit_and_are_no_more_than_asked(text: str, most: int, count: int) -> None:
    letters = Fonts()
    lines = letters.wrapped(text, 15, 90, most)
    assert len(lines) == count and all(letters.length(line, 15) <= 91 for line in lines)
    assert not lines or lines[-1].endswith("…") or "".join(lines).replace(" ", "") == text.replace(" ", "")
    fonts._path_with.cache_clear()
