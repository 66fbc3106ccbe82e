from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest

from artfactoryd.web import page

ITEMS = ("planned", "submitting", "running", "delivering", "completed", "failed", "cancelled", "in_doubt")


def an_order(**more: Any) -> dict[str, Any]:
    counts = {f"{state}_items": 0 for state in ITEMS}
    return {
        "order_id": "01", "name": "cars", "project": "summer", "status": "processing", "reasons": [], "total_items": 40,
        **counts, "spent_usd": 0.051, "in_doubt_usd": 0.0, "cap_usd": 5.0, "rehearsal": False, **more,
    }  # fmt: skip


def a_status(**more: Any) -> dict[str, Any]:
    return {
        "home": "/home/me/ArtFactory", "daemon": {"started_at": "2026-11-22T10:00:00+0000"}, "inbox": [], "held": [],
        "rejected": [], "why": {"held": {}, "rejected": {}}, "providers": {}, "paused": None, "no_room": "",
        "open": [], "recent": [],
        "products": [], "spent_usd": 0.0, **more,
    }  # fmt: skip


EVERYTHING = a_status(
    inbox=["a.yaml"], held=["b.yaml"], rejected=["c.yaml", "old.yaml"],
    why={"held": {"b.yaml": "too many"}, "rejected": {"c.yaml": "no such key"}},
    providers={"replicate": {"stopped": "the key is wrong.", "since": "2026-11-22T10:00:00Z"}},
    no_room="the disk is full",
    budget={"day": {"counted_usd": 0.25, "cap_usd": 10}, "month": {"counted_usd": 0.75, "cap_usd": 50}},
    open=[an_order(reasons=["its cap is reached"], completed_items=3, in_doubt_items=1, in_doubt_usd=0.003)],
    recent=[an_order(name="old", status="partial", rehearsal=True)],
    products=[{"path": "Projects/summer/x.png", "width": None, "height": None, "mime": "image/png",
               "created_at": "2026-11-22T10:00:00Z"}],
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
        "replicate is stopped", "the key is wrong.", "the disk is full", "summer / cars", "3 of 40 done", "1 in doubt",
        "$0.051 of at most $5.00", "today, of $10.00", "$0.25", "this month, of $50.00", "$0.75",
        "its cap is reached", "x.png", "rehearsal",
    ):  # fmt: skip
        assert words in text, words


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
    drawn = page.draw(a_status(open=[an_order(completed_items=20, running_items=10, failed_items=4)]))
    assert '<rect class="completed" x="0.00%" width="50.00%"' in drawn
    assert '<rect class="failed" x="50.00%" width="10.00%"' in drawn
    assert '<rect class="running" x="60.00%" width="25.00%"' in drawn
    assert drawn.count("<rect") == 3


def test_a_held_order_is_shown_once_with_the_words_beside_its_file() -> None:
    drawn = page.draw(a_status(open=[an_order(status="held", name="many")], held=["many.yaml"]))
    assert "many.yaml" in drawn and "summer /" not in drawn


def test_nothing_at_all_says_what_to_do() -> None:
    assert "Drop an order into the Inbox" in Read(page.draw(a_status(daemon=None))).text


def test_a_provider_that_does_not_answer_is_said_to_be_out_of_order_in_its_own_words() -> None:
    stop = {"stopped": None, "paused": False, "outage": "replicate does not work since 12:03 <b>", "since": "now"}
    text = Read(page.draw(a_status(providers={"replicate": stop}))).text
    assert "replicate is out of order. replicate does not work since 12:03 <b>" in text
