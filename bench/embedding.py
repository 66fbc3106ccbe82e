"""Words written inside a picture of 1.3 MB, hashed, in a second file, beside a plain copy of the same bytes.

Processor time, and the clock's without flushing: how long a disk takes to flush is the same for both files.
"""

from __future__ import annotations

import io
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path

from line import word
from PIL import Image

from artfactoryd import durable
from artfactoryd.core.inside.undo import restored
from artfactoryd.core.inside.xmp import TRAINED, Words
from artfactoryd.shelf.inside.embedding import embedded
from artfactoryd.shelf.staging import Staging

ROUNDS = int(os.environ.get("ROUNDS", "200"))
BYTES = 1_300_000
MOST = 2.0  # milliseconds
PROMPT = "A red car on a wet street at night, neon lights mirrored in the puddles, seen from above. " * 4
TEXT = f"{PROMPT}\nSteps: 28, Sampler: fal, CFG scale: 3.5, Seed: 7, Size: 1024x1024, Model: fal-ai/flux/dev"
KINDS = {"PNG": "png", "JPEG": "jpg", "WebP": "webp"}


def main() -> None:
    durable.flush = lambda fd: None  # type: ignore[attr-defined]
    print(f"embedding: {BYTES / 1e6:g} MB of each kind, median of {ROUNDS}")
    for name, extension in KINDS.items():
        tell(name, of_kind(extension, drawn(name)))


def of_kind(extension: str, data: bytes) -> dict[str, tuple[float, float]]:
    words = Words(
        "0193b3a0-0000-7000-8000-000000000001", sha256(data).hexdigest(), title=PROMPT[:80], description=PROMPT,
        subjects=("cars",), tool="artfactoryd", source_type=TRAINED, model="fal/flux",
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        staging = Staging(Path(folder))
        staging.half("x")  # makes the folder
        took = measured({
            "ours": lambda: staging.embed("x", embedded(data, extension, TEXT, words).pieces),
            "copy": lambda: staging.embed("y", [data]),
        })  # fmt: skip
        assert restored(staging.path("x.embedded").read_bytes()) == data
    return took


def drawn(name: str) -> bytes:
    """As many bytes as that, nearly: noise does not pack."""
    side, file = {"PNG": 658, "JPEG": 1_150, "WebP": 660}[name], io.BytesIO()
    bands = [Image.effect_noise((side, side), 90) for _ in range(3)]
    Image.merge("RGB", bands).save(file, name, **({"lossless": True} if name == "WebP" else {"quality": 90}))
    return file.getvalue()


def measured(steps: Mapping[str, Callable[[], object]]) -> dict[str, tuple[float, float]]:
    """By what is done, in turn: milliseconds of the clock and of the processor."""
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in steps}
    for _ in range(ROUNDS):
        for name, step in steps.items():
            clock, processor = time.perf_counter(), time.process_time()
            step()
            took[name].append((1000 * (time.perf_counter() - clock), 1000 * (time.process_time() - processor)))
    return {
        name: (statistics.median(one[0] for one in times), statistics.median(one[1] for one in times))
        for name, times in took.items()
    }


def tell(name: str, took: dict[str, tuple[float, float]]) -> None:
    (clock, processor), (copy, copied) = took["ours"], took["copy"]
    verdict = word(clock <= MOST)
    print(
        f"{name:5} {clock:.2f} ms ({processor:.2f} ms CPU), a plain copy that is hashed too {copy:.2f} ms "
        f"({copied:.2f}): {clock / copy:.2f}x, to reach {MOST:g} ms: {verdict}"
    )


if __name__ == "__main__":
    main()
