"""A command of a person: what it is given, how long it may take, and that nothing of it is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from artfactoryd.daemon.telling import command
from artfactoryd.daemon.telling.command import Ending, environment, run
from tests.homes import until

LONG = b'{"text": "' + b"x" * 300_000 + b'"}'  # more than a pipe holds


def shell(script: str, folder: Path, given: bytes = b"{}", seconds: float = 20.0) -> Ending:
    environ = environment(os.environ, folder)
    return run(["sh", "-c", script], given, environ, folder=folder, seconds=seconds, stop=threading.Event())


@pytest.mark.parametrize(
    ("script", "trouble"),
    [
        ("cat > given", ""),
        ("exit 0", ""),  # it reads nothing
        ("head -c 10 >/dev/null; echo half >&2", ""),
        ("exec >&- 2>&-; cat > given", ""),
        ("sleep 300 & echo $! > left", ""),  # what it leaves running holds its pipes, and is not waited for
        ("echo first >&2; echo 'no token=abcdef123456 here' >&2; exit 3", "it ended with code 3: no token=[key] here"),
        ("exit 127", "it ended with code 127"),
        ("kill -9 $$", "it was ended by signal 9"),
        ("yes >&2 & sleep 0.02; exit 1", "it ended with code 1: y"),
        ("printf '\\033[31mred' >&2; exit 1", "it ended with code 1: \\u001b[31mred"),
    ],
)
def test_a_command_ends_well_or_its_trouble_is_told_in_words(script: str, trouble: str, tmp_path: Path) -> None:
    before = os.listdir("/dev/fd")
    ending = shell(f"{script} ", tmp_path, LONG)
    assert (ending.trouble, ending.is_cut) == (trouble, False)
    assert len(os.listdir("/dev/fd")) <= len(before)
    if "left" in script:
        os.kill(int((tmp_path / "left").read_text()), signal.SIGKILL)
    if "given" in script:
        assert (tmp_path / "given").read_bytes() == LONG


def test_what_is_no_program_is_told_so(tmp_path: Path) -> None:
    environ = environment({}, tmp_path)
    scripts = {"plain": "", "windows": "#!/bin/sh\r\n", "gone": "#! /no/such x\n", "bare": ":\n"}
    for name, text in scripts.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o644 if name == "plain" else 0o755)
    for word, why in (
        ("no-such-program-here", "there is no program {}"), (str(tmp_path), "there is no program {}"),
        ("/dev/null", "there is no program {}"), (f"{tmp_path}/plain", "{} may not be run: chmod +x {}"),
        (f"{tmp_path}/windows", "the lines of {} end as on Windows: save it with those of Unix"),
        (f"{tmp_path}/gone", "the first line of {} names /no/such, which is not there"), (f"{tmp_path}/bare", ""),
    ):  # fmt: skip
        ending = run([word], b"", environ, folder=tmp_path, seconds=20, stop=threading.Event())
        assert ending.trouble == why.format(word, word)


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    state = Path(f"/proc/{pid}/stat")
    return state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z"


STUBBORN = "trap '' TERM; (trap '' TERM; echo $$ > child; while :; do sleep 0.05; done) & echo $! > pid; wait"


@pytest.mark.parametrize("by", ["time", "a stop"])
def test_one_that_takes_too_long_is_ended_with_all_that_it_started(
    by: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "GRACE", 0.02)
    stop = threading.Event()
    endings: list[Ending] = []
    environ = environment(os.environ, tmp_path)
    seconds = 0.5 if by == "time" else 100.0
    words = ["sh", "-c", STUBBORN]
    runner = threading.Thread(
        target=lambda: endings.append(run(words, b"", environ, folder=tmp_path, seconds=seconds, stop=stop))
    )
    runner.start()
    if by == "a stop":
        until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip())
        stop.set()
    runner.join()
    assert endings[0].is_cut == (by == "a stop") and endings[0].is_late == (by == "time")
    assert ("took longer than" in endings[0].trouble) == (by == "time")
    if (tmp_path / "pid").exists():
        pid = int((tmp_path / "pid").read_text())
        until(lambda: is_gone(pid))


def test_nothing_of_it_outlives_a_program_that_is_killed(tmp_path: Path) -> None:
    script = (
        "import os, sys, threading; from pathlib import Path; from artfactoryd.daemon.telling.command import *\n"
        "home = Path(sys.argv[1])\n"
        "run(['sh', '-c', sys.argv[2]], b'', environment(os.environ, home), folder=home, seconds=100, "
        "stop=threading.Event())"
    )
    program = subprocess.Popen([sys.executable, "-c", script, str(tmp_path), STUBBORN])
    file = tmp_path / "pid"
    until(lambda: file.exists() and file.read_text().strip())
    program.send_signal(signal.SIGKILL)
    program.wait()
    until(lambda: is_gone(int(file.read_text())))


def test_it_finds_the_home_and_its_session_and_no_credential(tmp_path: Path) -> None:
    given = {"PATH": os.environ["PATH"], "HOME": "/home/me", "FAL_KEY": "x:y", "REPLICATE_API_TOKEN": "r8_x",
             "MY_PASSWORD": "x", "ARTFACTORY_HTTP__TOKEN": "env:X", "DISPLAY": ":0"}  # fmt: skip
    environ = environment(given, tmp_path)
    ending = run(["sh", "-c", "env > seen"], b"", environ, folder=tmp_path, seconds=20, stop=threading.Event())
    seen = dict(line.split("=", 1) for line in (tmp_path / "seen").read_text().splitlines())
    assert not ending.trouble and seen["ARTFACTORY_HOME"] == str(tmp_path)
    assert set(seen) - {"PWD", "SHLVL", "_", "OLDPWD"} == {"PATH", "HOME", "ARTFACTORY_HOME", "DISPLAY"}
