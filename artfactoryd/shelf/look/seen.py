"""What is known of a file after one walk through its structure."""

from __future__ import annotations

from typing import NamedTuple

CUT = "The picture is cut short: its end is missing."
CUT_FILM = "It is cut short."
MOST_PARTS = 4_000_000  # of one file; what claims more is made to keep us busy
PIECE = 1 << 20  # bytes read at once


class Seen(NamedTuple):
    """`duration` in seconds; None of what is not told. `fault`: in words, why it is not whole. `codecs`: of a film or a
    sound, by the names that ffmpeg has for them; `shows`: whether there is anything to see, None where nobody knows."""

    width: int | None = None
    height: int | None = None
    duration: float | None = None
    fault: str = ""
    codecs: tuple[str, ...] = ()
    shows: bool | None = None

    def cut(self) -> Seen:
        return self._replace(fault=CUT)

    def damaged(self, why: str) -> Seen:
        return self._replace(fault=f"The picture is damaged: {why}.")

    def cut_off(self) -> Seen:
        """Of a film, a sound, or what is neither."""
        return self._replace(fault=CUT_FILM)

    def lasting(self, seconds: float | None) -> Seen:
        """What lasts no time is not known to last any."""
        return self._replace(duration=round(seconds, 3) or None if seconds and seconds > 0 else None)

    def sized(self, width: int, height: int) -> Seen:
        """A side of nothing is not known."""
        return self._replace(width=width or None, height=height or None)


def number(data: bytes) -> int:
    """As PNG, JPEG and films write it."""
    return int.from_bytes(data, "big")


def little(data: bytes) -> int:
    """As GIF and RIFF write it."""
    return int.from_bytes(data, "little")
