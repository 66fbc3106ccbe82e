"""From a dropped file to an order: the same again, what is held and how it is approved, several documents."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from artfactoryd.clock import now
from artfactoryd.daemon.run import RunReport, Tally
from artfactoryd.intake import held_folder
from artfactoryd.intake.order_lines import order_id
from artfactoryd.intake.outcomes import Accepted, Held, Lack, Outcome, PutBack, Rejected, Waiting
from artfactoryd.planning import accepted
from artfactoryd.settings import Inbox, Limits
from artfactoryd.storage import spend
from tests.homes import TestHome
from tests.works import PRICE, Works, at_work, full_disk, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
Patch = pytest.MonkeyPatch
DEAR = order(budget=0.001)
CLAIM = "01900000-0000-7000-8000-0000000000ff"


def entries(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def claims(works: Works) -> list[str]:
    return [claim.id for claim in works.house.claims.open()]


async def held(works: Works, text: str, name: str = "cars.yaml") -> str:
    made = await works.take(text, name)
    await works.until(lambda: works.order(made).held)
    assert works.state(made) == "held" and works.fake.calls() == [] and works.order(made).folder is None
    return made


def move_back(home: TestHome, name: str = "cars.yaml") -> None:
    shutil.move(home.home.held / name, home.home.inbox / name)


# --- the same again ---


async def test_the_same_file_twice_is_held_as_a_duplicate_and_made_when_approved_by_moving(
    home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch) as works:
        first = await works.make(order())
        second = await works.take(order())
        await works.until(lambda: works.order(second).held)
        assert f"duplicate of cars ({first[:13]}" in home.words("cars.yaml") and len(works.fake.calls()) == 2
        move_back(home)
        await works.until(lambda: works.states(second) == ["completed", "completed"])
        assert len(works.fake.calls()) == 4 and entries(home.home.held) == [] and claims(works) == []
        assert works.folder(second).endswith("/cars-2")


async def test_other_bytes_another_project_or_a_later_time_are_no_duplicate(home: TestHome, monkeypatch: Patch) -> None:
    inbox = Inbox(settle_seconds=0.02, scan_seconds=0.1, repeat_minutes=0)
    async with at_work(home, monkeypatch, inbox=inbox) as works:
        await works.make(order())
        (home.home.inbox / "box").mkdir()
        await works.make(order("a [red,blue]  car"))
        await works.make(order(), "again.yaml")
        assert entries(home.home.held) == []


async def test_while_the_first_is_unfinished_the_same_is_a_duplicate_however_late(
    home: TestHome, monkeypatch: Patch
) -> None:
    inbox = Inbox(settle_seconds=0.02, scan_seconds=0.1, repeat_minutes=0)
    async with at_work(home, monkeypatch, inbox=inbox) as works:
        works.fake.hold("collect")
        await works.take(order())
        await works.fake.reached("collect")
        second = await works.take(order(), "again.yaml")
        await works.until(lambda: works.order(second).held)


async def test_an_order_that_ended_with_nothing_sent_makes_no_duplicate(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        first = await held(works, DEAR)
        await works.tell("cancel", first)
        second = await works.take(DEAR, "again.yaml")
        await works.until(lambda: works.order(second).held)
        assert [reason.code for reason in works.order(second).reasons] == ["budget"]


async def test_a_rehearsal_neither_makes_a_duplicate_nor_counts_as_a_run(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        real = await works.make(order(name="x"))
        expected = works.items(real)[0].seed
    (fresh := TestHome.make(home.root.parent / "fresh")).configure()
    async with at_work(fresh, monkeypatch) as works:
        rehearsal = await works.take(order(name="x", rehearse=True), "first.yaml")
        await works.until(lambda: works.items(rehearsal))
        assert works.order(rehearsal).provider == "local" and works.order(rehearsal).price == 0
        made = await works.take(order(name="x"), "second.yaml")
        await works.until(lambda: works.states(made) == ["completed", "completed"])
        assert works.items(made)[0].seed == expected


async def test_the_same_bytes_made_again_get_new_seeds(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        first = await works.make(order())
        second = await works.take(order())
        await works.until(lambda: works.order(second).held)
        await works.tell("approve", second)
        await works.until(lambda: works.states(second) == ["completed", "completed"])
        seeds = [item.seed for each in (first, second) for item in works.items(each)]
        assert len(set(seeds)) == 4


async def test_projects_that_differ_only_in_case_are_one_folder(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        await works.make(order("a car", project="Cars"))
        other = await works.make(order("a boat", project="cars"), "boats.yaml")
        assert works.folder(other).startswith("Projects/Cars/")
        assert entries(home.home.projects) == ["Cars"]


# --- held: approved and cancelled, by command and by hand ---


async def test_held_and_approved_by_command_it_is_made_with_its_cap_raised_to_the_price(
    home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch) as works:
        made = await held(works, DEAR)
        assert entries(home.home.held) == ["cars.yaml", "cars.yaml.why.txt"]
        assert "0.02" in home.words("cars.yaml") and "move cars.yaml from Held to Inbox" in home.words("cars.yaml")
        assert (await works.tell("approve", "cars"))["done"]
        await works.until(lambda: works.states(made) == ["completed", "completed"])
        assert works.order(made).cap == 2 * PRICE
        assert entries(home.home.held) == [] and claims(works) == []


async def test_held_and_approved_by_moving_it_keeps_its_id_and_seeds(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        made = await held(works, DEAR)
        base = works.order(made).base_seed
        move_back(home)
        await works.until(lambda: works.states(made) == ["completed", "completed"])
        assert works.order(made).base_seed == base and len(works.house.books.index.orders()) == 1
        assert entries(home.home.held) == [] and entries(home.home.inbox) == [] and claims(works) == []


async def test_the_same_bytes_while_the_entry_lies_in_held_approve_nothing(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        first = await held(works, DEAR)
        second = await works.take(DEAR, "copy.yaml")
        await works.until(lambda: works.order(second).held)
        assert works.state(first) == "held"
        assert {reason.code for reason in works.order(second).reasons} == {"budget", "duplicate"}


async def test_moved_back_with_other_bytes_it_is_a_new_order(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        first = await held(works, DEAR)
        (home.home.held / "cars.yaml").write_text(order())
        move_back(home)
        await works.until(lambda: works.states() == ["completed", "completed"])
        assert len(works.house.books.index.orders()) == 2
        assert works.state(first) == "held"


async def test_held_and_cancelled_by_command_nothing_of_it_is_left_held(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        made = await held(works, DEAR)
        assert (await works.tell("cancel", made))["done"]
        assert works.state(made) == "cancelled" and entries(home.home.held) == [] and claims(works) == []


async def test_held_and_binned_it_is_cancelled_once_it_is_surely_gone(home: TestHome, monkeypatch: Patch) -> None:
    assert held_folder.GONE_FOR == 30.0
    async with at_work(home, monkeypatch) as works:
        made = await held(works, DEAR)
        (home.home.held / "cars.yaml").unlink()
        await works.until(lambda: works.daemon._held._gone)
        assert works.state(made) == "held"
        monkeypatch.setattr(held_folder, "GONE_FOR", 0.01)
        await works.until(lambda: works.state(made) == "cancelled")
        await works.until(lambda: entries(home.home.held) == [] and claims(works) == [])
        assert works.fake.calls() == []


@pytest.mark.parametrize("remade", [False, True], ids=["gone", "made-anew"])
async def test_a_vanished_held_folder_is_made_again_and_cancels_nothing(
    home: TestHome, monkeypatch: Patch, remade: bool
) -> None:
    monkeypatch.setattr(held_folder, "GONE_FOR", 0.0)
    async with at_work(home, monkeypatch) as works:
        made = await held(works, DEAR)
        shutil.rmtree(home.home.held)
        if remade:
            home.home.held.mkdir()
        await works.until(lambda: (home.home.held / "cars.yaml").exists() and home.words("cars.yaml"))
        assert (home.home.held / "cars.yaml").read_text() == DEAR and works.state(made) == "held"
        monkeypatch.setattr(held_folder, "GONE_FOR", 30.0)
        move_back(home)
        await works.until(lambda: works.states(made) == ["completed", "completed"])


async def test_an_unknown_price_cannot_be_waived_by_moving_or_by_command(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        text = order(model="mute")
        made = await held(works, text)
        assert [(reason.code, reason.waivable) for reason in works.order(made).reasons] == [("price", False)]
        for _ in range(2):
            move_back(home)
            await works.until(lambda: (home.home.held / "cars.yaml").exists() and len(claims(works)) == 1)
        assert "approving is not enough" in home.words("cars.yaml")
        assert entries(home.home.held) == ["cars.yaml", "cars.yaml.why.txt"]
        assert not (await works.tell("approve", made))["done"]
        assert works.state(made) == "held" and len(works.house.books.index.orders()) == 1
        assert works.daemon.report.rejected == () and works.daemon.report.orders == (made,)
        await works.take(order(model="mute", price={"usd": 0.01, "per": "image"}), "priced.yaml")
        await works.until(lambda: works.states() == ["completed", "completed"])


async def test_more_products_than_asked_for_are_held_and_one_number_fewer_is_not(
    home: TestHome, monkeypatch: Patch
) -> None:
    limits = Limits(free_disk_bytes=1000, products_per_order=4)
    async with at_work(home, monkeypatch, limits=limits) as works:
        made = await held(works, order("car [1,2,3,4,5]"))
        assert works.order(made).reasons[0].code == "limit" and "5 products" in home.words("cars.yaml")
        fits = await works.make(order("car [1,2,3,4]"), "fits.yaml")
        assert works.states(fits) == ["completed"] * 4


# --- several documents in one file ---


def test_the_second_document_has_the_claims_id_plus_one() -> None:
    claim = "01900000-0000-7000-8000-0000000000ff"
    assert order_id(claim, 1) == claim
    assert UUID(order_id(claim, 2)).int == UUID(claim).int + 1


async def test_two_documents_are_two_orders_of_one_claim(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        await works.take(f"{order('a car')}---\n{order('a boat')}")
        await works.until(lambda: works.states() == ["completed", "completed"])
        second, first = works.house.books.index.orders()
        assert (first.name, second.name) == ("cars-1", "cars-2")
        assert second.id == order_id(first.id, 2) and first.claim == second.claim


async def test_one_document_to_hold_holds_the_whole_file_and_approving_one_approves_both(
    home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch) as works:
        await works.take(f"{order('a car')}---\n{DEAR}")
        await works.until(lambda: len(works.house.books.index.held_orders()) == 2)
        assert works.fake.calls() == []
        assert (await works.tell("approve", "cars-1"))["done"]
        await works.until(lambda: works.states() == ["completed"] * 3)
        assert entries(home.home.held) == [] and claims(works) == []


async def test_cancelling_one_of_two_held_documents_leaves_the_other_to_be_approved(
    home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch) as works:
        await works.take(f"{order('a car')}---\n{DEAR}")
        await works.until(lambda: len(works.house.books.index.held_orders()) == 2)
        await works.tell("cancel", "cars-2")
        assert entries(home.home.held) == ["cars.yaml", "cars.yaml.why.txt"]
        move_back(home)
        await works.until(lambda: works.states() == ["completed"])
        assert works.prompts() == ["a car"] and claims(works) == []


async def test_one_wrong_document_rejects_the_whole_file(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        wrong = [order(parameters={"stepz": 1}), order(provider="nobody")]
        home.drop("cars.yaml", "---\n".join([order("a car"), *wrong]))
        await works.until(lambda: home.words("cars.yaml"))
        await works.until(lambda: claims(works) == [])
        words = home.words("cars.yaml")
        assert "stepz" in words and "nobody" in words and works.house.books.index.orders() == []


async def test_the_same_document_twice_in_one_file_is_held(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        home.drop("cars.yaml", f"---\n{order()}---\n{order()}")
        await works.until(lambda: len(works.house.books.index.held_orders()) == 2)
        assert "the same as document 1" in home.words("cars.yaml")


# --- what keeps it from being taken ---


async def test_a_file_whose_reading_ended_the_program_three_times_is_set_aside(
    home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch) as works:
        await works.stop()
        path = home.drop("cars.yaml", order())
        claim = works.house.claims.take(path, id=order_id(CLAIM, 1), project=None,
                                        taken_at="2026-11-22T12:00:00.000Z")  # fmt: skip
        assert claim is not None
        for _ in range(3):
            works.house.claims.begin_reading(claim)
    async with at_work(home, monkeypatch) as works:
        await works.until(lambda: "E_POISON" in home.words("cars.yaml"))
        await works.until(lambda: claims(works) == [])
        assert works.house.books.index.orders() == []


async def test_what_was_taken_and_found_no_room_goes_on_when_there_is(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        with full_disk(home, monkeypatch):
            home.drop("cars.yaml", order())
            await works.until(lambda: works.daemon._consumer.pending)
            assert works.house.books.index.orders() == []
        await works.until(lambda: works.states() == ["completed", "completed"])
        assert claims(works) == [] and len(works.house.books.index.orders()) == 1


# --- what becomes of a drop ---

FOR_THE_BEACH = (
    "There is no beach.png beside the order. Put it beside the order, or correct the name. (cars.yaml, line 4, "
    "column 10, in parameters.image; E_INPUT_MISSING)\nIt may be dropped a moment later: a minute is waited for it."
)
PICTURED = "provider: other\nmodel: editor\nparameters:\n  image: beach.png\n"


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        (order(), lambda ids, home: Accepted(ids, ids)),
        (DEAR, lambda ids, home: Held(ids)),
        ("model: [", lambda ids, home: Rejected(home.home.rejected / "cars.yaml")),
        (PICTURED, lambda ids, home: Waiting(Lack.PICTURE, FOR_THE_BEACH)),
    ],
    ids=["accepted", "held", "rejected", "waiting"],
)
async def test_what_becomes_of_a_drop_is_one_value(
    home: TestHome, monkeypatch: Patch, text: str, outcome: Callable[[tuple[str, ...], TestHome], Outcome]
) -> None:
    path = home.root / "cars.yaml"
    path.write_text(text)
    async with at_work(home, monkeypatch) as works:
        await works.stop()
        claim = works.house.claims.take(path, id=CLAIM, project=None, taken_at=now().isoformat())
        assert claim is not None
        assert await works.house.intake.take(claim) == outcome((order_id(CLAIM, 1),), home)


def test_a_report_names_each_order_once_and_every_rejection() -> None:
    tally = Tally()
    tally.meet(["a"])
    for outcome in (
        Accepted(("a", "b"), ("b",)),
        Rejected(Path("x")),
        PutBack(Path("y")),
        Waiting(Lack.ROOM, "", ("c",)),
    ):
        tally.add(outcome)
    assert tally.report(2) == RunReport(("a", "b", "c"), (Path("x"),), 2)


# --- what an order brings along beside pictures ---


async def test_a_table_of_cases_goes_with_its_order_and_the_plan_is_the_same_after_a_restart(
    home: TestHome, monkeypatch: Patch
) -> None:
    (home.home.inbox / "rows.csv").write_text('prompt,num_outputs\n"a [red,blue] car",\na tower,2\n')
    text = order("a car", cases="rows.csv", exclude=[{"prompt": "a blue car"}])
    async with at_work(home, monkeypatch) as works:
        made = await works.make(text)
        assert [item.generation["prompt"] for item in works.items(made)] == ["a red car", "a tower"]
        folder = home.root / works.folder(made)
        assert (folder / "inputs" / "rows.csv").read_text().startswith("prompt,num")
        await works.until(lambda: entries(home.home.inbox) == [])
    accepted._plans.clear()
    async with at_work(home, monkeypatch) as works:
        again = accepted.plan_of(works.order(made))
        assert [item.parameters["prompt"] for item in again.items()] == ["a red car", "a tower"]
    assert entries(home.home.rejected) == []


async def test_the_resolved_order_makes_the_same_items(home: TestHome, monkeypatch: Patch) -> None:
    lookups = {"colour": ["red", "blue", 7]}
    exclude = [{"num_outputs": 2}, {"prompt": "a \\[b\\] \\|\\| c", "num_outputs": 1}]
    text = order(
        "RAW", lookups=lookups, count=2, sample=3, exclude=exclude, parameters={"num_outputs": "1..3"}, tags=["t"]
    )
    text = text.replace("prompt: RAW", "prompt: ['a [colour] car [~a,b,c]', !raw 'a [b] || c']")
    async with at_work(home, monkeypatch) as works:
        made = await works.make(text)
        folder = home.root / works.folder(made)
        whole = (folder / "order.resolved.yaml").read_text()
        again = await works.make(whole, "again.yaml")
        one, two = ([item.generation for item in works.items(each)] for each in (made, again))
        assert one == two and len(one) == 6


async def test_a_likely_mistake_holds_and_warnings_ok_lets_it_pass(home: TestHome, monkeypatch: Patch) -> None:
    text = order("a [color] car, (red:1.2)", lookups={"colour": ["red"]})
    async with at_work(home, monkeypatch) as works:
        made = await held(works, text)
        assert [reason.code for reason in works.order(made).reasons] == ["warning", "warning"]
        assert "Did you mean [colour]?" in home.words("cars.yaml")
        move_back(home)
        await works.until(lambda: works.states(made) == ["completed"])
        passed = await works.make(text + "warnings: ok\n", "passed.yaml")
        assert works.items(passed)[0].generation["prompt"] == "a color car, (red:1.2)"


async def test_three_forms_of_one_project_dropped_together_are_one_folder_and_one_line_in_spend(
    home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch) as works:
        for number, form in enumerate(("dogs", "DOGS", "Dogs")):
            home.drop(f"{number}.yaml", order(f"a dog {number}", project=form))
        await works.until(lambda: works.states() == ["completed"] * 3)
        assert len(entries(home.home.projects)) == 1
        (line,) = spend.by_group(works.house.books.index, "project")
        assert line.money.spent == 3 * PRICE and line.attempts == 3 and line.name.casefold() == "dogs"


@pytest.mark.parametrize(
    ("submission", "file", "way_out"),
    [
        ("", "holiday/order.yaml", "drop it into the Inbox again"),
        ('{"id": "1", "name": "cars", "file": "my cars.yaml"}', "my cars.yaml", "submit it again"),
    ],
)
async def test_what_is_wrong_is_told_of_the_file_as_the_person_named_it(
    home: TestHome, monkeypatch: Patch, submission: str, file: str, way_out: str
) -> None:
    (bundle := home.root / "holiday").mkdir()
    (bundle / "order.yaml").write_text(order() + "foo: 3\n")
    if submission:
        (bundle / ".submit.json").write_text(submission)
    shutil.move(bundle, home.home.inbox / "holiday")
    async with at_work(home, monkeypatch) as works:
        await works.until(lambda: (home.home.rejected / "holiday").exists())
    words = home.words("holiday")
    assert f"({file}, line " in words and f"Correct the file and {way_out}." in words
