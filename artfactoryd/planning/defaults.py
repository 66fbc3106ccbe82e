"""What a drop-box gives its orders where they say nothing: `defaults.yaml` in it, and `inbox.defaults` in the settings.

Texts, by where they stand, the stronger first: read when an order is taken, and fixed with its claim. They are layers
below the order and its templates (see template_resolution).
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from artfactoryd import documents, schema
from artfactoryd.core.grammar.cases import strings_in
from artfactoryd.core.inbox_rules import is_bundle, is_defaults, is_order_name
from artfactoryd.core.names import nfc
from artfactoryd.core.parameters.file_refs import is_pattern
from artfactoryd.documents import Document
from artfactoryd.entries import bounded
from artfactoryd.errors import Problem, Refusal
from artfactoryd.planning.input_patterns import fits
from artfactoryd.settings import Settings

SETTING = "inbox.defaults"
WRITTEN_OUT = re.compile(rb"# Order [0-9a-f-]{36}, accepted ")  # begins an order.resolved.yaml, which says all


class _OfSettings(Document):
    """Written out anew: lines and columns are nobody's."""

    def locate(self, problem: Problem) -> Problem:
        return problem.at(self.file, None, None)


def of_box(folder: Path, project: str, settings: Settings) -> dict[str, str]:
    """`folder`: the drop-box, whose name is `project`. Raises OSError where its file cannot be read, or is none: what
    it would have said may be a budget."""
    texts = {f"{project}/{file.name}": _text(file) for file in _files(folder)}
    for name, value in (settings.inbox.defaults or {}).items():
        if nfc(name) == project and value:
            texts[f"{SETTING}.{name}"] = documents.dump_yaml(value)
    return texts


def box_of(file: Path, inbox: Path) -> str | None:
    """The drop-box in which a file lies, by its folder's name; None where it lies in none."""
    folder = file.absolute().parent
    if folder.parent.resolve() != inbox.resolve():
        return None
    names = [entry.name for entry in folder.iterdir()]
    is_box = any(map(is_defaults, names)) or not is_bundle([name for name in names if is_order_name(name)])
    return folder.name if is_box else None


def _files(folder: Path) -> list[Path]:
    """None that is empty: an editor may be about to write it."""
    try:
        files = sorted(path for path in folder.iterdir() if is_defaults(path.name))
    except FileNotFoundError:
        return []
    for path in files:
        if path.is_symlink() or (path.exists() and not path.is_file()):
            words = f"{path.name} in it is {'a link' if path.is_symlink() else 'no file'}: put the file itself there"
            raise OSError(errno.EINVAL, words, str(path))
    return [path for path in files if path.exists() and path.stat().st_size]


def _text(file: Path) -> str:
    return bounded(file, documents.MOST_BYTES).decode("utf-8", "surrogateescape")


def layers(texts: Mapping[str, str]) -> list[Document]:
    """The stronger first. Raises Refusal with everything wrong in them."""
    layers: list[Document] = []
    problems: list[Problem] = []
    files = [name for name in texts if not name.startswith(SETTING)]
    if len(files) > 1:
        message, fix = f"there are two files of defaults: {' and '.join(files)}.", "Keep one of them."
        raise Refusal([Problem("E_DEFAULTS", message, fix, file=files[1])])
    for name, text in texts.items():
        try:
            layers.append(_layer(name, text))
        except Refusal as refusal:
            problems += refusal.problems
    if problems:
        raise Refusal(problems)
    return layers


def _layer(name: str, text: str) -> Document:
    several = documents.read_documents(text.encode("utf-8", "surrogateescape"), name)
    if len(several) > 1:
        raise Refusal([several[1].locate(Problem("E_DEFAULTS", "defaults are one document.", "Keep one of them."))])
    document = several[0]
    if name.startswith(SETTING):
        document = _OfSettings(**vars(document))
    problems = check(document)
    if problems:
        raise Refusal(problems)
    return document


def check(document: Document) -> list[Problem]:
    """They are a part of an order: what is missing is nobody's mistake."""
    return [problem for problem in schema.check(document, "order") if problem.code != "E_REQUIRED" or problem.path]


def with_prompt(document: Document) -> Document:
    """Where a lone `prompt` stands beside the keys of an order, it is the parameter."""
    parameters = document.value.get("parameters", {})
    is_lone = "prompt" in document.value and isinstance(parameters, dict) and "prompt" not in parameters
    return document.moved("prompt", "parameters") if is_lone else document


def apply_to(text: bytes) -> bool:
    """Not to an order that the program wrote out: it says everything, and makes the same items wherever it lies."""
    return WRITTEN_OUT.match(text) is None


def mention(texts: Mapping[str, str], name: str) -> bool:
    """Whether a file of that name, or folder, is one that they name, or that a pattern in them fits: it belongs to the
    drop-box, and stays there. No order is: of an order nothing can be an input."""
    return not is_order_name(name) and any(_mentions(text, nfc(name)) for text in texts.values())


def _mentions(text: str, name: str) -> bool:
    paths = _paths_in(text)
    patterns = (path for path in paths if is_pattern(path))
    return name in (paths or nfc(text)) or any(fits(name, pattern) for pattern in patterns)


@lru_cache(maxsize=64)
def _paths_in(text: str) -> frozenset[str]:
    """What is written there, as paths, with the folder that each begins with; empty of what cannot be read just now."""
    try:
        values = [one.value for one in documents.read_documents(text.encode("utf-8", "surrogateescape"), SETTING)]
    except Refusal:
        return frozenset()
    paths = [nfc(os.path.normpath(value)) for value in strings_in(*values)]
    return frozenset(part for path in paths for part in (path, path.split("/")[0], path.split("/")[-1]))
