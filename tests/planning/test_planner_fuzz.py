"""What nobody would write is read too: each file ends in an understanding or a refusal, and a defect costs one file."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

import pytest

from artfactoryd.clock import now
from artfactoryd.errors import MOST_PROBLEMS, Refusal
from artfactoryd.home import Home
from artfactoryd.planning.origin import Origin
from artfactoryd.planning.planner import Scholar
from artfactoryd.settings import Settings
from tests.fuzz import SKETCH, Reader, defects
from tests.homes import TestHome
from tests.works import at_work, order, quick

__all__ = ["quick"]
Patch = pytest.MonkeyPatch
SECONDS = 1.5


def test_no_file_ends_the_reader_otherwise_than_by_a_refusal(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(10**6)
    *met, count = defects(tmp_path / "home", SECONDS, seed)
    assert not met, f"make fuzz SEED={seed}\n{met[0]}"
    assert isinstance(count, int) and count > 0


@pytest.mark.parametrize("text", ["template: []", '{"template": []}', "template: []\nparameters: {}\n"])
def test_an_order_that_borrows_from_no_template_lacks_what_any_order_lacks(tmp_path: Path, text: str) -> None:
    assert Reader(tmp_path / "home").read(text.encode()) is None


def test_a_defect_met_while_fuzzing_is_told_with_its_file(tmp_path: Path, monkeypatch: Patch) -> None:
    monkeypatch.setattr(Scholar, "_study", _raising(KeyError("provider")))
    outcomes = [str(outcome) for outcome in defects(tmp_path / "home", 0.5, 7)]
    assert any("KeyError" in outcome and "of this file" in outcome for outcome in outcomes)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    "broken",
    [
        "artfactoryd.planning.planner.Scholar.study", "artfactoryd.intake.put_back.put_back",
        "artfactoryd.intake.notices.hold_text", "artfactoryd.intake.put_back.awaits_picture",
    ],
)  # fmt: skip
@pytest.mark.parametrize("error", [KeyError("provider"), RecursionError(), MemoryError(), AssertionError()])
async def test_a_defect_in_reading_sets_that_one_file_aside_and_the_next_is_taken(
    home: TestHome, monkeypatch: Patch, caplog: pytest.LogCaptureFixture, broken: str, error: Exception
) -> None:
    async with at_work(home, monkeypatch) as works:
        with monkeypatch.context() as patch:
            patch.setattr(broken, _raising(error))
            home.drop("odd.yaml", order(budget=0.001))
            await works.until(lambda: "E_DEFECT" in home.words("odd.yaml"))
        words = home.words("odd.yaml")
        assert "A defect of this program" in words and type(error).__name__ in words and "artfactoryd logs" in words
        assert any(record.exc_info and "odd.yaml" in record.getMessage() for record in caplog.records)
        await works.make(order(), "cars.yaml")
        assert works.states() == ["completed", "completed"] and not works.daemon.stop.is_set()


def _raising(error: Exception) -> object:
    def broken(*_: object, **__: object) -> None:
        raise error

    return broken


MANY = {f"keyword{number}": 1 for number in range(8000)}
CROWDS = {
    "keys": {**SKETCH, **MANY}, "parameters": {**SKETCH, "parameters": MANY}, "tags": {**SKETCH, "tags": [1] * 8000},
    "lookups": {**SKETCH, "lookups": {key: [] for key in MANY}},
    "cases": {**SKETCH, "cases": [{key: 1} for key in MANY]},
    "models": {"parameters": {"prompt": "x"}, "models": [{"provider": "local", "model": key} for key in MANY]},
    "templates": {"template": [*MANY]},
}  # fmt: skip


@pytest.mark.parametrize("crowd", [*CROWDS, "documents"])
def test_however_much_is_wrong_the_list_is_bounded_and_soon_there(tmp_path: Path, crowd: str) -> None:
    data = json.dumps(CROWDS[crowd]).encode() if crowd in CROWDS else b"---\nfoo: 1\n" * 8000
    (home := Home(tmp_path / "home")).make()
    began = time.process_time()
    with pytest.raises(Refusal) as refused:
        Scholar(home, Settings(), None, now).study(data, Origin("x.yaml", "x", folder=tmp_path))
    assert time.process_time() - began < 4, "8,000 are read within a second on a quiet machine"
    assert len(refused.value.problems) <= MOST_PROBLEMS + 1 and len(str(refused.value)) < 60_000
