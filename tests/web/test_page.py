from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import fields, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, cast

import pytest

from artfactoryd.core.lifecycle import ItemState, OrderState
from artfactoryd.reporting import status
from artfactoryd.reporting.caps import Caps, Period
from artfactoryd.reporting.json_object import JsonObject
from artfactoryd.reporting.orders import DoubtDocument, MoneyDocument, OrderDocument
from artfactoryd.reporting.pictures import WholeProduct
from artfactoryd.reporting.products import FoundDocument, ProductsDocument
from artfactoryd.reporting.progress import Axis, AxisValue, Progress
from artfactoryd.reporting.status import ClosedProvider, StatusDocument, WordsBeside
from artfactoryd.web import page
from artfactoryd.web.overview import OpenOrder, Overview

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
        "budget": Caps(a_period("day", 0.25, 10), a_period("month", 0.75, 50), a_period("day", 0, 5)),
    }  # fmt: skip
    return StatusDocument(**{**known, **more})


def seen(status: StatusDocument, **more: Any) -> Overview:
    """As the page reads it; of the orders that are not over nothing more is known."""
    orders = [OpenOrder(order, Progress([], None), []) for order in status.open]
    nothing = ProductsDocument("", [], False, None)
    return Overview(status, **{"orders": orders, "pictures": nothing, "providers": {"local": ""}, **more})


def a_product(**more: Any) -> FoundDocument:
    known: dict[str, Any] = {
        "id": "01", "path": "Projects/summer/x.png", "project": "summer", "provider": "local", "seed": 7,
        "mime": "image/png", "bytes": 1, "width": 4, "height": 3, "kind": "image",
        "duration": None, "codec": None, "created_at": AT, "sha256": "", "order_id": "01",
        "order": "cars", "item": 1, "index": 1, "model": "sketch", "prompt": "a red car", "on_shelf": True,
        "binned": False, "edited": False, "missing": None, "damaged": None, "liked": True, "rating": 4,
        "tags": ["good"], "collections": ["best"], "notes": None,
    }  # fmt: skip
    return FoundDocument(**{**known, **more})


DOUBT = DoubtDocument(
    3, ItemState.IN_DOUBT, "01", AT, 0.003, "no answer came", None, None, None, None, "not listed yet"
)
STATUS = a_status(
    inbox=["a.yaml"], held=["b.yaml"], rejected=["c.yaml", "old.yaml"],
    why=WordsBeside({"b.yaml": "too many"}, {"c.yaml": "Nothing was sent.\n\n- no such key: x"}),
    providers={"replicate": ClosedProvider("the key is wrong.", False, None, AT)},
    no_room="the disk is full", settings="the settings are not used",
    open=[an_order(MoneyDocument(0.051, in_doubt_usd=0.003), {"completed": 3, "in_doubt": 1},
                   reasons=["its cap is reached"]),
          an_order(order_id="02", name="many", status=OrderState.HELD, reasons=["it makes 400"])],
    recent=[
        an_order(name="old", status=OrderState.PARTIAL, rehearsal=True, items_by_state={"failed": 2}, agent="a<b"),
    ],
)  # fmt: skip
AXIS = Axis("[red,blue]", [AxisValue("red", 20, 5, 1), AxisValue("blue", 20, 0, 0)])
EVERYTHING = seen(
    STATUS, providers={"local": "", "replicate": "", "odd": "it cannot be loaded"},
    orders=[
        OpenOrder(STATUS.open[0], Progress([AXIS], 200), [DOUBT]), OpenOrder(STATUS.open[1], Progress([], None), []),
    ],
    pictures=ProductsDocument("", [a_product(), a_product(id="02", mime="text/plain", kind="text")], True, "02"),
)  # fmt: skip


class Read(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.text = ""
        self.posts: list[str] = []
        self.tokens: list[str | None] = []
        self.nameless: list[str] = []  # controls and pictures without a name
        self._naming: list[tuple[str, int]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attributes)))
        given = dict(attributes)
        if tag == "form" and given.get("method") == "post":
            self.posts.append(str(given["action"]))
        if tag == "input" and given.get("name") == "form_token":
            self.tokens.append(given["value"])
        named = "aria-label" in given or "alt" in given
        if tag in ("input", "textarea") and given.get("type") not in ("hidden", "checkbox") and not named:
            self.nameless += [] if given.get("id") == "order-name" else [str(given)]
        if tag == "img" and "alt" not in given:
            self.nameless.append(str(given))
        if tag in ("button", "a", "summary"):
            self._naming.append((tag, -1 if named else len(self.text)))
        elif tag == "img" and self._naming and given.get("alt"):
            self._naming[-1] = (self._naming[-1][0], -1)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("button", "a", "summary"):
            opened, at = self._naming.pop()
            assert opened == tag
            if at >= 0 and not self.text[at:].strip():
                self.nameless.append(tag)

    @property
    def forms(self) -> set[str]:
        return set(self.posts)

    def handle_data(self, data: str) -> None:
        self.text += data


