"""Outputs in an answer of whatever shape: every address in it, pictures written out in it, and what is said there.

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
OF_FILE = frozenset({"content_type", "mime_type", "file_name", "filename", "file_size", "format", "id", "name"})
A_TEXT = re.compile(r"caption|text|transcript|translation|lyrics|answer|title|label|tags", re.I)  # also one word
TEXT_TYPE = re.compile(r"text/|application/([\w.-]+\+)?(json|x-ndjson|jsonl|xml|yaml|x-yaml|csv|x-subrip)\b")
TEXT_FILE = re.compile(r"\.(txt|json|jsonl|ndjson|csv|tsv|srt|vtt|log|md|xml|ya?ml|html?)$", re.I)
MANY = 8  # values in a list that are more than a remark about a file


def outputs_in(value: JsonValue) -> list[Output]:
    """In the order given, each address once. `byproduct` is said of none where nothing else came."""
    found = list({output.address: output for output in _walk(value, "", DEEP)}.values())
    if not all(map(_is_text, found)):  # words beside a picture are not paid for as one
        found = [replace(output, byproduct=output.byproduct or _is_text(output)) for output in found]
    if all(output.byproduct for output in found):
        return [Output(output.address, output.mime) for output in found]
    return found


def _is_text(output: Output) -> bool:
    """As far as its type and its name tell: prose, subtitles, a table, a report."""
    address = output.address
    mime = (output.mime or "").lower()
    if address[:5] == "data:":
        mime = address[5:80].partition(",")[0].lower() or "text/plain"
    return bool(TEXT_TYPE.match(mime) or (address[:5] != "data:" and TEXT_FILE.search(re.split("[?#]", address)[0])))


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


def text_beside(value: JsonValue, sent: JsonValue = None) -> Output | None:
    """What a model says beside its files (a caption, a transcript, what it detected): one text, no more to pay for.

    None where that is a remark: a status, an id, a number, a word of the call, or a text that was `sent`.
    """
    left = _without_files(value, "", DEEP, frozenset(_strings(sent)))
    if not _speaks(left, ""):
        return None
    if isinstance(left, list) and all(isinstance(part, str) for part in left):
        parts = [str(part) for part in left]
        is_pieces = any(part != part.strip() for part in parts)  # as language models hand them out
        left = ("" if is_pieces else "\n").join(parts)
    output = text_in(left)
    return replace(output, byproduct=True) if output else None


def _without_files(value: JsonValue, name: str, depth: int, sent: frozenset[str]) -> JsonValue:
    """What is left of an answer when its files are taken out; of an object with a file in it, only what speaks."""
    if isinstance(value, str):
        return _words_alone(value, name, depth, sent)
    if isinstance(value, list) and depth:
        parts = [_without_files(part, name, depth - 1, sent) for part in value]
        return [part for part in parts if not _is_empty(part)]
    if isinstance(value, dict) and depth:
        of_file = any(isinstance(part, str) and outputs_in(part) for part in value.values())
        left = {key: _without_files(part, key, depth - 1, sent) for key, part in value.items() if not _is_own(key)}
        return {key: part for key, part in left.items() if not _is_empty(part) and (not of_file or _speaks(part, key))}
    return value


def _words_alone(value: str, name: str, depth: int, sent: frozenset[str]) -> JsonValue:
    words = value.strip()
    if words[:1] in ("{", "[") and depth:
        try:
            return _without_files(json.loads(words), name, depth - 1, sent)
        except (ValueError, RecursionError):
            return value
    is_prose = bool(re.search(r"\s", words)) and words[:5].lower() != "data:" and not _is_written_out(words, name)
    return None if words in sent or (outputs_in({name: words}) and not is_prose) else value


def _is_own(name: str) -> bool:
    return name in OWN or name in OF_FILE or name.endswith("prompt")


def _speaks(value: JsonValue, name: str) -> bool:
    """Whether it is more than a remark: a text, or things that were found."""
    if isinstance(value, str):
        words = value.strip()
        is_text = bool(re.search(r"\s", words) or A_TEXT.search(name)) or not words.isascii()
        return is_text and _has_letters(words)
    if isinstance(value, list):
        is_table = any(isinstance(part, list) for part in value)
        is_told = any(isinstance(part, dict) and any(map(_has_letters, _strings(part))) for part in value)
        return len(value) > MANY or is_table or is_told or any(_speaks(part, name) for part in value)
    return isinstance(value, dict) and any(_speaks(part, key) for key, part in value.items())


def _has_letters(words: str) -> bool:
    return any(character.isalpha() for character in words)


def _strings(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value.strip()
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _strings(part)


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
