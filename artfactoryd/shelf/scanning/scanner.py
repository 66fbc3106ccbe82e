"""Who asks clamd, for all of a home, and says once that it does not answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from artfactoryd import clock
from artfactoryd.durable import write_note
from artfactoryd.home import Home
from artfactoryd.live_settings import LiveSettings
from artfactoryd.medium import in_words
from artfactoryd.settings import Scan
from artfactoryd.shelf.scanning import clamd
from artfactoryd.shelf.scanning.away import note_of, words
from artfactoryd.shelf.scanning.clamd import CLEAN, Verdict

log = logging.getLogger(__name__)

AT_ONCE = 4  # files sent to it together
PAUSE = 0.5  # seconds between looks whether something waits in vain
ASKED_EVERY = 5.0  # seconds until a clamd that is away is asked again
SENT_EVERY = 60.0  # seconds until what it did not want is sent again


class Scanner:
    """`loop`: of the daemon; None where a command asks from no loop."""

    def __init__(self, home: Home, settings: LiveSettings, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._note, self._settings = note_of(home), settings
        self._room = asyncio.Semaphore(AT_ONCE)
        self._loop = loop
        self._is_away = self._note.exists()

    @property
    def _wanted(self) -> Scan:
        return self._settings.now.scan

    @property
    def is_on(self) -> bool:
        return self._wanted.address is not None

    def holds(self, verdict: Verdict) -> str:
        """In words why what it is of must wait; empty where it need not."""
        if not (verdict.unscanned and self._wanted.required):
            return ""
        return f"It is not scanned, and scan.required is true: {verdict.unscanned}"

    async def scan(self, path: Path) -> Verdict:
        """One that cannot be read is not scanned; whoever uses it finds out why."""
        if not self.is_on:
            return CLEAN
        try:
            async with self._room:
                verdict = await self._asked(path)
        except OSError as error:
            return Verdict(unscanned=in_words(error))
        self._heed(verdict)
        return verdict

    async def _asked(self, path: Path) -> Verdict:
        """One that was away is asked a short question first: what hangs is not waited for with each file."""
        try:
            if self._is_away:
                await clamd.version(self._wanted)
        except (OSError, TimeoutError) as error:
            return clamd.away(self._wanted, error)
        return await clamd.scan(self._wanted, path)

    async def scan_all(self, paths: Sequence[Path]) -> list[Verdict]:
        """In their order. Where clamd is away it is not asked for each."""
        verdicts = list[Verdict]()
        for at in range(0, len(paths), AT_ONCE):
            if verdicts and verdicts[-1].away:
                return [*verdicts, *(verdicts[-1] for _ in paths[at:])]
            verdicts += await asyncio.gather(*map(self.scan, paths[at : at + AT_ONCE]))
        return verdicts

    def scan_from_thread(self, paths: Sequence[Path]) -> list[Verdict]:
        """For whoever is not on the loop."""
        if not self.is_on or not paths:
            return [CLEAN for _ in paths]
        if self._loop is None:
            return asyncio.run(self.scan_all(paths))
        return asyncio.run_coroutine_threadsafe(self.scan_all(paths), self._loop).result()

    async def until_again(self, *, away: bool, is_wanted: Callable[[], bool]) -> None:
        """Until there is a point in asking again: clamd answers, the settings are others, or nobody waits any more."""
        before, waited, asked_at = self._wanted, 0.0, 0.0
        while self._wanted == before and is_wanted():
            await asyncio.sleep(PAUSE)
            waited += PAUSE
            if away and waited - asked_at >= ASKED_EVERY:
                asked_at = waited
                with suppress(OSError, TimeoutError):
                    await clamd.version(before)
                    return
            if not away and waited >= SENT_EVERY:
                return

    def _heed(self, verdict: Verdict) -> None:
        """Said when it begins and when it ends, and not for each file."""
        if verdict.away == self._is_away:
            return
        self._is_away = verdict.away
        if verdict.away:
            since = clock.shown(clock.iso(clock.now()))
            log.warning("%s", words(verdict.unscanned, since, self._wanted))
            write_note(self._note, f"{since}\n{verdict.unscanned}".encode())
        else:
            log.info("clamd is there again: what comes is scanned")
            with suppress(OSError):
                self._note.unlink(missing_ok=True)
