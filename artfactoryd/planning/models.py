"""A person's Library and the shipped catalogue: the models that can be ordered.

Not here: how a model is found by name (core/catalog).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

from artfactoryd import documents, schema
from artfactoryd.core.model import Model
from artfactoryd.core.parameters.model_update import renewed
from artfactoryd.core.parameters.openapi import NoSchema
from artfactoryd.documents import Document
from artfactoryd.durable import make_folders, write_file
from artfactoryd.entries import bounded
from artfactoryd.errors import Path as KeyPath
from artfactoryd.errors import Problem, Refusal, not_readable
from artfactoryd.planning.catalogue.absent import lack
from artfactoryd.planning.read_once import ReadOnce

SHIPPED = Path(__file__).parents[1] / "catalog"
ENDINGS = (".yaml", ".yml", ".json")
Check = Callable[[Document], list[Problem]]
Reader = Callable[[Path], Sequence[Model]]
MONEY = frozenset({"usd", "first"})  # keys of a price
COUNTED = ("of", "rate", "size", "factor")  # keys of a price that name a parameter
FIELDS = ("batch", "seed", "image", "mask", "video", "audio")  # that name a parameter
_DECIMAL = re.compile(r"\+?[0-9]*\.?[0-9]+([eE][-+]?[0-9]+)?")


def load_catalog(folder: Path | None, told: Path | None = None) -> tuple[list[Model], list[Problem]]:
    """The shipped models, as their providers describe them now; then those of `folder` (Library/models).

    Later ones override earlier ones. A file with a problem gives no model and spoils no other; every problem is told
    with its place. `told`: where the providers' descriptions are kept; one that is damaged counts as not there.
    """
    shipped, problems = shipped_models()
    known = {(model.provider, model.id): model for model in shipped if not lack(model.provider, model.id)}
    for path in sorted(told.iterdir()) if told and told.is_dir() else ():
        for said in _all_in(path, _own)[0]:
            before = known.get((said.provider, said.id))
            known[said.provider, said.id] = renewed(before, said) if before else said
    own, wrong = _all_in(folder, _own) if folder else ([], [])
    return [*known.values(), *own], [*problems, *wrong]


@cache
def shipped_models() -> tuple[list[Model], list[Problem]]:
    """Read once: later these files may be those of another release, or away.

    Not held against JSON Schema's own schema, which takes longer than all the rest of a start; their test does.
    """
    return _all_in(SHIPPED, _shipped)


def _all_in(folder: Path, read: Reader) -> tuple[list[Model], list[Problem]]:
    try:
        return _all(list(_files(folder)), read)
    except OSError as error:
        return [], [not_readable(error)]


def _all(paths: Iterable[Path], read: Reader) -> tuple[list[Model], list[Problem]]:
    models: list[Model] = []
    problems: list[Problem] = []
    for path in paths:
        found, wrong = _read(path, read)
        models += found
        problems += wrong
    return models, problems


def told_version(told: Path, provider: str, name: str) -> Model | None:
    """What the provider said about exactly this version (`owner/name:version`), when it was asked."""
    found, _ = _all([path], _own) if (path := _place(told, provider, name)).is_file() else ([], [])
    return next((model for model in found if model.full == name), None)


def keep_told(told: Path, entry: Mapping[str, Any], *, asked: str) -> Model:
    """Keep what a provider said about a model that was `asked` for by this name.

    Raises NoSchema when it makes no model file, OSError when it cannot be written.
    """
    path = _place(told, entry["provider"], asked)
    found = model_of(entry, str(path))
    make_folders(path.parent)
    write_file(path, documents.dump_yaml(dict(entry)).encode())
    return found


def model_of(entry: Mapping[str, Any], source: str) -> Model:
    """Raises NoSchema with what is wrong with a description."""
    wrong = schema.check_mapping(entry, "model") or list(_more_problems(entry))
    if wrong:
        raise NoSchema(f"its description cannot be used: {wrong[0].message}")
    return Model.from_mapping(entry, source)


def _place(told: Path, provider: str, name: str) -> Path:
    """A version that was asked for by name lies apart: it stands for itself alone."""
    mark = hashlib.sha256(name.encode()).hexdigest()[:8]
    folder = told / _plain(provider)
    folder = folder / "versions" if ":" in name else folder
    return folder / f"{_plain(name)}-{mark}.yaml"


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "--", name).lstrip(".")[:100]


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        for path in sorted(folder.iterdir()):
            if path.suffix.lower() in ENDINGS and not path.name.startswith(".") and path.is_file():
                yield path


def _read(path: Path, read: Reader) -> tuple[Sequence[Model], Sequence[Problem]]:
    try:
        return read(path), ()
    except Refusal as refusal:
        return (), refusal.problems
    except OSError as error:
        message = f"the file cannot be read: {error.strerror}."
        return (), [Problem("E_READ", message, "Look at its permissions.", file=str(path))]


def _shipped(path: Path) -> list[Model]:
    """A list of many is made by a program, and looked at by its test alone."""
    data = bounded(path, documents.MOST_BYTES)
    if path.suffix == ".json":
        return [Model.from_mapping(each, str(path)) for each in json.loads(data)]
    return _models(data, path, _shape_problems)


def _models(data: bytes, path: Path, check: Check) -> list[Model]:
    read = documents.read_documents(data, str(path))
    if problems := [problem for document in read for problem in check(document)]:
        raise Refusal(problems)
    return [Model.from_mapping(_with_price_as_written(document), str(path)) for document in read]


def _shape_problems(document: Document) -> list[Problem]:
    return schema.check(document, "model")


def _problems(document: Document) -> list[Problem]:
    return _shape_problems(document) or [document.locate(problem) for problem in _more_problems(document.value)]


_own = ReadOnce(partial(_models, check=_problems), documents.MOST_BYTES)  # a person's, and what providers told


def _more_problems(value: Mapping[str, Any]) -> Iterator[Problem]:
    """What model.schema.json cannot say: a schema that is one, and names that stand in it."""
    complaint = schema.check_schema(value["schema"])
    if complaint:
        yield Problem("E_SCHEMA", f"the schema is {complaint}", "Correct it.", ("schema",))
        return
    known = value["schema"]["properties"]
    named: list[tuple[KeyPath, str]] = [(("text", place), name) for place, name in enumerate(value.get("text", []))]
    named += [((key,), value[key]) for key in FIELDS if key in value]
    named += _in_price(value.get("price") or {})
    named += [(("synonyms", name), own) for name, own in value.get("synonyms", {}).items()]
    named += [(("schema", "required", place), name) for place, name in enumerate(value["schema"].get("required", []))]
    for path, name in named:
        if name not in known:
            fix = f"It has: {', '.join(known)}."
            yield Problem("E_PARAMETER_NAME", f"the schema has no parameter {name}.", fix, path)
    for key in ("batch", "seed"):
        if known.get(value.get(key), {}).get("type", "integer") != "integer":
            yield Problem("E_TYPE", f"the {key} parameter must be an integer.", "Name another.", (key,))


def _in_price(price: Mapping[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    """The parameters that a price is read from: what is not there would be counted as none of it."""
    whole: list[tuple[KeyPath, Mapping[str, Any]]] = [(("price",), price)]
    whole += [(("price", "parts", place), part) for place, part in enumerate(price.get("parts", []))]
    for path, part in whole:
        yield from (((*path, key), part[key]) for key in COUNTED if isinstance(part.get(key), str))
        yield from (((*path, "when", name), name) for name in part.get("when") or ())


def _with_price_as_written(document: Document) -> dict[str, Any]:
    """Money is decimal text: 0.003 stays what was written."""
    value = dict(document.value)
    if "price" in value:
        value["price"] = _as_written(document, ("price",), value["price"])
    return value


def _as_written(document: Document, path: KeyPath, value: Any) -> Any:
    """Wherever it stands in a price: in a part of a sum, in a step."""
    if isinstance(value, Mapping):
        return {key: _as_written(document, (*path, key), each) for key, each in value.items()}
    if isinstance(value, list):
        return [_as_written(document, (*path, place), each) for place, each in enumerate(value)]
    if path[-1] not in MONEY:
        return value
    written = document.written(path) or ""
    return written if _DECIMAL.fullmatch(written) else str(value)
