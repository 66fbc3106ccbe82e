"""Killed anywhere, started again: nothing bought twice, nothing lost, and what nobody can know is said."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from artfactoryd.planning.accepted import expander
from artfactoryd.storage.index import Index
from artfactoryd.storage.writer import catch_up
from tests.emulator.client import Emulator
from tests.homes import CARS, TestHome, card_of, dump, leftovers, until

KILLED = -signal.SIGKILL


class Market(Emulator):
    """One emulator for many tests: `creates` are those since the last `open`. It shows no list, so a doubt lasts."""

    before = 0

    def open(self) -> None:
        self.calm()
        self.control(list="403")
        self.before += len(self.creates())

    def creates(self) -> list[dict[str, Any]]:
        return super().creates()[self.before :]


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    running = Market(tmp_path_factory.mktemp("market") / "bought.jsonl")
    with running:
        yield running


@pytest.fixture
def emulator(market: Market) -> Market:
    market.open()
    return market


@pytest.fixture
def shop(emulator: Emulator, tmp_path: Path) -> Iterator[TestHome]:
    """A home that buys from the emulator, one item after the other until `grown`."""
    yield TestHome.make(tmp_path / "home", emulator.base_url, providers=one_at_a_time(emulator))


def one_at_a_time(emulator: Emulator) -> dict[str, Any]:
    return {"replicate": {"concurrency": 1, "base_url": emulator.base_url}}


def killed(home: TestHome, fault: str) -> None:
    done = home.call("once", ARTFACTORY_FAULT=fault)
    assert done.returncode == KILLED, f"{fault} was not reached\n{done.stderr}"


def found(home: TestHome, tmp_path: Path) -> Counter[str]:
    """Item states as the next start will find them: the ledger alone, from its first line."""
    index = Index.open(tmp_path / f"again-{time.monotonic_ns()}.sqlite3")
    try:
        catch_up(index, home.home.ledger, expander)
        counts = Counter(row["state"] for row in index.rows("SELECT state FROM item"))
        orders = index.rows("SELECT total_items, expanded_items FROM orders WHERE held IS NULL")
        counts["planned"] += sum(row["total_items"] - row["expanded_items"] for row in orders)
        return +counts
    finally:
        index.close()


def restarted(home: TestHome, emulator: Emulator, *, lose_index: bool = False) -> int:
    """To the end, four at a time so that the rest is quick."""
    home.configure(providers={"replicate": {"concurrency": 4, "base_url": emulator.base_url}})
    if lose_index:
        shutil.rmtree(home.home.private)
    done = home.call("once")
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode


def assert_complete(home: TestHome, emulator: Emulator, doubtful: int = 0, creates: int = 4) -> None:
    """What was bought is on the shelf, once, whole; the rest is in doubt, and nothing lies about."""
    assert len(emulator.creates()) == creates
    assert Counter(home.states()) == +Counter({"completed": 4 - doubtful, "in_doubt": doubtful})
    assert len(list(home.home.projects.rglob("receipt.yaml"))) == 1
    products, sidecars = home.products(), home.sidecars()
    assert len(products) == 4 - doubtful
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in products]
    assert [card["file"]["sha256"] for card in sidecars] == digests
    assert len({card["id"] for card in sidecars}) == len(products)
    assert [card["file"]["index"] for card in sidecars] == sorted({card["file"]["index"] for card in sidecars})
    assert home.receipt()["state"] == ("processing" if doubtful else "completed")
    assert list(home.home.inbox.iterdir()) == []
    assert [path for path in home.home.claims.iterdir() if path.is_dir()] == []
    assert leftovers(home) == []


def assert_made_good(home: TestHome, emulator: Emulator, tmp_path: Path, *, lose_index: bool = False) -> int:
    """What the kill caught in its sending is in doubt, bought or not; all else is made. The exit code."""
    sending = found(home, tmp_path)["submitting"]
    unsent = sending - (len(emulator.creates()) - len(home.lines("ticket")))
    code = restarted(home, emulator, lose_index=lose_index)
    assert code == (3 if sending else 0)
    assert_complete(home, emulator, doubtful=sending, creates=4 - unsent)
    return code


def assert_stays_so(home: TestHome, code: int) -> None:
    """A doubt is asked about at each start, and the receipt says how that stands."""
    before = still(home, code)
    assert home.once() == code
    assert still(home, code) == before


def still(home: TestHome, code: int) -> dict[str, Any]:
    found = dump(home)
    receipts = [path for path in found["files"] if path.endswith("/receipt.yaml")] if code else []
    return {**found, "files": {path: digest for path, digest in found["files"].items() if path not in receipts}}


def assert_doubt_is_said(home: TestHome) -> None:
    assert [failure["state"] for failure in home.receipt()["failures"]] == ["in_doubt"]
    assert "in-doubt" in " ".join(home.receipt()["reasons"])
    [order] = home.ask("status")["open"]
    assert order["in_doubt_items"] == 1 and "in-doubt" in " ".join(order["reasons"])
    assert "in doubt" in home.call("order", "cars").stdout.replace("_", " ")


# --- taking the order: nothing sent yet, so nothing may be in doubt ---

ACCEPTING = {
    "claim_recorded": 0, "claim_renamed": 0, "claimed": 0, "reading": 0, "order_read": 0, "ledger_written": 1,
    "order_accepted": 1, "order_folder_built": 1, "claim_cleared": 1, "order_expanded": 1,
}  # fmt: skip


@pytest.mark.parametrize("fault", ACCEPTING)
def test_killed_while_taking_an_order_it_is_one_order_and_four_creates(
    shop: TestHome, emulator: Emulator, tmp_path: Path, fault: str
) -> None:
    shop.drop("cars.yaml", CARS)
    killed(shop, fault)
    assert len(shop.lines("acceptance")) == ACCEPTING[fault] and shop.lines("wish") == []
    assert found(shop, tmp_path) == +Counter(planned=4 * ACCEPTING[fault])
    assert emulator.creates() == []
    assert restarted(shop, emulator) == 0
    assert_complete(shop, emulator)


def test_killed_with_planned_items_in_the_index_they_are_run(shop: TestHome, emulator: Emulator) -> None:
    shop.drop("cars.yaml", CARS)
    killed(shop, "order_expanded")
    assert shop.states() == ["planned"] * 4
    assert restarted(shop, emulator) == 0
    assert_complete(shop, emulator)


# --- making: an item is caught in each state (the next is sent while the first is delivered) ---

MAKING = {
    "recorded_ticket": "running", "recorded_result": "delivering", "sidecar_placed": "delivering",
    "product_linked": "delivering", "folder_synced": "delivering", "recorded_settlement": "completed",
}  # fmt: skip


INDEX_LOST = ["recorded_ticket", "product_linked", "recorded_settlement"]


@pytest.mark.parametrize(
    ("fault", "lose_index"), [*((fault, False) for fault in MAKING), *((fault, True) for fault in INDEX_LOST)]
)
def test_killed_after_the_ticket_nothing_is_bought_again(
    shop: TestHome, emulator: Emulator, tmp_path: Path, fault: str, lose_index: bool
) -> None:
    shop.drop("cars.yaml", CARS)
    killed(shop, fault)
    assert found(shop, tmp_path)[MAKING[fault]] >= 1  # reached; the next item may be in it too by then
    code = assert_made_good(shop, emulator, tmp_path, lose_index=lose_index)
    if fault in INDEX_LOST:
        assert_stays_so(shop, code)


def test_an_index_that_lost_its_last_changes_in_a_power_cut_follows_the_ledger(
    shop: TestHome, emulator: Emulator, tmp_path: Path
) -> None:
    """Its commits are not flushed one by one; the ledger's lines are."""
    shop.drop("cars.yaml", CARS)
    killed(shop, "recorded_ticket")
    with sqlite3.connect(shop.home.index_file) as index, sqlite3.connect(tmp_path / "older") as older:
        index.backup(older)
    killed(shop, "recorded_settlement:4")  # the last: of an earlier one, the next may be about to be sent
    for file in shop.home.private.glob("index.sqlite3*"):
        file.unlink()
    (tmp_path / "older").rename(shop.home.index_file)
    code = assert_made_good(shop, emulator, tmp_path)
    assert len(emulator.creates()) == 4
    assert_stays_so(shop, code)


