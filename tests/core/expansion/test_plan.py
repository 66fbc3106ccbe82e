from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from artfactoryd import documents, schema
from artfactoryd.core.catalog import Catalog
from artfactoryd.core.expansion.expand import base_seed, make_plan
from artfactoryd.core.expansion.hold_reasons import reasons_to_hold
from artfactoryd.core.expansion.plan import LARGEST, Plan, PlannedItem
from artfactoryd.core.money import micro_dollars
from artfactoryd.core.order import read_order
from artfactoryd.planning import models as library
from tests.orders import MODEL, model, order, plan, plan_text, sets, told

CARS = Path(__file__).parents[3] / "examples" / "01-cars.yaml"
SEED_MOST = 2147483647
MEGAPIXEL = model(price={"usd": 0.01, "per": "megapixel"})


def seeds(of: Plan) -> dict[str, int | None]:
    """The seed of each combination, whatever its place."""
    return {repr(sorted((k, v) for k, v in item.parameters.items() if k != "seed")): item.seed for item in of.items()}


# --- the running example ---


def test_the_running_example_gives_exactly_four_items_in_its_order() -> None:
    document = documents.read_documents(CARS.read_bytes(), "cars.yaml")[0]
    found = read_order(document.value, name="cars", project=None)
    flux = Catalog(library.load_catalog(None)[0]).find(found.provider, found.model)
    assert flux is not None
    cars = make_plan(found, flux, 1, written=document.written, check=schema.check_value)
    assert (cars.problems, cars.warnings, cars.total_items, cars.total_products) == ((), (), 4, 4)
    items = list(cars.items())
    assert [(item.parameters["prompt"], item.parameters["num_inference_steps"]) for item in items] == [
        ("A red car", 2), ("A red car", 4), ("A blue car", 2), ("A blue car", 4),
    ]  # fmt: skip
    assert [(item.number, item.first_index, item.seed, item.parameters["seed"]) for item in items] == [
        (1, 1, 7, 7), (2, 2, 7, 7), (3, 3, 7, 7), (4, 4, 7, 7),
    ]  # fmt: skip
    assert items[2].tokens == (("prompt", "[red,blue]", "blue"),)
    assert cars.total_price() == 12_000
    assert reasons_to_hold(cars, most_products=100, cap=5_000_000) == []


# --- any order ---

WORDS = st.lists(st.sampled_from(["red", "blue", "", "a b"]), min_size=2, max_size=3, unique=True)
TOKENS = WORDS.map(lambda words: f"[{','.join(words)}]")
TEXTS = st.lists(TOKENS, max_size=2).map(lambda tokens: "a " + " ".join(tokens))
ORDERS = st.fixed_dictionaries(
    {"prompt": TEXTS | st.lists(TEXTS, min_size=1, max_size=3)},
    optional={
        "negative_prompt": TEXTS, "steps": st.lists(st.integers(1, 50), min_size=1, max_size=3),
        "num_outputs": st.lists(st.integers(1, 4), min_size=1, max_size=3), "caption": st.text(max_size=3),
        "seed": st.lists(st.integers(-1, 9), min_size=1, max_size=3), "width": st.sampled_from([[512], [512, 2048]]),
        "guidance": st.just("1,2.5"),
    },
)  # fmt: skip
PRICES = st.sampled_from([
    {"usd": 0.003, "per": "image"}, {"usd": 0.0000004, "per": "image"}, {"usd": 0.0000015, "per": "megapixel"},
    {"usd": 0.001, "per": "second", "seconds": 0.0007}, {"usd": 0.02, "per": "call"}, None,
])  # fmt: skip


@given(ORDERS, PRICES)
def test_counts_and_prices_are_those_of_the_items(parameters: dict[str, Any], price: dict[str, Any] | None) -> None:
    found = plan(parameters, of=model(price=price))
    assert found.problems == ()
    items = list(found.items())
    assert found.total_items == len(items)
    assert found.total_products == sum(item.asked for item in items)
    assert found.total_price() == (None if price is None else sum(item.upper for item in items))
    assert [item.number for item in items] == list(range(1, len(items) + 1))
    ends = itertools.accumulate((item.asked for item in items), initial=1)
    assert [item.first_index for item in items] == list(ends)[:-1]


