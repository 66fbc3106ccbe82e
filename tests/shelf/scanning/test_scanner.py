"""Who asks for a home: a file that is gone spoils no other, and a clamd that hangs is not waited for with each."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from artfactoryd.live_settings import LiveSettings
from artfactoryd.settings import Scan, Settings
from artfactoryd.shelf.scanning import away, clamd
from artfactoryd.shelf.scanning.scanner import Scanner
from tests.clamds import EICAR, NAME, fake_clamd
from tests.homes import TestHome


def scanner(home: TestHome, scan: Scan) -> Scanner:
    return Scanner(home.home, LiveSettings(home.home, Settings(scan=scan), {}))


async def test_each_file_has_its_own_verdict(home: TestHome, tmp_path: Path) -> None:
    (tmp_path / "bad").write_bytes(EICAR)
    (tmp_path / "well").write_bytes(b"x")
    asked = scanner(home, Scan(f"unix:{tmp_path}/clamd", required=True))
    async with fake_clamd(tmp_path / "clamd"):
        verdicts = await asked.scan_all([tmp_path / name for name in ("gone", "bad", "well", "bad", "well")])
    assert [verdict.found for verdict in verdicts] == ["", NAME, "", NAME, ""]
    assert [bool(asked.holds(verdict)) for verdict in verdicts] == [True, False, False, False, False]


async def test_one_that_hangs_is_waited_for_once(
    home: TestHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands, over = list[bytes](), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        commands.append(await reader.readuntil(b"\0"))
        await over.wait()
        writer.close()

    monkeypatch.setattr(clamd, "ANSWER", 0.05)
    monkeypatch.setattr(clamd, "CONNECT", 0.05)
    (tmp_path / "file").write_bytes(b"x")
    hangs = Scan(f"unix:{tmp_path}/clamd")
    asked = scanner(home, hangs)
    async with await asyncio.start_unix_server(serve, tmp_path / "clamd"):
        for _ in range(2):
            verdict = await asked.scan(tmp_path / "file")
            assert verdict.away and "does not answer in time" in verdict.unscanned and not asked.holds(verdict)
        over.set()
    assert commands.count(b"zINSTREAM\0") <= 1
    for required, words in ((False, "goes on unscanned"), (True, "waits")):  # as the settings are by now
        told = away.trouble(home.home, Settings(scan=Scan(hangs.address, required)))
        assert told.endswith(f"what comes {words}.") and "in time" in told
    assert away.trouble(home.home, Settings()) == ""
