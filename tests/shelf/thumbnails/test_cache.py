"""The cache of thumbnails: by bytes, never above its room, what was used longest ago goes first."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from artfactoryd.shelf.thumbnails.cache import Cache


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "thumbnails")


def test_what_was_put_is_read_and_what_was_not_is_none(cache: Cache) -> None:
    assert cache.put("ab12", 400, b"small") == 5
    assert (cache.read("ab12", 400), cache.read("ab12", 150), cache.has("ab12")) == (b"small", None, False)


def test_what_was_used_longest_ago_goes_first(cache: Cache) -> None:
    for number, name in enumerate(("aa", "bb", "cc", "dd")):
        cache.put(name, 400, bytes(100))
        os.utime(cache.path(name, 400), (1000 + number, 1000 + number))
    cache.read("aa", 400)
    assert cache.evict(400) == 400
    assert cache.evict(350) == 300
    assert [cache.read(name, 400) is not None for name in ("aa", "bb", "cc", "dd")] == [True, False, True, True]
    assert cache.evict(0) == 0


def test_a_disk_that_refuses_leaves_nothing_and_raises_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert Cache(tmp_path / "file").put("ab12", 150, b"small") == 0
