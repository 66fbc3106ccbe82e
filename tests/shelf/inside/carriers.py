"""Small pictures of every kind that words are put into, some with words of their own."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

from PIL import Image, PngImagePlugin

from artfactoryd.core.inside import xmp
from artfactoryd.shelf.inside.embedding import embedded

PRODUCT = "0193b3a0-0000-7000-8000-000000000001"
PROMPT = 'A "red" car & a <fox>, 日本語 🦊\nin rain'
TEXT = f"{PROMPT}\nNegative prompt: blur\nSteps: 4, Sampler: euler, CFG scale: 3.5, Seed: 7, Size: 40x30, Model: a/b"
XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title><rdf:Alt>'
    '<rdf:li xml:lang="x-default">theirs</rdf:li></rdf:Alt></dc:title></rdf:Description></rdf:RDF></x:xmpmeta>'
)


def picture(format: str, mode: str = "RGB", **more: Any) -> bytes:
    file = io.BytesIO()
    Image.linear_gradient("L").resize((40, 30)).convert(mode).save(file, format, **more)
    return file.getvalue()


def moving(format: str) -> bytes:
    frames = [Image.new("RGB", (8, 6), colour) for colour in ("red", "blue", "green")]
    file = io.BytesIO()
    frames[0].save(file, format, save_all=True, append_images=frames[1:], duration=90, lossless=True)
    return file.getvalue()


def exif(*, inner: bool = False) -> Image.Exif:
    block = Image.Exif()
    block[0x0112], block[0x010E] = 6, "what the provider says"
    if inner:
        block.get_ifd(0x8769)[0x9003] = "2026:05:01 12:00:00"
    return block


def told(**texts: str) -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    for key, text in texts.items():
        info.add_itxt("XML:com.adobe.xmp" if key == "xmp" else key, text)
    return info


CARRIERS: Mapping[str, Callable[[], tuple[str, bytes]]] = {
    "png": lambda: ("png", picture("PNG")),
    "png of a palette": lambda: ("png", picture("PNG", "P")),
    "png that moves": lambda: ("png", moving("PNG")),
    "png with XMP": lambda: ("png", picture("PNG", pnginfo=told(xmp=XMP))),
    "jpeg": lambda: ("jpg", picture("JPEG")),
    "progressive jpeg": lambda: ("jpg", picture("JPEG", progressive=True)),
    "grey jpeg with EXIF": lambda: ("jpg", picture("JPEG", "L", exif=exif())),
    "jpeg with EXIF in two lists and XMP": lambda: ("jpg", picture("JPEG", exif=exif(inner=True), xmp=XMP.encode())),
    "webp": lambda: ("webp", picture("WEBP")),
    "lossless webp": lambda: ("webp", picture("WEBP", lossless=True)),
    "lossless webp with alpha": lambda: ("webp", picture("WEBP", "RGBA", lossless=True)),
    "webp with alpha and EXIF": lambda: ("webp", picture("WEBP", "RGBA", exif=exif())),
    "webp with EXIF in two lists": lambda: ("webp", picture("WEBP", exif=exif(inner=True))),
    "webp with XMP of an odd length": lambda: ("webp", picture("WEBP", xmp=XMP.encode() + b" " * (1 - len(XMP) % 2))),
    "webp that moves": lambda: ("webp", moving("WEBP")),
}


def words(data: bytes, **more: str) -> xmp.Words:
    return xmp.Words(
        PRODUCT, sha256(data).hexdigest(), title="A red car", description=PROMPT, subjects=("cars", "wet & red"),
        tool="artfactoryd 1", created_at="2026-11-30T11:00:00.000+00:00", source_type=xmp.TRAINED,
        model="fal/a/b", seed="7", **more,
    )  # fmt: skip


def carrying(extension: str, data: bytes, text: str = TEXT, **more: str) -> bytes:
    return b"".join(embedded(data, extension, text, words(data, **more)).pieces)


def pixels(data: bytes) -> list[tuple[str, tuple[int, int], bytes]]:
    with Image.open(io.BytesIO(data)) as opened:
        frames = []
        for number in range(getattr(opened, "n_frames", 1)):
            opened.seek(number)
            frames.append((opened.mode, opened.size, opened.tobytes()))
        return frames


def text_in(data: bytes) -> str | None:
    """As Pillow reads it."""
    with Image.open(io.BytesIO(data)) as opened:
        if isinstance(opened, PngImagePlugin.PngImageFile):
            return opened.text.get("parameters")
        comment = opened.getexif().get_ifd(0x8769).get(0x9286)
        return comment[8:].decode("utf-16-be") if comment else None


def with_chunk(png: bytes, name: bytes, body: bytes) -> bytes:
    chunk = len(body).to_bytes(4, "big") + name + body + zlib.crc32(name + body).to_bytes(4, "big")
    return png[:33] + chunk + png[33:]
