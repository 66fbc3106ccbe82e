"""Permissions that bind root too: without what lets root pass them over, a test meets the refusal a person meets."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.forks import Program
from tests.homes import TestHome

VERSION, PASSES_OVER = 0x20080522, 0b110  # of capget(2); CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH


def obey(bound: bool = True) -> None:
    """From now on in this thread, and in those that it starts."""
    if os.geteuid() or sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header, sets = (ctypes.c_uint32 * 2)(VERSION, 0), (ctypes.c_uint32 * 6)()
    assert libc.capget(header, sets) == 0
    sets[0] = sets[0] & ~PASSES_OVER if bound else sets[1]
    assert libc.capset(header, sets) == 0, os.strerror(ctypes.get_errno())


@contextmanager
def obeyed() -> Iterator[None]:
    obey()
    try:
        yield
    finally:
        obey(False)


def call(home: TestHome, *words: str) -> subprocess.CompletedProcess[str]:
    """A command of the program to its end, bound by permissions."""
    before = "from tests.permissions import obey; obey()"
    program = Program(["--home", str(home.root), *words], home.environment(), before)
    out, err = program.communicate()
    return subprocess.CompletedProcess(words, program.wait(), out, err)
