"""Micro-dollars: read from US dollars, and written as them."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

MICRO = Decimal(1_000_000)  # micro-dollars in a dollar
_MILL, _CENT, _DIME = 1_000, 10_000, 100_000  # in micro-dollars


def micro_dollars(usd: object, times: int = 1) -> int:
    """US dollars as written, `times` over, in micro-dollars, rounded up."""
    return int((Decimal(str(usd)) * MICRO * times).to_integral_value(ROUND_CEILING))


def dollars(micro: int) -> str:
    """`$0.012`: at least two decimals, no more than needed."""
    text = f"{Decimal(micro) / MICRO:.6f}".rstrip("0")
    whole, _, cents = text.partition(".")
    return f"${whole}.{cents:0<2}"


def rounded(micro: int, *, up: bool = False) -> str:
    """`$0.12`, and below ten cents `$0.024`: for a person who looks. Less than a tenth of a cent is told whole, or it
    would seem to be nothing. `up`: of what it may cost at most, never less than that."""
    if abs(micro) < _MILL:
        return dollars(micro)
    step = _MILL if abs(micro) < _DIME else _CENT
    way = ROUND_CEILING if up else ROUND_HALF_UP
    return dollars(int((Decimal(micro) / step).to_integral_value(way)) * step)


def usd(micro: int | None) -> float | None:
    return None if micro is None else float(micro / MICRO)
