"""JSON with nothing in it that is no JSON: Python alone would write and read NaN and Infinity.

A number that is none becomes null on the way in, so that what is around it stays readable; on the way out it is an
error, before a line is written that no other program can read.

orjson does it where it comes to the same. What it would make less of is Python's: half a surrogate, a whole number of
more than 64 bits (which it reads as a fraction), and what is nested deeper than it goes. One writer has made whatever
is kept as text, so that equal values are equal texts.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping

from artfactoryd.core.json_types import Value

MOST_DIGITS = 40  # of a whole number in a provider's answer; Python reads no more than 4300 at all
LONGEST = 1 << 20  # of what is looked through for long numbers; of more of it, reading takes the time anyway
DEEPEST = 500  # openings of lists and objects in a provider's answer; with more it may be nested to make us fall
_DIGITS = bytes(ord("0") if chr(byte).isascii() and chr(byte).isdigit() else ord(" ") for byte in range(256))
_NO_NUMBERS = frozenset({str, int, bool, type(None)})  # but those that are whole
_LONG = b"0" * 19  # digits, all of them made alike: may be more than 64 bits


def data(value: Value) -> bytes:
    """One line without its break, in UTF-8, with no space that need not be there. Values of ours stand as they do in a
    ledger line. Raises ValueError where a number is not finite."""
    import orjson  # imported late: whoever only looks writes none

    return _written(value, orjson.OPT_PASSTHROUGH_DATACLASS, _compact)


def dumps(value: Value) -> str:
    """The same as text."""
    return data(value).decode()


def document(value: Value) -> bytes:
    """As a file that people read, in UTF-8: a key a line. Half a surrogate (of a file name that is no UTF-8) becomes
    its JSON escape, and so comes back. Raises ValueError where a number is not finite."""
    import orjson

    return _written(value, orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE, _indented)


def told_along(value: Mapping[str, object]) -> str:
    """For whoever reads along, one line: what JSON has no word for as its text, a number that is none as null."""
    import orjson

    try:
        return orjson.dumps(value, str).decode()
    except TypeError:  # half a surrogate, a number of more than 64 bits
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def _written(value: Value, option: int, slowly: Callable[[Value], str]) -> bytes:
    import orjson

    try:
        written = orjson.dumps(value, _in_line, option)
    except TypeError:
        return slowly(value).encode("utf-8", "backslashreplace")
    if b"null" in written and not _is_finite(value):  # a number that is none would be null as well
        _FINITE.encode(value)  # which raises of it
    return written


def _is_finite(value: Value) -> bool:
    """Whether each number in it is one. To look costs a third of what Python's writer takes."""
    if type(value) in _NO_NUMBERS:
        return True
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, str | int):
        return True
    if not isinstance(value, dict | list | tuple):
        return _is_finite(_in_line(value))
    for one in value.values() if isinstance(value, dict) else value:  # `all` takes twice as long
        if type(one) not in _NO_NUMBERS and not _is_finite(one):
            return False
    return True


def _compact(value: Value) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_in_line)


def _indented(value: Value) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2, default=_in_line) + "\n"


def _in_line(value: Value) -> Value:
    """A value of ours. Raises TypeError for what JSON has no word for."""
    to_json = getattr(value, "to_json", None)
    if to_json is None:
        raise TypeError(f"{type(value).__name__} is nothing that JSON has a word for")
    return to_json()


_FINITE = json.JSONEncoder(allow_nan=False, ensure_ascii=False, default=_in_line)


def loads(data: str | bytes | bytearray) -> Value:
    """What we wrote ourselves; earlier releases wrote NaN where a provider did. Raises ValueError, of what is too deep
    as well."""
    try:
        return _read(data, _OWN)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def loads_foreign(data: str | bytes | bytearray) -> Value:
    """What a provider wrote: `1e999` and a number of 5000 digits are none either. Raises ValueError, RecursionError."""
    text = isinstance(data, str)
    openings = data.count("[" if text else b"[") + data.count("{" if text else b"{")  # type: ignore[arg-type]
    return _read(data, _FOREIGN) if openings <= DEEPEST else _FOREIGN.decode(_decoded(data))


def _read(data: str | bytes | bytearray, slow: json.JSONDecoder) -> Value:
    import orjson

    if not _has_long(data):
        try:
            return orjson.loads(data)
        except orjson.JSONDecodeError:
            pass
    return slow.decode(_decoded(data))


def _has_long(data: str | bytes | bytearray) -> bool:
    """Whether it may have a number that orjson would read as a fraction: a third of what a regular expression takes."""
    if len(data) > LONGEST:
        return True
    text = data.encode("utf-8", "replace") if isinstance(data, str) else data
    return _LONG in text.translate(_DIGITS)


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


def _decoded(data: str | bytes | bytearray) -> str:
    if isinstance(data, str):
        return data
    return data.decode(
        "utf-8" if data[:1] == b"{" and data[1:2] not in (b"", b"\0") else json.detect_encoding(data), "surrogatepass"
    )


_OWN = json.JSONDecoder(parse_constant=_nothing)  # once: to make one costs as much as to read a line
_FOREIGN = json.JSONDecoder(parse_constant=_nothing, parse_float=_finite, parse_int=_whole)
