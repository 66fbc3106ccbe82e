"""YAML 1.2 core meaning on top of PyYAML's parser, with the place of every key and value.

PyYAML's composer and constructor are not used: the composer recurses (30,000 nested brackets end the
process), and the constructor speaks YAML 1.1. Here every event passes the bounds first, and what is
made of the events is made without recursion. Not here: encodings and words for mistakes (source).
"""

from __future__ import annotations

import contextlib
import math
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import yaml
from yaml import events as ev

from artfactoryd.core.json_types import Value
from artfactoryd.errors import Path, Problem, Refusal
from artfactoryd.source import (
    CURLY_FIX,
    Complaint,
    Source,
    is_curly_quoted,
    structure_mistake,
    syntax_problem,
    token_mistake,
)

MOST_DEPTH = 40
TOO_DEEP = "E_TOO_DEEP"
MOST_EVENTS = 200_000
# Characters of all scalars with aliases written out, plus NODE_WEIGHT a node. No file without aliases has as much.
MOST_WEIGHT = 5_000_000
NODE_WEIGHT = 16
MOST_DIGITS = 100

_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
CORE = "tag:yaml.org,2002:"
RAW = "!raw"  # the value is as written: what that means is the order's
_KINDS = {"int": (int,), "float": (int, float), "bool": (bool,), "null": (type(None),)}

_PROPERTIES = re.compile(r"(?:[!&]\S*\s+)*")
_INT = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


Scalar: TypeAlias = str | int | float | bool | None


@dataclass(slots=True)
class Node:
    """A value and where it stands: indexes into the source's text. `text`: a scalar's characters as written."""

    value: Value
    start: int
    end: int
    text: str | None = None
    style: str | None = None
    raw: bool = False  # !raw stands before it
    keys: dict[str, Node] = field(default_factory=dict)
    children: dict[str | int, Node] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Root:
    """One document of a stream: its node, and where its part of the file begins."""

    node: Node
    start: int


def plain(text: str) -> Scalar:
    """The value of an unquoted scalar. Raises ValueError for a number that cannot be held."""
    if text in WORDS:
        return WORDS[text]
    if _NOT_FINITE.fullmatch(text):
        raise ValueError(f"{text} is not a finite number.")
    for pattern, read in ((_INT, int), (_OCTAL, _octal), (_HEX, _hexadecimal), (_FLOAT, float)):
        if pattern.fullmatch(text):
            if len(text) > MOST_DIGITS:
                raise ValueError(f"a number of {len(text)} digits is too long.")
            return _finite(read(text), text)
    return text


def _octal(text: str) -> int:
    return int(text[2:], 8)


def _hexadecimal(text: str) -> int:
    return int(text[2:], 16)


def _finite(number: float, text: str) -> float:
    if isinstance(number, float) and math.isinf(number):
        raise ValueError(f"{text} is too large a number.")
    return number


def compose(source: Source) -> list[Root]:
    """The documents of a file. Raises Refusal with every problem of it."""
    composer = _Composer(source)
    try:
        for event in _bounded(source, source.parsed):
            composer.take(event)
    except yaml.YAMLError as error:
        _refuse_what_is_too_deep(source, error)
        complaint = _complaint(source, error, composer.in_flow)
        raise Refusal([*composer.problems, syntax_problem(source, complaint)]) from None
    if composer.problems:
        raise Refusal(composer.problems)
    return composer.roots


def scalars(source: Source) -> Iterator[tuple[int, int, str]]:
    """Of what `compose` has read: where each scalar stands, without tag and anchor, and its characters."""
    for event in yaml.parse(source.parsed, Loader=_Loader):
        if isinstance(event, ev.ScalarEvent):
            start, end = map(source.origin, _span(event))
            properties = _PROPERTIES.match(source.text, start, end)
            yield properties.end() if properties else start, end, event.value


def _refuse_what_is_too_deep(source: Source, error: yaml.YAMLError) -> None:
    """Raises Refusal where the text up to the parser's complaint is beyond the bounds already.

    libyaml reads some way ahead before it hands out an event, and from 0.2.6 on it has a greatest depth of its own,
    which it may come to before the bounds have seen a single bracket. Cut off there, the text is handed out.
    """
    mark = getattr(error, "problem_mark", None)
    try:
        with contextlib.suppress(yaml.YAMLError):
            deque(_bounded(source, source.parsed[: mark.index if mark else 0]), maxlen=0)
    except Refusal as refusal:
        if refusal.problems[0].code == TOO_DEEP:  # any other may come from the cut
            raise


