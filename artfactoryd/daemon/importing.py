"""Products that were imported: their files and sidecars lie on the shelf already, and the index is told of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from artfactoryd import schema
from artfactoryd.core.json_types import Document
from artfactoryd.core.names import counted
from artfactoryd.daemon.answers import Answer, yes
from artfactoryd.execution.shelving.later import LaterLook
from artfactoryd.home import Home
from artfactoryd.shelf.reading import read_sidecar
from artfactoryd.shelf.sidecars import product_of
from artfactoryd.storage import derived, told
from artfactoryd.storage.writer import Books


async def take_in(books: Books, home: Home, later: LaterLook, command: Mapping[str, Any]) -> Answer:
    """`cards`: paths of sidecars in the home. What is none, or of a product that is not there, is passed over. They are
    looked at later, as what is made here is."""
    cards = await asyncio.to_thread(_read, home, [str(card) for card in command.get("cards") or ()])
    if cards:
        await books.note(partial(derived.take_in, sidecars=tuple(cards)))  # their sidecars are on the shelf: no line
        later.wake()
    return yes(f"{counted(len(cards), 'product')} imported.", products=[card["id"] for card, _ in cards])


def _read(home: Home, cards: Sequence[str]) -> list[tuple[Document, str]]:
    there = list[tuple[Document, str]]()
    for path in map(Path, cards):
        if path.is_absolute() or ".." in path.parts or path.parts[:1] != (home.projects.name,):
            continue
        with suppress(OSError, ValueError, KeyError, TypeError):
            card, product = read_sidecar(home.root / path), product_of(home.root / path)
            if told.is_imported(card) and product.is_file() and not schema.check_mapping(card, "sidecar"):
                there.append((card, str(product.relative_to(home.root))))
    return there
