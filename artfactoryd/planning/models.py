"""A person's Library and the shipped catalogue: the models that can be ordered.

Not here: how a model is found by name (core/catalog).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from artfactoryd import documents, schema
from artfactoryd.core.model import Model
from artfactoryd.core.parameters.model_update import completed, renewed
from artfactoryd.core.parameters.openapi import NoSchema
from artfactoryd.documents import Document
from artfactoryd.durable import make_folders, write_file
from artfactoryd.entries import bounded
from artfactoryd.errors import Path as KeyPath
from artfactoryd.errors import Problem, Refusal, not_readable
from artfactoryd.planning.catalogue.absent import lack
from artfactoryd.planning.catalogue.provider_files import ProviderFiles, is_provider_s
from artfactoryd.planning.read_once import ReadOnce

SHIPPED = Path(__file__).parents[1] / "catalog"
ENDINGS = (".yaml", ".yml", ".json")
Check = Callable[[Document], list[Problem]]
Reader = Callable[[Path], Sequence[Model | Document]]  # a document is a model file in its provider's words
MONEY = frozenset({"usd", "first"})  # keys of a price
COUNTED = ("of", "rate", "size", "factor")  # keys of a price that name a parameter
FIELDS = ("batch", "seed", "image", "mask", "video", "audio")  # that name a parameter
OF_A_PROVIDER = {"workflow", "map", "output", "command"}  # keys of a model file in a provider's own words
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
    return [*known.values(), *(_with_told(model, told) for model in own)], [*problems, *wrong]


def _with_told(model: Model, told: Path | None) -> Model:
    """With what its provider said of it the last time it was asked."""
    said = told_version(told, model.provider, model.full) if told and model.is_open else None
    return completed(model, said) if said else model


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
        return [each if isinstance(each, Model) else _provider_s.model(each, path) for each in read(path)], ()
    except Refusal as refusal:
        return (), refusal.problems
    except OSError as error:
        message = f"the file cannot be read: {error.strerror}."
        return (), [Problem("E_READ", message, "Look at its permissions.", file=str(path))]


def _shipped(path: Path) -> Sequence[Model | Document]:
    """A list of many is made by a program, and looked at by its test alone."""
    data = bounded(path, documents.MOST_BYTES)
    if path.suffix == ".json":
        return [Model.from_mapping(each, str(path)) for each in json.loads(data)]
    return _models(data, path, _shape_problems)


def _models(data: bytes, path: Path, check: Check) -> list[Model | Document]:
    if path.suffix.lower() == ".json" and _is_of_another_kind(data):
        return []
    read = [(document, is_provider_s(document)) for document in documents.read_documents(data, str(path))]
    if problems := [problem for document, is_later in read if not is_later for problem in check(document)]:
        raise Refusal(problems)
    return [document if is_later else _model(document, document.value, path) for document, is_later in read]


def _is_of_another_kind(data: bytes) -> bool:
    """What lies beside model files for one of them, as a workflow does: not a key of it is one of a model file."""
    if len(data) > documents.MOST_BYTES:  # and so cut off
        return b'"provider"' not in data
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and value.keys().isdisjoint(("provider", "model", "schema"))


def _model(document: Document, entry: Mapping[str, Any], path: Path) -> Model:
    return Model.from_mapping(_with_price_as_written(document, entry), str(path))


def _provider_s_model(document: Document, entry: dict[str, Any], path: Path) -> Model:
    """Of what its provider's factory made of a document. Raises Refusal."""
    is_open = bool(entry.pop("open", False))
    if problems := schema.check_mapping(entry, "model") or list(_more_problems(entry)):
        raise Refusal(problems)
    return replace(_model(document, entry, path), is_open=is_open)


_provider_s = ProviderFiles(_provider_s_model)


def _shape_problems(document: Document) -> list[Problem]:
    return schema.check(document, "model")


def _problems(document: Document) -> list[Problem]:
    return _shape_problems(document) or [document.locate(problem) for problem in _more_problems(document.value)]


_own = ReadOnce(partial(_models, check=_problems), documents.MOST_BYTES)  # a person's, and what providers told


def _more_problems(value: Mapping[str, Any]) -> Iterator[Problem]:
    """What model.schema.json cannot say: a schema that is one, and names that stand in it."""
    if own := OF_A_PROVIDER & value.keys():
        message = f"{', '.join(sorted(own))}: this is read of a provider that has words of its own, without a schema."
        yield Problem("E_SCHEMA", message, "Write model and schema; or, for comfyui, workflow, map and output alone.")
        return
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


def _with_price_as_written(document: Document, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Money is decimal text: 0.003 stays what was written."""
    value = dict(entry)
    if "price" in value and "price" in document.value:
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
