"""What of some pictures varies, and what all have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from artfactoryd.core.sheets.facts import COPY, GAP, MODEL, SEED, STAGE, Fact, Picture

ABSENT = "-"


@dataclass(frozen=True)
class Varying:
    """One thing that varies, its values in their order, and which each picture has."""

    key: str
    name: str
    group: str
    is_text: bool
    values: tuple[str, ...]
    of: tuple[int, ...]

    def told(self, number: int, *, alone: bool) -> str:
        """`alone`: its name stands somewhere above."""
        value = self.values[number]
        return value if alone or self.is_text else f"{self.name} {value}"


def varying_in(pictures: Sequence[Picture], sorts: bool) -> list[Varying]:
    keys = dict.fromkeys(key for picture in pictures for key in picture.facts)
    first = sorted(keys, key=lambda key: (key == COPY, key != MODEL, key != STAGE))
    made = [_of_key(pictures, key, sorts) for key in first if key != COPY]
    made.append(_of_values("seed", Fact("", SEED), [picture.seed or ABSENT for picture in pictures], sorts))
    made.append(_of_key(pictures, COPY, sorts))
    return [one for one in made if len(one.values) > 1]


def _of_key(pictures: Sequence[Picture], key: str, sorts: bool) -> Varying:
    facts = [picture.facts.get(key) for picture in pictures]
    one = next((fact for fact in facts if fact), Fact("", key))
    return _of_values(key, one, [fact.value if fact else ABSENT for fact in facts], sorts)


def _of_values(key: str, one: Fact, told: Sequence[str], sorts: bool) -> Varying:
    values = list(dict.fromkeys(told))
    if sorts and all(_number(value) is not None for value in values if value != ABSENT):
        values.sort(key=lambda value: (value == ABSENT, _number(value) or 0.0))
    place = {value: number for number, value in enumerate(values)}
    of = tuple(place[value] for value in told)
    return Varying(key, one.name, one.group or one.name, one.is_text, tuple(_shortened(values)), of)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _shortened(values: Sequence[str]) -> list[str]:
    """Of long texts only the words in which they differ; gaps of tokens as dots."""
    texts = [value.replace(GAP, "…") for value in values]
    if len(texts) < 2 or max(map(len, texts)) <= 24:
        return texts
    words = [text.split() for text in texts]
    shortest = min(map(len, words))
    before = next((n for n in range(shortest) if len({w[n] for w in words}) > 1), shortest)
    after = next((n for n in range(shortest - before) if len({w[-1 - n] for w in words}) > 1), shortest - before)
    short = [" ".join(w[before : len(w) - after]) for w in words]
    return short if len(set(short)) == len(texts) and all(short) else texts


def common_of(pictures: Sequence[Picture], varying: set[str]) -> dict[str, str]:
    first = pictures[0].facts if pictures else {}
    told = {fact.name: fact.value.replace(GAP, "…") for key, fact in first.items() if key not in varying | {COPY}}
    if pictures and SEED not in varying and pictures[0].seed:
        told[SEED] = pictures[0].seed
    return told


def without_echoes(varying: Sequence[Varying], count: int) -> list[Varying]:
    """Without what follows from something else that varies, and without seeds that were not chosen."""
    left = [one for one in varying if one.key != SEED or _is_chosen(one, varying)]
    for one in left[::-1]:  # of two that say the same the slower one is kept
        others = [other for other in left if other is not one]
        if one.key != MODEL and any(_tells(other, one, count) for other in others):
            left.remove(one)
    return left


def _is_chosen(seeds: Varying, varying: Sequence[Varying]) -> bool:
    """Whether seeds come again in other combinations, or with other copies. One that is derived tells all the rest."""
    copies = next((one for one in varying if one.key == COPY), None)
    if copies and len(copies.values) == len(seeds.values) == len(set(zip(copies.of, seeds.of, strict=True))):
        return True
    others = [one for one in varying if one not in (seeds, copies)]
    if not others:
        return copies is None
    return any(len(set(zip(seeds.of, one.of, strict=True))) > len(seeds.values) for one in others)


def _tells(other: Varying, one: Varying, count: int) -> bool:
    """Whether `one` follows from the other, which is no mere number of each picture."""
    if len(set(zip(other.of, one.of, strict=True))) != len(other.values):
        return False
    return len(other.values) < count or len(one.values) == count
