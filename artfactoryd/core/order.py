"""The order document as a value."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from artfactoryd.errors import Problem

UNSORTED = "unsorted"
LONGEST_PROJECT = 100  # characters; 4 bytes each still leave room for the folder's name


@dataclass(frozen=True, slots=True)
class Order:
    """One accepted YAML document. Never changed afterwards."""

    name: str
    project: str
    provider: str
    model: str
    parameters: Mapping[str, Any]
    seed: int | None = None
    budget: str | None = None  # US dollars as written
    price: Mapping[str, Any] | None = None
    priority: int = 0
    tags: tuple[str, ...] = ()
    notes: str = ""
    validate: bool = True
    rehearse: bool = False
    problems: tuple[Problem, ...] = field(default=())


def read_order(value: Mapping[str, Any], *, name: str, project: str | None, rehearse: bool = False) -> Order:
    """Of a document already checked against schemas/order.schema.json.

    `name` is what the file suggests, `project` what the drop-box suggests; the document's own
    words win. `problems` holds what the schema cannot say.
    """
    chosen = str(value.get("project") or value.get("project_id") or project or UNSORTED)
    key = "project" if "project" in value else "project_id"
    budget = value.get("budget")
    return Order(
        name=unicodedata.normalize("NFC", str(value.get("name") or name)),
        project=unicodedata.normalize("NFC", chosen),
        provider=value["provider"], model=str(value["model"]), parameters=value["parameters"],
        seed=value.get("seed"), budget=None if budget is None else str(budget), price=value.get("price"),
        priority=int(value.get("priority", 0)), tags=tuple(value.get("tags") or ()), notes=str(value.get("notes") or ""),
        validate=value.get("validate", True), rehearse=bool(value.get("rehearse", False)) or rehearse,
        problems=tuple(project_problems(chosen, key)),
    )  # fmt: skip


def project_problems(name: str, key: str) -> list[Problem]:
    """A project's name is a folder's name, on every disk and in Finder."""

    def bad(message: str, fix: str) -> list[Problem]:
        return [Problem("E_PROJECT", message, fix, path=(key,))]

    if any(unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp") for each in name):
        return bad("a project's name cannot hold control characters or line breaks.", "Write it on one plain line.")
    if set(name) & set('/\\:'):
        return bad(f"a project's name cannot hold / \\ or : and {name!r} does.", f"Try {_safer(name)!r}.")
    if name != name.strip() or name.startswith(".") or name.endswith("."):
        return bad(f"the name {name!r} begins or ends with a blank or a dot.", f"Try {_safer(name)!r}.")
    if len(name) > LONGEST_PROJECT or len(name.encode()) > 200:
        return bad(f"a project's name has at most {LONGEST_PROJECT} characters and this has {len(name)}.", "Shorten it.")
    return []


def _safer(name: str) -> str:
    kept = "".join("-" if each in "/\\:" else each for each in name).strip(" .-")
    return kept or "my-project"
