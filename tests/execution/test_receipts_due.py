from __future__ import annotations

from artfactoryd.execution.receipts_due import ReceiptsDue


def test_an_order_is_due_once_however_often_it_is_touched() -> None:
    due = ReceiptsDue()
    for _ in range(3):
        due.touch("a")
    due.add("b")
    assert bool(due) and sorted(due.orders) == ["a", "b"]


def test_who_watches_is_told_that_something_moved_and_of_nothing_else() -> None:
    due = ReceiptsDue()
    due.add("a", "b")
    due.add_all({"c"})
    before = due.moved.is_set()
    due.touch("a")
    assert not before and due.moved.is_set()


def test_what_happens_while_a_receipt_is_written_makes_it_due_again() -> None:
    due = ReceiptsDue()
    due.touch("a")
    due.take("a")
    before = due.orders
    due.touch("a")
    assert (before, due.orders) == ([], ["a"])


def test_the_list_does_not_grow_while_it_is_worked_through() -> None:
    due = ReceiptsDue()
    due.touch("a")
    orders = due.orders
    due.touch("b")
    assert orders == ["a"] and not ReceiptsDue()
