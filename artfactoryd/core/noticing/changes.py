"""What the folders say against what the index says, as changes. Only decides.

A product is believed to be the file that carries its id and its bytes; then the one that carries its id; then the one
file with its bytes, of several the one of its name; then the one that has its id inside. What lies in its own place
with other bytes is edited, unless the product itself was found elsewhere. Whatever is left over is a copy of what is
known, or foreign.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from posixpath import basename, dirname


@dataclass(frozen=True, slots=True)
class File:
    """As it lies: its path in the home, and when it was changed last (ctime, nanoseconds)."""

    path: str
    bytes: int
    changed: int


@dataclass(frozen=True, slots=True)
class Known:
    """A product as the index has it. `missing`: since when, ISO 8601."""

    id: str
    path: str
    bytes: int
    sha256: str
    edited: bool = False
    missing: str | None = None
    gone: bool = False


class Kind(StrEnum):
    PICTURE = "picture"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Place:
    """A product's own place, looked at. `file`: None where nothing lies. `named`: the id that goes along with it."""

    product: Known
    file: File | None = None
    sha256: str = ""
    named: str = ""
    kind: Kind = Kind.PICTURE


@dataclass(frozen=True, slots=True)
class Stray:
    """A file where no product is known to lie. `named`: the id that goes along, or in its sidecar; `inside`: in its
    bytes. `is_ours`: on its way to the shelf, or of an order: whoever laid it there tells of it. `is_imported`: its
    sidecar says all of it."""

    file: File
    named: str = ""
    sha256: str = ""
    inside: str = ""
    kind: Kind = Kind.PICTURE
    is_ours: bool = False
    is_imported: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """Of every product that may be meant. `there`: ids of those that lie in their own places, as far as those are not
    among the places looked at. `alike`: ids by the SHA-256 of what was made."""

    products: Mapping[str, Known] = field(default_factory=dict)
    there: frozenset[str] = frozenset()
    alike: Mapping[str, Sequence[str]] = field(default_factory=dict)


# --- changes ---


@dataclass(frozen=True, slots=True)
class Change:
    """`file`: as it lies now."""

    file: File


@dataclass(frozen=True, slots=True)
class AsMade(Change):
    """In its own place, with its own bytes."""

    product: Known


@dataclass(frozen=True, slots=True)
class Back(AsMade):
    """It was missing, gone or edited, and is as it was made."""


@dataclass(frozen=True, slots=True)
class Edited(Change):
    """In its own place, with other bytes."""

    product: Known


@dataclass(frozen=True, slots=True)
class Moved(Change):
    """In another folder."""

    product: Known
    is_edited: bool


@dataclass(frozen=True, slots=True)
class Renamed(Moved):
    """In the same folder, under another name."""


@dataclass(frozen=True, slots=True)
class Copied(Change):
    """It stays what it is: the product is the other one."""

    of: Known


@dataclass(frozen=True, slots=True)
class Foreign(Change):
    """A picture that is to become a product of its own. `parent`: the product that it was, with other bytes."""

    parent: Known | None


@dataclass(frozen=True, slots=True)
class Adopted(Change):
    """It has a sidecar of its own that says all of it."""


@dataclass(frozen=True, slots=True)
class Other(Change):
    """No picture."""


@dataclass(frozen=True, slots=True)
class Missing:
    product: Known


@dataclass(frozen=True, slots=True)
class Gone:
    product: Known


@dataclass(frozen=True, slots=True)
class Absence:
    """How a full look found the place of a missing product. `parent`, `volume`: what tells its folder and its disk from
    others; None where there is none. `at`: monotonic seconds."""

    at: float
    parent: tuple[int, int] | None
    volume: int | None


class _Belief(IntEnum):
    """Why a file is believed to be a product; the lower, the better."""

    ID_AND_BYTES = 0
    ID = 1
    BYTES_AND_NAME = 2
    BYTES = 3
    INSIDE = 4


def changes(places: Sequence[Place], strays: Sequence[Stray], facts: Facts) -> list[Change | Missing]:
    """Each place and each stray gets at most one; what is on its way gets none."""
    return [*_Decision(places, strays, facts).changes()]


def is_gone(before: Absence | None, now: Absence, seconds: float) -> bool:
    """Whether two full looks, that far apart, have found the same folder on the same disk without it."""
    if before is None or now.parent is None or now.volume is None:
        return False
    is_same = (before.parent, before.volume) == (now.parent, now.volume)
    return is_same and now.at - before.at >= seconds


