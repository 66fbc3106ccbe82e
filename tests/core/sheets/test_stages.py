"""A sheet of an order with stages shows beside each picture what every stage made of it, with no place left empty."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from artfactoryd.core.sheets.facts import Picture, facts_of
from artfactoryd.core.sheets.layout import Axes, Layout
from artfactoryd.core.sheets.stages import lay_out_stages, paged

Stage = tuple[str, Sequence[dict[str, Any]]]


def picture(prompt: str, *tokens: str, model: str = "flux", **more: Any) -> Picture:
    told = [("prompt", f"[{token}]", token) for token in tokens]
    facts = facts_of(model, {"prompt": prompt, **more}, told, texts=("prompt",), hidden=(), copy=0)
    return Picture(facts, prompt=prompt)


def made_of(parent: Picture, stage: str, nth: int, **values: Any) -> Picture:
    facts = facts_of(f"{stage}er", values, (), texts=(), hidden=(), copy=0, stage=stage, of_parent=parent.facts)
    return Picture(facts, stage=stage, parent=parent, nth=nth)


def with_stages(first: Sequence[Picture], *stages: Stage) -> Iterator[Picture]:
    """Each stage made of what the one before made."""
    yield from first
    before = list(first)
    for stage, values in stages:
        before = [made_of(one, stage, nth, **value) for one in before for nth, value in enumerate(values)]
        yield from before


CARS = [picture(f"a {colour} {thing}", colour, thing) for colour in ("red", "blue") for thing in ("car", "boat")]
PROMPTS = [picture(f"{noun} number {n}") for n, noun in enumerate(("an old house", "a mill", "the sea"))]
MODELS = [picture(f"a {colour} car", colour, model=model) for model in ("flux", "sdxl") for colour in ("red", "blue")]
UP: Stage = ("up", [{"scale": 2}])
SIZES: Stage = ("size", [{"width": 800}, {"width": 400}])


def sides(layout: Layout) -> tuple[list[str], list[str]]:
    return [" / ".join(one.lines) for one in layout.columns], [" / ".join(one.lines) for one in layout.rows]


@pytest.mark.parametrize(
    ("pictures", "columns", "rows"),
    [
        (
            with_stages(CARS, UP),
            ["car / flux", "car / up", "boat / flux", "boat / up"], ["red", "blue"],
        ),
        (
            with_stages(PROMPTS, UP, SIZES),
            ["flux", "up", "size · width 800", "size · width 400"],
            [one.prompt for one in PROMPTS],
        ),
        (with_stages([picture("a car")], SIZES), ["flux", "size · width 800", "size · width 400"], [""]),
        (
            with_stages(MODELS, ("up", [{}])),
            ["flux / original", "flux / up", "sdxl / original", "sdxl / up"], ["red", "blue"],
        ),
        (
            with_stages(CARS, ("up", [{}, {}])),
            ["red / car", "red / boat", "blue / car", "blue / boat"], ["flux", "up #1", "up #2"],
        ),
    ],
    ids=["two tokens", "prompts", "one", "models", "alike"],
)  # fmt: skip
def test_each_picture_has_beside_it_what_was_made_of_it(
    pictures: Iterator[Picture], columns: list[str], rows: list[str]
) -> None:
    (layout,) = lay_out_stages(list(pictures), Axes())
    assert (sides(layout) == (columns, rows)) or (sides(layout) == (rows, columns))
    assert all(place.picture for place in layout.places)
    for place in layout.places:  # what was made of one picture stands in its row, or in its column
        assert place.picture is not None
        line = [one for one in layout.places if one.row == place.row or one.column == place.column]
        assert sum(one.picture is not None and one.picture.root is place.picture.root for one in line) > 1


def test_where_few_were_sent_on_each_stage_is_for_itself() -> None:
    liked = CARS[:2]
    first, second = lay_out_stages([*CARS, *(made_of(one, "up", 0) for one in liked)], Axes())
    assert (first.heading, second.heading) == ("flux", "up · red")
    assert sides(first) == (["car", "boat"], ["red", "blue"]) and first.is_table
    assert [place.caption for place in second.places] == ["car", "boat"]


def test_many_of_one_picture_are_laid_out_by_what_their_stage_varies() -> None:
    sizes = [{"width": width, "height": height} for width in (1, 2, 3, 4) for height in (5, 6, 7, 8)]
    first, second = lay_out_stages(list(with_stages([picture("a car")], ("size", sizes))), Axes())
    assert len(first.places) == 1 and sides(second) == (["5", "6", "7", "8"], ["1", "2", "3", "4"])


def test_so_many_that_one_table_would_be_a_ribbon_are_stages_one_below_the_other() -> None:
    many = [picture(f"{'a' * n} house") for n in range(40)]
    parts = lay_out_stages(list(with_stages(many, UP)), Axes())
    assert [len(part.places) for part in parts] == [40, 40]


def test_what_is_not_shown_leaves_no_trace_and_a_person_chooses() -> None:
    shown = [one for one in with_stages(CARS, UP, SIZES) if one.stage == "size"]
    (layout,) = lay_out_stages(shown, Axes())
    assert len(layout.columns) * len(layout.rows) == len(shown) == 8
    assert lay_out_stages(list(with_stages(CARS, UP)), Axes(x="stage"))[0].columns


def test_a_stage_with_a_text_of_its_own_leaves_the_first_text_above() -> None:
    texts = [replace(made_of(one, "edit", 0), prompt="at night") for one in CARS]
    for one in texts:
        one.facts["prompt"] = picture("at night").facts["prompt"]  # type: ignore[index]
    (layout,) = lay_out_stages([*CARS, *texts], Axes())
    assert layout.common["prompt"] == "a … …"


def test_pages_keep_together_what_was_made_of_one_picture() -> None:
    whole = list(with_stages(CARS, UP, SIZES))  # four of each
    pages = paged([*whole[::2], *whole[1::2]], 9)
    assert [len(page) for page in pages] == [8, 8] and all(len({id(one.root) for one in page}) == 2 for page in pages)
    assert [len(page) for page in paged(CARS, 3)] == [3, 1] and [len(page) for page in paged(whole, 3)] == [3, 1] * 4


def test_chosen_seeds_tell_the_pictures_of_a_later_stage_apart_too() -> None:
    many = [replace(one, seed=str(seed)) for one in (picture(f"{'a' * n} house") for n in range(20)) for seed in (1, 2)]
    _, second = lay_out_stages(list(with_stages(many, UP)), Axes())
    assert second.is_table and sides(second)[0] == ["1", "2"]
