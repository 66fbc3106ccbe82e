"""A picture goes on to a film: on the shelf with its length, its frame, and its price by the seconds that came."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from artfactoryd import documents
from artfactoryd.factories import Output, Outputs
from artfactoryd.shelf import desktop
from tests import films
from tests.homes import TestHome
from tests.web.visits import Visitor, visited
from tests.works import Works, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
LOOKED = "SELECT id FROM product WHERE id = ? AND looked IS NOT NULL"
FILMER: dict[str, Any] = {
    "provider": "other", "model": "acme/filmer", "aliases": ["filmer"], "modality": "image-to-video", "image": "still",
    "schema": {
        "type": "object", "required": ["still"],
        "properties": {
            "still": {"type": "string", "format": "uri"},
            "duration": {"type": "string", "enum": ["5", "10"], "default": "5"},
        },
    },
    "price": {"usd": 0.05, "per": "output_second", "of": "duration", "as_of": "2026-05-01"},
}  # fmt: skip
SPEAKER: dict[str, Any] = {
    "provider": "other", "model": "acme/speaker", "aliases": ["speaker"], "modality": "speech", "text": ["text"],
    "schema": {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}},
    "price": {"usd": 0.1, "per": "character", "every": 1000, "of": "text", "as_of": "2026-05-01"},
}  # fmt: skip


def furnished(home: TestHome) -> TestHome:
    for name, model in (("filmer", FILMER), ("speaker", SPEAKER)):
        (home.home.library / "models" / f"{name}.yaml").write_text(documents.dump_yaml(model))
    return home


def gives(works: Works, *contents: bytes) -> None:
    """What the other factory makes next, at addresses that say nothing of what it is."""

    def of(number: int, content: bytes) -> Outputs:
        path = Path(works.other._work) / f"{number}.mp4"
        path.write_bytes(content)
        return Outputs((Output(path.as_uri(), "application/octet-stream"),))

    works.other.script("collect", *(lambda ticket, n=n, one=one: of(n, one) for n, one in enumerate(contents)))


async def test_a_picture_becomes_films_that_are_billed_by_their_seconds_and_played(
    home: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with visited(furnished(home), monkeypatch) as (works, visitor):
        gives(works, films.mp4(4), films.webm(10.1))
        stage = {"id": "walk", "provider": "other", "model": "filmer", "parameters": {"duration": ["5", "10"]}}
        order_id = await works.make(order("a car", then=[stage]))
        picture, *made = works.house.books.index.products(order_id)
        assert [(one.mime, Path(one.path).suffix, one.duration, one.codec, one.width) for one in made] == [
            ("video/mp4", ".mp4", 4.0, "mjpeg", 320), ("video/webm", ".webm", 10.1, "mjpeg", 320),
        ]  # fmt: skip
        costs = {line["item"]: line["cost"] for line in works.lines("settlement")}
        assert costs == {1: 10_000, 2: 200_000, 3: 500_000}, "4 s came where 5 were asked for; a frame more is none"
        film = home.root / made[0].path
        card = json.loads((film.parent / "sidecars" / f"{film.name}.json").read_text())
        assert (card["file"]["duration"], card["file"]["codec"], card["cost"]["usd"]) == (4.0, "mjpeg", 0.2)
        assert card["parents"] == [picture.id] and card["type"] == "video" and "untouched" in card["file"]
        assert desktop.product_in(film) == made[0].id
        receipt = home.root / works.folder(order_id) / "receipt.yaml"
        await works.until(lambda: "made: 1 picture and 2 films" in receipt.read_text())
        found = (await visitor.ask("/api/v1/products?query=kind:film%20duration:%3E5s")).json["products"]
        assert [(one["id"], one["kind"], one["duration"]) for one in found] == [(made[1].id, "video", 10.1)]
        await plays(visitor, made[0].id, works)


async def plays(visitor: Visitor, product: str, works: Works) -> None:
    """A browser asks for pieces of a film, and shows a frame of it where there is one."""
    page = await visitor.ask(f"/pictures/{product}")
    assert b"<video controls" in page.body and "media-src 'self'" in page.headers["Content-Security-Policy"]
    file = f"/api/v1/products/{product}/file"
    piece = await visitor.ask(file, headers={"Range": "bytes=4-7"})
    assert (piece.status, piece.body, piece.headers["Content-Type"]) == (206, b"ftyp", "video/mp4")
    assert (await visitor.ask(file, headers={"Range": "bytes=9999999-"})).status == 416
    has_ffmpeg = shutil.which("ffmpeg") is not None
    assert (b"poster=" in page.body) == has_ffmpeg
    if has_ffmpeg:
        await works.until(lambda: works.house.books.index.rows(LOOKED, (product,)))
        shown = await visitor.ask(f"/api/v1/products/{product}/thumbnail")
        assert shown.status == 200 and shown.body[:2] == b"\xff\xd8"


async def test_speech_is_on_the_shelf_with_its_length_and_heard_on_the_page(
    home: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a stream has it: its head does not know how long it became."""
    monkeypatch.setattr(shutil, "which", lambda name, *rest, **more: None)
    async with visited(furnished(home), monkeypatch) as (works, visitor):
        gives(works, films.wav(1.5, 0xFFFFFFFF))
        speech = {"provider": "other", "model": "speaker", "parameters": {"text": "hello"}}
        order_id = await works.make(documents.dump_yaml(speech))
        (made,) = works.house.books.index.products(order_id)
        assert (made.mime, made.duration, made.codec, made.looked) == ("audio/wav", 1.5, "pcm", "")
        assert [line["cost"] for line in works.lines("settlement")] == [500]
        page = (await visitor.ask(f"/pictures/{made.id}")).body.decode()
        assert (
            "<audio controls" in page
            and "1.5 s" in page
            and "<img" not in page.partition("</figure>")[0].partition("<figure>")[2]
        )
        assert (await visitor.ask(f"/api/v1/products/{made.id}/thumbnail")).status == 404
        receipt = home.root / works.folder(order_id) / "receipt.yaml"
        await works.until(lambda: "made: 1 sound of 1.5 s" in receipt.read_text())


