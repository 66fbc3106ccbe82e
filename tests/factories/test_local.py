from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from PIL import Image

from artfactoryd.errors import AskAgain, CallRefused
from artfactoryd.factories import Absent, Attempt, Call, Factory, Outputs, ProviderSettings, Reconciles
from artfactoryd.factories.local import make, sketch
from artfactoryd.factories.local.sketch import draw

SETTINGS = ProviderSettings("local")


def a_call(**parameters: Any) -> Call:
    return Call("sketch", None, {"prompt": "A red car", "width": 96, "height": 64, "seed": 7, **parameters})


def files(outputs: Outputs | None) -> list[Path]:
    assert outputs is not None
    return [Path(unquote(urlsplit(output.address).path)) for output in outputs.outputs]


async def made(work: Path, call: Call) -> Outputs:
    factory = make(SETTINGS, work)
    outputs = await factory.collect(await factory.submit(call))
    assert outputs is not None
    return outputs


def mean_colour(picture: Image.Image) -> tuple[int, ...]:
    pixel = picture.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    assert isinstance(pixel, tuple)
    return pixel


def test_it_is_a_factory_that_can_reconcile(tmp_path: Path) -> None:
    factory = make(SETTINGS, tmp_path)
    assert isinstance(factory, Factory)
    assert isinstance(factory, Reconciles)
    assert factory.name == "local"


async def test_a_sketch_is_drawn_in_the_work_folder_in_the_size_asked_for(tmp_path: Path) -> None:
    outputs = await made(tmp_path / "wörk folder", a_call(num_outputs=3))
    assert len(set(files(outputs))) == 3
    for path in files(outputs):
        assert path.parent == tmp_path / "wörk folder"
        with Image.open(path) as picture:
            assert (picture.format, picture.size) == ("PNG", (96, 64))
    assert outputs.returned == {"prompt": "A red car", "width": 96, "height": 64, "seed": 7, "num_outputs": 3}


async def test_the_same_ticket_gives_the_same_bytes_in_any_folder_after_any_restart(tmp_path: Path) -> None:
    before, after = make(SETTINGS, tmp_path / "one"), make(SETTINGS, tmp_path / "other")
    ticket = await before.submit(a_call())
    one, other = await before.collect(ticket), await after.collect(ticket)
    assert files(one)[0].name == files(other)[0].name
    assert files(one)[0].read_bytes() == files(other)[0].read_bytes()


async def test_equal_calls_have_files_of_their_own_so_that_one_can_be_thrown_away(tmp_path: Path) -> None:
    one, other = await made(tmp_path, a_call()), await made(tmp_path, a_call())
    assert files(one)[0] != files(other)[0]
    assert files(one)[0].read_bytes() == files(other)[0].read_bytes()


async def test_collecting_again_draws_only_what_is_gone(tmp_path: Path) -> None:
    factory = make(SETTINGS, tmp_path)
    ticket = await factory.submit(a_call(num_outputs=2))
    first, second = files(await factory.collect(ticket))
    before, data = first.stat().st_ino, second.read_bytes()
    second.unlink()
    await factory.collect(ticket)
    assert first.stat().st_ino == before
    assert second.read_bytes() == data


async def test_two_collects_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    factory = make(SETTINGS, tmp_path)
    ticket = await factory.submit(a_call())
    one, other = await asyncio.gather(factory.collect(ticket), factory.collect(ticket))
    assert one == other
    assert [path.name for path in tmp_path.iterdir()] == [files(one)[0].name]


async def test_output_j_is_the_picture_of_seed_plus_j(tmp_path: Path) -> None:
    pair, single = await made(tmp_path, a_call(num_outputs=2)), await made(tmp_path, a_call(seed=8))
    first, second = (path.read_bytes() for path in files(pair))
    assert second == files(single)[0].read_bytes()
    assert first != second


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (Call("painter", None, {"prompt": "x"}), "painter"),
        (a_call(steps=4), "steps"),
        (a_call(prompt=7), "prompt"),
        (Call("sketch", None, {}), "prompt"),
        (a_call(width=63), "from 64 to 4096"),
        (a_call(height=5000), "height"),
        (a_call(num_outputs=5), "num_outputs"),
        (a_call(num_outputs=True), "num_outputs"),
        (a_call(width="512"), "'512'"),
        (a_call(seed=1.5), "seed"),
    ],
)
async def test_a_call_that_sketch_cannot_draw_is_refused_with_the_reason(tmp_path: Path, call: Call, word: str) -> None:
    with pytest.raises(CallRefused, match=word):
        await make(SETTINGS, tmp_path).submit(call)


