from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageStat

from artfactoryd.core.rehearsal import PIXELS, rehearsal_call, rehearsal_size
from artfactoryd.core.sidecar_again import with_values
from artfactoryd.planning import remake
from tests.homes import TestHome


@pytest.mark.parametrize(
    ("parameters", "size"),
    [
        ({"width": 768, "height": 512}, (768, 512)),
        ({"width": 768, "height": 512, "aspect_ratio": "1:1"}, (768, 512)),
        ({"image_size": {"width": 640, "height": 480}}, (640, 480)),
        ({"width": 16, "height": 9000}, (64, 4096)),
        ({"aspect_ratio": "1:1"}, (512, 512)),
        ({"aspect_ratio": "16:9"}, (680, 384)),
        ({"aspect_ratio": "9:16"}, (384, 680)),
        ({"aspect_ratio": "1:99999"}, (64, 4096)),
        ({"image_size": "landscape_4_3"}, (592, 440)),
        ({"image_size": "portrait_16_9"}, (384, 680)),
        ({"image_size": "square_hd"}, (512, 512)),
    ],
)
def test_the_sketch_has_the_size_or_the_shape_that_was_asked_for(parameters: Any, size: tuple[int, int]) -> None:
    assert rehearsal_size(parameters) == size


@pytest.mark.parametrize(
    "parameters",
    [
        {}, {"prompt": "x"}, {"width": 512}, {"width": True, "height": True}, {"width": "512", "height": "512"},
        {"width": 0, "height": -4}, {"aspect_ratio": "custom"}, {"aspect_ratio": "0:1"}, {"aspect_ratio": "²:1"},
        {"aspect_ratio": None, "image_size": None}, {"image_size": "auto"}, {"image_size": {"width": 512}},
    ],
)  # fmt: skip
def test_without_a_shape_the_sketch_is_a_square_of_a_quarter_megapixel(parameters: Any) -> None:
    assert rehearsal_size(parameters) == (512, 512)


OF_INPUT: list[tuple[Any, tuple[int, int], tuple[int, int]]] = [
    ({}, (640, 480), (640, 480)),
    ({"aspect_ratio": "match_input_image"}, (640, 480), (640, 480)),
    ({}, (8192, 4096), (4096, 2048)),  # no larger than can be drawn, in its own shape
    ({}, (10, 6000), (64, 4096)),
    ({"width": 320}, (640, 480), (320, 240)),
    ({"height": 120}, (640, 480), (160, 120)),
    ({"width": 320, "height": 320}, (640, 480), (320, 320)),
    ({"aspect_ratio": "1:1"}, (640, 480), (512, 512)),
    ({"image_size": "square"}, (640, 480), (512, 512)),
    ({"image_size": {"width": 100, "height": 200}}, (640, 480), (100, 200)),
]


@pytest.mark.parametrize(("parameters", "of_input", "size"), OF_INPUT)
def test_without_a_shape_of_its_own_the_sketch_has_that_of_the_picture_it_works_on(
    parameters: Any, of_input: tuple[int, int], size: tuple[int, int]
) -> None:
    assert rehearsal_size(parameters, of_input) == size


@pytest.mark.parametrize("ratio", ["21:9", "16:9", "3:2", "4:5", "5:4", "9:21"])
def test_every_shape_is_near_a_quarter_megapixel_in_eights(ratio: str) -> None:
    width, height = rehearsal_size({"aspect_ratio": ratio})
    assert width % 8 == height % 8 == 0
    assert abs(width * height / PIXELS - 1) < 0.05


def test_a_rehearsal_asks_for_the_items_own_prompt_seed_and_number() -> None:
    call = rehearsal_call({"steps": 4, "prompt": "A red car", "aspect_ratio": "1:1"}, seed=7, asked=3)
    assert call == {"prompt": "A red car", "width": 512, "height": 512, "seed": 7, "num_outputs": 3}


@pytest.mark.parametrize(
    ("generation", "prompt"),
    [
        ({"negative_prompt": "blurry", "edit_prompt": "make it red"}, "make it red"),
        ({"steps": 4, "text": "a label"}, "a label"),
        ({"prompt": None, "style": "ink"}, "ink"),
        ({"steps": 4}, ""),
    ],
)
def test_without_a_prompt_the_first_text_stands_in(generation: Any, prompt: str) -> None:
    assert rehearsal_call(generation, seed=None, asked=1)["prompt"] == prompt


# --- stages, in the whole house ---

STAGED = """\
provider: replicate
model: flux-schnell
rehearse: true
parameters: {prompt: "a [red,blue] car", num_outputs: 2, aspect_ratio: "1:1"}
then:
  - {id: size, provider: local, model: resize, parameters: {width: 256}}
  - {id: web, provider: local, model: convert, parameters: {format: webp}}
  - {id: oil, provider: replicate, model: flux-dev, parameters: {prompt: in oil}, after: size}
"""


