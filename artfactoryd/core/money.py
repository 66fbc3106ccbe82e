"""Micro-dollars: read from US dollars, and written as them."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal

MICRO = Decimal(1_000_000)  # micro-dollars in a dollar


def micro_dollars(usd: object, times: int = 1) -> int:
    """US dollars as written, `times` over, in micro-dollars, rounded up."""
    return int((Decimal(str(usd)) * MICRO * times).to_integral_value(ROUND_CEILING))


def dollars(micro: int) -> str:
    """`$0.012`: at least two decimals, no more than needed."""
    text = f"{Decimal(micro) / MICRO:.6f}".rstrip("0")
    whole, _, cents = text.partition(".")
    return f"${whole}.{cents:0<2}"


def usd(micro: int | None) -> float | None:
    return None if micro is None else float(micro / MICRO)
