"""Documents that people read: what Python's own writer would write, and nothing that is no JSON."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artfactoryd.core import strict_json
from artfactoryd.core.line_values import Output

LEAVES = st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from([0.003, 1.5, -2.25, 0.0])
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12)


@given(st.dictionaries(st.text(), VALUES))
def test_a_document_is_what_python_s_own_writer_would_write(value: dict[str, Any]) -> None:
    assert strict_json.document(value) == (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()


@pytest.mark.parametrize("number", [1e-7, 1e22, 5e-324, 1.7976931348623157e308, 2**64, -(2**70), 10**60])
def test_every_number_comes_back(number: float) -> None:
    assert json.loads(strict_json.document({"a": number})) == {"a": number}


def test_half_a_surrogate_comes_back_as_it_was() -> None:
    value = {"file": "caf\udce9.png", "other": "漢字 🚗"}
    assert json.loads(strict_json.document(value)) == value


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_no_document(number: float) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        strict_json.document({"a": [{"b": number}]})


FAR = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(["caf\udce9"])
KEPT = st.recursive(LEAVES | FAR, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12)


@given(KEPT)
def test_what_is_written_comes_back_as_it_was_however_it_is_read(value: Any) -> None:
    line = strict_json.data(value)
    assert b"\n" not in line and strict_json.dumps(value) == line.decode()
    for read in (strict_json.loads, strict_json.loads_foreign):
        assert [repr(read(form)) for form in (line, bytearray(line), line.decode())] == [repr(value)] * 3


ODD = [
    "18446744073709551616", "-9223372036854775809", "-80241446968629135069",
    '"\\ud83d"', "0.1e-7", "-0", "-0.0", '{"a": 1, "a": 2}',
    " [1 , 2.50]\n", '"\\u0000"', "12345678901234567890.5",
]  # fmt: skip


@pytest.mark.parametrize("written", ODD)
def test_everything_is_read_as_python_reads_it(written: str) -> None:
    for read in (strict_json.loads, strict_json.loads_foreign):
        assert repr(read(written.encode())) == repr(json.loads(written))


@pytest.mark.parametrize("written", ["[1] 2", "{'a': 1}", "", "[1,]", "\x01", '"\n"', "01", "nul"])
def test_what_is_no_json_is_an_error_as_it_is_to_python(written: str) -> None:
    for read in (strict_json.loads, strict_json.loads_foreign):
        with pytest.raises(ValueError, match=r"line [12]"):
            read(written)


def test_what_is_nested_to_make_us_fall_is_refused_whatever_reads_it() -> None:
    deep = "[" * 1020 + "]" * 1020
    with pytest.raises(RecursionError):
        strict_json.loads_foreign(deep)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_in_no_line(number: float) -> None:
    for value in (number, [None, {"b": (1, number)}], Output("a", 1, "b", "c", None, bytes=number)):  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="JSON compliant"):
            strict_json.data(value)


def test_a_value_of_ours_stands_in_text_as_it_does_in_a_line() -> None:
    output = Output("a", 1, "b", "2026", None)
    assert strict_json.data([output]) == b'[{"id":"a","index":1,"address":"b","created_at":"2026","mime":null}]'
    with pytest.raises(TypeError):
        strict_json.data(object())
