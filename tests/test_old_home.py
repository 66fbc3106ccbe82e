"""A home as an older program left it, opened by this one: it says the same, goes on where it was, and loses nothing.

`tests/data/old/make_home.py` says how it was made and what is in it. Its program was killed when a ticket was durable
and nothing collected yet.
"""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest

from artfactoryd.home import Home
from artfactoryd.storage.index import Index
from tests.emulator.client import Emulator
from tests.homes import TestHome

OLD = Path(__file__).parent / "data" / "old_home"
ANSWERS: dict[str, Any] = json.loads((OLD / "answers.json").read_text())
TABLES = ("orders", "item", "generation_log", "product", "interim", "spending", "command")
NEVER = 1e12  # seconds until the emulator forgets what it made


@pytest.fixture
def old(tmp_path: Path) -> Iterator[tuple[TestHome, Emulator]]:
    """The home, and the emulator it bought from. It shows no list, so what is in doubt stays so whenever this runs."""
    book = tmp_path / "bought.jsonl"
    book.write_bytes((OLD / "bought.jsonl").read_bytes())
    with tarfile.open(OLD / "home.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    with Emulator(book, remove_after=NEVER, list="403", pixels=24) as emulator:
        home = TestHome(Home((tmp_path / "home").resolve()), emulator.base_url)
        home.configure()
        yield home, emulator


def bring_up_to_date(home: TestHome) -> None:
    """The tables of its index, as the first `run` or `once` of this program does."""
    Index.open(home.home.index_file).close()


def said(home: TestHome, *words: str) -> Any:
    """A command's answer, with HOME for where the home is or was."""
    text = json.dumps(home.ask(*words), ensure_ascii=False)
    return json.loads(text.replace(str(home.root), "HOME").replace(ANSWERS["root"], "HOME"))


def state_of(home: TestHome) -> dict[str, Any]:
    """Every row that follows from ledger and shelf, and every file that a person sees or that was paid for."""
    index, root = home.index, home.root
    try:
        tables = {table: index.rows(f"SELECT * FROM {table} ORDER BY 1, 2") for table in TABLES}
        tables["product"] = [{**row, "mark": row["mark"] is not None} for row in tables["product"]]  # not by which line
    finally:
        index.close()
    folders = (home.home.projects, home.home.held, home.home.rejected, home.home.inbox, home.home.ledger)
    paths = [path for folder in folders for path in folder.rglob("*") if path.is_file() and path.name != ".aside"]
    return {**tables, "files": {str(path.relative_to(root)): path.read_bytes() for path in paths}}


def as_known(value: Any, known: Any) -> Any:
    """Without the keys that were not told then."""
    if isinstance(value, dict) and isinstance(known, dict):
        return {key: as_known(part, known[key]) for key, part in value.items() if key in known}
    if isinstance(value, list) and isinstance(known, list) and len(value) == len(known):
        return [as_known(one, other) for one, other in zip(value, known, strict=True)]
    return value


def without_counts(why: Any) -> Any:
    """How many were made or failed was not told then."""
    return {**why, "text": re.sub(r"(?:, \d+ [a-z ]+)+\.", ".", why["text"])}


def spent(spend: dict[str, Any]) -> dict[str, Any]:
    """Without how the caps of this very day and month stand."""
    return {key: value for key, value in spend.items() if key != "budget"}


def test_an_old_home_is_described_as_the_program_that_made_it_did(old: tuple[TestHome, Emulator]) -> None:
    home, _ = old
    bring_up_to_date(home)
    assert as_known(said(home, "products"), ANSWERS["products"]) == ANSWERS["products"]
    now, then = (
        sorted(told["orders"], key=itemgetter("order_id")) for told in (said(home, "orders"), ANSWERS["orders"])
    )
    assert as_known(now, then) == then  # what is at work comes first by now
    assert spent(said(home, "spend")) == spent(ANSWERS["spend"])
    orders = {name: said(home, "order", name) for name in ANSWERS["order"]}
    assert as_known(orders, ANSWERS["order"]) == ANSWERS["order"]
    assert {name: without_counts(said(home, "why", name)) for name in ANSWERS["why"]} == ANSWERS["why"]
    products = {name: said(home, "explain", str(home.root / name)) for name in ANSWERS["explain"]}
    assert as_known(products, ANSWERS["explain"]) == ANSWERS["explain"]


def test_the_item_in_flight_is_collected_and_nothing_is_bought(old: tuple[TestHome, Emulator]) -> None:
    home, emulator = old
    before, bought = {order["name"]: order for order in ANSWERS["orders"]["orders"]}, emulator.creates()
    assert before["flying"]["status"] == "processing"
    assert home.once() == 3  # some wait for a person
    after = {order["name"]: order for order in said(home, "orders")["orders"]}
    assert after["flying"]["status"] == "completed"
    [product] = said(home, "order", "flying")["products"]
    assert (home.root / product["path"]).is_file()
    del before["flying"], after["flying"]
    assert {name: order["status"] for name, order in after.items()} == {
        name: order["status"] for name, order in before.items()
    }
    assert emulator.creates() == bought


def test_an_index_made_again_of_an_old_home_is_the_one_it_had(old: tuple[TestHome, Emulator]) -> None:
    home, _ = old
    bring_up_to_date(home)
    before = state_of(home)
    assert all(before.values())
    assert home.ask("reindex")["differences"] == []
    assert state_of(home) == before


def test_an_old_home_that_lost_its_index_is_as_it_was_after_a_start(old: tuple[TestHome, Emulator]) -> None:
    home, emulator = old
    bought = emulator.creates()
    for path in home.home.private.glob("index.sqlite3*"):
        path.unlink()
    assert home.once() == 3
    states = {order["name"]: order["status"] for order in said(home, "orders")["orders"]}
    expected = {order["name"]: order["status"] for order in ANSWERS["orders"]["orders"]}
    assert states == {**expected, "flying": "completed"}
    assert emulator.creates() == bought
