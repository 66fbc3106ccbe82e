"""What Replicate's list tells about lost creates: who is known again, and when absence is believed."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from artfactoryd.errors import AskAgain, InDoubt, ProviderError, ProviderStopped, Throttled, Unreachable
from artfactoryd.factories import Absent, Attempt, Call, ProviderSettings, Reconciles, Ticket
from artfactoryd.factories.replicate import ReplicateFactory
from artfactoryd.factories.replicate.listing import Absences, Listed, Listing, Search, read_page, recent_of
from tests.emulator.client import Emulator

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SCHNELL, DEV = "black-forest-labs/flux-schnell", "black-forest-labs/flux-dev"
CAR = {"prompt": "a car", "seed": 7}
MOST = 60.0


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def attempt(name: str, when: float = 0, ticket: str | None = None, *, model: str = SCHNELL, **given: Any) -> Attempt:
    return Attempt(name, Call(model, None, given or CAR), at(when), Ticket(ticket) if ticket else None)


def job(name: str, when: float = 1, *, model: str = SCHNELL, erased: bool = False, **given: Any) -> Listed:
    return Listed(name, model, at(when), None if erased else given or CAR)


def found(doubts: list[Attempt], jobs: list[Listed], known: list[Attempt] | None = None) -> dict[str, str]:
    return Search(doubts, known or [], Listing(jobs), MOST).matches


# --- known again ---

SAME: list[tuple[str, dict[str, Any], dict[str, Any], bool]] = [
    ("as it was sent", {"prompt": "x", "seed": 7}, {"prompt": "x", "seed": 7}, True),
    ("in another order, with defaults", {"prompt": "x", "seed": 7}, {"go_fast": True, "seed": 7, "prompt": "x"}, True),
    ("another seed", {"prompt": "x", "seed": 7}, {"prompt": "x", "seed": 8}, False),
    ("no seed", {"prompt": "x", "seed": 7}, {"prompt": "x"}, False),
    ("a number as another number", {"guidance": 3}, {"guidance": 3.0}, True),
    ("true is not 1", {"go_fast": True}, {"go_fast": 1}, False),
    ("1 is not true", {"num_outputs": 1}, {"num_outputs": True}, False),
    ("null may be left out", {"prompt": "x", "mask": None}, {"prompt": "x"}, True),
    ("inside lists and objects", {"a": [{"b": [1, 2]}]}, {"a": [{"b": [1, 2], "c": 3}]}, True),
    ("a longer list", {"a": [1]}, {"a": [1, 2]}, False),
    ("a list for a text", {"a": [1]}, {"a": "1"}, False),
]


@pytest.mark.parametrize(("sent", "echoed", "same"), [row[1:] for row in SAME], ids=[row[0] for row in SAME])
def test_a_create_is_known_again_by_everything_that_was_sent(
    sent: dict[str, Any], echoed: dict[str, Any], same: bool
) -> None:
    assert found([attempt("D", **sent)], [job("p", **echoed)]) == ({"D": "p"} if same else {})


@pytest.mark.parametrize(
    ("made", "same"), [(-299, True), (-301, False), (0, True), (359, True), (361, False)], ids=lambda value: str(value)
)
def test_a_create_is_looked_for_in_its_time_and_what_the_clocks_may_differ_by(made: float, same: bool) -> None:
    assert found([attempt("D")], [job("p", made)]) == ({"D": "p"} if same else {})


def test_what_is_ours_already_is_not_found_again() -> None:
    assert found([attempt("D")], [job("p"), job("q")], [attempt("K", ticket="p")]) == {"D": "q"}
    assert found([attempt("D")], [job("p")], [attempt("K", ticket="p")]) == {}


def test_of_two_equal_doubts_and_one_prediction_the_older_gets_it_and_the_other_waits() -> None:
    doubts = [attempt("late", 10), attempt("early", 5)]
    assert found(doubts, [job("p", 11)]) == {"early": "p"}
    assert found(doubts, [job("q", 12), job("p", 6)]) == {"early": "p", "late": "q"}


def test_an_echo_with_defaults_goes_to_who_sent_the_most_of_it() -> None:
    short, long = attempt("short", 0, prompt="x"), attempt("long", 1, prompt="x", steps=4)
    assert found([short, long], [job("p", 2, prompt="x", steps=4)]) == {"long": "p"}
    assert found([short, long], [job("p", 2, prompt="x", steps=1)]) == {"short": "p"}


def test_a_model_may_be_listed_by_another_name_but_not_by_that_of_another_of_ours() -> None:
    schnell, dev = attempt("schnell"), attempt("dev", 5, model=DEV)
    assert found([schnell], [job("p", model="somebody/internal")]) == {"schnell": "p"}
    assert found([schnell, dev], [job("p", model=DEV)]) == {"dev": "p"}


@pytest.mark.parametrize(
    ("change", "read"),
    [
        ({}, True), ({"source": "web"}, False), ({"source": None}, True), ({"id": None}, False),
        ({"status": "aborted"}, True), ({"created_at": "2026-11-22T12:00:01.04Z"}, True),
        ({"created_at": "2026-11-22T12:00:01.045678912Z"}, True), ({"created_at": "yesterday"}, False),
        ({"created_at": None}, False), ({"input": None}, False), ({"input": [1]}, False),
        ({"input": {}, "data_removed": True}, False), ({"data_removed": True}, False),
    ],
    ids=str,
)  # fmt: skip
def test_a_list_is_read_whatever_is_odd_about_it(change: dict[str, Any], read: bool) -> None:
    one = {"id": "p", "model": SCHNELL, "created_at": "2026-11-22T12:00:01Z", "input": CAR, "source": "api", **change}
    page = read_page({"next": None, "results": [one, "odd", None]})
    assert page is not None and (found([attempt("D")], list(page.jobs)) == {"D": "p"}) is read


@pytest.mark.parametrize("value", [None, [], {}, {"results": None}, "text", {"detail": "no"}])
def test_what_is_no_list_is_none(value: Any) -> None:
    assert read_page(value) is None


# --- absence ---

LATER = attempt("K", 30, "k", prompt="later")
SHOWN = job("k", 31, prompt="later")


def missing(
    doubt: Attempt, jobs: list[Listed], known: list[Attempt], *, now: float = 100, whole: bool = True
) -> list[str]:
    return Search([doubt], known, Listing(jobs, whole), MOST).missing(at(now))


def test_absence_needs_a_later_create_of_ours_in_the_list() -> None:
    earlier = attempt("E", -30, "e", prompt="earlier")
    assert missing(attempt("D"), [SHOWN], [LATER]) == ["D"]
    assert missing(attempt("D"), [], []) == []
    assert missing(attempt("D"), [], [LATER]) == [], "the later one is not shown yet: the list lags"
    assert missing(attempt("D"), [job("e", -29, prompt="earlier")], [earlier]) == []
    assert missing(attempt("D"), [job("stranger", 40, prompt="not ours")], [LATER]) == []


def test_absence_is_no_longer_shown_when_inputs_may_be_erased() -> None:
    assert missing(attempt("D"), [SHOWN], [LATER], now=54 * 60) == ["D"]
    assert missing(attempt("D"), [SHOWN], [LATER], now=56 * 60) == []
    assert recent_of([attempt("D")], at(119 * 60)) and not recent_of([attempt("D")], at(121 * 60))


def test_one_whose_input_was_erased_may_be_it() -> None:
    assert missing(attempt("D"), [SHOWN, job("x", 2, erased=True)], [LATER]) == []
    assert missing(attempt("D"), [SHOWN, job("x", 2000, erased=True)], [LATER]) == ["D"], "made long after"
    assert missing(attempt("D"), [SHOWN, job("x", 2, erased=True)], [LATER, attempt("X", 1, "x")]) == ["D"], "ours"


def test_an_equal_one_outside_its_time_may_be_it_after_all() -> None:
    assert missing(attempt("D"), [SHOWN, job("p", 2000)], [LATER]) == []
    assert missing(attempt("D"), [SHOWN, job("p", 2000, model=DEV)], [LATER, attempt("V", 1, "v", model=DEV)]) == []


def test_a_list_cut_short_shows_no_absence() -> None:
    assert missing(attempt("D"), [SHOWN], [LATER], whole=False) == []


@pytest.mark.parametrize("wrong", [-400.0, 4000.0])
def test_clocks_that_differ_show_no_absence(wrong: float) -> None:
    assert missing(attempt("D"), [job("k", 30 + wrong, prompt="later")], [LATER]) == []


def test_absence_is_believed_at_the_second_look_a_minute_apart() -> None:
    clock = [1000.0]
    seen = Absences(20, lambda: clock[0])
    assert seen.believed(["D"]) == []
    clock[0] += 59
    assert seen.believed(["D"]) == []
    clock[0] += 1
    assert seen.believed(["D", "E"]) == ["D"]
    clock[0] += 30
    assert seen.believed(["E"]) == []  # D was seen in between, or could not be told
    clock[0] += 30
    assert seen.believed(["D", "E"]) == ["E"]
    assert Absences(20, lambda: clock[0]).believed(["D", "E"]) == [], "a restart sees twice again"


def test_two_looks_are_further_apart_than_a_create_may_be_on_its_way() -> None:
    clock = [0.0]
    seen = Absences(300, lambda: clock[0])
    seen.believed(["D"])
    clock[0] = 299
    assert seen.believed(["D"]) == []
    clock[0] = 300
    assert seen.believed(["D"]) == ["D"]


# --- at the emulator, through the client library ---


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(tmp_path_factory.mktemp("emulator") / "ledger.jsonl") as emulator:
        yield emulator


@pytest.fixture
def emulator(running: Emulator) -> Emulator:
    running.calm()
    return running


class Shop:
    """The factory, and what the books would know: attempts in doubt, and attempts with tickets."""

    def __init__(self, address: str) -> None:
        self.later = 0.0  # seconds that have passed, for the factory alone
        settings = ProviderSettings("replicate", "r8_key", {"base_url": address}, 20.0)
        self.factory = ReplicateFactory(settings, lambda: self.later, self.now)
        self.doubts: list[Attempt] = []
        self.known: list[Attempt] = []

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.later)

    async def send(self, prompt: str, seed: int = 7) -> None:
        call, asked_at = Call(SCHNELL, None, {"prompt": prompt, "seed": seed}), datetime.now(UTC)
        name = str(len(self.doubts) + len(self.known))
        try:
            self.known.append(Attempt(name, call, asked_at, await self.factory.submit(call)))
        except InDoubt:
            self.doubts.append(Attempt(name, call, asked_at))

    async def ask(self) -> list[str]:
        """For each doubt: its ticket, "absent", or "" when nobody can say."""
        told = await self.factory.reconcile(self.doubts, self.known)
        return [_word(told.get(doubt.id)) for doubt in self.doubts]


def _word(answer: Ticket | Absent | None) -> str:
    return answer.text if isinstance(answer, Ticket) else "absent" if answer else ""


@asynccontextmanager
async def shop_at(address: str) -> AsyncIterator[Shop]:
    shop = Shop(address)
    try:
        yield shop
    finally:
        await shop.factory.close()


def bought(emulator: Emulator, prompt: str) -> list[str]:
    return [each["id"] for each in emulator.creates() if each["input"]["prompt"] == prompt]


async def test_every_lost_create_is_found_by_one_look_at_the_list(emulator: Emulator) -> None:
    emulator.control(create={"every": [2, "close-after"]}, page_size=3)
    async with shop_at(emulator.base_url) as shop:
        assert isinstance(shop.factory, Reconciles)
        for number in range(8):
            await shop.send(f"many {number}")
        before = emulator.seen().get("GET list", 0)
        told = await shop.ask()
        assert len(told) == 4 and told == [bought(emulator, f"many {n}")[0] for n in (1, 3, 5, 7)]
        assert 3 <= emulator.seen()["GET list"] - before <= 12  # in pages, all of them once


async def test_a_list_that_lags_proves_nothing_and_shows_it_in_the_end(emulator: Emulator) -> None:
    emulator.control(create=["close-after"], list_lag=600)
    async with shop_at(emulator.base_url) as shop:
        await shop.send("lagging")
        await shop.send("later")
        for later in (0, 61, 600, 1800):
            shop.later = later
            assert await shop.ask() == [""], "neither is shown, so the list is late"
        emulator.control(list_lag=0)
        assert await shop.ask() == bought(emulator, "lagging")


async def test_what_was_never_accepted_is_absent_at_the_second_look_and_not_after_a_restart_at_its_first(
    emulator: Emulator,
) -> None:
    emulator.control(create=["close-before"])
    async with shop_at(emulator.base_url) as shop:
        await shop.send("never")
        assert await shop.ask() == [""] and bought(emulator, "never") == []
        shop.later = 61
        assert await shop.ask() == [""], "no create of ours came later"
        await shop.send("after never")
        told = []
        for later in (62, 70, 121, 122):
            shop.later = later
            told += await shop.ask()
        assert told == ["", "", "", "absent"]
        async with shop_at(emulator.base_url) as again:
            again.doubts, again.known, again.later = shop.doubts, shop.known, 123
            assert await again.ask() == [""]
            again.later = 183
            assert await again.ask() == ["absent"]


async def test_of_two_equal_creates_one_of_which_was_taken_one_is_found_and_one_waits(emulator: Emulator) -> None:
    emulator.control(create=["close-after", "close-before"])
    async with shop_at(emulator.base_url) as shop:
        await shop.send("twin")
        await shop.send("twin")
        assert await shop.ask() == [*bought(emulator, "twin"), ""]


async def test_an_equal_create_that_is_known_is_not_taken_for_the_lost_one(emulator: Emulator) -> None:
    emulator.control(create=["ok", "close-before"])
    async with shop_at(emulator.base_url) as shop:
        await shop.send("equal")
        await shop.send("equal")
        assert await shop.ask() == [""]


async def test_inputs_that_are_erased_leave_it_in_doubt(emulator: Emulator) -> None:
    emulator.control(create=["close-after"], remove_after=0)
    async with shop_at(emulator.base_url) as shop:
        await shop.send("erased")
        await shop.send("after erased")
        for later in (0, 61, 122):
            shop.later = later
            assert await shop.ask() == [""]
        shop.later = 3 * 3600
        before = emulator.seen()["GET list"]
        assert await shop.ask() == [""] and emulator.seen()["GET list"] == before, "too late even to look"


async def test_a_clock_that_is_wrong_by_minutes_still_finds_and_one_wrong_by_more_proves_nothing(
    emulator: Emulator,
) -> None:
    emulator.control(create=["close-after", "ok", "close-before"])
    async with shop_at(emulator.base_url) as shop:
        for prompt in ("skewed", "after skewed", "never skewed"):
            await shop.send(prompt)
        await shop.send("last skewed")
        true = list(shop.doubts), list(shop.known)

        def wrong(each: Attempt, minutes: float) -> Attempt:
            return Attempt(each.id, each.call, each.asked_at + timedelta(minutes=minutes), each.ticket)

        for minutes in (-4.0, 4.0):
            shop.doubts, shop.known = ([wrong(each, minutes) for each in those] for those in true)
            assert await shop.ask() == [*bought(emulator, "skewed"), ""]
        for minutes in (-20.0, 20.0):
            shop.doubts, shop.known = ([wrong(each, minutes) for each in those] for those in true)
            for later in (1200, 1300, 1400):
                shop.later = later
                assert await shop.ask() == ["", ""]


@pytest.mark.parametrize(
    ("told", "error"),
    [("500", Unreachable), ("502", Unreachable), ("404", AskAgain), ("429", Throttled), ("garbage", AskAgain),
     ("close", Unreachable), ("401", ProviderStopped), ("403", ProviderStopped)],
)  # fmt: skip
async def test_a_list_that_is_not_answered_is_no_proof(emulator: Emulator, told: str, error: type[Exception]) -> None:
    emulator.control(create=["close-after"])
    async with shop_at(emulator.base_url) as shop:
        await shop.send(f"list {told}")
        emulator.control(list=[told] * 10)
        with pytest.raises(ProviderError) as caught:
            await shop.ask()
        assert type(caught.value) is error
        emulator.control(list="ok")
        assert await shop.ask() == bought(emulator, f"list {told}")


# --- a list with addresses of its own ---


@contextmanager
def serving(pages: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """JSON by path; the paths asked for, in order."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            body = json.dumps(pages.get(self.path.partition("?")[2].partition("=")[2], pages[""])).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def listed(name: str, minutes: float, **given: Any) -> dict[str, Any]:
    made = (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()
    return {"id": name, "model": SCHNELL, "created_at": made, "input": given or CAR, "source": "api"}


async def test_the_next_page_is_followed_on_our_own_host_alone() -> None:
    pages: dict[str, Any] = {"": {"results": [listed("k", 0, prompt="later")]}}
    with serving(pages) as (address, asked), serving({"": {"results": []}}) as (elsewhere, strange):
        pages[""]["next"] = f"{elsewhere}/v1/predictions?cursor=2"
        async with shop_at(address) as shop:
            now = datetime.now(UTC)
            shop.doubts = [Attempt("D", Call(SCHNELL, None, CAR), now - timedelta(seconds=20))]
            shop.known = [Attempt("K", Call(SCHNELL, None, {"prompt": "later"}), now, Ticket("k"))]
            for later in (0, 61):
                shop.later = later
                assert await shop.ask() == [""], "the rest of the list was not seen"
            assert strange == [] and len(asked) == 2
            pages[""]["next"] = f"{address}/v1/predictions?cursor=2"
            pages["2"] = {"results": [listed("p", -0.2)], "next": None}
            assert await shop.ask() == ["p"] and asked[-1] == "/v1/predictions?cursor=2"


async def test_a_list_without_end_is_left_and_one_that_ignores_the_time_is_left_where_it_is_old(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("artfactoryd.factories.replicate.MOST_PAGES", 5)
    pages: dict[str, Any] = {"": {"results": [listed("x", 0, prompt="other")]}}
    with serving(pages) as (address, asked):
        pages[""]["next"] = f"{address}/v1/predictions?cursor=2"
        async with shop_at(address) as shop:
            shop.doubts = [Attempt("D", Call(SCHNELL, None, CAR), datetime.now(UTC))]
            assert await shop.ask() == [""] and len(asked) == 5
            pages[""]["results"].append(listed("old", -30, prompt="other"))
            assert await shop.ask() == [""] and len(asked) == 6
