"""Single flight: of items that are equal, one is bought at a time, and the others wait to see what comes of it."""

from __future__ import annotations

from artfactoryd.storage.rows import ItemKey


class SingleFlight:
    """By an item's own key (what is sent for it): who may buy, and who waits. In memory alone."""

    def __init__(self) -> None:
        self._buyers: dict[str, ItemKey] = {}
        self._waiting: dict[str, set[ItemKey]] = {}

    def claim(self, key: str, item: ItemKey) -> bool:
        """Whether it is the one of its equals that may be bought; it stays so until `end` or `wait`."""
        self._waiting.get(key, set()).discard(item)
        return self._buyers.setdefault(key, item) == item

    def wait(self, key: str, item: ItemKey) -> None:
        """It gives up its claim, and waits until an equal one has ended."""
        if self._buyers.get(key) == item:
            del self._buyers[key]
        self._waiting.setdefault(key, set()).add(item)

    def end(self, key: str | None, item: ItemKey) -> set[ItemKey]:
        """Nobody works on it any more. Those that need not wait for it any longer; of one that waits itself, none."""
        if key is None or item in self._waiting.get(key, ()):
            return set()
        if self._buyers.get(key) == item:
            del self._buyers[key]
        return self._waiting.pop(key, set())