async def test_a_film_that_is_cut_short_is_fetched_again_and_kept_as_it_is_where_it_stays_so(
    home: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with visited(furnished(home), monkeypatch) as (works, _):
        gives(works, films.mp4(4)[:-500])
        stage = {"id": "walk", "provider": "other", "model": "filmer"}
        order_id = await works.make(order("a car", then=[stage]))
        *_, made = works.house.books.index.products(order_id)
        assert made.mime == "video/mp4" and "cut short" in str(made.looked)
        costs = {line["item"]: line["cost"] for line in works.lines("settlement")}
        assert costs[2] == 250_000, "of what does not tell how long it is, what was asked for"


@pytest.mark.parametrize(
    ("came", "words"),
    [
        (films.wav(1.5), "is a sound, and still of filmer takes a picture. Nothing was sent."),
        (films.mp4(4), "is a film, and still of filmer takes a picture. Nothing was sent."),
        (films.mp4(4)[:-500], "is damaged: "),
    ],
)
async def test_nothing_is_bought_from_what_came_damaged_or_is_of_another_kind_than_is_taken(
    home: TestHome, monkeypatch: pytest.MonkeyPatch, came: bytes, words: str
) -> None:
    async with visited(furnished(home), monkeypatch) as (works, _):
        gives(works, came)
        stage = {"id": "walk", "provider": "other", "model": "filmer"}
        spoken = {"provider": "other", "model": "speaker", "parameters": {"text": "hear"}, "then": [stage]}
        order_id = await works.make(documents.dump_yaml({**spoken, "warnings": "ok"}))
        item = works.items(order_id)[-1]
        assert item.state == "failed" and words in str(item.reason), item.reason
        assert len(works.other.calls()) == 1
