"""Every YAML and JSON document that comes in: read, checked by JSON Schema, each problem with its place.

Also the way out: `dump_yaml`. Not here: how YAML is parsed (yaml12), text and its traps (source).
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path as FilePath
from typing import Any

from jsonschema import Draft202012Validator, SchemaError, ValidationError, validators
from jsonschema.exceptions import best_match

from artfactoryd.errors import Path, Problem, Refusal
from artfactoryd.source import Source, read_source
from artfactoryd.yaml12 import Node, Root, compose, dump_yaml, plain

__all__ = [
    "MOST_BYTES", "Document", "check", "check_mapping", "check_schema", "check_value", "dump_yaml", "read_documents",
    "read_lines", "read_list", "read_scalar", "schema_names", "schema_text",
]  # fmt: skip

MOST_BYTES = 1 << 20
LONGEST_SHOWN = 60
_KEY_CODES = ("E_UNKNOWN_KEY", "E_NOT_BUILT", "E_PARAMETER")  # what is wrong is the key, not its value
_HERE = FilePath(__file__).resolve().parent


@dataclass(frozen=True, eq=False)
class Document:
    """One document of a file. `text`: its own bytes, as they stood there; never change `value`."""

    value: dict[str, Any]
    text: bytes = field(repr=False)
    number: int
    count: int
    file: str
    _root: Node = field(repr=False)
    _source: Source = field(repr=False)

    def locate(self, problem: Problem) -> Problem:
        """With file, line and column of the value (or key) at `problem.path`, or of what holds it."""
        node, key = self._root, None
        for step in problem.path:
            child = node.children.get(step)
            if child is None:
                key = None
                break
            node, key = child, node.keys.get(str(step))
        inside = problem.column_in_value
        if key is not None and inside is None and problem.code in _KEY_CODES:
            node = key
        return problem.at(self.file, *self._source.place(node.start + self._offset(node, inside)))

    def written(self, path: Path) -> str | None:
        """The characters of the scalar at `path` as written (007 is not 7 here); None without one."""
        node: Node | None = self._root
        for step in path:
            node = node.children.get(step) if node else None
        return node.text if node else None

    @property
    def raw(self) -> frozenset[Path]:
        """The key paths of all that has !raw before it."""
        found: set[Path] = set()
        waiting: list[tuple[Path, Node]] = [((), self._root)]
        while waiting:
            path, node = waiting.pop()
            found |= {path} if node.raw else set()
            waiting += [((*path, step), child) for step, child in node.children.items()]
        return frozenset(found)

    def _offset(self, node: Node, column: int | None) -> int:
        """From a value's start to its `column`-th character; 0 where the two cannot be told together."""
        if column is None or node.text is None:
            return 0
        raw = self._source.text[node.start : node.end]
        quoted = node.style in ("'", '"') and raw[:1] == node.style and "\n" not in raw and "\r" not in raw
        if quoted:
            pieces = _PIECES[raw[0]].findall(raw[1:-1])
            return 1 + sum(len(piece) for piece in pieces[: column - 1])
        return column - 1 if raw == node.text else 0


_PIECES = {
    "'": re.compile(r"''|."),
    '"': re.compile(r"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\x..|\\u.{4}|\\U.{8}|\\.|."),
}


def read_documents(data: bytes, file: str, *, most_bytes: int = MOST_BYTES) -> list[Document]:
    """The documents of a file; those with nothing in them are left out, unless all are.

    Raises Refusal with every problem. Bounded in bytes, depth and expansion before anything is composed.
    """
    source = read_source(data, file, most_bytes)
    roots = [root for root in compose(source) if not _is_nothing(root.node)]
    if not roots:
        raise Refusal([_empty(source)])
    problems = [_no_mapping(source, root.node) for root in roots if not isinstance(root.node.value, dict)]
    if problems:
        raise Refusal(problems)
    return [_document(source, roots, place) for place in range(len(roots))]


def _document(source: Source, roots: list[Root], place: int) -> Document:
    start = roots[place].start if place else 0
    end = roots[place + 1].start if place + 1 < len(roots) else len(source.text)
    text = source.data if len(roots) == 1 else source.piece(start, end)
    node = roots[place].node
    return Document(node.value, text, place + 1, len(roots), source.file, node, source)


def _is_nothing(node: Node) -> bool:
    return node.value is None and node.text == ""


def _empty(source: Source) -> Problem:
    text = source.text.strip()
    message = "the file is empty." if not text else "there are only comments or marks in this file, and no keys."
    return Problem("E_EMPTY", message, "Write keys and values into it.").at(source.file, 1, 1)


