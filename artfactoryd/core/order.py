"""The order document as a value."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from artfactoryd.core.json_types import Document, Parameters, Value
from artfactoryd.core.names import nfc
from artfactoryd.errors import Problem

UNSORTED = "unsorted"
LONGEST_PROJECT = 100  # characters
LONGEST_FOLDER = 200  # bytes of a folder's name; disks take 255
MOST = {
    "seed": 2**63 - 1,
    "budget": 10**12,
    "count": 10**9,
    "sample": 10**6,
}  # what the index can hold, budgets in micro-dollars


LookupValues = Sequence[Value] | Mapping[str, Sequence[Value]]  # a list is data; {wildcards: [...]} may hold draws


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of the `models` of an order, with parameters of its own."""

    provider: str
    model: str
    parameters: Parameters


@dataclass(frozen=True, slots=True)
class Later:
    """A stage of `then`, fed with each product of the one before."""

    id: str
    provider: str
    model: str
    parameters: Parameters
    input: str | None = None  # the parameter that takes the product; None: the model's image parameter
    after: str | None = None
    wait: str | None = None  # "liked": for a person's mark
    file: str | None = None  # pattern of its products' names; None: the order's
    keep: bool = True  # its products go on the shelf; else they are there for the stages after it alone


@dataclass(frozen=True, slots=True)
class SheetWish:
    """What the contact sheet names by columns (`x`) and rows (`y`), and makes pages of; None: chosen by itself."""

    is_wanted: bool = True
    x: str | None = None
    y: str | None = None
    page: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """One accepted YAML document. Never changed afterwards."""

    name: str
    project: str
    provider: str
    model: str
    parameters: Parameters
    models: tuple[OneOf, ...] = ()
    then: tuple[Later, ...] = ()
    lookups: Mapping[str, LookupValues] = field(default_factory=dict)
    raw: tuple[str, ...] = ()
    cases: Sequence[Parameters] | str | None = None  # rows, or the name of a table beside the order
    exclude: tuple[Parameters, ...] = ()
    limit: int | None = None  # most products that may be bought unasked
    proof: int | None = None  # items made first
    file: str | None = None  # pattern of the products' names
    count: int | None = None  # copies of each combination; None: not said, so one
    sample: int | None = None
    accepts_warnings: bool = False  # `warnings: ok`
    seed: int | None = None
    budget: str | None = None  # US dollars as written
    price: Document | None = None
    priority: int = 0
    tags: tuple[str, ...] = ()
    notes: str = ""
    validate: bool = True
    rehearse: bool = False
    reuses: bool = True  # not with `reuse: never`
    sheet: SheetWish = SheetWish()
    any_seed: bool = False  # `reuse: any-seed`: a product of another seed will do
    problems: tuple[Problem, ...] = field(default=())


def read_order(value: Document, *, name: str, project: str | None, rehearse: bool = False) -> Order:
    """Of a document already checked against schemas/order.schema.json.

    `name` is what the file suggests, `project` what the drop-box suggests; the document's own
    words win. `problems` holds what the schema cannot say.
    """
    chosen = nfc(str(value.get("project") or value.get("project_id") or project or UNSORTED))
    key = next((key for key in ("project", "project_id") if value.get(key)), None)
    seed, budget = value.get("seed"), value.get("budget")
    models = tuple(
        OneOf(written["provider"], str(written["model"]), written.get("parameters") or {}) for written in _models(value)
    )
    first = (value.get("models") or [value])[0]
    return Order(
        name=nfc(str(value.get("name") or name)),
        project=chosen,
        provider=first["provider"], model=str(first["model"]), parameters=value.get("parameters") or {}, models=models,
        then=tuple(_later(written, number) for number, written in enumerate(value.get("then") or ())),
        lookups=value.get("lookups") or {}, raw=tuple(value.get("raw") or ()), cases=value.get("cases"),
        exclude=tuple(value.get("exclude") or ()), count=_whole(value.get("count")), sample=_whole(value.get("sample")),
        limit=_whole(value.get("limit")), proof=_whole(value.get("proof")), file=value.get("file"),
        accepts_warnings=value.get("warnings") == "ok",
        seed=None if seed is None else int(seed), budget=None if budget is None else str(budget),
        price=value.get("price"), priority=int(value.get("priority", 0)),
        tags=tuple(value.get("tags") or ()), notes=str(value.get("notes") or ""),
        validate=value.get("validate", True), rehearse=bool(value.get("rehearse", False)) or rehearse,
        reuses=value.get("reuse") != "never", any_seed=value.get("reuse") == "any-seed",
        sheet=_sheet(value.get("sheet", True)),
        problems=(*project_problems(chosen, key), *_large_numbers(value), *_two_ways(value)),
    )  # fmt: skip


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _models(value: Document) -> Sequence[Document]:
    return value.get("models") or ()


def _later(value: Document, number: int) -> Later:
    return Later(
        str(value.get("id") or f"stage-{number + 2}"), value["provider"], str(value["model"]),
        value.get("parameters") or {}, value.get("input"), value.get("after"), value.get("wait"),
        value.get("file"), bool(value.get("keep", True)),
    )  # fmt: skip


def _sheet(value: Value) -> SheetWish:
    if isinstance(value, Mapping):
        return SheetWish(x=value.get("x"), y=value.get("y"), page=value.get("page"))
    return SheetWish(is_wanted=value is not False)


def _two_ways(value: Document) -> Iterator[Problem]:
    for key in ("provider", "model"):
        if _models(value) and key in value:
            message = f"`models` stands in place of {key}, and both are written."
            yield Problem("E_VALUE", message, "Take one of them out.", path=(key,))


def _large_numbers(value: Document) -> Iterator[Problem]:
    for key, most in MOST.items():
        if (value.get(key) or 0) > most:
            yield Problem("E_VALUE", f"{key} is at most {most}.", "Write a smaller number.", path=(key,))


OVERRIDES = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")  # of direction


def project_problems(name: str, key: str | None) -> list[Problem]:
    """`key`: where it is written, if in the order."""
    return name_problems(name, "project", key)


def name_problems(name: str, what: str, key: str | None = None) -> list[Problem]:
    """The name of a project or collection is a folder's name, on every disk and in Finder. `what`: one of the two."""

    def bad(message: str, fix: str) -> list[Problem]:
        return [Problem("E_PROJECT", message, fix, path=(key,) if key else ())]

    if not name:
        return bad(f"a {what} has a name, and this is none.", "Write one.")
    if any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") or letter in OVERRIDES for letter in name):
        return bad(f"a {what}'s name cannot hold control characters or line breaks.", "Write it on one plain line.")
    if set(name) & set("/\\:"):
        return bad(f"a {what}'s name cannot hold / \\ or : and {name!r} does.", f"Try {_safer(name, what)!r}.")
    if name != name.strip() or name.startswith(".") or name.endswith("."):
        return bad(f"the name {name!r} begins or ends with a blank or a dot.", f"Try {_safer(name, what)!r}.")
    if len(name) > LONGEST_PROJECT:
        return bad(f"a {what}'s name has at most {LONGEST_PROJECT} characters, this has {len(name)}.", "Shorten it.")
    if len(name.encode()) > LONGEST_FOLDER:
        return bad(f"this {what}'s name is too long for a folder.", f"Shorten it to {len(name) // 2} characters.")
    return []


def _safer(name: str, what: str) -> str:
    safe = "".join("-" if letter in "/\\:" else " " if letter.isspace() else letter for letter in name).strip(" .-")
    return safe[:LONGEST_PROJECT] or f"my-{what}"
