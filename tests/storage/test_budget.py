"""Money against its caps: days and months by a clock of the test's, bills by time, and asking first."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from artfactoryd import clock, documents
from artfactoryd.errors import CallRefused, InDoubt, OverCap
from artfactoryd.execution.capped_orders import CappedOrders
from artfactoryd.execution.payload import Calls
from artfactoryd.factories import Output, Outputs, Ticket
from artfactoryd.intake.submission import Told, submit_bundle
from artfactoryd.reporting import waiting as reports
from artfactoryd.settings import Budget
from artfactoryd.storage import budget, spend
from artfactoryd.storage.rows import ItemRow
from artfactoryd.storage.spend import Money
from tests.emulator.client import Emulator
from tests.fakes import FakeFactory
from tests.homes import TestHome, until
from tests.works import PAINTER, PRICE, Works, at_work, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
Patch = pytest.MonkeyPatch
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def receipts_at_once(monkeypatch: Patch) -> None:
    monkeypatch.setattr("artfactoryd.daemon.loop.IDLE_EVERY", 0.02)


class Clock:
    """Stands still until it is moved; of this machine's zone."""

    def __init__(self, *date: int) -> None:
        self.now = datetime(*date, 12).astimezone()  # type: ignore[misc,arg-type]

    def __call__(self) -> datetime:
        return self.now


def words(works: Works, order_id: str) -> str:
    house = works.house
    day = clock.day_of(house.clock())
    return " ".join(reports.reasons(house.books.index, works.order(order_id), house.home, house.settings.now, day))


def days(works: Works) -> dict[str, int]:
    return {row["day"]: row["committed"] for row in works.house.books.index.rows("SELECT * FROM spending")}


# --- days and months ---