@given(ORDERS, st.data())
def test_items_taken_up_anywhere_are_the_same_items(parameters: dict[str, Any], data: st.DataObject) -> None:
    found = plan(parameters)
    items = list(found.items())
    start = data.draw(st.integers(0, len(items) - 1))
    again = plan(parameters)  # as after a restart
    assert list(again.items(items[start].number, items[start].first_index)) == items[start:]
    assert list(again.items(len(items) + 1, 1)) == []


@given(ORDERS)
def test_items_come_in_the_documented_order(parameters: dict[str, Any]) -> None:
    found = plan(parameters)
    texts = [name for name in parameters if name in MODEL.text]
    lists = [name for name in parameters if name not in MODEL.text]
    axes = {axis.parameter: [axis.shown(place) for place in range(axis.size)] for axis in found.axes}
    assert list(axes) == texts + lists
    combinations = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    written = [each.pop("seed", None) for each in combinations]
    assert sets(found) == combinations
    assert all(seed in (None, -1, item.seed) for seed, item in zip(written, found.items(), strict=True))


@given(st.text() | st.lists(st.text(), max_size=3), st.text(), st.booleans())
def test_any_characters_give_items_or_problems(prompt: Any, guidance: str, validate: bool) -> None:
    found = plan({"prompt": prompt, "guidance": guidance, "title": prompt}, validate=validate)
    if not found.problems:
        assert found.total_items >= 1
        assert next(found.items()).number == 1


def test_a_call_for_several_outputs_takes_as_many_places() -> None:
    found = plan({"prompt": "[a,b]", "num_outputs": [3, 1]})
    assert [(item.first_index, item.asked, item.upper) for item in found.items()] == [
        (1, 3, 9_000), (4, 1, 3_000), (5, 3, 9_000), (8, 1, 3_000),
    ]  # fmt: skip
    assert (found.total_products, found.total_price()) == (8, 24_000)


def test_a_batch_parameter_left_out_counts_as_its_default() -> None:
    schema = {"properties": {"prompt": {"type": "string"}, "num_outputs": {"type": "integer", "default": 3}}}
    found = plan({"prompt": "[a,b]"}, of=model(schema=schema))
    assert [item.asked for item in found.items()] == [3, 3]
    assert found.total_products == 6


def test_one_item_is_made_by_its_number() -> None:
    found = plan({"prompt": "[a,b,c]", "num_outputs": 2})
    assert [found.item(number) for number in (1, 2, 3)] == list(found.items())


def test_a_plan_of_a_billion_items_is_counted_without_making_them() -> None:
    digits = "[0,1,2,3,4,5,6,7,8,9]"
    found = plan({"prompt": digits * 9, "num_outputs": [1, 2]})
    assert (found.total_items, found.total_products) == (2 * 10**9, 3 * 10**9)
    assert found.total_price() == 3 * 10**9 * 3_000
    assert next(found.items(10**9 + 1, 1)).parameters["prompt"] == "500000000"
    assert [reason.code for reason in reasons_to_hold(found, most_products=100, cap=1)] == ["limit", "budget"]


@pytest.mark.parametrize("count", [64, 20_000])
def test_an_order_too_large_to_count_is_refused(count: int) -> None:
    found = plan({"prompt": "[a,b]" * count})
    assert told(found.problems) == [("E_TOO_LARGE", "parameters", None)]


@pytest.mark.parametrize(
    ("keys", "key"), [({"price": {"usd": 1e300}}, "price"), ({"budget": 1e13}, "budget"), ({"seed": 2**63}, "seed")]
)
def test_numbers_the_index_cannot_hold_are_refused(keys: dict[str, Any], key: str) -> None:
    found = plan({"prompt": "a"}, of=model(price=None), **keys)
    assert [problem.key for problem in found.problems] == [key]


