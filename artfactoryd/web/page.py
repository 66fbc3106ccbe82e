"""The page's HTML. Every name and text that comes from outside is escaped by the templates' engine, without exception.

Drawn whole on this side, so that it can be read without scripts; `assets/page.js` swaps the sections that changed.
`templates/` has the frame and the parts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from artfactoryd import __version__
from artfactoryd.core.lifecycle import UNFINISHED_ORDERS, OrderState
from artfactoryd.core.money import dollars
from artfactoryd.core.names import lasting, made_words
from artfactoryd.printable import printable
from artfactoryd.reporting.orders import DoubtDocument, OrderDocument
from artfactoryd.reporting.pictures import WholeProduct
from artfactoryd.reporting.products import FoundDocument, ProductsDocument
from artfactoryd.reporting.status import StatusDocument
from artfactoryd.reporting.words import value_words
from artfactoryd.shelf.kinds import PLAYABLE
from artfactoryd.shelf.thumbnails import film
from artfactoryd.web.overview import Overview

if TYPE_CHECKING:
    from jinja2 import Environment

# The parts of a bar: item states, what a person calls them. What is planned is the bar's empty rest.
PARTS = (
    ("completed", "done"), ("failed", "failed"), ("cancelled", "cancelled"), ("in_doubt", "in doubt"),
    ("delivering", "arriving"), ("running", "being made"), ("submitting", "being sent"),
)  # fmt: skip
IN_FLIGHT = ("submitting", "running", "delivering")
MOST_NAMES, MOST_WORDS = 100, 5  # of entries on a page of their own, and on the first
MOST_ENDED = 6
MOST_LINE = 200  # characters of what is told in one
HIGHEST = 5  # stars
NEAR = 0.8  # of a cap
REJECTED = "rejected"  # the tag of what culling leaves out
PLAYED = ("video", "audio")  # kinds
MINUTE, HOUR = 60, 3600


class Part(NamedTuple):
    state: str
    start: str  # of the whole, as a percentage
    width: str


@cache
def _templates() -> Environment:
    import jinja2  # imported late: a daemon whose page nobody opens does without its megabytes
    from markupsafe import Markup

    def shown(value: object) -> object:
        """What would act is shown as text; what is HTML of ours stays as it is."""
        return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")), autoescape=True, auto_reload=False,
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=shown,
    )  # fmt: skip
    templates.filters.update(_FILTERS)
    templates.globals.update(_GLOBALS)
    return templates


def draw(overview: Overview, form_token: str = "") -> str:
    """The whole page."""
    waiting = [one for one in overview.orders if one.order.status == OrderState.HELD]
    known = {one.entry for one in waiting}
    return _drawn(
        "overview.html", form_token, seen=overview, status=overview.status, waiting=waiting,
        working=[one for one in overview.orders if one.order.status != OrderState.HELD],
        held=_files([name for name in overview.status.held if name not in known], overview.status.why.held),
        rejected=_files(overview.status.rejected, overview.status.why.rejected),
        inbox=list(_inbox(overview.status)), in_flight=sum(map(_flying, overview.status.open)),
    )  # fmt: skip


def draw_words(title: str, text: str) -> str:
    """A page that holds a title and a text: a refusal."""
    return _drawn("words.html", title=title, text=text)


def draw_entries(folder: str, words: Mapping[str, str], first: int, count: int) -> str:
    """`folder`: Held or Rejected; `words`: of some entries, from the one numbered `first` on, of `count`."""
    files = _files(list(words), words)
    return _drawn("entries.html", folder=folder, files=files, first=first, count=count, most=MOST_NAMES)


def draw_pictures(document: ProductsDocument, query: str) -> str:
    return _drawn("more.html", pictures=document, query=query)


def draw_picture(product: WholeProduct, form_token: str) -> str:
    return _drawn("picture.html", form_token, whole=product, product=product.product)


def draw_writer(product: str, order: str, form_token: str) -> str:
    """Where an order is written; started from a product or another order, by their ids."""
    return _drawn("write.html", form_token, product_id=product, order_id=order)


def draw_plan(orders: Sequence[Mapping[str, Any]], items: Sequence[Sequence[Mapping[str, Any]]]) -> str:
    return _drawn("plan.html", orders=list(zip(orders, items, strict=True)))


def draw_question(words: str, address: str, fields: Mapping[str, str], form_token: str) -> str:
    """The same once more, with the sum among the fields."""
    return _drawn("question.html", form_token, words=words, address=address, fields=fields)


def _drawn(template: str, form_token: str = "", **values: object) -> str:
    return _templates().get_template(template).render(form_token=form_token, version=__version__, **values)


class File(NamedTuple):
    """One entry of Held or Rejected. `first`: of its words, what fits a line."""

    name: str
    first: str
    words: str


def _files(names: Sequence[str], words: Mapping[str, str]) -> list[File]:
    """Newest first, which is the order of the words; names without words come last."""
    there = set(names)
    told = [File(name, _first_line(text), text.strip()) for name, text in words.items() if name in there]
    return told + [File(name, "", "") for name in names if name not in words]


def _first_line(words: str) -> str:
    """What is wrong, in the first line that says more than that it is."""
    lines = [line.strip(" -") for line in words.splitlines() if line.strip(" -")]
    telling = [line for line in lines if not line.endswith((":", ".")) or ": " in line]
    return (telling or lines or [""])[0][:MOST_LINE]


def _inbox(status: StatusDocument) -> Iterator[str]:
    told = {name: f"{name} {why}" for name, why in status.waits.items()}
    yield from (told.pop(name, name) for name in status.inbox)
    yield from told.values()


def _flying(order: OrderDocument) -> int:
    return sum(order.count(state) for state in IN_FLIGHT)


# --- figures, as the templates ask for them ---


def _parts(order: OrderDocument) -> Iterator[Part]:
    total, start = max(order.total_items, 1), 0
    for state, _ in PARTS:
        if count := order.count(state):
            yield Part(state, f"{start / total:.2%}", f"{count / total:.2%}")
        start += count


def _counts(order: OrderDocument) -> str:
    """`17 of 40 done · 4 being made`"""
    words = [f"{order.count('completed')} of {order.total_items} done"]
    return " · ".join([*words, *(f"{order.count(state)} {name}" for state, name in PARTS[1:] if order.count(state))])


def _money(order: OrderDocument) -> str:
    """The cap only where it may be what ends the order; of one that is over, what it did cost."""
    if order.status not in UNFINISHED_ORDERS:
        return _usd(order.money.spent_usd) if order.at_most_usd != 0 else "free"
    spent, cap = _usd(order.money.spent_usd), f" (its cap is {_usd(order.cap_usd)})" if order.cap_matters else ""
    if order.at_most_usd is None:
        return f"{spent} spent, price unknown{cap}"
    return f"{spent} of at most {_usd(order.at_most_usd)}{cap}" if order.at_most_usd else "free"


def _usd(value: float | None) -> str:
    return "—" if value is None else dollars(round(value * 1_000_000))


def _time(text: str) -> str:
    """In this machine's time; today without the date."""
    try:
        at = datetime.fromisoformat(text).astimezone()
    except ValueError:
        return text
    return at.strftime("%H:%M:%S" if at.date() == datetime.now().astimezone().date() else "%Y-%m-%d %H:%M")