SENDING = {"recorded_wish": 0, "before_submit": 0, "after_submit": 1}  # creates accepted before the kill


@pytest.mark.parametrize(
    ("fault", "lose_index"),
    [("recorded_wish", False), ("before_submit", True), ("after_submit", False), ("after_submit", True)],
)
def test_killed_while_sending_it_is_in_doubt_and_never_sent_again(
    shop: TestHome, emulator: Emulator, tmp_path: Path, fault: str, lose_index: bool
) -> None:
    shop.drop("cars.yaml", CARS)
    killed(shop, fault)
    assert found(shop, tmp_path) == Counter(submitting=1, planned=3)
    assert len(emulator.creates()) == SENDING[fault]
    assert restarted(shop, emulator, lose_index=lose_index) == 3
    assert_complete(shop, emulator, doubtful=1, creates=3 + SENDING[fault])
    assert_doubt_is_said(shop)
    assert_stays_so(shop, 3)


@pytest.mark.parametrize("lose_index", [False, True])
def test_killed_with_the_answer_on_its_way_it_is_found_again_in_the_providers_list(
    shop: TestHome, emulator: Emulator, lose_index: bool
) -> None:
    emulator.control(list="ok")
    shop.drop("cars.yaml", CARS)
    killed(shop, "after_submit")
    assert len(emulator.creates()) == 1 and shop.lines("ticket") == []
    assert restarted(shop, emulator, lose_index=lose_index) == 0
    assert_complete(shop, emulator)
    assert_stays_so(shop, 0)