def test_a_written_seed_the_index_cannot_hold_is_refused_even_unchecked() -> None:
    found = plan({"prompt": "a", "seed": LARGEST + 1}, validate=False)
    assert told(found.problems) == [("E_VALUE", "parameters", None)]


# --- seeds ---


def only(of: Plan) -> PlannedItem:
    (item,) = of.items()
    return item


@pytest.mark.parametrize("written", [0, 7, SEED_MOST])
def test_a_written_seed_is_the_one_sent(written: int) -> None:
    item = only(plan({"prompt": "a", "seed": written}, seed=99))
    assert (item.seed, item.parameters["seed"]) == (written, written)


@pytest.mark.parametrize("written", ["", "seed: -1", "seed: null", 'seed: "-1"', 'seed: " -1 "', "seed: [-1]"])
def test_no_seed_null_and_minus_one_are_one_and_the_same_derived_seed(written: str) -> None:
    item = only(plan_text(f"prompt: a\n{written}"))
    assert item == only(plan({"prompt": "a"}))
    assert item.parameters["seed"] == item.seed


def test_a_seed_list_may_mix_written_and_derived_seeds() -> None:
    first, second = plan({"prompt": "a", "seed": [7, -1]}).items()
    assert (first.seed, second.seed) == (7, only(plan({"prompt": "a"})).seed)


def test_a_model_without_a_seed_is_sent_none() -> None:
    item = only(plan({"prompt": "a"}, of=model(seed=None)))
    assert item.seed is None
    assert "seed" not in item.parameters


@given(ORDERS, st.integers(0, 2**62))
def test_every_seed_is_in_the_models_range(parameters: dict[str, Any], base: int) -> None:
    assert all(0 <= (item.seed or 0) <= SEED_MOST for item in plan(parameters, base=base).items())


@pytest.mark.parametrize(
    ("schema", "least", "most"),
    [
        ({"type": "integer"}, 0, SEED_MOST), ({"type": "integer", "minimum": 5, "maximum": 6}, 5, 6),
        ({"type": "integer", "minimum": -3, "exclusiveMaximum": -1}, -3, -2),
        ({"type": "integer", "exclusiveMinimum": 8, "maximum": 9}, 9, 9),
        ({"type": "integer", "minimum": 2**40}, 2**40, 2**40),
    ],
)  # fmt: skip
def test_derived_seeds_fill_the_range_the_schema_gives(schema: dict[str, Any], least: int, most: int) -> None:
    of = model(schema={"properties": {"prompt": {"type": "string"}, "seed": schema}})
    found = {item.seed for item in plan({"prompt": [f"p{n}" for n in range(40)]}, of=of).items()}
    assert all(least <= (seed or 0) <= most for seed in found)
    assert len(found) == min(40, most - least + 1)


def test_a_written_seed_is_never_bent_into_a_range_nobody_stated() -> None:
    of = model(schema={"properties": {"prompt": {"type": "string"}, "seed": {"type": "integer"}}})
    assert only(plan({"prompt": "a", "seed": 5_000_000_000}, of=of)).seed == 5_000_000_000


@given(ORDERS, ORDERS)
def test_adding_values_changes_no_other_items_seed(parameters: dict[str, Any], more: dict[str, Any]) -> None:
    """The order grows at the end and in the middle: what it still contains keeps its seeds."""

    def as_list(value: Any) -> list[Any]:
        return value if isinstance(value, list) else [value]

    before = {name: value for name, value in parameters.items() if name not in ("seed", "guidance", "caption")}
    after = {name: [*as_list(more.get(name, [])), *as_list(value)] for name, value in before.items()}
    old, new = seeds(plan(before)), seeds(plan(after))
    assert old.items() <= new.items()


