"""The sidecar of a picture that another tool made, or another home: no order of this one has it, and none ever will."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from artfactoryd.core.foreign.told import Told
from artfactoryd.core.json_types import Json
from artfactoryd.core.sidecar import SOFTWARE, VERSION

IMPORTED = "imported"  # in place of a provider
UNKNOWN = "unknown"  # of a model
MODALITIES = {"image": "text-to-image", "video": "text-to-video", "audio": "text-to-audio"}


@dataclass(frozen=True, slots=True)
class Marks:
    """What a person said of it before."""

    rating: int | None = None
    tags: Sequence[str] = ()
    liked: bool = False


def product_id(digest: str, made: datetime, salt: str = "") -> str:
    """A UUIDv7 of the moment and the bytes: the same picture imported twice is one product."""
    milliseconds = max(0, int(made.timestamp() * 1000)) & (1 << 48) - 1
    rest = int.from_bytes(sha256(f"{digest}{salt}".encode()).digest()[:10], "big")
    number = milliseconds << 80 | 7 << 76 | (rest >> 68 & 0xFFF) << 64 | 2 << 62 | rest & (1 << 62) - 1
    text = f"{number:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def card(
    *, id: str, file: Mapping[str, object], kind: str, created_at: str, project: str, told: Told, marks: Marks,
    origin: Mapping[str, object], parents: Sequence[str], software: str,
) -> Json:  # fmt: skip
    """See schemas/sidecar.schema.json. `file`: what was measured of it."""
    return {
        "version": VERSION, "id": id, "file": dict(file), "type": kind, "created_at": created_at, "project": project,
        "order": None, "item": None, "provider": IMPORTED,
        "model": {
            "id": told.model or UNKNOWN, "version": None, "family": None,
            "modality": MODALITIES.get(kind, f"text-to-{kind}"),
        },
        "ticket": None,
        "parameters": {
            "base": {}, "base_of": None, "generation": dict(told.parameters), "actual": {}, "returned": {},
        },
        "inputs": [], "outputs": {"asked": 1, "delivered": 1}, "cost": {"usd": 0, "estimated": False}, "timings": {},
        "tags": list(marks.tags), "liked": marks.liked, "rating": marks.rating, "notes": told.notes or None,
        "collections": [], "parents": list(parents), "stage": None, "reused_from": None, "rehearsal": False,
        "origin": dict(origin), "software": {"name": SOFTWARE, "version": software},
    }  # fmt: skip