def read_list(data: bytes, file: str, *, most_bytes: int = MOST_BYTES) -> list[str]:
    """The characters, as written, of the scalars of a file that is one YAML list. Raises Refusal with every problem."""
    source = read_source(data, file, most_bytes)
    roots = compose(source)
    if len(roots) != 1 or not isinstance(roots[0].node.value, list):
        message = "this is not one list of values."
        raise Refusal([source.problem("E_LIST", message, "Write each value on a line that begins with `- `.", 0)])
    nodes = roots[0].node.children.values()
    nested = [node for node in nodes if node.text is None]
    if nested:
        message, fix = "this entry is no single value.", "Put it in quotes, or give it a file of its own."
        raise Refusal([source.problem("E_LIST", message, fix, node.start) for node in nested])
    return [node.text for node in nodes if node.text is not None]


def read_lines(data: bytes, file: str, *, most_bytes: int = MOST_BYTES) -> list[str]:
    """The lines of a text file: blanks at both ends, empty lines and # comments left out. Raises Refusal."""
    lines = (line.strip() for line in read_source(data, file, most_bytes).text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _no_mapping(source: Source, node: Node) -> Problem:
    fix = "Write lines of the form `key: value`."
    if isinstance(node.value, list):
        message, fix = "this is a list, not keys with values.", "Put --- between documents instead of dashes."
    elif isinstance(node.value, str) and re.search(r":\S", node.value):
        message = "this is one text, not keys with values."
        fix = "A colon needs a blank after it: `key: value`."
    else:
        message = "this is one value, not keys with values."
    return source.problem("E_NOT_MAPPING", message, fix, node.start)


def read_scalar(text: str) -> Any:
    """A value of an environment variable, read as a YAML scalar. Raises ValueError."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    return plain(text)


def _folder() -> FilePath:
    packaged = _HERE / "schemas"
    return packaged if packaged.is_dir() else _HERE.parent / "schemas"


def schema_names() -> list[str]:
    return sorted(path.name.removesuffix(".schema.json") for path in _folder().glob("*.schema.json"))


def schema_text(name: str) -> str:
    return (_folder() / f"{name}.schema.json").read_text(encoding="utf-8")


@lru_cache
def _schema(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(schema_text(name))
    return schema


def check(document: Document, schema: str) -> list[Problem]:
    """What the JSON Schema of that name has against a document, in the order of the file."""
    problems = [document.locate(problem) for problem in check_mapping(document.value, schema)]
    return sorted(problems, key=lambda problem: (problem.line or 0, problem.column or 0))


def check_mapping(value: Mapping[str, Any], schema: str) -> list[Problem]:
    """As `check`, of a value that stands in no file: problems have key paths only."""
    errors = list(_Validator(_schema(schema)).iter_errors(value))
    unbuilt = [tuple(error.absolute_path) for error in errors if error.validator == "x-not-built"]
    problems: dict[Problem, None] = {}
    for error in errors:
        path = tuple(error.absolute_path)
        if error.validator == "x-not-built" or not any(path[: len(each)] == each for each in unbuilt):
            problems.update(dict.fromkeys(_problems(error, path)))
    return list(problems)


def check_schema(schema: Mapping[str, Any]) -> str | None:
    """Why this is no JSON Schema that parameters can be checked by, or None."""
    try:
        Draft202012Validator.check_schema(dict(schema))
    except SchemaError as error:
        place = ".".join(str(step) for step in error.absolute_path)
        return f"no valid JSON Schema{f' at {place}' if place else ''}: {error.message[:200]}."
    if _has_reference(schema):
        return "$ref is not built yet in a model's schema."
    return None


def _has_reference(schema: Any) -> bool:
    if isinstance(schema, Mapping):
        return "$ref" in schema or "$dynamicRef" in schema or any(_has_reference(each) for each in schema.values())
    return isinstance(schema, list) and any(_has_reference(each) for each in schema)


def check_value(schema: Mapping[str, Any], value: Any) -> str | None:
    """One parameter's value against its schema: a sentence that says what is allowed, or None."""
    error = best_match(Draft202012Validator(schema).iter_errors(value))
    if error is None:
        return None
    place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)
    return f"{place} {_must(error)}".strip()


def _mark(name: str) -> Any:
    """A keyword of ours that is an error wherever it is met: the key it stands at is not to be used yet."""

    def refuse(validator: Any, wanted: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        if wanted:
            yield ValidationError(name)

    return refuse


def _same(validator: Any, keys: list[str], instance: Any, schema: Any) -> Iterator[ValidationError]:
    """`x-same`: keys that may stand together only with one value."""
    if isinstance(instance, dict):
        given = [key for key in keys if key in instance]
        if any(instance[key] != instance[given[0]] for key in given):
            yield ValidationError(" and ".join(given), path=[given[-1]])


_Validator: Any = validators.extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {"x-not-built": _mark("x-not-built"), "x-same": _same}
)