async def test_nothing_was_ever_bought_and_there_is_nothing_to_cancel(tmp_path: Path) -> None:
    factory = make(SETTINGS, tmp_path)
    told = await factory.reconcile([Attempt("one", a_call(), datetime.now(UTC))], [])
    assert isinstance(told["one"], Absent)
    await factory.cancel(await factory.submit(a_call()))
    await factory.close()
    assert not list(tmp_path.iterdir())


async def test_a_work_folder_that_cannot_be_written_is_asked_again_later(tmp_path: Path) -> None:
    (tmp_path / "work").write_text("in the way")
    factory = make(SETTINGS, tmp_path / "work")
    with pytest.raises(AskAgain) as caught:
        await factory.collect(await factory.submit(a_call()))
    assert caught.value.after == 60


def test_red_and_blue_differ_at_a_glance() -> None:
    red, blue = (mean_colour(draw(f"A {colour} car", 256, 256, 7)) for colour in ("red", "blue"))
    assert red[0] > red[2] + 40
    assert blue[2] > blue[0] + 40


def test_without_colour_words_the_prompt_still_decides_the_picture() -> None:
    assert draw("a quiet street", 96, 96, 1).tobytes() != draw("a busy street", 96, 96, 1).tobytes()


ANY_TEXT = [
    "", "\n\t", "猫と車", "\u05d0\u05d3\u05d5\u05dd", "😀\u200d👧", "a\x00b\x1b[31m", "\ud800",
    "W" * 100_000, "red " * 5000 + "cat dog house tree",
]  # fmt: skip


@pytest.mark.parametrize("prompt", ANY_TEXT)
@pytest.mark.parametrize("size", [(64, 64), (400, 64), (64, 400)])
def test_any_text_can_be_drawn_at_any_size(prompt: str, size: tuple[int, int]) -> None:
    assert draw(prompt, *size, seed=-3).size == size


def test_the_largest_sketch_can_be_drawn() -> None:
    assert draw("a blue house", 4096, 4096, 2**40).size == (4096, 4096)


def test_the_caption_names_the_prompt_and_the_seed() -> None:
    """What stands in the strip differs with the prompt's words and the seed, also where the scene is the same."""
    strip = (0, 512 - 30, 512, 512)
    pictures = [draw("a red car", 512, 512, 1), draw("a red cab", 512, 512, 1), draw("a red car", 512, 512, 2)]
    captions = [picture.crop(strip) for picture in pictures]
    assert captions[0].crop((0, 0, 250, 30)).tobytes() != captions[1].crop((0, 0, 250, 30)).tobytes()
    assert captions[0].crop((0, 0, 250, 30)).tobytes() == captions[2].crop((0, 0, 250, 30)).tobytes()
    assert captions[0].crop((400, 0, 512, 30)).tobytes() != captions[2].crop((400, 0, 512, 30)).tobytes()


def test_a_figure_is_what_the_word_says_or_there_is_none() -> None:
    figures = {noun: sketch._figures(f"a {noun}", ((1, 2, 3),)) for noun in ("fox", "door", "wolf", "bear", "hare")}
    assert [noun for noun, found in figures.items() if found] == ["fox", "door"]
    assert {noun: found[0][0] for noun, found in figures.items() if found} == {"fox": "fox", "door": "door"}
    for noun in sketch.FIGURES:
        assert draw(f"a {noun}", 64, 64, 7).tobytes() != draw("a", 64, 64, 7).tobytes()


def test_what_is_named_twice_is_drawn_once() -> None:
    palette = sketch._palette("a fox")
    assert [noun for noun, _ in sketch._figures("a bear and a fox at tea, the fox by a door", palette)] == [
        "fox",
        "door",
    ]
