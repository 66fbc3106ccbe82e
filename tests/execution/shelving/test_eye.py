"""The process that decodes: asked about one picture after the other, killed by one, held up by one, given no key."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PIL import Image

from artfactoryd.execution.shelving import eye as eye_module
from artfactoryd.execution.shelving.eye import FELL, Eye, Glance

SCRIPT = """
import json, os, sys, time
for line in sys.stdin:
    word = os.path.basename(json.loads(line)["path"])
    if word == "kills":
        os.kill(os.getpid(), 9)
    if word == "lasts":
        time.sleep(60)
    print(json.dumps({"fault": os.environ.get("REPLICATE_API_TOKEN", word), "seconds": 0.5}), flush=True)
"""


@pytest.fixture
async def eye() -> AsyncIterator[Eye]:
    made = Eye()
    yield made
    await made.close()


@pytest.fixture
def scripted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for the decoder, started with the same words and environment."""
    script = tmp_path / "python"
    (tmp_path / "looker.py").write_text(SCRIPT)
    script.write_text(f'#!/bin/sh\nexec {eye_module.sys.executable} -S "{tmp_path}/looker.py"\n')
    script.chmod(0o755)
    monkeypatch.setattr(eye_module.sys, "executable", str(script))
    monkeypatch.setenv("REPLICATE_API_TOKEN", "r8_secret")


async def test_a_picture_is_decoded_in_a_process_of_its_own(eye: Eye, tmp_path: Path) -> None:
    data = io.BytesIO()
    Image.effect_noise((64, 64), 80).save(data, "JPEG")
    (tmp_path / "well").write_bytes(data.getvalue())
    (tmp_path / "half").write_bytes(data.getvalue()[:900] + b"\xff\xd9")
    well, half, gone = [await eye.look(tmp_path / name, 10.0) for name in ("well", "half", "gone")]
    assert (well.fault, gone.fault) == ("", None) and "cut short" in (half.fault or "") and well.seconds >= 0


@pytest.mark.usefixtures("scripted")
async def test_one_that_ends_its_process_is_not_opened_again_and_the_next_is(eye: Eye) -> None:
    assert await eye.look(Path("kills"), 1.0) == Glance(FELL)
    assert await eye.look(Path("well"), 1.0) == Glance("well", 0.5)  # and no key in its environment


@pytest.mark.usefixtures("scripted")
async def test_one_that_gets_none_of_the_processor_is_ended_and_no_fault_of_the_picture(
    eye: Eye, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(eye_module, "LONGEST", 0.05)
    assert await eye.look(Path("lasts"), 1.0) == Glance(None, is_starved=True)
    assert eye._free[0].process is None


@pytest.mark.usefixtures("scripted")
async def test_a_stop_in_the_middle_leaves_no_process_and_the_next_look_begins_anew(eye: Eye) -> None:
    await eye.look(Path("well"), 1.0)
    process = eye._free[0].process
    look = asyncio.create_task(eye.look(Path("lasts"), 1.0))
    await asyncio.sleep(0.05)
    look.cancel()
    await asyncio.wait([look])
    assert process is not None and process.returncode is not None
    assert (await eye.look(Path("well"), 1.0)).fault == "well"


@pytest.mark.usefixtures("scripted")
async def test_whoever_is_cancelled_twice_leaves_the_end_of_the_process_to_the_close(eye: Eye) -> None:
    await eye.look(Path("well"), 1.0)
    process = eye._free[0].process
    ending = asyncio.create_task(eye._free[0].end())
    await asyncio.sleep(0)  # it is killed, and waited for
    ending.cancel()
    await asyncio.wait([ending])
    await eye.close()
    assert process is not None and process.returncode is not None
