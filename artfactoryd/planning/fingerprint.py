"""What makes two orders the same: the document's bytes, the project, and the bytes of the files it names.

An agent writes the same order anew each time, so its orders are compared by what they ask for (`content_of`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

from artfactoryd.core.expansion.plan import Plan
from artfactoryd.core.order import Order
from artfactoryd.planning.inputs import Input
from artfactoryd.planning.template_resolution import Resolved

NO_CONTENT = frozenset({  # keys that change no picture: what things are called, and what a person allows
    "version", "name", "project_id", "notes", "tags", "collection", "file", "priority", "budget", "limit", "proof",
    "warnings", "price", "reuse", "provider", "model",
})  # fmt: skip


def fingerprint_of(document: Resolved, order: Order, pictures: Sequence[Input], borrowed: Mapping[str, object]) -> str:
    return same(document.text, order.project, _marks(pictures, borrowed))


def content_of(document: Resolved, plan: Plan, pictures: Sequence[Input], borrowed: Mapping[str, object]) -> str:
    """Equal for orders that ask for the same in the same project, however they are written, and whatever they are
    called."""
    asked = {key: value for key, value in document.value.items() if key not in NO_CONTENT}
    asked |= {"project": plan.order.project, "models": [[model.provider, model.full] for model in plan.all_models]}
    asked["parameters of models"] = [dict(one.parameters) for one in plan.order.models]
    text = json.dumps(asked, sort_keys=True, default=str)
    return same(text.encode(), plan.order.project, _marks(pictures, borrowed))


def _marks(pictures: Sequence[Input], borrowed: Mapping[str, object]) -> list[str]:
    marks = [picture.sha256 for picture in pictures]
    told = {key: value for key, value in borrowed.items() if key != "seeds"}  # which follow from the shelf, not from it
    if told:
        marks.append(hashlib.sha256(json.dumps(told).encode()).hexdigest())
    return marks


def same(document: bytes, project: str, files: Sequence[str] = ()) -> str:
    """Equal for orders that are the same again: document, project, and the bytes of the files it names."""
    parts = [document, project.encode("utf-8", "surrogatepass"), *(sha256.encode() for sha256 in files)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()
