"""What a person says of a product, as labels that a desktop shows: `Liked`, stars for a rating, and tags.

Read back, a change is the difference to what was written there last: a label that somebody took off, or put on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from artfactoryd.core.names import nfc

LIKED, STAR = "Liked", "\N{BLACK STAR}"
HIGHEST = 5


@dataclass(frozen=True, slots=True)
class Relabelled:
    """What a person changed. `liked`, `rating`: None where that was left; a rating of -1 was taken off. `tags`: each
    with + or - before it."""

    liked: bool | None = None
    rating: int | None = None
    tags: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self != Relabelled()


def labels(liked: bool, rating: int | None, tags: Iterable[str]) -> list[str]:
    """A tag that would be read back as something else is left out."""
    said = [LIKED] * liked + ([STAR * rating] if rating else [])
    return [*said, *(tag for tag in dict.fromkeys(tags) if _is_plain(tag))]


def _is_plain(tag: str) -> bool:
    return bool(tag) and tag == tag.strip() and not _is_said(tag) and not set(tag) & set(",\n\0")


def _is_said(label: str) -> bool:
    return label.casefold() == LIKED.casefold() or _stars(label) is not None


def _stars(label: str) -> int | None:
    is_rating = 0 < len(label) <= HIGHEST and set(label) == {STAR}
    return len(label) if is_rating else None


def relabelled(written: Sequence[str], now: Sequence[str]) -> Relabelled:
    """`written`: what we wrote there last."""
    before, after = ([*dict.fromkeys(nfc(label).strip() for label in some)] for some in (written, now))
    on = [label for label in after if label and label not in before]
    off = [label for label in before if label and label not in after]
    rated = [stars for label in on if (stars := _stars(label)) is not None]
    unrated = -1 if any(_stars(label) is not None for label in off) else None
    tags = [f"+{label}" for label in on if not _is_said(label)] + [f"-{label}" for label in off if not _is_said(label)]
    return Relabelled(_liked(on, off), max(rated) if rated else unrated, tuple(tags))


def _liked(on: Iterable[str], off: Iterable[str]) -> bool | None:
    for some, liked in ((on, True), (off, False)):
        if any(label.casefold() == LIKED.casefold() for label in some):
            return liked
    return None


def merged(written: Sequence[str], now: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """What is to stand there: what we want, and what a person put there meanwhile."""
    kept = [label for label in now if label in wanted or label not in written]
    return [*kept, *(label for label in wanted if label not in now)]
