"""The money of orders, days and months: what a wish sets aside, the caps it must keep, and in words why it may not.

Days and months are those of this machine's clock. A wish carries its day and the caps in force, so that
applying the ledger again comes to the same. Money is integer micro-dollars.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from artfactoryd.core.expansion.costs import follows, with_defaults
from artfactoryd.core.lifecycle import ItemState
from artfactoryd.core.measures import seconds_of_run
from artfactoryd.core.money import dollars, micro_dollars
from artfactoryd.core.pricing.amounts import Call, Measured
from artfactoryd.core.pricing.price import BY_COUNT, BY_TIME
from artfactoryd.core.pricing.sizes import Size
from artfactoryd.errors import OverCap
from artfactoryd.settings import Settings
from artfactoryd.storage.index import Index
from artfactoryd.storage.rows import ItemRow, OrderRow

AGENTS = "agents"  # the cap of a day for all orders that agents handed in
NAMES = ("month", "day", AGENTS)  # the one that lasts longer is told first
GOES_ON = {"day": "at midnight", "month": "with the new month", AGENTS: "at midnight"}
KEYS = {"day": "per_day", "month": "per_month", AGENTS: "agents_per_day"}
WHOLE = {"day": "a whole day", "month": "a whole month", AGENTS: "a whole day of all agents"}
CAP = {"day": "The day's cap of", "month": "The month's cap of", AGENTS: "The day's cap for agents of"}


def caps(settings: Settings, order: OrderRow | None = None) -> dict[str, int]:
    """In force for everybody, and with an agent's `order` that of agents."""
    names = [name for name in NAMES if name != AGENTS or (order is not None and order.agent)]
    return {name: micro_dollars(getattr(settings.budget, KEYS[name])) for name in names}


def agents_cap(settings: Settings) -> int:
    return micro_dollars(settings.budget.agents_per_day)


def counted(index: Index, name: str, day: str) -> int:
    """Spent, perhaps spent and reserved on that day, or in its month; of AGENTS only what their orders did."""
    if name == AGENTS:
        sql = "SELECT coalesce(sum(agents), 0) AS n FROM spending WHERE day = ?"
        return int(index.rows(sql, (day,))[0]["n"])
    first, last = (day, day) if name == "day" else (f"{day[:7]}-01", f"{day[:7]}-31")
    return index.committed(first, last)


def of_order(index: Index, order_id: str) -> tuple[int, int]:
    """What counts against an order's own cap, and the cap."""
    row = index.rows("SELECT committed, cap FROM orders WHERE id = ?", (order_id,))[0]
    return int(row["committed"]), int(row["cap"])


def set_aside(order: OrderRow, upper: int) -> int:
    """What a wish for an item of this order reserves: once a bill was higher, as much as that."""
    return max(upper, order.dearest) if upper else 0


def sent_again(index: Index, order: OrderRow) -> int:
    """Micro-dollars that what ended otherwise than well, and is in no doubt, costs at most when it is sent again."""
    if order.rehearsal:
        return 0
    ended = index.items(order.id, (ItemState.FAILED, ItemState.CANCELLED))
    return sum(set_aside(order, item.upper) for item in ended)


# --- may it be spent? ---


def heed(index: Index, order: OrderRow, reserved: int, day: str, in_force: Mapping[str, int]) -> None:
    """Raises OverCap when a wish for `reserved` would pass a cap. What is free always passes."""
    if not reserved:
        return
    if words := _of_order(index, order, reserved):
        raise OverCap(words)
    heed_days(index, reserved, day, in_force)


def heed_days(index: Index, reserved: int, day: str, in_force: Mapping[str, int]) -> None:
    if not in_force or counted(index, "month", day) + reserved <= min(in_force.values()):
        return  # a month holds its days: one question answers for both
    for name in NAMES:
        if name in in_force and (words := _of_days(index, name, reserved, day, in_force[name])):
            raise OverCap(words, day)


