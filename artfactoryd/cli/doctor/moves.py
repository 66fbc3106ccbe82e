"""Does what the program does with every order: a file is made, moved from folder to folder, flushed, taken away again.

Held, Rejected, Projects, the inbox and .work may be links to other volumes; that each can be written alone says little.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from artfactoryd.durable import move_new, write_file
from artfactoryd.entries import new_mark, remove, temporary_name
from artfactoryd.errors import StorageFull
from artfactoryd.home import Home
from artfactoryd.medium import flush_folder, in_words

PROBE = b"artfactoryd doctor was here, and takes this away again.\n"


def failing_moves(home: Home, inbox: Path) -> Iterator[str]:
    """A sentence for each way that is barred, and what would fail by that. Folders that are missing are passed over."""
    ways = (
        (inbox, home.claims, "an order that is dropped is not taken"),
        (home.claims, home.held, "an order that has to wait for you cannot be laid into Held"),
        (home.claims, home.rejected, "what is no order cannot be set aside in Rejected"),
        (home.work, home.projects, "what was bought cannot be put on the shelf"),
        (home.work, home.rejected, "a picture that nothing opens cannot be set aside in Rejected"),
        (home.temp, inbox, "`submit` cannot put an order into the inbox"),
    )
    for source, target, failure in ways:
        if source.is_dir() and target.is_dir() and (reason := _reason_against(source, target)):
            yield f"From {source} to {target} nothing can be moved ({reason}): {failure}."


def _reason_against(source: Path, target: Path) -> str:
    """Why a file does not get from one to the other whole and for good; empty when it does."""
    name = temporary_name("doctor", new_mark())
    here, there = source / name, target / name
    try:
        write_file(here, PROBE)
        move_new(here, there)
        flush_folder(target)
        flush_folder(source)
        return "" if there.read_bytes() == PROBE else "what arrives is not what was sent"
    except OSError as error:
        return error.strerror or in_words(error)
    except StorageFull as error:
        return str(error)
    finally:
        for probe in (here, there):
            with suppress(OSError):
                remove(probe)
