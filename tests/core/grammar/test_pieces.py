"""Texts inside a parameter's value are texts: their tokens expand, count, refer and draw as those of any text."""

from __future__ import annotations

from typing import Any

import pytest

from artfactoryd import documents, schema
from artfactoryd.core.expansion.expand import make_plan
from artfactoryd.core.expansion.plan import Plan
from artfactoryd.core.expansion.resolved import written_out
from artfactoryd.core.order import read_order
from tests.orders import model, order, plan, plan_text, sets, told

TEXT, FILE = {"type": "string"}, {"type": "string", "format": "uri"}
SHOT = {"prompt": {**TEXT, "maxLength": 12}, "duration": {"type": "integer"}, "face": FILE, "mood": TEXT}
FILM = model(
    seed=None, price={"usd": 0.01, "per": "call"}, batch=None,
    schema={"type": "object", "properties": {
        "prompt": TEXT, "steps": {"type": "integer"}, "prompts": {"type": "array", "items": TEXT},
        "multi_prompt": {"type": "array", "items": {"type": "object", "properties": SHOT}},
        "scene": {"type": "object", "properties": {"end_prompt": TEXT, "prompt_type": TEXT}},
        "open": {"type": "array", "items": {"type": "object"}},
    }},
)  # fmt: skip
LOOKUPS = {"hue": ["red", "blue"], "hair": {"wildcards": ["{long|short} hair"]}}


def shots(*prompts: str, **more: Any) -> list[dict[str, Any]]:
    return [{"prompt": prompt, **more} for prompt in prompts]


@pytest.mark.parametrize(("parameters", "made"), [
    ({"multi_prompt": shots("a [red,blue] car", "dusk", duration=5)},
     [{"multi_prompt": shots(f"a {hue} car", "dusk", duration=5)} for hue in ("red", "blue")]),
    ({"multi_prompt": shots("[hue]", "[hue]")},
     [{"multi_prompt": shots(*both)} for both in (["red", "blue"], ["blue", "red"])]),
    ({"prompt": "[hue]", "multi_prompt": shots("[=hue] car")},
     [{"prompt": hue, "multi_prompt": shots(f"{hue} car")} for hue in ("red", "blue")]),
    ({"multi_prompt": [shots("[a,b]"), shots("c"), shots("[d,e]", "f")]},
     [{"multi_prompt": value} for value in (shots("a"), shots("b"), shots("c"), shots("d", "f"), shots("e", "f"))]),
    ({"prompts": ["[a,b]", "c"], "steps": "1,2"}, [{"prompts": [p, "c"], "steps": n} for p in "ab" for n in (1, 2)]),
    ({"scene": {"end_prompt": r"\[a\] [x,]", "prompt_type": "[k]"}},
     [{"scene": {"end_prompt": text, "prompt_type": "[k]"}} for text in ("[a] x", "[a] ")]),
    ({"multi_prompt": shots("so, (really)", face="a.png")}, [{"multi_prompt": shots("so, (really)", face="a.png")}]),
    ({"prompt": "a || b", "multi_prompt": shots("[x,y]")},
     [{"prompt": p, "multi_prompt": shots(m)} for m in "xy" for p in "ab"]),
    ({"multi_prompt": shots("[x,y]"), "prompt": "a || b"},
     [{"prompt": p, "multi_prompt": shots(m)} for m in "xy" for p in "ab"]),
])  # fmt: skip
def test_a_text_inside_a_value_expands(parameters: dict[str, Any], made: list[dict[str, Any]]) -> None:
    found = plan(parameters, FILM, lookups=LOOKUPS)
    assert found.problems == () and [w for w in found.warnings if w.code not in ("W_UNUSED", "W_NESTED")] == []
    assert sets(found) == made and found.total_items == len(made)
    assert found.total_price() == 10_000 * len(made)


