from __future__ import annotations

from artfactoryd.storage.writing.recent import MOST, Recent


def test_a_row_is_read_once_until_a_commit_changes_it_or_nobody_knows_what_it_changed() -> None:
    recent, reads = Recent(), list[str]()

    def row(key: str) -> str:
        return recent.row(key, lambda: reads.append(key) or key)  # type: ignore[func-returns-value]

    assert [row("a"), row("a"), row("b")] == ["a", "a", "b"] and reads == ["a", "b"]
    recent.forget({"a"})
    assert [row("a"), row("b")] == ["a", "b"] and reads == ["a", "b", "a"]
    recent.forget(None)
    assert row("b") == "b" and reads == ["a", "b", "a", "b"]


def test_what_was_read_while_a_commit_came_is_not_remembered() -> None:
    recent, seen = Recent(), ["before"]

    def read() -> str:
        was = seen[-1]
        seen.append("after")
        recent.forget({"other"})
        return was

    assert recent.row("a", read) == "before"
    assert recent.row("a", lambda: seen[-1]) == "after"


def test_only_so_many_rows_are_remembered() -> None:
    recent, reads = Recent(), list[int]()
    for number in range(MOST + 1):
        recent.row(number, lambda: None)
    recent.forget({-1})
    recent.row(1, lambda: reads.append(1))
    assert reads == [1]
