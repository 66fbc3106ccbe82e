"""Words in Held/ about orders that wait for a key: for whoever looks into folders, and at no terminal.

Nothing lies beside such a word: the order is accepted and waits for its provider. To take the word away means nothing,
and it is not written a second time. It goes by itself when there is a key, or the order is over.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from artfactoryd.core.lifecycle import UNFINISHED_ORDERS
from artfactoryd.durable import write_note
from artfactoryd.entries import PAPER_BYTES, bounded, numbered
from artfactoryd.factories import Factory, Keyed
from artfactoryd.home import Home
from artfactoryd.intake import notices
from artfactoryd.printable import paper
from artfactoryd.storage.index import Index
from artfactoryd.storage.rows import OrderRow


class KeyNotices:
    """What cannot be written just now is not: receipt and status say the same."""

    def __init__(self, home: Home, index: Index, factories: Mapping[str, Factory]) -> None:
        self._home, self._index, self._factories = home, index, factories
        self._file = home.work / "key-notices.json"
        self._names = _read(self._file)  # of the words, by order id

    def note(self, row: OrderRow) -> None:
        """An order that has just been accepted gets its word, if it waits for a key."""
        lacking = self._lacking(row)
        if lacking and row.id not in self._names:
            word = self._free(row.name if row.submission else row.file)
            text = notices.no_key_text(row, self._home.root / (row.folder or ""), lacking)
            if write_note(word, paper(text)):
                self._remember({**self._names, row.id: word.name})

    def tidy(self) -> None:
        """Words that are true no more go."""
        for order_id in [order_id for order_id in self._names if not self._still_waits(order_id)]:
            (self._home.held / self._names[order_id]).unlink(missing_ok=True)
            self._remember({id: name for id, name in self._names.items() if id != order_id})

    def _still_waits(self, order_id: str) -> bool:
        row = self._index.order(order_id)
        return row is not None and self._index.state(row) in UNFINISHED_ORDERS and bool(self._lacking(row))

    def _lacking(self, row: OrderRow) -> list[str]:
        """Of its providers, those that have no key."""
        return [name for name in dict.fromkeys(row.providers) if self._want_of_key(name)]

    def _want_of_key(self, provider: str) -> str:
        factory = self._factories.get(provider)
        return factory.want_of_key() if isinstance(factory, Keyed) else ""

    def _free(self, name: str) -> Path:
        """Beside nothing that lies there, so that nobody takes it for a word about that."""
        held = self._home.held
        entries = (held / entry for entry in numbered(name, not Path(name).suffix))
        words = ((entry, entry.with_name(f"{entry.name}.why.txt")) for entry in entries)
        return next(word for entry, word in words if not entry.exists() and not word.exists())

    def _remember(self, names: dict[str, str]) -> None:
        if write_note(self._file, json.dumps(names, ensure_ascii=False).encode()):
            self._names = names


def _read(file: Path) -> dict[str, str]:
    try:
        names = json.loads(bounded(file, PAPER_BYTES))
    except (OSError, ValueError):
        return {}
    return {str(key): Path(str(name)).name for key, name in names.items()} if isinstance(names, dict) else {}
