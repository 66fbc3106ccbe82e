"""What is handed in: by a person, and by an agent, whose orders are marked, repeat for a day, and wait for a word."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta

import pytest

from artfactoryd.intake.submission import Told, agent_name, submit_bundle
from artfactoryd.settings import Inbox
from tests.homes import TestHome
from tests.works import Works, at_work, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
Patch = pytest.MonkeyPatch
DEAR = order(budget=0.001)


async def hand_in(works: Works, text: str, agent: str = "claude", name: str = "cars") -> str:
    """The id of the order that it became."""
    home = works.home.home
    _, submission = submit_bundle(text.encode(), {}, Told(name, f"{name}.yaml", agent=agent), home.inbox, home.temp)
    await works.until(lambda: works.house.books.index.orders_of_submission(submission))
    return works.house.books.index.orders_of_submission(submission)[0].id


def held_for(works: Works, made: str) -> str:
    return " ".join(reason.text for reason in works.order(made).reasons)


async def test_an_agents_order_is_marked_in_ledger_receipt_and_sidecar(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        made = await hand_in(works, order())
        await works.rests()
        folder = home.root / works.folder(made)
        await works.until(lambda: home.receipt(folder)["state"] == "completed")
        assert [line["agent"] for line in works.lines("acceptance")] == ["claude"]
        assert home.receipt(folder)["agent"] == "claude"
        assert {card["origin"]["agent"] for card in home.sidecars()} == {"claude"}
        mine = await works.make(order("a boat"), "boat.yaml")
        assert works.order(mine).agent == "" and "agent" not in works.lines("acceptance")[1]


async def test_the_same_of_an_agent_is_a_duplicate_for_a_day_however_it_is_written(
    home: TestHome, monkeypatch: Patch
) -> None:
    now = [datetime(2026, 11, 22, 12).astimezone()]
    async with at_work(home, monkeypatch, clock=lambda: now[0]) as works:
        first = await hand_in(works, order())
        await works.rests()
        now[0] += timedelta(hours=2)
        written = "# again\n" + order(notes="please", limit=500, tags=["x"], model="acme/painter")
        for again, name in ((order(), "cars"), (written, "other"), ("---\n" + order(), "cars")):
            second = await hand_in(works, again, name=name)
            assert held_for(works, second).startswith(f"It is a duplicate of cars ({first[:13]}, "), again
            assert held_for(works, second).endswith("), made 2 h ago.")
        for row in works.house.books.index.held_orders():  # each says of what was made, not of another that is held
            await works.tell("cancel", row.id)
        for other in (order("a [red,green] car"), order(project="elsewhere"), order(seed=8), order(count=2)):
            assert not works.order(await hand_in(works, other)).held, other
        mine = await works.take(order())  # a person's ten minutes are over
        assert not works.order(mine).held
        now[0] += timedelta(hours=25)
        assert not works.order(await hand_in(works, "# tomorrow\n" + order("a [red,green] car"))).held


async def test_how_long_the_same_of_an_agent_is_one_is_a_setting(home: TestHome, monkeypatch: Patch) -> None:
    now = [datetime(2026, 11, 22, 12).astimezone()]
    inbox = Inbox(settle_seconds=0.02, scan_seconds=0.1, agent_repeat_hours=1)
    async with at_work(home, monkeypatch, clock=lambda: now[0], inbox=inbox) as works:
        await hand_in(works, order())
        await works.rests()
        now[0] += timedelta(hours=1, minutes=1)
        assert not works.order(await hand_in(works, order())).held
        await hand_in(works, f"{order('a boat')}---\n# again\n{order('a boat')}")
        assert any("document 1 of this file" in line["reasons"][0]["text"] for line in works.lines("hold"))


async def test_no_drop_approves_what_an_agent_asked_for_and_a_word_does(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        made = await hand_in(works, DEAR)
        entry = home.home.held / works.order(made).entry
        assert f"To approve: `artfactoryd approve {made[:13]}`, or the page. The agent claude" in home.words(entry.name)
        shutil.move(entry, home.home.inbox / entry.name)  # a person, or whoever can write there
        await works.until(lambda: entry.exists() and "approve" in {line["name"] for line in works.lines("command")})
        assert works.order(made).held and "is not approved by moving it" in home.words(entry.name)
        assert len(works.lines("acceptance")) == 1
        await works.tell("approve", made)
        await works.until(lambda: works.states(made) == ["completed", "completed"])


async def test_the_proof_of_an_agents_order_is_approved_by_a_word_alone(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        made = await hand_in(works, order("a [red,blue,green] car", proof=1))
        await works.until(lambda: works.order(made).held)
        entry = home.home.held / works.order(made).entry
        assert f"To have the rest made: `artfactoryd approve {made[:13]}`, or the page." in home.words(entry.name)
        shutil.move(entry, home.home.inbox / entry.name)
        await works.until(lambda: entry.exists() and "approve" in {line["name"] for line in works.lines("command")})
        assert len(works.fake.calls()) == 1 and works.order(made).held and len(works.lines("acceptance")) == 1
        await works.tell("approve", made)
        await works.until(lambda: works.states(made) == ["completed"] * 3)


async def test_what_an_agent_hands_in_approves_no_persons_order(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        (home.home.inbox / "cars").mkdir()
        (home.home.inbox / "cars" / "order.yaml").write_text(DEAR)
        await works.until(lambda: works.lines("hold"))
        mine = works.order(works.lines("hold")[0]["order"])
        shutil.rmtree(home.home.held / mine.entry)
        again = await hand_in(works, DEAR)
        assert works.order(mine.id).held and works.order(again).held and works.lines("approval") == []
        assert (
            f"duplicate of cars ({mine.short}, Held), handed in just now." in held_for(works, again)
            and works.fake.calls() == []
        )


@pytest.mark.parametrize(
    ("given", "called"),
    [
        ("claude-code", "claude-code"), ("  Codex  CLI ", "Codex CLI"), ("<script>x</script>", "script x script"),
        ("../../etc", "etc"), ("a\x1b[31m\u202eb\n", "a 31m b"), ("", "agent"), ("\ud800", "agent"),
        ("x" * 99, "x" * 40), ("Ägent 7", "Ägent 7"),
    ],
)  # fmt: skip
def test_an_agent_is_called_by_plain_letters(given: str, called: str) -> None:
    assert agent_name(given) == called
