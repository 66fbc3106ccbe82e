"""What was put in is told inside, in whatever form another program has written it since."""

from __future__ import annotations

from hashlib import sha256

from hypothesis import given, settings
from hypothesis import strategies as st

from artfactoryd.core.inside.undo import Edit, restored, spliced, told, written_down

PRODUCT = "0193b3a0-0000-7000-8000-000000000001"


@settings(max_examples=30)
@given(st.binary(max_size=60), st.lists(st.tuples(st.integers(0, 60), st.integers(0, 4), st.binary(max_size=5))))
def test_edits_of_any_bytes_are_undone(data: bytes, steps: list[tuple[int, int, bytes]]) -> None:
    edits, at = [], 0
    for begins, length, put in sorted(steps):
        begins = max(at, min(begins, len(data)))
        at = min(len(data), begins + length)
        edits.append(Edit(begins, at, put))
    head = f'artfactoryd:OriginalSHA256="{sha256(data).hexdigest()}" artfactoryd:Undo="'
    length = len(written_down(data, [*edits, Edit(len(data), len(data), b"")]))
    tail = (head + "0" * length + '"').encode()
    undo = written_down(data, [*edits, Edit(len(data), len(data), tail)])
    whole = b"".join(spliced(data, [*edits, Edit(len(data), len(data), tail.replace(b"0" * length, undo.encode()))]))
    assert restored(whole) == data
    assert restored(whole + b"!") is None and restored(data) is None


def test_what_another_program_has_written_anew_is_known_still() -> None:
    original = "ab" * 32
    for form in ('artfactoryd:{0}="{1}"', "<artfactoryd:{0}>{1}</artfactoryd:{0}>"):
        inside = "".join(form.format(*pair) for pair in (("Product", PRODUCT), ("OriginalSHA256", original)))
        assert told(f"xmlns:artfactoryd=urn:artfactoryd:xmp# {inside}".encode()) == (PRODUCT, original)
    assert told(b"artfactoryd:Product=none") is None and told(b"") is None


def test_steps_that_nobody_wrote_undo_nothing() -> None:
    for steps in ("", "1", "0000000005.00000001.", "-1.1.", "0000000000.00000001.zz", "9.9.9.9", "5.1. 0.1."):
        assert restored(f'artfactoryd:OriginalSHA256="{"0" * 64}" artfactoryd:Undo="{steps}"'.encode()) is None