def replaced(value: Any, by: Callable[[str], str]) -> Any:
    """Every text in it, the names of files and providers too."""
    if isinstance(value, JsonObject | Overview | OpenOrder):
        names = [field.name for field in fields(cast(Any, value))]
        return replace(cast(Any, value), **{name: replaced(getattr(value, name), by) for name in names})
    if isinstance(value, dict):
        named = value.keys() & {"b.yaml", "c.yaml", "replicate"}
        return {(by(key) if key in named else key): replaced(each, by) for key, each in value.items()}
    if isinstance(value, list):
        return [replaced(each, by) for each in value]
    return by(value) if type(value) is str else value


def test_everything_that_is_told_can_be_read() -> None:
    drawn = page.draw(EVERYTHING, "the-token")
    text = " ".join(Read(drawn).text.split())
    for words in (
        "/home/me/ArtFactory", "a.yaml", "b.yaml", "too many", "c.yaml no such key: x", "old.yaml",
        "stopped since", "the key is wrong.", "the disk is full", "the settings are not used",
        "local ready", "odd left out it cannot be loaded",
        "summer / cars", "3 of 40 done", "1 in doubt", "red5/20",
        "$0.051 of at most $0.12", "$0.25 today of $10.00", "$0.75 of $50.00",
        "its cap is reached", "rehearsal, by agent a<b", "In doubt: $0.003", "not listed yet", "it makes 400",
        "2 wait for you", "2 rejected", "text/plain", "★★★★",
    ):  # fmt: skip
        assert words in text, words
    assert len(drawn) < 20_000


def test_however_much_was_rejected_each_reason_can_be_read(tmp_path: Path) -> None:
    """The first page has the newest few, and leads to all of them, newest first and page by page."""
    for number in range(103):
        (tmp_path / f"{number:03}.yaml").touch()
        why = tmp_path / f"{number:03}.yaml.error.txt"
        why.write_text(f"Nothing was sent.\n\n- wrong: <{number}>")
        os.utime(why, (number + 1, number + 1))
    rejected = [f"{number:03}.yaml" for number in range(103)]
    drawn = page.draw(seen(a_status(rejected=rejected, why=WordsBeside({}, {}))), "t")
    assert 'href="/rejected"' in drawn and "All 103" in drawn
    pages = [status.entries(tmp_path, ".error.txt", first, page.MOST_NAMES) for first in (0, page.MOST_NAMES)]
    assert [name for words, _ in pages for name in words] == rejected[::-1] and {count for _, count in pages} == {103}
    first, last = (
        page.draw_entries("Rejected", words, at, 103) for (words, _), at in zip(pages, (0, 100), strict=True)
    )
    assert first.count("<details") == 100 and "wrong: &lt;102&gt;" in first and "?first=100" in first
    assert last.count("<details") == 3 and "wrong: &lt;0&gt;" in last and "?first=0" in last


def test_what_can_be_done_is_a_form_with_the_token_of_this_run() -> None:
    drawn = Read(page.draw(EVERYTHING, "the-token"))
    order, held, done = (f"/api/v1/orders/{order_id}" for order_id in ("01", "02", "01"))
    assert {f"{order}/retry", f"{order}/cancel", f"{held}/approve", f"{held}/cancel", f"{done}/pause"} <= drawn.forms
    assert "/api/v1/providers/replicate/resume" in drawn.forms
    assert drawn.tokens == ["the-token"] * len(drawn.posts)


def test_every_control_says_what_it_is_to_whoever_does_not_see_it() -> None:
    for drawn in (page.draw(EVERYTHING, "t"), page.draw_picture(WHOLE, "t"), page.draw_writer("", "", "t")):
        assert not Read(drawn).nameless


@pytest.mark.parametrize(
    ("at_most", "words"),
    [
        (0.0, "free"), (0.012, "$0.00 of at most $0.012"), (7.5, "$0.00 of at most $7.50 (its cap is $5.00)"),
        (None, "$0.00 spent, price unknown (its cap is $5.00)"),
    ],
)  # fmt: skip
def test_an_order_tells_what_it_may_cost_and_its_cap_only_where_it_may_end_there(
    at_most: float | None, words: str
) -> None:
    drawn = page.draw(seen(a_status(open=[an_order(MoneyDocument(), {"completed": 3}, at_most_usd=at_most)])))
    assert f'<p class="counts">{words}</p>' in drawn


