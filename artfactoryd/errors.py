"""Everything that can go wrong, as a person meets it.

                                                                                            move      again    stops
    ArtFactoryError         title + sentence
    |- Refusal              a file that cannot be taken: its Problems, with their places   you       no       order
    |- WrongUse             a command or a setting is wrong: exit code 2                    you       no       daemon
    |  |- KeyUnusable       no key where the settings say, or none that can be one          you       no       daemon
    |  |- NoSuchOrder       no order is called so                                           you       no       daemon
    |  |- NoSuchProduct     no product is called so                                         you       no       daemon
    |  |- AmbiguousName     several are called so: their ids                                you       no       daemon
    |- HomeLocked           another process holds this home                                 you       service  daemon
    |- IllegalMove          an item cannot go from here to there                            us        no       item
    |  |- OverCap           a wish would pass a cap: it is not written                      you       yes      order
    |- SupervisorFailed     launchd or systemd did not do what it was asked                 you       no       daemon
    |- StorageFull          no room, or no leave to write: nothing was written              you       yes      daemon
    |  |- StorageFaulty     the disk reported an error: nothing of it counts                you       yes      daemon
    |- StorageSick          a flush of the books failed: this process writes no more        us        no       daemon
    |  |- HomeMoved         the home is not where it was: nothing more is sent              you       service  daemon
    |  |  |- IndexGone      the index is not where it was: a start makes it again            us        service  daemon
    |- ProviderError        of one call; raised only by factories and fetch
       |- ProviderStopped   nothing bought; it needs a person (key, money)                  you       lifted   provider
       |- Throttled         nothing bought; it asks to wait `after` seconds                 provider  yes      provider
       |- CallRefused       nothing bought; this call is bad                                you       no       item
       |- InDoubt           it may have been bought                                         you       never    item
       |- RunFailed         it was bought, and ended without output                         provider  passing  item
       |- AskAgain          reading failed for a passing reason; reading is free            provider  yes      item
       |  |- Unreachable    nothing bought; no answer, or not as it should be               provider  yes      provider
       |  |- OutputTooLarge it was bought, and is larger than the settings let it be        you       yes      item
       |  |- NotScanned     it was bought, and the settings let nothing by that was not     you       yes      item
       |- OutputLost        it was bought, and the output can no longer be had              provider  no       item
       |- OutputBad         what came is empty, or (of a picture to work on) is of no use   provider  no       item

"Again" is what the program does by itself: `service` when a supervisor started it, `passing` where the provider's words
say so, `lifted` once a person lifts the stop, or the key is taken again.

The question that sorts an error is always the same: was anything bought, and can we be sure?
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

_OF_KEY = re.compile(r"^([\w.\[\]-]+): (?=must |does not |lacks |may )")
_NO_SUBJECT = ("must ", "does not fit", "lacks ")
_BEGIN = frozenset({  # what a sentence may begin with that is no name of anything
    "a", "an", "and", "another", "at", "curly", "entry", "every", "in", "it", "no", "nobody", "nothing", "of", "only",
    "one", "reading", "settings", "such", "that", "the", "there", "these", "this", "to", "two", "what", "with",
})  # fmt: skip
Scope = Literal["order", "item", "provider", "daemon"]
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong (or doubtful) in a document, with the way out.

    `path` is the key path (`("parameters", "prompt")`); `column_in_value` counts code points
    from 1 inside that value. `file`, `line` and `column` (from 1) are filled in by
    `documents.Document.locate`, because only the reader of the text knows them.
    """

    code: str
    message: str
    fix: str = ""
    path: Path = ()
    column_in_value: int | None = None
    file: str = ""
    line: int | None = None
    column: int | None = None
    holds: bool = False  # a warning that makes the order wait for a person

    def at(self, file: str, line: int | None, column: int | None) -> Problem:
        return replace(self, file=file, line=line, column=column)

    @property
    def key(self) -> str:
        return ".".join(str(part) for part in self.path)

    @property
    def sentence(self) -> str:
        """What is wrong, whole: with the key that it is said of, and a capital at its beginning."""
        words = _OF_KEY.sub(r"\1 ", self.message)
        if words.startswith(_NO_SUBJECT):
            words = f"{self._subject} {words}"
        return words[:1].upper() + words[1:] if words.partition(" ")[0] in _BEGIN else words

    @property
    def _subject(self) -> str:
        if self.path and isinstance(self.path[-1], int):
            return f"entry {self.path[-1] + 1} of {self.path[-2]}" if len(self.path) > 1 else "the entry"
        return str(self.path[-1]) if self.path else "this"

    @property
    def place(self) -> str:
        """`cars.yaml, line 3, column 5, in parameters.prompt`: as far as it is known."""
        inside = self.column_in_value or 1
        parts = (
            self.file,
            f"line {self.line}" if self.line is not None else "",
            f"column {self.column}" if self.line is not None and self.column is not None else "",
            f"in {self.key}" if self.path else "",
            f"character {inside}" if inside > 1 else "",
        )
        return ", ".join(filter(None, parts))

    def __str__(self) -> str:
        """The sentence, the way out, the place, the code."""
        place = f"{self.place}; " if self.place else ""
        text = f"{self.sentence} {self.fix}".rstrip() + f" ({place}{self.code})"
        return "\\n".join(text.splitlines())  # what is quoted in it may have lines of its own

    def as_json(self) -> dict[str, Any]:
        """The shape of `plan --json` (product: commands)."""
        return {
            "code": self.code, "message": self.message, "fix": self.fix, "key": self.key,
            "parameter": self.path[1] if len(self.path) > 1 and self.path[0] == "parameters" else None,
            "column_in_value": self.column_in_value, "file": self.file, "line": self.line, "column": self.column,
        }  # fmt: skip


