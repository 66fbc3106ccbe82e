"""What may be shown to a stranger who helps: no key, no prompt, no name that a person gave, no path of theirs.

A text is let through word by word: what is no word of this program's own is a gap, and so is each that stands in a
prompt, a name or a tag of this home.
"""

from __future__ import annotations

import getpass
import platform
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from artfactoryd.core.json_types import Json
from artfactoryd.printable import one_line, redact
from artfactoryd.storage.index import Index

GAP = "…"
LEAST = 4  # letters of a word that tells anything
MOST_ITEMS = 5000  # whose prompts are looked at, newest first
_PACKAGE = Path(__file__).parents[2]
_PATH = re.compile(r"(?<![\w.])(?:~|/)[^\s:,;'\"()`]+|[\w.+-]+@[\w.-]+|\w+://[^\s'\"]+")
_WORD = re.compile(r"[^\W\d_]+")
_PLAIN = (int, float, bool, type(None))


@cache
def _own_words() -> frozenset[str]:
    """Of this program's messages and names."""
    texts = (path.read_text(encoding="utf-8") for path in _PACKAGE.rglob("*.py"))
    return frozenset(word.lower() for text in texts for word in _WORD.findall(text))


class Redaction:
    """`personal`: words of a home's own, in small letters."""

    def __init__(self, personal: Iterable[str]) -> None:
        self._personal = frozenset(personal)

    @classmethod
    def of(cls, index: Index | None) -> Redaction:
        here = [platform.node(), Path.home().name, _user()]
        return cls(_words([*here, *(_texts_in(index) if index else ())]))

    def text(self, text: str) -> str:
        """In one line."""
        clean = _PATH.sub("[path]", one_line(redact(text)))
        return re.sub(rf"{GAP}(?:[\s.-]*{GAP})+", GAP, _WORD.sub(self._word, clean))

    def _word(self, match: re.Match[str]) -> str:
        word = match[0].lower()
        return match[0] if word in _own_words() and word not in self._personal else GAP

    def settings(self, given: Json, default: Json) -> Json:
        """Numbers and switches as they are; a text only where it is the default, or says where a key is taken from."""
        return {
            (key if key in default else GAP): self._setting(value, default.get(key)) for key, value in given.items()
        }

    def _setting(self, value: Any, default: Any) -> Any:
        if isinstance(value, Mapping):
            return self.settings(dict(value), dict(default) if isinstance(default, Mapping) else {})
        if isinstance(value, _PLAIN) or value == default:
            return value
        if isinstance(value, str) and value.partition(":")[0] in ("env", "file", "keychain"):
            return value.partition(":")[0]
        return "[set]"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user that the system does not know
        return ""


def _words(texts: Iterable[str]) -> Iterator[str]:
    return (word.lower() for text in texts for word in _WORD.findall(text) if len(word) >= LEAST)


def _texts_in(index: Index) -> Iterator[str]:
    """What a person wrote: names, projects, tags and notes of orders, and every text among the parameters."""
    for row in index.rows("SELECT name, project, file, tags, notes FROM orders"):
        yield from _strings(row)
    rows = index.rows("SELECT generation FROM item ORDER BY order_id DESC LIMIT ?", (MOST_ITEMS,))
    yield from islice(_strings(list(rows)), 100 * MOST_ITEMS)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _strings(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _strings(one)
