"""A person's templates: order documents, or parts of them, below Library/templates, by name. Read when used."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Protocol

from artfactoryd import documents, schema
from artfactoryd.core.names import nfc
from artfactoryd.documents import Document
from artfactoryd.entries import LITTER, files_below
from artfactoryd.errors import Problem, Refusal
from artfactoryd.planning.read_once import ReadOnce

ENDINGS = (".yaml", ".yml", ".json")
MISSING_IS_FINE = "E_REQUIRED"  # a template is a part of an order


class Templates(Protocol):
    """Where `template: NAME` finds its document."""

    def read(self, name: str) -> Document:
        """Raises KeyError for an unknown name, Refusal with everything wrong in the file."""

    def unknown(self, name: str) -> tuple[str, str]:
        """What is wrong with a name that is none, and the way out."""


class TemplateFiles:
    """By name: `looks/noir` is the file looks/noir.yaml."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def _files(self) -> dict[str, Path]:
        """Names are those of the moment it was first asked."""
        folder = self.folder
        return {_name(path, folder): path for path in reversed(files_below(folder)) if _is_one(path)}

    def names(self) -> list[str]:
        return sorted(self._files)

    def file(self, name: str) -> Path:
        """Raises KeyError."""
        return self._files[name]

    def read(self, name: str) -> Document:
        path = self._files[name]
        try:
            return _template(path)
        except OSError as error:
            message = f"the template cannot be read: {error.strerror}."
            raise Refusal([Problem("E_READ", message, "Look at its permissions.", file=str(path))]) from None

    def unknown(self, name: str) -> tuple[str, str]:
        near = difflib.get_close_matches(name, self._files, n=1, cutoff=0.5)
        known = f"There are: {', '.join(self.names())}." if self._files else f"Put one into {self.folder}."
        return f"there is no template {name!r}.", f"Did you mean {near[0]}?" if near else known


class TemplateTexts:
    """The templates of an order as they were when it was accepted: text by name."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts

    def read(self, name: str) -> Document:
        return documents.read_documents(self._texts[name].encode(), f"{name}.yaml")[0]

    def unknown(self, name: str) -> tuple[str, str]:
        return f"the template {name!r} is not among what was recorded.", ""


def _read(data: bytes, path: Path) -> Document:
    """Raises Refusal."""
    found = documents.read_documents(data, str(path))
    if len(found) > 1:
        problem = Problem("E_TEMPLATE", "a template is one document.", "Give each a file of its own.")
        raise Refusal([found[1].locate(problem)])
    problems = schema.check(found[0], "order")
    problems = [problem for problem in problems if problem.code != MISSING_IS_FINE or problem.path]
    if problems:
        raise Refusal(problems)
    return found[0]


_template = ReadOnce(_read, documents.MOST_BYTES)


def _name(path: Path, folder: Path) -> str:
    return nfc(path.relative_to(folder).with_suffix("").as_posix())


def _is_one(path: Path) -> bool:
    hidden = path.name.startswith(".") or path.name.lower() in LITTER
    return path.suffix.lower() in ENDINGS and not hidden and path.is_file()
