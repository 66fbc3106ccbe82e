"""Rating and tags put into XMP that is there already, whoever wrote it. Only these are changed, where they stand; every
other byte stays as it is.

What was put in is told beside it, so that a tag which is taken away later goes, and one of somebody else's stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from xml.parsers import expat

from artfactoryd.core.inside.undo import UNDO, Edit, spliced
from artfactoryd.core.inside.xmp import OURS, SPACES, in_attribute, in_text, packet_with

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
DC, XMP = "http://purl.org/dc/elements/1.1/", "http://ns.adobe.com/xap/1.0/"
DIGIKAM, LIGHTROOM = "http://www.digikam.org/ns/1.0/", "http://ns.adobe.com/lightroom/1.0/"
_PREFIXES = {DC: "dc", XMP: "xmp", DIGIKAM: "digiKam", LIGHTROOM: "lr", OURS: "artfactoryd"}
_ATTRIBUTE = re.compile(rb"""\s+([^\s=/>"']+)\s*=\s*("[^"]*"|'[^']*')""")
_START = re.compile(rb"""<(?:[^<>"']|"[^"]*"|'[^']*')*>""")
RATINGS = tuple("012345")
SEPARATOR = "\n"  # between a name's parts; no name has it


class CannotMerge(ValueError):
    """It is no XMP, or not in a form to which anything can be added."""


class Marks(NamedTuple):
    """What is said of a picture. `alone`: nobody else's words on it count, they were taken over already.
    `description`: for what has none. `project`: a word that was put there beside the tags."""

    rating: int | None
    tags: tuple[str, ...]
    description: str = ""
    alone: bool = False
    project: str = ""


class Name(NamedTuple):
    space: str
    local: str


RATING, SUBJECT, DESCRIPTION = Name(XMP, "Rating"), Name(DC, "subject"), Name(DC, "description")
TAGS, HIERARCHY = Name(DIGIKAM, "TagsList"), Name(LIGHTROOM, "hierarchicalSubject")
TOLD_RATING, TOLD_TAGS = Name(OURS, "Rating"), Name(OURS, "Tags")
KINDS = {SUBJECT: "Bag", TAGS: "Seq", HIERARCHY: "Bag", TOLD_TAGS: "Bag", DESCRIPTION: "Alt"}  # others are one value


@dataclass
class Stands:
    """Where a property stands, and what it says. `written`: its name as it is there; `in_tag`: as an attribute;
    `by_us`: in words that were put there when the picture was filed."""

    name: Name
    begins: int
    ends: int
    written: str
    in_tag: bool
    by_us: bool
    values: list[str] = field(default_factory=list)


def merged(theirs: bytes, marks: Marks) -> bytes:
    """The same bytes where it says so already. Raises CannotMerge."""
    there = _Reader(theirs)
    edits = list(_edits(there, _wanted(there, marks)))
    if edits:
        edits += [Edit(one.begins, one.ends, b"") for one in there.all_of(Name(OURS, UNDO)) if one.in_tag]
    return b"".join(spliced(theirs, sorted(edits, key=lambda edit: edit.begins)))


def fresh(marks: Marks) -> bytes:
    """A packet that says nothing else."""
    return merged(packet_with(""), marks)


def described(marks: Marks) -> bytes:
    """A file of its own that says nothing else."""
    empty = f'<rdf:RDF xmlns:rdf="{RDF}">\n</rdf:RDF>'
    text = f'<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="artfactoryd">\n{empty}\n</x:xmpmeta>\n'
    return merged(f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode(), marks)


def marks_in(packet: bytes) -> tuple[int | None, list[str]]:
    """Rating and tags that it tells of; nothing where it cannot be read."""
    try:
        there = _Reader(packet)
    except CannotMerge:
        return None, []
    paths = [*there.values(TAGS), *(tag.replace("|", "/") for tag in there.values(HIERARCHY))]
    ends = {path.rpartition("/")[2] for path in paths if "/" in path}
    tags = [tag.strip() for tag in [*paths, *there.values(SUBJECT)] if tag not in ends]
    ratings = [value.strip() for value in there.values(RATING)]
    rating = next((int(value[0]) for value in ratings if value[:1] in RATINGS and value[1:] in ("", ".0")), None)
    return rating, list(dict.fromkeys(filter(None, tags)))


def leaves(tags: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(tag.strip("/ ").rpartition("/")[2].strip() for tag in tags if tag.strip("/ ")))


# --- what it is to say ---


def _wanted(there: _Reader, marks: Marks) -> dict[Name, list[str]]:
    """What changed here since it was last put in is changed there too; what somebody else changed stays."""
    tags = [tag for tag in marks.tags if tag.strip("/ ")]
    before = there.values(TOLD_TAGS)
    gone, new = [tag for tag in before if tag not in tags], [tag for tag in tags if tag not in before]
    wanted = {}
    for name, form in _FORMS.items():
        others = [] if marks.alone else there.others(name, marks.project)
        away, ours = set(form(gone)) - set(form(tags)), form(tags if marks.alone else new)
        wanted[name] = list(dict.fromkeys([*(one for one in others if one not in away), *ours]))
    wanted[RATING] = _rating(there, marks)
    wanted[TOLD_TAGS], wanted[TOLD_RATING] = tags, [] if marks.rating is None else [str(marks.rating)]
    if marks.description and not there.all_of(DESCRIPTION):
        wanted[DESCRIPTION] = [marks.description]
    return wanted


def _rating(there: _Reader, marks: Marks) -> list[str]:
    ours = [] if marks.rating is None else [str(marks.rating)]
    before, now = there.values(TOLD_RATING), there.values(RATING)
    if marks.alone or (ours and ours != before):
        return ours
    return [] if not ours and now == before else now


def _in_bars(tags: Sequence[str]) -> list[str]:
    return [tag.replace("|", " ").replace("/", "|") for tag in tags]


_FORMS: Mapping[Name, Callable[[Sequence[str]], list[str]]] = {SUBJECT: leaves, TAGS: list, HIERARCHY: _in_bars}


# --- written ---


def _edits(there: _Reader, wanted: Mapping[Name, Sequence[str]]) -> Iterator[Edit]:
    new = list[str]()
    for name, values in wanted.items():
        stand = there.all_of(name)
        if [value for one in stand for value in one.values] == list(values) and len(stand) <= 1:
            continue
        place = next((one for one in stand if values and not (one.in_tag and name in KINDS)), None)
        for one in stand:
            yield Edit(one.begins, one.ends, there.written(one, values) if one is place else b"")
        if values and place is None:
            new.append(_property(f"{_PREFIXES[name.space]}:{name.local}", name, values, there.rdf))
    if new:
        spaces = " ".join(f'xmlns:{prefix}="{space}"' for space, prefix in _PREFIXES.items())
        about = f"{there.rdf}:about={there.about}"
        told = f"<{there.rdf}:Description {about} {spaces}>\n{''.join(new)}</{there.rdf}:Description>\n"
        yield Edit(there.closes, there.closes, told.encode("utf-8", "replace"))


def _property(written: str, name: Name, values: Sequence[str], rdf: str) -> str:
    if name not in KINDS:
        return f"<{written}>{in_text(values[0])}</{written}>\n"
    language = ' xml:lang="x-default"' if KINDS[name] == "Alt" else ""
    items = "".join(f"<{rdf}:li{language}>{in_text(value)}</{rdf}:li>" for value in values)
    return f"<{written}><{rdf}:{KINDS[name]}>{items}</{rdf}:{KINDS[name]}></{written}>\n"


# --- read ---


class _Reader:
    """`rdf`: how its namespace is called there; `about`: what it tells of, quoted; `closes`: where more can stand."""

    def __init__(self, data: bytes) -> None:
        self.rdf, self.about, self.closes = "", '""', -1
        self._data, self._stands = data, list[Stands]()
        self._open: list[Name] = []
        self._property: Stands | None = None
        self._by_us, self._text, self._has_items = False, list[str](), False
        self._parse()
        if self.closes < 0 or not self.rdf:
            raise CannotMerge("there is no RDF in it")

    def all_of(self, name: Name) -> list[Stands]:
        return [one for one in self._stands if one.name == name]

    def values(self, name: Name) -> list[str]:
        return [value for one in self.all_of(name) for value in one.values]

    def others(self, name: Name, project: str) -> list[str]:
        """Without the tags that were put there when the picture was filed."""
        return [value for one in self.all_of(name) for value in one.values if not one.by_us or value == project]

    def written(self, one: Stands, values: Sequence[str]) -> bytes:
        """It with other values."""
        text = f" {one.written}={in_attribute(values[0])}" if one.in_tag else ""
        return (text or _property(one.written, one.name, values, self.rdf).rstrip("\n")).encode("utf-8", "replace")

    def _parse(self) -> None:
        parser = expat.ParserCreate("utf-8", SEPARATOR)
        parser.namespace_prefixes, parser.ordered_attributes, parser.buffer_text = True, True, True
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler = self._text.append
        parser.StartDoctypeDeclHandler = _refuse
        self._parser = parser
        try:
            parser.Parse(self._data.rstrip(b"\0"), True)
        except (expat.ExpatError, UnicodeDecodeError) as error:
            raise CannotMerge(f"it is no XML ({error})") from error

    def _start(self, told: str, attributes: Sequence[str]) -> None:
        name, at = _name(told), self._parser.CurrentByteIndex
        tag = _START.match(self._data, at)
        if tag is None:
            raise CannotMerge("its tags cannot be told apart")
        if name == (RDF, "RDF"):
            self.rdf = told.rpartition(SEPARATOR)[2] if told.count(SEPARATOR) == 2 else ""
        if name == (RDF, "Description") and self._open[-1:] == [Name(RDF, "RDF")]:
            self._describe(tag[0], at, attributes)
        if self._is_property():
            written = tag[0][1:].split(maxsplit=1)[0].rstrip(b"/>").decode()
            self._property = Stands(name, at, tag.end(), written, False, self._by_us)
            self._has_items = False
            self._text.clear()
        elif name == (RDF, "li"):
            self._has_items = True
            self._text.clear()
        self._open.append(name)

    def _end(self, told: str) -> None:
        self._open.pop()
        name, at = _name(told), self._parser.CurrentByteIndex
        if name == (RDF, "RDF") and self._data.startswith(b"</", at):
            self.closes = at
        one = self._property
        if one is None:
            return
        if name == (RDF, "li"):
            one.values.append("".join(self._text))
        if self._is_property():
            if not self._has_items and name == one.name:
                one.values = list(filter(None, ["".join(self._text).strip()]))
            if self._data.startswith(b"</", at):
                one.ends = self._data.index(b">", at) + 1
            self._stands.append(one)
            self._property = None

    def _is_property(self) -> bool:
        return self._open[-2:] == [Name(RDF, "RDF"), Name(RDF, "Description")]

    def _describe(self, tag: bytes, at: int, attributes: Sequence[str]) -> None:
        """What it says in its tag."""
        names = [_name(told) for told in attributes[::2]]
        raw = [match for match in _ATTRIBUTE.finditer(tag) if not match[1].startswith(b"xmlns")]
        if len(raw) != len(names):
            raise CannotMerge("its tags cannot be told apart")
        self._by_us = Name(OURS, UNDO) in names and SPACES.encode() in tag  # others would have them in another order
        for name, match, value in zip(names, raw, attributes[1::2], strict=True):
            if name == (RDF, "about"):
                self.about = match[2].decode()
            else:
                begins, ends = match.span()
                written = match[1].decode()
                self._stands.append(Stands(name, at + begins, at + ends, written, True, self._by_us, [value]))


def _refuse(*_: object) -> None:
    raise CannotMerge("it declares entities")


def _name(told: str) -> Name:
    space, _, rest = told.partition(SEPARATOR)
    return Name(space, rest.partition(SEPARATOR)[0]) if rest else Name("", space)
