"""What lies in the inbox and waits to be taken. A folder with nothing in it waits for nothing: it is a drop-box."""

from __future__ import annotations

from pathlib import Path

from artfactoryd.core import inbox_rules
from artfactoryd.entries import listing, readable


def names_waiting(inbox: Path) -> list[str]:
    """In their order; none of an inbox that cannot be looked into."""
    try:
        entries = [entry for entry in listing(inbox) if not inbox_rules.is_junk(entry.name)]
    except OSError:
        return []
    return sorted(readable(entry.name) for entry in entries if not is_empty_dropbox(entry.path))


def problem(inbox: Path) -> str:
    """Why nothing can be taken from it just now; empty when it can."""
    try:
        next(listing(inbox), None)
    except OSError as error:
        what = "is a file" if inbox.is_file() else f"cannot be looked into ({error.strerror})"
        return f"{inbox} {what}: no order is taken from it until it is a folder that can be read."
    return ""


def names_left_alone(inbox: Path) -> list[str]:
    """Of files there, or in a folder there, whose name begins with a dot and ends as an order's."""
    names = []
    for folder in (inbox, *_folders(inbox)):
        try:
            hidden = [entry.path for entry in listing(folder) if inbox_rules.is_hidden_order(entry.name)]
        except OSError:
            continue
        names += [readable(str(path.relative_to(inbox))) for path in hidden]
    return sorted(names)


def _folders(inbox: Path) -> list[Path]:
    try:
        entries = [entry for entry in listing(inbox) if not inbox_rules.is_junk(entry.name)]
    except OSError:
        return []
    return [entry.path for entry in entries if entry.path.is_dir() and not entry.path.is_symlink()]


def is_empty_dropbox(path: Path) -> bool:
    """A folder in the inbox that holds nothing, or only what is passed over."""
    try:
        inside = [entry.name for entry in listing(path)] if path.is_dir() and not path.is_symlink() else None
    except OSError:
        return False
    return (
        inside is not None
        and all(map(inbox_rules.is_junk, inside))
        and inbox_rules.stray_folder(path.name, inside) is None
    )
