from __future__ import annotations

import errno
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from artfactoryd import medium


class Disk:
    """Each flush waits until the test lets it end, well or with an error."""

    def __init__(self) -> None:
        self.flushes: list[Future[None]] = []
        self.begun = threading.Condition()

    def flush(self, fd: int) -> None:
        mine: Future[None] = Future()
        with self.begun:
            self.flushes.append(mine)
            self.begun.notify_all()
        mine.result(10)

    def wait_for(self, flushes: int) -> None:
        with self.begun:
            assert self.begun.wait_for(lambda: len(self.flushes) >= flushes, 10)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk()
    monkeypatch.setattr(medium, "flush", disk.flush)
    return disk


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


def waiting(folder: Path, many: int) -> bool:
    """Whether so many have come for the flush that has not begun."""
    begun = medium._rounds.get(str(folder))
    return begun is not None and (begun.following is not None) == bool(many)


def test_who_comes_while_a_folder_is_flushed_shares_the_next_flush_and_not_this_one(
    tmp_path: Path, disk: Disk, pool: ThreadPoolExecutor
) -> None:
    first = pool.submit(medium.flush_folder, tmp_path)
    disk.wait_for(1)
    later = [pool.submit(medium.flush_folder, tmp_path) for _ in range(5)]
    while not all(future.running() for future in later) or not waiting(tmp_path, 5):
        pass
    disk.flushes[0].set_result(None)
    first.result(10)
    disk.wait_for(2)
    assert not any(future.done() for future in later), "what began before they came does not count"
    disk.flushes[1].set_result(None)
    for future in later:
        future.result(10)
    assert len(disk.flushes) <= 3 and medium._rounds == {}


def test_other_folders_wait_for_nobody(tmp_path: Path, disk: Disk, pool: ThreadPoolExecutor) -> None:
    both = [tmp_path / "a", tmp_path / "b"]
    for folder in both:
        folder.mkdir()
    futures = [pool.submit(medium.flush_folder, folder) for folder in both]
    disk.wait_for(2)
    for flush in disk.flushes:
        flush.set_result(None)
    assert [future.result(10) for future in futures] == [None, None]


def test_an_error_is_that_of_all_who_share_the_flush_and_the_next_is_tried_anew(
    tmp_path: Path, disk: Disk, pool: ThreadPoolExecutor
) -> None:
    first = pool.submit(medium.flush_folder, tmp_path)
    disk.wait_for(1)
    shared = pool.submit(medium.flush_folder, tmp_path)
    while not waiting(tmp_path, 1):
        pass
    disk.flushes[0].set_result(None)
    first.result(10)
    disk.wait_for(2)
    disk.flushes[1].set_exception(OSError(errno.EIO, "Input/output error"))
    with pytest.raises(OSError, match="Input/output") as caught:
        shared.result(10)
    assert caught.value.errno == errno.EIO and caught.value.filename == str(tmp_path)
    again = pool.submit(medium.flush_folder, tmp_path)
    disk.wait_for(3)
    disk.flushes[2].set_result(None)
    assert again.result(10) is None
