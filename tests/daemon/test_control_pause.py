"""Pause and resume: what is paused is not sent, what is on the way still comes, and nothing else is lifted."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import peewee as pw
import pytest
from playhouse.migrations import Runner

from artfactoryd.cli.control import steer
from artfactoryd.cli.once import work_once
from artfactoryd.cli.orders import order_documents, status_document, whole_order
from artfactoryd.errors import IllegalMove
from artfactoryd.settings import Settings, load
from artfactoryd.storage.index import Index
from artfactoryd.storage.writing.up_to_date import MIGRATIONS
from tests.accounts import apply
from tests.emulator.client import Emulator
from tests.homes import TestHome, until
from tests.works import quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")

CAR = "provider: local\nmodel: sketch\nparameters: {prompt: a COLOUR car, width: 64, height: 64}\n"
PAID = "provider: replicate\nmodel: flux-schnell\nparameters: {prompt: 'a [red,blue] car'}\n"


def car(colour: str) -> str:
    return CAR.replace("COLOUR", colour)


# In this process, because starting the program is what takes most of the time; the first test starts it.


@pytest.fixture(autouse=True)
def leave_logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    for handler in [handler for handler in root.handlers if handler not in handlers]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)
    logging.captureWarnings(False)


def settings(home: TestHome) -> Settings:
    return load(home.home.settings_file, {})


def tell(home: TestHome, word: str, target: str | None = None) -> dict[str, Any]:
    return steer(home.home, lambda: settings(home), home.environment(), word, {"target": target})


def once(home: TestHome) -> int:
    code, _ = work_once(home.home, settings(home), home.environment(), verbose=False, quiet=True)
    return code


def order(home: TestHome, name: str) -> dict[str, Any]:
    return whole_order(home.home, settings(home), name).to_json()


def orders(home: TestHome) -> list[dict[str, Any]]:
    return [document.to_json() for document in order_documents(home.home, settings(home), None).orders]


def status(home: TestHome) -> dict[str, Any]:
    return status_document(home.home, settings(home)).to_json()


def reasons(home: TestHome, name: str) -> list[str]:
    found: list[str] = order(home, name)["reasons"]
    return found


def test_everything_paused_sends_nothing_says_so_everywhere_and_goes_on_after_resume(home: TestHome) -> None:
    home.drop("red.yaml", car("red"))
    assert home.ask("pause")["text"].startswith("Everything is paused")
    assert (home.once(), home.states()) == (3, ["planned"])
    words = "Everything is paused by you; `resume`."
    assert reasons(home, "red") == [words] == home.receipt()["reasons"]
    assert home.ask("status")["paused"] and "Paused  everything" in home.call("status").stdout
    assert home.call("resume").returncode == 0
    assert (home.once(), home.states(), home.ask("status")["paused"]) == (0, ["completed"], None)
    assert "reasons" not in home.receipt()


def test_a_paused_provider_waits_while_another_one_works(tmp_path: Path, emulator: Emulator) -> None:
    home = TestHome.make(tmp_path / "home", emulator.base_url)
    tell(home, "pause", "replicate")
    home.drop("free.yaml", car("green"))
    home.drop("paid.yaml", PAID)
    assert once(home) == 3 and emulator.creates() == []
    assert (order(home, "free")["status"], order(home, "paid")["status"]) == ("completed", "queued")
    assert reasons(home, "paid") == ["replicate is paused by you; `resume replicate`."]
    assert status(home)["providers"]["replicate"]["paused"] is True
    assert tell(home, "resume", "replicate")["done"] is True
    assert (once(home), len(emulator.creates())) == (0, 2)


def waiting(home: TestHome, *colours: str) -> None:
    """Accepted orders of which nothing was sent yet, and nothing stays paused but the orders."""
    tell(home, "pause", "local")
    for colour in colours:
        home.drop(f"{colour}.yaml", car(colour))
    once(home)
    for colour in colours:
        assert tell(home, "pause", colour)["done"]
    tell(home, "resume", "local")


def test_a_paused_order_waits_alone_and_resume_lifts_only_the_one_that_is_named(home: TestHome) -> None:
    waiting(home, "red", "blue")
    home.drop("green.yaml", car("green"))
    assert once(home) == 3
    assert {row["name"]: row["status"] for row in orders(home)} == {
        "green": "completed", "red": "queued", "blue": "queued",
    }  # fmt: skip
    red = order(home, "red")
    assert red["paused"] is True and red["reasons"] == [f"Paused by you; `resume {red['order_id'][:13]}`."]
    assert tell(home, "resume", red["order_id"][:13])["done"] is True
    assert once(home) == 3
    assert (order(home, "red")["status"], order(home, "blue")["status"]) == ("completed", "queued")


def test_resume_alone_lifts_orders_providers_and_everything(home: TestHome) -> None:
    waiting(home, "red")
    tell(home, "pause", "local")
    tell(home, "pause")
    answer = tell(home, "resume")
    assert answer["done"] and "Everything" in answer["text"] and "local" in answer["text"]
    assert (once(home), home.states()) == (0, ["completed"])
    assert tell(home, "resume")["done"] is False


def test_resume_of_one_thing_says_what_else_still_keeps_it(home: TestHome) -> None:
    waiting(home, "red")
    tell(home, "pause", "local")
    assert "`resume local`" in tell(home, "resume", "red")["text"]
    tell(home, "pause")
    assert "Everything is paused: `resume`" in tell(home, "resume", "local")["text"]
    assert "Everything is paused" in tell(home, "resume", "local")["text"]
    assert (once(home), home.states()) == (3, ["planned"])


def test_resume_lifts_a_stop_and_a_pause_of_the_same_provider(tmp_path: Path, emulator: Emulator) -> None:
    home = TestHome.make(tmp_path / "home", emulator.base_url)
    emulator.control(create="401")
    home.drop("paid.yaml", PAID)
    once(home)
    tell(home, "pause", "replicate")
    emulator.calm()
    paused, stopped = reasons(home, "paid")
    assert "paused by you" in paused and "is stopped" in stopped
    assert once(home) == 3 and emulator.creates() == []
    tell(home, "resume", "replicate")
    assert (once(home), status(home)["providers"]) == (0, {})


def test_tickets_on_the_way_are_collected_and_delivered_though_their_order_is_paused(
    tmp_path: Path, emulator: Emulator
) -> None:
    one = {"replicate": {"concurrency": 1, "base_url": emulator.base_url}}
    home = TestHome.make(tmp_path / "home", emulator.base_url, providers=one)
    emulator.control(get="503")
    with home.running():
        home.drop("paid.yaml", PAID)
        until(lambda: "running" in home.states())
        assert tell(home, "pause", "paid")["done"]
        emulator.calm()
        until(lambda: "completed" in home.states())
        assert (home.states(), len(home.products()), len(emulator.creates())) == (["completed", "planned"], 1, 1)
    assert (once(home), len(emulator.creates())) == (3, 1)
    tell(home, "resume", "paid")
    assert (once(home), len(emulator.creates())) == (0, 2)


def test_a_running_daemon_goes_on_with_what_is_resumed(home: TestHome) -> None:
    waiting(home, "red")
    with home.running():
        tell(home, "resume", "red")
        until(lambda: home.states() == ["completed"])


def test_pauses_are_still_there_when_the_index_was_lost(home: TestHome) -> None:
    waiting(home, "red", "blue")
    tell(home, "resume", "blue")
    tell(home, "pause", "replicate")
    for file in home.home.private.glob("index.sqlite3*"):
        file.unlink()
    assert once(home) == 3
    assert {row["name"]: row["status"] for row in orders(home)} == {"red": "queued", "blue": "completed"}
    assert list(status(home)["providers"]) == ["replicate"]


def test_a_wish_for_something_paused_is_refused_though_its_turn_had_come(home: TestHome) -> None:
    waiting(home, "red")
    row = order(home, "red")
    wish = {
        "kind": "wish", "order": row["order_id"], "item": 1, "attempt": "a", "nth": 1, "provider": "local",
        "model": "sketch", "actual": {}, "reserved": 0, "at": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    index = Index.open(home.home.index_file)
    pauses = [{"order": row["order_id"]}, {"provider": "local"}, {}]
    for about in pauses:
        apply(index, {"kind": "pause", "on": False, "order": row["order_id"]})
        with pytest.raises(pw.IntegrityError), index.changing():
            apply(index, wish)  # legal: undone here, so that the next one can be tried
            raise pw.IntegrityError
        line = {"kind": "pause", "by": "you", "at": "2026-01-01T00:00:00Z", **about}
        apply(index, {**line, "on": True})
        with pytest.raises(IllegalMove, match="paused"):
            apply(index, wish)
        apply(index, {**line, "on": False})
    index.close()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("pause", "nothing-like-it"),
            "There is no order 'nothing-like-it'. `artfactoryd orders` lists them. Providers: "
            "comfyui, local, replicate.",
        ),
        (("pause", ""), "Name an order or a provider"),
        (("pause", "red"), "red has ended"),
        (("resume", "red"), "red is not stopped or paused."),
        (("resume", "local"), "local is not stopped or paused."),
        (("resume",), "Nothing is stopped or paused."),
    ],
)
def test_what_cannot_be_paused_or_resumed_is_said(home: TestHome, words: tuple[str, ...], said: str) -> None:
    home.drop("red.yaml", car("red"))
    once(home)
    answer = tell(home, *words)
    assert not answer["done"] and answer["text"].startswith(said), answer


def test_pausing_twice_is_one_line_and_no_error(home: TestHome) -> None:
    tell(home, "pause", "local")
    assert tell(home, "pause", "local")["done"] is True
    assert len(home.lines("pause")) == 1


def test_an_index_of_the_first_version_keeps_its_stops_and_takes_pauses(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite3"
    old = Index(path, writing=True)
    old.db.connect()
    Runner(old.db, str(MIGRATIONS)).up(target="0001_tables")
    old.db.execute_sql("INSERT INTO provider_stop (provider, reason, since) VALUES ('replicate', 'No key.', 'then')")
    old.close()
    index = Index.open(path)
    apply(index, {"kind": "pause", "provider": "replicate", "on": True, "by": "you", "at": "now"})
    assert (index.stops()["replicate"].reason, index.pauses()) == ("No key.", {"replicate": "now"})
    index.close()


def test_resume_says_what_goes_on_and_lifts_no_stop_for_want_of_a_key_that_is_still_not_there(
    tmp_path: Path, emulator: Emulator
) -> None:
    home = TestHome.make(tmp_path / "home", emulator.base_url)
    home.environ["REPLICATE_API_TOKEN"] = ""
    home.drop("paid.yaml", PAID)
    assert once(home) == 3
    told = "replicate is still stopped: There is no key for Replicate."
    for target in (None, "replicate"):
        answer = tell(home, "resume", target)
        assert not answer["done"] and answer["text"].startswith(told)
    tell(home, "pause")
    assert tell(home, "resume")["text"].startswith(f"Everything goes on. {told}")
    tell(home, "pause", "replicate")  # a pause is a person's to lift, and the stop stays
    assert tell(home, "resume", "replicate")["text"].startswith(f"replicate goes on. {told}")
    assert status(home)["providers"]["replicate"]["paused"] is False
    assert ["is stopped: There is no key" in reason for reason in reasons(home, "paid")] == [True]
    tell(home, "pause", "paid")
    assert "replicate is paused or stopped: There is no key" in tell(home, "resume", "paid")["text"]
    del home.environ["REPLICATE_API_TOKEN"]
    assert tell(home, "resume", "replicate")["text"] == "replicate goes on."
    assert once(home) == 0


def test_resume_of_several_things_names_them_in_a_sentence(home: TestHome) -> None:
    tell(home, "pause", "local")
    tell(home, "pause")
    assert tell(home, "resume")["text"] == "Everything goes on, also local."
    tell(home, "pause", "local")
    tell(home, "pause", "replicate")
    assert tell(home, "resume")["text"] == "local and replicate go on."
