"""The names of an order's products: a pattern with fields, checked with the column of each mistake, then filled in."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import PurePosixPath

from artfactoryd.core.json_types import Parameters, Value
from artfactoryd.core.model import Model
from artfactoryd.core.names import PATTERN, cut, folded
from artfactoryd.core.order import Order
from artfactoryd.core.parameters.file_refs import is_address, is_product
from artfactoryd.core.parameters.other_words import our_field
from artfactoryd.core.slug import prompt_of, slug
from artfactoryd.errors import Problem

FIELD = "cases"  # in place of a parameter in an item's tokens: the name and value of a field
NUMBERS = frozenset({"index", "copy", "seed", "width", "height", "version", "year", "month", "day"})
LATE = frozenset({"hash", "hash8", "ext", "width", "height", "order_id", "product_id", "version"})  # safe as they are
FIELDS = NUMBERS | LATE | {
    "project", "project_id", "order", "slug", "provider", "model", "family", "stage",
}  # fmt: skip
PHOTO = "photo"  # the first picture that something was made from; an order may call something of its own so
APART = frozenset({"index", "hash", "hash8", "product_id", "version"})  # of a product and no other
LETTER = "letter of index"  # no parameter is called so
ENDING = ".{ext}"
RESERVED = {  # beside the products, and never one of them
    "inputs": "the folder `inputs` holds the pictures an order works on.",
    "sidecars": "the folder `sidecars` holds what is known of each product.",
    ".sidecars": "the folder `.sidecars` holds what is known of each product.",
    "sheets": "the folder `sheets` holds an order's further contact sheets.",
}
PAPERS = frozenset({"order.yaml", "order.resolved.yaml", "receipt.yaml"})
SHEET = "contact-sheet"  # with any ending
MOST_PARTS = 8  # folders and the name
MOST_BYTES = 240  # of a part; a file name has at most 255, its ending and that of its sidecar included
NOTHING = "none"  # where an item has no such parameter
LONGEST_STEM = 120  # characters of a picture's name: what tells two apart is often at the end
_FIELD = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_ELSEWHERE = re.compile(r"\[[=~]?([A-Za-z]\w*)\]|%([A-Za-z]\w*)%|<([A-Za-z]\w*)>|\$([A-Za-z]\w*)|\$\{([A-Za-z]\w*)\}")
_FORMAT = re.compile(r"0?[1-9]?[0-9]?d")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\\:]")


@dataclass(frozen=True, slots=True)
class Field:
    column: int  # in the pattern, from 1
    name: str
    format: str = ""


Parts = tuple[str | Field, ...]


def pattern_of(order: Order, stage: str | None) -> str:
    """Of what one stage makes; None: of the order's own items."""
    own = next((later.file for later in order.then if later.id == stage), None)
    return own or order.file or PATTERN


@lru_cache(maxsize=256)
def parts_of(pattern: str) -> Parts:
    """Text and fields in turn; what is no field is a Field whose name says so."""
    parts: list[str | Field] = []
    end = 0
    for match in _FIELD.finditer(pattern):
        parts.append(pattern[end : match.start()])
        end = match.end()
        if match[0] in ("{{", "}}"):
            parts.append(match[0][0])
        elif match[1] is None:
            parts.append(Field(match.start() + 1, match[0]))
        else:
            name, _, form = match[1].partition(":")
            parts.append(Field(match.start() + 1, name, form))
    return tuple(part for part in (*parts, pattern[end:]) if part != "")


# --- what is wrong with it ---


def problems(
    pattern: str, model: Model | None = None, names: Collection[str] = (), fields: Collection[str] = ()
) -> list[Problem]:
    """Each with its column, and no path. `names`: parameters and lookups of the order. `fields`: columns of its cases.

    Without a model any name may be that of a parameter.
    """
    parts = parts_of(pattern)
    known = [*sorted(FIELDS), PHOTO, *names, *fields, *(model.properties if model else ())]
    wrong = [problem for part in parts if isinstance(part, Field) for problem in _of_field(part, model, known, fields)]
    return [*wrong, *_elsewhere(pattern, known)] or list(_of_path(pattern))


def _elsewhere(pattern: str, known: Collection[str]) -> Iterator[Problem]:
    """Fields as other tools write them: `[seed]`, `%seed%`, `<seed>`, `$seed`."""
    for written in _ELSEWHERE.finditer(pattern):
        word = next(filter(None, written.groups()))
        same, ours = (one for one in known if one.casefold() == word.casefold()), our_field(word)
        if written[0].startswith("${") and word not in known:
            continue  # told as a field that is none
        if (name := next(same, ours)) in known:
            message = f"{written[0]} is taken as it stands: in a name a field is in braces."
            yield _bad(written.start() + 1, message, f"Write {{{name}}}.")


