"""What a query can ask of a product by name: every field of a sidecar, whatever is derived from them, and flags.

All other names are parameters of the models. Not here: where the index has them (`storage/lists/conditions`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum, auto


class Kind(Enum):
    """How a value is read, and compared with what there is."""

    TEXT = auto()  # the whole of it, upper or lower case
    INSIDE = auto()  # anywhere in it
    BEGINS = auto()  # as an id or a hash is named
    NUMBER = auto()
    BYTES = auto()  # 2MB
    MONEY = auto()  # dollars
    TIME = auto()
    SECONDS = auto()  # 5, 5s, 1m30s, 1:30
    CHOICE = auto()  # one of CHOICES, or another word for it


RANGES = frozenset({Kind.NUMBER, Kind.BYTES, Kind.MONEY, Kind.TIME, Kind.SECONDS})
CHOICES = {  # of what a product is, with the words for it
    "image": "picture photo", "video": "film movie", "audio": "sound music speech", "text": "words", "3d": "scene mesh",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Field:
    """`sidecar`: the path in the sidecar that has it, which is a name of it too; empty where none does."""

    name: str
    kind: Kind
    sidecar: str = ""
    aliases: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, *filter(None, [self.sidecar]), *self.aliases)


FIELDS = (
    Field("project", Kind.TEXT, "project"),
    Field("order", Kind.TEXT, "order.name"),
    Field("order.id", Kind.BEGINS, "order.id"),
    Field("order.sha256", Kind.BEGINS, "order.sha256"),
    Field("commit", Kind.BEGINS, "order.git.commit"),
    Field("recipe", Kind.INSIDE, "order.git.path"),
    Field("model", Kind.TEXT, "model.id"),
    Field("version", Kind.TEXT, "model.version"),
    Field("family", Kind.TEXT, "model.family"),
    Field("modality", Kind.TEXT, "model.modality"),
    Field("provider", Kind.TEXT, "provider"),
    Field("ticket", Kind.TEXT, "ticket"),
    Field("id", Kind.BEGINS, "id"),
    Field("sha256", Kind.BEGINS, "file.sha256"),
    Field("original_sha256", Kind.BEGINS, "file.original_sha256"),
    Field("file", Kind.INSIDE, "file.name", ("path",)),
    Field("type", Kind.TEXT, "type", ("mime", "file.mime")),
    Field("kind", Kind.CHOICE),
    Field("duration", Kind.SECONDS, "file.duration"),
    Field("codec", Kind.INSIDE, "file.codec"),
    Field("remark", Kind.INSIDE, "file.remark"),
    Field("replaces", Kind.BEGINS, "file.replaces"),
    Field("index", Kind.NUMBER, "file.index"),
    Field("bytes", Kind.BYTES, "file.bytes", ("size",)),
    Field("width", Kind.NUMBER, "file.width"),
    Field("height", Kind.NUMBER, "file.height"),
    Field("megapixels", Kind.NUMBER),
    Field("date", Kind.TIME, "created_at", ("created",)),
    Field("item", Kind.NUMBER, "item.index"),
    Field("copy", Kind.NUMBER, "item.copy"),
    Field("seed", Kind.NUMBER, "item.seed"),
    Field("key", Kind.BEGINS, "item.key"),
    Field("token", Kind.INSIDE, "item.tokens"),
    Field("input", Kind.INSIDE, "inputs"),
    Field("parent", Kind.BEGINS, "parents"),
    Field("stage", Kind.TEXT, "stage"),
    Field("reused_from", Kind.BEGINS, "reused_from"),
    Field("asked", Kind.NUMBER, "outputs.asked"),
    Field("delivered", Kind.NUMBER, "outputs.delivered"),
    Field("cost", Kind.MONEY, "cost.usd"),
    Field("asked_at", Kind.TIME, "timings.asked_at"),
    Field("ended_at", Kind.TIME, "timings.ended_at"),
    Field("seconds", Kind.NUMBER, "timings.seconds"),
    Field("tag", Kind.TEXT, "tags"),
    Field("collection", Kind.TEXT, "collections"),
    Field("rating", Kind.NUMBER, "rating"),
    Field("mark", Kind.BEGINS, "mark"),
    Field("notes", Kind.INSIDE, "notes"),
    Field("origin", Kind.INSIDE, "origin"),
)
BY_NAME = {name: field for field in FIELDS for name in field.names}
NOT_YET = {  # in a sidecar, and not in the index
    "software": "software.name",
    "software_version": "software.version", "embedded": "file.embedded", "untouched": "file.untouched",
    "varied": "varied", "stands_for": "model.stands_for.id", "stands_for_provider": "model.stands_for.provider",
    "stands_for_version": "model.stands_for.version",
}  # fmt: skip
FLAGS = {  # behind `is:`, and the field of a sidecar that has it
    "liked": "liked", "rehearsal": "rehearsal", "estimated": "cost.estimated", "dirty": "order.git.dirty",
    "imported": "", "binned": "", "copy": "", "damaged": "", "replaced": "", "image": "", "video": "", "audio": "",
    "text": "", "3d": "",
    "portrait": "", "landscape": "", "square": "", "edited": "", "missing": "", "gone": "",
}  # fmt: skip
BARE = frozenset({"liked", "rehearsal"})  # may stand without `is:`
TIMES = frozenset({"after", "before"})
GENERATION, ACTUAL, RETURNED = "generation", "actual", "returned"
SETS = (GENERATION, ACTUAL, RETURNED)  # of parameters, as a sidecar has them
KEYS = (*BY_NAME, *TIMES, "is", "has")


def not_yet(name: str) -> bool:
    return name in NOT_YET or name in NOT_YET.values()


def parameter(key: str) -> tuple[str, str] | None:
    """Of which set it is, and its name there; None for what is a field. `guidance`, `parameters.actual.guidance`."""
    if key.lower() in KEYS:
        return None
    rest = key.removeprefix("parameters.")
    for one in SETS:
        if rest.startswith(f"{one}."):
            return one, rest.removeprefix(f"{one}.")
    return GENERATION, rest


def nearest(name: str, names: Iterable[str]) -> str:
    """The one that was most likely meant; empty where none is near."""
    known = list(names)
    lower = {one.lower(): one for one in known}
    if name.lower() in lower:
        return lower[name.lower()]
    near = get_close_matches(name.lower(), lower, 1)
    holds = [one for one in known if len(name) > 3 and name.lower() in one.lower()]
    return lower[near[0]] if near else min(holds, key=len, default="")
