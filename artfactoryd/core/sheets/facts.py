"""What is known of one picture, taken apart into what may vary between pictures: the model, each token of a text, each
parameter, the copy, the seed."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from artfactoryd.core.file_names import FIELD
from artfactoryd.core.json_types import Parameters, Value

MODEL, STAGE, COPY, SEED, NTH = "model", "stage", "copy", "seed", "nth"
GAP = "\0"  # in a text, where the value of a token stood
LONGEST = 80  # characters of a value that is no text


@dataclass(frozen=True, slots=True)
class Fact:
    """`name`: as a person would ask for it; of several tokens in one text, all have that of their parameter as `group`.

    `is_text`: it says by itself what it is, so that its name need not be shown.
    """

    value: str
    name: str
    group: str = ""
    is_text: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """One place of a sheet. `facts` by their keys, slowest first; `blank`: in words, why there is nothing to see.

    `parent`: what it was made of by a later stage, of which it is the picture number `nth` there.
    """

    facts: Mapping[str, Fact]
    seed: str = ""
    prompt: str = ""
    blank: str = ""
    product: str = ""  # its id
    name: str = ""  # of its file
    path: str = ""  # below the home
    sha256: str = ""
    mime: str = ""
    width: int = 0
    height: int = 0
    remarks: Sequence[str] = ()  # such as liked, damaged
    parameters: Mapping[str, str] = field(default_factory=dict)
    stage: str = ""
    parent: Picture | None = None
    nth: int = 0
    duration: float = 0.0  # seconds, of a film or a sound

    @property
    def root(self) -> Picture:
        """What it all began with; itself where it was made of none here."""
        return self.parent.root if self.parent else self

    @property
    def way(self) -> tuple[tuple[str, int], ...]:
        """From the root to here: of each stage its name, and which of what it made this is."""
        return (*self.parent.way, (self.stage, self.nth)) if self.parent else ()


def facts_of(
    model: str, parameters: Parameters, tokens: Iterable[Sequence[str]], *, texts: Collection[str],
    hidden: Collection[str], copy: int, stage: str | None = None, of_parent: Mapping[str, Fact] | None = None,
) -> dict[str, Fact]:  # fmt: skip
    """`texts`: parameters that are running text; `hidden`: those that say nothing to a person here, as the seed;
    `of_parent`: of the picture that it was made of."""
    facts = dict(of_parent or {})
    facts[MODEL] = Fact(model, MODEL, is_text=True)
    if stage:
        facts[STAGE] = Fact(stage, STAGE, is_text=True)
    taken: dict[str, list[tuple[str, str]]] = {}
    for parameter, token, value in tokens:
        if parameter == FIELD:
            facts[f"{FIELD}\0{token}"] = Fact(str(value), str(token), FIELD, is_text=True)
            continue
        taken.setdefault(str(parameter), []).append((str(token), str(value)))
    for name, value in parameters.items():
        if name in hidden:
            continue
        if name in taken or (isinstance(value, str) and name in texts):
            whole = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            facts |= _of_text(name, whole, taken.get(name, ()))
        else:
            facts[name] = Fact(shown(value), name, name)
    facts[COPY] = Fact(str(copy + 1), COPY)
    return facts


def shown(value: Value) -> str:
    """On one line, and not too long."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _of_text(parameter: str, text: str, taken: Sequence[tuple[str, str]]) -> dict[str, Fact]:
    """The text with gaps, and what fills each."""
    facts, rest, at = {}, "", 0
    for number, (token, value) in enumerate(taken):
        place = text.find(value, at) if value else at
        if place < 0:
            continue
        rest, at = rest + text[at:place] + GAP, place + len(value)
        facts[f"{parameter}\0{number}"] = Fact(value or "-", _name_of(token) or parameter, parameter, is_text=True)
    return {parameter: Fact(rest + text[at:], parameter, parameter, is_text=True), **facts}


def _name_of(token: str) -> str:
    """A lookup's, where the token is one."""
    name = token.strip("[]~= ")
    return name if name.replace("_", "").replace("-", "").isalnum() and not token[1:2].isdigit() else ""
