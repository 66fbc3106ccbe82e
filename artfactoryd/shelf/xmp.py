"""What is said of a product in a file beside it, NAME.png.xmp, as Immich, darktable and digiKam read it.

Ours ends with a word on its own bytes. One that somebody else wrote, or has changed since, is left as it is.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from artfactoryd.core.json_types import Value
from artfactoryd.durable import replace_file, write_new
from artfactoryd.entries import NO_FILE, bounded, new_mark

ENDING = ".xmp"
MOST_BYTES = 1 << 20
_OURS = re.compile(rb"<!-- artfactoryd ([0-9a-f]{64}) -->\n?\Z")
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SPACES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#", "xmp": "http://ns.adobe.com/xap/1.0/",
    "dc": "http://purl.org/dc/elements/1.1/", "digiKam": "http://www.digikam.org/ns/1.0/",
    "lr": "http://ns.adobe.com/lightroom/1.0/",
}  # fmt: skip


def beside(product: Path) -> Path:
    return product.with_name(product.name + ENDING)


def keep(product: Path, told: Mapping[str, Value]) -> bool:
    """As its sidecar has it. False where another's lies there. Raises OSError."""
    path, data = beside(product), document(told)
    try:
        lying = bounded(path, MOST_BYTES)
    except FileNotFoundError:
        return write_new(path, data)
    except OSError as error:
        if error.errno in NO_FILE:  # a folder of that name, say
            return False
        raise
    if lying == data:
        return True
    if path.is_symlink() or not is_ours(lying):
        return False
    replace_file(path, data, new_mark())
    return True


def is_ours(data: bytes) -> bool:
    """As we wrote it."""
    end = _OURS.search(data)
    return end is not None and hashlib.sha256(data[: end.start()]).hexdigest() == end[1].decode()


def document(told: Mapping[str, Value]) -> bytes:
    """`told`: the sidecar. The prompt describes what has no notes."""
    spaces = " ".join(f'xmlns:{name}="{address}"' for name, address in _SPACES.items())
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>', '<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="artfactoryd">',
        f"<rdf:RDF {spaces}>", ' <rdf:Description rdf:about="">', *_properties(told), " </rdf:Description>",
        "</rdf:RDF>", "</x:xmpmeta>", "",
    ]  # fmt: skip
    body = "\n".join(lines).encode()
    return body + f"<!-- artfactoryd {hashlib.sha256(body).hexdigest()} -->\n".encode()


def _properties(told: Mapping[str, Value]) -> Iterator[str]:
    tags = [tag for tag in told["tags"] if tag.strip("/ ")]
    if told["rating"] is not None:
        yield f"  <xmp:Rating>{int(told['rating'])}</xmp:Rating>"
    if words := told["notes"] or _prompt(told):
        line = f'<rdf:li xml:lang="x-default">{_text(words)}</rdf:li>'
        yield f"  <dc:description><rdf:Alt>{line}</rdf:Alt></dc:description>"
    if tags:
        leaves = list(dict.fromkeys(tag.strip("/ ").rpartition("/")[2].strip() for tag in tags))
        yield _list("dc:subject", "Bag", leaves)
        yield _list("digiKam:TagsList", "Seq", tags)
        yield _list("lr:hierarchicalSubject", "Bag", [tag.replace("|", " ").replace("/", "|") for tag in tags])


def _prompt(told: Mapping[str, Value]) -> str:
    sent = told["parameters"]["generation"]
    return next((sent[name] for name in ("prompt", "text") if isinstance(sent.get(name), str)), "")


def _list(name: str, kind: str, values: Sequence[str]) -> str:
    items = "".join(f"<rdf:li>{_text(value)}</rdf:li>" for value in values)
    return f"  <{name}><rdf:{kind}>{items}</rdf:{kind}></{name}>"


def _text(value: str) -> str:
    """What XML cannot hold is left out."""
    return escape(_NO_XML.sub("", value))
