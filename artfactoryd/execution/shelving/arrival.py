"""One output that came, and what it is called."""

from __future__ import annotations

from dataclasses import dataclass

from artfactoryd.core.line_values import Output
from artfactoryd.shelf.media import Media
from artfactoryd.shelf.received import Fetched


@dataclass(frozen=True, slots=True)
class Arrival:
    """One output that came: what was chosen for it, its bytes in .work, and what they are."""

    chosen: Output
    fetched: Fetched
    media: Media
    looked: str | None = None  # what its pixels say; None: they are made later
    final: bool = False  # nothing better came of asking once more, as an earlier life may have found
    content: bytes | None = None  # all of it, where that is in memory
    unscanned: str = ""  # in words why nobody knows what is in it, where a scanner was asked

    @property
    def original_sha256(self) -> str:
        """Of the bytes as the provider sent them."""
        return self.chosen.original_sha256 or self.fetched.sha256

    @property
    def is_to_be_bettered(self) -> bool:
        """Whether a repeat may bring it whole, and looking at that may do no harm."""
        return bool(self.media.fault) and not self.media.unopened and not self.final

    @property
    def is_to_be_scanned(self) -> bool:
        """It came from outside just now, and is no picture, or none that is well."""
        return not self.chosen.reused_from and (self.media.kind != "image" or bool(self.media.fault))

    @property
    def remark(self) -> str:
        flagged = "flagged as unsafe by the provider's content filter" if self.chosen.flagged else ""
        unscanned = f"not scanned: {self.unscanned}" if self.unscanned else ""
        return "; ".join(filter(None, [flagged, self.media.fault, unscanned]))