def test_killed_with_the_wish_in_the_ledger_alone_it_is_in_doubt(
    shop: TestHome, emulator: Emulator, tmp_path: Path
) -> None:
    """The index did not commit; the ledger is believed."""
    shop.drop("cars.yaml", CARS)
    killed(shop, "ledger_written:3")
    assert shop.lines()[-1]["kind"] == "wish"
    assert shop.states() == ["planned"] * 4 and found(shop, tmp_path) == Counter(submitting=1, planned=3)
    assert restarted(shop, emulator) == 3
    assert_complete(shop, emulator, doubtful=1, creates=3)


def test_killed_with_the_ticket_in_the_ledger_alone_it_is_collected(
    shop: TestHome, emulator: Emulator, tmp_path: Path
) -> None:
    shop.drop("cars.yaml", CARS)
    killed(shop, "ledger_written:4")
    assert Counter(shop.states())["submitting"] == 1 and found(shop, tmp_path)["running"] == 1
    assert restarted(shop, emulator) == 0
    assert_complete(shop, emulator)


def test_killed_with_an_item_in_doubt_it_stays_in_doubt(shop: TestHome, emulator: Emulator, tmp_path: Path) -> None:
    emulator.control(create=["close-after"])
    shop.drop("cars.yaml", CARS)
    killed(shop, "recorded_failure")
    assert found(shop, tmp_path) == Counter(in_doubt=1, planned=3)
    assert restarted(shop, emulator) == 3
    assert_complete(shop, emulator, doubtful=1)
    assert_doubt_is_said(shop)
    assert_stays_so(shop, 3)


def test_killed_with_all_items_completed_the_receipt_is_brought_up_to_date(
    shop: TestHome, emulator: Emulator, tmp_path: Path
) -> None:
    shop.configure(providers={"replicate": {"concurrency": 4, "base_url": emulator.base_url}})
    shop.drop("cars.yaml", CARS)
    killed(shop, "recorded_settlement:4")
    assert found(shop, tmp_path) == Counter(completed=4)
    assert restarted(shop, emulator) == 0
    assert_complete(shop, emulator)
    assert_stays_so(shop, 0)


