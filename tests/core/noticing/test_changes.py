"""What the folders say against what the index says: one table of what a person may have done."""

from __future__ import annotations

from typing import Any

import pytest

from artfactoryd.core.noticing.changes import (
    Absence,
    Change,
    Copied,
    Facts,
    File,
    Foreign,
    Kind,
    Known,
    Missing,
    Moved,
    Place,
    Stray,
    changes,
    is_gone,
)  # fmt: skip


def known(id: str, path: str = "", **more: Any) -> Known:
    return Known(id, path or f"Projects/p/{id}.png", 10, f"bytes-{id}", **more)


def file(path: str) -> File:
    return File(f"Projects/{path}", 10, 1)


A, B = known("a"), known("b")
TWIN = Known("t", "Projects/p/t.png", 10, A.sha256)  # a copy made in place of buying: other id, the same bytes
HERE = {product.id: file(f"p/{product.id}.png") for product in (A, B, TWIN)}


def lies(product: Known, sha256: str = "", named: str | None = None) -> Place:
    """In its own place, as it was made."""
    return Place(product, HERE[product.id], sha256 or product.sha256, product.id if named is None else named)


def stray(path: str, named: str = "", sha256: str = "other", **more: Any) -> Stray:
    return Stray(file(path), named, sha256, **more)


def facts(*products: Known, there: str = "") -> Facts:
    alike: dict[str, list[str]] = {}
    for product in products:
        alike.setdefault(product.sha256, []).append(product.id)
    return Facts({product.id: product for product in products}, frozenset(there.split()), alike)


def told(change: Change | Missing) -> str:
    """`kind of-what where`."""
    name = type(change).__name__
    if isinstance(change, Missing):
        return f"{name} {change.product.id}"
    where = change.file.path.removeprefix("Projects/")
    match change:
        case Moved():
            return f"{name} {change.product.id} {where}{' edited' if change.is_edited else ''}"
        case Copied():
            return f"{name} {change.of.id} {where}"
        case Foreign():
            return f"{name} {change.parent.id if change.parent else '-'} {where}"
    product = getattr(change, "product", None)
    return f"{name} {product.id if product else '-'} {where}"


