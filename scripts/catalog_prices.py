"""What the collected list tells of a price, in the words of a model file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

Entry = Mapping[str, Any]
SIZES = {"480p": [864, 480], "720p": [1280, 720], "1080p": [1920, 1088], "4k": [3840, 2176]}  # the most of all shapes
LONGEST_RUN = 120  # seconds of machine time set aside where a call is billed by them; `retry` and caps see no more
LONGEST = {"hailuo-02-pro@fal": 6, "elevenlabs-sfx-v2@fal": 22, "elevenlabs-music@fal": 300, "seedance-2.0@fal": 15}
UPSCALERS = {"topaz-image@fal": "upscale_factor", "seedvr-image@fal": "upscale_factor",
             "clarity-upscaler@fal": "upscale_factor"}  # fmt: skip


def price(entry: Entry, properties: Mapping[str, Any]) -> dict[str, Any]:
    key, told = str(entry["key"]), entry["price"]
    if key in OF_THEIR_OWN:
        return OF_THEIR_OWN[key]
    if "tiers" in told:
        return {"parts": [*tiers(told, entry, properties), *surcharges(told)]}
    return one_part(told["usd"], str(told["per"]), key, properties, told)


def tiers(told: Entry, entry: Entry, properties: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    (name, costs), per = next(iter(told["tiers"].items())), str(told.get("per", "image"))
    listed = properties[name].get("enum", [])
    rest = [one for one in listed if str(one) not in map(str, costs)]
    if rest and "usd" in told:
        costs = {**dict.fromkeys(map(str, rest), told["usd"]), **costs}
    by_cost: dict[Any, list[Any]] = {}
    for value, usd in costs.items():
        by_cost.setdefault(usd, []).append(value)
    for usd, values in by_cost.items():
        yield one_part(usd, per, entry["key"], properties, told) | {"when": {name: values}}


def surcharges(told: Entry) -> Iterator[dict[str, Any]]:
    for name, usd in (told.get("plus") or {}).items():
        yield {"usd": usd, "per": "call", "when": {name: True}, "surcharge": True}


def one_part(usd: float, per: str, key: str, properties: Mapping[str, Any], told: Entry) -> dict[str, Any]:
    match per:
        case "image" | "call":
            most = {"of": "max_images"} if per == "image" and "max_images" in properties else {}
            return {"usd": usd, "per": per, **most}
        case "megapixel":
            both = told.get("counts") == "output + input"
            return {"usd": usd, "per": "processed_megapixel" if both else "megapixel", **sized(key, properties, both)}
        case "processed megapixel":
            return {"usd": usd, "per": "processed_megapixel", **sized(key, properties, True)}
        case "gpu second" | "compute second":
            return {"usd": usd, "per": "second", "seconds": LONGEST_RUN}
        case "1000 characters":
            return {"usd": usd, "per": "character", "every": 1000, "of": "text" if "text" in properties else "prompt"}
        case "second" | "minute" | "5 seconds":
            every = {"second": 1, "minute": 60, "5 seconds": 5}[per]
            return {"usd": usd, "per": "output_second", **({"every": every} if every > 1 else {}),
                    **timed(key, properties), **({"round": "exact"} if per == "minute" else {})}  # fmt: skip
    raise ValueError(f"{key}: {per}")


def sized(key: str, properties: Mapping[str, Any], both: bool) -> dict[str, Any]:
    """What says how large it is; the most that one comes to where that cannot be known."""
    named = next((name for name in ("output_megapixels", "megapixels") if name in properties), None)
    if "MP" in json.dumps(properties.get("resolution", {}).get("enum", [])):
        named = "resolution"
    factor = {"factor": UPSCALERS[key]} if key in UPSCALERS else {}
    is_known = "default" in properties.get("image_size", {}) or key in UPSCALERS
    most = {} if is_known and not (both or named) else {"at_most": 5}  # 2048 x 2048, the largest, begins its fifth
    return {**({"of": named} if named else {}), **factor, **most}


def timed(key: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    most = {"longest": LONGEST[key]} if key in LONGEST else {}
    if "num_frames" in properties and "duration" not in properties:
        return {"of": "num_frames", "rate": 16}
    if "music_length_ms" in properties:
        return {"of": "music_length_ms", "rate": 1000, **most}
    named = next((name for name in ("duration", "duration_seconds") if name in properties), None)
    return {**({"of": named} if named else {}), **most}


def by_audio(costs: Mapping[tuple[str, bool], float]) -> dict[str, Any]:
    """By the resolutions (with blanks between) and whether there is sound."""
    return {"parts": [
        {"usd": usd, "per": "output_second", "of": "duration",
         "when": {"resolution": sizes.split(), "generate_audio": sound}}
        for (sizes, sound), usd in costs.items()
    ]}  # fmt: skip


def by_tokens(usd: float, every: int, **when: bool) -> dict[str, Any]:
    held = {"when": when} if when else {}
    return {"usd": usd, "per": "token", "every": every, "of": "duration", "rate": 24, "size": "resolution",
            "sizes": SIZES, "longest": 15, **held}  # fmt: skip


FULL_HD = "720p 1080p"
OF_THEIR_OWN: dict[str, dict[str, Any]] = {  # told in words, on the models' pages
    "flux-2-pro": {"parts": [
        {"usd": 0.015, "per": "call"}, {"usd": 0.015, "per": "megapixel", "of": "resolution", "at_most": 5},
        {"usd": 0.015, "per": "input_megapixel", "at_most": 4},
    ]},
    "flux-2-max": {"parts": [
        {"usd": 0.04, "per": "call"}, {"usd": 0.03, "per": "megapixel", "of": "resolution", "at_most": 5},
        {"usd": 0.03, "per": "input_megapixel", "at_most": 4},
    ]},
    "flux-2-max@fal": {"first": 0.07, "usd": 0.03, "per": "processed_megapixel"},
    "seedvr-image@fal": {"parts": [
        {"usd": 0.001, "per": "megapixel", "factor": "upscale_factor", "when": {"upscale_mode": "factor"}},
        {"usd": 0.001, "per": "megapixel", "size": "target_resolution", "sizes": {  # of its short side, 4:1 at most
            "720p": [2880, 720], "1080p": [4320, 1080], "1440p": [5760, 1440], "2160p": [8640, 2160],
        }, "when": {"upscale_mode": "target"}},
    ]},
    "topaz-image@fal": {"per": "megapixel", "factor": "upscale_factor", "at_most": 512, "steps": [
        {"up_to": 24, "usd": 0.08}, {"up_to": 48, "usd": 0.16}, {"up_to": 96, "usd": 0.32}, {"up_to": 512, "usd": 1.36},
    ]},
    "nano-banana-pro-edit@fal": {"parts": [
        {"usd": 0.15, "per": "image", "when": {"resolution": ["1K", "2K"]}},
        {"usd": 0.30, "per": "image", "when": {"resolution": "4K"}},
        {"usd": 0.015, "per": "image", "when": {"enable_web_search": True}, "surcharge": True},
    ]},
    "nano-banana-pro@fal": {"parts": [
        {"usd": 0.15, "per": "image", "when": {"resolution": ["1K", "2K"]}},
        {"usd": 0.30, "per": "image", "when": {"resolution": "4K"}},
        {"usd": 0.015, "per": "image", "when": {"enable_web_search": True}, "surcharge": True},
    ]},
    "veo-3.1@fal": by_audio({(FULL_HD, True): 0.40, (FULL_HD, False): 0.20, ("4k", True): 0.60, ("4k", False): 0.40}),
    "veo-3.1-fast@fal": by_audio(
        {(FULL_HD, True): 0.15, (FULL_HD, False): 0.10, ("4k", True): 0.35, ("4k", False): 0.30}
    ),
    "seedance-1-pro@fal": by_tokens(2.5, 1_000_000),
    "seedance-1.5-pro@fal": {"parts": [
        by_tokens(2.4, 1_000_000, generate_audio=True), by_tokens(1.2, 1_000_000, generate_audio=False),
    ]},
    "seedance-2.0@fal": by_tokens(0.014, 1000),
    "luma-ray-2@fal": {"parts": [  # dearer at other resolutions, nobody says by how much
        {"usd": 0.5, "per": "output_second", "every": 5, "of": "duration", "when": {"resolution": "540p"}},
    ]},
}  # fmt: skip
