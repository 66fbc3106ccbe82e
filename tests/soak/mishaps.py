"""What goes wrong at home, by chance: a lost index, a clock put wrong, settings that vanish, a second volume."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.homes import TestHome
from tests.soak import clocks, skies
from tests.volumes import another_volume

INDEX = "index.sqlite3*"
ELSEWHERE = ("Inbox", "Held", "Rejected", "Projects")


@dataclass
class Mishaps:
    folder: Path  # for what is kept aside
    chance: random.Random
    tally: Counter[str]
    elsewhere: Path | None = field(default=None, init=False)  # on another volume

    @property
    def clock(self) -> Path:
        return self.folder / "clock"

    def move_in(self, home: TestHome) -> None:
        """Before anything runs there: some of its folders may be links to another volume."""
        self._home = home.home
        self._settings = self._home.settings_file.read_bytes()
        volume = another_volume(home.root)
        if volume is None or self.chance.random() < 0.2:
            return
        self.elsewhere = Path(tempfile.mkdtemp(prefix="soak-", dir=volume))
        for name in self.chance.sample(ELSEWHERE, self.chance.choice([1, 2, 3, 4])):
            (home.root / name).rename(self._home.root / f".{name}")
            shutil.move(self._home.root / f".{name}", self.elsewhere / name)
            (home.root / name).symlink_to(self.elsewhere / name)
            self.tally[skies.INBOX if name == "Inbox" else skies.VOLUMES] += 1

    def clear(self) -> None:
        if self.elsewhere is not None:
            shutil.rmtree(self.elsewhere, ignore_errors=True)

    # --- between two lives ---

    def lose_index(self) -> None:
        folder, kept = self._home.private, self.folder / "kept"
        files = list(folder.glob(INDEX))
        chance = self.chance.random()
        if chance < 0.1:
            self.tally["index deleted"] += bool(files)
            for path in files:
                path.unlink()
        elif chance < 0.2 and kept.exists():
            self.tally["old index restored"] += 1
            for path in files:
                path.unlink()
            for path in kept.iterdir():
                shutil.copy2(path, folder)
        elif chance < 0.35:
            shutil.rmtree(kept, ignore_errors=True)
            kept.mkdir()
            for path in files:
                shutil.copy2(path, kept)

    def lose_settings(self) -> None:
        self._home.settings_file.unlink()
        self.tally[skies.WITHOUT] += 1

    def put_settings_back(self) -> None:
        """Whole at once, as an editor does it."""
        hidden = self.folder / "settings"
        hidden.write_bytes(self._settings)
        hidden.chmod(0o600)
        os.replace(hidden, self._home.settings_file)

    def pass_by(self) -> None:
        """A clock may be wrong for longer than a life."""
        self.put_settings_back()
        if self.chance.random() < 0.5:
            self.clock.unlink(missing_ok=True)

    def put_right(self) -> None:
        self.clock.unlink(missing_ok=True)
        self.put_settings_back()

    # --- while it runs ---

    def strike(self) -> bool:
        """The clock or the settings, or neither."""
        chance = self.chance.random()
        if chance < 0.15:
            self._move_clock()
        elif chance < 0.25:
            self._spoil_settings()
        return chance < 0.25

    def _move_clock(self) -> None:
        before = float(self.clock.read_text()) if self.clock.exists() else 0.0
        after = self.chance.choice([wrong for wrong in (0.0, *skies.CLOCKS) if wrong != before])
        clocks.put(self.clock, after)
        self.tally[skies.FORWARD if after > before else skies.BACK] += 1

    def _spoil_settings(self) -> None:
        if self.chance.random() < 0.5:
            self._home.settings_file.unlink()
            self.tally[skies.REMOVED] += 1
        else:
            self._home.settings_file.write_text("")
            self.tally[skies.EMPTIED] += 1
