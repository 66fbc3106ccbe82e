"""Words of ours put into a picture that came whole: a second file, and the first can be had from it again.

The same bytes and the same words give the same file. No pixel is touched, and nothing that is in it goes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from artfactoryd.core.inside import undo, xmp
from artfactoryd.core.inside.undo import Edit
from artfactoryd.shelf.inside import LeftAlone, Text, TooLong, jpeg, png, webp

Edits = Callable[[xmp.Words], list[Edit]]
PLANS: Mapping[str, Callable[[bytes, Text], Edits]] = {"png": png.plan, "jpg": jpeg.plan, "webp": webp.plan}
KINDS = frozenset(PLANS)
USUAL = len(undo.written_down(b"", [Edit(0, 0, b"")]))  # characters of how one addition is undone
MOST_BYTES = 64 << 20  # of a picture: it is in memory meanwhile


@dataclass(frozen=True, slots=True)
class Embedded:
    """The file in pieces."""

    pieces: tuple[bytes | memoryview, ...]
    words: xmp.Words


def embedded(data: bytes, extension: str, text: str, words: xmp.Words) -> Embedded:
    """`extension`: as `kinds` gives it, of a file without a fault. Raises LeftAlone."""
    if extension not in PLANS:
        raise LeftAlone(f"Nothing is written into a file of its kind ({extension}).")
    edits = PLANS[extension](data, Text(text))
    for shorter in (words, replace(words, parameters=""), replace(words, parameters="", title="", description="")):
        try:
            return Embedded(tuple(undo.spliced(data, _with_undo(data, edits, shorter))), shorter)
        except TooLong:
            continue
    raise LeftAlone("It has no room for more.")


def _with_undo(data: bytes, edits: Edits, words: xmp.Words) -> list[Edit]:
    """How they are undone is itself a part of them: its length is known first, then where all of them are, then it."""
    steps = "0" * USUAL
    for _ in range(2):
        length, steps = len(steps), undo.written_down(data, edits(replace(words, undo="0" * len(steps))))
        if len(steps) == length:
            break
    return edits(replace(words, undo=steps))
