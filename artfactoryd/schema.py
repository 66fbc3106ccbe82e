"""What JSON Schema says of a document: each problem with its place and what to do. Also the schemas themselves."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache
from itertools import islice
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Protocol

from artfactoryd.core.json_types import Schema, Value
from artfactoryd.errors import MOST_PROBLEMS, Path, Problem

if (
    TYPE_CHECKING
):  # what checks and complains is loaded with the first check: a command that only looks seldom makes one
    from jsonschema import ValidationError

    from artfactoryd.documents import Document
    from artfactoryd.yaml12 import Scalar

LONGEST_SHOWN = 60
MOST_ERRORS = 10 * MOST_PROBLEMS  # that are looked for: they are told in the order of the file, not of the schema
_HERE = FilePath(__file__).resolve().parent


def _folder() -> FilePath:
    packaged = _HERE / "schemas"
    return packaged if packaged.is_dir() else _HERE.parent / "schemas"


def schema_names() -> list[str]:
    return sorted(path.name.removesuffix(".schema.json") for path in _folder().glob("*.schema.json"))


def _text(name: str) -> str:
    return (_folder() / f"{name}.schema.json").read_text(encoding="utf-8")


@cache
def schema_mark(name: str) -> str:
    """Another one whenever that schema says something else."""
    return hashlib.sha256(_text(name).encode()).hexdigest()


def schema_text(name: str) -> str:
    """For people and editors: without the keys that are known and refused, for they are not built yet."""
    return json.dumps(_offered(_schema(name)), ensure_ascii=False, indent=2) + "\n"


def _offered(part: Value) -> Value:
    if isinstance(part, list):
        return [_offered(entry) for entry in part]
    if not isinstance(part, dict):
        return part
    return {key: _offered(value) for key, value in part.items() if not _is_refused(value)}


def _is_refused(part: Value) -> bool:
    return isinstance(part, dict) and part.get("x-not-built") is True


@cache
def _schema(name: str) -> Schema:
    schema: Schema = json.loads(_text(name))
    return schema


def load_all() -> None:
    """Read every schema now: later the files of this program may be those of another release, or away."""
    for name in schema_names():
        _schema(name)


def check(document: Document, schema: str) -> list[Problem]:
    """What the JSON Schema of that name has against a document, in the order of the file."""
    problems = [document.locate(problem) for problem in check_mapping(document.value, schema)]
    return sorted(problems, key=lambda problem: (problem.line or 0, problem.column or 0))


def check_mapping(value: Mapping[str, Value], schema: str) -> list[Problem]:
    """As `check`, of a value that stands in no file: problems have key paths only."""
    errors = list(islice(_validator()(_schema(schema)).iter_errors(value), MOST_ERRORS))
    unbuilt = {tuple(error.absolute_path) for error in errors if error.validator == "x-not-built"}
    problems: dict[Problem, None] = {}
    for error in errors:
        path = tuple(error.absolute_path)
        if error.validator == "x-not-built" or unbuilt.isdisjoint(path[:length] for length in range(len(path) + 1)):
            problems.update(dict.fromkeys(islice(_problems(error, path, _schema(schema)), MOST_ERRORS)))
        if len(problems) >= MOST_ERRORS:
            break
    return list(problems)


def check_schema(schema: Schema) -> str | None:
    """Why this is no JSON Schema that parameters can be checked by, or None."""
    return _complaint(json.dumps(schema))


@lru_cache(maxsize=64)
def _complaint(text: str) -> str | None:
    """By its text: a model of which only the price was edited, or that is offered twice, is not checked again, which
    takes longer than all the rest of its reading."""
    from jsonschema import Draft202012Validator, SchemaError

    schema = json.loads(text)
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        path = ".".join(str(step) for step in error.absolute_path)
        return f"no valid JSON Schema{f' at {path}' if path else ''}: {error.message[:200]}."
    if _has_reference(schema):
        return "$ref is not built yet in a model's schema."
    return None


def _has_reference(schema: Value) -> bool:
    if isinstance(schema, Mapping):
        return "$ref" in schema or "$dynamicRef" in schema or any(_has_reference(part) for part in schema.values())
    return isinstance(schema, list) and any(_has_reference(part) for part in schema)


def check_value(schema: Schema, value: Value) -> str | None:
    """One parameter's value against its schema: a sentence that says what is allowed, or None."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    error = best_match(Draft202012Validator(schema).iter_errors(value))
    if error is None:
        return None
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)
    return f"{path} {_must(error)}".strip()


class _Checks(Protocol):
    """What a validator of jsonschema is used for here."""

    def iter_errors(self, instance: Value) -> Iterator[ValidationError]: ...


