from __future__ import annotations

import io
import os
import signal
import time
from collections.abc import Iterator

import pytest

from artfactoryd import log_outlet
from artfactoryd.log_outlet import Outlet
from tests.forks import Program, Script
from tests.homes import TestHome, until

GREEN = "provider: local\nmodel: sketch\nparameters: {prompt: a green car, width: 64, height: 64}\n"
FULL = """import os
reader, writer = {opened}
os.set_blocking(writer, False)
try:
    while True: os.write(writer, b"x" * 100)
except BlockingIOError: pass
os.set_blocking(writer, True)
os.dup2(writer, 2)
"""
PIPE, TERMINAL = "os.pipe()", "os.openpty()"


@pytest.fixture
def pipe() -> Iterator[tuple[int, Outlet]]:
    """Its reading end, and an outlet into it that holds little."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    with os.fdopen(writer, "wb", buffering=0) as raw, io.TextIOWrapper(io.BufferedWriter(raw)) as stream:
        yield reader, Outlet(stream, most_bytes=1000)
        _read(reader)
    os.close(reader)


def _read(reader: int) -> str:
    text = b""
    try:
        while got := os.read(reader, 1 << 20):
            text += got
    except BlockingIOError:
        return text.decode()
    return text.decode()


def test_what_is_said_is_written_in_its_order(pipe: tuple[int, Outlet]) -> None:
    reader, outlet = pipe
    for number in range(50):
        outlet.write(f"{number}\n")
        outlet.drain()
    assert _read(reader).split() == [str(number) for number in range(50)]


def test_a_full_pipe_keeps_nobody_waiting_and_what_was_dropped_is_counted(pipe: tuple[int, Outlet]) -> None:
    reader, outlet = pipe
    outlet.write("x" * 100_000 + "\n")
    began = time.monotonic()
    for _ in range(10_000):
        outlet.write("a line that nobody reads\n")
    outlet.write("\x1b[2K a bar\n")
    outlet.drain(0.01)
    assert time.monotonic() - began < 5
    text = ""

    def told() -> bool:
        nonlocal text
        text += _read(reader)
        return "not shown" in text

    until(told)
    shown = text.count("a line that nobody reads")
    assert f"({10_000 - shown} lines are not shown, because nobody read along)" in text and "bar" not in text
    outlet.write("and on it goes\n")
    until(lambda: "and on it goes" in _read(reader))


def test_who_is_gone_for_good_stops_nothing(pipe: tuple[int, Outlet]) -> None:
    reader, outlet = pipe
    dead = os.open(os.devnull, os.O_RDONLY)
    os.dup2(dead, outlet.fileno())  # it takes nothing
    os.close(dead)
    outlet.write("hello\n")
    outlet.drain()
    assert _read(reader) == ""


def test_a_stream_of_somebody_else_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert not log_outlet.install()


CLOSED = """import os, sys
for number in (0, 2): os.close(number)
from artfactoryd.log_outlet import hold_standard
hold_standard()
sys.exit(os.open(os.devnull, os.O_RDONLY) <= 2 or any(os.readlink(f"/dev/fd/{n}") != os.devnull for n in (0, 2)))"""


@pytest.mark.skipif(not os.path.exists("/dev/fd/0"), reason="no /dev/fd here")
def test_no_file_of_ours_takes_the_number_of_a_standard_stream_that_is_closed() -> None:
    assert Script(CLOSED, [], os.environ).wait(20) == 0


def test_a_run_without_standard_error_works_and_fails_as_any_other(home: TestHome) -> None:
    home.drop("car.yaml", GREEN)
    without = "import sys; sys.stderr = sys.__stderr__ = None"
    for words, code in ((["once"], 0), (["-v", "once"], 0), (["order", "nothing"], 2)):
        assert Program(["--home", str(home.root), *words], home.environment(), without).wait(20) == code
    assert home.states() == ["completed"]


@pytest.mark.parametrize("opened", [PIPE, TERMINAL])
def test_a_run_whose_words_nobody_reads_goes_on_and_stops_when_asked(home: TestHome, opened: str) -> None:
    home.drop("car.yaml", GREEN)
    program = Program(["--home", str(home.root), "-v", "run"], home.environment(), FULL.format(opened=opened))
    until(lambda: home.states() == ["completed"])
    program.send_signal(signal.SIGTERM)
    assert program.wait(10) == 0
    assert "order.completed" in (home.home.logs / "artfactoryd.log").read_text()


def test_once_ends_on_a_terminal_that_is_stopped(home: TestHome) -> None:
    home.drop("car.yaml", GREEN)
    program = Program(["--home", str(home.root), "once"], home.environment(), FULL.format(opened=TERMINAL))
    assert program.wait(20) == 0 and home.states() == ["completed"]
