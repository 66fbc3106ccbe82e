"""XMP: what photo managers read of a picture, and in a namespace of our own which product it is and how what we put in
is taken out again. A packet that is there already is added to; what it tells stays its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from artfactoryd.core.inside.undo import ORIGINAL, PRODUCT, UNDO

OURS = "urn:artfactoryd:xmp#"
SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
TRAINED, COMPOSITE, ALGORITHMIC = (
    "trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia", "algorithmicMedia",
)  # fmt: skip
NAMESPACES = {
    "dc": "http://purl.org/dc/elements/1.1/", "xmp": "http://ns.adobe.com/xap/1.0/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/", "artfactoryd": OURS,
}  # fmt: skip
SPACES = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())
PACKET = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">\n<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
    '{}</rdf:RDF>\n</x:xmpmeta>\n<?xpacket end="w"?>'
)
END = b"</rdf:RDF>"
ABOUT = re.compile(rb"""rdf:about\s*=\s*("[^"]*"|'[^']*')""")
SEALED = b"dcterms:provenance"  # C2PA kept elsewhere, which answers for these bytes
_SOURCE_TYPE = re.compile(rb"newscodes/digitalsourcetype/(\w+)")
WRITTEN = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
IN_QUOTES = str.maketrans({'"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Words:
    """What a picture says of itself. Empty: it says nothing of that."""

    product: str
    original_sha256: str
    title: str = ""
    description: str = ""
    subjects: tuple[str, ...] = ()
    tool: str = ""
    created_at: str = ""
    source_type: str = ""
    model: str = ""
    seed: str = ""
    parameters: str = ""  # all of them, as JSON
    undo: str = ""


def packet(words: Words) -> bytes:
    return packet_with(_description(words))


def packet_with(descriptions: str) -> bytes:
    return PACKET.format(descriptions).encode("utf-8", "replace")


def addition(theirs: bytes, words: Words) -> tuple[int, bytes] | None:
    """Where in a packet, and what; None where nothing can be added."""
    at = theirs.rfind(END)
    if at < 0:
        return None
    about = ABOUT.search(theirs)
    added = _description(words, about[1].decode("utf-8", "replace") if about else '""', theirs)
    return at, added.encode("utf-8", "replace")


def source_type_in(data: bytes) -> str:
    """What a file says of how its picture came to be; empty where it says nothing."""
    match = _SOURCE_TYPE.search(data)
    return match[1].decode() if match else ""


def _description(words: Words, about: str = '""', theirs: bytes = b"") -> str:
    attributes = "".join(
        f"\n {name}={in_attribute(value)}" for name, value in _simple(words) if value and name.encode() not in theirs
    )
    parts = "".join(
        f"<{name}>{part}</{name}>\n" for name, part in _nested(words) if part and name.encode() not in theirs
    )
    return f"<rdf:Description rdf:about={about} {SPACES}{attributes}>\n{parts}</rdf:Description>\n"


def _simple(words: Words) -> Iterator[tuple[str, str]]:
    yield "xmp:CreatorTool", words.tool
    yield "xmp:CreateDate", words.created_at
    yield "Iptc4xmpExt:DigitalSourceType", words.source_type and SOURCE_TYPES + words.source_type
    for name, value in (("Model", words.model), ("Seed", words.seed)):
        yield f"artfactoryd:{name}", value
    for name, value in ((PRODUCT, words.product), (ORIGINAL, words.original_sha256), (UNDO, words.undo)):
        yield f"artfactoryd:{name}", value


def _nested(words: Words) -> Iterator[tuple[str, str]]:
    yield "dc:title", _in_one_language(words.title)
    yield "dc:description", _in_one_language(words.description)
    items = "".join(f"<rdf:li>{in_text(subject)}</rdf:li>" for subject in words.subjects)
    yield "dc:subject", f"<rdf:Bag>{items}</rdf:Bag>" if items else ""
    yield "artfactoryd:Parameters", in_text(words.parameters)


def _in_one_language(text: str) -> str:
    return f'<rdf:Alt><rdf:li xml:lang="x-default">{in_text(text)}</rdf:li></rdf:Alt>' if text else ""


def in_text(value: str) -> str:
    """What XML cannot hold is left out."""
    return _NO_XML.sub("", value).translate(WRITTEN)


def in_attribute(value: str) -> str:
    return f'"{in_text(value).translate(IN_QUOTES)}"'
