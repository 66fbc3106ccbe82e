"""Thumbnails of 150, 400 and 800 pixels of large pictures, on all cores, beside the naive way: three openings, each
scaled down at once, by as many threads. Ours come out of the later look, which judges the picture by the same decoding.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from line import word
from PIL import Image

from artfactoryd.execution.shelving.eye import MOST, Eye, Thumbnails
from artfactoryd.shelf.thumbnails import SIZES
from artfactoryd.shelf.thumbnails.scaling import QUALITY

PICTURES = int(os.environ.get("PICTURES", "40"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
KINDS = {  # ending, mime, side in pixels
    "PNG 1024": (".png", "image/png", 1024), "JPEG 1024": (".jpg", "image/jpeg", 1024),
    "WebP 1024": (".webp", "image/webp", 1024), "PNG 2048": (".png", "image/png", 2048),
}  # fmt: skip
LEAST = 2.0


def main() -> None:
    os.nice(19)  # as the later look is: both meet the same machine
    print(f"thumbnails: {PICTURES} pictures of each kind, {MOST} at once, median of {ROUNDS} rounds")
    for name, (ending, mime, side) in KINDS.items():
        with tempfile.TemporaryDirectory() as folder:
            pictures = drawn(Path(folder), ending, side)
            took: dict[str, list[float]] = {"ours": [], "naive": []}
            for _ in range(ROUNDS):
                took["ours"].append(asyncio.run(ours(pictures, mime, Path(folder) / "ours")))
                took["naive"].append(naive(pictures, Path(folder) / "naive"))
            tell(name, *(1000 * statistics.median(took[who]) / PICTURES for who in ("ours", "naive")))


def drawn(folder: Path, ending: str, side: int) -> list[Path]:
    """Textured at every scale, as what a model paints is: a few really made, and repeated."""
    paths = [folder / f"{number}{ending}" for number in range(PICTURES)]
    for number, path in enumerate(paths):
        if number >= 4:
            shutil.copyfile(paths[number % 4], path)
            continue
        bands = [_texture(side) for _ in range(3)]
        Image.merge("RGB", bands).save(path)
    return paths


def _texture(side: int) -> Image.Image:
    band = Image.new("L", (side, side), 128)
    for scale in (4, 16, 64, 256):
        noise = Image.effect_noise((scale, scale), 70).resize((side, side), Image.Resampling.BICUBIC)
        band = Image.blend(band, noise, 0.4)
    return Image.blend(band, Image.effect_noise((side, side), 20), 0.1)


async def ours(pictures: list[Path], mime: str, folder: Path) -> float:
    """Seconds, with the processes at work already: a daemon at work keeps them."""
    eye = Eye()
    try:
        await asyncio.gather(*(eye.look(pictures[0], 100.0) for _ in range(MOST)))
        began = time.perf_counter()
        asked = (eye.look(path, 100.0, Thumbnails(folder, path.stem, mime)) for path in pictures)
        glances = await asyncio.gather(*asked)
        took = time.perf_counter() - began
    finally:
        await eye.close()
    assert all(glance.fault == "" and glance.bytes for glance in glances)
    shutil.rmtree(folder)
    return took


def naive(pictures: list[Path], folder: Path) -> float:
    folder.mkdir(exist_ok=True)
    began = time.perf_counter()
    with ThreadPoolExecutor(MOST) as pool:
        list(pool.map(partial(_three_times, folder), pictures))
    return time.perf_counter() - began


def _three_times(folder: Path, path: Path) -> None:
    for size in SIZES:
        with Image.open(path) as picture:
            small = picture.convert("RGB").resize(
                (size, size * picture.height // picture.width), Image.Resampling.LANCZOS
            )
            small.save(folder / f"{path.stem}-{size}.jpg", quality=QUALITY)


def tell(name: str, ours: float, naive: float) -> None:
    ratio = naive / ours
    print(f"  {name:<10} {ours:6.1f} ms   naive {naive:6.1f} ms   {ratio:4.1f}x   to reach {LEAST:.0f}x   "
          f"{word(ratio >= LEAST)}")  # fmt: skip


if __name__ == "__main__":
    main()
