"""Handing a command to the daemon: a small file in `.work/commands/`, and its answer beside it.

    ask()      writes ID.json and waits for ID.answer.json
    waiting()  the commands not answered yet, oldest first, for whoever holds the lock
    answer()   writes the answer, then takes the command away
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import uuid_utils

from artfactoryd.durable import write_file
from artfactoryd.errors import WrongUse

LOOK = 0.05  # seconds between looks for an answer
PATIENCE = 30.0


def command(name: str, **fields: Any) -> dict[str, Any]:
    return {"id": str(uuid_utils.uuid7()), "name": name, **fields}


def ask(folder: Path, asked: Mapping[str, Any], still_there: Callable[[], bool]) -> dict[str, Any]:
    """The daemon's answer. Raises WrongUse when it goes away or says nothing; the command stays for the next start."""
    answer = folder / f"{asked['id']}.answer.json"
    write_file(folder / f"{asked['id']}.json", json.dumps(asked).encode())
    until = time.monotonic() + PATIENCE
    while not answer.exists():
        if time.monotonic() > until or not still_there():
            raise WrongUse("The daemon gave no answer. The command is kept and carried out when it runs again.")
        time.sleep(LOOK)
    found: dict[str, Any] = json.loads(answer.read_text())
    answer.unlink()
    return found


def waiting(folder: Path) -> list[dict[str, Any]]:
    found = []
    for path in sorted(folder.glob("*.json")):
        if path.name.endswith(".answer.json") or path.name.startswith("."):
            continue
        try:
            asked = json.loads(path.read_text())
            found.append({"id": path.stem, **asked})
        except (OSError, ValueError):
            path.unlink(missing_ok=True)  # not ours, and nothing a person made
    return found


def answer(folder: Path, command_id: str, given: Mapping[str, Any]) -> None:
    write_file(folder / f"{command_id}.answer.json", json.dumps(given).encode())
    (folder / f"{command_id}.json").unlink(missing_ok=True)
