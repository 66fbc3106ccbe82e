"""Models of the collected list that their providers run no more: when that ended, and what came in their place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

ENDED = re.compile(r"(RETIRED|gone|deprecated)\b.*", re.IGNORECASE)
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
WORDS = {"retired": "retired", "gone": "gone", "deprecated": "deprecated"}
ALSO = {  # other ids that ended with it; `*` stands for any letters
    "imagen-4": [("replicate", "google/imagen-4-*"), ("fal", "fal-ai/imagen4/*")],
    "nano-banana": [("fal", "fal-ai/nano-banana"), ("fal", "fal-ai/nano-banana/edit")],
    "nano-banana-2@fal": [("fal", "fal-ai/nano-banana-2/edit"), ("replicate", "google/nano-banana-2")],
    "veo-3@fal": [("fal", "fal-ai/veo3/*")],
    "sora-2@fal": [("fal", "fal-ai/sora-2/*")],
}
SUCCESSORS = {
    "imagen-4": ("fal", "fal-ai/nano-banana-pro"), "nano-banana": ("fal", "google/nano-banana-2.1"),
    "nano-banana-2@fal": ("fal", "google/nano-banana-2.1"), "veo-3@fal": ("fal", "fal-ai/veo3.1"),
    "gpt-image-1": ("replicate", "openai/gpt-image-1.5"),
}  # fmt: skip


def retired(entry: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """One for each provider and id; `on` is the last day that is told, `as_of` where none is."""
    key, told = str(entry["key"]), str(entry["certain"]["id"])
    ended = ENDED.match(told)
    if not ended:
        return
    days = DAY.findall(told)
    when = {"on": max(days)} if days else {}
    successor = SUCCESSORS.get(key)
    next_one = {"successor": {"provider": successor[0], "model": successor[1]}} if successor else {}
    names = {"aliases": [key.partition("@")[0]]}
    for provider, model in [(entry["provider"], entry["model"]), *ALSO.get(key, ())]:
        yield {"provider": provider, "model": model, **names, "end": WORDS[ended[1].lower()], **when, **next_one}
