"""Handing a command to the daemon: a small file in `.work/commands/`, and its answer beside it.

ask()      writes ID.json and waits for ID.answer.json
waiting()  the commands not answered yet, oldest first, for whoever holds the lock
answer()   writes the answer, then takes the command away
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import uuid_utils

from artfactoryd.durable import write_file
from artfactoryd.entries import bounded
from artfactoryd.errors import WrongUse

LOOK = 0.05  # seconds between looks for an answer
PATIENCE = 30.0
MOST_BYTES = 16 << 20  # of a command or an answer
ANSWER_LASTS = 120.0  # seconds that an answer nobody fetched is kept


def command(name: str, **fields: Any) -> dict[str, Any]:
    """With an id of its own: carried out once, however often it is read."""
    return {"id": str(uuid_utils.uuid7()), "name": name, **fields}


def ask(
    folder: Path, command: Mapping[str, Any], still_there: Callable[[], bool], patience: float | None = None
) -> dict[str, Any]:
    """The daemon's answer. Raises WrongUse when it goes away or says nothing; the command stays for the next start."""
    answer = folder / f"{command['id']}.answer.json"
    write_file(folder / f"{command['id']}.json", json.dumps(command).encode())
    until = time.monotonic() + (PATIENCE if patience is None else patience)
    while True:
        gone = time.monotonic() > until or not still_there()
        if answer.exists():  # looked at last: the daemon may have answered and ended in between
            break
        if gone:
            raise WrongUse("The daemon gave no answer. The command is kept and carried out when it runs again.")
        time.sleep(LOOK)
    content: dict[str, Any] = json.loads(bounded(answer, MOST_BYTES))
    answer.unlink()
    return content


def any_there(folder: Path) -> bool:
    """Whether a look is worth it."""
    with os.scandir(folder) as entries:
        return next(entries, None) is not None


def waiting(folder: Path) -> list[dict[str, Any]]:
    """Oldest first. What cannot be read is dropped: it is not ours, and nothing a person made."""
    commands = []
    for path in sorted(folder.glob("*.json")):
        if path.name.endswith(".answer.json"):
            _forget_if_old(path)
            continue
        try:
            command = json.loads(bounded(path, MOST_BYTES))
        except OSError:
            continue  # taken away just now, or not readable just now
        except (ValueError, RecursionError):
            command = None
        if isinstance(command, dict) and isinstance(command.get("name"), str):
            commands.append({**command, "id": path.stem})
        else:
            path.unlink(missing_ok=True)
    return commands


def _forget_if_old(answer: Path) -> None:
    """Whoever asked went away before the answer came."""
    with contextlib.suppress(OSError):
        if not _is_younger(answer, ANSWER_LASTS):
            answer.unlink()


def _is_younger(path: Path, seconds: float) -> bool:
    """Also where a clock went back, and of what cannot be looked at."""
    try:
        return time.time() - path.stat().st_mtime <= seconds
    except OSError:
        return True


def answer(folder: Path, command_id: str, content: Mapping[str, Any], patience: float | None = None) -> None:
    """The answer first: killed in between, the command is read again, and only answered.

    No answer where whoever asked has given up: it would lie there. The ledger has it, should the same be asked again.
    """
    path = folder / f"{command_id}.json"
    if _is_younger(path, (PATIENCE if patience is None else patience) + LOOK):
        write_file(folder / f"{command_id}.answer.json", json.dumps(content).encode())
    path.unlink(missing_ok=True)
