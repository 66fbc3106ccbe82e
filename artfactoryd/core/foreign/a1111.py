"""The text that A1111 began and many write since: prompt, `Negative prompt:`, and a last line `Steps: 20, …`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from artfactoryd.core.foreign.told import LONGEST, Told, model_name, named

NEGATIVE = "Negative prompt:"
LEAST = 3  # pairs by which a line is known
_KEY = re.compile(r"\s*([A-Za-z][\w \-/().]{0,60}):\s*")
_REST = re.compile(r"[^,]*")
_OTHERS = frozenset({
    "civitai resources", "civitai metadata", "hashes", "lora hashes", "ti hashes", "template", "negative template",
})  # fmt: skip
TOOLS = ("Fooocus", "artfactoryd")  # by the beginning of their version; the rest are taken for A1111
_DETAILS = re.compile(r"Steps: \d+\b")


def read(text: str) -> Told | None:
    """None where it is not such a text."""
    lines = text[: 4 * LONGEST].replace("\r\n", "\n").strip().split("\n")
    last = _line_of_details(lines)
    if last is None:
        return None
    details = dict(pairs(" ".join(lines[last:])))
    negative = next((n for n, line in enumerate(lines[:last]) if line.startswith(NEGATIVE)), last)
    words = {"prompt": "\n".join(lines[:negative])}
    if negative < last:
        words["negative_prompt"] = "\n".join(lines[negative:last]).removeprefix(NEGATIVE)
    model, version = model_name(details.pop("Model", "")), details.pop("Version", "")
    given = {name: value for name, value in details.items() if name.lower() not in _OTHERS}
    tool = next((tool.lower() for tool in TOOLS if version.startswith(tool)), "a1111")
    return Told(tool, named(words | given), model, version)


def _line_of_details(lines: list[str]) -> int | None:
    """The last that begins with Steps; else the last of all, where it has pairs enough."""
    for number in range(len(lines) - 1, -1, -1):
        if _DETAILS.match(lines[number]):
            return number
    last = len(lines) - 1
    return last if sum(1 for _ in pairs(lines[last])) >= LEAST else None


def pairs(line: str) -> Iterator[tuple[str, str]]:
    """`Name: value`, between commas; a value may be in quotes, or JSON."""
    place = 0
    while match := _KEY.match(line, place):
        value, place = _value(line, match.end())
        yield match[1].strip(), value
        place = line.find(",", place) + 1
        if not place:
            return


def _value(line: str, place: int) -> tuple[str, int]:
    if line[place : place + 1] in ('"', "[", "{"):
        try:
            value, end = json.JSONDecoder().raw_decode(line, place)
            return (value if isinstance(value, str) else line[place:end]), end
        except (ValueError, RecursionError):
            pass
    match = _REST.match(line, place)
    assert match is not None  # it may be empty
    return match[0].strip(), match.end()
