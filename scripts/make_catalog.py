"""Model files of the shipped catalogue, from a list of models as people collect them.

    python scripts/make_catalog.py LIST artfactoryd/catalog tests/data/catalogue_outputs.json

LIST is YAML, or Markdown with one YAML block: entries with `key, provider, model, makes, price, price_as_of,
price_source, certain {id, schema, price}, parameters, media_fields, batch_field, seed_field, schema_as_of`. Written are
`PROVIDER.json`, a model on each line, and `retired/models.json`. What a hand-written file of the folder describes, and
what is not certain, is left out and told. The third file is for the tests: the shape of each one's output, null where
none was seen. A newer list is a rerun.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from catalog_prices import price
from catalog_retired import retired
from catalog_words import WORDS

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
OTHER_FILES = {
    "mask": ("mask", "mask_url", "mask_image", "mask_image_url"), "video": ("video", "video_url", "video_urls"),
    "audio": ("audio", "audio_url", "audio_urls"),
}  # fmt: skip
SYNONYMS = {
    "steps": "num_inference_steps", "guidance": "guidance_scale", "cfg": "guidance_scale",
    "cfg_scale": "guidance_scale",
    "format": "output_format", "num_outputs": "num_images", "text": "prompt", "prompt": "text",
}  # fmt: skip
BOUNDED = {"flux-2-pro@fal", "nano-banana-pro@fal", "topaz-image@fal", "real-esrgan", "birefnet-v2@fal", "rembg"}
OLD_SCHEMA = {"flux-1.1-pro"}  # whose parameters were read long ago, and whose price is certain
SEED = {"minimum": 0, "maximum": 2147483647}
WORKED_ON = ("upscale", "remove-background")  # and a picture to work on is needed
MODALITIES = {
    "bria-rmbg@fal": "remove-background", "birefnet-v2@fal": "remove-background", "rembg": "remove-background",
    **dict.fromkeys(
        ("real-esrgan", "recraft-crisp@fal", "topaz-image@fal", "seedvr-image@fal", "clarity-upscaler@fal"), "upscale"
    ),
}  # fmt: skip
SONG = re.compile(r"music|stable-audio")
EFFECTS = re.compile(r"sfx|sound-effects")
FAMILIES = {
    "nano": "nano-banana", "z": "z-image", "sd": "stable-diffusion", "real": "real-esrgan", "stable": "stable-audio",
    "kontext": "flux", "qwen": "qwen-image", "grok": "grok-imagine",
}  # fmt: skip
ALSO = {  # what people type, beside the key
    "flux-1.1-pro": ["flux-pro-1.1"], "flux-1.1-pro-ultra": ["flux-pro-1.1-ultra"],
    "kontext-pro": ["flux-kontext-pro"], "kontext-max": ["flux-kontext-max"], "seedream-4": ["seedream-v4"],
    "seedream-4.5": ["seedream", "seedream-v4.5"], "seedream-5-lite": ["seedream-v5-lite"], "ideogram-v3": ["ideogram"],
    "recraft-v4.1": ["recraft"], "sd-3.5-large": ["sd3.5-large", "stable-diffusion-3.5-large"],
    "sd-3.5-medium": ["sd3.5-medium", "stable-diffusion-3.5-medium"], "topaz-image": ["topaz"],
    "seedvr-image": ["seedvr"], "clarity-upscaler": ["clarity"], "bria-rmbg": ["rmbg", "bria-remove-background"],
    "birefnet-v2": ["birefnet"], "veo-3.1": ["veo3.1"], "veo-3.1-fast": ["veo3.1-fast"], "wan-2.2": ["wan"],
    "kling-2.5-turbo-i2v": ["kling-2.5-turbo"], "kling-v3-pro-i2v": ["kling-v3-pro"], "elevenlabs-v3": ["eleven-v3"],
    "elevenlabs-sfx-v2": ["elevenlabs-sound-effects"], "grok-imagine": ["grok-imagine-image"],
}  # fmt: skip
SENDS = {"minimax-speech-": {"output_format": "url"}}  # its own is text that holds the sound, and no file


def main(source: Path, folder: Path, outputs: Path) -> None:
    text = source.read_text(encoding="utf-8")
    entries = read(text)
    pinned = set(re.findall(r"version: (\w+) +# community", text))
    known = {(one["provider"], str(one["model"]).partition(":")[0]) for one in hand_written(folder)}
    made: dict[str, list[dict[str, Any]]] = {}
    shapes: dict[str, str | None] = {}
    for entry in entries:
        if reason := left_out(entry, known):
            print(f"left out: {entry['key']}: {reason}")
            continue
        made.setdefault(entry["provider"], []).append(model_file(entry, pinned))
        shapes[f"{entry['provider']} {entry['model']}"] = shape_of_output(entry)
    for provider, models in made.items():
        write(folder / f"{provider}.json", models)
    write(folder / "retired" / "models.json", [one for entry in entries for one in retired(entry)])
    outputs.write_text(json.dumps(shapes, indent=1) + "\n", encoding="utf-8")


def shape_of_output(entry: Entry) -> str | None:
    """`types.ImageRef` says that a file comes, and not how."""
    told = str(entry.get("output") or "types.")
    return None if told.startswith("types.") else told


def read(text: str) -> list[Entry]:
    block = re.search(r"```yaml\n(.*?)```", text, re.DOTALL)
    entries: list[Entry] = yaml.safe_load(block[1] if block else text)
    return entries


def hand_written(folder: Path) -> Iterator[Entry]:
    for path in sorted(folder.glob("*.yaml")):
        yield yaml.safe_load(path.read_text(encoding="utf-8"))


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(exist_ok=True)
    lines = ",\n".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows)
    path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    print(f"{path}: {len(rows)}")


def left_out(entry: Entry, known: set[tuple[str, str]]) -> str:
    key, certain = entry["key"], entry["certain"]
    if (entry["provider"], entry["model"]) in known:
        return "a file of its own is there"
    doubtful = [name for name in ("id", "schema", "price") if certain[name] is not True]
    if not doubtful or (key in BOUNDED and doubtful == ["price"]) or (key in OLD_SCHEMA | BOUNDED and certain["id"]):
        return ""
    return ", ".join(f"{name}: {certain[name]}" for name in doubtful)


# --- one model ---


def model_file(entry: Entry, pinned: set[str]) -> dict[str, Any]:
    key, version = str(entry["key"]), entry.get("version")
    properties = {
        name: parameter(entry, name, value) for name, value in entry["parameters"].items()
        if not LEFT_OUT.fullmatch(name)
    }  # fmt: skip
    files = [name for name, schema in properties.items() if "uri" in json.dumps(schema)]
    image = next((name for name in (*PICTURE, *PICTURES) if name in files), None)
    needed, made = required(entry, properties), modality(entry, image, required(entry, properties))
    if made in WORKED_ON and image and image not in needed:
        needed = [image, *needed]
    result: dict[str, Any] = {
        "provider": entry["provider"], "model": f"{entry['model']}:{version}" if version in pinned else entry["model"],
        "aliases": aliases(key), "family": family(key), "modality": made, "status": "current",
        "schema": {"type": "object", "required": needed, "properties": properties}, "text": texts(properties),
    }  # fmt: skip
    fields = {"batch": batch(entry), "seed": entry.get("seed_field"), "image": image}
    fields |= {kind: next((name for name in names if name in files), None) for kind, names in OTHER_FILES.items()}
    result |= {kind: name for kind, name in fields.items() if name in properties}
    sends = next((values for start, values in SENDS.items() if key.startswith(start)), None)
    result |= {"sends": sends} if sends else {}
    for name in sends or ():
        del properties[name]
    synonyms = {word: own for word, own in SYNONYMS.items() if own in properties and word not in properties}
    result |= {"synonyms": synonyms} if synonyms else {}
    bound = {"bound": True} if key in BOUNDED else {}
    result["price"] = {**price(entry, properties), "as_of": day(entry["price_as_of"]), **bound}
    return result | {"schema_as_of": day(entry["schema_as_of"]), "source": entry["price_source"]}


def required(entry: Entry, properties: Mapping[str, Any]) -> list[str]:
    told = [name for name, value in entry["parameters"].items() if value.get("required") and name in properties]
    return told or [name for name in ("prompt", "text") if name in properties][:1]


def texts(properties: Mapping[str, Entry]) -> list[str]:
    named = (name for name in properties if name in ("prompt", "text") or name.endswith("_prompt"))
    return [name for name in named if properties[name].get("type") == "string" and "format" not in properties[name]]


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
    if name == entry.get("seed_field"):
        schema |= SEED
    if name == entry.get("batch_field"):
        schema.setdefault("minimum", 1)
    return {**schema, "description": WORDS[name]}


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
    if kind in LISTS or kind == "Array<string>" or name in PICTURES:  # of some the list has lost that they are lists
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


def batch(entry: Entry) -> str | None:
    """`max_images` is what a call may come to, and none that one asks for."""
    named = entry.get("batch_field")
    names = named if isinstance(named, list) else [named]
    return next((name for name in names if name and name != "max_images"), None)


def aliases(key: str) -> list[str]:
    name = key.partition("@")[0]
    return [name, *ALSO.get(name, ())]


def family(key: str) -> str:
    first = re.split(r"[-.\d@]", key)[0]
    return FAMILIES.get(first, first)


def modality(entry: Entry, image: str | None, needed: list[str]) -> str:
    key, name = str(entry["key"]), str(entry["model"])
    if key in MODALITIES:
        return MODALITIES[key]
    if entry["makes"] == "video":
        return "image-to-video" if image in needed else "text-to-video"
    if entry["makes"] == "audio":
        return "music" if SONG.search(name) else "sound-effects" if EFFECTS.search(name) else "speech"
    return "edit" if image in needed else "text-to-image"


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
