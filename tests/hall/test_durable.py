from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from artfactoryd import durable, medium
from artfactoryd.durable import write_file
from artfactoryd.errors import StorageFaulty, StorageFull
from artfactoryd.medium import flush, flush_folder, storage_errors


def test_a_file_is_replaced_whole_and_nothing_else_is_left(tmp_path: Path) -> None:
    write_file(tmp_path / "a.json", b"old")
    write_file(tmp_path / "a.json", b"new and longer")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.json": b"new and longer"}


def test_the_longest_name_of_any_script_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("車" * 83 + ".yaml")
    write_file(path, b"x")
    assert path.read_bytes() == b"x"


def test_a_full_disk_leaves_the_old_file_and_no_half_new_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_file(tmp_path / "a.json", b"old")
    monkeypatch.setattr(durable, "flush", _raising(errno.ENOSPC))
    with pytest.raises(StorageFull, match="No room"):
        write_file(tmp_path / "a.json", b"new")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.json": b"old"}


@pytest.mark.parametrize(
    ("number", "error", "word"),
    [
        (errno.ENOSPC, StorageFull, "No room"),
        (errno.EDQUOT, StorageFull, "No room"),
        (errno.EFBIG, StorageFull, "No room"),
        (errno.EROFS, StorageFull, "cannot be written"),
        (errno.EACCES, StorageFull, "cannot be written"),
        (errno.EIO, StorageFaulty, "Check the disk"),
        (errno.ENOENT, FileNotFoundError, "No such"),
    ],
)
def test_what_the_system_says_becomes_a_sentence(
    number: int, error: type[Exception], word: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=word), storage_errors(tmp_path):
        raise OSError(number, os.strerror(number))


def test_a_failed_full_flush_is_not_hidden_by_an_ordinary_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On macOS a second, weaker flush may succeed for bytes that are lost."""
    monkeypatch.setattr(medium.fcntl, "F_FULLFSYNC", 51, raising=False)
    with (tmp_path / "a").open("wb") as file:
        monkeypatch.setattr(medium.fcntl, "fcntl", _raising(errno.EIO))
        with pytest.raises(OSError, match="Input/output"):
            flush(file.fileno())
        monkeypatch.setattr(medium.fcntl, "fcntl", _raising(errno.ENOTSUP))
        flush(file.fileno())


def test_a_file_system_that_cannot_flush_folders_is_taken_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(medium.os, "fsync", _raising(errno.EINVAL))
    flush_folder(tmp_path)
    monkeypatch.setattr(medium.os, "fsync", _raising(errno.EIO))
    with pytest.raises(OSError, match="Input/output"):
        flush_folder(tmp_path)


def _raising(number: int):  # type: ignore[no-untyped-def]
    def fails(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    return fails


def test_a_duplicate_has_the_bytes_and_is_a_file_of_its_own(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_bytes(b"a picture" * 200_000)
    other.write_bytes(b"left by a kill")
    with one.open("rb") as file:
        durable.duplicate(file, other)
    assert other.read_bytes() == one.read_bytes() and other.stat().st_nlink == one.stat().st_nlink == 1
