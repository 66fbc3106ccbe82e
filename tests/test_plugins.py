"""The example of a plug-in, installed as a stranger would: a command whose pictures are products."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from artfactoryd.errors import CallRefused, Refusal, RunFailed
from artfactoryd.factories import Call, Factory, ProviderSettings
from tests.forks import Program
from tests.homes import TestHome, until

PLUGIN = Path(__file__).parents[1] / "examples" / "plugins" / "command"
DRAW = """
import os, struct, sys, time, zlib
folder, prompt, wait = sys.argv[1:]
open(os.path.join(folder, "at-work"), "w").write(str(os.getpid()))
time.sleep(float(wait))
if prompt == "fail":
    sys.exit("no brush")
def part(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
pixel = bytes([0, *((prompt + "..").encode()[:3])])
with open(os.path.join(folder, "picture.png"), "wb") as file:
    file.write(b"\\x89PNG\\r\\n\\x1a\\n" + part(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)))
    file.write(part(b"IDAT", zlib.compress(pixel)) + part(b"IEND", b""))
"""
MODEL = {
    "provider": "command", "command": [sys.executable, "-S", "-c", DRAW, "{folder}", "{prompt}", "{wait}"],
    "parameters": {"prompt": {"type": "string"}, "wait": {"type": "number", "default": 0}}, "output": "*.png",
    "sandbox": "none",
}  # fmt: skip


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The plug-in as pip installs it."""
    folder = tmp_path / "packages"
    shutil.copytree(PLUGIN, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (told := folder / "artfactory_command-1.0.dist-info").mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: artfactory-command\nVersion: 1.0\n")
    lines = (PLUGIN / "pyproject.toml").read_text().partition('[project.entry-points."')[2]
    (told / "entry_points.txt").write_text(
        f"[{lines}".replace('[project.entry-points."', "[").replace('"]', "]").replace('"', "")
    )
    monkeypatch.syspath_prepend(str(folder))
    yield folder
    for name in [name for name in sys.modules if name.startswith("artfactory_command")]:
        del sys.modules[name]


def recipe(**other: Any) -> Mapping[str, Any]:
    from artfactory_command import model_file  # type: ignore[import-not-found]

    entry: Mapping[str, Any] = model_file.read({**MODEL, **other}, "draw", lambda name: b"")
    return entry


def made(work: Path) -> Factory:
    from artfactory_command import make

    factory: Factory = make(ProviderSettings("command"), work)
    return factory


async def ended(factory: Factory, call: Call) -> Any:
    ticket = await factory.submit(call)
    while (outputs := await factory.collect(ticket)) is None:
        await asyncio.sleep(0.01)
    return outputs


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z" if Path("/proc").is_dir() else True


def test_an_order_for_a_command_ends_on_the_shelf(home: TestHome, packages: Path) -> None:
    home.home.models.mkdir(parents=True, exist_ok=True)
    (home.home.models / "draw.yaml").write_text(json.dumps(MODEL))
    home.drop("two.yaml", 'provider: command\nmodel: draw\nparameters: {prompt: "[red,blue]"}\n')
    home.configure(providers={"command": {"concurrency": 1}})
    before = f"import sys; sys.dont_write_bytecode = True; sys.path.insert(0, {str(packages)!r})"
    program = Program(["--home", str(home.root), "once"], home.environment(), before)
    told, errors = program.communicate()
    assert program.wait() == 0, told + errors
    assert len(home.products()) == 2 and {card["cost"]["usd"] for card in home.sidecars()} == {0}
    assert [path for path in (home.home.work / "made" / "command").rglob("*") if path.is_file()] == []


async def test_a_command_ends_with_its_order_and_with_the_program(packages: Path, tmp_path: Path) -> None:
    from artfactory_command import runner

    factory, call = made(tmp_path / "work"), Call("draw", None, {"prompt": "red", "wait": 600}, recipe()["recipe"])
    ticket = await factory.submit(call)
    assert await factory.collect(ticket) is None
    while not (marks := [path for path in (tmp_path / "work").glob("*.part/at-work") if path.read_text()]):
        await asyncio.sleep(0.01)
    pid = int(marks[0].read_text())
    assert is_alive(pid)
    await factory.cancel(ticket)
    assert not is_alive(pid)
    with pytest.raises(RunFailed) as caught:
        await factory.collect(ticket)
    assert caught.value.cancelled and not caught.value.charged
    await factory.close()
    words = [sys.executable, "-c", DRAW, str(tmp_path), "red", "600"]
    with subprocess.Popen([sys.executable, runner.__file__, "600", *words], stdin=subprocess.PIPE) as parent:
        mark = tmp_path / "at-work"
        until(lambda: mark.exists() and mark.read_text())
        assert parent.stdin
        parent.stdin.close()  # as when whoever holds it is killed
        parent.wait()
    until(lambda: not is_alive(int(mark.read_text())))


async def test_what_goes_wrong_is_a_sentence(packages: Path, tmp_path: Path) -> None:
    factory = made(tmp_path / "work")
    with pytest.raises(RunFailed, match="ended with 1: no brush"):
        await ended(factory, Call("draw", None, {"prompt": "fail"}, recipe()["recipe"]))
    with pytest.raises(RunFailed, match=r"made no file \*\.jpg"):
        await ended(factory, Call("draw", None, {"prompt": "red"}, recipe(output="*.jpg")["recipe"]))
    for parameters, other, words in (
        ({"prompt": "--help"}, {}, "taken for an option"), ({}, {}, "needs prompt"),
        ({"prompt": "red"}, {"command": ["surely-not-installed"]}, "no program surely-not-installed"),
    ):  # fmt: skip
        with pytest.raises(CallRefused, match=words):
            await factory.submit(Call("draw", None, parameters, recipe(**other)["recipe"]))
    wrong: list[tuple[str, Any]] = [("command", "draw"), ("command", ["draw", "{size}"]), ("output", "")]
    for key, value in wrong:
        with pytest.raises(Refusal) as caught:
            recipe(**{key: value})
        assert caught.value.problems[0].path == (key,)
    await factory.close()


def test_it_may_write_into_its_folder_alone(packages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from artfactory_command import sandbox

    (tool := tmp_path / "bwrap").write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("PATH", str(tmp_path))
    words = " ".join(sandbox.wrapped(["draw"], tmp_path / "run", [Path("/cache")], None))
    assert "--ro-bind / /" in words and f"--bind {tmp_path}/run {tmp_path}/run --bind /cache /cache" in words
    assert words.endswith("-- draw")
    monkeypatch.setenv("PATH", "")
    assert sandbox.wrapped(["draw"], tmp_path, [], None) is None
    assert sandbox.wrapped(["draw"], tmp_path, [], sandbox.NONE) == ["draw"]
