"""Where an order file came from: what its content does not say."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from artfactoryd.core.inbox_rules import BUNDLE_NAMES, is_bundle, is_order_name
from artfactoryd.planning.remake import Again

MOST_SHOWN = 3  # of the orders in a folder


def name_of(file: Path) -> str:
    """What a file gives its order as name: its own, or that of the bundle whose order it is."""
    if file.name.lower() not in BUNDLE_NAMES:
        return file.stem
    folder = file.absolute().parent
    return folder.name if is_bundle([each.name for each in folder.iterdir() if is_order_name(each.name)]) else file.stem


def instead_of_folder(command: str, folder: Path) -> str:
    """What to give a command that takes an order's file, where a folder was given."""
    try:
        orders = sorted(path for path in folder.iterdir() if path.is_file() and is_order_name(path.name))
    except OSError as error:
        return f"{folder} is a folder that cannot be read ({error.strerror})."
    if not orders:
        return f"{folder} is a folder without an order in it. Give a .yaml, .yml or .json file."
    shown = [f"`artfactoryd {command} {shlex.quote(str(path))}`" for path in orders[:MOST_SHOWN]]
    more = f" and {len(orders) - MOST_SHOWN} more" if len(orders) > MOST_SHOWN else ""
    return f"{folder} is a folder. Give the order that is in it: {', '.join(shown)}{more}."


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