def _problems(error: ValidationError, path: Path) -> Iterator[Problem]:
    schema: Any = error.schema
    wanted: Any = error.validator_value
    given: Any = error.instance
    match error.validator:
        case "x-not-built":
            yield Problem("E_NOT_BUILT", f"{path[-1]} is not built yet.", "Take it out.", path)
        case "x-same":
            yield Problem("E_VALUE", f"{error.message} are the same thing, but differ.", "Keep one of them.", path)
        case "additionalProperties":
            for key in given.keys() - schema["properties"].keys():
                message = f"there is no key {_shown(key)} here."
                yield Problem("E_UNKNOWN_KEY", message, _nearest(key, schema), (*path, key))
        case "required":
            for key in (key for key in wanted if key not in given):
                yield Problem("E_REQUIRED", f"the key {key} is missing.", _about(key, schema), path)
        case _:
            yield Problem(_code(str(error.validator)), _must(error), _fix(error), path)


def _code(keyword: str) -> str:
    if keyword == "type":
        return "E_TYPE"
    return "E_RANGE" if keyword.startswith(("minimum", "maximum", "exclusive", "minLength", "maxLength")) else "E_VALUE"


def _nearest(key: str, schema: Mapping[str, Any]) -> str:
    known: Mapping[str, Any] = schema.get("properties", {})
    near = difflib.get_close_matches(re.sub(r"[\s-]", "_", key.lower()), known, n=1, cutoff=0.7)
    if not near:
        usable = [name for name, each in known.items() if not each.get("x-not-built")]
        return str(schema.get("x-unknown") or f"It may hold: {', '.join(usable)}.")
    later = " (which is not built yet)" if known[near[0]].get("x-not-built") else ""
    return f"Did you mean {near[0]}{later}?"


def _about(key: str, schema: Mapping[str, Any]) -> str:
    text = schema.get("properties", {}).get(key, {}).get("description", "")
    return f"Add it: {text}" if text else "Add it."


def _must(error: ValidationError) -> str:
    schema: Mapping[str, Any] = error.schema if isinstance(error.schema, dict) else {}
    allowed = allowed_by(schema, str(error.validator))
    if allowed is None:
        return f"does not fit: {error.message[:200]}."
    if schema.get("x-secret"):
        return f"must be {allowed}; what stands here is not shown."
    return f"must be {allowed}, not {_shown(error.instance)}."


def _fix(error: ValidationError) -> str:
    wanted: Any = error.validator_value
    value = error.instance
    if error.validator != "type" or not isinstance(error.schema, dict) or error.schema.get("x-secret"):
        return ""
    if "string" in wanted and isinstance(value, bool | int | float):
        return "Put quotes around it."
    if isinstance(value, str) and value and not isinstance(_plain_or_text(value), str):
        return "Take the quotes away."
    return ""


def _plain_or_text(text: str) -> Any:
    try:
        return plain(text)
    except ValueError:
        return text


def _shown(value: Any) -> str:
    """A value in a message: short, on one line, and only its kind where it holds others."""
    if isinstance(value, dict | list):
        return "a list" if isinstance(value, list) else "keys with values"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…"


_NOUNS = {
    "string": "text", "integer": "a whole number", "number": "a number", "boolean": "true or false", "null": "nothing",
    "array": "a list", "object": "keys with values",
}  # fmt: skip


def allowed_by(schema: Mapping[str, Any], keyword: str = "type") -> str | None:
    """What a schema allows, in words: `a whole number from 1 to 4`. None where it has no simple words.

    Lengths and forms are told only when it is they (`keyword`) that were offended.
    """
    if "x-allowed" in schema:
        return str(schema["x-allowed"])
    if "const" in schema:
        return _shown(schema["const"])
    if "enum" in schema:
        return f"one of {', '.join(str(each) for each in schema['enum'])}"
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices:
        words = [allowed_by(each) for each in choices if isinstance(each, dict)]
        return None if None in words else " or ".join(str(each) for each in words)
    kinds = schema.get("type")
    if kinds is None:
        return None
    nouns = [_NOUNS[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds)]
    offended = "" if keyword in _NUMERIC else _LIMITS.get(keyword, "").format(schema.get(keyword))
    return " or ".join(nouns) + _range(schema) + offended


def _range(schema: Mapping[str, Any]) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    words = "".join(_LIMITS[key].format(schema[key]) for key in _NUMERIC if key in schema)
    if least is not None and most is not None:
        return f" from {least} to {most}{words}"
    if least is not None or most is not None:
        return (f" of at least {least}" if most is None else f" of at most {most}") + words
    return words


_NUMERIC = ("exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_LIMITS = {
    "exclusiveMinimum": " above {}", "exclusiveMaximum": " below {}", "multipleOf": " divisible by {}",
    "minLength": " of at least {} characters", "maxLength": " of at most {} characters",
    "minItems": " of at least {} entries", "maxItems": " of at most {} entries",
    "pattern": " of the form {}", "uniqueItems": " without repeats",
}  # fmt: skip