def _of_field(field: Field, model: Model | None, known: Collection[str], fields: Collection[str]) -> Iterator[Problem]:
    if field.name in ("{", "}"):
        yield _bad(field.column, f"a single {field.name} stands for nothing.", f"Write {field.name * 2} to have one.")
        return
    if not field.name or (field.name not in known and model is not None):
        ours = our_field(field.name)
        near = ours if ours and ours.partition("}")[0] in known else _near(field.name, known)
        fix = f"Did you mean {{{near}}}?" if near else f"There are: {', '.join(dict.fromkeys(known))}."
        yield _bad(field.column, f"there is no field {{{field.name}}}.", fix)
    elif field.name in FIELDS and field.name in fields:
        message = f"{{{field.name}}} has a meaning of its own in names, and a column of `cases` is called so too."
        yield _bad(field.column, message, "Give the column another name.")
    elif field.format and not _FORMAT.fullmatch(field.format):
        yield _bad(field.column, f"{field.format!r} is no format for a name.", f"Try {{{field.name}:04d}}.")
    elif field.format and (field.name in fields or _is_text(field.name, model)):
        message = f"{{{field.name}}} is no whole number, so it takes no format."
        yield _bad(field.column, message, f"Write {{{field.name}}}.")


def _near(name: str, known: Collection[str]) -> str | None:
    """What was meant: capitals apart, a column may be called like a parameter and be nearer."""
    folded = {one.casefold(): one for one in known}
    near = difflib.get_close_matches(name.strip().casefold(), folded, n=1)
    return folded[near[0]] if near else None


def _is_text(name: str, model: Model | None) -> bool:
    if name in FIELDS or model is None:
        return name in FIELDS - NUMBERS
    return model.properties.get(name, {}).get("type", "integer") not in ("integer", ["integer", "null"])


def _of_path(pattern: str) -> Iterator[Problem]:
    if unsafe := _UNSAFE.search(_FIELD.sub(lambda field: " " * len(field[0]), pattern)):
        yield _bad(unsafe.start() + 1, f"a file's name cannot hold {unsafe[0]!r}.", "Take it out; / makes a folder.")
    elif pattern.startswith("/"):
        yield _bad(1, "a name begins below the order's folder, not with /.", "Take the first / out.")
    elif any(part.strip(" .") == "" or part.startswith(".") for part in pattern.split("/")):
        yield _bad(1, "a part of the name is empty, or begins with a dot.", "Name every folder between two /.")
    elif pattern.count("/") >= MOST_PARTS:
        yield _bad(1, f"a name has at most {MOST_PARTS} parts.", "Use fewer folders.")
    elif why := next(
        (RESERVED[folder] for part in pattern.split("/")[:-1] if (folder := _plain(part)) in RESERVED), ""
    ):
        yield _bad(1, why, "Choose another name.")
    elif is_taken(pattern.replace(ENDING, ".png") if pattern.endswith(ENDING) else pattern):
        yield _bad(1, "a file of this name is written by the program itself.", "Choose another name.")
    elif not pattern.endswith(ENDING):
        yield _bad(len(pattern), f"a name ends with {ENDING}, and this does not.", f"Write '{pattern}{ENDING}'.")


def _bad(column: int, message: str, fix: str, code: str = "E_FILE") -> Problem:
    return Problem(code, message, fix, ("file",), column)


# --- filled in ---


def fields_in(pattern: str) -> set[str]:
    """What a pattern names."""
    return {part.name for part in parts_of(pattern) if isinstance(part, Field)}


def may_collide(pattern: str) -> bool:
    """Whether two products of one order may ask for one name."""
    return not any(isinstance(part, Field) and part.name in APART for part in parts_of(pattern))


def has_version(pattern: str) -> bool:
    return any(isinstance(part, Field) and part.name == "version" for part in parts_of(pattern))


def name(pattern: str, values: Parameters) -> str:
    """Below the order's folder, with `/` between parts. Whatever the values are, it stays there."""
    text = "".join(part if isinstance(part, str) else _filled(part, values) for part in parts_of(pattern))
    *folders, last = text.split("/")
    safe = [cut(folder.strip(" ."), MOST_BYTES).rstrip(" .") or NOTHING for folder in folders]
    safe = [f"{folder}-1" if _plain(folder) in RESERVED else folder for folder in safe]
    stem, _, extension = last.rpartition(".")
    stem = cut(stem.lstrip(" ."), MOST_BYTES) or NOTHING
    return "/".join([*safe, f"{stem}-1.{extension}" if is_taken(f"{stem}.{extension}") else f"{stem}.{extension}"])


