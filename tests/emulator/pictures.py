"""Real pictures, drawn from the input: the same input and place give the same bytes."""

from __future__ import annotations

import hashlib
import io
import json
import random
import zlib
from typing import Any

from PIL import Image, ImageDraw

COLOURS = {
    "red": (205, 38, 38), "blue": (36, 84, 196), "green": (46, 140, 60), "yellow": (236, 200, 44),
    "orange": (236, 128, 28), "purple": (122, 52, 160), "pink": (236, 128, 172), "black": (24, 24, 24),
    "white": (244, 244, 244), "grey": (128, 128, 128), "gray": (128, 128, 128), "brown": (120, 76, 40),
}  # fmt: skip
KINDS = {"webp": ("WEBP", "image/webp"), "jpg": ("JPEG", "image/jpeg"), "png": ("PNG", "image/png")}


def kind(given: dict[str, Any]) -> str:
    return str(given.get("output_format") or "webp")


def mime(given: dict[str, Any]) -> str:
    return KINDS[kind(given)][1]


def draw(given: dict[str, Any], place: int, pixels: int) -> bytes:
    key = hashlib.sha256(json.dumps([given, place], sort_keys=True).encode()).digest()
    chance = random.Random(key)
    words = str(given.get("prompt", "")).lower().replace(",", " ").split()
    named = [COLOURS[word] for word in words if word in COLOURS]
    ground = named[0] if named else (chance.randrange(256), chance.randrange(256), chance.randrange(256))
    picture = Image.new("RGB", size(given, pixels), ground)
    brush = ImageDraw.Draw(picture)
    for _ in range(6):
        x, y = chance.randrange(picture.width), chance.randrange(picture.height)
        reach = chance.randrange(2, max(3, pixels // 8))
        shade = tuple(max(0, min(255, part + chance.randrange(-40, 41))) for part in chance.choice(named or [ground]))
        brush.ellipse((x, y, x + reach, y + reach), fill=shade)
    file = io.BytesIO()
    picture.save(file, KINDS[kind(given)][0])
    return file.getvalue()


def blacked_out(picture: bytes) -> bytes:
    file, made = io.BytesIO(), Image.open(io.BytesIO(picture))
    Image.new("RGB", made.size).save(file, made.format)
    return file.getvalue()


def spoiled(picture: bytes) -> bytes:
    """Whole by its structure, every length and checksum right, and no decoder makes all its pixels of it."""
    if picture.startswith(b"\xff\xd8"):
        return picture[: len(picture) // 2] + b"\xff\xd9"
    if picture.startswith(b"RIFF"):
        return picture[:20] + bytes([picture[20] | 0xE0, 0xFF, 0xFF]) + picture[23:]  # a part longer than all of it
    begins = picture.index(b"IDAT")
    length = int.from_bytes(picture[begins - 4 : begins], "big")
    pixels = b"IDAT" + bytes(length)
    return picture[:begins] + pixels + zlib.crc32(pixels).to_bytes(4, "big") + picture[begins + length + 8 :]


def size(given: dict[str, Any], pixels: int) -> tuple[int, int]:
    if "width" in given and "height" in given:
        wide, high = float(given["width"]), float(given["height"])
    else:
        wide, high = (float(part) for part in str(given.get("aspect_ratio") or "1:1").split(":"))
    scale = pixels / max(wide, high)
    return max(1, round(wide * scale)), max(1, round(high * scale))
