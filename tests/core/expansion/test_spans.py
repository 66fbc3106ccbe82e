"""The fast way of making items equals the plain one, value by value, whatever is in an order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from artfactoryd import schema
from artfactoryd.core.expansion import spans
from artfactoryd.core.expansion.expand import make_plan
from artfactoryd.core.expansion.items import Counted
from artfactoryd.core.expansion.plan import Plan, PlannedItem
from artfactoryd.core.grammar import pieces
from artfactoryd.core.model import Model
from artfactoryd.core.order import read_order
from artfactoryd.core.pricing.amounts import Reading
from artfactoryd.core.pricing.price import Part, Price
from tests.core.expansion.test_stages import EDITOR
from tests.orders import MODEL, model

Then = tuple[Mapping[str, Any], ...]
PICTURE = {**dict(MODEL.properties), "image": {"type": "string", "format": "uri"}}
SHOT = {"type": "object", "properties": {"prompt": {"type": "string"}, "face": {"type": "string", "format": "uri"}}}
MODELS = {
    "painter": MODEL,
    "by megapixel": replace(MODEL, price=Price((Part("0.01", "megapixel"),))),
    "by values": replace(
        MODEL,
        price=Price.from_mapping(
            {
                "parts": [
                    {"usd": 0.01, "when": {"steps": [1, 2, 4, 20]}},
                    {"usd": 0.02, "when": {"steps": [3, 5, 6, 8]}},
                    {"usd": 0.03, "when": {"steps": "2*"}, "surcharge": True},
                    {"usd": 0.001, "per": "call"},
                ]
            }
        ),
    ),
    "by characters": replace(
        MODEL, price=Price((Part("0.06", "character", 1000, reading=Reading("negative_prompt")), Part("0.001")))
    ),
    "of a picture": model(schema={"type": "object", "properties": PICTURE}, image="image"),
    "with texts inside": model(schema={"properties": {**PICTURE, "shots": {"type": "array", "items": SHOT}}}),
    "without a seed": replace(MODEL, seed=None),
    "with few seeds": model(schema={**MODEL.schema, "properties": {**PICTURE, "seed": {"minimum": 5, "maximum": 9}}}),
    "known by name alone": Model.from_mapping({"provider": "acme", "model": "bare", "schema": {}, "seed": "seed"}, ""),
}
LOOKUPS = {
    "color": ["red", "green", 'b"lue', "100%"],
    "place": ["夏\u2028", "color", "\\"],
    "one": ["1"],
    "wild": {"wildcards": ["plain", "{a|2::b} %s", "2::__color__", "{2$$x|y|z}"]},
    "calm": {"wildcards": ["3::m", "n"]},
}
PIECES = st.sampled_from([
    "a ", "[x,y]", "[x,y,]", "[1,2,3]", "[color]", "[color_1]", "[color:2]", "[place]", "[=color]", "[one]", "%s ",
    '"quoted" \\[', "[~a,b]", "[~color*2,c]", "é😀", " || ", "[50%,%s]", "[wild]", "[~wild,q]", "[calm]", "[=wild]",
])  # fmt: skip
TEXTS = st.lists(PIECES, min_size=1, max_size=4).map("".join)
TEXT = TEXTS | st.lists(TEXTS, min_size=2, max_size=2)
SEEDS = st.sampled_from([7, -1, "1..5", [3, -1, 8], [2147483647, 0], "1|2", 10**12, "-1"])
OTHERS: dict[str, st.SearchStrategy[Any]] = {
    "negative_prompt": st.sampled_from(["[m,n]", "plain", ["[=color] [o,p]", "q || r"]]),
    "title": st.sampled_from(["[ab,cd]", "abc"]), "seed": SEEDS,
    "steps": st.sampled_from(["1..6", "4,8", "4|8", "4,5|6", 20, [1, 2, 3]]),
    "guidance": st.sampled_from(["0..0.5..0.1", 3.5, "1|2"]), "hires": st.sampled_from(["true,false", True]),
    "aspect_ratio": st.sampled_from([["1:1", "a, b"], "1:1"]), "num_outputs": st.sampled_from([2, "1,2", [4, 1, 2]]),
    "caption": st.sampled_from(["%s", ["%d", "%%", '"', "é"]]), "height": st.just("512,768"),
    "loras": st.sampled_from([["a", "b"], [["a"], ["b", "c"], []]]), "width": st.sampled_from([512, "512,2048"]),
    "size": st.sampled_from(["square,wide", [{"width": 3}, "square"]]),
    "image": st.sampled_from(["a.png", ["a.png", "b.png", "%c.png"]]),
    "shots": st.sampled_from([
        [{"prompt": "[x,y] %s", "face": "a.png"}, {"prompt": "[color:2] \\["}], [{"prompt": "[=color] [~a,b]"}],
        [[{"prompt": "plain"}], [{"prompt": "[wild] [=sku]"}, {}], [{"prompt": '"[1,2]"', "face": "b.png"}]],
    ]),
}  # fmt: skip
EXCLUDE = st.sampled_from([[], [{"prompt": "[x,y]"}], [{"steps": "4,5", "hires": True}, {"guidance": "0..0.5..0.1"}]])
FIELDS = [{"sku": "A%s"}, {"prompt": "[x,y] [=sku]"}, {"sku": '"b"', "prompt": "[=sku] [1,2,3] [=color]"}]
CASES = st.sampled_from(
    [None, FIELDS, [{"steps": "1,2"}, {"prompt": "[x,y] [color]", "seed": 3}, {"negative_prompt": "n"}]]
)
TWO_STAGES: Then = ({"prompt": "[oil,ink]"}, {"prompt": "[a,b]", "strength": "1,2"})
THEN: st.SearchStrategy[Then] = st.sampled_from([(), (), ({"strength": [1, 2, 3]},), TWO_STAGES])
KEYS = st.fixed_dictionaries({}, optional={
    "count": st.sampled_from([1, 2, 5]), "exclude": EXCLUDE, "cases": CASES, "validate": st.just(False),
    "sample": st.integers(1, 9), "rehearse": st.just(True),
})  # fmt: skip
MOST_ITEMS = 600
INPUTS = {"a.png": "1" * 64, "b.png": "2" * 64}
SIZES = {"a.png": (640, 480), "b.png": (3000, 2000)}


@dataclass(frozen=True)
class Sample:
    """An order as it is drawn: everything that makes rows, lists and copies."""

    parameters: Mapping[str, Any]
    models: tuple[str, ...] = ("painter",)
    keys: Mapping[str, Any] = field(default_factory=dict)
    then: Then = ()

    def plan(self) -> Plan:
        stages = [{"provider": "acme", "model": "editor", "parameters": own} for own in self.then]
        named = [{"provider": "acme", "model": name} for name in self.models]
        head = {"models": named} if len(named) > 1 else named[0]
        document = {**head, "parameters": self.parameters, "lookups": LOOKUPS, **self.keys, "then": stages}
        order = read_order({key: value for key, value in document.items() if value}, name="cars", project=None)
        chosen = [MODELS[name] for name in self.models]
        made = make_plan(
            order, chosen[0], 1, written=lambda path: None, check=schema.check_value, models=chosen,
            later=[EDITOR] * len(self.then),
        )  # fmt: skip
        return replace(made, inputs=INPUTS, input_sizes=SIZES)


def is_right_and_small(order: Sample) -> bool:
    made = order.plan()
    return not made.problems and 0 < made.total_items <= MOST_ITEMS


@st.composite
def orders(draw: st.DrawFn) -> Sample:
    models = draw(st.lists(st.sampled_from(sorted(MODELS)), min_size=1, max_size=2, unique=True))
    known = [name for name in OTHERS if all(takes(model, name) for model in models)]
    names = draw(st.sets(st.sampled_from(known), max_size=4))
    written = {"prompt": draw(TEXT), **{name: draw(OTHERS[name]) for name in sorted(names)}}
    parameters = {name: written[name] for name in draw(st.permutations(list(written)))}
    return Sample(parameters, tuple(models), draw(KEYS), draw(THEN))


def takes(model: str, name: str) -> bool:
    return not MODELS[model].properties or name in MODELS[model].properties


@contextmanager
def the_plain_way() -> Iterator[None]:
    with patch.object(spans, "runs_in_spans", return_value=False):
        yield


@contextmanager
def prepared_together(most: int) -> Iterator[None]:
    """Small enough that one row, or one text, is several spans."""
    with (
        patch.object(spans, "TOGETHER", most), patch.object(spans, "MOST_TOGETHER", most),
        patch.object(pieces, "TOGETHER", most),
    ):  # fmt: skip
        yield


def told(item: PlannedItem) -> tuple[object, ...]:
    """1, 1.0 and True are three values here, and the order of the parameters counts as well."""
    return (*item._replace(parameters={}), repr(item.parameters))


@settings(max_examples=150, deadline=None)
@given(orders().filter(is_right_and_small), st.sampled_from([1, 3, 10, 1000]), st.integers(0, 10**6))
@example(Sample({"prompt": "a", "seed": [-1, -1.0]}, ("known by name alone",)), 1000, 0)
@example(Sample({"prompt": "[x,y]", "seed": -1.0}, ("known by name alone",), {"validate": False}), 1000, 0)
@example(Sample({"prompt": "[x,y]", "seed": True}, ("known by name alone",), {"validate": False}), 1000, 1)
@example(Sample({"prompt": "[x,y] [color] [1,2,3]", "negative_prompt": "[m,n]"}), 3, 4)
@example(Sample({"prompt": "[x,y] [color]"}, keys={"cases": FIELDS}), 3, 2)
@example(Sample({"prompt": "[x,y,]", "steps": "4,5"}, keys={"exclude": [{"prompt": "[x,y]"}]}), 3, 0)
def test_items_made_in_spans_are_those_of_the_plain_way(order: Sample, most: int, start: int) -> None:
    with the_plain_way():
        wanted = list(order.plan().items())
    with prepared_together(most):
        fast = order.plan()
        assert list(map(told, fast.items())) == list(map(told, wanted))
        if wanted:
            behind = start % len(wanted)
            rest = fast.items(wanted[behind].number, wanted[behind].first_index)
            assert list(map(told, rest)) == list(map(told, wanted[behind:]))


@pytest.mark.parametrize(
    ("parameters", "keys", "fast"),
    [
        ({"prompt": "[x,y] [1,2,3]"}, {}, "TextSpans"), ({"prompt": "[color] [color]"}, {}, "TextSpans"),
        ({"prompt": "x || y", "steps": "1..9"}, {}, "ListSpans"), ({"prompt": "[~x,y]"}, {}, None),
        ({"prompt": "x", "steps": "4|8"}, {}, None), ({"prompt": "[x,y]"}, {"exclude": [{"prompt": "x"}]}, None),
        ({"prompt": "[x,y]"}, {"count": 5}, None),
        ({"prompt": "[calm]"}, {}, "TextSpans"), ({"prompt": "[wild]"}, {}, None),
        ({"prompt": "[x,y]"}, {"count": 4}, "TextSpans"),
    ],
)  # fmt: skip
def test_only_what_is_alike_is_made_in_spans(
    parameters: dict[str, Any], keys: dict[str, Any], fast: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[str] = []
    for kind in (spans.ListSpans, spans.TextSpans):
        monkeypatch.setattr(kind, "items", noted(kind, used))
    assert list(Sample(parameters, keys=keys).plan().items())
    assert used == ([fast] if fast else [])


def noted(kind: type[spans.ListSpans | spans.TextSpans], used: list[str]) -> Callable[..., Counted]:
    whole = kind.items

    def items(self: Any, *rest: Any) -> Counted:
        used.append(kind.__name__)
        return whole(self, *rest)

    return items