TABLE: dict[str, tuple[list[Place], list[Stray], Facts, set[str]]] = {
    "nothing": ([lies(A)], [], facts(A), {"AsMade a p/a.png"}),
    "its own bytes, with another's id": (
        [lies(A, named="b"), lies(B)], [], facts(A, B), {"AsMade a p/a.png", "AsMade b p/b.png"},
    ),
    "and that one is nowhere": ([lies(A, named="b"), Place(B)], [], facts(A, B), {"AsMade a p/a.png", "Missing b"}),
    "moved, with its id": ([Place(A)], [stray("q/a.png", "a", A.sha256)], facts(A), {"Moved a q/a.png"}),
    "renamed": ([Place(A)], [stray("p/x.png", "a", A.sha256)], facts(A), {"Renamed a p/x.png"}),
    "moved to where no id goes along": ([Place(A)], [stray("q/x.png", "", A.sha256)], facts(A), {"Moved a q/x.png"}),
    "moved, though its place was not looked at": ([], [stray("q/a.png", "a", A.sha256)], facts(A), {"Moved a q/a.png"}),
    "moved and edited": ([Place(A)], [stray("q/a.png", "a")], facts(A), {"Moved a q/a.png edited"}),
    "edited by a program that loses the id, and moved": (
        [Place(A)], [stray("q/a.png", inside="a")], facts(A), {"Moved a q/a.png edited"},
    ),
    "edited in its place": ([lies(A, "other")], [], facts(A), {"Edited a p/a.png"}),
    "exchanged for a new file": ([lies(A, "other", "")], [], facts(A), {"Edited a p/a.png"}),
    "moved, and a foreign file laid in its place": (
        [lies(A, "other", "")], [stray("q/a.png", "a", A.sha256)], facts(A), {"Moved a q/a.png", "Foreign - p/a.png"},
    ),
    "edited in its place, the edited saved elsewhere too": (
        [lies(A, "other", "")], [stray("q/a.png", "a")], facts(A), {"Edited a p/a.png", "Foreign a q/a.png"},
    ),
    "copied, with its id": (
        [lies(A)], [stray("q/a.png", "a", A.sha256)], facts(A), {"AsMade a p/a.png", "Copied a q/a.png"},
    ),
    "copied, without": ([], [stray("q/a.png", "", A.sha256)], facts(A, there="a"), {"Copied a q/a.png"}),
    "copied and edited": ([], [stray("q/a.png", "a")], facts(A, there="a"), {"Foreign a q/a.png"}),
    "copied by a program that keeps what is inside": (
        [], [stray("q/a.png", inside="a")], facts(A, there="a"), {"Foreign a q/a.png"},
    ),
    "two copies with its id, and it is gone": (
        [Place(A)], [stray("q/x.png", "a", A.sha256), stray("r/a.png", "a", A.sha256)], facts(A),
        {"Moved a r/a.png", "Copied a q/x.png"},
    ),
    "what has its bytes is it, not what only has its id": (
        [Place(A)], [stray("q/a.png", "a"), stray("r/x.png", "a", A.sha256)], facts(A),
        {"Moved a r/x.png", "Foreign a q/a.png"},
    ),
    "two with each other's names": (
        [lies(A, B.sha256, "b"), lies(B, A.sha256, "a")], [], facts(A, B), {"Renamed a p/b.png", "Renamed b p/a.png"},
    ),
    "laid over another one": (
        [lies(A, B.sha256, "b"), lies(B)], [], facts(A, B), {"Missing a", "AsMade b p/b.png", "Copied b p/a.png"},
    ),
    "two of the same bytes, both moved to where no id goes along": (
        [Place(A), Place(TWIN)], [stray("q/t.png", "", A.sha256), stray("q/a.png", "", A.sha256)], facts(A, TWIN),
        {"Moved a q/a.png", "Moved t q/t.png"},
    ),
    "one of two of the same bytes": (
        [Place(TWIN)], [stray("q/x.png", "", A.sha256)], facts(A, TWIN, there="a"), {"Moved t q/x.png"},
    ),
    "two of the same bytes are gone, and one file has another name": (
        [Place(A), Place(TWIN)], [stray("q/x.png", "", A.sha256)], facts(A, TWIN),
        {"Missing a", "Missing t", "Copied a q/x.png"},
    ),
    "removed": ([Place(A)], [], facts(A), {"Missing a"}),
    "known to be missing": ([Place(known("a", missing="2026"))], [], facts(A), set()),
    "back in its place": ([lies(known("a", missing="2026", gone=True))], [], facts(A), {"Back a p/a.png"}),
    "edited, and as it was again": ([lies(known("a", edited=True))], [], facts(A), {"Back a p/a.png"}),
    "back elsewhere": (
        [], [stray("q/a.png", "a", A.sha256)], facts(known("a", missing="2026", gone=True)), {"Moved a q/a.png"},
    ),
    "a foreign picture": ([], [stray("p/photo.jpg")], facts(), {"Foreign - p/photo.jpg"}),
    "no picture": ([], [stray("p/notes.txt", kind=Kind.OTHER)], facts(), {"Other - p/notes.txt"}),
    "half placed by us": ([], [stray("p/0001.png", "new", is_ours=True)], facts(), set()),
    "placed by an import": ([], [stray("p/1.png", "new", is_imported=True)], facts(), {"Adopted - p/1.png"}),
}  # fmt: skip


@pytest.mark.parametrize("case", TABLE)
def test_what_lies_on_the_shelf_tells_what_a_person_did(case: str) -> None:
    places, strays, what_is_known, expected = TABLE[case]
    assert {told(change) for change in changes(places, strays, what_is_known)} == expected
    assert {told(change) for change in changes(places[::-1], strays[::-1], what_is_known)} == expected


SAME = Absence(0.0, (1, 2), 1)


@pytest.mark.parametrize(
    ("before", "now", "gone"),
    [
        (SAME, Absence(30.0, (1, 2), 1), True),
        (SAME, Absence(29.0, (1, 2), 1), False),
        (None, Absence(30.0, (1, 2), 1), False),
        (SAME, Absence(30.0, (1, 3), 1), False),  # another folder has its name
        (SAME, Absence(30.0, (1, 2), 7), False),  # another disk
        (SAME, Absence(30.0, None, 1), False),
        (Absence(0.0, None, None), Absence(30.0, None, None), False),
    ],
)
def test_a_product_is_gone_after_two_looks_into_the_same_folder(
    before: Absence | None, now: Absence, gone: bool
) -> None:
    assert is_gone(before, now, 30.0) is gone
