"""Other tools' syntax in a text: sent as plain text it has cost people money, so it is pointed out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

MOST_WEIGHT = 3.0  # above it, `(ratio:16)` is prose
_DECIMAL = r"[0-9]{0,9}\.?[0-9]{1,9}"
# (form, the name a model's `syntax` knows it by, what it is, what to do instead)
_FORMS = (
    (re.compile(r"__[^\W_][\w\-/.* ]*?__"), "", "a wildcard", "Write [~name] for one of a lookup, [name] for all."),
    (re.compile(r"\{[^{}\\|]*\|[^{}]*\}"), "", "a dynamic prompt", "Write [a,b] for all of them, [~a,b] for one."),
    (re.compile(rf"(\\.)|\([^()\\]*:[ \t]*(?P<weight>{_DECIMAL})[ \t]*\)", re.S), "weights", "a weight", ""),
    (re.compile(r"(\\.)|\(\([^()\\]+\)\)", re.S), "weights", "emphasis", ""),
    (re.compile(r"<lora:[^<>]*>"), "lora", "a LoRA", ""),
)  # fmt: skip
LONGEST_SHOWN = 60  # characters of what is written again in our own words
_PLAINLY = "Say it in words, or approve the order if that is what you want."


def understood(name: str, syntax: Sequence[str]) -> bool:
    """Whether a model's `syntax` lists it: weights, lora, editing, alternation."""
    return name in syntax


def _in_our_words(what: str, written: str) -> str:
    """What would be written here for it; empty where that takes a person."""
    if what == "a wildcard":
        name = written.strip("_~ ")
        return f"Write [~{name}] for one of the lookup, [{name}] for all."
    options = written[1:-1].split("|")
    if what == "a dynamic prompt" and not any(sign in written for sign in "$:,[]~*\\"):
        listed = ",".join(option.strip() for option in options)
        return f"Write [{listed}] for all of them, [~{listed}] for one."
    return ""


def foreign_syntax(text: str) -> Iterator[tuple[int, str, str, str]]:
    """(place, message, fix, name in `syntax`) of the first of each form. `text` has its own tokens blotted out."""
    for form, name, what, fix in _FORMS:
        for found in form.finditer(text):
            if found.groups() and found[1]:
                continue
            weight = found.groupdict().get("weight")
            if weight is not None and float(weight) > MOST_WEIGHT:
                continue
            shown = found[0].replace("\0", "…")[:40]
            if len(found[0]) <= LONGEST_SHOWN and "\0" not in found[0]:
                fix = _in_our_words(what, found[0]) or fix
            message = f"{shown} looks like {what} of another tool, and is sent as plain text."
            yield found.start(), message, fix or _PLAINLY, name
            break
