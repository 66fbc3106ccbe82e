"""The entries in Held/ of orders that wait since a ledger was put back: laid there anew from what was dropped.

That one is not in Held/ tells nothing then of what a person wants: it may have been approved since.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

from artfactoryd import durable, entries
from artfactoryd.core.json_types import Json
from artfactoryd.home import Home
from artfactoryd.storage.rows import OrderRow

FILE = "held.json"  # whose entries in Held/ are; intake.claims has it beside the claims


def entry(home: Home, row: OrderRow, *others: Path) -> str:
    """Its name in Held/, where it can be laid there again; the name may be another's by now. `others`: more folders of
    claims than the home's."""
    has_claim = any((claims / row.claim).is_dir() for claims in (*others, home.claims))
    if row.held is None or not row.held_entry or not has_claim:
        return ""
    note = notes_in(home.claims).get(row.held_entry, {"claim": row.claim})
    return row.held_entry if note.get("claim") == row.claim else ""


def note(home: Home, rows: Iterable[OrderRow], *others: Path) -> None:
    """Those that do not lie there are as if they were still to be laid down. For orders with entries from `entry`."""
    here, known = notes_in(home.claims), dict[str, Json]()
    for claims in (*others, home.claims):
        known |= notes_in(claims)
    due = {row.entry: row for row in rows if row.held_entry}
    for name, row in due.items():
        was = known.get(name, {})
        here[name] = {**(was if was.get("claim") == row.claim else {}), "claim": row.claim}
        if not os.path.lexists(home.held / name) or "folder" not in here[name]:
            here[name]["folder"] = None
    if due:
        durable.make_folders(home.claims, 0o700)
        durable.write_file(home.claims / FILE, json.dumps(here).encode())


def notes_in(claims: Path) -> dict[str, Json]:
    try:
        notes = json.loads(entries.bounded(claims / FILE, entries.PAPER_BYTES))
    except (OSError, ValueError):
        return {}
    return notes if isinstance(notes, dict) else {}