@given(ORDERS)
def test_the_place_of_a_parameter_changes_no_seed(parameters: dict[str, Any]) -> None:
    assert seeds(plan(parameters)) == seeds(plan(dict(reversed(parameters.items()))))


@settings(max_examples=30)
@given(st.integers(0, 2**62), st.integers(0, 2**62))
def test_another_base_seed_gives_other_seeds(one: int, other: int) -> None:
    same = seeds(plan({"prompt": "[a,b]"}, base=one)) == seeds(plan({"prompt": "[a,b]"}, base=other))
    assert same == (one == other)


def test_other_values_and_other_copies_have_other_seeds() -> None:
    found = plan({"prompt": "[a,b,c]", "steps": "1,2,3"})
    assert len(set(seeds(found).values())) == 9
    copies = [item.seed for item in plan({"prompt": "a"}, of=model(batch=None), count=9).items()]
    assert len(set(copies)) == 9
    wrapped = plan({"prompt": "a", "seed": SEED_MOST}, of=model(batch=None), count=3)
    assert [item.seed for item in wrapped.items()] == [SEED_MOST, 0, 1]


def test_derived_seeds_stay_what_they_were() -> None:
    """An edited order keeps its seeds across releases, or what is reused would be bought again."""
    item = only(plan({"prompt": "a red car", "steps": 2}, base=42))
    assert item.seed == 68790133


def test_the_base_seed_is_the_written_one_else_of_project_name_and_runs() -> None:
    def base(runs: int = 0, **keys: Any) -> int:
        return base_seed(read_order(order({"prompt": "a"}, **keys), name="cars", project=None), runs)

    assert base(seed=7) == base(seed=7.0, project="x", runs=3) == 7
    assert base(seed=0) == 0
    bases = [base(), base(1), base(2), base(project="x"), base(name="vans"), base(project="x", name="vans")]
    assert len(set(bases)) == 6
    assert all(0 <= each <= LARGEST for each in bases)
    assert base(project="e\u0301") == base(project="é")
    assert isinstance(base(name="\udce9"), int)  # of a file name that is no UTF-8


# --- price, and reasons to hold ---


def test_a_rehearsal_costs_nothing_whatever_the_price() -> None:
    for price in ({"usd": 1, "per": "image"}, None):
        found = plan({"prompt": "[a,b]"}, of=model(price=price), rehearse=True)
        assert found.total_price() == 0
        assert [item.upper for item in found.items()] == [0, 0]
        assert reasons_to_hold(found, most_products=100, cap=0) == []


def test_a_price_by_size_counts_each_size_and_the_models_own_where_none_is_given() -> None:
    found = plan({"prompt": "[a,b]", "width": [1000, 2000], "height": 1000}, of=MEGAPIXEL)
    assert [item.upper for item in found.items()] == [10_000, 20_000] * 2
    assert only(plan({"prompt": "a"}, of=MEGAPIXEL)).upper == 20_000  # 1024 x 1024 is a little more than one


FAL = {each.names[1]: each for each in library.load_catalog(None)[0] if each.provider == "fal"}
SIZED: list[tuple[Any, int]] = [
    ({}, 25_000),  # landscape_4_3 by default
    ({"image_size": "square"}, 25_000),
    ({"image_size": "square_hd"}, 50_000),  # 1024 x 1024 is a little more than one
    ({"image_size": {"width": 2000, "height": 1500}}, 75_000),
    ({"image_size": "portrait_16_9", "num_images": 4}, 100_000),
    ({"image_size": ["square", {"width": 1001, "height": 1000}]}, 75_000),
]


@pytest.mark.parametrize(("parameters", "total"), SIZED, ids=str)
def test_a_price_by_size_knows_the_sizes_by_name_and_written_out(parameters: dict[str, Any], total: int) -> None:
    found = plan({"prompt": "a", **parameters}, of=FAL["flux-dev"])
    assert (found.problems, found.total_price()) == ((), total)
    assert sum(item.upper for item in found.items()) == total