@pytest.mark.parametrize("fault", ["recorded_wish:3", "after_submit:2", "recorded_result:3"])
def test_killed_with_four_on_the_way_at_once_each_goes_on_from_its_own_state(
    shop: TestHome, emulator: Emulator, tmp_path: Path, fault: str
) -> None:
    shop.configure(providers={"replicate": {"concurrency": 4, "base_url": emulator.base_url}})
    shop.drop("cars.yaml", CARS)
    killed(shop, fault)
    assert_made_good(shop, emulator, tmp_path)


def test_killed_while_items_wait_for_a_slot_nothing_is_in_doubt(
    shop: TestHome, emulator: Emulator, tmp_path: Path
) -> None:
    emulator.control(run_seconds=1.5)
    shop.drop("cars.yaml", CARS)
    with shop.running() as daemon:
        until(lambda: Counter(shop.states()) == Counter(running=1, planned=3))
        daemon.kill()
    assert found(shop, tmp_path) == Counter(running=1, planned=3)
    assert restarted(shop, emulator) == 0
    assert_complete(shop, emulator)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_killed_at_any_moment_of_running_every_item_is_accounted_for(
    shop: TestHome, emulator: Emulator, tmp_path: Path, seed: int
) -> None:
    """When exactly is chance; whatever state the kill found, the next start makes good."""
    shop.configure(providers={"replicate": {"concurrency": 2, "base_url": emulator.base_url}})
    emulator.control(run_seconds=0.3)
    shop.drop("cars.yaml", CARS)
    with shop.running() as daemon:
        until(lambda: "running" in shop.states())
        time.sleep(random.Random(seed).uniform(0, 1.5))
        daemon.kill()
    assert_made_good(shop, emulator, tmp_path)


def test_a_product_on_the_shelf_is_kept_when_its_output_is_gone_after_the_kill(
    shop: TestHome, emulator: Emulator, tmp_path: Path
) -> None:
    shop.drop("cars.yaml", CARS)
    killed(shop, "folder_synced")
    placed = shop.products()  # one, and perhaps the next that was being placed in the same moment
    left = found(shop, tmp_path)
    assert placed and left["delivering"] >= len(placed)
    emulator.control(output="404")
    assert restarted(shop, emulator) == (3 if left["submitting"] else 1)  # the next one may just have been sent
    assert set(placed) <= set(shop.products()) and leftovers(shop) == []
    assert shop.states().count("completed") == len(shop.products()) < 4


# --- what turns out to be damaged when its pixels are made ---

ONE = CARS.replace("[red,blue]", "red").replace('"2,4"', "2")  # item: nothing else is under way at the kill
LOOKS = {"fetched_again": 0, "laid_beside": 0, "recorded_look": 1}  # lines about it that are there after the kill


@pytest.mark.parametrize(
    ("fault", "lose_index", "gone"),
    [*((fault, False, False) for fault in LOOKS), ("fetched_again", False, True), ("laid_beside", True, True),
     ("recorded_look", True, True)],
)  # fmt: skip
def test_killed_about_what_is_damaged_the_better_one_lies_beside_it_once(
    shop: TestHome, emulator: Emulator, fault: str, lose_index: bool, gone: bool
) -> None:
    """What was fetched again before the kill is not fetched once more: it may be gone by then."""
    emulator.control(output=["spoiled"])
    shop.drop("cars.yaml", ONE)
    killed(shop, fault)
    assert len(shop.lines("look")) == LOOKS[fault]
    emulator.control(output="404" if gone else "ok")
    assert shop.states() == ["completed"]
    assert restarted(shop, emulator, lose_index=lose_index) == 0
    [look] = shop.lines("look")
    [first] = [path for path in shop.products() if path.with_stem(f"{path.stem}-2").exists()]
    [card] = [card for card in shop.sidecars() if card["file"].get("replaces")]
    assert (card["id"], card["file"]["replaces"]) == (look["instead"][0]["id"], look["product"])
    assert first.with_stem(f"{first.stem}-2").name == card["file"]["name"]
    assert leftovers(shop) == [] and list((shop.home.work / "outputs").iterdir()) == []
    assert shop.ask("status")["to_look_at"] == 0
    assert_stays_so(shop, 0)