def reached(index: Index, order: OrderRow, item: ItemRow, settings: Settings, day: str) -> dict[str, str]:
    """The caps that the next item of an order waits for, in words: its own (`order`), `month` and `day`."""
    reserved, in_force = set_aside(order, item.upper), caps(settings, order)
    if not reserved:
        return {}
    words = {"order": _of_order(index, order, reserved)}
    words |= {name: _of_days(index, name, reserved, day, cap) for name, cap in in_force.items()}
    return {name: text for name, text in words.items() if text}


def _of_days(index: Index, name: str, reserved: int, day: str, cap: int) -> str:
    before = counted(index, name, day)
    if before + reserved <= cap:
        return ""
    key = f"`budget.{KEYS[name]}` in artfactory.yaml"
    if reserved > cap:
        one_item = f"One item may cost {dollars(reserved)}, and {WHOLE[name]} no more than {dollars(cap)}."
        return f"{one_item} Raise {key}, or cancel the order."
    reached = f"{CAP[name]} {dollars(cap)} is reached: {dollars(before)} are spent or set aside."
    return f"{reached} It goes on by itself {GOES_ON[name]}, or when you raise {key}."


def _of_order(index: Index, order: OrderRow, reserved: int) -> str:
    if not stops(order, reserved):
        return ""
    why = f"Its cap of {dollars(order.cap)} is reached."
    if order.overrun:
        why = f"An item cost {dollars(order.dearest)}, more than was set aside for it."
    short, whole = order.short, whole_price(index, order)
    return f"{why} All of it may cost up to {dollars(whole)}: `approve {short}` allows that, `cancel {short}` ends it."


def stops(order: OrderRow, reserved: int) -> bool:
    return bool(order.overrun) or order.committed + reserved > order.cap


def whole_price(index: Index, order: OrderRow) -> int:
    """What the order may cost by what is known now: all that counts already, and all that is still to be sent."""
    sql = "SELECT upper, count(*) AS n FROM item WHERE order_id = ? AND state = 'planned' GROUP BY upper"
    rows = index.rows(sql, (order.id,))
    return int(order.committed + sum(set_aside(order, row["upper"]) * row["n"] for row in rows))


def at_most(index: Index, order: OrderRow) -> int | None:
    """What the order may cost: its price at acceptance, or more where that has turned out so. None: nobody knows."""
    return None if order.price is None else max(order.price, whole_price(index, order))


# --- the bill ---


def by_count(order: OrderRow, item: ItemRow, products: int) -> int | None:
    """The bill of a model paid by the image; None for every other."""
    return _bill(order, item, BY_COUNT, outputs=[Measured()] * products)


def by_time(order: OrderRow, item: ItemRow, seconds: float | None) -> int | None:
    """The bill of a model paid by the second; None for every other, and where no time was measured.

    It counts from the `result` line, before its slot is free for the next wish; from then on the order's wishes set
    aside as much as its dearest bill.
    """
    took = seconds_of_run(seconds)  # asked again: a line of an earlier release may hold any number
    return _bill(order, item, BY_TIME, run=took) if took else None


def by_outputs(
    order: OrderRow, item: ItemRow, outputs: Sequence[Measured], inputs: Sequence[Size | None], seconds: float | None
) -> int | None:
    """The bill by all that can be measured of what came. `inputs`: what it was made from. None: it cannot be said."""
    return _bill(order, item, None, outputs=outputs, inputs=inputs, run=seconds_of_run(seconds) or None)


def _bill(order: OrderRow, item: ItemRow, units: frozenset[str] | None, **came: Any) -> int | None:
    """`units`: all that the price may count; it counts one beside the calls, else it is no bill of that kind."""
    model = order.model_of(item)
    price = model.price
    if order.rehearsal or price is None or not item.upper:
        return None
    if units is not None and not (price.units <= units and price.units & (units - {"call"})):
        return None
    return price.cost(Call(item.asked, with_defaults(model, item.generation), follows=follows(model), **came))
