"""What makes two orders the same: the document's bytes, the project, and the bytes of the files it names."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

from artfactoryd.core.order import Order
from artfactoryd.planning.inputs import Input
from artfactoryd.planning.template_resolution import Resolved


def fingerprint_of(document: Resolved, order: Order, pictures: Sequence[Input], borrowed: Mapping[str, object]) -> str:
    marks = [picture.sha256 for picture in pictures]
    told = {key: value for key, value in borrowed.items() if key != "seeds"}  # which follow from the shelf, not from it
    if told:
        marks.append(hashlib.sha256(json.dumps(told).encode()).hexdigest())
    return same(document.text, order.project, marks)


def same(document: bytes, project: str, files: Sequence[str] = ()) -> str:
    """Equal for orders that are the same again: document, project, and the bytes of the files it names."""
    parts = [document, project.encode("utf-8", "surrogatepass"), *(sha256.encode() for sha256 in files)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()
