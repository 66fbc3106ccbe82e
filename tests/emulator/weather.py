"""How the emulator behaves: settings, a script for each door, and words in a prompt.

A door is `create`, `get`, `cancel`, `list`, `upload`, `account`, `output` (one taking each request), `outcome` or
`number` (one taking each accepted create). What it is told:

    "429"                                   always
    ["429", "close-after"]                  the next ones, then ordinary again
    {"next": [..], "every": [3, "500"], "always": ".."}
    {"do": "429", "retry_after": 5}         in place of any name: the name with particulars

An upload may also be told "close-after" and "half": kept, and cut off before or in the answer.

`calm`, put first, brings everything back to how it is without being told.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.emulator.others import OTHERS

Behaviour = dict[str, Any]
OK: Behaviour = {"do": "ok"}

# What a create may be told. A bare status number refuses before anything is accepted.
CREATES = {
    "close-before": "never accepted, connection closed",
    "hang-before": "never accepted, no answer",
    "close-after": "accepted, connection closed without an answer",
    "hang-after": "accepted, no answer",
    "500-after": "accepted, answered 500 (`status` says another)",
    "half": "accepted, 201 and half of its body (the id is in that half)",
    "stub": "accepted, 201 and a body cut short inside the id",
    "garbage": "accepted, 201 and a body that is no JSON",
    "odd": "accepted, 201 with `set` written over it and the keys of `drop` left out",
}
OUTCOMES = {
    "succeeded", "failed", "interrupted", "nsfw", "fewer", "more", "empty", "aborted", "canceled", "stuck", "strange",
}  # fmt: skip
MORE = 2  # files above what was asked for, where the outcome is "more"
NUMBERS = {"Infinity", "NaN", "1e30", "-5"}  # seconds that no run took, told as if it had; "" tells the true ones
FAL_OUTCOMES = {"refused"}  # that only fal has: the result alone says 422
OUTPUTS = {"not-picture", "short", "slow", "redirect", "redirect-loop", "close", "empty", "huge", "spoiled", *OTHERS}
SHORT_FORMS = {
    "fail": "failed", "hang": "hang-after", "close": "close-after", "aborted": "aborted",
}  # fmt: skip
DOORS = ("create", "get", "result", "cancel", "list", "output", "outcome", "number", "upload", "account")
_WORD = re.compile(r"EMU:([a-z0-9-]+)(?:=([0-9.]+))?", re.IGNORECASE)


def behaviour(told: str | Mapping[str, Any]) -> Behaviour:
    return {"do": told} if isinstance(told, str) else {"do": "ok", **told}


@dataclass
class Door:
    next: list[Behaviour] = field(default_factory=list)
    every: tuple[int, Behaviour] | None = None
    always: Behaviour = field(default_factory=lambda: dict(OK))
    seen: int = 0

    @classmethod
    def told(cls, told: Any) -> Door:
        if isinstance(told, list):
            return cls(next=[behaviour(one) for one in told])
        if isinstance(told, dict) and "do" not in told:
            every = told.get("every")
            return cls(
                next=[behaviour(one) for one in told.get("next", [])],
                every=(int(every[0]), behaviour(every[1])) if every else None,
                always=behaviour(told.get("always", "ok")),
            )
        return cls(always=behaviour(told))

    def take(self) -> Behaviour:
        self.seen += 1
        if self.next:
            return self.next.pop(0)
        if self.every and self.seen % self.every[0] == 0:
            return self.every[1]
        return self.always


@dataclass
class Weather:
    run_seconds: float = 0.0  # from create to the end of a prediction
    start_seconds: float = 0.0  # of these, how long it is still "starting"
    latency: float = 0.0  # before every API answer
    create_latency: float = 0.0  # more of it, before a create is answered (it is accepted first)
    list_lag: float = 0.0  # how long a new prediction is missing from the list
    remove_after: float = 3600.0  # from the end of a prediction to the loss of input and output
    file_seconds: float = 86400.0  # from an upload to the loss of the file
    started_only: bool = False  # fal: the history lacks what is still queued
    early: int = 0  # fal: a finished result is not there yet, and says so with this status
    token_seconds: float = 3600.0  # fal: how long leave to upload lasts
    hang_seconds: float = 600.0
    slow_seconds: float = 2.0  # how long a slow output takes
    page_size: int = 100
    pixels: int = 96  # long side of a picture
    old: bool = False  # ComfyUI: of some years ago, without /api/jobs
    model_news: dict[str, Any] = field(default_factory=dict)  # fal: by model, `price`, `status`, `parameters` of today
    bills: list[float] = field(default_factory=list)  # fal: of the requests it is asked about; the last for the rest
    token: str | None = None  # the only key that opens; None: any key does
    doors: dict[str, Door] = field(default_factory=lambda: {name: Door() for name in DOORS})
    came: Counter[str] = field(default_factory=Counter)  # what was done, ever: `output 404`

    def take(self, door: str) -> Behaviour:
        told = self.doors[door].take()
        if told["do"] != "ok":
            self.came[f"{door} {told['do']}"] += 1
        return told

    def change(self, told: Mapping[str, Any]) -> None:
        """Raises KeyError for a name that does not exist: a typing slip must not pass as fair weather."""
        for name, value in told.items():
            if name == "calm":
                self.__init__(came=self.came)  # type: ignore[misc]
            elif name in DOORS:
                self.doors[name] = Door.told(value)
            elif name not in ("doors", "came") and name in self.__dataclass_fields__:
                setattr(self, name, value)
            else:
                raise KeyError(name)


@dataclass(frozen=True)
class Wish:
    """What a prompt asks the emulator for: `EMU:fail`, `EMU:429`, `EMU:out-404`, `EMU:run=5`..."""

    create: Behaviour | None = None
    outcome: str | None = None
    output: str | None = None
    run_seconds: float | None = None


def wish(prompt: str) -> Wish:
    create: Behaviour | None = None
    outcome = output = None
    run: float | None = None
    for word, number in _WORD.findall(prompt):
        name = SHORT_FORMS.get(word.lower(), word.lower())
        if name == "run":
            run = float(number or 5)
        elif name.startswith("out-"):
            output = name.removeprefix("out-")
        elif name in OUTCOMES | FAL_OUTCOMES:
            outcome = name
        elif name in CREATES or name.isdigit():
            create = behaviour(name)
    return Wish(create, outcome, output, run)
