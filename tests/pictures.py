"""Small real pictures, and a model of the scripted factory that works on one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image

from artfactoryd import documents
from tests.homes import TestHome
from tests.works import PAINTER, order

EDITOR: dict[str, Any] = {
    **PAINTER, "model": "acme/editor", "aliases": ["editor"], "modality": "image-to-image", "image": "image",
    "synonyms": {"photo": "image"}, "batch": None,
    "schema": {
        "type": "object", "required": ["prompt"],
        "properties": {
            "prompt": {"type": "string"}, "seed": {"type": "integer", "minimum": 0},
            "image": {"type": "string", "format": "uri"}, "mask": {"type": "string", "format": "uri"},
        },
    },
}  # fmt: skip
del EDITOR["batch"]


def draw(path: Path, colour: str = "blue", size: tuple[int, int] = (64, 48)) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    hidden = path.with_name(f".{path.name}")
    Image.new("RGB", size, colour).save(hidden, "PNG" if path.suffix == ".png" else "JPEG")
    return hidden.rename(path).read_bytes()


def with_editor(home: TestHome) -> TestHome:
    (home.home.library / "models" / "editor.yaml").write_text(documents.dump_yaml(EDITOR))
    return home


def edit(image: Any = "beach.png", prompt: str = "make it night", **keys: Any) -> str:
    return order(prompt, model="editor", parameters={"image": image}, **keys)
