"""The vocabulary: every kind of news has its name, level, facts and words, and good news is no warning."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from artfactoryd import log, news
from artfactoryd.daemon.noticing.told import ShelfChanged
from artfactoryd.daemon.telling.near_caps import CapNear
from artfactoryd.news import News
from artfactoryd.schema import schema_text

SAMPLES: dict[str, Any] = {
    "str": "words", "str | None": "words", "int": 2, "float": 0.012, "float | None": 0.012, "bool": False,
    "tuple[str, ...]": ("one", "two"),
}  # fmt: skip
BAD = {
    "order.rejected", "order.partial", "order.failed", "item.in_doubt", "item.failed", "provider.outage",
    "provider.stopped", "cap.near",
}  # fmt: skip


KINDS = sorted(
    (
        kind
        for kind in (*vars(news).values(), ShelfChanged, CapNear)
        if isinstance(kind, type) and issubclass(kind, News) and "event" in vars(kind)
    ),
    key=lambda kind: kind.event,
)


def sample(kind: type[News]) -> News:
    return kind(**{field.name: SAMPLES[str(field.type)] for field in fields(kind)})


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    log.setup("warning", None, "nothing")


def written(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / log.FILE).read_text().splitlines()]


def test_no_two_kinds_have_the_same_name_and_the_module_lists_them_all() -> None:
    names = [kind.event for kind in KINDS]
    assert len(set(names)) == len(names) > 20
    listed = {
        f"{line.split()[0]}{name.strip()}"
        for line in str(news.__doc__).splitlines()
        if line.startswith("    ")
        for name in line.strip().partition(" ")[2].split(",")
    }
    assert listed == set(names)


def test_a_hook_can_be_given_to_each_kind() -> None:
    hooks = json.loads(schema_text("settings"))["properties"]["hooks"]["properties"]
    assert sorted(hooks) == [kind.event for kind in KINDS]
    page = (Path(__file__).parents[2] / "docs" / "hooks.md").read_text()
    assert [name for name in hooks if f"`{name}`" not in page] == []


def test_good_news_is_never_a_warning_and_bad_news_always_is() -> None:
    assert {kind.event for kind in KINDS if kind.level > logging.INFO} == BAD


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.event))
def test_each_kind_is_a_sentence_and_one_json_line_with_its_facts(kind: type[News], files: Path) -> None:
    log.setup("info", files, "nothing")
    piece = sample(kind)
    news.tell(piece)
    (line,) = written(files)
    assert line["event"] == kind.event and line["text"] == piece.words
    assert line["level"] == logging.getLevelName(kind.level).lower() and "logger" not in line
    assert line.items() >= json.loads(json.dumps(piece.facts)).items()
    assert piece.words and "{" not in piece.words and "None" not in piece.words


def test_what_is_not_known_is_no_fact() -> None:
    assert news.ItemRetried(order="o1", item=2).facts == {"order": "o1", "item": 2}
    assert "usd" not in news.ItemFailed(order="o1", item=2, reason="no").facts
    assert news.ItemReused(order="o1", item=2, usd=0.0).facts["usd"] == 0.0


@pytest.mark.parametrize(
    ("usd", "rehearsal", "words"),
    [
        (0.012, False, "cars is taken: 1 item, 2 products, at most $0.012"),
        (0.0, False, "cars is taken: 1 item, 2 products, free"),
        (None, False, "cars is taken: 1 item, 2 products, price unknown"),
        (0.0, True, "cars is taken: 1 item, 2 products, a rehearsal, free"),
    ],
)
def test_an_order_is_taken_with_its_counts_and_its_price(usd: float | None, rehearsal: bool, words: str) -> None:
    taken = news.OrderAccepted(
        order="o1", name="cars", project="p", items=1, products=2, usd=usd, rehearsal=rehearsal
    )  # fmt: skip
    assert taken.words == words


def test_a_terminal_says_what_becomes_of_orders_and_leaves_items_to_the_file(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log.setup("info", files)
    news.tell(news.OrderBegun(order="0199a2b3-c4d5-7000-8000-000000000000", name="cars"))
    news.tell(news.ItemFailed(order="o1", item=2, reason="no"))
    news.tell(news.ProviderOutage(provider="fal", seconds=3, reason="It is away."))
    lines = [line.partition(" ")[2] for line in capsys.readouterr().err.splitlines()]
    assert lines == [
        "cars is begun (order=0199a2b3-c4d5)", "warning: fal is tried again in 3 seconds: It is away."
    ]  # fmt: skip
    assert len(written(files)) == 3


def test_a_command_that_tells_of_its_orders_itself_shows_only_trouble(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log.setup("info", files, "trouble")
    news.tell(news.OrderRejected(file="cars.yaml", path="Rejected/cars.yaml"))
    news.tell(news.ProviderBack(provider="fal"))
    news.tell(news.ProviderStopped(provider="fal", reason="No key."))
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("error: fal is stopped: No key.") and len(written(files)) == 3


def test_no_key_is_in_what_is_told(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log.setup("info", files)
    news.tell(news.ProviderStopped(provider="fal", reason="refused: Bearer abcdef-secret"))
    news.tell(news.OrderHeld(order="o1", name="r8_Abc123DEF", codes=("x",), reasons=("r8_Abc123DEF is odd",)))
    everything = capsys.readouterr().err + (files / log.FILE).read_text()
    assert "secret" not in everything and "Abc123" not in everything and everything.count("[key]") >= 5


def test_whoever_listens_hears_everything_and_one_that_fails_hinders_nobody(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.setup("info", files, "nothing")
    heard: list[News] = []

    def fail(piece: News) -> None:
        raise ValueError("broken")

    monkeypatch.setattr(news, "listeners", [*news.listeners, fail, heard.append])
    news.tell(news.SettingsRead())
    told, failed = written(files)
    assert [piece.event for piece in heard] == ["settings.read"] == [told["event"]]
    assert failed["level"] == "error" and "ValueError: broken" in failed["traceback"]
