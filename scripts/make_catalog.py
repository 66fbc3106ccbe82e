"""Model files of the shipped catalogue from a list of models as people collect them.

    python scripts/make_catalog.py LIST artfactoryd/catalog

LIST is YAML, or Markdown with one YAML block: entries with `key, provider, model, makes, price, price_as_of,
certain {id, schema, price}, parameters, media_fields, batch_field, seed_field, schema_as_of`. Written are
`collected-PROVIDER.json`; what a hand-written file of the folder describes, and what is not certain, is left out and
told. A newer list is a rerun.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

Entry = Mapping[str, Any]
IMAGE_SIZE = {
    "type": "object", "required": ["width", "height"], "additionalProperties": False,
    "properties": {side: {"type": "integer", "minimum": 1, "maximum": 14142} for side in ("width", "height")},
}  # fmt: skip
FILES = {"url", "types.ImageRef"}
LISTS = {"list", "array"}
LEFT_OUT = re.compile(r"sync_mode|.*api_key|end_user_id|.*fallback_model")  # off, a secret, or another model's price
WHOLE = re.compile(r"num_.*|.*_steps|seed|max_images|number_of_images")
CHOICES = re.compile(r"\d+( \| \d+)+")
PICTURE = ("image", "input_image", "image_url", "start_image_url", "image_prompt", "first_frame_image")
PICTURES = ("image_urls", "input_images", "images", "image_input")
SYNONYMS = {
    "steps": "num_inference_steps", "guidance": "guidance_scale", "cfg": "guidance_scale",
    "cfg_scale": "guidance_scale",
    "format": "output_format", "num_outputs": "num_images", "text": "prompt", "prompt": "text",
}  # fmt: skip
SIZES = {"480p": [864, 480], "720p": [1280, 720], "1080p": [1920, 1088], "4k": [3840, 2176]}  # the most of all shapes
WORDS = {
    "prompt": "What to make.", "negative_prompt": "What must not be there.", "text": "What is spoken.",
    "seed": "The same seed makes the same again.", "aspect_ratio": "Width to height.",
    "resolution": "How large it is.", "image_size": "Size of the picture, by name or as width and height in pixels.",
    "num_images": "Pictures made by one call.", "num_outputs": "Pictures made by one call.",
    "max_images": "The most pictures that one call may make; the model decides.", "duration": "How long it is.",
    "output_format": "Format of the file.", "guidance_scale": "How closely the prompt is followed.",
    "num_inference_steps": "More steps are finer and slower.", "generate_audio": "With sound, at a price of its own.",
    "enable_web_search": "Looks things up first, for a surcharge.", "upscale_factor": "How much larger each side gets.",
}  # fmt: skip
BOUNDED = {"flux-2-pro@fal", "nano-banana-pro@fal", "topaz-image@fal", "real-esrgan", "birefnet-v2@fal", "rembg"}
OLD_SCHEMA = {"flux-1.1-pro"}  # whose parameters were read long ago, and whose price is certain
LONGEST_RUN = 120  # seconds of machine time set aside where a call is billed by them; `retry` and caps see no more
LONGEST = {"hailuo-02-pro@fal": 6, "elevenlabs-sfx-v2@fal": 22, "elevenlabs-music@fal": 300, "seedance-2.0@fal": 15}
UPSCALERS = {"topaz-image@fal": "upscale_factor", "seedvr-image@fal": "upscale_factor",
             "clarity-upscaler@fal": "upscale_factor"}  # fmt: skip
MODALITIES = {
    "bria-rmbg@fal": "remove-background", "birefnet-v2@fal": "remove-background", "rembg": "remove-background",
    "real-esrgan": "upscale", "recraft-crisp@fal": "upscale", **dict.fromkeys(UPSCALERS, "upscale"),
}  # fmt: skip
SONG = re.compile(r"music|stable-audio")
EFFECTS = re.compile(r"sfx|sound-effects")


def main(source: Path, folder: Path) -> None:
    known = {(one["provider"], str(one["model"]).partition(":")[0]) for one in hand_written(folder)}
    made: dict[str, list[dict[str, Any]]] = {}
    for entry in read(source):
        reason = left_out(entry, known)
        if reason:
            print(f"left out: {entry['key']}: {reason}")
            continue
        made.setdefault(entry["provider"], []).append(model_file(entry))
    for provider, models in made.items():
        path = folder / f"collected-{provider}.json"
        path.write_text(json.dumps(models, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(f"{path}: {len(models)} models")


def read(source: Path) -> list[Entry]:
    text = source.read_text(encoding="utf-8")
    block = re.search(r"```yaml\n(.*?)```", text, re.DOTALL)
    entries: list[Entry] = yaml.safe_load(block[1] if block else text)
    return entries


def hand_written(folder: Path) -> Iterator[Entry]:
    for path in sorted(folder.glob("*.yaml")):
        yield yaml.safe_load(path.read_text(encoding="utf-8"))


def left_out(entry: Entry, known: set[tuple[str, str]]) -> str:
    key, certain = entry["key"], entry["certain"]
    if (entry["provider"], entry["model"]) in known:
        return "a file of its own is there"
    doubtful = [name for name in ("id", "schema", "price") if certain[name] is not True]
    if not doubtful or (key in BOUNDED and doubtful == ["price"]) or (key in OLD_SCHEMA | BOUNDED and certain["id"]):
        return ""
    return ", ".join(f"{name}: {certain[name]}" for name in doubtful)


# --- one model ---


def model_file(entry: Entry) -> dict[str, Any]:
    properties = {
        name: parameter(entry, name, value) for name, value in entry["parameters"].items()
        if not LEFT_OUT.fullmatch(name)
    }  # fmt: skip
    needed = [name for name, value in entry["parameters"].items() if value.get("required") and name in properties]
    needed = needed or [name for name in ("prompt", "text") if name in properties][:1]
    image = picture(properties)
    texts = [name for name in properties if name in ("prompt", "text") or name.endswith("_prompt")]
    result: dict[str, Any] = {
        "provider": entry["provider"], "model": entry["model"], "aliases": aliases(entry), "family": family(entry),
        "modality": modality(entry, image, needed),
        "schema": {"type": "object", "required": needed, "properties": properties},
        "text": [name for name in texts if is_text(properties[name])],
    }  # fmt: skip
    for key, name in (("batch", batch(entry)), ("seed", entry.get("seed_field")), ("image", image)):
        if name in properties:
            result[key] = name
    if entry.get("seed_field") in properties and entry["seed_field"]:
        properties[entry["seed_field"]] |= {"minimum": 0, "maximum": 2147483647}
    synonyms = {word: own for word, own in SYNONYMS.items() if own in properties and word not in properties}
    if synonyms:
        result["synonyms"] = synonyms
    result["price"] = {**price(entry, properties), "as_of": day(entry["price_as_of"])}
    if entry["key"] in BOUNDED:
        result["price"]["bound"] = True
    result["schema_as_of"] = day(entry["schema_as_of"])
    return result


def is_text(schema: Entry) -> bool:
    return schema.get("type") == "string" and "format" not in schema


def parameter(entry: Entry, name: str, told: Entry) -> dict[str, Any]:
    schema = shape(entry, name, told)
    span = str(told.get("range") or told.get("doc_range") or "").partition("..")
    if span[2]:
        ends = {"minimum": span[0], "maximum": span[2]}
        schema |= {name: number(end) for name, end in ends.items() if end}
    default = told.get("default")
    if default is not None and default != "[]" and "types." not in str(default):
        choices = schema.get("enum") or next((part.get("enum") for part in schema.get("anyOf", [])), None)
        schema["default"] = next((one for one in choices or () if str(one) == str(default)), default)
    if name in WORDS:
        schema["description"] = WORDS[name]
    return schema


def shape(entry: Entry, name: str, told: Entry) -> dict[str, Any]:
    kind, choices = str(told.get("type", "")), [one for one in told.get("enum") or () if one != "..."]
    if choices:
        listed: dict[str, Any] = {"type": kind_of(choices), "enum": choices}
        if told.get("or") == "ImageSize":
            return {"anyOf": [listed, IMAGE_SIZE]}
        return {"type": listed["type"]} if told.get("or") or "..." in told["enum"] else listed
    if CHOICES.fullmatch(kind):
        return {"type": "integer", "enum": [int(part) for part in kind.split(" | ")]}
    is_file = kind in FILES or (name in (entry.get("media_fields") or ()))
    if kind in LISTS or kind == "Array<string>":
        return {"type": "array", "items": {"type": "string", **({"format": "uri"} if is_file else {})}}
    if is_file:
        return {"type": "string", "format": "uri"}
    if kind == "number" and WHOLE.fullmatch(name):
        return {"type": "integer"}
    if kind in ("string", "number", "integer", "boolean"):
        return {"type": kind}
    return {"type": "array"} if kind.startswith(("Array<", "array of")) else {"type": "object"}


def kind_of(choices: list[Any]) -> str:
    return "integer" if all(isinstance(one, int) for one in choices) else "string"


def number(text: str) -> float | int:
    return float(text) if "." in text else int(text)


def day(told: Any) -> str:
    """`2026-08` is its first day."""
    return "-".join([*str(told).split("-"), "01", "01"][:3])


def picture(properties: Mapping[str, Any]) -> str | None:
    files = [name for name in properties if "uri" in json.dumps(properties[name])]
    return next((name for name in (*PICTURE, *PICTURES) if name in files), None)


def batch(entry: Entry) -> str | None:
    """`max_images` is what a call may come to, and none that one asks for."""
    named = entry.get("batch_field")
    names = named if isinstance(named, list) else [named]
    return next((name for name in names if name and name != "max_images"), None)


def aliases(entry: Entry) -> list[str]:
    return [str(entry["key"]).partition("@")[0]]


def family(entry: Entry) -> str:
    return re.split(r"[-.\d]", str(entry["key"]))[0]


def modality(entry: Entry, image: str | None, needed: list[str]) -> str:
    key, name = str(entry["key"]), str(entry["model"])
    if key in MODALITIES:
        return MODALITIES[key]
    if entry["makes"] == "video":
        return "image-to-video" if image in needed else "text-to-video"
    if entry["makes"] == "audio":
        return "music" if SONG.search(name) else "sound-effects" if EFFECTS.search(name) else "speech"
    return "image-to-image" if image in needed else "text-to-image"


# --- its price ---


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


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
