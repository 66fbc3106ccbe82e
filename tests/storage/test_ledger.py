from __future__ import annotations

import errno
import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from artfactoryd.errors import StorageFull, StorageSick
from artfactoryd.storage import ledger
from artfactoryd.storage.ledger import TAIL, Ledger, Position, difference, encode, mark_at, read, touched

ROOT = Path(__file__).parents[2]


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path)
    yield opened
    opened.close()


def line(n: int, **other: Any) -> dict[str, Any]:
    return {"kind": "wish", "n": n, **other}


START = Position()


def numbers(folder: Path, after: Position = START) -> list[int]:
    return [each["n"] for each, _ in read(folder, after)]


def write(folder: Path, *steps: list[dict[str, Any]], month: str = "2026-11") -> None:
    book = Ledger(folder)
    book.append([encode(step) for step in steps], month)
    book.close()


def test_lines_of_several_months_are_read_in_order(book: Ledger, tmp_path: Path) -> None:
    places = [book.append([encode([line(n)])], month) for n, month in enumerate(["2026-11", "2026-12", "2027-01"])]
    assert numbers(tmp_path) == [0, 1, 2]
    assert [numbers(tmp_path, place) for place in places] == [[1, 2], [2], []]
    assert places == sorted(places)
    open_files = [os.path.realpath(each) for each in Path("/dev/fd").iterdir()]
    assert sum(name.startswith(str(tmp_path)) for name in open_files) <= 1


def test_a_clock_set_back_does_not_put_a_line_before_older_ones(book: Ledger, tmp_path: Path) -> None:
    book.append([encode([line(1)])], "2026-12")
    place = book.append([encode([line(2)])], "2026-11")
    assert place.file == "2026-12.jsonl"
    assert numbers(tmp_path) == [1, 2]


def test_the_place_of_a_line_is_where_reading_goes_on(book: Ledger, tmp_path: Path) -> None:
    first = book.append([encode([line(1)]), encode([line(2), line(3)])], "2026-11")
    second = book.append([encode([line(4)])], "2026-11")
    assert [str(place) for _, place in read(tmp_path)][-1] == str(second)
    assert numbers(tmp_path, Position.parse(str(first))) == [4]


def test_every_line_is_one_json_object_that_comes_back_as_it_was(book: Ledger, tmp_path: Path) -> None:
    said = [line(1, prompt="ein 🚗\n zwei", half="\ud800", name="\udcff"), line(2, nested={"a": [1, None, True]})]
    book.append([encode(said)], "2026-11")
    assert [each for each, _ in read(tmp_path)] == said
    assert [json.loads(raw)["n"] for raw in (tmp_path / "2026-11.jsonl").read_bytes().splitlines()] == [1, 2]


TAILS = [b'{"kind":"wish","n":9', b"\0\0\0\0", b"\xff\xfe", b'{"kind":"wish","n":9,"more":true}']


@pytest.mark.parametrize("tail", TAILS)
def test_a_torn_last_line_is_closed_and_ignored(tmp_path: Path, tail: bytes) -> None:
    write(tmp_path, [line(1)])
    with (tmp_path / "2026-11.jsonl").open("ab") as file:
        file.write(tail)
    assert numbers(tmp_path) == [1]
    write(tmp_path, [line(2)], [line(3), line(4)])
    assert numbers(tmp_path) == [1, 2, 3, 4]


@pytest.mark.parametrize("kept", range(1, 3))
def test_a_step_torn_between_its_lines_counts_for_nothing(tmp_path: Path, kept: int) -> None:
    """An acceptance without its hold would be an order nobody may ask about."""
    write(tmp_path, [line(1)], [line(2), line(3), line(4)])
    path = tmp_path / "2026-11.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[: 1 + kept]))
    assert numbers(tmp_path) == [1]
    write(tmp_path, [line(5)])
    assert numbers(tmp_path) == [1, 5]


def test_closing_what_was_torn_is_done_once(tmp_path: Path) -> None:
    write(tmp_path, [line(1)])
    with (tmp_path / "2026-11.jsonl").open("ab") as file:
        file.write(b"{")
    Ledger(tmp_path).close()
    closed = (tmp_path / "2026-11.jsonl").read_bytes()
    Ledger(tmp_path).close()
    assert (tmp_path / "2026-11.jsonl").read_bytes() == closed


def test_a_step_longer_than_what_is_looked_at_first_is_not_taken_for_torn(tmp_path: Path) -> None:
    write(tmp_path, [line(1, document="x" * 1_000_000)])
    before = (tmp_path / "2026-11.jsonl").read_bytes()
    Ledger(tmp_path).close()
    assert (tmp_path / "2026-11.jsonl").read_bytes() == before
    write(tmp_path, [line(2, document="x" * 200_000), line(3, document="x" * 200_000)])
    path = tmp_path / "2026-11.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]))
    write(tmp_path, [line(4)])
    assert numbers(tmp_path) == [1, 4]