def not_readable(error: OSError) -> Problem:
    """Nothing is wrong with the order, so it waits (`E_READ`)."""
    message = f"{error.filename or 'a file'} cannot be read: {error.strerror or error}."
    return Problem("E_READ", message, "Look at its permissions; the order goes on when it can be read.")


class ArtFactoryError(Exception):
    """Base of all: `title` is a few words, `str(error)` a sentence that tells what to do."""

    title = "Something went wrong"
    stops: Scope = "daemon"

    def titled(self, title: str) -> Self:
        """Where the cause is not the usual one of its kind."""
        self.title = title
        return self


MOST_PROBLEMS = 100  # told of one file; nobody reads more at once


def not_too_many(problems: Sequence[Problem]) -> list[Problem]:
    """The first of them, and where the rest begin. Safe to apply twice."""
    more = len(problems) - MOST_PROBLEMS
    if more <= 0 or problems[MOST_PROBLEMS].code == "E_MORE":
        return list(problems)
    message = f"and {more} more problem{'s' if more > 1 else ''} from here on."
    note = replace(problems[MOST_PROBLEMS], code="E_MORE", message=message, fix="", path=())
    return [*problems[:MOST_PROBLEMS], note]


class Refusal(ArtFactoryError):
    """A file that cannot be taken. `problems` is what is wrong with it, at once: all of it, up to MOST_PROBLEMS."""

    title = "This cannot be taken"
    stops: Scope = "order"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(not_too_many(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class WrongUse(ArtFactoryError):
    title = "That does not work"


class KeyUnusable(WrongUse):
    """`sentence`: what is wrong with it; `way_out`: how to give one."""

    def __init__(self, sentence: str, way_out: str) -> None:
        super().__init__(f"{sentence} {way_out}")
        self.sentence, self.way_out = sentence, way_out


class NoSuchOrder(WrongUse):
    """No order answers to what a person called it."""


class NoSuchProduct(WrongUse):
    """No product answers to what a person called it."""


class AmbiguousName(WrongUse):
    """Several answer to it. `candidates`: their ids, newest first; the sentence lists them."""

    def __init__(self, sentence: str, candidates: Sequence[str]) -> None:
        super().__init__(sentence)
        self.candidates = tuple(candidates)


class HomeLocked(ArtFactoryError):
    title = "Another artfactoryd is at work in this home"


class IllegalMove(ArtFactoryError):
    title = "Not possible from this state"
    stops: Scope = "item"


class OverCap(IllegalMove):
    """`day`: of a cap of day or month, the day on which it was reached."""

    title = "The cap is reached"
    stops: Scope = "order"

    def __init__(self, sentence: str, day: str = "") -> None:
        super().__init__(sentence)
        self.day = day


class SupervisorFailed(ArtFactoryError):
    title = "The service was not set up"


class StorageFull(ArtFactoryError):
    """No room, unless the title says otherwise. What was being written is not there; nothing before it was harmed."""

    title = "The disk is full"


class StorageFaulty(StorageFull):
    """The disk reported an error. What was being written counts as not there; only a new file is tried in its place."""

    title = "The disk reports an error"


class StorageSick(ArtFactoryError):
    """A flush of ledger or index failed. It is never tried again on the same file: the process must end."""

    title = "The disk does not keep what is written"


class HomeMoved(StorageSick):
    """The path of the home no longer leads to the folder that is locked: what is written there is not ours to know."""

    title = "The factory folder is not where it was"


class IndexGone(HomeMoved):
    """The path of the index no longer leads to the file that is written: who looks would see none of it."""

    title = "The index is not where it was"


class ProviderError(ArtFactoryError):
    stops: Scope = "item"


class ProviderStopped(ProviderError):
    """Surely nothing was bought, and no other call to this provider will fare better.

    `of_key`: whether a free question (`factories.Probes`) tells when it is over. That there is money
    again, or leave for one model, only a purchase would tell: then a person lifts it.
    """

    title = "The provider needs you"
    stops: Scope = "provider"

    def __init__(self, sentence: str, *, of_key: bool = False) -> None:
        super().__init__(sentence)
        self.of_key = of_key


class Throttled(ProviderError):
    """Surely nothing was bought; wait `after` seconds before the next. None: it did not say how long."""

    title = "The provider asks to wait"
    stops: Scope = "provider"

    def __init__(self, sentence: str, after: float | None = None) -> None:
        super().__init__(sentence)
        self.after = after


class CallRefused(ProviderError):
    """Surely nothing was bought: the provider refused this call (the closed list of 4xx)."""

    title = "The provider refused this item"


class InDoubt(ProviderError):
    """The create left, and nobody knows whether it was taken. Never sent again by the program."""

    title = "Sent, perhaps"


class RunFailed(ProviderError):
    """The provider ran it and it ended without output. `charged`: may it have cost money?

    `cancelled` when it ended because somebody asked for that. `passing` when the provider's own words
    are on the factory's list of reasons that another attempt may well not meet; never for anything else.
    `answer`: the provider's own, of what it says it made and nobody could find in it.
    """

    title = "The provider could not make it"

    def __init__(
        self, sentence: str, *, charged: bool, cancelled: bool = False, passing: bool = False, answer: str = ""
    ) -> None:
        super().__init__(sentence)
        self.answer = answer
        self.charged = charged
        self.cancelled = cancelled
        self.passing = passing


class AskAgain(ProviderError):
    """Asking (never buying) failed for a passing reason. `after` seconds when the provider said so."""

    title = "The provider does not answer just now"

    def __init__(self, sentence: str, after: float | None = None) -> None:
        super().__init__(sentence)
        self.after = after


class Unreachable(AskAgain):
    """An outage: no connection, or (to a question) no answer but a 5xx. Of a create: it surely did not leave."""

    title = "The provider cannot be reached"
    stops: Scope = "provider"


class OutputTooLarge(AskAgain):
    """Paid for, and larger than `bound`, the bytes that limits.product_bytes allows: fetched when that is raised."""

    title = "The output is too large"

    def __init__(self, sentence: str, bound: int) -> None:
        super().__init__(sentence)
        self.bound = bound


class NotScanned(AskAgain):
    """Paid for and here, and nobody knows what is in it, where scan.required is true. `away`: the scanner is."""

    title = "The output cannot be scanned"

    def __init__(self, sentence: str, *, away: bool) -> None:
        super().__init__(sentence)
        self.away = away


class OutputLost(ProviderError):
    """Paid for, and the provider no longer has it. `passing`: as it says once; asked again for some minutes, it may.

    `refused`: it may have it, and does not let this one be asked about (403); of the key that alone says nothing.
    """

    title = "The output is gone"

    def __init__(self, sentence: str, *, passing: bool = False, refused: bool = False) -> None:
        super().__init__(sentence)
        self.passing, self.refused = passing or refused, refused


class OutputBad(ProviderError):
    """Paid for, and what came cannot be used."""

    title = "The output is no picture"
