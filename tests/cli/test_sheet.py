"""`sheet`: an order, or what a query finds, as a page, a JPEG or a PDF; never over a file."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from PIL import Image

from artfactoryd.core.sheets.facts import Fact, Picture
from artfactoryd.core.sheets.layout import lay_out
from artfactoryd.core.sheets.sheet import Sheet
from artfactoryd.shelf.sheets import page
from artfactoryd.shelf.sheets.marks import is_sheet
from tests.homes import TestHome

CARS = """
provider: local
model: sketch
project: summer
parameters: {prompt: "a [red,blue] car", width: "64,96", height: 64}
"""


@pytest.fixture
def made(home: TestHome) -> TestHome:
    home.drop("cars.yaml", CARS)
    assert home.call("once").returncode == 0
    return home


def test_an_order_becomes_a_page_in_exports_with_every_picture_in_it(made: TestHome) -> None:
    told = made.ask("sheet", "cars")
    path = Path(told["files"][0])
    assert (told["pictures"], told["missing"], path.parent) == (4, 0, made.home.root / "Exports")
    text = path.read_text()
    assert text.count('src="data:image/jpeg;base64,') == 4 and "http:" not in text and "https:" not in text
    assert re.findall(r'<th scope="row"><span dir="auto">(\w+)', text) == ["red", "blue"]
    again = made.call("sheet", "cars").stdout.strip()
    assert again.endswith("cars-2.html")


def test_a_query_becomes_a_jpeg_or_a_pdf_and_nothing_is_overwritten(made: TestHome, tmp_path: Path) -> None:
    assert made.call("sheet", "project:summer", "--to", str(tmp_path / "all.jpg"), "--x", "width").returncode == 0
    assert is_sheet(tmp_path / "all.jpg") and Image.open(tmp_path / "all.jpg").size[0] > 400
    assert made.call("sheet", "red", "--to", str(tmp_path / "red.pdf")).returncode == 0
    assert (tmp_path / "red.pdf").read_bytes().startswith(b"%PDF")
    refused = made.call("sheet", "red", "--to", str(tmp_path / "red.pdf"))
    assert refused.returncode == 2 and "already" in refused.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [(["purple"], "Nothing fits"), (["cars", "--to", "x.gif"], ".html, .jpg, .pdf"), (["width:>"], "width"),
     (["cars", "--to", "nowhere/x.pdf"], "no folder"), (["cars", "--most", "few"], "--most")],
)  # fmt: skip
def test_what_cannot_be_made_is_told(made: TestHome, words: list[str], told: str) -> None:
    refused = made.call("sheet", *words)
    assert refused.returncode in (1, 2) and told in refused.stderr


def sheet(words: str) -> Sheet:
    facts = {"prompt": Fact(words, "prompt", is_text=True)}
    pictures = [
        Picture(facts, prompt=words, name=f"{words}.png", path="a.png", sha256="ab", mime="image/png"),
        Picture({"prompt": Fact("other", "prompt", is_text=True)}, blank=f"failed: {words}"),
    ]
    return Sheet(words, [words], lay_out(pictures))


@pytest.mark.parametrize("words", ["</script><script>alert(1)</script>", '"><img onerror=x>', "$title $$", "\ud800"])
def test_no_words_leave_their_place_in_the_page(tmp_path: Path, words: str) -> None:
    text = page.page(sheet(words), lambda picture, side: b"jpeg", tmp_path, tmp_path / "page.html").decode()
    assert text.count("<script") == 2 and text.count("<img ") == 2
    told = json.loads(text.partition('id="told">')[2].partition("</script>")[0])
    assert len(told) == 2


def test_a_film_is_played_on_the_page_and_counted_as_one(tmp_path: Path) -> None:
    films = [Picture({}, name="a.mp4", path="a b.mp4", mime="video/mp4", duration=65.4), Picture({}, mime="audio/wav")]
    sheet = Sheet("fox", [], lay_out(films))
    text = page.page(sheet, lambda picture, side: b"jpeg", tmp_path, tmp_path / "page.html").decode()
    assert 'class=film data-lasts="▶ 1:05"' in text and "media-src file:" in text
    assert '"file": "a%20b.mp4"' in text and '"1 film and 1 sound"' in text
    assert text.count("<video ") == text.count("<audio ") == 1
