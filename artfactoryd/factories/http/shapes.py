"""Outputs in an answer of whatever shape: every address in it, pictures written out in it, else the text that it is.

Models answer as they like: a text, a list, objects in objects, JSON in a text. What was paid for is never passed over
because nobody had seen its shape before. Nothing here touches the network.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from artfactoryd.core.json_types import JsonValue
from artfactoryd.factories import Output
from artfactoryd.factories.http.answer import text

DEEP = 12  # nesting that is looked into
SHORTEST = 64  # characters of a picture written out without a word that it is one
LONGEST_ANSWER = 20_000  # characters of an answer kept with a failure
STARTS = (  # how base64 of known files begins: png, jpeg, riff, gif, mp3, ogg, flac, glb, webm, pdf, zip, svg, tiff
    "iVBORw0KGgo", "/9j/", "_9j_", "UklGR", "R0lGOD", "SUQz", "T2dnU", "ZkxhQ", "Z2xURg", "GkXfo", "JVBERi0", "UEsDB",
    "PHN2Zy", "SUkqA", "TU0AK",
)  # fmt: skip
ISO_MEDIA = re.compile(r"AAAA[A-Za-z0-9+/]{2}m?Z0eX|AAAA.{1,3}Z0eX")  # a size, then "ftyp"
WRITTEN_OUT = re.compile(r"b64|base64", re.I)  # names of fields that hold base64
BASE64 = re.compile(r"[A-Za-z0-9+/_\-\s]+=*\s*")
BESIDE = re.compile(r"mask|thumbnail|preview|(^|_)(input|source|original|control|conditioning|reference)(_|$)", re.I)
FILES = r"png|jpe?g|webp|gif|avif|mp4|webm|mov|mp3|wav|flac|ogg|glb|svg|zip|tiff?"
IN_TEXT = re.compile(rf"https?://[^\s<>\"')\]]+\.(?:{FILES})(?:\?[^\s<>\"')\]]*)?", re.I)
OWN = frozenset({  # of the call, not made by it
    "prompt", "seed", "timings", "metrics", "logs", "status", "request_id", "has_nsfw_concepts", "nsfw", "description",
    "detail", "error", "error_type", "message", "num_images", "width", "height",
})  # fmt: skip


def outputs_in(value: JsonValue) -> list[Output]:
    """In the order given, each address once. `byproduct` is said of none where nothing else came."""
    found = list({output.address: output for output in _walk(value, "", DEEP)}.values())
    if all(output.byproduct for output in found):
        return [Output(output.address, output.mime) for output in found]
    return found


def _walk(value: JsonValue, name: str, depth: int) -> Iterator[Output]:
    if isinstance(value, str):
        yield from _in_text(value.strip(), name, depth)
    elif isinstance(value, dict) and depth:
        mime = text(value.get("content_type")) or text(value.get("mime_type"))
        for key, part in value.items():
            for output in _walk(part, f"{name}.{key}", depth - 1):
                yield replace(output, mime=mime) if mime and key in ("url", "uri", "href") else output
    elif isinstance(value, list) and depth:
        for part in value:
            yield from _walk(part, name, depth - 1)


def _in_text(words: str, name: str, depth: int) -> Iterator[Output]:
    beside = any(BESIDE.search(part) for part in name.split("."))
    start = words[:8].lower()
    if start.startswith(("https://", "http://")) and not re.search(r"\s", words):
        yield Output(words, byproduct=beside)
    elif start.startswith("data:"):
        yield Output("data:" + words[5:], byproduct=beside)
    elif _is_written_out(words, name):
        yield Output(f"data:;base64,{words.partition('base64,')[2] or words}", byproduct=beside)
    elif words[:1] in ("{", "[") and depth:
        try:
            yield from _walk(json.loads(words), name, depth - 1)
        except (ValueError, RecursionError):
            yield from (Output(address, byproduct=beside) for address in IN_TEXT.findall(words))
    elif name.rpartition(".")[2] not in OWN:
        yield from (Output(address, byproduct=beside) for address in IN_TEXT.findall(words))


def _is_written_out(words: str, name: str) -> bool:
    """Base64 of a known file, or of anything where the field's name says so."""
    bare = words.partition("base64,")[2] or words
    is_known = len(bare) >= SHORTEST and (bare.startswith(STARTS) or bool(ISO_MEDIA.match(bare)))
    is_named = len(bare) >= 16 and bool(WRITTEN_OUT.search(name.rpartition(".")[2]))
    return (is_known or is_named) and bool(BASE64.fullmatch(bare))


def text_in(value: JsonValue) -> Output | None:
    """What a model says that makes no files: its words, or its answer as JSON. None where it says nothing."""
    if isinstance(value, list) and value and all(isinstance(part, str) for part in value):
        value = "".join(map(str, value))  # as language models hand them out
    if isinstance(value, Mapping):
        value = {name: part for name, part in value.items() if name not in OWN and not _is_empty(part)}
        words = [part for part in value.values() if isinstance(part, str)]
        value = words[0] if len(value) == len(words) == 1 else value
    if _is_empty(value) or isinstance(value, bool):
        return None
    words_ = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
    packed = base64.b64encode(words_.encode("utf-8", "replace")).decode()
    return Output(f"data:text/plain;base64,{packed}", "text/plain")


def _is_empty(value: Any) -> bool:
    if isinstance(value, str):
        return not value.strip()
    if isinstance(value, Mapping):
        return all(_is_empty(part) for part in value.values())
    if isinstance(value, list):
        return all(_is_empty(part) for part in value)
    return value is None


def kept_answer(body: bytes | bytearray) -> str:
    """An answer as it came, for whoever wants to see what was paid for."""
    return bytes(body[:LONGEST_ANSWER]).decode("utf-8", "replace")
