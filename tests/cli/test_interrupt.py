from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from artfactoryd.cli import interrupt
from tests.forks import Program
from tests.homes import TestHome, until

AT_IMPORT = """import os, runpy, signal, sys
class Interrupts:
    def find_spec(self, name, *rest):
        if name == {name!r}: os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupts())
runpy.run_module("artfactoryd", run_name="__main__", alter_sys=True)"""
SLOW = """import time
from pathlib import Path
from artfactoryd.{module} import {name} as owner
def slow(*given, **more): Path({mark!r}).touch(); time.sleep(30)
owner.{function} = slow"""


@pytest.mark.parametrize("name", ["click", "artfactoryd.home", "artfactoryd.cli.run", "artfactoryd.daemon.loop"])
def test_ctrl_c_while_a_module_is_loaded_ends_with_one_line(home: TestHome, name: str) -> None:
    words = [sys.executable, "-c", AT_IMPORT.format(name=name), "--home", str(home.root), "run"]
    done = subprocess.run(
        words, env=home.environment(), capture_output=True, text=True, timeout=60,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # the tests may run in the background
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "artfactoryd: Interrupted.\n")


@pytest.mark.parametrize("word", ["run", "once"])
@pytest.mark.parametrize(
    ("module", "name", "function"),
    [("storage.writing", "mending", "mend"), ("home", "Home", "lock"), ("daemon.loop", "cleanup", "clear")],
)
def test_ctrl_c_while_the_home_is_opened_ends_soon_and_with_words(
    home: TestHome, tmp_path: Path, word: str, module: str, name: str, function: str
) -> None:
    mark = tmp_path / "mark"
    slow = SLOW.format(module=module, name=name, function=function, mark=str(mark))
    program = Program(["--home", str(home.root), word], home.environment(), slow)
    until(mark.exists)
    program.send_signal(signal.SIGINT)
    if function == "clear":  # the loop has its signals: it stops in its own way, unless it is asked twice
        until(lambda: any("asked to stop" in file.read_text() for file in home.home.logs.glob("artfactoryd.log")))
        program.send_signal(signal.SIGINT)
    _, err = program.communicate(10)
    assert program.wait() == 130 and "Traceback" not in err and err.endswith("artfactoryd: Interrupted.\n")


def test_what_outlives_ctrl_c_goes_on_outliving_it(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        interrupt.watch()
        with interrupt.as_exception(), interrupt.at_once():
            os.kill(os.getpid(), signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("ends", ["well", "badly"])
def test_what_asks_it_to_stop_when_it_has_ended_makes_no_death_of_that(ends: str) -> None:
    """A window that closes says so more than once, and the loop has given its signals back by then."""
    before = {number: signal.getsignal(number) for number in interrupt.STOPS}

    async def work() -> None:
        for number in interrupt.STOPS:
            asyncio.get_running_loop().add_signal_handler(number, print)
        if ends == "badly":
            raise OSError("the disk")

    try:
        with pytest.raises(OSError) if ends == "badly" else nullcontext():
            asyncio.run(interrupt.to_the_end(work()))
        for number in (signal.SIGHUP, signal.SIGHUP, signal.SIGTERM):
            os.kill(os.getpid(), number)
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL  # should the end take for ever
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