def test_a_sync_tools_copy_is_not_read_and_never_written(tmp_path: Path) -> None:
    write(tmp_path, [line(1)])
    for name in ("2026-11 2.jsonl", "2026-11 (conflicted copy).jsonl", "notes.jsonl"):
        (tmp_path / name).write_bytes((tmp_path / "2026-11.jsonl").read_bytes())
    write(tmp_path, [line(2)])
    assert numbers(tmp_path) == [1, 2]


def test_a_place_is_known_only_behind_a_line(tmp_path: Path) -> None:
    write(tmp_path, [line(1)])
    end = (tmp_path / "2026-11.jsonl").stat().st_size
    assert not difference(tmp_path, Position(), "")
    assert not difference(tmp_path, Position("2026-11.jsonl", end), "")
    assert "other lines" in difference(tmp_path, Position("2026-11.jsonl", end - 1), "")
    assert "shorter" in difference(tmp_path, Position("2026-11.jsonl", end + 1), "")
    assert "is gone" in difference(tmp_path, Position("2026-10.jsonl", 1), "")


def test_a_ledger_is_known_again_by_its_last_lines_and_its_earlier_months(tmp_path: Path) -> None:
    write(tmp_path, [line(1)])
    book = Ledger(tmp_path)
    place = book.append([encode([line(2)])], "2026-12")
    mark = book.mark()
    book.close()
    assert mark == mark_at(tmp_path, place)
    assert not difference(tmp_path, place, mark)
    write(tmp_path, [line(3)], month="2026-12")
    assert not difference(tmp_path, place, mark), "what a kill left behind the place is to be applied"
    earlier, last = tmp_path / "2026-11.jsonl", tmp_path / "2026-12.jsonl"
    whole = last.read_bytes()
    last.write_bytes(whole.replace(b'"n":2', b'"n":7'))
    assert "other lines" in difference(tmp_path, place, mark)
    last.write_bytes(b"# by hand\n" + whole)
    assert "longer" in difference(tmp_path, place, mark)
    last.write_bytes(whole)
    earlier.write_bytes(earlier.read_bytes() * 2)
    assert "longer" in difference(tmp_path, place, mark)
    earlier.unlink()
    assert "taken away" in difference(tmp_path, place, mark)


@pytest.mark.parametrize("month", ["2026-11", "2026-12"])
def test_a_change_that_leaves_length_and_end_as_they_were_is_not_hidden(tmp_path: Path, month: str) -> None:
    """An edit within, or another file put in its place: only reading it all can tell what became of it."""
    write(tmp_path, [line(1, pad="x" * 2 * TAIL), line(2, pad="x" * 2 * TAIL)])
    book = Ledger(tmp_path)
    for n in (3, 4):
        place = book.append([encode([line(n, pad="x" * 2 * TAIL)])], "2026-12")
    mark = book.mark()
    book.close()
    assert touched(tmp_path, place, mark) == [] == touched(tmp_path, place, mark_at(tmp_path, place))
    file = tmp_path / f"{month}.jsonl"
    whole = file.read_bytes()
    with file.open("r+b") as edited:  # in place, and its times put back
        edited.write(whole.replace(b"x", b"y", 1))
    os.utime(file, (1_700_000_000, 1_700_000_000))
    assert not difference(tmp_path, place, mark) and touched(tmp_path, place, mark) == [file]
    copy = tmp_path / "copy"
    copy.write_bytes(whole)
    copy.rename(file)
    assert not difference(tmp_path, place, mark) and touched(tmp_path, place, mark) == [file]


def test_what_a_kill_left_behind_the_mark_is_no_other_programs(tmp_path: Path) -> None:
    book = Ledger(tmp_path)
    place, mark = book.append([encode([line(1)])], "2026-12"), book.mark()
    book.append([encode([line(2)])], "2026-12")
    book.close()
    assert touched(tmp_path, place, mark) == []
    assert touched(tmp_path, place, '{"tail": "", "earlier": {}}') == [], "of an earlier release"


# --- another program's hands ---


def _saved_anew(folder: Path) -> None:
    """As editors and sync tools do it: another file of the same bytes."""
    file = folder / "2026-12.jsonl"
    copy = folder / "copy"
    copy.write_bytes(file.read_bytes())
    copy.rename(file)


def _by_hand(folder: Path) -> None:
    with (folder / "2026-12.jsonl").open("ab") as file:
        file.write(encode([line(9)]))