def test_killed_while_it_is_decoded_it_is_looked_at_by_the_next_start(shop: TestHome, emulator: Emulator) -> None:
    emulator.control(output="spoiled")
    shop.drop("cars.yaml", ONE)
    killed(shop, "decoding")
    assert shop.lines("look") == []
    assert restarted(shop, emulator) == 0
    [look], [_] = shop.lines("look"), shop.products()
    assert "came the same" in look["fault"] and len(emulator.creates()) == 1


# --- what is not taken, and what waits ---

BAD = "provider: replicate\nmodel: flux-schnell\nparameters:\n  promt: x\n"
DEAR = f"budget: 0.001\n{CARS}"


@pytest.mark.parametrize("fault", ["claim_recorded", "claimed", "reject_text", "reject_moved", "claim_cleared"])
def test_killed_while_rejecting_the_file_lies_in_rejected_once_with_its_word(home: TestHome, fault: str) -> None:
    home.drop("cars.yaml", BAD)
    killed(home, fault)
    assert home.once() in (0, 1)
    assert (home.home.rejected / "cars.yaml").read_text() == BAD
    assert "prompt" in home.words("cars.yaml")
    assert sorted(path.name for path in home.home.rejected.iterdir()) == ["cars.yaml", "cars.yaml.error.txt"]
    assert list(home.home.inbox.iterdir()) == [] and list(home.home.claims.iterdir()) == [] and leftovers(home) == []


@pytest.mark.parametrize("fault", ["hold_recorded", "hold_text", "hold_copied", "ledger_written", "order_accepted"])
def test_killed_while_holding_the_order_is_held_once(home: TestHome, fault: str) -> None:
    home.drop("cars.yaml", DEAR)
    killed(home, fault)
    assert home.once() == 3
    assert [order["status"] for order in home.orders()] == ["held"]
    assert (home.home.held / "cars.yaml").read_text() == DEAR and "budget" not in home.lines("wish")
    names = sorted(path.name for path in home.home.held.iterdir() if not path.name.startswith("."))
    assert names == ["cars.yaml", "cars.yaml.why.txt"]
    assert leftovers(home) == []


@pytest.mark.parametrize("by", ["moving", "command"])
def test_killed_while_approving_it_is_approved_once_and_nothing_is_left_held(
    shop: TestHome, emulator: Emulator, by: str
) -> None:
    shop.drop("cars.yaml", DEAR)
    assert shop.once() == 3
    if by == "moving":
        shutil.move(shop.home.held / "cars.yaml", shop.home.inbox / "cars.yaml")
        killed(shop, "order_approved")
    else:
        assert shop.call("approve", "cars", ARTFACTORY_FAULT="order_approved").returncode == KILLED
    assert len(shop.lines("approval")) == 1 and shop.lines("wish") == []
    assert restarted(shop, emulator) == 0
    assert_complete(shop, emulator)
    assert [path.name for path in shop.home.held.iterdir() if not path.name.startswith(".")] == []
    assert_stays_so(shop, 0)


def test_killed_while_cancelling_what_was_held_nothing_is_left_held(home: TestHome) -> None:
    home.drop("cars.yaml", DEAR)
    assert home.once() == 3
    assert home.call("cancel", "cars", ARTFACTORY_FAULT="ledger_written").returncode == KILLED
    assert len(home.lines("cancel")) == 1
    assert home.once() == 0
    assert [order["status"] for order in home.orders()] == ["cancelled"]
    assert [path.name for path in home.home.held.iterdir() if not path.name.startswith(".")] == []
    assert [path for path in home.home.claims.iterdir() if path.is_dir()] == []


def test_a_file_that_kills_its_reader_three_times_is_set_aside(home: TestHome) -> None:
    home.drop("cars.yaml", CARS)
    for _ in range(3):
        killed(home, "reading")
    assert home.once() == 1
    assert "E_POISON" in home.words("cars.yaml") and home.lines("acceptance") == []


