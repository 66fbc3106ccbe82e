from __future__ import annotations

from artfactoryd.errors import IllegalMove
from artfactoryd.storage.writing.moves import NOTHING, Move, touched


def test_a_move_that_failed_and_a_change_of_unknown_reach_touch_all() -> None:
    known, failed, unknown = Move(touches=frozenset({"a"})), Move(touches=NOTHING), Move(change=lambda index: None)
    failed.settle(IllegalMove("no"))
    assert touched([known, Move(touches=frozenset({"b"}))]) == {"a", "b"}
    assert touched([known, failed]) is None and touched([known, unknown]) is None
