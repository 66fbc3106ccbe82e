"""GIF: every block to its end, and the trailer."""

from __future__ import annotations

from typing import BinaryIO

from artfactoryd.shelf.look.seen import MOST_PARTS, Seen, little

TABLE = 0x80  # flag: a table of colours follows
IMAGE, MORE, END, PADDING = b",", b"!", b";", b"\0"


def walk(file: BinaryIO, size: int) -> Seen:
    """The size is that of the screen, or of a frame that is larger."""
    head = file.read(13)
    if len(head) < 13:
        return Seen().cut()
    seen, frames = Seen().sized(little(head[6:8]), little(head[8:10])), 0
    _skip_table(file, head[10])
    for _ in range(MOST_PARTS):
        mark = file.read(1)
        if mark == END:
            return seen if frames else seen.damaged("it has no pixels")
        if mark == IMAGE:
            frame = file.read(9)
            if len(frame) < 9:
                return seen.cut()
            seen = _grown(seen, frame)
            _skip_table(file, frame[8])
            frames += 1
        elif mark and mark not in (MORE, PADDING):
            return seen.damaged("what follows is no part of a picture")
        if mark != PADDING and not (mark and file.read(1) and _skip_blocks(file)):
            return seen.cut()
    return seen.damaged("it has more parts than any picture")


def _grown(seen: Seen, frame: bytes) -> Seen:
    left, top, width, height = (little(frame[place : place + 2]) for place in (0, 2, 4, 6))
    return seen.sized(max(seen.width or 0, left + width), max(seen.height or 0, top + height))


def _skip_table(file: BinaryIO, flags: int) -> None:
    if flags & TABLE:
        file.seek(3 << ((flags & 7) + 1), 1)


def _skip_blocks(file: BinaryIO) -> bool:
    """Data in pieces of at most 255 bytes, ended by an empty one; False when the file ends before."""
    while length := file.read(1):
        if length == b"\0":
            return True
        file.seek(length[0], 1)
    return False
