"""That the scanner does not answer, as it is remembered for whoever asks about the home. Nobody is asked here."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from artfactoryd.entries import PAPER_BYTES, bounded
from artfactoryd.home import Home
from artfactoryd.settings import Scan, Settings


def note_of(home: Home) -> Path:
    return home.private / "scan.txt"


def trouble(home: Home, settings: Settings) -> str:
    """Why nothing was scanned when it was last tried; empty where it was, or nothing is to be."""
    if settings.scan.address is None:
        return ""
    with suppress(OSError):
        since, _, why = bounded(note_of(home), PAPER_BYTES).decode("utf-8", "replace").partition("\n")
        return words(why, since, settings.scan)
    return ""


def words(why: str, since: str, scan: Scan) -> str:
    return f"{why} Since {since} what comes {'waits' if scan.required else 'goes on unscanned'}."
