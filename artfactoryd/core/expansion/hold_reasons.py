"""Why an order waits for a person before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass

from artfactoryd.core.expansion.plan import LARGEST, Buying, Plan
from artfactoryd.core.money import dollars
from artfactoryd.core.names import counted
from artfactoryd.errors import Problem


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an order waits for a person. `waivable`: approving is enough."""

    code: str
    text: str
    waivable: bool = True


def _doubts(plan: Plan, strict: bool) -> list[Reason]:
    """Warnings that have cost people money, or all of them: one reason for each. A lone word in brackets is worth no
    question where nothing is paid."""
    passed = "W_SINGLE" if plan.total_price() == 0 and not strict else None
    told = (each for each in plan.warnings if each.code != passed)
    return [
        Reason("warning", words) for words in dict.fromkeys(in_words(each) for each in told if each.holds or strict)
    ]


def in_words(warning: Problem) -> str:
    """The sentence and the way out; then the place."""
    inside = f", character {warning.column_in_value}" if warning.column_in_value else ""
    place = f"{warning.file}, line {warning.line}" if warning.file and warning.line else f"{warning.key}{inside}"
    return f"{warning.sentence} {warning.fix}".strip() + (f" ({place})" if place else "")


def reasons_to_hold(
    plan: Plan, *, most_products: int, cap: int, ask_above: int = LARGEST, buying: Buying | None = None,
    strict: bool = False,
) -> list[Reason]:  # fmt: skip
    """In micro-dollars: `cap` is the most this order may spend, `ask_above` the most without being asked.

    `most_products`: where the order has no `limit` of its own. `strict`: every warning holds.
    """
    reasons: list[Reason] = []
    buying = buying or plan.buying
    products, price = buying.products, buying.price
    most = most_products if plan.order.limit is None else plan.order.limit
    if products > most:
        whose = "" if plan.order.limit is None else " (its own `limit`)"
        makes = "makes" if products == plan.total_products else "buys"
        text = f"It {makes} {counted(products, 'product')}; more than {most}{whose} need your word"
        reasons.append(Reason("limit", f"{text}, or `limit: {products}` in the order."))
    reasons += [] if plan.order.accepts_warnings else _doubts(plan, strict)
    if price is None:
        unknown = (model.id for place, model in enumerate(plan.all_models) if plan.price_of(place) is None)
        names = ", ".join(unknown) or plan.model.id
        paid = dict.fromkeys(part for model in plan.all_models for part in model.recipe.get("paid") or ())
        why = f": {', '.join(paid)} in it is run by others for money" if paid else ""
        text = f"No price is known for {names}{why}. Add `price: {{usd: …, per: image}}` and drop the order again."
        reasons.append(Reason("price", text, waivable=False))
    elif price > cap:
        reasons.append(Reason("budget", f"It may cost up to {dollars(price)}; an order may spend {dollars(cap)}."))
    if price is not None and price > ask_above:
        known = price > cap  # the price has been said just now
        items = counted(buying.items, "item")
        text = "Above" if known else f"Its {items} may cost up to {dollars(price)}; above"
        reasons.append(Reason("ask_above", f"{text} {dollars(ask_above)} you are asked first."))
    return reasons
