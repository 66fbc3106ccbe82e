"""Runs a command until it ends, or until whoever started this is gone: its standard input is closed then.

`python runner.py SECONDS PROGRAM WORD...`; a killed program closes it too, so no command outlives it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading


def main(seconds: float, words: list[str]) -> int:
    command = subprocess.Popen(words, stdin=subprocess.DEVNULL, start_new_session=True)
    threading.Thread(target=_end_with_input, args=[command], daemon=True).start()
    try:
        return command.wait(seconds)
    except subprocess.TimeoutExpired:
        print(f"it ran longer than {seconds:g} seconds", file=sys.stderr)
        return 124
    finally:
        _kill(command)  # what it left running


def _end_with_input(command: subprocess.Popen[bytes]) -> None:
    while os.read(0, 1024):  # not by way of sys.stdin, whose lock would keep this process from ending
        pass
    _kill(command)


def _kill(command: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(command.pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), sys.argv[2:]))
