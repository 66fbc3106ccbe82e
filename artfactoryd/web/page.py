"""The status document as a page for a person. Every name and text that comes from outside is escaped here.

Drawn whole on this side, so that it can be read without scripts; `web/page.js` only swaps the
sections that changed. `web/page.html` is the frame, `web/page.css` the looks.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from string import Template

from artfactoryd import __version__
from artfactoryd.core.lifecycle import OrderState
from artfactoryd.core.money import dollars
from artfactoryd.printable import printable
from artfactoryd.reporting.orders import OrderDocument, ProductDocument
from artfactoryd.reporting.status import ClosedProvider, StatusDocument

FRAME = Template(Path(__file__).with_name("assets").joinpath("page.html").read_text(encoding="utf-8"))
# The parts of a bar: item states, what a person calls them. What is planned is the bar's empty rest.
PARTS = (
    ("completed", "done"), ("failed", "failed"), ("cancelled", "cancelled"), ("in_doubt", "in doubt"),
    ("delivering", "arriving"), ("running", "being made"), ("submitting", "being sent"),
)  # fmt: skip
IN_FLIGHT = ("submitting", "running", "delivering")
MOST_NAMES = 100  # of entries without words, in one list
UNTOLD = "There are no words beside it."


def draw(status: StatusDocument) -> str:
    """The whole page."""
    sections = (_head(status), _notices(status), _queue(status), *_waiting(status), _products(status), _ended(status))
    return _framed("".join(sections))


def draw_words(title: str, text: str) -> str:
    """A page that holds a title and a text: a refusal."""
    return _framed(f'<section id="words"><h1>{_safe(title)}</h1><p>{_safe(text)}</p></section>')


def _framed(main: str) -> str:
    return FRAME.substitute(main=main, version=_safe(__version__))


def _safe(value: object) -> str:
    return html.escape(printable(str(value)), quote=True)


def _section(name: str, title: str, inside: str) -> str:
    """Empty ones stay on the page without a trace, so that they can be filled later."""
    heading = f"<h2>{_safe(title)}</h2>" if inside else ""
    return f'<section id="{name}">{heading}{inside}</section>\n'


# --- the parts of the page, from top to bottom ---


def _head(status: StatusDocument) -> str:
    drawn = "".join(f"<div><dt>{_safe(words)}</dt><dd>{_safe(figure)}</dd></div>" for figure, words in _figures(status))
    began = (status.daemon or {}).get("started_at")
    since = f", at work since {_time(began)}" if began else ""
    home = f'<p class="place">{_safe(status.home)}{since}</p>'
    return f'<section id="head"><h1>Art Factory</h1>{home}<dl>{drawn}</dl></section>\n'


def _figures(status: StatusDocument) -> Iterator[tuple[object, str]]:
    """Each with what it counts."""
    day, month = status.budget.day, status.budget.month
    yield _usd(status.spent_usd), "spent in all"
    yield _usd(day.counted_usd), f"today, of {_usd(day.cap_usd)}"
    yield _usd(month.counted_usd), f"this month, of {_usd(month.cap_usd)}"
    yield sum(order.status != OrderState.HELD for order in status.open), "under way"
    yield sum(order.count(state) for order in status.open for state in IN_FLIGHT), "items being made"
    in_doubt = sum(order.money.in_doubt_usd for order in status.open)
    if in_doubt:
        yield _usd(in_doubt), "in doubt"


def _notices(status: StatusDocument) -> str:
    """What stops more than one order."""
    notices = [_closed(name, provider) for name, provider in status.providers.items()]
    if status.paused:
        notices.append("<strong>Everything is paused</strong> by you. To go on: <code>artfactoryd resume</code>")
    if status.inbox_problem:
        notices.append(_safe(status.inbox_problem))
    if status.settings:
        notices.append(_safe(status.settings))
    if status.daemon and status.daemon.get("waits"):
        notices.append(f"<strong>The work waits.</strong> {_safe(status.daemon['waits'])}")
    if status.no_room:
        notices.append(_safe(status.no_room))
    return f'<section id="notices">{"".join(f"<p>{notice}</p>" for notice in notices)}</section>\n'


def _closed(name: str, provider: ClosedProvider) -> str:
    """A provider that sends nothing: trouble stopped it, a person paused it, or it does not answer."""
    since, resume = _time(provider.since), f"<code>artfactoryd resume {_safe(name)}</code>"
    if provider.stopped is None and not provider.paused:
        return f"<strong>{_safe(name)} is out of order.</strong> {_safe(provider.outage)}"
    if provider.stopped is None:
        return f"<strong>{_safe(name)} is paused</strong> by you since {since}. To go on: {resume}"
    reason = _safe(provider.stopped)
    return f"<strong>{_safe(name)} is stopped</strong> since {since}. {reason} When that is mended: {resume}"


def _queue(status: StatusDocument) -> str:
    orders = [_order(order) for order in status.open if order.status != OrderState.HELD]
    nothing = '<p class="nothing">Nothing is under way. Drop an order into the Inbox.</p>'
    more = f"<p>And {status.more_open} more not over yet.</p>" if status.more_open else ""
    return _section("queue", "Under way", ("".join(orders) or nothing) + more)


def _order(order: OrderDocument) -> str:
    reasons = "".join(f'<p class="reason">{_safe(reason)}</p>' for reason in order.reasons)
    state = _safe(order.status)
    return (
        f'<article><header><h3>{_title(order)}</h3><span class="state {state}">{state}</span></header>'
        f'{_bar(order)}<p class="counts">{_safe(_counts(order))}</p>{reasons}</article>'
    )


def _title(order: OrderDocument) -> str:
    rehearsal = ' <small class="mark">rehearsal</small>' if order.rehearsal else ""
    return f"<small>{_safe(order.project)} /</small> {_safe(order.name)}{rehearsal}"


def _bar(order: OrderDocument) -> str:
    total, at, drawn = max(order.total_items, 1), 0, []
    for state, _ in PARTS:
        count = order.count(state)
        if count:
            drawn.append(f'<rect class="{state}" x="{at / total:.2%}" width="{count / total:.2%}" height="100%"/>')
        at += count
    label = f"{order.count('completed')} of {order.total_items} done"
    return f'<svg class="bar" role="img" aria-label="{label}">{"".join(drawn)}</svg>'


def _counts(order: OrderDocument) -> str:
    """`17 of 40 done · 4 being made · $0.051 of at most $0.12`"""
    words = [f"{order.count('completed')} of {order.total_items} done"]
    words += [f"{order.count(state)} {name}" for state, name in PARTS[1:] if order.count(state)]
    return " · ".join([*words, _money(order)])


def _money(order: OrderDocument) -> str:
    """The cap only where it may be what ends the order."""
    spent, cap = _usd(order.money.spent_usd), f" (its cap is {_usd(order.cap_usd)})" if order.cap_matters else ""
    if order.at_most_usd is None:
        return f"{spent} spent, price unknown{cap}"
    return f"{spent} of at most {_usd(order.at_most_usd)}{cap}" if order.at_most_usd else "free"


def _waiting(status: StatusDocument) -> Iterable[str]:
    """Held, rejected, and not taken yet: what a person may have to look at, with the words beside it."""
    yield _section("held", "Waits for you", _files(status.held, status.why.held, "Held"))
    yield _section("rejected", "Rejected", _files(status.rejected, status.why.rejected, "Rejected"))
    told = {name: f"{name} {why}" for name, why in status.waits.items()}
    names = "".join(f"<li>{_safe(told.pop(name, name))}</li>" for name in status.inbox)
    names += "".join(f"<li>{_safe(words)}</li>" for words in told.values())
    yield _section("inbox", "In the Inbox, not taken yet", f'<ul class="names">{names}</ul>' if names else "")


def _files(names: Sequence[str], words: Mapping[str, str], folder: str) -> str:
    """Newest first, which is the order of the words; names without words come last and only their names."""
    told = [name for name in words if name in set(names)]
    untold = [name for name in names if name not in words]
    drawn = [_file(name, words[name]) for name in told]
    if untold:
        listed = "".join(f"<li>{_safe(name)}</li>" for name in untold[:MOST_NAMES])
        drawn.append(f'<ul class="names">{listed}</ul>')
    if len(untold) > MOST_NAMES:
        drawn.append(f"<p>And {len(untold) - MOST_NAMES} more in the folder {folder}.</p>")
    return "".join(drawn)


def _file(name: str, words: str) -> str:
    return f"<article><h3>{_safe(name)}</h3><pre>{_safe(words.strip() or UNTOLD)}</pre></article>"


def _products(status: StatusDocument) -> str:
    rows = [_product(new.product, new.created_at) for new in status.products]
    return _section("products", "Last products", f'<ul class="products">{"".join(rows)}</ul>' if rows else "")


def _product(product: ProductDocument, created_at: str) -> str:
    path = Path(product.path)
    return (
        f"<li><p>{_safe(path.name)}<small>{_safe(path.parent)}</small></p>"
        f"<span>{_safe(_shape(product))}</span>{_time(created_at)}</li>"
    )


def _shape(product: ProductDocument) -> str:
    shape = f"{product.width} by {product.height}" if product.width else product.mime
    return f"{shape}, damaged" if product.damaged else shape


def _ended(status: StatusDocument) -> str:
    return _section("ended", "Ended", "".join(_order(order) for order in status.recent))


# --- figures ---


def _usd(value: float | None) -> str:
    return "—" if value is None else dollars(round(value * 1_000_000))


def _time(text: str) -> str:
    """In this machine's time; today without the date."""
    try:
        at = datetime.fromisoformat(text).astimezone()
    except ValueError:
        return _safe(text)
    shown = at.strftime("%H:%M:%S" if at.date() == datetime.now().astimezone().date() else "%Y-%m-%d %H:%M")
    return f'<time datetime="{_safe(text)}">{shown}</time>'
