"""How a command is kept in its folder: what is put before its words."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

NONE = "none"
PROFILE = '(version 1)(allow default)(deny file-write*)(allow file-write* (literal "/dev/null"))'
TOO_FREE = (
    "Nothing here keeps a command in its folder: install bubblewrap (bwrap), or let its model file say sandbox: none."
)


def wrapped(words: Sequence[str], folder: Path, writes: Sequence[Path], kind: str | None) -> list[str] | None:
    """None where nothing on this machine can keep it there."""
    if kind == NONE:
        return list(words)
    places = [folder, *writes]
    if sys.platform == "darwin" and (program := shutil.which("sandbox-exec")):
        allowed = "".join(f'(allow file-write* (subpath "{_quoted(place)}"))' for place in places)
        return [program, "-p", PROFILE + allowed, *words]
    if program := shutil.which("bwrap"):
        bound = [word for place in places for word in ("--bind", str(place), str(place))]
        return [program, "--ro-bind", "/", "/", "--dev-bind", "/dev", "/dev", "--proc", "/proc", *bound,
                "--die-with-parent", "--chdir", str(folder), "--", *words]  # fmt: skip
    return None


def _quoted(path: Path) -> str:
    return str(path.resolve()).replace("\\", "\\\\").replace('"', '\\"')
