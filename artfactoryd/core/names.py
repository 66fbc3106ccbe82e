"""What every name of a file has in common: one spelling, a length that fits, a number where the name is taken.

And how a count is put into words.
"""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Collection, Iterator

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


def made_words(products: int, pictures: int, reused: int) -> str:
    """`48 pictures (40 reused)`: what an order brought, and how much of it was on the shelf before."""
    what = counted(products, "picture" if products == pictures else "product")
    return f"{what} ({reused} reused)" if reused else what


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
