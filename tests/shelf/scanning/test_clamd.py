"""What clamd is asked, and how each of its answers is taken: by a small one of our own, and by the real one."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from artfactoryd.settings import Scan
from artfactoryd.shelf.scanning import clamd
from artfactoryd.shelf.scanning.clamd import CLEAN, Verdict
from tests.clamds import EICAR, MOST, NAME, REAL_NAME, FakeClamd, fake_clamd, needs_clamd, real_clamd


def at(place: Path) -> Scan:
    return Scan(f"clamd:unix:{place}")


@pytest.fixture
async def fake(tmp_path: Path) -> AsyncIterator[FakeClamd]:
    async with fake_clamd(tmp_path / "socket") as made:
        yield made


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    with real_clamd(tmp_path_factory.mktemp("clamd")) as made:
        yield made


@pytest.mark.parametrize(
    ("answer", "found", "unscanned"),
    [
        (b"stream: OK", "", ""),
        (b"stream: Win.Test.EICAR_HDB-1 FOUND", "Win.Test.EICAR_HDB-1", ""),
        (b"stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND", "", "MaxFileSize"),
        (b"stream: (null) FOUND", "", "did not look at all of it"),
        (b"stream: Can't allocate memory ERROR", "", "allocate memory"),
        (b"COMMAND READ TIMED OUT ERROR", "", "TIMED OUT"),
        (b"stream: not OK at all", "", "not OK at all"),
        (b"stream: \x1b[2JName FOUND", "\\u001b[2JName", ""),
        (None, "", "hung up"),
    ],
)
async def test_only_ok_is_ok(fake: FakeClamd, tmp_path: Path, answer: bytes | None, found: str, unscanned: str) -> None:
    (file := tmp_path / "file").write_bytes(b"something")
    fake.answers = [answer]
    verdict = await clamd.scan(at(tmp_path / "socket"), file)
    assert (verdict.found, verdict.away) == (found, False) and fake.asked == [b"something"]
    assert bool(verdict.unscanned) == bool(unscanned) and unscanned in verdict.unscanned


async def test_all_of_a_file_is_sent_and_what_is_too_large_is_said_so(fake: FakeClamd, tmp_path: Path) -> None:
    """It answers, and hangs up, while it is still being sent to."""
    (file := tmp_path / "file").write_bytes(random.Random(7).randbytes(700_000))
    assert await clamd.scan(at(tmp_path / "socket"), file) == CLEAN and fake.asked == [file.read_bytes()]
    file.write_bytes(bytes(20 * MOST))
    verdict = await clamd.scan(at(tmp_path / "socket"), file)
    assert "larger than what clamd takes" in verdict.unscanned and "StreamMaxLength" in verdict.unscanned


async def test_what_clamd_cannot_look_at_is_not_sent(fake: FakeClamd, tmp_path: Path) -> None:
    with (file := tmp_path / "film").open("wb") as film:
        film.truncate(2 << 30)  # without taking room
    assert "2 GB" in (await clamd.scan(at(tmp_path / "socket"), file)).unscanned and not fake.asked


async def test_one_that_is_not_there_or_keeps_silent_is_away(
    fake: FakeClamd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file := tmp_path / "file").write_bytes(b"x")
    for address in (f"unix:{tmp_path}/nobody", f"unix:{tmp_path}/{'long' * 40}", "tcp://127.0.0.1:1"):
        verdict = await clamd.scan(Scan(address), file)
        assert verdict.away and address in verdict.unscanned and "cannot be reached (" in verdict.unscanned
    monkeypatch.setattr(clamd, "ANSWER", 0.02)
    silent = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await silent.wait()
        writer.close()

    async with await asyncio.start_unix_server(serve, tmp_path / "silent"):
        assert "in time" in (await clamd.scan(at(tmp_path / "silent"), file)).unscanned
        silent.set()
    with pytest.raises(OSError):
        await clamd.scan(at(tmp_path / "socket"), tmp_path / "gone")


@pytest.mark.services
@needs_clamd
async def test_the_real_one_says_what_is_expected_of_it(real: tuple[Path, int], tmp_path: Path) -> None:
    place, port = real
    file = tmp_path / "file"
    for settings in (at(place), Scan(f"tcp://127.0.0.1:{port}"), Scan(f"clamd:tcp://localhost:{port}")):
        assert (await clamd.version(settings)).startswith("ClamAV ")
        for data, verdict in ((b"", CLEAN), (b"a car", CLEAN), (EICAR, Verdict(REAL_NAME))):
            file.write_bytes(data)
            assert await clamd.scan(settings, file) == verdict
        file.write_bytes(bytes(400_000))
        assert "did not look at all of it" in (await clamd.scan(settings, file)).unscanned
        for _ in range(20):
            file.write_bytes(bytes(8 * MOST))
            verdict = await clamd.scan(settings, file)
            assert not verdict.away and "StreamMaxLength" in verdict.unscanned
    assert NAME in REAL_NAME
