"""A short soak balances, and one of a program that breaks its promise does not. `make soak` is the long one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import uuid_utils

from artfactoryd.clock import iso, now
from tests.emulator.predictions import Prediction
from tests.soak import clocks, skies
from tests.soak.__main__ import soak
from tests.soak.account import Account
from tests.soak.balance import Balance
from tests.soak.points import points
from tests.soak.storm import STAGED, Storm

TESTS = Path(__file__).parent
FIRST = ("recorded_release",)  # places at which no other test kills


def test_a_short_soak_balances(tmp_path: Path) -> None:
    storm, said = Storm(tmp_path, seed=11), list[str]()
    try:
        well = soak(storm, seconds=60, lives=4, first=FIRST, say=said.append)
    finally:
        storm.mishaps.clear()
    assert well, "\n".join(said)
    assert set(FIRST) <= set(storm.places), said
    assert storm.emulator.creates() and said[0] == said[-1] == "seed 11"


def test_a_program_that_sends_again_when_in_doubt_is_reported(tmp_path: Path) -> None:
    storm = Storm(tmp_path, seed=11, sabotage="resend")
    with storm.weathered():
        storm.live("recorded_failure")  # each create is accepted, and its answer lost
        bought = storm.bought()
    finding = Balance(storm.home, bought, storm.person.names).no_double_payment()
    storm.mishaps.clear()
    assert finding.broken and str(finding).startswith("BROKEN  no item has two accepted creates"), finding


def _lines(*between: dict[str, Any]) -> list[dict[str, Any]]:
    """Of an order whose first item cost thrice what was set aside, and what came before its second."""
    at = {"at": "2026-05-01T12:00:00.000Z", "order": "o"}
    wishes: list[dict[str, Any]] = [
        {"kind": "wish", **at, "item": item, "attempt": f"a{item}", "reserved": 3000, "actual": {}, "caps": {}}
        for item in (1, 2)
    ]
    taken = {"kind": "acceptance", **at, "file": "o.yaml", "cap": 100_000}
    dear = {"kind": "result", **at, "item": 1, "attempt": "a1", "cost": 9000, "by_count": True}
    return [taken, wishes[0], dear, *between, wishes[1]]


def test_a_wish_after_a_bill_above_what_was_set_aside_is_reported_unless_a_person_approved() -> None:
    over = Account(_lines()).over
    assert over == ["order o: sent in line 4 after a bill above what was set aside"]
    assert Account(_lines({"kind": "approval", "order": "o", "cap": 100_000})).over == []


def test_a_create_is_given_to_the_wish_before_it_whatever_the_clock_said_when_that_was_written(tmp_path: Path) -> None:
    clock = tmp_path / "clock"
    clocks.put(clock, 3600)
    wrong = clocks.Wall(clock)()
    assert 3500 < (wrong - now()).total_seconds() < 3700
    wish = {**_lines()[1], "at": iso(wrong), "attempt": str(uuid_utils.uuid7())}
    for accepted, is_its in ((now().timestamp() + 1, True), (now().timestamp() - 60, False)):
        create = Prediction("p1", accepted, 4, "m", "hidden", False, {}, "succeeded", None, None, 0.1, 0.0, "ok")
        assert Account([_lines()[0], wish]).assign(create) is is_its


def test_a_whole_run_says_which_weather_did_not_come() -> None:
    missed = skies.missed(["output 404", skies.FORWARD])
    assert {"get 404", "get 403", "number NaN", "outcome more", "output film", "upload half", skies.WITHOUT} <= set(
        missed
    )
    assert not {"output 404", skies.FORWARD} & set(missed)


def test_every_named_place_is_one_at_which_a_test_kills() -> None:
    """A new `fault.point` needs a row in a table of kills, or a place in FIRST."""
    tables = "".join(
        path.read_text()
        for name in (
            "bin_killed",
            "chain_whole",
            "claims",
            "claims_two_volumes",
            "clones_killed",
            "crashes",
            "own_folder",
            "pictures_whole",
            "restoring_killed",
            "strayed",
            "troubleshooting",
        )
        for path in TESTS.rglob(f"test_{name}.py")
    )
    killed = {place for place in points() if f'"{place}"' in tables or f'"{place}:' in tables}
    assert points() - killed == set(FIRST)
    assert set(STAGED) <= points()
