from __future__ import annotations

import os
from pathlib import Path

import pytest

from artfactoryd.errors import Problem, Refusal
from artfactoryd.planning import read_once
from artfactoryd.planning.models import SHIPPED, load_catalog
from artfactoryd.planning.read_once import ReadOnce

LONG_AGO = 1_000_000_000


class Parser:
    """Counts how often it was asked; a file that says `bad` is one."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, data: bytes, path: Path) -> str:
        self.times += 1
        if data == b"bad":
            raise Refusal([Problem("E_BAD", "it is bad.", file=str(path))])
        return data.decode()


@pytest.fixture
def parser() -> Parser:
    return Parser()


@pytest.fixture
def read(parser: Parser) -> ReadOnce[str]:
    return ReadOnce(parser, 100)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """On a disk whose times are of long ago, so that they can be told apart at once."""
    monkeypatch.setattr(read_once, "COARSE", -3600.0)
    return written(tmp_path / "one.txt", "red")


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_a_file_is_read_once(file: Path, read: ReadOnce[str], parser: Parser, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(file) == "red"
    monkeypatch.setattr(read_once, "bounded", None)  # it is not even opened again
    assert [read(file) for _ in range(3)] == ["red"] * 3 and parser.times == 1


def test_an_edit_counts_also_with_its_time_put_back(file: Path, read: ReadOnce[str]) -> None:
    os.utime(file, (LONG_AGO, LONG_AGO))
    assert read(file) == "red"
    os.utime(written(file, "new"), (LONG_AGO, LONG_AGO))
    assert read(file) == "new"


def test_a_file_put_in_its_place_counts(file: Path, read: ReadOnce[str]) -> None:
    assert read(file) == "red"
    written(file.with_name("two"), "new").replace(file)
    assert read(file) == "new"


def test_what_is_gone_is_gone_and_counts_again_when_it_is_back(file: Path, read: ReadOnce[str]) -> None:
    assert read(file) == "red"
    away = file.rename(file.with_name("away"))
    with pytest.raises(FileNotFoundError):
        read(file)
    away.rename(file)
    assert read(file) == "red"


def test_an_edit_within_one_tick_of_a_coarse_disk_is_not_missed(
    tmp_path: Path, read: ReadOnce[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Same name, inode, size and times: only the bytes tell, so those of a fresh file are looked at each time."""
    file = written(tmp_path / "one.txt", "red")
    status = os.stat(file)
    stamp = (status.st_dev, status.st_ino, 3, status.st_mtime_ns, status.st_ctime_ns)
    monkeypatch.setattr(read_once, "_stamp", lambda path: stamp)
    assert read(file) == "red"
    assert read(written(file, "new")) == "new"


def test_a_fresh_file_with_the_same_bytes_is_not_understood_again(
    tmp_path: Path, read: ReadOnce[str], parser: Parser
) -> None:
    file = written(tmp_path / "one.txt", "red")
    assert [read(file), read(file), read(written(file, "red"))] == ["red"] * 3 and parser.times == 1


def test_what_is_wrong_with_a_file_is_said_each_time(file: Path, read: ReadOnce[str], parser: Parser) -> None:
    written(file, "bad")
    refusals = []
    for _ in range(3):
        with pytest.raises(Refusal) as caught:
            read(file)
        refusals.append(caught.value)
    assert [str(refusal) for refusal in refusals] == [f"It is bad. ({file}; E_BAD)"] * 3 and parser.times == 1
    assert len(set(map(id, refusals))) == 3
    assert read(written(file, "red")) == "red"


def test_no_more_are_kept_than_a_library_has(
    tmp_path: Path, read: ReadOnce[str], parser: Parser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_once, "MOST_KEPT", 2)
    files = [written(tmp_path / name, name) for name in "abc"]
    assert [read(file) for file in files] == ["a", "b", "c"]
    assert read(files[2]) == "c" and parser.times == 3
    assert read(files[0]) == "a" and parser.times == 4


def test_an_order_does_not_pay_for_reading_the_library_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "sketch.yaml"
    file.write_bytes((SHIPPED / "local-sketch.yaml").read_bytes())
    first, problems = load_catalog(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("artfactoryd.documents.read_documents", None)
        again, _ = load_catalog(tmp_path)
    assert problems == [] and first == again
    file.write_text(file.read_text().replace("type: object", "type: objekt", 1))
    broken = [load_catalog(tmp_path)[1] for _ in range(2)]
    assert broken[0] == broken[1] and [problem.code for problem in broken[0]] == ["E_VALUE"]
