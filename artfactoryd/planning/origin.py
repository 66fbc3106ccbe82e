"""Where an order file came from: what its content does not say."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from artfactoryd.core.inbox_rules import (
    BUNDLE_NAMES,
    DOCUMENT,
    OWN_PAPERS,
    RESOLVED,
    Word,
    is_bundle,
    is_defaults,
    is_junk,
    is_order_folder,
    is_order_name,
    no_order,
    stray_file,
)
from artfactoryd.entries import words_in
from artfactoryd.errors import WrongUse
from artfactoryd.planning.remake import Again

MOST_SHOWN = 3  # of the orders in a folder
_OF_AN_ORDER = re.compile(r"^(?:\{|---)?[ \t]*[\"']?(?:model|models|template|parameters)[\"']?[ \t]*:", re.M)
_OF_ANOTHER = re.compile(r"[\"']software[\"']\s*:|^schema:", re.M)  # a sidecar, a file of a model


def name_of(file: Path) -> str:
    """What a file gives its order as name: its own, or that of the bundle whose order it is."""
    if file.name.lower() not in BUNDLE_NAMES:
        return file.stem
    folder = file.absolute().parent
    return folder.name if is_bundle([each.name for each in folder.iterdir() if is_order_name(each.name)]) else file.stem


def order_file(command: str, given: Path) -> Path:
    """The order's file that a command is given: itself, or as its folder, which the inbox would take as one order.

    Raises WrongUse for what is no order, with the inbox's own words about it."""
    if given.is_dir():
        if (inside := _order_of_bundle(given)) is None:
            raise WrongUse(instead_of_folder(command, given))
        return inside
    if given.is_file() and (word := stray_word(given)):
        raise WrongUse(no_order(str(given), word))
    return given


def stray_word(file: Path) -> Word | None:
    """What a file is that is no order; a link here means what it leads to."""
    if is_defaults(file.name):
        what = f"what orders in {file.absolute().parent.name} may leave out"
        return Word(what, "Name an order there, or one elsewhere with `plan --box NAME`.", False)
    return stray_file(file.name, "file", file.stat().st_size)


def _order_of_bundle(folder: Path) -> Path | None:
    try:
        names = [name for name in os.listdir(folder) if not is_junk(name)]
    except OSError:
        return None
    if is_order_folder(names):
        return None  # one that has lain on the shelf: whether that is wanted again, only its order's file says
    orders = [name for name in names if is_order_name(name)]
    return folder / orders[0] if is_bundle(orders) and not any(map(is_defaults, names)) else None


def instead_of_folder(command: str, folder: Path) -> str:
    """What to give a command that takes an order's file, where a folder was given."""
    try:
        orders = _orders_in(folder) or [path for below in _folders_in(folder) for path in _orders_in(below)]
    except OSError as error:
        return f"{folder} is a folder that cannot be read ({error.strerror})."
    if not orders:
        return f"{folder} is a folder without an order in it. Give a .yaml, .yml or .json file."
    shown = [f"`artfactoryd {command} {shlex.quote(str(path))}`" for path in orders[:MOST_SHOWN]]
    more = f" and {len(orders) - MOST_SHOWN} more" if len(orders) > MOST_SHOWN else ""
    return f"{folder} is a folder. Give the order that is in it: {', '.join(shown)}{more}."


def _orders_in(folder: Path) -> list[Path]:
    """What may be an order by its name and, at a glance, by its text: no settings, no sidecars, no papers of ours."""
    names = sorted(path.name for path in folder.iterdir() if path.is_file())
    if is_order_folder(names):
        return [folder / DOCUMENT] if DOCUMENT in names else [folder / RESOLVED]
    orders = [
        name for name in names if is_order_name(name) and not is_junk(name) and name not in OWN_PAPERS - {DOCUMENT}
    ]
    return [folder / name for name in orders if name.lower() in BUNDLE_NAMES or _reads_as_order(folder / name)]


def _folders_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _reads_as_order(path: Path) -> bool:
    try:
        head = words_in(path)
    except OSError:
        return False
    return len(_OF_AN_ORDER.findall(head)) > 0 and not _OF_ANOTHER.search(head)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a file came from, as far as its content does not say."""

    file: str  # name for messages
    stem: str  # name of the order
    project: str | None = None  # of the drop-box
    rehearse: bool = False
    folder: Path | None = None  # where the pictures it names lie
    kept: Path | None = None  # where those from elsewhere are kept; None: nowhere
    again: Again | None = None  # the sidecar that it is made of
    defaults: Mapping[str, str] = field(default_factory=dict)  # texts of the drop-box's, by where they stand
    copy_of: str | None = None  # the order whose own folder this is, in words
    agent: str = ""  # who hands it in; empty of a person's