def is_taken(name: str) -> bool:
    """Whether the program itself writes a file of that name into an order's folder."""
    return _plain(name) in PAPERS or _plain(name).rpartition(".")[0] == SHEET


def _plain(part: str) -> str:
    """On a disk that does not tell `A` from `a`."""
    return folded(part.strip())


def _filled(field: Field, values: Parameters) -> str:
    value = values.get(field.name)
    if field.name in LATE and isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _words(value)
    if isinstance(value, float) and not value.is_integer():
        return f"{value:.6f}".rstrip("0")
    letter = values.get(LETTER) if field.name == "index" else ""
    return format(int(value), field.format or "d") + str(letter or "")


def _words(value: Value) -> str:
    if value is None:
        return NOTHING
    if isinstance(value, AsWritten):
        return slug(value, otherwise=NOTHING, lower=False)
    if isinstance(value, Stem):
        return slug(value, LONGEST_STEM, otherwise=NOTHING, lower=False)
    return slug(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), otherwise=NOTHING)


# --- the values ---


class AsWritten(str):
    """Of a field: an article's number keeps its capitals."""


class Stem(str):
    """Of a picture: its file's name without folders and ending, as a person gave it."""


def _names_in(token: str) -> list[str]:
    return [part.strip() for part in re.split(r"[\[\]~,:*]", token)]


def of_item(
    model: Model, parameters: Parameters, tokens: Collection[Sequence[str]], lookups: Collection[str],
    pictures: Mapping[str, str] | None = None, made_from: Parameters | None = None,
) -> dict[str, Value]:  # fmt: skip
    """What is the same for all products of an item.

    `pictures`: names of the files that do not stand in its parameters themselves, by what stands there. `made_from`:
    the same of the item whose product it is fed with; what it has none of itself is told by that one.
    """
    words = [(_names_in(token), value) for parameter, token, value in tokens if parameter != FIELD]
    taken = {lookup: value for names, value in words for lookup in lookups if lookup in names}
    fields = {name: AsWritten(value) for parameter, name, value in tokens if parameter == FIELD}
    stems, before = _stems(model, parameters, pictures or {}), made_from or {}
    own = {**parameters, **stems}
    synonyms = {name: own[known] for name, known in model.synonyms.items() if known in own}
    first = stems.get(model.image or "") or next(iter(stems.values()), None)
    return {
        PHOTO: first, **before, **synonyms, **own, **taken, **fields, "slug": slug(prompt_of(parameters, model)),
        "model": model.short, "family": model.family, "provider": model.provider,
    }  # fmt: skip


def _stems(model: Model, parameters: Parameters, pictures: Mapping[str, str]) -> dict[str, Value]:
    """Of the files that each parameter takes; of several, one after the other."""
    stems: dict[str, list[str]] = {}
    for place, text in model.places(parameters):
        name = pictures.get(text, "" if is_address(text) or is_product(text) else text)
        stems.setdefault(str(place[0]), []).append(PurePosixPath(name).stem)
    return {name: Stem("-".join(filter(None, parts))) or None for name, parts in stems.items()}


def of_inputs(inputs: Collection[Mapping[str, Value]]) -> dict[str, Value]:
    """The same of pictures as a sidecar names them."""
    stems: dict[str, list[str]] = {}
    for known in inputs:
        parameter = str(known["parameter"]).partition(".")[0]
        stems.setdefault(parameter, []).append(PurePosixPath(str(known["file"])).stem)
    return {name: Stem("-".join(parts)) for name, parts in stems.items()}


def of_order(name: str, project: str, order_id: str, accepted: datetime) -> dict[str, Value]:
    """`accepted`: when it was, by this machine's clock."""
    year, month, day = accepted.strftime("%Y-%m-%d").split("-")
    return {
        "order": name, "project": project, "project_id": project, "order_id": order_id,
        "year": year, "month": month, "day": day,
    }  # fmt: skip


def of_bytes(
    index: int, copy: int, seed: int | None, sha256: str, extension: str, letter: str = ""
) -> dict[str, Value]:
    """`letter`: of what came at that place after the first. What has no seed is told by what it was made from."""
    return {
        "index": index, "copy": copy, "hash": sha256, "hash8": sha256[:8], "ext": extension, LETTER: letter,
        **({} if seed is None else {"seed": seed}),
    }  # fmt: skip
