"""`remake --set NAME=VALUE`: a product's sidecar that asks for something else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from artfactoryd import documents
from artfactoryd.core import strict_json
from artfactoryd.core.json_types import Json, Value
from artfactoryd.core.sidecar_again import with_values
from artfactoryd.durable import copy, make_folders, write_file
from artfactoryd.entries import new_mark, remove
from artfactoryd.errors import Refusal, WrongUse
from artfactoryd.home import Home
from artfactoryd.printable import one_line


@contextmanager
def asked_with(home: Home, card: Path, whole: Json, changes: Sequence[str]) -> Iterator[Path]:
    """What is submitted: the sidecar, or one of its name with other values, beside the pictures among these."""
    if not changes:
        yield card
        return
    values, pictures = dict[str, Value](), dict[Path, None]()
    for change in changes:
        name, value = _read(change)
        if isinstance(value, str) and _is_input(whole, name) and Path(value).is_file():
            pictures[Path(value).absolute()] = None
            value = Path(value).name
        values[name] = value
    try:
        varied = with_values(whole, values)
    except ValueError as error:
        raise WrongUse(f"There is no such place: {error}.") from error
    folder = home.temp / f"varied-{new_mark()}"
    make_folders(folder)
    try:
        write_file(folder / card.name, strict_json.document(varied))
        for picture in pictures:
            copy(picture.resolve(), folder / picture.name)
        yield folder / card.name
    finally:
        remove(folder)


def _read(change: str) -> tuple[str, Value]:
    name, sign, text = change.partition("=")
    if not (sign and name.strip()):
        raise WrongUse(f"{one_line(change)} sets nothing. Write NAME=VALUE: `--set steps=8`.")
    if not text.strip():
        return name.strip(), text
    try:
        (document,) = documents.read_documents(f"value: {text}\n".encode(), "--set")
    except Refusal as refusal:
        problem = refusal.problems[0]
        words = f"{problem.message} {problem.fix}".strip()
        raise WrongUse(f"The value of {one_line(name)} cannot be read as YAML: {words}") from refusal
    return name.strip(), document.value["value"]


def _is_input(whole: Json, name: str) -> bool:
    return any(f"{known['parameter']}.".startswith(f"{name}.") for known in whole["inputs"])