def _lasting(seconds: int) -> str:
    if seconds < MINUTE:
        return "less than a minute left"
    if seconds < HOUR:
        return f"about {round(seconds / MINUTE)} min left"
    return f"about {seconds / HOUR:.1f} h left"


def _share(part: float, whole: float) -> str:
    return f"{min(1.0, part / whole if whole else 0):.2%}"


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _title(product: FoundDocument) -> str:
    """What it is called to whoever does not see it."""
    return product.prompt or _name(product.path)


def _alike(doubts: Sequence[DoubtDocument]) -> list[tuple[str, list[DoubtDocument]]]:
    """Those of which one and the same is known, together."""
    groups: dict[str, list[DoubtDocument]] = {}
    for doubt in doubts:
        groups.setdefault(doubt.answer or doubt.reason or "No answer came.", []).append(doubt)
    return list(groups.items())


def _is_seen(product: FoundDocument) -> bool:
    """Whether there is a thumbnail of it, or will be."""
    return product.kind == "image" or film.is_shown(product.mime)


def _is_played(product: FoundDocument) -> bool:
    return product.kind in PLAYED and product.mime in PLAYABLE


_FILTERS: Mapping[str, Callable[..., object]] = {
    "parts": _parts, "counts": _counts, "money": _money, "usd": _usd, "time": _time, "lasting": _lasting,
    "share": _share, "name": _name, "folder": _folder, "title_of": _title, "alike": _alike,
    "is_seen": _is_seen, "is_played": _is_played, "duration": lasting, "made": made_words, "value": value_words,
}  # fmt: skip
_GLOBALS = {
    "MOST_NAMES": MOST_NAMES, "MOST_WORDS": MOST_WORDS, "MOST_ENDED": MOST_ENDED, "REJECTED": REJECTED,
    "NEAR": NEAR, "STARS": list(range(1, HIGHEST + 1)),
}  # fmt: skip