class _Decision:
    def __init__(self, places: Sequence[Place], strays: Sequence[Stray], facts: Facts) -> None:
        self._products = {**facts.products, **{place.product.id: place.product for place in places}}
        self._alike, self._places = facts.alike, places
        exchanged = [place for place in places if self._is_another(place)]
        self._strays = [*strays, *map(_stray_of, exchanged)]
        self._contested = {place.product.id: place for place in places if _is_contested(place)}
        looked_at = {place.product.id for place in places}
        self._homeless = {place.product.id for place in places if place.file is None or place in exchanged}
        self._homeless |= self._products.keys() - looked_at - facts.there
        self._taken: dict[str, Stray] = {}  # by product
        self._used: set[str] = set()  # paths

    def _is_another(self, place: Place) -> bool:
        """What lies there carries another product's id, and has not the bytes that are this one's alone."""
        if place.file is None or place.named == place.product.id:
            return False
        named = self._products.get(place.named)
        return named is not None and (place.sha256 != place.product.sha256 or named.sha256 == place.sha256)

    def changes(self) -> Iterator[Change | Missing]:
        self._believe()
        for product, stray in self._taken.items():
            yield self._moved(self._products[product], stray)
        for place in self._places:
            if place.product.id not in self._taken:
                yield from self._in_place(place)
            elif place.product.id in self._contested:
                yield from self._left(_stray_of(place))
        for stray in self._strays:
            if stray.file.path not in self._used:
                yield from self._left(stray)

    def _believe(self) -> None:
        by_belief: dict[_Belief, list[tuple[bool, str, str, Stray]]] = {belief: [] for belief in _Belief}
        for stray in self._strays:
            for belief, has_other_name, product in self._claims(stray) if not stray.is_ours else ():
                by_belief[belief].append((has_other_name, stray.file.path, product, stray))
        for belief, claims in by_belief.items():
            for _, path, product, stray in sorted(claims, key=_by_name):
                if product in self._taken or path in self._used or not self._may_be_taken(product, belief):
                    continue
                self._taken[product] = stray
                self._used.add(path)

    def _may_be_taken(self, product: str, belief: _Belief) -> bool:
        """Of a place with other bytes, only what has the product's own."""
        if product in self._contested:
            return belief in (_Belief.ID_AND_BYTES, _Belief.BYTES_AND_NAME)
        return product in self._homeless

    def _claims(self, stray: Stray) -> Iterator[tuple[_Belief, bool, str]]:
        """(why, whether it has another name, the product)."""
        name = basename(stray.file.path)
        if (known := self._products.get(stray.named)) is not None:
            is_whole = known.sha256 == stray.sha256
            yield _Belief.ID_AND_BYTES if is_whole else _Belief.ID, name != basename(known.path), known.id
            if is_whole and known.id in self._homeless:
                return
        alike = [self._products[one] for one in self._alike.get(stray.sha256, ()) if one in self._products]
        wanted = [known for known in alike if known.id in self._homeless or known.id in self._contested]
        for known in wanted:
            if name == basename(known.path):
                yield _Belief.BYTES_AND_NAME, False, known.id
            elif len(wanted) == 1:
                yield _Belief.BYTES, True, known.id
        if not stray.named and not alike and stray.inside in self._products:
            yield _Belief.INSIDE, False, stray.inside

    def _moved(self, product: Known, stray: Stray) -> Moved:
        kind = Renamed if dirname(product.path) == dirname(stray.file.path) else Moved
        return kind(stray.file, product, stray.sha256 != product.sha256)

    def _in_place(self, place: Place) -> Iterator[Change | Missing]:
        product = place.product
        if place.file is None or product.id in self._homeless:
            if product.missing is None and not product.gone:
                yield Missing(product)
        elif place.sha256 != product.sha256:
            yield Edited(place.file, product)
        elif product.missing is not None or product.gone or product.edited:
            yield Back(place.file, product)
        else:
            yield AsMade(place.file, product)

    def _left(self, stray: Stray) -> Iterator[Change]:
        if stray.is_ours:
            return
        known = self._products.get(stray.named)
        alike = [self._products[one] for one in self._alike.get(stray.sha256, ()) if one in self._products]
        if known is not None and known.sha256 == stray.sha256:
            yield Copied(stray.file, known)
        elif alike:
            yield Copied(stray.file, alike[0])
        elif stray.is_imported and known is None:
            yield Adopted(stray.file)
        elif stray.kind is Kind.PICTURE:
            yield Foreign(stray.file, known or self._products.get(stray.inside))
        else:
            yield Other(stray.file)


def _by_name(claim: tuple[bool, str, str, Stray]) -> tuple[bool, str]:
    return claim[:2]


def _is_contested(place: Place) -> bool:
    """Other bytes lie in its place, without any id: edited by a program that lays a new file there, or another file."""
    return place.file is not None and not place.named and place.sha256 != place.product.sha256


def _stray_of(place: Place) -> Stray:
    assert place.file is not None
    return Stray(place.file, place.named, place.sha256, kind=place.kind)