def drawn(home: TestHome) -> dict[str, tuple[dict[str, Any], Path]]:
    """Sidecars and pictures by id."""
    return {card["id"]: (card, path) for card, path in zip(home.sidecars(), home.products(), strict=True)}


def unlike(one: Path, other: Path) -> float:
    """How far two pictures are apart, 0 to 255, at the size of the smaller."""
    pictures = sorted((Image.open(path).convert("RGB") for path in (one, other)), key=lambda picture: picture.width)
    same_size = [picture.resize(pictures[0].size) for picture in pictures]
    return max(ImageStat.Stat(ImageChops.difference(*same_size)).mean)


def test_a_stage_without_words_is_drawn_like_what_it_is_made_from(home: TestHome) -> None:
    home.drop("cars.yaml", STAGED)
    assert home.once() == 0
    found = drawn(home)
    drafts = {key: path for key, (card, path) in found.items() if card["stage"] is None}
    made = {key: each for key, each in found.items() if each[0]["stage"] in ("size", "web")}
    assert len(drafts) == 4 and len(made) == 8
    for card, path in made.values():
        (parent,) = card["parents"]
        draft = parent if parent in drafts else found[parent][0]["parents"][0]
        assert min(drafts, key=lambda each: unlike(path, drafts[each])) == draft
        assert card["parameters"]["actual"]["prompt"] == found[draft][0]["parameters"]["actual"]["prompt"]
    assert {card["parameters"]["actual"]["prompt"] for card, _ in made.values()} == {"a red car", "a blue car"}


def test_a_stage_with_words_shows_its_own_and_has_its_own_seed(home: TestHome) -> None:
    home.drop("cars.yaml", STAGED)
    assert home.once() == 0
    oils = [card for card, _ in drawn(home).values() if card["stage"] == "oil"]
    assert [card["parameters"]["actual"]["prompt"] for card in oils] == ["in oil"] * 4
    assert [card["parameters"]["actual"]["seed"] for card in oils] == [card["item"]["seed"] for card in oils]


def test_a_picture_worked_on_shows_its_name_and_lies_as_it_is_shown_and_compared_models_are_told_apart(
    home: TestHome,
) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.new("RGB", (100, 70), "red").save(home.home.inbox / "beach.jpg", exif=turned)
    local = "provider: local\nmodel: convert\nrehearse: true\n"
    home.drop("web.yaml", f"{local}parameters: {{image: beach.jpg, format: webp}}\n")
    models = "models: [{provider: fal, model: flux-dev}, {provider: fal, model: fast-sdxl}]\nrehearse: true\n"
    size = "image_size: {width: 64, height: 64}"
    home.drop("compared.yaml", f"{models}parameters: {{prompt: a car, seed: 7, {size}}}\n")
    assert home.once() == 0
    cards = home.sidecars()
    sent = [card["parameters"]["actual"] for card in cards]
    assert sorted(one["stands_for"] for one in sent if "stands_for" in one) == ["fast-sdxl", "flux-dev"]
    assert len({card["file"]["sha256"] for card in cards}) == 3
    (beach,) = (card for card in cards if card["parameters"]["actual"]["prompt"] == "beach")
    assert (beach["file"]["width"], beach["file"]["height"]) == (70, 100)


def test_a_rehearsal_is_asked_for_again_as_a_rehearsal_of_the_model_that_it_stands_for(home: TestHome) -> None:
    models = "models: [{provider: replicate, model: flux-schnell}, {provider: replicate, model: flux-dev}]"
    home.drop("two.yaml", f"{models}\nrehearse: true\nparameters: {{prompt: a red hat}}\n")
    home.drop("cars.yaml", STAGED.replace("a [red,blue] car", "a car").replace(", num_outputs: 2", ""))
    assert home.once() == 0
    for (card, path), earlier in ((one, earlier) for one in drawn(home).values() for earlier in (False, True)):
        ordered = card["model"]["stands_for"]
        if earlier:  # as a release wrote it that did not tell what was ordered
            del card["model"]["stands_for"]
        again = remake.asked(json.dumps(card).encode(), "again.json")
        assert again is not None and "stands_for" not in again.text.decode()
        want = (
            f"provider: {'local' if earlier else ordered['provider']}\nmodel: {'sketch' if earlier else ordered['id']}"
        )
        assert want in again.text.decode() and "rehearse: true" in again.text.decode()
        home.drop(f"{path.stem}-{'earlier' if earlier else 'now'}.json", json.dumps(card))
        assert "stands_for" not in json.dumps(with_values(card, {"prompt": "x"})["parameters"].get("generation"))
        assert f"in place of {ordered['provider']} {ordered['id']}" in home.call("explain", str(path)).stdout
    before = len(home.products())
    assert home.once() == 0 and len(home.products()) == 2 * before + before
    assert not [each for each in home.home.rejected.iterdir() if not each.name.startswith(".")]
