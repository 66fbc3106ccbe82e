"""What an agent gives a tool: held against what the tool takes, in words that say what to write instead."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from artfactoryd.errors import WrongUse

KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str,), "boolean": (bool,), "integer": (int,), "number": (int, float),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Parameter:
    """One that a tool takes. `kind`: as JSON Schema calls it; `least` and `most`: of a number."""

    name: str
    kind: str
    words: str
    required: bool = False
    default: object = None
    least: float | None = None
    most: float | None = None

    @property
    def schema(self) -> dict[str, object]:
        bounds = {"minimum": self.least, "maximum": self.most, "default": self.default}
        known = {key: value for key, value in bounds.items() if value is not None}
        return {"type": self.kind, "description": self.words, **known}


def schema_of(parameters: tuple[Parameter, ...]) -> dict[str, object]:
    return {
        "type": "object", "additionalProperties": False,
        "properties": {parameter.name: parameter.schema for parameter in parameters},
        "required": [parameter.name for parameter in parameters if parameter.required],
    }  # fmt: skip


def checked(tool: str, parameters: tuple[Parameter, ...], given: Mapping[str, Any]) -> dict[str, Any]:
    """With the defaults of what was left out. Raises WrongUse with all that is wrong."""
    problems = [*_unknown(tool, parameters, given)]
    values = dict[str, Any]()
    for parameter in parameters:
        value = given.get(parameter.name)
        if value is None and parameter.required:
            problems.append(f"{tool} needs `{parameter.name}`: {parameter.words}")
        elif value is not None and (wrong := _wrong(parameter, value)):
            problems.append(wrong)
        values[parameter.name] = parameter.default if value is None else value
    if problems:
        raise WrongUse("\n".join(problems))
    return values


def _unknown(tool: str, parameters: tuple[Parameter, ...], given: Mapping[str, Any]) -> Iterator[str]:
    names = [parameter.name for parameter in parameters]
    for name in given:
        if name not in names:
            near = difflib.get_close_matches(str(name), names, n=1)
            hint = f"Did you mean `{near[0]}`?" if near else f"It takes {', '.join(names) or 'nothing'}."
            yield f"{tool} takes no `{str(name)[:60]}`. {hint}"


def _wrong(parameter: Parameter, value: object) -> str:
    is_other = isinstance(value, bool) != (parameter.kind == "boolean")
    if is_other or not isinstance(value, KINDS[parameter.kind]):
        return f"`{parameter.name}` is to be of type {parameter.kind}: {parameter.words}"
    if isinstance(value, int | float) and not (
        (parameter.least is None or value >= parameter.least) and (parameter.most is None or value <= parameter.most)
    ):
        return f"`{parameter.name}` goes from {parameter.least:g} to {parameter.most:g}."
    return ""