HANDS: dict[str, tuple[Callable[[Path], object], str]] = {
    "saved anew": (_saved_anew, "exchanged for another file"),
    "removed": (lambda folder: (folder / "2026-12.jsonl").unlink(), "taken away"),
    "the folder removed": (lambda folder: shutil.rmtree(folder), "taken away"),
    "the folder moved": (lambda folder: folder.rename(folder.with_name("elsewhere")), "taken away"),
    "appended to": (_by_hand, "longer than it was left"),
    "cut": (lambda folder: os.truncate(folder / "2026-12.jsonl", 3), "shorter than it was left"),
    "an earlier month removed": (lambda folder: (folder / "2026-11.jsonl").unlink(), "taken away"),
    "an earlier month cut": (lambda folder: os.truncate(folder / "2026-11.jsonl", 3), "shorter"),
    "a later month put there": (lambda folder: (folder / "2027-01.jsonl").write_bytes(b"{}\n"), "put there by"),
}


@pytest.mark.parametrize("month", ["2026-12", "2027-01"])
@pytest.mark.parametrize("hand", HANDS)
def test_a_ledger_that_is_not_what_was_left_takes_no_line(tmp_path: Path, hand: str, month: str) -> None:
    folder = tmp_path / "Ledger"
    folder.mkdir()
    write(folder, [line(1)])
    book = Ledger(folder)
    book.append([encode([line(2)])], "2026-12")
    act, words = HANDS[hand]
    act(folder)
    if hand == "a later month put there" and month == "2026-12":
        book.append([encode([line(3)])], "2026-12")
        month = "2027-01"
    with pytest.raises(StorageSick, match=words) as caught:
        book.append([encode([line(4)])], month)
    assert caught.value.title == "The ledger is not as it was left"
    with pytest.raises(StorageSick):
        book.append([encode([line(5)])], month)
    book.close()
    assert b'"n":4' not in b"".join(path.read_bytes() for path in tmp_path.rglob("*.jsonl"))


