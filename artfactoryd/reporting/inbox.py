"""What lies in the inbox and waits to be taken. A folder with nothing in it waits for nothing: it is a drop-box."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from artfactoryd.core import inbox_rules
from artfactoryd.core.inbox_rules import WAITING_NOTE, Word
from artfactoryd.core.names import counted
from artfactoryd.entries import Entry, listing, open_by, readable, words_in

WAITS = "waits.txt"  # in a claim's folder: what it waits for, in words
LEFT_BEHIND = "is what an editor left behind, which has nothing open any more: it may be removed"
MINUTE = "waits up to a minute for an order that names it; alone it is"


def names_waiting(inbox: Path) -> list[str]:
    """In their order; none of an inbox that cannot be looked into."""
    try:
        entries = [entry for entry in listing(inbox) if not inbox_rules.is_junk(entry.name)]
    except OSError:
        return []
    return sorted(readable(entry.name) for entry in entries if not is_empty_dropbox(entry.path))


def orders_waiting(inbox: Path, claims: Path) -> dict[str, str]:
    """Orders that are taken, or looked at, and wait for a file that they name, or for room: why, by file name."""
    waiting = {}
    for folder in (inbox, *_folders(inbox)):
        entries = _entries(folder)
        for name in entries:
            dropped = name.removesuffix(WAITING_NOTE)
            if dropped in entries and name.endswith(WAITING_NOTE):  # a bundle; what is taken has a claim
                waiting[_named(entries[dropped], inbox)] = _words(folder / name)
    for claim in claims.glob("[!.]*"):
        words = claim / WAITS
        if words.is_file():
            waiting |= {readable(path.name): _words(words) for path in (claim / "dropped").glob("*")}
    return waiting


def _words(file: Path) -> str:
    """As one line, without the heading."""
    try:
        text = words_in(file).strip()
    except OSError:
        return ""
    return " ".join(text.rpartition("\n\n")[2].split())


def lying(inbox: Path) -> dict[str, str]:
    """What lies there and is not taken just now, though it is quiet: what is open in an editor, what is no order, and
    what an editor has left behind. `NAME WHY` reads as it stands."""
    told: dict[str, str] = {}
    entries = _entries(inbox)
    beside = _companions(entries)
    for entry in _not_junk(entries):
        if entry.kind == "folder":
            told |= _lying_in(entry, inbox)
        elif words := _why_lying(entry, beside):
            told[_named(entry, inbox)] = words
    return {**told, **{_named(entry, inbox): LEFT_BEHIND for entry in beside.values() if _is_left_behind(entry)}}


def _lying_in(box: Entry, inbox: Path) -> dict[str, str]:
    entries = _entries(box.path)
    inside = _not_junk(entries)
    orders = [entry.name for entry in inside if inbox_rules.is_order_name(entry.name)]
    if inbox_rules.is_order_folder(entries) or inbox_rules.stray_folder(box.name, [*entries]):
        return {}
    if not orders and not any(map(inbox_rules.is_defaults, entries)) and inside:
        word = inbox_rules.orderless(counted(len(inside), "thing"), False, [_word(entry) for entry in inside])
        return {_named(box, inbox): f"{MINUTE} {word.what}"}
    is_bundle = inbox_rules.is_bundle(orders) and not any(map(inbox_rules.is_defaults, entries))
    told, beside = {}, _companions(entries)
    for entry in inside:
        words = _why_lying(entry, beside)
        if words and (entry.name in orders or not is_bundle):
            told[_named(box if is_bundle else entry, inbox)] = words
    return told


def _why_lying(entry: Entry, beside: Mapping[str, Entry]) -> str:
    for name in inbox_rules.companions(entry.name, beside):
        if open_by(beside[name], beside[name].age):
            return f"is open in an editor ({readable(name)} lies beside it), and is taken when it is closed there"
    word = _word(entry)
    return f"{MINUTE} {word.what}" if word is not None and word.may_belong else ""


def _is_left_behind(entry: Entry) -> bool:
    return entry.kind != "folder" and not open_by(entry, entry.age)


def _word(entry: Entry) -> Word | None:
    return inbox_rules.stray_file(entry.name, entry.kind, entry.status.st_size)


def _named(entry: Entry, inbox: Path) -> str:
    return readable(str(entry.path.relative_to(inbox)))


def _entries(folder: Path) -> dict[str, Entry]:
    """By name; none of a folder that cannot be looked into."""
    try:
        return {entry.name: entry for entry in listing(folder)}
    except OSError:
        return {}


def _companions(entries: Mapping[str, Entry]) -> dict[str, Entry]:
    return {name: entry for name, entry in entries.items() if inbox_rules.is_companion(name)}


def _not_junk(entries: Mapping[str, Entry]) -> list[Entry]:
    return [entry for name, entry in sorted(entries.items()) if not inbox_rules.is_junk(name)]


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
    """A folder in the inbox that holds nothing, only what is passed over, or its defaults."""
    try:
        inside = [entry.name for entry in listing(path)] if path.is_dir() and not path.is_symlink() else None
    except OSError:
        return False
    return (
        inside is not None
        and all(inbox_rules.is_junk(name) or inbox_rules.is_defaults(name) for name in inside)
        and inbox_rules.stray_folder(path.name, inside) is None
    )
