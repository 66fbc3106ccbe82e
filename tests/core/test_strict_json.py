"""Documents that people read: what Python's own writer would write, and nothing that is no JSON."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artfactoryd.core import strict_json

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
