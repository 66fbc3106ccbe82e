"""A sheet: its title, what is the same of all pictures, and where each is."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from artfactoryd.core import strict_json
from artfactoryd.core.json_types import Json
from artfactoryd.core.sheets.facts import Picture
from artfactoryd.core.sheets.layout import Header, Layout, Place

MOST = 300  # pictures on one page


@dataclass(frozen=True, slots=True)
class Sheet:
    """`order`: the id of the one order that it shows, if it is one; `page`: from 1; `more`: below the first."""

    title: str
    lines: Sequence[str]  # behind the title, the most important first
    layout: Layout
    order: str = ""
    page: int = 1
    pages: int = 1
    more: Sequence[Layout] = ()

    @property
    def parts(self) -> Sequence[Layout]:
        return (self.layout, *self.more)

    @property
    def pictures(self) -> list[Picture]:
        """In the order in which they are shown; places for which nothing was asked are none."""
        return [place.picture for part in self.parts for place in part.places if place.picture]

    @property
    def digest(self) -> str:
        """The same for what looks the same."""
        return hashlib.sha256(strict_json.data(self.to_json())).hexdigest()[:16]

    def to_json(self) -> Json:
        """What is needed to draw it; what a picture's facts were is told by rows, columns and captions by now."""
        first, *more = map(_part, self.parts)
        return {**_told(self), "layout": first, "more": more}

    @classmethod
    def from_json(cls, value: Json) -> Sheet:
        more = [_layout(part) for part in value["more"]]
        return cls(**value | {"layout": _layout(value["layout"]), "more": more})


def _part(layout: Layout) -> Json:
    places = [{**_told(place), "picture": place.picture and _drawn(place.picture)} for place in layout.places]
    named = {side: [_told(header) for header in getattr(layout, side)] for side in ("columns", "rows")}
    return {**_told(layout), **named, "places": places}


def _layout(value: Json) -> Layout:
    named = {side: [Header(tuple(header["lines"])) for header in value[side]] for side in ("columns", "rows")}
    return Layout(**value | named | {"places": [_place(place) for place in value["places"]]})


_FIELDS = {kind: tuple(f.name for f in fields(kind)) for kind in (Sheet, Layout, Place, Header, Picture)}


def _told(value: Sheet | Layout | Place | Header | Picture) -> Json:
    return {name: getattr(value, name) for name in _FIELDS[type(value)]}


def _drawn(picture: Picture) -> Json:
    return {**_told(picture), "facts": {}, "parameters": {}, "parent": None}


def _place(value: Mapping[str, object]) -> Place:
    picture = value["picture"]
    assert picture is None or isinstance(picture, dict)
    return Place(**{**value, "picture": picture and Picture(**picture)})  # type: ignore[arg-type]  # as to_json made it


def file_name(page: int) -> str:
    """Below the order's folder: the first beside the products, the others in a folder of their own."""
    return "contact-sheet.jpg" if page == 1 else f"sheets/contact-sheet-{page}.jpg"
