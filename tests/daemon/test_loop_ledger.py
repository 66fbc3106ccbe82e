"""A ledger that another program exchanges or takes away: the daemon ends in words before anything more is sent."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.emulator.client import Emulator
from tests.homes import TestHome, until

PAID = "provider: replicate\nmodel: flux-schnell\nparameters: {prompt: NAME}\n"


def saved_anew(ledger: Path) -> None:
    """An older state of the same file, copied and renamed over it."""
    (file,) = ledger.glob("2*.jsonl")
    copy = ledger / "copy"
    copy.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:1]))
    copy.rename(file)


def removed(ledger: Path) -> None:
    shutil.rmtree(ledger)


def appended(ledger: Path) -> None:
    (file,) = ledger.glob("2*.jsonl")
    with file.open("ab") as text:
        text.write(b"a note\n")


@pytest.mark.parametrize(("hand", "words"), [
    (saved_anew, "exchanged for another file"), (removed, "taken away"), (appended, "7 bytes longer"),
])  # fmt: skip
def test_a_ledger_that_changes_under_the_daemon_ends_it_before_anything_is_sent(
    tmp_path: Path, emulator: Emulator, hand: Callable[[Path], None], words: str
) -> None:
    home = TestHome.make(tmp_path / "home", emulator.base_url)
    with home.running() as program:
        home.drop("one.yaml", PAID.replace("NAME", "one"))
        until(lambda: home.states() == ["completed"])
        hand(home.home.ledger)
        home.drop("two.yaml", PAID.replace("NAME", "two"))
        until(lambda: program.poll() is not None)
        assert program.poll() == 1
        _, told = program.communicate()
    assert words in told and "Traceback" not in told
    assert len(emulator.creates()) == 1
    if hand is not appended:  # the note counts for nothing, and what was ordered goes on
        again = home.call("once")
        assert again.returncode == 1 and "was cut or exchanged" in again.stderr
        assert len(emulator.creates()) == 1
    else:
        assert home.once() == 0 and len(emulator.creates()) == 2


@pytest.mark.parametrize("what", ["index.sqlite3", ".artfactory"])
def test_an_index_that_is_taken_away_under_the_daemon_ends_it_and_the_next_start_makes_it_again(
    tmp_path: Path, emulator: Emulator, what: str
) -> None:
    home = TestHome.make(tmp_path / "home", emulator.base_url)
    with home.running() as program:
        home.drop("one.yaml", PAID.replace("NAME", "one"))
        until(lambda: home.states() == ["completed"])
        if what == ".artfactory":
            home.home.private.rename(tmp_path / "away")  # at once: it is written into meanwhile
        else:
            for file in home.home.private.glob("index.sqlite3*"):
                file.unlink()
        until(lambda: program.poll() is not None)
        _, told = program.communicate()
        assert program.poll() == 1
    assert "was taken away or exchanged" in told and "Traceback" not in told
    home.drop("two.yaml", PAID.replace("NAME", "two"))
    assert home.once() == 0 and home.states() == ["completed", "completed"] and len(emulator.creates()) == 2


def test_what_is_made_anew_of_the_programs_own_is_its_owners_alone_too(home: TestHome) -> None:
    shutil.rmtree(home.home.private)
    assert home.once() == 0
    folders = [home.home.private, *(path for path in home.home.private.rglob("*") if path.is_dir())]
    assert {folder.stat().st_mode & 0o777 for folder in folders} == {0o700}
