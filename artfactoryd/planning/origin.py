"""Where an order file came from: what its content does not say."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from artfactoryd.core.inbox_rules import BUNDLE_NAMES, is_bundle, is_order_name
from artfactoryd.planning.remake import Again


def name_of(file: Path) -> str:
    """What a file gives its order as name: its own, or that of the bundle whose order it is."""
    if file.name.lower() not in BUNDLE_NAMES:
        return file.stem
    folder = file.absolute().parent
    return folder.name if is_bundle([each.name for each in folder.iterdir() if is_order_name(each.name)]) else file.stem


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
    copy_of: str | None = None  # the order whose own folder this is, in words
