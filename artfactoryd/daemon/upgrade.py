"""The program's own files while it runs: read at the start, and watched, because an upgrade may take them away.

Not here: how a release is installed, and the ledger's and the index's older forms (storage).
"""

from __future__ import annotations

from pathlib import Path

import artfactoryd
from artfactoryd import schema
from artfactoryd.factories.registry import makers
from artfactoryd.planning import models
from artfactoryd.planning.catalogue.retired import retired_models

PACKAGE = Path(artfactoryd.__file__).parent
WORDS = "The program was replaced while it runs; start it again. Until then nothing new is taken."


class OwnFiles:
    """The files of this program as they were when it started."""

    def __init__(self, package: Path = PACKAGE) -> None:
        self._package = package
        schema.load_all()
        models.shipped_models()
        retired_models()
        makers()
        self._stamps = self._look()

    def replaced(self) -> str:
        """Words when they are away or others: what is imported or read late would not fit what runs. Else empty."""
        return "" if self._look() == self._stamps else WORDS

    def _look(self) -> list[tuple[int, int] | None]:
        return [_stamp(self._package / name) for name in ("__init__.py", "schema.py", "catalog")]


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns
