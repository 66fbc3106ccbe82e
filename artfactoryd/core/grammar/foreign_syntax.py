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
_PLAINLY = "Say it in words, or approve the order if that is what you want."


def understood(name: str, syntax: Sequence[str]) -> bool:
    """Whether a model's `syntax` lists it: weights, lora, editing, alternation."""
    return name in syntax


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
            message = f"{shown} looks like {what} of another tool, and is sent as plain text."
            yield found.start(), message, fix or _PLAINLY, name
            break
