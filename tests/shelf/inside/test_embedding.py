"""Words go into a picture and out again: pixels, and what a provider wrote, stay; other programs read them."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image
from sd_parsers import ParserManager

from artfactoryd.core.inside.undo import restored, told
from artfactoryd.shelf import media
from artfactoryd.shelf.inside import LeftAlone
from tests.shelf.inside.carriers import (
    CARRIERS,
    PRODUCT,
    TEXT,
    XMP,
    carrying,
    exif,
    picture,
    pixels,
    text_in,
    with_chunk,
    words,
)  # fmt: skip
from tests.shelf.inside.carriers import (
    told as texts,
)


@pytest.mark.parametrize("name", CARRIERS)
def test_the_pixels_stay_and_what_came_can_be_had_again_to_the_last_byte(name: str) -> None:
    extension, came = CARRIERS[name]()
    inside = carrying(extension, came)
    assert restored(inside) == came != inside == carrying(extension, came)
    assert pixels(inside) == pixels(came) and not media.examined(io.BytesIO(inside)).fault
    assert told(inside) == (PRODUCT, words(came).original_sha256)
    assert text_in(inside) == TEXT and inside.count(b"trainedAlgorithmicMedia") == 1
    assert inside.count(b"</rdf:RDF>") == 1 and (b"theirs" in inside) == (b"theirs" in came)


def test_what_stood_in_exif_stands_there_still() -> None:
    for form, extension in (("JPEG", "jpg"), ("WEBP", "webp")):
        with Image.open(io.BytesIO(carrying(extension, picture(form, exif=exif(inner=True))))) as opened:
            block = opened.getexif()
            assert (block[0x0112], block[0x010E]) == (6, "what the provider says")
            assert block.get_ifd(0x8769)[0x9003] == "2026:05:01 12:00:00"


@pytest.mark.parametrize("key", ["parameters", "prompt", "workflow", "invokeai_metadata", "sd-metadata"])
def test_what_another_tool_told_of_a_png_is_not_told_twice(key: str) -> None:
    came = picture("PNG", pnginfo=texts(**{key: '{"sui_image_params": 1}'}))
    inside = carrying("png", came)
    with Image.open(io.BytesIO(inside)) as opened:
        assert {name: text for name, text in opened.text.items() if "xmp" not in name} == {  # type: ignore[attr-defined]
            key: '{"sui_image_params": 1}'
        }
    assert told(inside) and restored(inside) == came


def test_a_comment_or_a_workflow_in_exif_stays_the_only_one() -> None:
    comment, workflow = Image.Exif(), Image.Exif()
    comment.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + "theirs".encode("utf-16-be")
    workflow[0x010F] = 'workflow:{"nodes": []}'
    for block, text in ((comment, "theirs"), (workflow, None)):
        for form, extension in (("JPEG", "jpg"), ("WEBP", "webp")):
            came = picture(form, exif=block)
            inside = carrying(extension, came)
            assert (text_in(inside), restored(inside)) == (text, came)


SEALED = {
    "caBX": lambda: ("png", with_chunk(picture("PNG"), b"caBX", b"jumb")),
    "APP11": lambda: ("jpg", picture("JPEG")[:2] + b"\xff\xeb\0\x0aJP\0\1\0\0\0\1" + picture("JPEG")[2:]),
    "C2PA": lambda: ("webp", _with_part(picture("WEBP", xmp=XMP.encode()), b"C2PA\4\0\0\0jumb")),
    "kept elsewhere": lambda: ("jpg", picture("JPEG", xmp=XMP.replace("dc:title", "dcterms:provenance").encode())),
}


def _with_part(webp: bytes, part: bytes) -> bytes:
    return webp[:4] + (len(webp) - 8 + len(part)).to_bytes(4, "little") + webp[8:] + part


LEFT = {
    **{name: (made, "C2PA") for name, made in SEALED.items()},
    "gif": (lambda: ("gif", picture("GIF")), "gif"),
    "of another product": (lambda: ("png", carrying("png", picture("PNG"))), "another product"),
    "packed XMP": (lambda: ("png", with_chunk(picture("PNG"), b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0x")), "XMP"),
    "broken XMP": (lambda: ("webp", picture("WEBP", xmp=b"<x:xmpmeta/>")), "XMP"),
}


@pytest.mark.parametrize("name", LEFT)
def test_what_is_sealed_or_of_another_kind_is_left_alone_and_said(name: str) -> None:
    made, word = LEFT[name]
    extension, came = made()
    with pytest.raises(LeftAlone, match=word):
        carrying(extension, came)


def test_a_jpeg_without_room_tells_less_and_still_which_product_it_is() -> None:
    came = picture("JPEG")
    for text, kept in (("x" * 33_000, None), ("short", "short")):
        inside = carrying("jpg", came, text, parameters="p" * 66_000)
        assert told(inside) and restored(inside) == came and text_in(inside) == kept and b"ppp" not in inside
    long = words(came)
    assert len(long.description) < 100 < 66_000 and restored(carrying("png", picture("PNG"), parameters="p" * 66_000))


@pytest.mark.parametrize("name", ["png", "jpeg", "webp"])
def test_a_parser_of_the_field_reads_prompt_sampler_and_model(name: str, tmp_path: Path) -> None:
    extension, came = CARRIERS[name]()
    file = tmp_path / f"a.{extension}"
    file.write_bytes(carrying(extension, came, "A red car\nNegative prompt: blur\n" + TEXT.splitlines()[-1]))
    read = ParserManager().parse(file)
    assert read is not None and [prompt.value for prompt in read.prompts] == ["A red car"]
    assert [prompt.value for prompt in read.negative_prompts] == ["blur"]
    (sampler,) = read.samplers
    assert (sampler.name, sampler.parameters["steps"], sampler.parameters["seed"]) == ("euler", "4", "7")
    assert [model.name for model in read.models] == ["a/b"]


@pytest.mark.skipif(not shutil.which("exiftool"), reason="exiftool is not installed, so it is not asked what it reads")
def test_exiftool_reads_all_of_it_without_a_warning(tmp_path: Path) -> None:
    files = []
    for number, made in enumerate(CARRIERS.values()):
        extension, came = made()
        files.append(tmp_path / f"{number:02d}.{extension}")
        files[-1].write_bytes(carrying(extension, came))
    run = subprocess.run(
        ["exiftool", "-j", "-api", "CharsetEXIF=UTF8", *map(str, files)], capture_output=True, check=True,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    for read in json.loads(run.stdout):
        assert not {"Warning", "Error"} & read.keys(), read
        assert read["DigitalSourceType"].endswith("/trainedAlgorithmicMedia")
        assert (read["CreatorTool"], read["Subject"], read["Product"]) == (
            "artfactoryd 1", ["cars", "wet & red"], PRODUCT,
        )  # fmt: skip
        assert (read.get("Parameters") or read.get("UserComment")) == TEXT
        assert read["Description"].startswith('A "red" car & a <fox>')
