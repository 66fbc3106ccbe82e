"""Files in lists and deeper: found, uploaded, told apart by their bytes, spread, fed, remembered and made again."""

from __future__ import annotations

from typing import Any

import pytest

from artfactoryd import documents
from artfactoryd.intake import attachments
from tests.execution.test_payload import Uploader, bundle, made, uploads
from tests.homes import TestHome
from tests.works import at_work, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
Patch = pytest.MonkeyPatch
URI = {"type": "string", "format": "uri"}
MIXER: dict[str, Any] = {
    "provider": "fake", "model": "acme/mixer", "aliases": ["mixer"], "modality": "image-to-image",
    "image": "image_input",
    "schema": {
        "type": "object",
        "properties": {
            "prompt": {"type": "string"},
            "image_input": {"type": "array", "items": URI, "maxItems": 4},
            "elements": {
                "type": "array",
                "items": {"type": "object", "properties": {"frontal_image_url": URI, "weight": {"type": "number"}}},
            },
            "voice": URI,
        },
    },
    "price": {"usd": 0.02, "per": "image", "as_of": "2026-05-01"},
}  # fmt: skip


@pytest.fixture
def shop(home: TestHome) -> TestHome:
    (home.home.library / "models" / "mixer.yaml").write_text(documents.dump_yaml(MIXER))
    return home


def mix(**parameters: Any) -> str:
    return documents.dump_yaml({"provider": "fake", "model": "mixer", "parameters": {"prompt": "mix", **parameters}})


def at(*numbers: int) -> list[str]:
    return [f"https://files.example/{number}" for number in numbers]


async def test_files_in_a_list_and_deeper_are_uploaded_and_stand_in_the_sidecar(
    shop: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(shop, monkeypatch, fake=Uploader) as works:
        elements = [{"frontal_image_url": "b.png", "weight": 1}, {"frontal_image_url": "a.png"}]
        bundle(shop, "one", mix(image_input=["a.png", "b.png"], elements=elements), a="red", b="blue")
        order_id = await made(works)
        [call] = works.fake.calls()
        assert call.parameters["image_input"] == at(1, 2)
        assert call.parameters["elements"] == [
            {"frontal_image_url": at(2)[0], "weight": 1}, {"frontal_image_url": at(1)[0]},
        ]  # fmt: skip
        names = {entry["parameter"]: entry["file"] for entry in shop.sidecars()[0]["inputs"]}
        assert names == {
            "image_input.0": "inputs/a.png", "image_input.1": "inputs/b.png",
            "elements.0.frontal_image_url": "inputs/b.png", "elements.1.frontal_image_url": "inputs/a.png",
        }  # fmt: skip
        folder = shop.root / works.folder(order_id)
        resolved = documents.read_documents((folder / "order.resolved.yaml").read_bytes(), "order.resolved.yaml")[0]
        assert resolved.value["parameters"]["image_input"] == ["inputs/a.png", "inputs/b.png"]
        card = next(folder.glob("sidecars/*.png.json"))
        (shop.home.inbox / "again.json").write_bytes(card.read_bytes())
        await made(works, 2)
        assert works.fake.calls()[1].parameters == call.parameters  # the same bytes, known by their hash


async def test_what_is_in_a_list_belongs_to_what_an_item_is(shop: TestHome, monkeypatch: Patch) -> None:
    async with at_work(shop, monkeypatch, fake=Uploader) as works:
        bundle(shop, "one", mix(image_input=["a.png"]), a="red")
        bundle(shop, "two", mix(image_input=["other.png"]), other="red")
        await made(works, 2)
        assert len(works.fake.calls()) == 1  # the same bytes by another name are the same item
        bundle(shop, "three", mix(image_input=["a.png"]), a="blue")
        await made(works, 3)
        assert len(works.fake.calls()) == 2


@pytest.mark.parametrize(
    "written", [{"image_input": ["nothing.png"]}, {"elements": [{"frontal_image_url": "nothing.png"}]},
                {"image_input": [["a.png"], ["nothing.png"]]}, {"voice": "nothing.mp3"}],
    ids=str,
)  # fmt: skip
async def test_what_is_not_there_is_refused_before_anything_is_paid(
    shop: TestHome, monkeypatch: Patch, written: dict[str, Any]
) -> None:
    monkeypatch.setattr(attachments, "PATIENCE", 0.0)
    async with at_work(shop, monkeypatch, fake=Uploader) as works:
        bundle(shop, "one", mix(**written), a="red")
        await works.until(lambda: list(shop.home.rejected.glob("*.error.txt")))
        assert works.fake.calls() == [] and works.house.books.index.orders() == []


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("a.png", [at(1)]),
        ("*.png", [at(1), at(2)]),
        (["hat.png", "?.png"], [at(1, 2), at(1, 3)]),
        ([["a.png"], ["b.png", "a.png"]], [at(1), at(2, 1)]),
    ],
    ids=str,
)
async def test_a_lone_file_is_a_list_of_one_and_a_pattern_in_it_is_an_axis(
    shop: TestHome, monkeypatch: Patch, written: Any, sent: list[list[str]]
) -> None:
    pictures = {"a": "red", "b": "blue", **({"hat": "black"} if "hat.png" in written else {})}
    async with at_work(shop, monkeypatch, fake=Uploader) as works:
        bundle(shop, "one", mix(image_input=written), **pictures)
        order_id = await made(works)
        assert [call.parameters["image_input"] for call in works.fake.calls()] == sent
        folder = shop.root / works.folder(order_id)
        resolved = documents.read_documents((folder / "order.resolved.yaml").read_bytes(), "order.resolved.yaml")[0]
        rows = resolved.value["parameters"]["image_input"]
        many = rows if isinstance(rows[0], list) else [rows]
        assert [len(row) for row in many] == [len(row) for row in sent]
        assert all(file.startswith("inputs/") for row in many for file in row)


async def test_a_stage_puts_the_lone_product_into_a_list(shop: TestHome, monkeypatch: Patch) -> None:
    text = documents.dump_yaml({
        "provider": "fake", "model": "painter", "parameters": {"prompt": "a [red,blue] car"},
        "then": [{"id": "mixed", "provider": "fake", "model": "mixer", "parameters": {"prompt": "wet"}}],
    })  # fmt: skip
    async with at_work(shop, monkeypatch, fake=Uploader) as works:
        order_id = await works.make(text)
        assert works.states(order_id) == ["completed"] * 4
        assert [call.parameters.get("image_input") for call in works.fake.calls()][-2:] == [at(1), at(2)]
        assert sum(bool(card["parents"]) for card in shop.sidecars()) == 2


async def test_sound_is_a_file_that_is_no_picture(shop: TestHome, monkeypatch: Patch) -> None:
    async with at_work(shop, monkeypatch, fake=Uploader) as works:
        folder = shop.home.inbox / ".one"
        folder.mkdir()
        (folder / "song.mp3").write_bytes(b"ID3\x03\x00" + bytes(200))
        (folder / "order.yaml").write_text(mix(voice="song.mp3"))
        folder.rename(shop.home.inbox / "one")
        await made(works)
        assert uploads(works)[0][2] == "audio/mpeg" and works.fake.calls()[0].parameters["voice"] == at(1)[0]