def test_the_ledger_has_every_step_of_every_item_in_order(shop: TestHome, emulator: Emulator) -> None:
    """What all of the above relies on."""
    shop.drop("cars.yaml", CARS)
    killed(shop, "recorded_ticket")
    assert restarted(shop, emulator) == 0
    steps = [line["kind"] for line in shop.lines() if line.get("item") == 1]
    assert steps == ["wish", "ticket", "result", "settlement"]
    assert json.loads((shop.home.ledger / f"{shop.lines()[0]['at'][:7]}.jsonl").read_text().splitlines()[0])


# --- what is copied from the shelf ---

FIRST, MORE = CARS.replace("[red,blue]", "red"), CARS + "notes: and the blue ones\n"


@pytest.mark.parametrize(("fault", "lose_index"), [("recorded_reuse", False), ("recorded_reuse", True)])
def test_killed_while_copying_what_was_made_before_it_is_copied_once(
    shop: TestHome, emulator: Emulator, tmp_path: Path, fault: str, lose_index: bool
) -> None:
    """Add one value to an order and drop it again: only the new column is created."""
    shop.drop("cars.yaml", FIRST)
    assert shop.once() == 0 and len(emulator.creates()) == 2
    shop.drop("cars.yaml", MORE)
    killed(shop, fault)
    assert found(shop, tmp_path)["delivering"] == 1
    assert restarted(shop, emulator, lose_index=lose_index) == 0
    assert [each["input"]["prompt"] for each in emulator.creates()] == ["A red car"] * 2 + ["A blue car"] * 2
    assert [card["reused_from"] is not None for card in shop.sidecars()] == [False, False, True, True, False, False]
    assert Counter(shop.states()) == Counter(completed=6) and leftovers(shop) == []
    assert len(shop.lines("reuse")) == 2 and len(shop.lines("wish")) == 4


def test_killed_when_what_was_to_be_copied_is_gone_it_is_not_bought(
    shop: TestHome, emulator: Emulator, tmp_path: Path
) -> None:
    shop.drop("cars.yaml", FIRST)
    assert shop.once() == 0
    shop.drop("cars.yaml", MORE)
    killed(shop, "order_expanded")
    for product in shop.products():
        product.unlink()
    killed(shop, "recorded_tombstone")
    assert found(shop, tmp_path)["failed"] == 1
    assert restarted(shop, emulator) == 1
    assert len(emulator.creates()) == 4 and len(shop.lines("tombstone")) == 2
    assert shop.call("retry", shop.lines("acceptance")[-1]["order"]).returncode == 0
    assert shop.once() == 0
    assert len(emulator.creates()) == 6


def test_killed_when_its_proof_is_done_it_waits_for_a_person_once(shop: TestHome, emulator: Emulator) -> None:
    shop.drop("cars.yaml", CARS + "proof: 2\n")
    killed(shop, "proof_laid_down")
    assert restarted(shop, emulator) == 3
    assert len(emulator.creates()) == 2 and len(shop.lines("hold")) == 1
    assert [path.name for path in shop.home.held.glob("*.yaml")] == ["cars.yaml"]
    assert shop.call("approve", "cars").returncode == 0
    assert shop.once() == 0
    assert_complete(shop, emulator)


@pytest.mark.parametrize("fault", ["picture_put_back", "sidecar_put_back"])
def test_killed_while_what_was_dragged_is_put_back_nothing_is_made(
    shop: TestHome, emulator: Emulator, fault: str
) -> None:
    shop.drop("cars.yaml", FIRST)
    assert shop.once() == 0
    picture = shop.products()[0]
    before = (picture, card_of(picture))
    was = [path.read_bytes() for path in before]
    for path in before:
        path.rename(shop.home.inbox / path.name)
    killed(shop, fault)
    assert restarted(shop, emulator) == 0
    assert [path.read_bytes() for path in before] == was
    assert list(shop.home.inbox.iterdir()) == [] and leftovers(shop) == []
    assert len(emulator.creates()) == 2 and len(shop.lines("acceptance")) == 1
