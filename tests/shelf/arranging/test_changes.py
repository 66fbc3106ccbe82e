"""What a person changed in a collection's folder, decided from what was put there and what lies there."""

from __future__ import annotations

import pytest

from artfactoryd.shelf.arranging.changes import Came, Change, Edited, Left, Put, Renamed, Seen, changes

A, B = Put("c/a.png", "A", 9, 1), Put("c/b.png", "B", 9, 2)
CASES: list[tuple[str, list[Put], list[Seen], list[Change]]] = [
    ("nothing", [A], [Seen("c/a.png", 9, 1, "A")], []),
    ("a picture came", [A], [Seen("c/a.png", 9, 1), new := Seen("c/new.png", 5, 7)], [Came(new)]),
    ("one was taken out", [A, B], [Seen("c/b.png", 9, 2)], [Left(A, True)]),
    ("all were", [A, B], [], [Left(A, True), Left(B, True)]),
    ("a copy of one still lies there", [A, Put("c/a 2.png", "A", 9, 1)], [Seen("c/a 2.png", 9, 1)], [Left(A, False)]),
    ("one was edited in place", [A], [edited := Seen("c/a.png", 8, 5, "A")], [Edited(edited, A)]),
    ("only its time is another", [A], [touched := Seen("c/a.png", 9, 5, "A")], [Edited(touched, A)]),
    ("one was renamed", [A], [renamed := Seen("c/x.png", 9, 1, "A")], [Renamed(renamed, A)]),
    ("two changed their names", [A, Put("c/b.png", "B", 9, 1)],
     [one := Seen("c/a.png", 9, 1, "B"), Seen("c/b.png", 9, 1, "A")], []),
    ("without ids, by size and time", [A, B], [x := Seen("c/x.png", 9, 2), Seen("c/a.png", 9, 1)], [Renamed(x, B)]),
    ("another's id is no rename", [A], [other := Seen("c/x.png", 9, 1, "B")], [Came(other), Left(A, True)]),
    ("saved under a new name", [A], [saved := Seen("c/x.png", 8, 5, "A")], [Came(saved), Left(A, False)]),
]  # fmt: skip


@pytest.mark.parametrize(("put", "lying", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_was_changed_follows_from_what_was_put_and_what_lies_there(
    put: list[Put], lying: list[Seen], expected: list[Change]
) -> None:
    assert changes(put, lying) == expected