def _not_built(validator: _Checks, wanted: bool, instance: Value, schema: Schema) -> Iterator[ValidationError]:
    """`x-not-built`: an error wherever it is met, since the key it stands at is not to be used yet."""
    from jsonschema import ValidationError

    if wanted:
        yield ValidationError("x-not-built")


def _same(validator: _Checks, keys: list[str], instance: Value, schema: Schema) -> Iterator[ValidationError]:
    """`x-same`: keys that may stand together only with one value."""
    from jsonschema import ValidationError

    if isinstance(instance, dict):
        given = [key for key in keys if key in instance]
        if any(instance[key] != instance[given[0]] for key in given):
            yield ValidationError(" and ".join(given), path=[given[-1]])


@cache
def _validator() -> Callable[[Schema], _Checks]:
    """Of JSON Schema with the two keywords of our own."""
    from jsonschema import Draft202012Validator, validators

    keywords = {"x-not-built": _not_built, "x-same": _same}
    made: Callable[[Schema], _Checks] = validators.extend(Draft202012Validator, keywords)  # type: ignore[no-untyped-call]
    return made


def _problems(error: ValidationError, path: Path, whole: Schema) -> Iterator[Problem]:
    from artfactoryd.source import hidden_problem, unseen

    schema: Value = error.schema
    wanted: Value = error.validator_value
    given: Value = error.instance
    match error.validator:
        case "x-not-built":
            yield Problem("E_NOT_BUILT", f"{path[-1]} is not built yet.", "Take it out.", path)
        case "x-same":
            yield Problem("E_VALUE", f"{error.message} are the same thing, but differ.", "Keep one of them.", path)
        case "additionalProperties":
            for key in (key for key in given if key not in schema["properties"]):
                if found := unseen(key):
                    hidden = hidden_problem(found[0], key)
                    yield Problem("E_UNKNOWN_KEY", hidden.message, hidden.fix, (*path, key))
                    continue
                message = f"there is no key {_shown(key)} here."
                yield Problem("E_UNKNOWN_KEY", message, _nearest(key, schema), (*path, key))
        case "required":
            for key in (key for key in wanted if key not in given):
                where = f" in {_words(path)}" if path else ""
                instead = schema.get("x-instead", {}).get("required")
                about = str(instead) if instead else _about(key, schema if path else whole)
                yield Problem("E_REQUIRED", f"the key {key} is missing{where}.", about, path)
        case _:
            yield Problem(_code(str(error.validator)), _must(error), _fix(error), path)


def _words(path: Path) -> str:
    """`then.0` as people count: entry 1 of then."""
    words = ""
    for step in path:
        words = f"entry {step + 1} of {words}" if isinstance(step, int) else f"{step} of {words}" if words else step
    return words


def _code(keyword: str) -> str:
    if keyword == "type":
        return "E_TYPE"
    return "E_RANGE" if keyword.startswith(("minimum", "maximum", "exclusive", "minLength", "maxLength")) else "E_VALUE"


def _nearest(key: str, schema: Schema) -> str:
    import difflib

    from artfactoryd.core.parameters.other_words import our_key
    from artfactoryd.core.parameters.secret_values import is_secret

    known: Schema = schema.get("properties", {})
    if is_secret(key, {}):
        return "No file here holds a key: see `artfactoryd keys`. Take it out, and make a new one in its place."
    if ours := our_key(key, [name for name, known_key in known.items() if not known_key.get("x-not-built")]):
        about = str(known[ours].get("description", "")).partition(". ")[0].rstrip(".")
        return f"Here that is `{ours}`{f': {about[0].lower()}{about[1:]}' if about else ''}."
    near = difflib.get_close_matches(re.sub(r"[\s-]", "_", key.lower()), known, n=1, cutoff=0.75)
    if not near:
        usable = [name for name, known_key in known.items() if not known_key.get("x-not-built")]
        return str(schema.get("x-unknown") or f"It may hold: {', '.join(usable)}.")
    later = " (which is not built yet)" if known[near[0]].get("x-not-built") else ""
    return f"Did you mean {near[0]}{later}?"


def _about(key: str, schema: Schema) -> str:
    text = schema.get("properties", {}).get(key, {}).get("description", "")
    return f"Add it: {text[0].lower()}{text[1:]}" if text else "Add it."


def _must(error: ValidationError) -> str:
    schema: Schema = error.schema if isinstance(error.schema, dict) else {}
    wanted: Value = error.validator_value
    if error.validator == "required" and isinstance(wanted, list) and isinstance(error.instance, dict):
        missing = [str(key) for key in wanted if key not in error.instance]
        return f"lacks the key {', '.join(missing)}."
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = schema.get("properties", {})
        strange = [str(key) for key in error.instance if key not in known]
        return f"may not hold {', '.join(strange)}; it may hold {', '.join(known)}."
    allowed = allowed_by(schema, str(error.validator))
    if allowed is None:
        return f"does not fit: {error.message[:200]}."
    if schema.get("x-secret"):
        return f"must be {allowed}; what stands here is not shown."
    if error.instance is None:
        return f"must be {allowed}, and nothing stands here."
    return f"must be {allowed}, not {_shown(error.instance)}."


