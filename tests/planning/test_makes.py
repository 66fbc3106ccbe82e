"""A plan says what it brings: films are no pictures, and last as long as they are asked to."""

from __future__ import annotations

from pathlib import Path

import pytest

from artfactoryd import documents
from artfactoryd.core.model import Model
from artfactoryd.core.pricing.lengths import seconds_asked
from artfactoryd.planning.preview import plan
from artfactoryd.settings import Settings
from tests.homes import TestHome

FOX = {"provider": "fal", "parameters": {"prompt": "a [red,blue] fox"}}
WALK = {"id": "walk", "provider": "fal", "model": "kling-2.5-turbo-i2v", "parameters": {"prompt": "it walks"}}
CASES = [
    ({**FOX, "model": "flux-schnell"}, "2 pictures"),
    ({**FOX, "model": "veo-3.1-lite"}, "2 films of 16 s together"),  # of 8 seconds, where nothing is said
    ({**FOX, "model": "seedance-2.0"}, "2 films"),  # which lasts as long as the model likes
    ({"provider": "fal", "model": "elevenlabs-v3", "parameters": {"text": "hello"}}, "1 sound"),
    ({**FOX, "model": "flux-schnell", "then": [WALK]}, "2 pictures and 2 films"),
    ({**FOX, "model": "veo-3.1-lite", "rehearse": True}, "2 pictures"),
    ({"models": [{"provider": "fal", "model": name} for name in ("flux-schnell", "veo-3.1-lite")],
      "parameters": {"prompt": "a fox"}}, "2 products"),
]  # fmt: skip


def test_an_order_is_told_by_what_its_models_make(home: TestHome, tmp_path: Path) -> None:
    file = tmp_path / "orders.yaml"
    file.write_text("---\n".join(documents.dump_yaml(order) for order, _ in CASES))
    heads = plan(home.home, Settings(), file, rehearse=False, most=1).document["orders"]
    assert [(head["errors"], head["makes"]) for head in heads] == [([], words) for _, words in CASES]
    assert heads[4]["stages"][0]["makes"] == "2 films of 10 s together"


@pytest.mark.parametrize(
    ("parameters", "seconds"),
    [({"duration": "8s"}, 8.0), ({"duration": 5}, 5.0), ({"duration": "auto"}, None), ({"duration_seconds": 2.5}, 2.5),
     ({"music_length_ms": 90000}, 90.0), ({"seconds": True}, None), ({"prompt": "5"}, None)],
)  # fmt: skip
def test_how_long_it_is_asked_to_be(parameters: dict[str, object], seconds: float | None) -> None:
    assert seconds_asked(parameters) == seconds


def test_a_model_makes_what_its_modality_ends_with() -> None:
    made = {
        "text-to-image": "image", "edit": "image", "upscale": "image", "text-to-video": "video",
        "image-to-video": "video", "speech": "audio", "text-to-speech": "audio", "music": "audio",
        "sound-effects": "audio", "image-to-3d": "3d", "image-to-text": "text", "": "image",
    }  # fmt: skip
    assert {name: Model("a", "b", modality=name).makes for name in made} == made
