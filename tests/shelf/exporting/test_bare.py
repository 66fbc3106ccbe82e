"""A picture without the words in it shows the same pixels, in the same colours, the same side up."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageCms, ImageOps, PngImagePlugin

from artfactoryd.shelf.exporting.bare import bare
from artfactoryd.shelf.look import walked

SECRET = b"the secret"
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def written(kind: str, turned: int = 1) -> bytes:
    """With words in every place that the format has."""
    picture = Image.effect_noise((48, 32), 90).convert("RGB")
    exif = Image.Exif()
    exif[0x010E], exif[0x0112] = SECRET.decode(), turned
    xmp = b"<x:xmpmeta>" + SECRET + b"</x:xmpmeta>"
    options: dict[str, Any] = {"exif": exif.tobytes(), "icc_profile": PROFILE}
    if kind == "PNG":
        told = PngImagePlugin.PngInfo()
        told.add_text("parameters", SECRET.decode())
        told.add_itxt("XML:com.adobe.xmp", xmp.decode())
        told.add_text("workflow", SECRET.decode() * 9, zip=True)
        options["pnginfo"] = told
    elif kind == "JPEG":
        options |= {"xmp": xmp, "comment": SECRET, "progressive": True}
    else:
        options |= {"xmp": xmp, "lossless": True}
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue() + (b"behind its end: " + SECRET if kind != "WEBP" else b"")


@pytest.mark.parametrize("turned", [1, 6])
@pytest.mark.parametrize(("kind", "extension"), [("PNG", "png"), ("JPEG", "jpg"), ("WEBP", "webp")])
def test_words_are_gone_and_the_rest_stays(kind: str, extension: str, turned: int) -> None:
    data = written(kind, turned)
    plain = bare(data)
    assert plain is not None and SECRET in data and SECRET not in plain
    seen = walked(io.BytesIO(plain), extension)
    assert not seen.fault and (seen.width, seen.height) == (48, 32)
    before, after = Image.open(io.BytesIO(data)), Image.open(io.BytesIO(plain))
    assert not ImageChops.difference(before.convert("RGB"), after.convert("RGB")).getbbox()
    assert after.info.get("icc_profile") == before.info.get("icc_profile") == PROFILE
    assert ImageOps.exif_transpose(after).size == ((48, 32) if turned == 1 else (32, 48))
    assert not after.info.keys() & {"parameters", "XML:com.adobe.xmp", "workflow", "comment", "xmp"}
    assert bare(plain) == plain


def test_where_words_lie_in_other_kinds_is_not_guessed() -> None:
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "GIF")
    assert bare(file.getvalue()) is None
