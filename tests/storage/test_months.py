"""A ledger that cannot be read is neither an empty nor a changed one."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from artfactoryd.errors import StorageSick
from artfactoryd.storage import ledger
from artfactoryd.storage.ledger import Ledger
from artfactoryd.storage.months import months
from tests.homes import TestHome
from tests.permissions import call, obeyed

CAR = "provider: local\nmodel: sketch\nparameters: {prompt: a car, width: 64, height: 64}\n"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[TestHome]:
    home = TestHome.make(tmp_path / "home")
    home.drop("car.yaml", CAR)
    assert home.once() == 0
    yield home
    for path in (home.home.ledger, *home.home.ledger.iterdir()):
        path.chmod(0o700)


def folder_shut(folder: Path) -> None:
    folder.chmod(0)


def month_shut(folder: Path) -> None:
    next(folder.glob("2*.jsonl")).chmod(0)


@pytest.mark.parametrize("hand", [folder_shut, month_shut])
def test_what_cannot_be_read_stops_all_and_changes_nothing(home: TestHome, hand: Callable[[Path], None]) -> None:
    hand(home.home.ledger)
    for words in (["once"], ["reindex"], ["doctor"]):
        done = call(home, *words)
        told = done.stdout + done.stderr
        assert done.returncode == 1 and ("Permission denied" in told or "no permission" in told), told
        assert "cut or exchanged" not in told and "Traceback" not in told
        assert "reindex`" not in told, words
    assert home.states() == ["completed"] and not (home.home.private / "backups").exists()  # nothing was made again
    home.home.index_file.unlink()
    assert call(home, "once").returncode == 1 and not home.home.index_file.exists()  # no index of an empty ledger
    home.home.ledger.chmod(0o700)
    for month in home.home.ledger.iterdir():
        month.chmod(0o600)
    assert home.once() == 0 and home.states() == ["completed"]


def test_a_ledger_on_a_disk_that_is_not_connected_is_not_an_empty_one(home: TestHome) -> None:
    away = home.root / "away"
    home.home.ledger.rename(away)
    home.home.ledger.symlink_to(home.root / "unplugged")
    for words in ("once", "reindex"):
        done = home.call(words)
        assert done.returncode and "unplugged" in done.stderr and "Traceback" not in done.stderr, done.stderr
    home.home.ledger.unlink()
    away.rename(home.home.ledger)
    assert home.once() == 0 and home.states() == ["completed"]


def test_only_what_is_not_there_counts_as_not_there(tmp_path: Path) -> None:
    folder = tmp_path / "Ledger"
    assert months(folder) == []
    folder.write_text("a file")
    with pytest.raises(StorageSick, match="Not a directory"):
        months(folder)
    folder.unlink()
    folder.mkdir()
    (folder / "2026-11.jsonl").symlink_to("gone")
    with pytest.raises(StorageSick, match="a link to gone, which is not there"):
        Ledger(folder)


def test_every_look_at_a_ledger_says_why_it_cannot_look(tmp_path: Path) -> None:
    folder = tmp_path / "Ledger"
    folder.mkdir()
    with closing(Ledger(folder)) as book:
        end = book.append([ledger.encode([{"kind": "x"}])], "2026-11")
        mark = book.mark()
        with obeyed():
            for shut in (folder, folder / "2026-11.jsonl"):
                mode = shut.stat().st_mode
                shut.chmod(0)
                for look in (
                    lambda: list(ledger.read(folder)), lambda: ledger.torn(folder), lambda: Ledger(folder),
                    lambda: ledger.difference(folder, end, mark), lambda: ledger.mark_at(folder, end),
                    lambda: ledger.behind_torn(folder, end),
                ):  # fmt: skip
                    with pytest.raises(Exception, match="Permission denied"):
                        look()
                shut.chmod(mode)
            folder.chmod(0)
            with pytest.raises(StorageSick, match=r"cannot be read \(Permission denied"):
                book.append([ledger.encode([{"kind": "x"}])], "2026-11")
            folder.chmod(0o700)


def test_a_line_too_deep_to_be_read_is_a_damaged_one(home: TestHome) -> None:
    (month,) = months(home.home.ledger)
    with month.open("a") as file:
        file.write("[" * 200_000 + "\n")
    for words in ("once", "reindex", "doctor"):
        done = home.call(words)
        assert "Traceback" not in done.stderr and done.returncode in (0, 1), done.stderr
    assert home.once() == 0 and home.states() == ["completed"]


def test_an_index_of_another_state_of_a_whole_ledger_names_the_way_out(home: TestHome) -> None:
    """Made while the ledger was away, it knows the shelf's products; the ledger's lines do not fit behind them."""
    away = home.root / "away"
    shutil.copytree(home.home.ledger, away)
    shutil.rmtree(home.home.ledger)
    assert home.call("reindex").returncode == 0
    shutil.rmtree(home.home.ledger)
    away.rename(home.home.ledger)
    done = home.call("once")
    assert done.returncode == 1 and "does not fit" in done.stderr and "`artfactoryd reindex`" in done.stderr
    assert home.call("reindex").returncode == 0 and home.once() == 0 and home.states() == ["completed"]


def test_for_a_damaged_line_it_is_said_what_is_lost_with_it_and_a_strange_file_is_moved_away(home: TestHome) -> None:
    (month,) = months(home.home.ledger)
    text = month.read_text()
    month.write_text(text + '{"kind": "nothing of ours"}\n')
    done = home.call("reindex")
    assert done.returncode == 1 and "Without a backup" in done.stderr and "may be bought again" in done.stderr
    assert "move it away" not in done.stderr
    month.write_text(text)
    strange = home.home.ledger / "2031-77.jsonl"
    strange.write_text('{"a": "note"}\n')
    done = home.call("reindex")
    assert done.returncode == 1 and "move it away" in done.stderr and "backup" not in done.stderr
    strange.unlink()
    assert home.call("reindex").returncode == 0