def _complaint(source: Source, error: yaml.YAMLError, in_flow: bool) -> Complaint:
    """Without marks (PyYAML's reader has none) it is about the whole file."""

    def index(name: str) -> int | None:
        mark = getattr(error, name, None)
        return None if mark is None else source.origin(mark.index)

    at, opened = index("problem_mark") or 0, index("context_mark")
    words = str(getattr(error, "problem", None) or getattr(error, "reason", "it cannot be read"))
    of_structure = isinstance(error, yaml.parser.ParserError)
    kind = structure_mistake(source, opened, in_flow) if of_structure else token_mistake(source, at, opened)
    return Complaint(kind, at, opened, words)


@dataclass(slots=True)
class _Open:
    anchor: str | None
    weight: int = NODE_WEIGHT
    height: int = 1


class _Bounds:
    """Counts what the events would become with every alias written out; refuses before it is made."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.events = 0
        self.weight = 0
        self.open: list[_Open] = []
        self.known: dict[str, tuple[int, int]] = {}  # anchor: weight and height of a finished node

    def take(self, event: ev.Event) -> None:
        self.events += 1
        if self.events > MOST_EVENTS:
            self._refuse("E_TOO_LARGE", f"the file has more than {MOST_EVENTS:,} parts.", "Split it.", event)
        if isinstance(event, ev.DocumentStartEvent):
            self.known = {}
        elif isinstance(event, ev.AliasEvent):
            self._alias(event)
        elif isinstance(event, ev.ScalarEvent):
            self._add(NODE_WEIGHT + len(event.value), 0, event.anchor, event)
        elif isinstance(event, ev.CollectionStartEvent):
            self._enter(event, 1)
            self.open.append(_Open(event.anchor))
        elif isinstance(event, ev.CollectionEndEvent):
            closed = self.open.pop()
            self._add(closed.weight, closed.height, closed.anchor, event)

    def _enter(self, event: ev.Event, height: int) -> None:
        if len(self.open) + height > MOST_DEPTH:
            message = f"brackets or indentation go deeper than {MOST_DEPTH} levels."
            self._refuse(TOO_DEEP, message, "Write it flatter.", event)

    def _alias(self, event: ev.AliasEvent) -> None:
        name = str(event.anchor)
        if any(node.anchor == name for node in self.open):
            self._refuse("E_ALIAS", f"*{name} stands inside what it names.", "Write the values out.", event)
        if name not in self.known:
            fix = "A text that begins with * needs quotes around it."
            self._refuse("E_ALIAS", f"*{name} refers to nothing: no &{name} comes before it.", fix, event)
        weight, height = self.known[name]
        self._enter(event, height)
        self._add(weight, height, None, event)

    def _add(self, weight: int, height: int, anchor: str | None, event: ev.Event) -> None:
        if anchor is not None:
            self.known[anchor] = (weight, height)
        if not self.open:
            self.weight += weight
            return
        parent = self.open[-1]
        parent.weight += weight
        parent.height = max(parent.height, height + 1)
        if self.weight + parent.weight > MOST_WEIGHT:
            message = "the aliases (*name) of this file stand for more than can be held."
            self._refuse("E_ALIAS", message, "Write the values out.", event)

    def _refuse(self, code: str, message: str, fix: str, event: ev.Event) -> None:
        index = self.source.origin(_span(event)[0])
        raise Refusal([self.source.problem(code, message, fix, index)])


def _span(event: ev.Event) -> tuple[int, int]:
    """From where to where it stands, as indexes into what was parsed: every event of a parser has its marks."""
    start, end = event.start_mark, event.end_mark
    return start.index if start else 0, end.index if end else 0


def _bounded(source: Source, text: str) -> Iterator[ev.Event]:
    bounds = _Bounds(source)
    for event in yaml.parse(text, Loader=_Loader):
        bounds.take(event)
        yield event


@dataclass(slots=True)
class _Frame:
    node: Node
    anchor: str | None
    in_flow: bool
    key: Node | None = None

    @property
    def step(self) -> str | int | None:
        if isinstance(self.node.value, list):
            return len(self.node.value)
        return str(self.key.value) if self.key else None


class _Composer:
    """Events to nodes. Goes on after a problem of meaning, so that all of them are told."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.roots: list[Root] = []
        self.problems: list[Problem] = []
        self.frames: list[_Frame] = []
        self.anchors: dict[str, Node] = {}
        self.begun = 0

    @property
    def in_flow(self) -> bool:
        """Whether what is being read stands in brackets."""
        return bool(self.frames) and self.frames[-1].in_flow

    def take(self, event: ev.Event) -> None:
        start, end = map(self.source.origin, _span(event))
        if isinstance(event, ev.DocumentStartEvent):
            self.begun, self.anchors = start, {}
        elif isinstance(event, ev.AliasEvent):
            self._place(replace(self.anchors[str(event.anchor)], start=start, end=end, style="*"), None)
        elif isinstance(event, ev.ScalarEvent):
            node = Node(None, start, end, event.value, event.style or None, event.tag == RAW)
            node.value = self._scalar(event, node)
            self._place(node, event.anchor)
        elif isinstance(event, ev.CollectionStartEvent):
            self._tag(event.tag, ("map", "seq"), start)
            value: Value = {} if isinstance(event, ev.MappingStartEvent) else []
            node = Node(value, start, end, raw=event.tag == RAW)
            self.frames.append(_Frame(node, event.anchor, bool(event.flow_style)))
        elif isinstance(event, ev.CollectionEndEvent):
            frame = self.frames.pop()
            frame.node.end = end
            self._place(frame.node, frame.anchor)

    def _place(self, node: Node, anchor: str | None) -> None:
        if anchor is not None:
            self.anchors[anchor] = node
        if not self.frames:
            self.roots.append(Root(node, self.begun))
            return
        frame = self.frames[-1]
        parent = frame.node
        if isinstance(parent.value, list):
            parent.children[len(parent.value)] = node
            parent.value.append(node.value)
        elif frame.key is None:
            frame.key = self._key(node, parent)
        else:
            self._set(parent, frame.key, node)
            frame.key = None

    def _set(self, parent: Node, key: Node, node: Node) -> None:
        if isinstance(key.value, str) and key.value not in parent.value:
            parent.value[key.value] = node.value
            parent.keys[key.value], parent.children[key.value] = key, node

    def _key(self, key: Node, parent: Node) -> Node:
        name = key.value
        if not isinstance(name, str):
            shown = key.text if key.text else "this"
            self._problem("E_KEY", f"a key must be text, and {shown} is not.", "Put quotes around the key.", key.start)
        elif name == "<<" and key.style is None:
            self._problem("E_MERGE", "merge keys (<<) are not read.", "Write the keys out.", key.start)
        elif name in parent.value:
            self._duplicate(key, parent.keys[name])
        return key

    def _duplicate(self, key: Node, first: Node) -> None:
        line, column = self.source.position(first.start)
        message = f"the key {key.value} stands here a second time; the first is on line {line}, column {column}."
        self.frames[-1].key = key
        self._problem("E_DUPLICATE_KEY", message, "Keep one of them.", key.start)

    def _scalar(self, event: ev.ScalarEvent, node: Node) -> Scalar:
        tag = None if event.tag == RAW else event.tag
        if tag == "!" or (tag is None and node.style):
            return event.value
        if tag is None and is_curly_quoted(event.value):
            self._problem("E_QUOTES", "curly quotes are ordinary letters to YAML.", CURLY_FIX, node.start)
        if not self._tag(tag, ("str", *_KINDS), node.start):
            return event.value
        kind = tag.removeprefix(CORE) if tag is not None else ""
        return event.value if kind == "str" else self._plain(event.value, kind, node.start)

    def _plain(self, text: str, kind: str, index: int) -> Scalar:
        try:
            value = plain(text)
        except ValueError as error:
            self._problem("E_NUMBER", str(error), "Put quotes around it if it is meant as text.", index)
            return text
        if kind and type(value) not in _KINDS[kind]:
            self._problem("E_TAG", f"{text!r} is not what its tag !!{kind} says.", "Take the tag away.", index)
        return value

    def _tag(self, tag: str | None, known: tuple[str, ...], index: int) -> bool:
        if tag is None or tag in ("!", RAW) or (tag.startswith(CORE) and tag.removeprefix(CORE) in known):
            return True
        shown = tag.replace(CORE, "!!")
        fix = "Take the tag away, or put quotes around a text that begins with !"
        self._problem("E_TAG", f"the tag {shown} is not known.", fix, index)
        return False

    def _problem(self, code: str, message: str, fix: str, index: int) -> None:
        path: Path = tuple(frame.step for frame in self.frames if frame.step is not None)
        self.problems.append(self.source.problem(code, message, fix, index, path))
