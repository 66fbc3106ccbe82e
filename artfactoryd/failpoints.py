"""Named places at which a test kills the program.

`ARTFACTORY_FAULT=name:3` ends the process with SIGKILL the third time `point("name")` is
reached. Without the variable a point costs one comparison. No clean-up runs: that is the point.
"""

from __future__ import annotations

import os
import signal

_name, _, _hit = os.environ.get("ARTFACTORY_FAULT", "").partition(":")
_left = int(_hit or 1)


def point(name: str) -> None:
    if _name and name == _name:
        _count_down()


def _count_down() -> None:
    global _left
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
