"""A model file with a `command`: made into an ordinary entry of the catalogue."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from artfactoryd.errors import Problem, Refusal

FOLDER = "folder"
PLACE = re.compile(r"\{(\w+)\}")
OWN = ("command", "parameters", "output", "writes", "seconds", "sandbox")
FREE = {"usd": 0, "per": "call"}


def read(value: Mapping[str, Any], stem: str, beside: Callable[[str], bytes]) -> Mapping[str, Any]:
    """Raises Refusal."""
    command, parameters = value.get("command"), value.get("parameters")
    if not isinstance(command, list) or not command or not all(isinstance(word, str | int | float) for word in command):
        raise _wrong("command must be the program and its words, as a list.", 'command: [draw, "{prompt}"]', "command")
    if not isinstance(parameters, Mapping) or not all(isinstance(schema, Mapping) for schema in parameters.values()):
        raise _wrong("parameters must say what each may be.", "parameters: {prompt: {type: string}}", "parameters")
    if not value.get("output"):
        raise _wrong("output must say which files are the result.", 'output: "*.png"', "output")
    words = [str(word) for word in command]
    for name in dict.fromkeys(name for word in words for name in PLACE.findall(word)):
        if name != FOLDER and name not in parameters:
            known = ", ".join([*parameters, FOLDER])
            raise _wrong(f"the command names {{{name}}}, which is no parameter.", f"There are: {known}.", "command")
    needs = [name for name, schema in parameters.items() if "default" not in schema and name != "seed"]
    schema = {"type": "object", "properties": dict(parameters), "required": needs}
    recipe = {key: value[key] for key in OWN if key in value and key != "parameters"} | {"command": words}
    recipe["defaults"] = {name: schema["default"] for name, schema in parameters.items() if "default" in schema}
    entry = {key: part for key, part in value.items() if key not in OWN}
    entry = {"model": stem, "price": FREE, **entry, "schema": schema, "recipe": recipe}
    return {"seed": "seed", **entry} if "seed" in parameters else entry


def _wrong(sentence: str, fix: str, key: str) -> Refusal:
    return Refusal([Problem("E_SCHEMA", sentence, fix, (key,))])
