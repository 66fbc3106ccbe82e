"""What every factory promises, run over each of them, and over the fake that stands in for one.

A new factory adds a row to BENCHES (factories/README.md).
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from artfactoryd.errors import CallRefused, InDoubt, ProviderError, RunFailed, Throttled
from artfactoryd.factories import (
    Call,
    Factory,
    FactoryMaker,
    Outputs,
    ProviderSettings,
    Ticket,
    comfyui,
    fal,
    local,
    replicate,
)
from artfactoryd.factories.comfyui import model_file
from artfactoryd.factories.registry import makers
from artfactoryd.shelf.fetch import Fetcher
from tests.emulator.client import Emulator
from tests.fakes import FakeFactory


@dataclass
class Bench:
    """One factory, ready to be judged: good and bad calls, and what the provider counted as bought."""

    make: Callable[[], Factory]
    call: Call  # asks for two pictures
    bad: Call
    bought: Callable[[], int] | None = None  # None: it makes for free
    hang: Callable[[], None] | None = None  # from now on a create is not answered


@contextlib.contextmanager
def local_bench(work: Path) -> Iterator[Bench]:
    call = Call("sketch", None, {"prompt": "A red car", "seed": 7, "num_outputs": 2, "width": 64, "height": 64})
    bad = Call("sketch", None, {"prompt": "A red car", "num_outputs": 99})
    yield Bench(lambda: local.make(ProviderSettings("local"), work), call, bad)


@contextlib.contextmanager
def replicate_bench(work: Path) -> Iterator[Bench]:
    with Emulator(work / "emulator.jsonl") as emulator:
        settings = ProviderSettings("replicate", "r8_key", {"base_url": emulator.base_url})
        name = "black-forest-labs/flux-schnell"
        yield Bench(
            lambda: replicate.make(settings, work),
            Call(name, None, {"prompt": "A red car", "seed": 7, "num_outputs": 2}),
            Call(name, None, {"prompt": "A red car", "num_outputs": 99}),
            lambda: len(emulator.creates()),
            lambda: emulator.control(create="hang-after"),
        )


@contextlib.contextmanager
def fal_bench(work: Path) -> Iterator[Bench]:
    with Emulator(work / "emulator.jsonl", "fal") as emulator:
        settings = ProviderSettings("fal", "id:secret", dict.fromkeys(fal.ADDRESSES, emulator.base_url))
        name = "fal-ai/flux/schnell"
        yield Bench(
            lambda: fal.make(settings, work),
            Call(name, None, {"prompt": "A red car", "seed": 7, "num_images": 2}),
            Call(name, None, {"prompt": "A red car", "num_images": 99}),
            lambda: len(emulator.creates()),
            lambda: emulator.control(create="hang-after"),
        )


@contextlib.contextmanager
def comfyui_bench(work: Path) -> Iterator[Bench]:
    beside = Path(__file__).parents[2] / "examples" / "comfyui"
    told = {
        "workflow": "portrait.api.json",
        "output": 9,
        "map": {"prompt": "6.inputs.text", "n": "5.inputs.batch_size"},
    }
    recipe = model_file.read(told, "portrait", lambda name: (beside / name).read_bytes())["recipe"]
    with Emulator(work / "emulator.jsonl", "comfyui") as emulator:
        settings = ProviderSettings("comfyui", None, {"base_url": emulator.base_url})
        yield Bench(
            lambda: comfyui.make(settings, work),
            Call("portrait", None, {"prompt": "A red car", "n": 2}, recipe),
            Call("portrait", None, {"prompt": "A red car", "n": 0}, recipe),
            lambda: len(emulator.creates()),
            lambda: emulator.control(create="hang-after"),
        )


@contextlib.contextmanager
def fake_bench(work: Path) -> Iterator[Bench]:
    made: list[FakeFactory] = []

    def fake() -> FakeFactory:
        made.append(FakeFactory(work))
        made[-1].script("collect", *[two(made[-1])] * 9)
        made[-1].script("submit", lambda call: Ticket("fake-1") if call == good else refuse())
        return made[-1]

    def two(fake: FakeFactory) -> Callable[[Ticket], Outputs]:
        return lambda ticket: Outputs((fake.picture(f"{ticket.text}-a"), fake.picture(f"{ticket.text}-b")))

    def refuse() -> Ticket:
        raise CallRefused("no")

    good, bad = Call("any", None, {"prompt": "A red car"}), Call("any", None, {"prompt": 3})
    yield Bench(fake, good, bad, None, lambda: made[-1].hold("submit"))


BENCHES = {
    "local": local_bench,
    "replicate": replicate_bench,
    "fal": fal_bench,
    "comfyui": comfyui_bench,
    "fake": fake_bench,
}


@pytest.fixture(params=BENCHES)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    with BENCHES[request.param](tmp_path) as bench:
        yield bench


@contextlib.asynccontextmanager
async def opened(bench: Bench):  # type: ignore[no-untyped-def]
    factory = bench.make()
    try:
        yield factory
    finally:
        await factory.close()


async def outputs_of(factory: Factory, ticket: Ticket) -> Outputs:
    while (outputs := await factory.collect(ticket)) is None:
        await asyncio.sleep(0.01)
    return outputs


async def test_it_is_a_factory_with_a_name_and_hosts_and_costs_nothing_to_make(bench: Bench) -> None:
    factory = bench.make()
    assert isinstance(factory, Factory) and factory.name.isidentifier()
    assert isinstance(factory.output_hosts, frozenset) and factory.first_ask >= 0
    await factory.close()
    assert bench.bought is None or bench.bought() == 0


async def test_a_submit_buys_once_and_its_ticket_survives_as_text(bench: Bench) -> None:
    async with opened(bench) as factory:
        ticket = await factory.submit(bench.call)
    assert isinstance(ticket, Ticket) and ticket.text.strip()
    assert json.loads(json.dumps(ticket.text)) == ticket.text and ticket.text.isprintable()
    assert bench.bought is None or bench.bought() == 1


async def test_another_process_collects_by_the_ticket_s_text_alone(bench: Bench) -> None:
    async with opened(bench) as factory:
        ticket = await factory.submit(bench.call)
    async with opened(bench) as factory:
        assert len((await outputs_of(factory, Ticket(ticket.text))).outputs) == 2
    assert bench.bought is None or bench.bought() == 1


async def test_collecting_again_gives_the_same_and_buys_nothing(bench: Bench) -> None:
    async with opened(bench) as factory:
        ticket = await factory.submit(bench.call)
        assert await outputs_of(factory, ticket) == await outputs_of(factory, ticket)
    assert bench.bought is None or bench.bought() == 1


async def test_every_output_can_be_fetched_and_is_a_picture_of_its_own(bench: Bench, tmp_path: Path) -> None:
    async with opened(bench) as factory:
        outputs = (await outputs_of(factory, await factory.submit(bench.call))).outputs
        fetcher = Fetcher(tmp_path)
        fetched = [
            await fetcher.fetch(
                one.address, tmp_path / f"{n}.part", most_bytes=10**7, allowed_hosts=factory.output_hosts
            )
            for n, one in enumerate(outputs)
        ]
        await fetcher.close()
    for one in fetched:
        Image.open(io.BytesIO(one.path.read_bytes())).verify()
    assert len({one.sha256 for one in fetched}) == 2


async def test_what_is_used_and_measured_has_the_promised_types(bench: Bench) -> None:
    async with opened(bench) as factory:
        outputs = await outputs_of(factory, await factory.submit(bench.call))
    assert json.loads(json.dumps(dict(outputs.returned))) == outputs.returned
    assert outputs.seconds is None or outputs.seconds >= 0
    assert isinstance(outputs.note, str)


async def test_a_bad_call_is_refused_and_not_bought(bench: Bench) -> None:
    async with opened(bench) as factory:
        with pytest.raises(CallRefused) as caught:
            await factory.submit(bench.bad)
    assert str(caught.value)
    assert bench.bought is None or bench.bought() == 0


async def test_cancelling_what_has_ended_is_no_error(bench: Bench) -> None:
    async with opened(bench) as factory:
        ticket = await factory.submit(bench.call)
        await outputs_of(factory, ticket)
        await factory.cancel(ticket)
        await factory.cancel(ticket)
        assert (await outputs_of(factory, ticket)).outputs


async def test_a_submit_that_is_cancelled_says_so_and_nothing_else(bench: Bench) -> None:
    if bench.hang is None:
        return  # nothing to wait for: it answers at once
    async with opened(bench) as factory:
        bench.hang()
        task = asyncio.create_task(factory.submit(bench.call))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert bench.bought is None or bench.bought() <= 1


async def test_many_at_once_do_not_mix(bench: Bench) -> None:
    if bench.bought is None:
        return
    async with opened(bench) as factory:
        tickets = await asyncio.gather(*[factory.submit(bench.call) for _ in range(12)])
    assert len({ticket.text for ticket in tickets}) == bench.bought() == 12


async def test_closing_twice_and_unused_is_fine(bench: Bench) -> None:
    factory = bench.make()
    await factory.close()
    await factory.close()
    used = bench.make()
    await used.submit(bench.call)
    await used.close()
    await used.close()


def test_built_in_factories_come_in_by_the_same_door_as_plug_ins() -> None:
    found: dict[str, FactoryMaker] = makers()
    assert found["local"] is local.make and found["replicate"] is replicate.make and found["fal"] is fal.make


# The fake itself: what other tests rely on.


async def test_the_fake_does_as_it_is_told_in_order_and_remembers(tmp_path: Path) -> None:
    fake, call = FakeFactory(tmp_path, tickets=["t1"]), Call("m", None, {"prompt": "x"})
    fake.script("submit", Throttled("wait", after=1), InDoubt("lost"))
    fake.script("collect", None, RunFailed("no", charged=False))
    kinds: list[type[ProviderError]] = [Throttled, InDoubt]
    for kind in kinds:
        with pytest.raises(kind):
            await fake.submit(call)
    ticket = await fake.submit(call)
    assert ticket == Ticket("t1") and await fake.collect(ticket) is None
    with pytest.raises(RunFailed):
        await fake.collect(ticket)
    got = await fake.collect(ticket)
    assert got is not None and got.outputs[0].address.startswith("file:")
    assert [asked.verb for asked in fake.history] == ["submit"] * 3 + ["collect"] * 3
    assert fake.calls() == [call] * 3


async def test_the_fake_holds_and_releases(tmp_path: Path) -> None:
    fake = FakeFactory(tmp_path)
    fake.hold("submit")
    task = asyncio.create_task(fake.submit(Call("m", None, {})))
    await fake.reached("submit")
    assert not task.done()
    fake.release("submit")
    assert (await task).text == "fake-1"