@pytest.mark.parametrize("size", ["square-hd", {"width": 512}, {"width": 0, "height": 5}, 7])
def test_a_size_the_model_does_not_take_is_a_problem(size: Any) -> None:
    assert [each.key for each in plan({"prompt": "a", "image_size": size}, of=FAL["flux-dev"]).problems] == [
        "parameters.image_size"
    ]


def test_a_price_by_size_is_by_the_picture_where_the_model_follows_that() -> None:
    found = plan({"prompt": "a", "image_url": ["small.jpg", "large.jpg"]}, of=FAL["flux-dev-image-to-image"])
    assert found.total_price() is None  # before the pictures were looked at
    sizes = {"small.jpg": (640, 480), "large.jpg": (4000, 3000)}
    assert [item.upper for item in replace(found, input_sizes=sizes).items()] == [30_000, 360_000]
    assert replace(found, input_sizes=sizes).total_price() == 390_000


def test_the_orders_own_price_counts_only_where_the_catalogues_is_not_known() -> None:
    price = {"usd": 0.5, "per": "image"}
    known, unknown = plan({"prompt": "a"}, price=price), plan({"prompt": "a"}, of=model(price=None), price=price)
    assert (known.total_price(), told(known.warnings)) == (3_000, [("W_PRICE", "price", None)])
    assert (unknown.total_price(), unknown.warnings) == (500_000, ())
    sizeless = model(price={"usd": 0.01, "per": "megapixel"}, schema={"properties": {"prompt": {"type": "string"}}})
    assert plan({"prompt": "a"}, of=sizeless).total_price() is None
    assert plan({"prompt": "a"}, of=sizeless, price=price).total_price() == 500_000
    assert plan({"prompt": "a"}, of=sizeless, price=price).warnings == ()


@pytest.mark.parametrize(
    ("products", "cap", "price", "codes"),
    [
        (100, "0.30", {"usd": 0.003}, []), (101, "0.303", {"usd": 0.003}, ["limit"]),
        (100, "0.299999", {"usd": 0.003}, ["budget"]), (101, "0.01", {"usd": 0.003}, ["limit", "budget"]),
        (1, "5", None, ["price"]), (101, "5", None, ["limit", "price"]), (1, "0", {"usd": 0}, []),
    ],
)  # fmt: skip
def test_an_order_is_held_beyond_its_limit_its_cap_or_without_a_price(
    products: int, cap: str, price: dict[str, Any] | None, codes: list[str]
) -> None:
    found = plan({"prompt": [f"p{n}" for n in range(products)]}, of=model(price=price))
    reasons = reasons_to_hold(found, most_products=100, cap=micro_dollars(Decimal(cap)))
    assert [reason.code for reason in reasons] == codes
    assert [reason.code for reason in reasons if not reason.waivable] == [code for code in codes if code == "price"]


def test_the_reasons_say_count_and_price_in_plain_words() -> None:
    found = plan({"prompt": [f"p{n}" for n in range(101)]})
    limit, budget = reasons_to_hold(found, most_products=100, cap=300_000)
    assert "101 products" in limit.text
    assert "$0.303" in budget.text and "$0.30" in budget.text
    (price,) = reasons_to_hold(plan({"prompt": "a"}, of=model(price=None)), most_products=100, cap=1)
    assert "price: {usd: …, per: image}" in price.text


@pytest.mark.parametrize(
    ("prompts", "cap", "said"),
    [
        (2, 9_000, ["Its 2 items may cost up to $0.006; above $0.002 you are asked first."]),
        (1, 9_000, ["Its 1 item may cost up to $0.003; above $0.002 you are asked first."]),
        (2, 5_000, ["It may cost up to $0.006; an order may spend $0.005.", "Above $0.002 you are asked first."]),
    ],
)
def test_a_price_within_the_cap_is_asked_about_and_two_reasons_read_as_one_text(
    prompts: int, cap: int, said: list[str]
) -> None:
    found = plan({"prompt": [f"p{n}" for n in range(prompts)]})
    reasons = reasons_to_hold(found, most_products=100, cap=cap, ask_above=2_000)
    assert [reason.text for reason in reasons] == said and all(reason.waivable for reason in reasons)
    assert reasons_to_hold(found, most_products=100, cap=9_000, ask_above=6_000) == []


