"""The thumbnails of one file, made where they are wanted and not there."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from artfactoryd.shelf.thumbnails import scaling
from artfactoryd.shelf.thumbnails.cache import Cache


class Thumbnails:
    """`bytes`: written so far."""

    def __init__(self, folder: Path | None, sha256: str) -> None:
        """`folder`: None where none are wanted."""
        self.bytes = 0
        self._cache, self._sha256 = Cache(folder) if folder else None, sha256

    @property
    def are_wanted(self) -> bool:
        return self._cache is not None and not self._cache.has(self._sha256)

    def make(self, picture: Image.Image) -> None:
        """Of a decoded picture."""
        if self._cache is None or not self.are_wanted:
            return
        for size, small in scaling.scaled(picture):
            self.bytes += self._cache.put(self._sha256, size, scaling.jpeg(small))
