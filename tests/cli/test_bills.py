"""What `spend --check` says."""

from __future__ import annotations

from artfactoryd.cli.upkeep.bills import MOST_TOLD, BillsDocument, BillsOfProvider, Difference, text

SINCE = "2026-09-01T12:00:00Z"


def test_what_was_billed_otherwise_is_told_call_by_call_and_what_nobody_tells_in_words() -> None:
    dear = Difference("0192a3c5e71b2f00", "cars", 1, "r-1", 0.003, 0.003, 0.5)
    doubt = Difference("0192a3c5e71b2f00", "cars", 2, "r-2", None, 0.003, 0.003)
    fal = BillsOfProvider("fal", 70, 60, 0.18, 0.68, [dear, doubt, *[dear] * MOST_TOLD])
    other = BillsOfProvider("replicate", 0, 0, 0.0, 0.0, [], "replicate tells no program what it billed.")
    said = text(BillsDocument(SINCE, [fal, other])).splitlines()
    assert said[0] == "fal: 70 calls of 90 days, 60 of them billed so far: $0.68 billed, $0.18 booked here"
    assert said[1] == "  cars (0192a3c5e71b2), item 1: $0.50 billed, $0.003 booked"
    assert said[2] == "  cars (0192a3c5e71b2), item 2: $0.003 billed, $0.003 set aside"
    assert said[-3] == "  … and 2 more (--json tells of all)" and said[-2].startswith("  Nothing was changed.")
    assert said[-1] == "replicate: replicate tells no program what it billed."
    same = BillsOfProvider("fal", 1, 1, 0.003, 0.003, [])
    assert text(BillsDocument(SINCE, [same])).endswith("Each is booked as it was billed.")
    assert text(BillsDocument(SINCE, [])) == "Nothing was bought since 2026-09-01."
