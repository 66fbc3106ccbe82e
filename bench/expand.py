"""A million combinations made into items with seeds, beside dynamicprompts, which makes the prompts alone."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Iterator
from importlib.util import find_spec

from artfactoryd import schema
from artfactoryd.core.expansion.expand import make_plan
from artfactoryd.core.expansion.plan import Plan
from artfactoryd.core.model import Model
from artfactoryd.core.order import read_order

PEER_ITEMS = 30_000  # of its million: the rest would go on like this
RATE, MEMORY_MB, FIRST_MS = 200_000, 50.0, 50.0
SHAPES = {"six lists of ten": (6, 10, 3.0), "two lists of a thousand": (2, 1000, 50.0)}
MODEL = Model.from_mapping(
    {
        "provider": "acme", "model": "painter", "seed": "seed", "price": {"usd": 0.003, "per": "image"},
        "schema": {"type": "object", "properties": {"prompt": {"type": "string"}, "seed": {"type": "integer"}}},
    },
    "bench",
)  # fmt: skip


def values(lists: int, length: int) -> list[list[str]]:
    return [[f"{letter}{number}" for number in range(length)] for letter in "abcdef"[:lists]]


def plan(lists: int, length: int) -> Plan:
    prompt = " ".join(f"[{','.join(each)}]" for each in values(lists, length))
    document = {"provider": "acme", "model": "painter", "parameters": {"prompt": prompt}}
    order = read_order(document, name="bench", project=None)
    return make_plan(order, MODEL, 1, written=lambda path: None, check=schema.check_value)


def peer_prompts(lists: int, length: int) -> Iterator[object]:
    from dynamicprompts.enums import SamplingMethod
    from dynamicprompts.sampling_context import SamplingContext
    from dynamicprompts.wildcards import WildcardManager

    template = " ".join("{" + "|".join(each) + "}" for each in values(lists, length))
    context = SamplingContext(SamplingMethod.COMBINATORIAL, WildcardManager())
    yield from context.sample_prompts(template, PEER_ITEMS)


def ours(lists: int, length: int) -> tuple[float, float, int]:
    """Items a CPU second, milliseconds to the first, how many there were."""
    began = time.process_time()
    items = plan(lists, length).items()
    next(items)
    first = time.process_time()
    count = 1 + sum(1 for _ in items)
    return (count - 1) / (time.process_time() - first), (first - began) * 1000, count


def peer(lists: int, length: int) -> float:
    began = time.process_time()
    return sum(1 for _ in peer_prompts(lists, length)) / (time.process_time() - began)


def memory() -> float:
    """Megabytes that Python holds at most while a million items are made, one after the other."""
    tracemalloc.start()
    for _ in plan(6, 10).items():
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1_000_000


def word(reached: bool) -> str:
    return "reached" if reached else "not reached"


def main() -> None:
    has_peer = find_spec("dynamicprompts") is not None
    print("expand: 10^6 combinations to items with seeds, one core, CPU time")
    for name, (lists, length, target) in SHAPES.items():
        rate, first, count = ours(lists, length)
        print(f"  {name}: {count} items")
        print(f"    items a second  {rate:12,.0f}   to reach {RATE:,}: {word(rate >= RATE)}")
        print(f"    to the first    {first:9.1f} ms   to reach {FIRST_MS:.0f} ms: {word(first <= FIRST_MS)}")
        if has_peer:
            theirs = peer(lists, length)
            ratio = rate / theirs
            print(
                f"    dynamicprompts  {theirs:12,.0f}   {ratio:.1f}x, to reach {target:.0f}x: {word(ratio >= target)}"
            )
    if not has_peer:
        print(
            "  dynamicprompts is not installed, so there is no ratio: pip install 'artfactoryd[bench]', or `make bench`"
        )
    megabytes = memory()
    print(f"  memory for a million  {megabytes:6.1f} MB   to reach {MEMORY_MB:.0f} MB: {word(megabytes < MEMORY_MB)}")


if __name__ == "__main__":
    main()