def test_problems_of_the_order_come_before_those_of_its_parameters() -> None:
    found = plan({"prompt": "[a"}, project="../x")
    assert [problem.code for problem in found.problems] == ["E_PROJECT", "E_UNCLOSED"]


# --- pictures ---

PICTURES = model(
    schema={"type": "object", "properties": {
        "prompt": {"type": "string"}, "photo": {"type": "string", "format": "uri"}, "mask": {"type": "string"},
        "seed": {"type": "integer"},
    }},
    image="mask", synonyms={"image": "photo"},
)  # fmt: skip


def pictured(parameters: dict[str, Any], **sha256: str) -> list[int | None]:
    """The seeds of an order's items, `sha256` being the bytes of each picture by its stem."""
    found = plan(parameters, PICTURES)
    values = [value for value in (item.parameters.get("photo") for item in found.items()) if value]
    known = {value: sha256[Path(value).stem] for value in values}
    return [item.seed for item in replace(found, inputs=known).items()]


def test_a_pictures_seed_depends_on_its_bytes_and_not_on_its_path() -> None:
    here = pictured({"prompt": "a", "image": ["a.png", "b.png"]}, a="1", b="2")
    there = pictured({"prompt": "a", "photo": ["inputs/x.png", "inputs/y.png"]}, x="1", y="2")
    assert here == there and len(set(here)) == 2
    assert pictured({"prompt": "a", "image": ["a.png", "b.png"]}, a="1", b="3") != here


def test_only_a_parameter_that_takes_pictures_is_told_by_its_bytes() -> None:
    assert PICTURES.files == ("photo", "mask")
    one, two = (pictured({"prompt": prompt, "photo": "a.png"}, a="1") for prompt in ("a.png", "b.png"))
    assert one != two


# --- lookups of the Library ---


def test_a_plan_says_which_lookups_it_needs_and_the_orders_own_win() -> None:
    library = {"color": ["red", "shades"], "shades": ["pink"], "size": ["big"], "age": ["old"]}
    found = read_order(order({"prompt": "[color] [size]"}, lookups={"size": ["small"]}), name="x", project=None)
    made = make_plan(found, MODEL, 1, written=lambda path: None, check=schema.check_value, lookups=library)
    assert [item.parameters["prompt"] for item in made.items()] == ["red small", "pink small"]
    assert made.lookups == {"color": ["red", "shades"], "shades": ["pink"], "size": ["small"]}


KEYS = ("r8_" + "x1" * 19, "sk-" + "a1b2" * 8, "0123abcd-0000-1111-2222-0123456789ab:" + "f0" * 16)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    "found",
    [
        lambda key: plan({"prompt": f"a car {key}"}), lambda key: plan({"prompt": "a car"}, notes=key),
        lambda key: plan({"prompt": ["a", f"b {key}"]}), lambda key: plan({"prompt": "a [x]"}, lookups={"x": [key]}),
        lambda key: plan({"prompt": "a car"}, cases=[{"prompt": key}]),
    ],
)  # fmt: skip
def test_what_looks_like_a_key_holds_the_order_and_is_not_repeated(found: Callable[[str], Plan], key: str) -> None:
    [warning] = [warning for warning in found(key).warnings if warning.code == "W_SECRET"]
    assert warning.holds and key not in warning.message + warning.fix


def test_words_that_only_begin_like_a_key_hold_nothing() -> None:
    of = plan({"prompt": "a sk-etch of r8_ and hf_x, 12345678-aaaa"}, notes="key parameters")
    assert not [warning for warning in of.warnings if warning.code == "W_SECRET"]
