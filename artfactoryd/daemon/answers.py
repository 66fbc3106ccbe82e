"""What is answered to a command, in words and as data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from artfactoryd.core.money import dollars
from artfactoryd.core.names import counted
from artfactoryd.reporting.words import items_words
from artfactoryd.storage.rows import ItemRow, OrderRow

MOST_TOLD = 20  # reasons that `retry` tells in words; `--json` has all
Answer = dict[str, Any]  # {"done", "text", ...}; `wrong_use`: what was named is not there, or is several; `waits`


def yes(text: str, **more: Any) -> Answer:
    return {"done": True, "text": text, **more}


def no(text: str) -> Answer:
    return {"done": False, "error": "Nothing was done", "text": text}


def waits(answer: Answer) -> Answer:
    """What is left of it is for a person to say."""
    return answer | {"waits": True}


def label(fields: Mapping[str, str]) -> str:
    return fields.get("provider") or (f"order {fields['order'][:13]}" if fields else "Everything")


def go_on(names: Sequence[str]) -> str:
    """`Everything goes on, also replicate.`, `fal and replicate go on.`"""
    if names[0] == "Everything" and names[1:]:
        return f"Everything goes on, also {_and(names[1:])}."
    return f"{_and(names)} {'goes' if len(names) == 1 else 'go'} on."


def _and(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def why(items: Sequence[ItemRow]) -> dict[int, str]:
    return {item.number: item.reason or str(item.state) for item in items}


def retry_answer(
    row: OrderRow, retried: list[int], risky: Mapping[int, int], in_doubt: bool, why: Mapping[int, str]
) -> Answer:
    verb = "is" if len(retried) == 1 else "are"
    words = [f"{counted(len(retried), 'item')} of {row.name} {verb} sent again."]
    if retried and row.overrun:
        words.append(f"One cost more than was set aside, so it waits for `approve {row.short}`.")
    left = {} if in_doubt else risky
    if left:
        price = dollars(sum(left.values()))
        words.append(
            f"{len(left)} may have been charged already (up to {price}) and are left alone; "
            f"to risk paying twice: `retry {row.short} --in-doubt`."
        )
        words += _at_risk(left, why)
    stake = [{"item": number, "usd": stake / 1_000_000} for number, stake in risky.items()]
    answer = {**yes(" ".join(words), order_id=row.id), "retried": retried, "at_stake": stake}
    return waits(answer) if left or (retried and row.overrun) else answer


def _at_risk(left: Mapping[int, int], why: Mapping[int, str]) -> Iterator[str]:
    """What they may cost together, by what became of them."""
    alike: dict[str, list[int]] = {}
    for number in left:
        alike.setdefault(why[number], []).append(number)
    told = list(islice(alike.items(), MOST_TOLD))
    for reason, numbers in told:
        stake = dollars(sum(left[number] for number in numbers))
        yield f"\n  {items_words(numbers).replace('Item', 'item')}, up to {stake}: {reason}"
    if more := len(left) - sum(len(numbers) for _, numbers in told):
        yield f"\n  and {more} more"


def still_held(answer: Answer, row: OrderRow, why: str) -> Answer:
    """Of a `retry` that sends nothing yet."""
    words = f"{row.name} comes back and waits as before it was cancelled: nothing is sent until `approve {row.short}`."
    return waits({**answer, "text": f"{words} {why}".strip()})
