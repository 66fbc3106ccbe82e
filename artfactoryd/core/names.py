"""What every name of a file has in common: one spelling, a length that fits, a number where the name is taken.

And how a count is put into words.
"""

from __future__ import annotations

import itertools
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping

KINDS = {"image": "picture", "video": "film", "audio": "sound", "3d": "3D scene", "text": "text"}  # and their nouns
LASTING = ("video", "audio")
MINUTE = 60  # seconds
PATTERN = "{index:04d}-{slug}-{hash8}.{ext}"  # what a product's file is called where nobody says otherwise
LONGEST = 255  # bytes of a file name on every file system we meet


def nfc(text: str) -> str:
    """One spelling of an accent: a Mac hands out names in decomposed form."""
    return unicodedata.normalize("NFC", text)


def folded(name: str) -> str:
    """Equal for names that are one file on a disk that tells neither `A` from `a` nor two spellings of an accent."""
    return nfc(nfc(name).casefold())


def counted(number: float, noun: str, verb: str = "", verbs: str = "") -> str:
    """`1 item`, `2 items`: of nouns whose plural is made with an s; with `1 lies` and `2 lie`."""
    one = number == 1
    words = str(number) if isinstance(number, int) else f"{number:g}"
    return f"{words} {noun}{'' if one else 's'}{f' {verb if one else verbs}' if verb else ''}"


def kind_of(mime: str) -> str:
    """Which of KINDS it is; `other` of what is none."""
    kind = mime.partition("/")[0].replace("model", "3d")
    return kind if kind in KINDS else "other"


def kinds_of(mimes: Iterable[str]) -> Counter[str]:
    return Counter(map(kind_of, mimes))


def made_words(kinds: Mapping[str, int], reused: int = 0, seconds: float = 0.0) -> str:
    """`48 pictures (40 reused)`, `1 film of 5 s`: what an order brings, and how much of it was on the shelf before.

    `seconds`: of all that lasts, together.
    """
    there = {kind: count for kind, count in kinds.items() if count}
    nouns = {kind: KINDS.get(kind, "product" if len(there) == 1 else "other product") for kind in there}
    parts = [counted(there[kind], nouns[kind]) for kind in (*KINDS, "other") if kind in there]
    *before, last = parts or [counted(0, "picture")]
    what = f"{', '.join(before)} and {last}" if before else last
    if seconds and sum(there.get(kind, 0) for kind in LASTING) == sum(there.values()):
        what += f" of {lasting(seconds)}{' together' if sum(there.values()) > 1 else ''}"
    return f"{what} ({reused} reused)" if reused else what


def lasting(seconds: float) -> str:
    """`5 s`, `2.5 s`, `1:30`, `1:02:03`."""
    if seconds < MINUTE:
        return f"{round(seconds, 1):g} s"
    minutes, rest = divmod(round(seconds), MINUTE)
    hours, minutes = divmod(minutes, MINUTE)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def size(text: str) -> int:
    """Bytes of it in a file name."""
    return len(text.encode("utf-8", "surrogatepass"))


def cut(text: str, most: int) -> str:
    """The beginning of it, at most that many bytes, never within a letter; what is no UTF-8 is left out."""
    return text.encode("utf-8", "ignore")[:most].decode("utf-8", "ignore")


def with_number(stem: str, extension: str, number: int, most: int = LONGEST) -> str:
    """`stem` and `extension`, from 2 on with the number between them; the stem is cut so that all fits in `most`."""
    ending = (f"-{number}" if number > 1 else "") + extension
    return cut(stem, most - size(ending)) + ending


def numbered(stem: str, extension: str, most: int = LONGEST) -> Iterator[str]:
    """The name, then -2, -3, ...: the names to try where nothing is overwritten."""
    return (with_number(stem, extension, number, most) for number in itertools.count(1))


def free(stem: str, extension: str, taken: Collection[str]) -> str:
    """The first numbered name that is one file with none of `taken` on any disk."""
    known = {folded(name) for name in taken}
    return next(name for name in numbered(stem, extension) if folded(name) not in known)
