"""What is answered to a command, in words."""

from __future__ import annotations

from artfactoryd.daemon import answers


def test_what_may_have_been_charged_is_told_by_its_reasons_with_the_sum_at_stake() -> None:
    left, reasons = {2: 3_000, 5: 3_000, 7: 4_000}, {2: "sent", 5: "sent", 7: "lost"}
    assert list(answers._at_risk(left, reasons)) == [
        "\n  2 items, the first of them 2, up to $0.006: sent", "\n  item 7, up to $0.004: lost"
    ]  # fmt: skip
    many = list(answers._at_risk(dict.fromkeys(range(50), 1), {number: str(number // 2) for number in range(50)}))
    assert len(many) == 21 and many[-1] == "\n  and 10 more"
