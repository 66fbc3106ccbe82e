"""Words put into a picture's file beside its pixels, which stay as they are, and taken out again."""

from __future__ import annotations

from dataclasses import dataclass

from artfactoryd.core.inside import xmp


class LeftAlone(Exception):
    """Why nothing is written into a file."""


class TooLong(Exception):
    """Its format has not so much room for words."""


@dataclass(frozen=True, slots=True)
class Text:
    """How it was made, as tools of the field write it; empty where there is nothing to tell."""

    text: str

    @property
    def comment(self) -> bytes:
        """As EXIF has it: readers of the field expect this order of bytes, whatever the rest of the EXIF is in."""
        return b"UNICODE\0" + self.text.encode("utf-16-be", "replace")


SEALED = "It carries C2PA, whose seal would break."


def addition(theirs: bytes, words: xmp.Words) -> tuple[int, bytes]:
    """To a packet that is there: where in it, and what. Raises LeftAlone."""
    if xmp.SEALED in theirs:
        raise LeftAlone(SEALED)
    if xmp.OURS.encode() in theirs:
        raise LeftAlone("It tells already of another product.")
    added = xmp.addition(theirs, words)
    if added is None:
        raise LeftAlone("Its own XMP cannot be added to.")
    return added
