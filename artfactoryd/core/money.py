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
    if not micro:
        return dollars(0)
    step = step_of(micro)
    way = ROUND_CEILING if up else ROUND_HALF_UP
    return dollars(_to(step, micro, way))


def share_of(micro: int, whole: int) -> tuple[str, str]:
    """What is used of a whole, and what is left of it: told with the same number of decimals, and they add up to it."""
    step = step_of(micro, max(0, whole - micro))
    used = _to(step, micro, ROUND_HALF_UP)
    return dollars(used), dollars(max(0, whole - used))


def _to(step: int, micro: int, way: str) -> int:
    return int((Decimal(micro) / step).to_integral_value(way)) * step


def step_of(*micro: int) -> int:
    """How finely sums that stand together are told: as the smallest of them needs it by `rounded`."""
    least = min((abs(one) for one in micro if one), default=_DIME)
    return 1 if least < _MILL else _MILL if least < _DIME else _CENT


def usd(micro: int | None) -> float | None:
    return None if micro is None else float(micro / MICRO)