def test_its_tokens_are_told_and_what_it_came_from_is_known() -> None:
    parameters = {"multi_prompt": shots("a [red,blue] car", "b [hair]", duration=5)}
    found = plan(parameters, FILM, lookups=LOOKUPS)
    first, second = found.items()
    assert [token for _, token, _ in first.tokens] == ["[red,blue]", "[hair]", "{long|short}"]
    assert {found.item(2).parameters["multi_prompt"][1]["prompt"][2:]} <= {"long hair", "short hair"}
    assert found.item(2).parameters == second.parameters and found.base(2) == parameters
    assert found.lookups.keys() == {"hair"} and found.has_nested


@pytest.mark.parametrize(("value", "problems", "warnings"), [
    (shots("ok", "a [red"), [("E_UNCLOSED", "parameters.multi_prompt.1.prompt", 3)], []),
    (shots("[hue:3]"), [("E_SAMPLE_TOO_MANY", "parameters.multi_prompt.0.prompt", 6)], []),
    (shots("[hue] [hue]", "[hue]"), [("E_EXHAUSTED", "parameters.multi_prompt.1.prompt", 1)], []),
    (shots("[sale] now"), [], [("W_SINGLE", "parameters.multi_prompt.0.prompt", 1)]),
    (shots("a {red|blue}"), [], [("W_FOREIGN", "parameters.multi_prompt.0.prompt", 3)]),
    (shots("a || b"), [("E_SUBPROMPT_COUNT", "parameters.multi_prompt.0.prompt", 1)], []),
    (shots("a [red,much longer] car"), [("E_VALUE", "parameters.multi_prompt", None)], []),
    (shots("x", mood="[a,b]"), [], []),
])  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(value: Any, problems: list[Any], warnings: list[Any]) -> None:
    found = plan({"multi_prompt": value}, FILM, lookups={"hue": ["red", "blue"]})
    assert (told(found.problems), told([w for w in found.warnings if w.code != "W_UNUSED"])) == (problems, warnings)


RAW = """multi_prompt: [{prompt: !raw "[a,b] | c"}, {prompt: "[x,y]"}]
prompts: !raw ["[p,q]"]
"""


def test_raw_switches_it_off_and_what_is_written_out_makes_the_same_again() -> None:
    found = plan_text(RAW, FILM)
    assert found.problems == found.warnings == ()
    assert [each["multi_prompt"][0]["prompt"] for each in sets(found)] == ["[a,b] | c"] * 2
    again = documents.read_documents(documents.dump_yaml(written_out(found, {})).encode(), "x")[0]
    value = read_order(again.value | {"provider": "acme", "model": "painter"}, name="cars", project=None)
    made = make_plan(value, FILM, 1, written=again.written, check=schema.check_value, raw=again.raw)
    assert sets(made) == sets(found)


def test_a_value_is_left_out_by_all_of_it_and_fields_and_draws_stand_in_it() -> None:
    keys: dict[str, Any] = {"cases": [{"sku": "A"}, {"sku": "B"}], "exclude": [{"multi_prompt": shots("A red")}]}
    found = plan({"multi_prompt": shots("[=sku] [hue]")}, FILM, lookups={"hue": ["red", "blue"]}, **keys)
    assert [each["multi_prompt"][0]["prompt"] for each in sets(found)] == ["A blue", "B red", "B blue"]
    drawn = plan({"multi_prompt": shots("[~a,b,c]")}, FILM, count=20)
    assert drawn.total_items == 20 and len({str(each) for each in sets(drawn)}) == 3


def as_before(parameters: dict[str, Any]) -> Plan:
    value = read_order(order(parameters), name="cars", project=None)
    return make_plan(value, FILM, 1, written=lambda path: None, check=schema.check_value, nested=False)


def test_an_order_that_was_accepted_by_an_older_release_sends_what_it_sent() -> None:
    found = as_before({"multi_prompt": shots("[a,b]")})
    assert sets(found) == [{"multi_prompt": shots("[a,b]")}] and not found.has_nested