WHOLE = WholeProduct(a_product(), {"prompt": "a red car", "steps": 4}, "/home/me/Projects", 0.003, False)
HEAD: dict[str, Any] = {
    "name": "cars", "project": "summer", "model": "sketch", "provider": "local", "total_items": 2, "rehearsal": False,
    "models": [{"provider": "replicate", "short": "x", "price": {"text": "$1 a call"}}],
    "total_products": 2, "makes": "2 pictures",
    "price": {"usd": 0.02, "as_of": "2026", "complete": True}, "held": [{"text": "too many"}],
    "reuse": {"reused": 1, "bought": 1}, "combined": "2 = 2", "stages": [{"id": "up", "provider": "local",
    "model": "resize", "total_products": 2, "makes": "2 films", "usd": None}], "folder": "Projects/x", "errors": [],
    "notes": [{"about": "warning", "text": "an old price"}],
    "warnings": [{"line": 2, "column": 3, "text": "most likely not meant"}],
}  # fmt: skip
ITEM = {"index": 1, "parameters": {"prompt": "a red car"}, "names": ["0001.png"], "reused": None}
WRONG = {**HEAD, "errors": [{"line": 4, "column": 2, "text": "no such key"}]}


@pytest.mark.parametrize(
    "hostile", ["<script>alert(1)</script>", "\"'><img src=x onerror=alert(1)>", "</pre></section>$x{{7*7}}"]
)
def test_no_name_becomes_a_tag(hostile: str) -> None:
    def pages(by: Callable[[str], str]) -> list[str]:
        orders = [(replaced(HEAD, by), [replaced(ITEM, by)]), (replaced(WRONG, by), [])]
        return [
            page.draw(replaced(EVERYTHING, by), "t"), page.draw_words(by("title"), by("text")),
            page.draw(seen(STATUS, pictures=None, query=by("q"), wrong=by("no"))),
            page.draw_picture(replaced(WHOLE, by), "t"), page.draw_writer(by("1"), by("2"), "t"),
            page.draw_plan([head for head, _ in orders], [items for _, items in orders]),
            page.draw_question(by("words"), "/x", {"confirm_usd": by("$1")}, "t"),
            page.draw_pictures(replaced(EVERYTHING.pictures, by), by("q")),
        ]  # fmt: skip

    plain, drawn = pages(lambda text: f"{text} harmless"), pages(lambda text: f"{text} {hostile}")
    for one, other in zip(plain, drawn, strict=True):
        assert Read(one).tags == Read(other).tags
        assert hostile in Read(other).text or hostile[:8] not in other


def test_a_bar_has_a_part_for_each_state_that_has_items() -> None:
    drawn = page.draw(seen(a_status(open=[an_order(items={"completed": 20, "running": 10, "failed": 4})])))
    assert '<rect class="completed" x="0.00%" width="50.00%"' in drawn
    assert '<rect class="failed" x="50.00%" width="10.00%"' in drawn
    assert '<rect class="running" x="60.00%" width="25.00%"' in drawn
    assert drawn.count("<rect") == 3 + 2, "and those of a day and a month"


def test_the_time_left_is_told_of_an_order_that_goes_on() -> None:
    order, waits = an_order(), an_order(reasons=["its cap is reached"])
    shown = [page.draw(seen(STATUS, orders=[OpenOrder(one, Progress([], 200), [])])) for one in (order, waits)]
    assert ["about 3 min left" in drawn for drawn in shown] == [True, False]


def test_a_held_order_is_shown_once_with_its_price_and_what_lies_there_besides_by_its_words() -> None:
    held = an_order(status=OrderState.HELD, name="many")
    status = a_status(open=[held], held=["many.yaml", "other.yaml"], why=WordsBeside({"many.yaml": "hm"}, {}))
    drawn = page.draw(seen(status, orders=[OpenOrder(held, Progress([], None), [], "many.yaml", 0.12)]))
    assert "many.yaml" not in drawn and "other.yaml" in drawn and "Approve $0.12" in drawn


def test_nothing_at_all_says_what_to_do() -> None:
    assert "Drop an order onto this page or into the Inbox" in Read(page.draw(seen(a_status(daemon=None)))).text


def test_a_provider_that_does_not_answer_is_said_to_be_out_of_order_in_its_own_words() -> None:
    stop = ClosedProvider(None, False, "replicate does not work since 12:03 <b>", "now")
    drawn = Read(page.draw(seen(a_status(providers={"replicate": stop}), providers={"replicate": ""})))
    assert "replicate out of order replicate does not work since 12:03 <b>" in " ".join(drawn.text.split())


def test_what_would_act_is_shown_as_text() -> None:
    drawn = page.draw(replaced(EVERYTHING, lambda text: f"{text} a\u202eb\x1b[31m\x00"))
    assert not set(drawn) & {"\u202e", "\x1b", "\x00"} and "\\u202e" in drawn


def test_an_inbox_that_cannot_be_looked_into_is_said() -> None:
    status = replace(STATUS, inbox_problem="the inbox is a file")
    assert "the inbox is a file" in Read(page.draw(seen(status))).text