def _fix(error: ValidationError) -> str:
    import difflib

    from artfactoryd.core.parameters.written_otherwise import as_list, written_here

    wanted: Value = error.validator_value
    value = error.instance
    if not isinstance(error.schema, dict) or error.schema.get("x-secret"):
        return ""
    instead = error.schema.get("x-instead", {})
    kind = next((kind for kind, what in _KINDS if isinstance(value, what)), "")
    if str(error.validator) in instead or (error.validator == "type" and kind in instead):
        return str(instead.get(error.validator) or instead[kind])
    if error.validator == "enum" and isinstance(value, str):
        near = difflib.get_close_matches(value.casefold(), map(str, wanted), n=1)
        return f"Did you mean {near[0]}?" if near else ""
    if error.validator != "type":
        return ""
    if "array" in wanted and isinstance(value, str) and value:
        return f"Write {as_list(value)}."
    if "array" in wanted and isinstance(value, dict):
        return "Make it a list: a dash before its first key, blanks before the others."
    if "string" in wanted and isinstance(value, bool | int | float):
        return "Put quotes around it."
    if isinstance(value, str) and value and not isinstance(_plain_or_text(value), str):
        return "Take the quotes away."
    return written_here(value, error.schema, lists=False) if isinstance(value, str) else ""


_KINDS = (("boolean", bool), ("string", str), ("array", list), ("object", dict), ("number", int | float))


def _plain_or_text(text: str) -> Scalar:
    from artfactoryd.yaml12 import plain

    try:
        return plain(text)
    except ValueError:
        return text


def _shown(value: Value) -> str:
    """A value in a message: short, on one line, and only its kind where it holds others."""
    if isinstance(value, dict | list):
        empty = "" if value else " empty"
        return f"a{'n' * bool(empty)}{empty} list" if isinstance(value, list) else "keys with values"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…"


_NOUNS = {
    "string": "text", "integer": "a whole number", "number": "a number", "boolean": "true or false", "null": "nothing",
    "array": "a list", "object": "keys with values",
}  # fmt: skip


def allowed_by(schema: Schema, keyword: str = "type") -> str | None:
    """What a schema allows, in words: `a whole number from 1 to 4`. None where it has no simple words.

    Lengths and forms are told only when it is they (`keyword`) that were offended.
    """
    if "x-allowed" in schema:
        return str(schema["x-allowed"])
    if "const" in schema:
        return _shown(schema["const"])
    if "enum" in schema:
        allowed = [str(value) for value in schema["enum"]]
        return f"one of {', '.join(allowed)}" if len(allowed) > 1 else allowed[0]
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices:
        words = [allowed_by(choice) for choice in choices if isinstance(choice, dict)]
        return None if None in words else " or ".join(str(word) for word in words)
    kinds = schema.get("type")
    if kinds is None:
        return None
    nouns = [_NOUNS[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds)]
    limit = schema.get(keyword)
    if (noun := _COUNTED.get(keyword)) and isinstance(limit, int):
        limit = f"1 {noun[0]}" if limit == 1 else f"{limit} {noun[1]}"
    offended = "" if keyword in _NUMERIC else _LIMITS.get(keyword, "").format(limit)
    if keyword == "pattern" and "x-form" in schema:
        offended = f" {schema['x-form']}"
    return " or ".join(nouns) + _range(schema) + offended


def _range(schema: Schema) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    words = "".join(_LIMITS[key].format(schema[key]) for key in _NUMERIC if key in schema)
    if least is not None and most is not None:
        return f" from {least} to {most}{words}"
    if least is not None or most is not None:
        return (f" of at least {least}" if most is None else f" of at most {most}") + words
    return words


_NUMERIC = ("exclusiveMinimum", "exclusiveMaximum", "multipleOf")


_CHARACTERS, _ENTRIES = ("character", "characters"), ("entry", "entries")
_COUNTED = {"minLength": _CHARACTERS, "maxLength": _CHARACTERS, "minItems": _ENTRIES, "maxItems": _ENTRIES}
_LIMITS = {
    "exclusiveMinimum": " above {}", "exclusiveMaximum": " below {}", "multipleOf": " divisible by {}",
    "minLength": " of at least {}", "maxLength": " of at most {}",
    "minItems": " of at least {}", "maxItems": " of at most {}",
    "pattern": " of the form {}", "uniqueItems": " without repeats",
}  # fmt: skip
