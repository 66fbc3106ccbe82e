"""A project's own paper, project.yaml: written once by the program, and a person's from then on.

One key of it can be set; every other byte, comments too, stays as it is.
"""

from __future__ import annotations

import re
from pathlib import Path

from artfactoryd import documents
from artfactoryd.core.json_types import Json, Value
from artfactoryd.durable import replace_file
from artfactoryd.entries import bounded, new_mark
from artfactoryd.errors import Refusal, WrongUse

PAPER = "project.yaml"
STATUSES = ("active", "archived", "completed")
MOST_BYTES = 1 << 20


def read(folder: Path) -> Json:
    """Empty where there is none, or it cannot be understood."""
    try:
        return _understood(bounded(folder / PAPER, MOST_BYTES))
    except (OSError, Refusal):
        return {}


def set_key(folder: Path, key: str, value: str | None) -> None:
    """Raises WrongUse, with what to do, where it stands there in a way that is not to be written over."""
    path = folder / PAPER
    before = bounded(path, MOST_BYTES)
    written = documents.dump_yaml({key: value}).strip()
    line = re.compile(rf"^{key}[ \t]*:[^\n#]*?(?P<rest>[ \t]*(?:#[^\n]*)?\r?)$", re.MULTILINE)
    text = before.decode("utf-8", "surrogateescape")
    after = line.sub(lambda match: written + match["rest"], text, count=1)
    if not line.search(text):
        after = f"{text}{'' if text.endswith(chr(10)) or not text else chr(10)}{written}\n"
    data = after.encode("utf-8", "surrogateescape")
    if _told(data) != {**(_told(before) or {}), key: value}:
        raise WrongUse(f"{path} does not say {key} on a line of its own. Write it there: `{written}`.")
    if data != before:
        replace_file(path, data, new_mark())


def _told(data: bytes) -> Json | None:
    try:
        return _understood(data)
    except Refusal:
        return None


def _understood(data: bytes) -> Json:
    values: list[Value] = [document.value for document in documents.read_documents(data, PAPER)]
    return dict(values[0]) if len(values) == 1 and isinstance(values[0], dict) else {}
