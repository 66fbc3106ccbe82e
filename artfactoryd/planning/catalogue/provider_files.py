"""Model files in the words of their provider, made into models by what its factory brings for that.

One that was read is made again only when it, or a file beside it that it names, has changed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from artfactoryd.core.model import Model
from artfactoryd.documents import Document
from artfactoryd.errors import Problem, Refusal
from artfactoryd.factories import ReadsModelFile
from artfactoryd.factories.registry import model_file_reader
from artfactoryd.planning.read_once import ReadOnce

MOST_BYTES = 8 << 20  # of a file beside a model file
Entry = dict[str, Any]
Build = Callable[[Document, Entry, Path], Model]


@dataclass(frozen=True, slots=True)
class _Made:
    """What was made of a document, and of which bytes beside it; or what is wrong with it."""

    document: Document
    beside: Mapping[str, bytes]
    outcome: Model | tuple[Problem, ...]

    def model(self) -> Model:
        """Raises Refusal."""
        if isinstance(self.outcome, Model):
            return self.outcome
        raise Refusal(self.outcome)


class ProviderFiles:
    def __init__(self, build: Build) -> None:
        """`build`: a model of an entry of the catalogue. It may raise Refusal."""
        self._build = build
        self._made: dict[tuple[Path, int], _Made] = {}
        self._bytes = ReadOnce(lambda data, path: data, MOST_BYTES)
        self._door = threading.Lock()

    def model(self, document: Document, path: Path) -> Model:
        """The one that this document of a model file stands for. Raises Refusal, located in it."""
        made = self._made.get((path, document.number))
        if made is None or made.document is not document or not self._is_still_so(made, path):
            made = self._read(document, path)
            with self._door:
                self._made[path, document.number] = made
        return made.model()

    def _read(self, document: Document, path: Path) -> _Made:
        beside: dict[str, bytes] = {}

        def bytes_of(name: str) -> bytes:
            beside[name] = self._beside(path, name)
            return beside[name]

        try:
            return _Made(document, beside, self._build(document, _entry(document, path, bytes_of), path))
        except Refusal as refusal:
            return _Made(document, beside, tuple(document.locate(problem) for problem in refusal.problems))

    def _is_still_so(self, made: _Made, path: Path) -> bool:
        """What was wrong because a file was not there may be well by now."""
        try:
            is_same = all(self._beside(path, name) is data for name, data in made.beside.items())
        except OSError:
            return False
        return is_same and (bool(made.beside) or isinstance(made.outcome, Model))

    def _beside(self, path: Path, name: str) -> bytes:
        """Raises OSError; also for what would lie elsewhere."""
        if PurePath(name).is_absolute() or ".." in PurePath(name).parts:
            raise OSError("it must lie beside the model file")
        data = self._bytes(path.parent / name)
        if len(data) > MOST_BYTES:
            raise OSError(f"it is larger than {MOST_BYTES >> 20} MB")
        return data


def is_provider_s(document: Document) -> bool:
    """Whether its provider has words of its own for its model files, and brings what reads them."""
    return "schema" not in document.value and _reader(document) is not None


def _reader(document: Document) -> ReadsModelFile | None:
    """None also where what reads them cannot be loaded: the provider's factory says why."""
    provider = document.value.get("provider")
    try:
        return model_file_reader(provider) if isinstance(provider, str) else None
    except Exception:  # a stranger's code: anything
        return None


def _entry(document: Document, path: Path, beside: Callable[[str], bytes]) -> Entry:
    """Raises Refusal."""
    reader = _reader(document)
    assert reader is not None  # `is_provider_s` has said so
    try:
        return dict(reader(document.value, path.stem, beside))
    except Refusal:
        raise
    except Exception as error:  # a stranger's code again
        words = " ".join(f"{type(error).__name__}: {error}".split())
        message = f"the factory of {document.value['provider']} cannot read this file: {words}."
        fix = "Correct the file, or update what brings that factory."
        raise Refusal([Problem("E_SCHEMA", message, fix)]) from error
