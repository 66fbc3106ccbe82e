"""A short soak balances, and one of a program that breaks its promise does not. `make soak` is the long one."""

from __future__ import annotations

from pathlib import Path

from tests.soak.__main__ import soak
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
    finding = Balance(storm.home, bought, storm.person.names, {}).no_double_payment()
    storm.mishaps.clear()
    assert finding.broken and str(finding).startswith("BROKEN  no item has two accepted creates"), finding


def test_every_named_place_is_one_at_which_a_test_kills() -> None:
    """A new `fault.point` needs a row in a table of kills, or a place in FIRST."""
    tables = "".join(
        path.read_text()
        for name in (
            "chain_whole",
            "claims",
            "claims_two_volumes",
            "crashes",
            "own_folder",
            "pictures_whole",
            "troubleshooting",
        )
        for path in TESTS.rglob(f"test_{name}.py")
    )
    killed = {place for place in points() if f'"{place}"' in tables or f'"{place}:' in tables}
    assert points() - killed == set(FIRST)
    assert set(STAGED) <= points()
