"""The small picture that a sheet shows in one place: a thumbnail, made where it is not there any more, else a card."""

from __future__ import annotations

import io
from pathlib import Path

from artfactoryd.core.sheets.facts import Picture
from artfactoryd.errors import OutputBad
from artfactoryd.shelf.decoding import pixels
from artfactoryd.shelf.decoding.pillow import Image
from artfactoryd.shelf.media import DECODED
from artfactoryd.shelf.sheets.cards import card
from artfactoryd.shelf.sheets.fonts import Fonts
from artfactoryd.shelf.thumbnails import SIZES, film, scaling
from artfactoryd.shelf.thumbnails.cache import Cache
from artfactoryd.shelf.thumbnails.making import Thumbnails


class Tiles:
    """`bytes`: of thumbnails that were made."""

    def __init__(self, home: Path, cache: Cache, megapixels: float) -> None:
        self.bytes = 0
        self._home, self._cache, self._megapixels = home, cache, megapixels

    def of(self, picture: Picture, width: int, height: int, fonts: Fonts) -> Image.Image:
        """At most so large."""
        file = self._home / picture.path
        data = self.jpeg(picture, max(width, height))
        if data is None:
            return card(picture, file, width, height, fonts)
        with Image.open(io.BytesIO(data), formats=["JPEG"]) as tile:
            tile.load()
        return scaling.inside(tile, width, height)

    def jpeg(self, picture: Picture, size: int) -> bytes | None:
        """The smallest thumbnail that is large enough, or the largest there is. None of what shows nothing."""
        large_enough = min((side for side in SIZES if side >= size), default=SIZES[0])
        data = self._cache.read(picture.sha256, large_enough)
        if data is None and self._make(self._home / picture.path, picture):
            data = self._cache.read(picture.sha256, large_enough)
        return data

    def _make(self, file: Path, picture: Picture) -> bool:
        thumbnails = Thumbnails(self._cache.folder, picture.sha256)
        try:
            if picture.mime in DECODED:
                pixels.fault(file, self._megapixels, (thumbnails.make,))
            elif frame := film.frame(file, picture.mime):
                thumbnails.make(frame)
        except (OSError, OutputBad):
            return False
        self.bytes += thumbnails.bytes
        return thumbnails.bytes > 0
