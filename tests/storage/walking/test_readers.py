"""Sidecars that several processes read: the same in the same order as one reads, whatever becomes of the others."""

from __future__ import annotations

import errno
import io
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from artfactoryd.shelf import reading
from artfactoryd.storage.walking import reader, readers
from artfactoryd.storage.walking.reader import Read
from artfactoryd.storage.walking.readers import Readers

Patch = pytest.MonkeyPatch
FELL = (sys.executable, "-S", "-c", "import sys; sys.stdin.buffer.read(9)")  # before it answers
FILE = {"index": 1, "sha256": "0" * 64, "bytes": 7, "mime": "image/png", "width": 1, "height": 1}
SIDECAR = json.dumps({
    "id": "an id", "provider": "fake", "order": {"id": "an order"}, "item": {"index": 1}, "file": FILE,
    "created_at": "2026-01-01T00:00:00Z",
})  # fmt: skip
NO_PROGRAM = ("/no/such/program",)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: Patch) -> Path:
    """Seven products, of which one has no sidecar that can be read, and another is not named in UTF-8."""
    monkeypatch.setattr(readers, "FEW", 0)
    monkeypatch.setattr(readers, "BATCH", 2)
    monkeypatch.setattr(readers, "OTHERS", 1)
    for name in ("a.png", "b.png", "c.png", "d.png", "e.png", "f\udcff.png", "g.png"):
        (tmp_path / name).write_bytes(b"picture")
        (tmp_path / f"{name}.json").write_text(SIDECAR if name != "c.png" else "[]")
    return tmp_path


def here(root: Path) -> list[Read]:
    names = [(product.name, card.name) for product, card in reading.walk(root)]
    return reader.read_all(str(root), names)


def by_others(root: Path, pairs: Iterator[tuple[str, str]]) -> list[Read]:
    """What is read once no other has anything to do any more."""
    with Readers(root, pairs) as walk:
        for thread in walk._others:
            thread.join()
        return list(walk)


def test_another_process_reads_the_same(root: Path, monkeypatch: Patch) -> None:
    expected = here(root)
    outcomes = [read.outcome for read in expected]
    assert outcomes.count(reader.UNREAD) == outcomes.count(reader.UNNAMED) == 1 and len(outcomes) == 7
    monkeypatch.setattr(reader, "read_all", None)  # nothing is read here
    assert by_others(root, reading.walk_names(root)) == expected


@pytest.mark.parametrize("program", [FELL, NO_PROGRAM])
def test_what_a_process_that_fell_had_taken_is_read_here(
    root: Path, program: Sequence[str], monkeypatch: Patch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(readers, "PROGRAM", program)
    assert by_others(root, reading.walk_names(root)) == here(root)
    assert "they are read here" in caplog.text


def test_a_walk_that_falls_is_not_over(root: Path, monkeypatch: Patch) -> None:
    monkeypatch.setattr(readers, "PROGRAM", NO_PROGRAM)

    def pairs() -> Iterator[tuple[str, str]]:
        yield from reading.walk_names(root)
        raise PermissionError(errno.EACCES, "no", str(root))

    with pytest.raises(PermissionError):
        by_others(root, pairs())


def test_what_cannot_be_read_just_now_is_told_by_another_process_too(root: Path, monkeypatch: Patch) -> None:
    def sick(path: str) -> None:
        raise OSError(errno.EIO, "sick", path)

    monkeypatch.setattr(reading, "read_sidecar", sick)
    asked, answered = io.BytesIO(), io.BytesIO()
    reader.send(asked, [("a.png", "a.png.json")])
    asked.seek(0)
    reader.serve(str(root), asked, answered)
    answered.seek(0)
    assert reader.received(answered) == (errno.EIO, str(root / "a.png.json")) and reader.received(answered) is None
