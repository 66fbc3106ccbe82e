"""A sheet's rows and columns are what its pictures vary in; where that makes no table they follow each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import pytest

from artfactoryd.core.sheets.facts import Picture, facts_of
from artfactoryd.core.sheets.layout import Axes, Layout, lay_out

Token = tuple[str, str, str]


def picture(prompt: str, *tokens: Token, model: str = "flux", copy: int = 0, seed: Any = "", **more: Any) -> Picture:
    facts = facts_of(model, {"prompt": prompt, **more}, tokens, texts=("prompt",), hidden=("seed",), copy=copy)
    return Picture(facts, seed=str(seed), prompt=prompt)


def cars(*lists: tuple[str, Sequence[Any]], colours: Sequence[str] = ("red", "blue", "green")) -> Iterator[Picture]:
    """Slowest first: the colour in the text, then each list."""
    for number, (colour, *values) in enumerate(product(colours, *(values for _, values in lists))):
        more = dict(zip([name for name, _ in lists], values, strict=True))
        token = ("prompt", "[red,blue,green]", colour)
        yield picture(f"a {colour} car", token, **{"seed": 1000 + number, **more})


def sides(layout: Layout) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    return [header.lines for header in layout.columns], [header.lines for header in layout.rows]


def test_an_order_of_three_by_four_has_three_rows_and_four_columns_with_their_names() -> None:
    layout = lay_out(list(cars(("steps", [2, 4, 8, 12]))))
    assert sides(layout) == ([("2",), ("4",), ("8",), ("12",)], [("red",), ("blue",), ("green",)])
    assert (layout.x_title, layout.y_title) == ("steps", "")
    assert [place.caption for place in layout.places][:2] == ["seed 1000", "seed 1001"]
    assert layout.common == {"model": "flux", "prompt": "a … car"}


def test_three_lists_share_the_two_sides_and_each_name_says_what_it_is() -> None:
    layout = lay_out(list(cars(("steps", [2, 4]), ("guidance", [1.5, 3]))))
    columns, rows = sides(layout)
    assert rows == [("red",), ("blue",), ("green",)]
    assert columns == [
        ("steps 2", "guidance 1.5"), ("steps 2", "guidance 3"), ("steps 4", "guidance 1.5"), ("steps 4", "guidance 3"),
    ]  # fmt: skip


def test_models_that_are_compared_are_columns() -> None:
    pictures = [
        picture(f"a {colour} car", ("prompt", "[colour]", colour), model=model, steps=steps)
        for model, steps in (("flux", 4), ("sdxl", 30), ("recraft", 1)) for colour in ("red", "blue")
    ]  # fmt: skip
    layout = lay_out(pictures)
    assert sides(layout) == ([("flux",), ("sdxl",), ("recraft",)], [("red",), ("blue",)])
    assert layout.y_title == "colour"


def test_what_follows_from_something_else_is_not_named_again() -> None:
    """Of cases: the width follows from the name."""
    pictures = [
        picture(f"{animal} at {hour}", ("prompt", "[animal]", animal), ("prompt", "[hour]", hour), width=width)
        for animal, width in (("cat", 512), ("dog", 768), ("owl", 640)) for hour in ("dawn", "noon")
    ]  # fmt: skip
    columns, rows = sides(lay_out(pictures))
    assert sorted([columns, rows]) == [[("cat",), ("dog",), ("owl",)], [("dawn",), ("noon",)]]


def test_copies_of_written_seeds_are_named_by_their_seed_and_others_by_their_number() -> None:
    def made(seeds: Sequence[int]) -> Layout:
        pictures = [
            picture(f"a {colour} car", ("prompt", "[red,blue]", colour), copy=copy, seed=seeds[3 * nth + copy])
            for nth, colour in enumerate(("red", "blue")) for copy in range(3)
        ]  # fmt: skip
        return lay_out(pictures)

    assert sides(made([7, 8, 9, 7, 8, 9]))[0] == [("7",), ("8",), ("9",)]
    derived = made([11, 22, 33, 44, 55, 66])
    assert sides(derived)[0] == [("1",), ("2",), ("3",)] and derived.x_title == "copy"
    assert derived.places[0].caption == "seed 11"


def test_pictures_that_vary_in_one_thing_follow_each_other_with_it_as_caption() -> None:
    layout = lay_out(list(cars()))
    assert not layout.is_table and [place.caption for place in layout.places] == ["red", "blue", "green"]


def test_long_texts_are_told_apart_by_the_words_in_which_they_differ() -> None:
    ends = "on a hill at dawn, photograph, 35 mm, film grain"
    layout = lay_out([picture(f"a fine old {noun} {ends}") for noun in ("house", "lighthouse", "mill")])
    assert [place.caption for place in layout.places] == ["house", "lighthouse", "mill"]


def test_a_sparse_table_is_none() -> None:
    pictures = [picture(f"a {n} car", ("prompt", "[a]", str(n)), steps=n) for n in range(9)]
    mixed = [picture(f"a {n} car", ("prompt", "[a]", str(n)), steps=n % 4, guidance=n % 3) for n in range(12)]
    assert not lay_out(pictures).is_table
    assert len(lay_out(mixed).places) == 12


@pytest.mark.parametrize(
    ("axes", "columns"),
    [
        (Axes(x="prompt"), [("red",), ("blue",), ("green",)]),
        (Axes(y="steps"), [("red",), ("blue",), ("green",)]),
        (Axes(x="steps", y="prompt"), [("2",), ("4",)]),
    ],
)
def test_a_person_chooses(axes: Axes, columns: list[tuple[str, ...]]) -> None:
    assert sides(lay_out(list(cars(("steps", [2, 4]))), axes))[0] == columns


def test_several_pictures_of_one_place_stand_beside_each_other() -> None:
    layout = lay_out([*cars(("steps", [2, 4])), *cars(("steps", [2, 4]))])
    assert len(layout.places) == 12 and len({(place.row, place.column) for place in layout.places}) == 12


def test_numbers_of_many_orders_come_in_their_order() -> None:
    pictures = [picture("a car", steps=steps, guidance=guidance) for steps in (12, 4) for guidance in (3, 10, 2)]
    assert sides(lay_out(pictures, sorts=True))[0] == [("2",), ("3",), ("10",)]


def test_a_hundred_combinations_that_are_missing_a_few_keep_their_places() -> None:
    pictures = list(cars(("steps", [2, 4, 8, 12])))
    layout = lay_out(pictures[:5] + pictures[6:])
    empty = [place for place in layout.places if place.picture is None]
    assert layout.is_table and [(place.row, place.column) for place in empty] == [(1, 1)]


def test_pictures_that_vary_in_everything_are_laid_out_at_once() -> None:
    """What rows and columns could name is a number of thirty digits here, and nobody counts up to it."""
    pictures = [
        picture(f"a {n} car", model=f"m{n % 7}", **{f"p{k}": (n * (k + 3)) % (11 + k) for k in range(24)}, seed=n)
        for n in range(200)
    ]  # fmt: skip
    assert len(lay_out(pictures).places) == 200
    table = lay_out(pictures, Axes(x="model"))
    assert len(table.columns) == 7 and sum(place.picture is not None for place in table.places) == 200
