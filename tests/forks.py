"""Processes of their own, each forked from one that has loaded the program already: a start costs a twentieth.

What only an interpreter's own start can show (what a command loads, what the wheel carries) is tested
with `python -m artfactoryd`. Where forking is not safe (macOS), each process is a fresh interpreter.
"""

from __future__ import annotations

import faulthandler
import importlib
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from artfactoryd import log_outlet
from artfactoryd.factories import registry
from tests.pauses import shorten

PATIENCE = 60.0  # seconds; only a broken program needs them
_context = (
    multiprocessing.get_context("forkserver") if sys.platform == "linux" else multiprocessing.get_context("spawn")
)
_context.set_forkserver_preload(["tests.loaded"])
_one_at_a_time = threading.Lock()  # starting one asks after all others, and who asks second is told nothing


class Fork:
    """A function at work in a process of its own; of a Popen as much as the tests need."""

    def __init__(self, target: Callable[..., None], *given: Any) -> None:
        self._process = _context.Process(target=target, args=given, daemon=True)
        with _one_at_a_time:
            self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def poll(self) -> int | None:
        with _one_at_a_time:
            return self._process.exitcode

    @property
    def returncode(self) -> int | None:
        return self.poll()

    def wait(self, timeout: float | None = None) -> int:
        wait([self._process.sentinel], timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired(str(self._process), timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Program(Fork):
    """`artfactoryd WORDS`. `before`: Python that runs ahead of it, in its process."""

    def __init__(self, words: Sequence[str], environ: Mapping[str, str], before: str = "") -> None:
        self._papers = [tempfile.NamedTemporaryFile() for _ in ("stdout", "stderr")]  # noqa: SIM115 as long as we are
        super().__init__(_be_the_program, list(words), dict(environ), [paper.name for paper in self._papers], before)

    def said(self) -> tuple[str, str]:
        """What it has said until now on stdout and on stderr."""
        out, err = (Path(paper.name).read_text() for paper in self._papers)
        return out, err

    def communicate(self, timeout: float = PATIENCE) -> tuple[str, str]:
        """All it said, when it has ended. One that does not end is made to say where it stands."""
        try:
            self.wait(timeout)
        except subprocess.TimeoutExpired:
            self.send_signal(signal.SIGABRT)
            self.wait(PATIENCE)
            raise AssertionError(f"it did not end in {timeout} seconds:\n{self.said()[1]}") from None
        return self.said()


class Script(Fork):
    """Python text, as `python -c TEXT WORDS` would run it; its words go where the test's go."""

    def __init__(self, text: str, words: Sequence[str], environ: Mapping[str, str]) -> None:
        super().__init__(_be_the_script, text, list(words), dict(environ))


def _be_the_script(text: str, words: list[str], environ: dict[str, str]) -> None:
    _settle_in(environ)
    sys.argv = ["-c", *words]
    exec(text, {"__name__": "__main__"})


def _settle_in(environ: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environ)
    time.tzset()
    importlib.reload(importlib.import_module("artfactoryd.failpoints"))  # it reads the environment once


def _be_the_program(words: list[str], environ: dict[str, str], papers: list[str], before: str) -> None:
    _settle_in(environ)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may run under nohup, or in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, paper in enumerate(papers, 1):
        os.dup2(os.open(paper, os.O_WRONLY | os.O_APPEND), number)
    faulthandler.enable()
    shorten()
    if before:
        exec(before, {})
        registry.look_again()  # it may have packages found
    sys.argv = ["artfactoryd", *words]
    try:
        runpy.run_module("artfactoryd", run_name="__main__", alter_sys=True)
    except Exception:
        traceback.print_exc()
        sys.exit(1)
    finally:
        log_outlet.drain()  # what is registered with atexit is not called in a fork
