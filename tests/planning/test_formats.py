"""What a picture's format cannot hold is said by `plan`, and not only when the work on it fails."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from artfactoryd.clock import now
from artfactoryd.planning.origin import Origin
from artfactoryd.planning.planner import Scholar
from artfactoryd.settings import Settings
from tests.homes import TestHome
from tests.upscalers import library

CASES = [
    ("convert", "long.png", "format: webp", "16,384 pixels long"), ("convert", "long.png", "format: [png, jpg]", ""),
    ("convert", "long.png", "format: [png, webp]", "16,384 pixels long"), ("convert", "short.webp", "quality: 50", ""),
    ("convert", "short.png", "format: webp", ""), ("resize", "short.webp", "width: 16384", "16,384 pixels long"),
    ("resize", "short.webp", "height: 200", "20,000 pixels long"), ("resize", "short.png", "width: 16384", ""),
    ("resize", "short.webp", "width: 100", ""), ("resize", "short.webp", "width: 100, height: 16384", ""),
    ("resize", "short.webp", "width: 100, height: 16384, fit: pad", "16,384 pixels long"),
    ("upscale", "wide.webp", "scale: 3", ""), ("upscale", "wide.webp", "model: small", "20,000 pixels long"),
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    Image.new("L", (16384, 2)).save(folder / "long.png")
    for name in ("short.png", "short.webp"):
        Image.new("RGB", (200, 2)).save(folder / name)
    Image.new("RGB", (5000, 2)).save(folder / "wide.webp")
    library(folder / "packages")
    return folder


@pytest.mark.parametrize(("model", "picture", "more", "words"), CASES, ids=str)
def test_a_webp_longer_than_the_format_allows_is_a_warning(
    home: TestHome, folder: Path, model: str, picture: str, more: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(folder / "packages"))
    text = f"provider: local\nmodel: {model}\nparameters: {{image: {picture}, {more}}}\n"
    scholar = Scholar(home.home, Settings(), None, now)
    (study,) = scholar.study(text.encode(), Origin("cars.yaml", "cars", folder=folder))
    told = [warning.message for warning in study.plan.warnings if warning.code == "W_WEBP"]
    assert len(told) == bool(words) and all(words in message and picture in message for message in told)
