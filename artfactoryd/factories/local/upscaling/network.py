"""The networks that enlarge pictures, in the process of their own.

The library's own front asks for OpenCV, which a machine without a desktop cannot load; what it does for us needs no
more than the one file that is compiled.
"""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Callable
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from PIL import Image

from artfactoryd.factories.local.upscaling.engine import COMPILED, FACTOR, INSTALL, NEEDS, WEIGHTS

CPU, PROCESSOR = -1, "the processor"
SOFTWARE = ("llvmpipe", "lavapipe", "softpipe", "swiftshader")
_NAMED = re.compile(r"^\[(\d+) (.+?)\] +queueC", re.M)
Enlarge = Callable[[Image.Image], Image.Image]


class Unusable(Exception):
    """What it cannot be used for, in words."""


def load(lies: Path) -> ModuleType:
    """Raises Unusable."""
    spec = PathFinder.find_spec(COMPILED, [str(lies)])
    if spec is None or spec.loader is None:
        raise Unusable("the library that enlarges pictures does not fit this Python")
    try:
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    except ImportError as error:
        raise Unusable(f"the library that enlarges pictures cannot be loaded ({error}). {NEEDS}") from error
    return module


def device(library: ModuleType) -> tuple[int, str]:
    """The first graphics processor that is one, with its name, else the processor: a driver that only plays one is far
    slower than that. The library tells names on standard error alone."""
    for number, name in dict(_NAMED.findall(_told_by(library.get_gpu_count))).items():
        if not any(word in name.lower() for word in SOFTWARE):
            return int(number), name
    return CPU, PROCESSOR


def _told_by(ask: Callable[[], object]) -> str:
    """What it writes to standard error meanwhile, which is little."""
    before = os.dup(2)
    read, write = os.pipe()
    try:
        os.dup2(write, 2)
        os.close(write)
        ask()
    finally:
        os.dup2(before, 2)
        os.close(before)
        with os.fdopen(read, "rb") as told:
            text = told.read()
    return text.decode("utf-8", "replace")


def network(library: ModuleType, lies: Path, model: str, device: int) -> Enlarge:
    """Of an RGB picture, one that is FACTOR times as wide and high. Raises Unusable."""
    net: Any = library.RealESRGANWrapped(device, False)
    net.set_parameters(0, FACTOR)
    weights = lies / "models" / WEIGHTS[model]
    if net.load(f"{weights}.param", f"{weights}.bin"):
        raise Unusable(f"the weights {weights.name} cannot be loaded: {INSTALL} again")

    def enlarge(pixels: Image.Image) -> Image.Image:
        across, down = pixels.width * FACTOR, pixels.height * FACTOR
        given = library.RealESRGANImage(pixels.tobytes(), *pixels.size, 3)
        made = library.RealESRGANImage(bytes(across * down * 3), across, down, 3)
        if net.process(given, made):
            raise Unusable("the library that enlarges pictures failed")
        return Image.frombytes("RGB", (across, down), made.get_data())

    return enlarge