def test_a_ledger_exchanged_while_a_line_is_written_says_so(
    book: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book.append([encode([line(1)])], "2026-12")
    monkeypatch.setattr(ledger, "flush", lambda fd: _saved_anew(tmp_path))
    with pytest.raises(StorageSick, match="exchanged"):
        book.append([encode([line(2)])], "2026-12")


def test_a_first_line_without_the_ledgers_folder_is_said_in_words(tmp_path: Path) -> None:
    folder = tmp_path / "Ledger"
    folder.mkdir()
    book = Ledger(folder)
    shutil.rmtree(folder)
    with pytest.raises(StorageSick, match="taken away"):
        book.append([encode([line(1)])], "2026-12")


# --- bad weather ---


class Disk:
    """os.write of a disk that takes so many bytes; what is given up comes back as room."""

    def __init__(self, room: int, number: int = errno.ENOSPC) -> None:
        self.room, self.number = room, number
        self.write = os.write

    def __call__(self, fd: int, data: bytes) -> int:
        if self.room <= 0:
            raise OSError(self.number, os.strerror(self.number))
        written = self.write(fd, data[: self.room])
        self.room -= written
        return written


def test_a_full_disk_writes_nothing_and_the_next_line_is_whole(
    book: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book.append([encode([line(1)])], "2026-11")
    before = (tmp_path / "2026-11.jsonl").read_bytes()
    book.give_room()
    monkeypatch.setattr(ledger.os, "write", Disk(room=20))
    with pytest.raises(StorageFull):
        book.append([encode([line(2), line(3)])], "2026-11")
    assert (tmp_path / "2026-11.jsonl").read_bytes() == before
    monkeypatch.undo()
    book.append([encode([line(4)])], "2026-11")
    assert numbers(tmp_path) == [1, 4]


def test_what_is_kept_aside_lets_a_ticket_be_written_on_a_full_disk(
    book: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / ".aside"
    assert kept.stat().st_blocks * 512 >= ledger.ASIDE
    disk = Disk(room=20)
    give = book.give_room

    def gives() -> bool:
        disk.room = 10_000
        return give()

    monkeypatch.setattr(book, "give_room", gives)
    monkeypatch.setattr(ledger.os, "write", disk)
    monkeypatch.setattr(book, "_keep_aside", lambda: None)
    book.append([encode([line(1)])], "2026-11")
    assert numbers(tmp_path) == [1]
    assert not kept.exists()
    monkeypatch.undo()
    book.append([encode([line(2)])], "2026-11")
    assert kept.exists()


def test_a_month_that_cannot_be_begun_is_tried_again(
    book: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book.append([encode([line(1)])], "2026-11")
    monkeypatch.setattr(ledger, "flush_folder", _full)
    with pytest.raises(StorageFull):
        book.append([encode([line(2)])], "2026-12")
    monkeypatch.undo()
    book.append([encode([line(3)])], "2026-12")
    assert numbers(tmp_path) == [1, 3]


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_after_a_failed_flush_nothing_more_is_written(
    book: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    book.append([encode([line(1)])], "2026-11")

    def fails(fd: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(ledger, "flush", fails)
    with pytest.raises(StorageSick):
        book.append([encode([line(2)])], "2026-11")
    monkeypatch.undo()
    for month in ("2026-11", "2026-12"):
        with pytest.raises(StorageSick):
            book.append([encode([line(3)])], month)
    assert 3 not in numbers(tmp_path)


def test_an_unwritable_ledger_is_said_in_words(tmp_path: Path) -> None:
    write(tmp_path, [line(1)])
    script = (
        "import sys, os; from artfactoryd.storage.ledger import Ledger\n"
        "from pathlib import Path; from artfactoryd.errors import StorageFull\n"
        "folder = Path(sys.argv[1]); os.chmod(folder / '2026-11.jsonl', 0o444)\n"
        "os.geteuid() or os.setuid(65534)\n"
        "try: Ledger(folder)\n"
        "except StorageFull as error: print(error)"
    )
    os.chmod(tmp_path, 0o755)
    for folder in list(tmp_path.parents)[:3]:
        os.chmod(folder, 0o755)
    said = subprocess.run([sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, capture_output=True, text=True)
    assert "cannot be written" in said.stdout, said.stderr


def _full(folder: Path) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


def test_a_line_with_a_number_that_is_none_is_not_written_and_one_of_an_earlier_release_is_read(tmp_path: Path) -> None:
    for number in (math.inf, math.nan):
        with pytest.raises(ValueError, match="JSON"):
            ledger.encode([{"kind": "result", "returned": {"seconds": number}}])
    (tmp_path / "2026-05.jsonl").write_text('{"kind": "result", "returned": {"seconds": Infinity, "at": NaN}}\n')
    assert [line for line, _ in ledger.read(tmp_path)] == [
        {"kind": "result", "returned": {"seconds": None, "at": None}}
    ]


# --- what is damaged says where, and what is no file is named ---


def test_what_never_counted_is_told_with_its_line_and_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, [line(1)], [line(2), line(3)])
    file = tmp_path / "2026-11.jsonl"
    end = Position(file.name, file.stat().st_size)
    file.write_bytes(file.read_bytes() + b'{"kind":"wi')
    assert ledger.behind_torn(tmp_path, end) == end  # it is not closed yet
    Ledger(tmp_path).close()
    assert numbers(tmp_path, end) == [] and not caplog.text  # who only looks says nothing
    assert list(read(tmp_path, end, aloud=True)) == [] and f"{file}, line 4 is no line" in caplog.text
    assert "Put that file back" not in caplog.text and "put that file back from a backup" in caplog.text
    caplog.clear()
    behind = ledger.behind_torn(tmp_path, end)
    assert list(read(tmp_path, behind, aloud=True)) == [] and not caplog.text
    assert not difference(tmp_path, behind, ledger.mark_at(tmp_path, behind))
    write(tmp_path, [line(5)])
    assert [one["n"] for one, _ in read(tmp_path, behind, aloud=True)] == [5] and not caplog.text


@pytest.mark.parametrize("spoilt", [b"\xff\xfe\0\n", b"oops\n", b'{"kind":"wish","n":2\n', b"[2]\n"])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_line_that_can_no_longer_be_read_is_told_and_nothing_goes_on_without_it(
    tmp_path: Path, number: int, spoilt: bytes
) -> None:
    """In the middle of a step too: the rest of it does not count alone."""
    write(tmp_path, [line(1)], [line(2), line(3)], [line(4)])
    file = tmp_path / "2026-11.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([*lines[: number - 1], spoilt, *lines[number:]]))
    with pytest.raises(StorageSick, match=f"{file}, line {number}, .*nothing is bought twice.*Without a backup"):
        list(read(tmp_path))
    file.write_bytes(b"".join([*lines[: number - 1], spoilt, b"\n", *lines[3:]]))  # as a power cut leaves it, closed
    assert numbers(tmp_path) == [1, 4][number == 1 :]


@pytest.mark.parametrize("what", ["a folder", "no plain file"])
def test_a_month_that_is_no_file_is_named_and_never_waited_for(tmp_path: Path, what: str) -> None:
    path = tmp_path / "2026-11.jsonl"
    path.mkdir() if what == "a folder" else os.mkfifo(path)
    for look in (lambda: list(read(tmp_path)), lambda: Ledger(tmp_path), lambda: ledger.torn(tmp_path)):
        with pytest.raises(StorageSick, match=f"{path} is {what}. Move it away"):
            look()
    path.rmdir() if what == "a folder" else path.unlink()
    book = Ledger(tmp_path)
    path.mkdir() if what == "a folder" else os.mkfifo(path)
    with pytest.raises(StorageSick, match=f"{path} is {what}"):
        book.append([encode([line(1)])], "2026-11")
    book.close()
