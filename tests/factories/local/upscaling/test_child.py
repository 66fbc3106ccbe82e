"""What the process does with a picture, by a library that only repeats pixels."""

from __future__ import annotations

import importlib.machinery
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from artfactoryd.factories.local import images
from artfactoryd.factories.local.upscaling import child, network, tiles
from tests.upscalers import library


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    words = list[dict[str, Any]]()
    monkeypatch.setattr(child, "_say", lambda **told: words.append(told))
    monkeypatch.setattr(child, "_bound", lambda: None)
    return words


def request(lies: Path, image: Path, **more: object) -> dict[str, Any]:
    whole = {"scale": 4, "model": "photo", "tile": 32, "target": str(image.with_name("made"))}
    return {"library": str(lies), "image": str(image), **whole, **more}


@pytest.mark.parametrize(
    ("name", "mode", "scale"),
    [
        ("a.png", "RGB", 4), ("a.png", "RGBA", 3), ("a.png", "LA", 4), ("a.png", "P", 2), ("a.jpg", "L", 2),
        ("a.webp", "RGBA", 4),
    ],
)  # fmt: skip
def test_in_pieces_a_picture_is_as_it_is_in_one_and_keeps_its_kind(
    tmp_path: Path, said: list[dict[str, Any]], name: str, mode: str, scale: int
) -> None:
    """100 x 70 in pieces of 32: twelve, the last ones smaller, and no line of one shows."""
    lies = library(tmp_path)
    picture = Image.effect_noise((100, 70), 90).convert(mode)
    if mode in ("RGBA", "LA"):
        picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    picture.save(tmp_path / name, lossless=True)
    assert child._answer(request(lies, tmp_path / name, scale=scale)) == {"made": name[2:]}
    assert said[:2] == [{"device": "the processor", "gpu": False}, {"done": 0, "of": 12}] and len(said) == 13
    with Image.open(tmp_path / f"made.{name[2:]}") as made, Image.open(tmp_path / name) as given:
        assert made.size == (100 * scale, 70 * scale) and ("A" in made.mode) == ("A" in mode)
        flat = given if given.mode in ("L", "RGB") else given.convert("RGB")
        whole = flat.resize((400, 280), Image.Resampling.NEAREST).resize(made.size, Image.Resampling.LANCZOS)
        if name == "a.png":
            assert made.convert(whole.mode).tobytes() == whole.tobytes()


def test_it_computes_on_the_first_graphics_processor_that_is_one(tmp_path: Path) -> None:
    for number, (gpus, device) in enumerate({
        "": (-1, "the processor"), "llvmpipe (LLVM 15.0.6, 256 bits)": (-1, "the processor"),
        "llvmpipe (LLVM)\nNVIDIA GeForce RTX 4090": (1, "NVIDIA GeForce RTX 4090"), "Apple M2": (0, "Apple M2"),
    }.items()):  # fmt: skip
        lies = library(tmp_path / str(number), gpus=gpus)
        assert network.device(network.load(lies)) == device


@pytest.mark.usefixtures("said")
def test_what_cannot_be_done_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("RGB", (64, 40), "red").save(tmp_path / "car.png")
    (tmp_path / "text.png").write_text("no picture")
    lies = library(tmp_path / "well")
    with pytest.raises(Exception, match="cannot identify"):
        child._answer(request(lies, tmp_path / "text.png"))
    with monkeypatch.context() as patched:
        patched.setattr(images, "MOST_PIXELS", 64 * 40 * 16 - 1)
        for scale in (2, 4):  # by way of 4
            with pytest.raises(images.DoesNotFit, match="256 x 160 pixels, more than is made here"):
                child._answer(request(lies, tmp_path / "car.png", scale=scale))
    with pytest.raises(tiles.Black):
        child._answer(request(library(tmp_path / "black", "black"), tmp_path / "car.png"))
    Image.new("RGB", (64, 40), "black").save(tmp_path / "night.png")
    assert child._answer(request(library(tmp_path / "night", "black"), tmp_path / "night.png")) == {"made": "png"}
    with pytest.raises(network.Unusable, match="failed"):
        child._answer(request(library(tmp_path / "fails", "fails"), tmp_path / "car.png"))
    broken = library(tmp_path / "broken")
    next(broken.glob("*wrapper.py")).write_text("raise ImportError('libomp.so.5: cannot open shared object file')\n")
    with pytest.raises(network.Unusable, match=r"\(libomp.so.5: .*apt install libvulkan1 libomp5"):
        child._answer({"library": str(broken)})
    assert importlib.machinery.PathFinder.find_spec("realesrgan_ncnn_vulkan_wrapper", [str(tmp_path)]) is None
