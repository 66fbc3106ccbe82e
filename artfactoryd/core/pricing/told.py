"""A price as a provider tells it (fal's pricing API: a number and a unit in words), read as a model file says it."""

from __future__ import annotations

import re

from artfactoryd.core.json_types import Document, Schema, Value
from artfactoryd.core.measures import price_of_unit

UNITS = {  # what is told and nothing else is a price here: units, credits and steps say nothing about a call
    "image": "image", "video": "image", "audio": "image", "generation": "image",
    "megapixel": "megapixel", "processed megapixel": "processed_megapixel", "input megapixel": "input_megapixel",
    "call": "call", "request": "call", "second": "output_second", "minute": "output_second", "character": "character",
}  # fmt: skip
MINUTE = 60
EVERY = re.compile(r"(?:(\d{1,9}) )?([a-z ]+?)s?")
SECONDS = ("duration", "duration_seconds", "seconds", "seconds_total", "video_length", "music_length")
FRAMES, RATES = ("num_frames", "frames"), ("frames_per_second", "fps")
TEXTS = ("text", "prompt", "script", "input", "lyrics")
PICTURES = frozenset({"image", "megapixel"})


def price_told(unit_price: object, unit: str, as_of: str, schema: Schema) -> dict[str, Value] | None:
    """None for a unit that says nothing about a call here, and for no dollars: `0 per compute second` is not published,
    never free."""
    words = EVERY.fullmatch(" ".join(unit.lower().split()))
    usd, per = price_of_unit(unit_price), UNITS.get(words[2]) if words else None
    if not words or not usd or per is None:
        return None
    every = int(words[1] or 1) * (MINUTE if words[2] == "minute" else 1)
    reading = _counted(per, schema)
    if reading is None or every < 1 or (every > 1 and per in PICTURES):
        return None
    return {"usd": usd, "per": per, **({"every": every} if every > 1 else {}), **reading, "as_of": as_of}


def _counted(per: str, schema: Schema) -> Document | None:
    """Where its amount stands in the parameters; None where they do not tell it."""
    names = schema.get("properties") or {}
    if per == "character":
        text = next((name for name in TEXTS if name in names), None)
        return {"of": text} if text else None
    if per != "output_second":
        return {}
    frames, rate = (next((name for name in known if name in names), None) for known in (FRAMES, RATES))
    seconds = next((name for name in SECONDS if name in names), None)
    if seconds:
        return {"of": seconds}
    return {"of": frames, "rate": rate} if frames and rate else None
