"""Which tool a picture's words are of, and what they say."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from artfactoryd.core.foreign import a1111, documents, graphs
from artfactoryd.core.foreign.told import PLAIN, Told

AUTO = "auto"
TOOLS = ("a1111", "comfyui", "invokeai")  # that may be named, beside AUTO and PLAIN
ALSO = {"a1111": ("fooocus", "swarmui", "novelai", "artfactoryd")}  # what else is taken for one of these
MOST = 8_000_000  # characters of a document
LONGEST_NOTES = 10_000


@dataclass(frozen=True, slots=True)
class Words:
    """Inside a file. `texts`: by their keys (PNG); `comment`: EXIF's UserComment; `others`: other texts of EXIF;
    `beside`: of the text file beside it."""

    texts: Mapping[str, str] = field(default_factory=dict)
    comment: str = ""
    others: tuple[str, ...] = ()
    beside: str = ""


def told_by(words: Words, source: str) -> Told:
    """The first that understands them. `source`: AUTO, PLAIN or a tool that alone is believed."""
    for told in _each(words) if source != PLAIN else ():
        if source == AUTO or told.tool == source or told.tool in ALSO.get(source, ()):
            return _described(told, words)
    return _described(Told(PLAIN), words)


def _described(told: Told, words: Words) -> Told:
    """With what a person may have written beside the prompt; where there is no prompt, that is what it is found by."""
    if told.parameters.get("prompt") or told.notes:
        return told
    caption = words.beside.strip()
    if caption:
        return replace(told, parameters={**told.parameters, "prompt": caption})
    written = (words.texts.get(key, "").strip() for key in ("Description", "Title", "Comment"))
    return replace(told, notes=next(filter(None, written), "")[:LONGEST_NOTES])


def _each(words: Words) -> Iterator[Told]:
    texts = words.texts
    ways: list[tuple[Callable[[object], Told | None], str]] = [
        (documents.invokeai, texts.get("invokeai_metadata", "")),
        (documents.invokeai, texts.get("sd-metadata", "")),
        *((documents.swarmui, text) for text in (texts.get("parameters", ""), words.comment)),
        (lambda value: documents.any_tool(value, "fooocus"), texts.get("parameters", "")),
        (lambda value: documents.any_tool(value, "fooocus"), words.comment),
        (lambda value: documents.any_tool(value, "novelai"), texts.get("Comment", "")),
    ]
    yield from filter(None, (read(_document(text)) for read, text in ways))
    for text in (texts.get("parameters", ""), words.comment, words.beside):
        if text and (told := a1111.read(text)):
            yield told
    graphs_there = [texts.get("prompt", ""), *(_behind(text, "prompt:") for text in words.others)]
    yield from (
        told for text in graphs_there if (value := _document(text)) is not None and (told := graphs.read(value))
    )
    if texts.get("workflow") or any(_behind(text, "workflow:") for text in words.others):
        yield Told("comfyui")


def _behind(text: str, mark: str) -> str:
    return text[len(mark) :] if text[: len(mark)].lower() == mark else ""


def _document(text: str) -> object:
    """None of what is no JSON."""
    text = text.strip("\0 \n")
    if not text.startswith(("{", "[")) or len(text) > MOST:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
