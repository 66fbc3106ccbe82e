from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from html.parser import HTMLParser
from typing import Any, cast

import pytest

from artfactoryd.core.lifecycle import OrderState
from artfactoryd.reporting.caps import Caps, Period
from artfactoryd.reporting.json_object import JsonObject
from artfactoryd.reporting.orders import MoneyDocument, OrderDocument, ProductDocument
from artfactoryd.reporting.status import ClosedProvider, NewProduct, StatusDocument, WordsBeside
from artfactoryd.web import page

AT = "2026-11-22T10:00:00Z"


def an_order(money: MoneyDocument | None = None, items: dict[str, int] | None = None, **more: Any) -> OrderDocument:
    known: dict[str, Any] = {
        "order_id": "01", "name": "cars", "project": "summer", "status": OrderState.PROCESSING, "reasons": [],
        "total_items": 40, "total_products": 40, "reused_items": 0, "price_usd": 0.1, "at_most_usd": 0.12,
        "cap_usd": 5.0, "paused": False, "rehearsal": False, "accepted_at": AT, "folder": None,
    }  # fmt: skip
    return OrderDocument(**{
        **known, "money": money or MoneyDocument(0.051), "items_by_state": items or {}, **more,
    })  # fmt: skip


def a_period(name: str, counted: float, cap: float) -> Period:
    return Period(name, "2026", counted, cap, cap - counted)


def a_status(**more: Any) -> StatusDocument:
    known: dict[str, Any] = {
        "home": "/home/me/ArtFactory", "is_copy": False, "daemon": {"started_at": "2026-11-22T10:00:00+0000"},
        "inbox": [], "held": [],
        "rejected": [], "why": WordsBeside({}, {}), "providers": {}, "paused": None, "no_room": "", "open": [],
        "recent": [], "products": [], "spent_usd": 0.0,
        "budget": Caps(a_period("day", 0.25, 10), a_period("month", 0.75, 50)),
    }  # fmt: skip
    return StatusDocument(**{**known, **more})


EVERYTHING = a_status(
    inbox=["a.yaml"], held=["b.yaml"], rejected=["c.yaml", "old.yaml"],
    why=WordsBeside({"b.yaml": "too many"}, {"c.yaml": "no such key"}),
    providers={"replicate": ClosedProvider("the key is wrong.", False, None, AT)},
    no_room="the disk is full", settings="the settings are not used",
    open=[an_order(MoneyDocument(0.051, in_doubt_usd=0.003), {"completed": 3, "in_doubt": 1},
                   reasons=["its cap is reached"])],
    recent=[an_order(name="old", status=OrderState.PARTIAL, rehearsal=True)],
    products=[NewProduct(ProductDocument(
        "01", 1, 1, "Projects/summer/x.png", "", 1, "image/png", None, None, 0, *[None] * 5), "01", AT)],
)  # fmt: skip


class Read(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attributes)))

    def handle_data(self, data: str) -> None:
        self.text += data


def replaced(value: Any, by: Callable[[str], str]) -> Any:
    """Every text in it, the names of files and providers too."""
    if isinstance(value, JsonObject):
        names = [field.name for field in fields(cast(Any, value))]
        return replace(cast(Any, value), **{name: replaced(getattr(value, name), by) for name in names})
    if isinstance(value, dict):
        named = value.keys() & {"b.yaml", "c.yaml", "replicate"}
        return {(by(key) if key in named else key): replaced(each, by) for key, each in value.items()}
    if isinstance(value, list):
        return [replaced(each, by) for each in value]
    return by(value) if isinstance(value, str) else value


def test_everything_that_is_told_can_be_read() -> None:
    text = Read(page.draw(EVERYTHING)).text
    for words in (
        "/home/me/ArtFactory", "a.yaml", "b.yaml", "too many", "c.yaml", "no such key", "old.yaml",
        "replicate is stopped", "the key is wrong.", "the disk is full", "the settings are not used",
        "summer / cars", "3 of 40 done", "1 in doubt",
        "$0.051 of at most $0.12", "today, of $10.00", "$0.25", "this month, of $50.00", "$0.75",
        "its cap is reached", "x.png", "rehearsal",
    ):  # fmt: skip
        assert words in text, words


@pytest.mark.parametrize(
    ("at_most", "words"),
    [
        (0.0, "3 of 40 done · free"), (0.012, "3 of 40 done · $0.00 of at most $0.012"),
        (7.5, "3 of 40 done · $0.00 of at most $7.50 (its cap is $5.00)"),
        (None, "3 of 40 done · $0.00 spent, price unknown (its cap is $5.00)"),
    ],
)  # fmt: skip
def test_an_order_tells_what_it_may_cost_and_its_cap_only_where_it_may_end_there(
    at_most: float | None, words: str
) -> None:
    drawn = page.draw(a_status(open=[an_order(MoneyDocument(), {"completed": 3}, at_most_usd=at_most)]))
    assert f'<p class="counts">{words}</p>' in drawn


@pytest.mark.parametrize(
    "hostile", ["<script>alert(1)</script>", "\"'><img src=x onerror=alert(1)>", "</pre></section>$x"]
)
def test_no_name_becomes_a_tag(hostile: str) -> None:
    plain = Read(page.draw(replaced(EVERYTHING, lambda text: f"{text} harmless")))
    drawn = Read(page.draw(replaced(EVERYTHING, lambda text: f"{text} {hostile}")))
    assert drawn.tags == plain.tags
    assert hostile in drawn.text
    assert hostile in Read(page.draw_words(hostile, hostile)).text


def test_a_bar_has_a_part_for_each_state_that_has_items() -> None:
    drawn = page.draw(a_status(open=[an_order(items={"completed": 20, "running": 10, "failed": 4})]))
    assert '<rect class="completed" x="0.00%" width="50.00%"' in drawn
    assert '<rect class="failed" x="50.00%" width="10.00%"' in drawn
    assert '<rect class="running" x="60.00%" width="25.00%"' in drawn
    assert drawn.count("<rect") == 3


def test_a_held_order_is_shown_once_with_the_words_beside_its_file() -> None:
    drawn = page.draw(a_status(open=[an_order(status=OrderState.HELD, name="many")], held=["many.yaml"]))
    assert "many.yaml" in drawn and "summer /" not in drawn


def test_nothing_at_all_says_what_to_do() -> None:
    assert "Drop an order into the Inbox" in Read(page.draw(a_status(daemon=None))).text


def test_a_provider_that_does_not_answer_is_said_to_be_out_of_order_in_its_own_words() -> None:
    stop = ClosedProvider(None, False, "replicate does not work since 12:03 <b>", "now")
    text = Read(page.draw(a_status(providers={"replicate": stop}))).text
    assert "replicate is out of order. replicate does not work since 12:03 <b>" in text


def test_what_would_act_is_shown_as_text() -> None:
    drawn = page.draw(replaced(EVERYTHING, lambda text: f"{text} a\u202eb\x1b[31m\x00"))
    assert not set(drawn) & {"\u202e", "\x1b", "\x00"} and "\\u202e" in drawn


def test_an_inbox_that_cannot_be_looked_into_is_said() -> None:
    assert "the inbox is a file" in Read(page.draw(replace(EVERYTHING, inbox_problem="the inbox is a file"))).text
