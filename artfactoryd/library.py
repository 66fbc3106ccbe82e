"""A person's Library and the shipped catalogue: the models that can be ordered.

Not here: how a model is found by name (core/catalog).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from artfactoryd import documents
from artfactoryd.core.catalog import Model
from artfactoryd.documents import Document
from artfactoryd.errors import Path as KeyPath
from artfactoryd.errors import Problem, Refusal

SHIPPED = Path(__file__).with_name("catalog")
ENDINGS = (".yaml", ".yml", ".json")
_DECIMAL = re.compile(r"\+?[0-9]*\.?[0-9]+([eE][-+]?[0-9]+)?")


def load_catalog(folder: Path | None) -> tuple[list[Model], list[Problem]]:
    """The shipped models, then those of `folder` (Library/models): later ones override earlier ones.

    A file with a problem gives no model and spoils no other; every problem is told with its place.
    """
    models: list[Model] = []
    problems: list[Problem] = []
    for path in [*_files(SHIPPED), *(_files(folder) if folder else ())]:
        found, wrong = _read(path)
        models += found
        problems += wrong
    return models, problems


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        for path in sorted(folder.iterdir()):
            if path.suffix.lower() in ENDINGS and not path.name.startswith(".") and path.is_file():
                yield path


def _read(path: Path) -> tuple[list[Model], list[Problem]]:
    try:
        with path.open("rb") as file:
            read = documents.read_documents(file.read(documents.MOST_BYTES + 1), str(path))
    except Refusal as refusal:
        return [], list(refusal.problems)
    except OSError as error:
        message = f"the file cannot be read: {error.strerror}."
        return [], [Problem("E_READ", message, "Look at its permissions.", file=str(path))]
    problems = [problem for document in read for problem in _problems(document)]
    models = [] if problems else [Model.from_mapping(_with_price_as_written(each), str(path)) for each in read]
    return models, problems


def _problems(document: Document) -> list[Problem]:
    wrong = documents.check(document, "model")
    return wrong or [document.locate(problem) for problem in _more_problems(document.value)]


def _more_problems(value: Mapping[str, Any]) -> Iterator[Problem]:
    """What model.schema.json cannot say: a schema that is one, and names that stand in it."""
    complaint = documents.check_schema(value["schema"])
    if complaint:
        yield Problem("E_SCHEMA", f"the schema is {complaint}", "Correct it.", ("schema",))
        return
    known = value["schema"]["properties"]
    named: list[tuple[KeyPath, str]] = [(("text", place), name) for place, name in enumerate(value.get("text", []))]
    named += [((key,), value[key]) for key in ("batch", "seed", "image") if key in value]
    named += [(("synonyms", name), own) for name, own in value.get("synonyms", {}).items()]
    named += [(("schema", "required", place), name) for place, name in enumerate(value["schema"].get("required", []))]
    for path, name in named:
        if name not in known:
            fix = f"It has: {', '.join(known)}."
            yield Problem("E_PARAMETER_NAME", f"the schema has no parameter {name}.", fix, path)
    for key in ("batch", "seed"):
        if known.get(value.get(key), {}).get("type", "integer") != "integer":
            yield Problem("E_TYPE", f"the {key} parameter must be an integer.", "Name another.", (key,))


def _with_price_as_written(document: Document) -> dict[str, Any]:
    """Money is decimal text: 0.003 stays what was written."""
    value = dict(document.value)
    if "price" in value:
        written = document.written(("price", "usd")) or ""
        usd = written if _DECIMAL.fullmatch(written) else str(value["price"]["usd"])
        value["price"] = {**value["price"], "usd": usd}
    return value
