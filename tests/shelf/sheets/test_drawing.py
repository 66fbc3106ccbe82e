"""Sheets as pictures: named, with a box for each place, whatever the sizes and the words are."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PIL import Image

from artfactoryd.core.sheets.facts import Fact, Picture
from artfactoryd.core.sheets.layout import lay_out
from artfactoryd.core.sheets.sheet import Sheet
from artfactoryd.shelf.sheets import drawing
from artfactoryd.shelf.sheets.fonts import Fonts

COLOURS = ("#ff0000", "#0000ff", "#00ff00")


def sheet(count: int, words: str = "car", size: tuple[int, int] = (64, 48), blank: str = "") -> Sheet:
    pictures = [
        Picture(
            {"prompt": Fact(f"{words} {n}", "prompt", is_text=True)}, blank=blank if n == 1 else "",
            product=COLOURS[n % 3], width=size[0], height=size[1],
        )
        for n in range(count)
    ]  # fmt: skip
    return Sheet("summer / cars", [f"a {words}", "flux"], lay_out(pictures))


def tile(picture: Picture, width: int, height: int, fonts: Fonts) -> Image.Image:
    return Image.new("RGB", (min(width, picture.width), min(height, picture.height)), picture.product)


@pytest.mark.parametrize(("count", "size"), [(2, (64, 48)), (12, (48, 64)), (30, (2000, 10))])
def test_every_picture_is_on_it(count: int, size: tuple[int, int]) -> None:
    picture = drawing.draw(sheet(count, size=size), tile)
    colours = {colour for _, colour in picture.getcolors(1 << 24) or ()}
    assert {(255, 0, 0), (0, 0, 255)} <= colours
    assert picture.width * picture.height <= 2 * drawing.MOST_PIXELS


def test_what_is_missing_is_an_empty_box_with_its_reason() -> None:
    whole, missing = drawing.draw(sheet(2), tile), drawing.draw(sheet(2, blank="failed: refused"), tile)
    assert whole.size == missing.size
    assert (0, 0, 255) not in {colour for _, colour in missing.getcolors(1 << 24) or ()}


@pytest.mark.parametrize("words", ["", "x" * 3000, "long words " * 200, "שלום 猫", "\u202e\u0000\n\ttabs"])
def test_no_words_break_it(words: str) -> None:
    assert drawing.draw(sheet(3, words), tile).width >= 420


def test_it_goes_through_json_and_looks_the_same() -> None:
    one = sheet(5, blank="waits")
    again = Sheet.from_json(one.to_json())
    assert again.digest == one.digest and drawing.draw(again, tile).tobytes() == drawing.draw(one, tile).tobytes()


def test_a_film_has_a_mark_with_its_length() -> None:
    still, film = ([replace(picture, mime=mime, duration=lasts) for picture in sheet(2).pictures]
                   for mime, lasts in (("image/png", 0.0), ("video/mp4", 65.0)))  # fmt: skip
    drawn = [drawing.draw(Sheet("a", ["a"], lay_out(pictures)), tile) for pictures in (still, film)]
    assert drawn[0].size == drawn[1].size and drawn[0].tobytes() != drawn[1].tobytes()
