"""JSON with nothing in it that is no JSON: Python alone would write and read NaN and Infinity.

A number that is none becomes null on the way in, so that what is around it stays readable; on the way out it is an
error, before a line is written that no other program can read.
"""

from __future__ import annotations

import json
import math

from artfactoryd.core.json_types import Value

MOST_DIGITS = 40  # of a whole number in a provider's answer; Python reads no more than 4300 at all


def dumps(value: Value, *, indent: int | None = None, separators: tuple[str, str] | None = None) -> str:
    """Raises ValueError where a number is not finite."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent, separators=separators)


def document(value: Value) -> bytes:
    """As a file that people read, in UTF-8: a key a line. Half a surrogate (of a file name that is no UTF-8) becomes
    its JSON escape, and so comes back. Raises ValueError where a number is not finite."""
    import orjson  # imported late: whoever only looks writes none

    dumps(value)  # orjson would write null for a number that is none
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # half a surrogate, a number of more than 64 bits
        return (dumps(value, indent=2) + "\n").encode("utf-8", "backslashreplace")


def loads(data: str | bytes | bytearray) -> Value:
    """What we wrote ourselves; earlier releases wrote NaN where a provider did. Raises ValueError, of what is too deep
    as well."""
    try:
        return _OWN.decode(data if isinstance(data, str) else _decoded(data))
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def loads_foreign(data: str | bytes | bytearray) -> Value:
    """What a provider wrote: `1e999` and a number of 5000 digits are none either. Raises ValueError, RecursionError."""
    return _FOREIGN.decode(data if isinstance(data, str) else _decoded(data))


def told(value: Value) -> Value:
    """What a factory hands on, as it can be written: with null for every number that is none."""
    return loads_foreign(json.dumps(value))


def _nothing(text: str) -> None:
    return None


def _finite(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def _whole(text: str) -> int | None:
    return int(text) if len(text) <= MOST_DIGITS else None


def _decoded(data: bytes | bytearray) -> str:
    return data.decode(
        "utf-8" if data[:1] == b"{" and data[1:2] not in (b"", b"\0") else json.detect_encoding(data), "surrogatepass"
    )


_OWN = json.JSONDecoder(parse_constant=_nothing)  # once: to make one costs as much as to read a line
_FOREIGN = json.JSONDecoder(parse_constant=_nothing, parse_float=_finite, parse_int=_whole)