@pytest.fixture
def auckland(monkeypatch: Patch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("auckland")
def test_days_are_those_of_this_machines_clock() -> None:
    assert clock.day_of(datetime.fromisoformat("2026-11-22T10:59:59+00:00")) == "2026-11-22"
    assert clock.day_of(datetime.fromisoformat("2026-11-22T11:00:00+00:00")) == "2026-11-23"


async def test_at_the_days_cap_everything_paid_waits_and_goes_on_by_itself_the_next_day(
    home: TestHome, monkeypatch: Patch
) -> None:
    clock = Clock(2026, 11, 22)
    async with at_work(home, monkeypatch, clock=clock, budget=Budget(per_day=0.02)) as works:
        cars = await works.make(order("car [1,2,3]"))
        boats = await works.make(order("a boat", provider="other"), "boats.yaml")
        assert works.states() == ["completed", "completed", "planned", "planned"]
        assert works.daemon.done and works.other.calls() == []
        said = "The day's cap of $0.02 is reached: $0.02 are spent or set aside. It goes on by itself at midnight"
        assert said in words(works, cars) and said in words(works, boats)
        folder = home.root / works.folder(boats)
        await works.until(lambda: said in str(home.receipt(folder).get("reasons")))
        clock.now += DAY
        await works.until(lambda: works.states() == ["completed"] * 4)
        assert [line["day"] for line in works.lines("wish")] == ["2026-11-22"] * 2 + ["2026-11-23"] * 2
        assert days(works) == {"2026-11-22": 2 * PRICE, "2026-11-23": 2 * PRICE}


async def test_at_the_months_cap_the_next_day_changes_nothing_and_the_next_month_does(
    home: TestHome, monkeypatch: Patch
) -> None:
    clock = Clock(2026, 11, 29)
    async with at_work(home, monkeypatch, clock=clock, budget=Budget(per_month=0.02)) as works:
        cars = await works.make(order("car [1,2,3]"))
        said = (
            "The month's cap of $0.02 is reached: $0.02 are spent or set aside. It goes on by itself with the new month"
        )
        assert said in words(works, cars)
        clock.now += DAY
        await works.until(lambda: works.execution.capped.days == {cars: "2026-11-30"})  # tried again, in vain
        assert works.states() == ["completed", "completed", "planned"] and said in words(works, cars)
        clock.now += DAY
        await works.until(lambda: works.states() == ["completed"] * 3)


@pytest.mark.parametrize(("model", "cap"), [("painter", 0.01), ("timer", 10)], ids=["the day's", "its own"])
async def test_what_waits_for_a_cap_is_not_tried_over_and_over(
    home: TestHome, monkeypatch: Patch, model: str, cap: float
) -> None:
    tried, stop = [], CappedOrders.stop

    def noted(capped: CappedOrders, row: ItemRow, error: OverCap) -> None:
        tried.append(row)
        stop(capped, row, error)

    monkeypatch.setattr(CappedOrders, "stop", noted)
    monkeypatch.setattr(Slow, "times", (25.0,))
    async with at_work(home, monkeypatch, fake=Slow, concurrency=4, budget=Budget(per_day=cap)) as works:
        await works.make(order("car [1,2,3,4,5,6]", model=model))
        before = len(tried)
        assert 1 <= before <= 4
        for _ in range(3):
            await works.until(partial(lambda before: works.daemon._looked > before, works.daemon._looked))
        assert len(tried) == before and "planned" in works.states()


async def test_agents_have_a_cap_of_their_own_within_the_days(home: TestHome, monkeypatch: Patch) -> None:
    """What a person orders does not count against it, and what is in doubt does."""
    clock, caps = Clock(2026, 11, 22), Budget(agents_per_day=0.03)
    async with at_work(home, monkeypatch, clock=clock, budget=caps) as works:
        works.fake.script("submit", None, InDoubt("The answer was lost."))
        handed = home.home
        told = Told("cars", "cars.yaml", agent="claude")
        _, submission = submit_bundle(order("car [1,2,3,4]").encode(), {}, told, handed.inbox, handed.temp)
        index = works.house.books.index
        await works.until(lambda: index.orders_of_submission(submission))
        cars = index.orders_of_submission(submission)[0].id
        await works.until(lambda: works.daemon.done and len(works.states(cars)) == 4)
        assert works.states(cars) == ["completed", "in_doubt", "completed", "planned"]
        said = (
            "The day's cap for agents of $0.03 is reached: $0.03 are spent or set aside. It goes on by itself at midn"
        )
        assert said in words(works, cars) and works.lines("wish")[0]["caps"]["agents"] == 3 * PRICE
        await works.make(order("a boat"), "boats.yaml")
        assert (
            budget.counted(index, budget.AGENTS, "2026-11-22") == 3 * PRICE and days(works)["2026-11-22"] == 4 * PRICE
        )
        assert "agents" not in works.lines("wish")[-1]["caps"]
        clock.now += DAY
        await works.until(lambda: works.states(cars) == ["completed", "in_doubt", "completed", "completed"])


async def test_nothing_is_uploaded_for_what_a_cap_would_stop(home: TestHome, monkeypatch: Patch) -> None:
    monkeypatch.setattr(Calls, "of", lambda *_: pytest.fail("it was got ready"))
    async with at_work(home, monkeypatch, budget=Budget(per_day=0)) as works:
        made = await works.make(order())
        assert works.states(made) == ["planned", "planned"] and works.execution.flights.stuck == {}


async def test_an_item_that_does_not_fit_waits_and_a_cheaper_one_of_another_order_goes_on(
    home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch, budget=Budget(per_day=0.05)) as works:
        works.fake.script("collect", lambda ticket: Outputs((works.fake.picture("a"),) * 4, {}, 1.0))
        cars = await works.make(order("car [1,2]", parameters={"num_outputs": 4}))
        boats = await works.make(order("a boat"), "boats.yaml")
        assert works.states(cars) == ["completed", "planned"] and works.states(boats) == ["completed"]
        assert days(works) == {clock.today(): 5 * PRICE}


async def test_an_item_dearer_than_a_whole_day_may_be_says_so(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch, budget=Budget(per_day=0.005)) as works:
        made = await works.make(order("a car"))
        assert "One item may cost $0.01, and a whole day no more than $0.005. Raise" in words(works, made)


async def test_what_is_free_is_made_though_every_cap_is_nothing(home: TestHome, monkeypatch: Patch) -> None:
    free = {**PAINTER, "model": "acme/free", "aliases": ["free"], "price": {"usd": 0, "per": "image"}}
    (home.home.library / "models" / "free.yaml").write_text(documents.dump_yaml(free))
    none = Budget(per_order=0, per_day=0, per_month=0, ask_above=0)
    async with at_work(home, monkeypatch, budget=none) as works:
        made = await works.make(order(model="free"))
        assert works.states(made) == ["completed", "completed"] and days(works) == {}


async def test_a_raised_cap_lets_it_go_on_at_once(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch, budget=Budget(per_day=0.01)) as works:
        made = await works.make(order("car [1,2]"))
        assert works.states(made) == ["completed", "planned"]
        settings = works.house.settings.now
        works.house.use(type(settings)(settings.providers, Budget(per_day=0.02), settings.limits, settings.inbox))
        await works.until(lambda: works.states(made) == ["completed"] * 2)
        caps = [line["caps"]["day"] for line in works.lines("wish")]
        assert caps == [PRICE, 2 * PRICE]


async def test_money_that_comes_back_lets_another_order_go_on(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch, concurrency=2, budget=Budget(per_day=0.01)) as works:
        works.fake.hold("submit")
        cars = await works.take(order("a car"))
        await works.fake.reached("submit")
        boats = await works.take(order("a boat"), "boats.yaml")
        await works.until(lambda: boats in works.execution.capped.days)
        works.fake.script("submit", CallRefused("no"))
        works.fake.release("submit")
        await works.until(lambda: works.states() == ["failed", "completed"])
        assert (works.committed(cars), works.committed(boats)) == (0, PRICE) and works.execution.capped.days == {}


async def test_what_is_in_doubt_stays_counted_on_the_day_of_its_wish(home: TestHome, monkeypatch: Patch) -> None:
    clock = Clock(2026, 11, 22)
    async with at_work(home, monkeypatch, clock=clock, budget=Budget(per_day=0.01)) as works:
        works.fake.script("submit", InDoubt("lost"))
        made = await works.make(order("car [1,2]"))
        assert works.states(made) == ["in_doubt", "planned"]
        clock.now += DAY
        await works.until(lambda: works.states(made) == ["in_doubt", "completed"])
        assert days(works) == {"2026-11-22": PRICE, "2026-11-23": PRICE}


async def test_no_approval_waives_the_cap_of_a_day(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch, budget=Budget(per_day=0.01)) as works:
        made = await works.make(order("car [1,2]"))
        answer = await works.tell("approve", made)
        await works.rests()
        assert not answer["done"] and "not held" in answer["text"] and works.states(made) == ["completed", "planned"]


# --- bills by time ---


class Slow(FakeFactory):
    """Runs that take as many seconds as `times` says of each ticket, the last one for the rest."""

    times: tuple[float, ...] = (25.0,)

    async def collect(self, ticket: Ticket) -> Outputs | None:
        given = await super().collect(ticket)
        assert given is not None
        place = int(ticket.text.rpartition("-")[2]) - 1
        return Outputs(given.outputs, given.returned, seconds=self.times[min(place, len(self.times) - 1)])


async def test_a_bill_above_what_was_set_aside_stops_the_order_until_a_person_says_so(
    home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch, fake=Slow) as works:
        made = await works.make(order("car [1,2,3]", model="timer"))
        assert works.states(made) == ["completed", "planned", "planned"]  # not one more between bill and delivery
        said = "An item cost $0.025, more than was set aside for it. All of it may cost up to $0.075"
        assert said in words(works, made)
        folder = home.root / works.folder(made)
        await works.until(lambda: said in str(home.receipt(folder).get("reasons")))
        receipt = home.receipt(folder)
        assert receipt["warnings"] == [{"item": 1, "text": "It cost $0.025; $0.01 were set aside."}]
        assert (receipt["cost"]["estimated_usd"], receipt["cost"]["spent_usd"]) == (0.03, 0.025)
        boats = await works.make(order("a boat"), "boats.yaml")
        assert works.states(boats) == ["completed"] and works.states(made).count("planned") == 2
        assert "all of it may cost up to $0.075." in (await works.tell("approve", made))["text"]
        await works.until(lambda: works.states(made) == ["completed"] * 3)
        reserved = [line["reserved"] for line in works.lines("wish") if line["order"] == made]
        assert reserved == [10_000, 25_000, 25_000]


async def test_approving_a_dearer_order_raises_its_cap_to_the_price_shown(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch, fake=Slow) as works:
        made = await works.make(order("car [1,2]", model="timer", budget=0.02))
        assert "approve" in words(works, made) and "$0.05" in words(works, made)
        assert (await works.tell("approve", made))["done"]
        await works.until(lambda: works.states(made) == ["completed"] * 2)
        assert works.order(made).cap == 50_000 == works.committed(made)
        assert not (await works.tell("approve", made))["done"]


async def test_a_quick_run_costs_its_time_and_the_rest_comes_back(home: TestHome, monkeypatch: Patch) -> None:
    monkeypatch.setattr(Slow, "times", (2.5,))
    async with at_work(home, monkeypatch, fake=Slow, budget=Budget(per_day=0.0125)) as works:
        made = await works.make(order("car [1,2]", model="timer"))
        assert works.states(made) == ["completed"] * 2 and works.committed(made) == 5_000
        assert spend.of_order(works.house.books.index, made) == Money(spent=5_000, released=15_000)
        assert [card["cost"] for card in home.sidecars()] == [{"usd": 0.0025, "estimated": True}] * 2


async def test_a_lost_output_costs_the_time_that_was_measured(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch, fake=Slow) as works:
        gone = Output((home.root / "gone.png").as_uri(), "image/png")
        works.fake.script("collect", Outputs((gone,), {}, None))
        made = await works.make(order("a car", model="timer"))
        assert works.states(made) == ["failed"] and works.committed(made) == 25_000
        said = (await works.tell("retry", made, in_doubt=True))["text"]
        assert f"so it waits for `approve {made[:13]}`" in said
        await works.rests()
        assert works.states(made) == ["planned"] and f"`approve {made[:13]}` allows that" in words(works, made)


async def test_a_price_by_the_megapixel_is_settled_by_the_size_of_what_came(home: TestHome, monkeypatch: Patch) -> None:
    """Two megapixels are expected, and a picture of less than one comes."""
    sizes = {name: {"type": "integer", "default": 1400} for name in ("width", "height")}
    schema = {**PAINTER["schema"], "properties": {**PAINTER["schema"]["properties"], **sizes}}
    price = {"usd": 0.01, "per": "megapixel"}
    model = {**PAINTER, "model": "acme/large", "aliases": ["large"], "schema": schema, "price": price}
    (home.home.library / "models" / "large.yaml").write_text(documents.dump_yaml(model))
    async with at_work(home, monkeypatch) as works:
        made = await works.make(order("a car", model="large"))
        assert [line["reserved"] for line in works.lines("wish")] == [20_000] and works.committed(made) == 10_000


# --- asked first ---


async def test_an_order_above_ask_above_is_held_and_approving_sends_it(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch, budget=Budget(ask_above=0.015)) as works:
        made = await works.make(order())
        assert [reason.code for reason in works.order(made).reasons] == ["ask_above"]
        assert "Its 2 items may cost up to $0.02; above $0.015 you are asked first." in home.words("cars.yaml")
        assert works.fake.calls() == []
        assert (await works.tell("approve", made))["done"]
        await works.until(lambda: works.states(made) == ["completed"] * 2)
        assert works.lines("approval")[0]["waived"] == ["ask_above"]


# --- the real program ---


def counted(lines: list[dict[str, Any]]) -> Iterator[tuple[int, int]]:
    """What was spent or set aside after each wish, and the day's cap it carries, from the ledger's lines alone."""
    reserved: dict[str, int] = {}
    for line in lines:
        if line["kind"] == "wish":
            reserved[line["attempt"]] = line["reserved"]
            yield sum(reserved.values()), line["caps"]["day"]
        elif line["kind"] in ("settlement", "failure") and line["cost"] is not None:
            reserved[line["attempt"]] = line["cost"]
        elif line["kind"] == "release":
            reserved[line["attempt"]] = 0


def test_five_orders_stop_at_the_days_cap_and_go_on_when_it_is_raised(tmp_path: Path, emulator: Emulator) -> None:
    replicate = {"replicate": {"concurrency": 8, "base_url": emulator.base_url}}
    home = TestHome.make(tmp_path / "home", providers=replicate, budget={"per_day": 0.1})
    paid = "provider: replicate\nmodel: flux-schnell\nparameters: {prompt: 'car [1,2,3,4,5,6,7,8,9,10] of %s'}\n"
    for name in ("ann", "bob", "cid", "dan", "eve"):
        home.drop(f"{name}.yaml", paid % name)
    with home.running():
        until(lambda: Counter(home.states()) == {"completed": 33, "planned": 17})
        waiting = [each for each in home.orders() if each["status"] == "processing"]
        assert waiting and all("The day's cap of $0.10 is reached: $0.099" in str(each["reasons"]) for each in waiting)
        assert len(emulator.creates()) == 33
        home.configure(providers=replicate, budget={"per_day": 1})
        until(lambda: Counter(home.states()) == {"completed": 50})
    found = list(counted(home.lines()))
    assert len(found) == 50 == len(emulator.creates()) and all(money <= cap for money, cap in found)
    assert Counter(cap for _, cap in found) == {100_000: 33, 1_000_000: 17}
    by = home.ask("spend", "--by", "order")
    assert [group["spent_usd"] for group in by["groups"]] == [0.03] * 5 and by["total"]["spent_usd"] == 0.15
    assert by["budget"]["day"]["left_usd"] == 0.85
