"""Why is nothing happening? The one answer for receipt, status, page, API, `why` and whoever waits for an order.

It is read from the index, so every process gives it. The dispatcher of a running daemon asks the same of what it has
in hand (`Dispatcher.idle`), because `once` may end only when nothing is in flight; its words are these.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from artfactoryd import clock
from artfactoryd.core.lifecycle import NO_KEY, RESUMED, STUCK, UNFINISHED_ORDERS, UPLOAD_LASTS, UPLOAD_WAITS, ItemState
from artfactoryd.core.money import dollars
from artfactoryd.core.names import counted
from artfactoryd.credentials import ways_to_give
from artfactoryd.home import Home
from artfactoryd.reporting.blockers import Blocker, Code, Outlook, Who
from artfactoryd.reporting.disk import no_room
from artfactoryd.reporting.proofs import proof_first
from artfactoryd.reporting.words import items_words
from artfactoryd.settings import PROVIDERS, Settings
from artfactoryd.shelf.order_folders import existing_project
from artfactoryd.storage import budget, dependencies, in_doubt
from artfactoryd.storage.index import ALL, Index
from artfactoryd.storage.marks import releasing
from artfactoryd.storage.rows import ItemRow, OrderRow, OutageRow, StopRow

MOST_NOTES = 20  # reasons of items that a person is told one by one
_NOTED = (STUCK, UPLOAD_WAITS, UPLOAD_LASTS)  # how the reasons of planned items begin that have a line of their own
_LASTING = {"limits.product_bytes": Code.TOO_LARGE, "scan.required": Code.UNSCANNED}  # by what a note names


def outlook(
    index: Index, row: OrderRow, home: Home, settings: Settings, day: str = "", unfiled: Collection[str] = (),
    refused: str | None = None,
) -> Outlook:  # fmt: skip
    """Where an order stands and what blocks it, in the order in which a person is told.

    `day`: by whose caps of day and month; today. `unfiled`: what only a running daemon knows, why outputs that have
    come cannot be put on the shelf. `refused`: what this machine refuses the work; None: as the home's holder says.
    """
    case = _Case(index, row, home, settings, day or clock.today(), index.counts(row.id), Closures.read(index))
    blockers = told_once([*_blockers(case), *(Blocker(Code.UNFILED, Who.DISK, None, text) for text in unfiled)])
    state = index.state(row, case.counts)
    if state in UNFINISHED_ORDERS and not row.is_held:
        blockers += _refused(home, refused, {blocker.text for blocker in blockers})
    return Outlook(state, row.held is not None, _on_the_way(case, blockers), blockers, _sends_on(case, blockers))


def told_once(blockers: Sequence[Blocker]) -> list[Blocker]:
    """What two things wait for is told once; of a disk that takes nothing, that no product can be filed is no news."""
    is_full = any(blocker.code == Code.NO_ROOM for blocker in blockers)
    told = dict[str, Blocker]()
    for blocker in blockers:
        if not (is_full and blocker.code == Code.UNFILED):
            told.setdefault(Code.NO_ROOM if blocker.code == Code.NO_ROOM else blocker.text, blocker)
    return list(told.values())


def _refused(home: Home, refused: str | None, told: Collection[str]) -> Iterator[Blocker]:
    """One and the same of every order that is worked on."""
    text = (home.holder() or {}).get("waits") if refused is None else refused
    if text and text not in told:
        yield Blocker(Code.REFUSED, Who.DISK, None, text)


def reasons(index: Index, row: OrderRow, home: Home, settings: Settings, day: str = "") -> list[str]:
    """Why an order waits, in words; empty when it does not."""
    return outlook(index, row, home, settings, day).reasons


@dataclass(frozen=True, slots=True)
class Closures:
    """What keeps everything from a provider, by its name; `pauses` of the empty name is all of them."""

    stops: Mapping[str, StopRow]
    pauses: Mapping[str, str]
    outages: Mapping[str, OutageRow]

    @classmethod
    def read(cls, index: Index) -> Closures:
        return cls(index.stops(), index.pauses(), index.outages())

    def admits(self, provider: str) -> bool:
        """Neither a person nor a stop is in the way; an outage may be."""
        return not {"", provider} & self.pauses.keys() and provider not in self.stops


@dataclass(frozen=True, slots=True)
class _Case:
    """An order, and all that is looked at to say why it waits."""

    index: Index
    row: OrderRow
    home: Home
    settings: Settings
    day: str
    counts: Mapping[str, int]
    closures: Closures

    def count(self, state: ItemState) -> int:
        return self.counts.get(state, 0)

    @property
    def open_providers(self) -> list[str]:
        """Those of its providers that neither a person nor a stop keeps from being sent something of it."""
        if self.row.paused:
            return []
        return [name for name in dict.fromkeys(self.row.providers) if self.closures.admits(name)]


def _blockers(case: _Case) -> Iterator[Blocker]:
    """What lasts comes first, then what passes soon."""
    if case.row.is_held:
        yield from (Blocker(Code.HELD, Who.PERSON, None, reason.text) for reason in case.row.reasons)
        yield from _left_held(case)
        yield from _order_pause(case.row)
        yield from _asked_about(case)
        return
    yield from _lasting_outages(case)
    yield from _doubts(case)
    next_items = _next_items(case) if case.count(ItemState.PLANNED) else {}
    unsent = list(_why_nothing_is_sent(case, next_items)) if case.count(ItemState.PLANNED) else []
    yield from unsent
    yield from _of_the_shelf(case)
    yield from _notes(case)
    yield from _asked_about(case)
    if case.row.held is None and not case.row.cancelled:
        yield from proof_first(case.row)
        yield from _passing(case, next_items, unsent)


def _left_held(case: _Case) -> Iterator[Blocker]:
    entry, held = case.row.held_entry, case.home.held
    if entry and held.is_dir() and not os.path.lexists(held / entry):
        has_it = "the Inbox has it, and it is laid back" if case.row.agent else "the Inbox has it (an approval)"
        text = f"Its entry has left Held/: half a minute later it is cancelled, unless {has_it}."
        yield Blocker(Code.LEFT_HELD, Who.TIME, None, text)


def _on_the_way(case: _Case, blockers: Collection[Blocker]) -> int:
    """What the provider makes does not count once every provider of the order has failed to answer for long."""
    lasting = {blocker.provider for blocker in blockers if blocker.code is Code.OUTAGE_LASTS}
    running = 0 if lasting.issuperset(case.row.providers) else case.count(ItemState.RUNNING)
    notes = case.index.noted_items(case.row.id, case.row.all_items) if blockers else []
    waiting = sum(item.state != ItemState.PLANNED and _waits_for_person(item) for item in notes)
    return running + case.count(ItemState.SUBMITTING) + case.count(ItemState.DELIVERING) - waiting


def _sends_on(case: _Case, blockers: Collection[Blocker]) -> bool:
    """An item that waits for its upload, or whose provider is stopped, is no end of the others."""
    if not blockers or case.row.is_held or not case.count(ItemState.PLANNED):
        return False
    notes = case.index.noted_items(case.row.id, case.row.all_items)
    doubtful = case.index.waiting_for_doubts(case.row.id)
    for name in dict.fromkeys(case.row.providers):
        lasting = sum(item.provider == name and _lasts_planned(item) for item in notes) + doubtful
        open_ = not any(blocker.keeps(name) for blocker in blockers)
        if open_ and len(case.index.planned_items(case.row.id, name, lasting + 1)) > lasting:
            return True
    return False


def _lasts_planned(item: ItemRow) -> bool:
    return item.state == ItemState.PLANNED and _note_code(item) in {Code.STUCK, Code.UPLOAD_LASTS}


def _notes(case: _Case) -> Iterator[Blocker]:
    """Of what is on the way: why it does not go on just now, as whoever works on it has noted."""
    if not any(case.count(state) for state in (ItemState.PLANNED, *RESUMED)):
        return
    alike: dict[tuple[str | None, str], list[ItemRow]] = {}
    for item in case.index.noted_items(case.row.id, ALL):
        alike.setdefault((item.reason, item.provider), []).append(item)
    groups = list(alike.values())
    for items in groups[:MOST_NOTES]:
        text = f"{items_words([item.number for item in items])}: {items[0].reason}"
        yield Blocker(_note_code(items[0]), _who(items[0]), items[0].provider, text)
    more = Counter((_note_code(item), _who(item)) for items in groups[MOST_NOTES:] for item in items)
    for (code, who), count in more.items():
        yield Blocker(code, who, None, f"And {count} more like these: `order {case.row.short}` tells of each.")


def _note_code(item: ItemRow) -> Code:
    reason = item.reason or ""
    if reason.startswith(STUCK):
        return Code.STUCK
    if reason.startswith(UPLOAD_LASTS):
        return Code.UPLOAD_LASTS
    if item.state == ItemState.DELIVERING:
        return next((code for setting, code in _LASTING.items() if setting in reason), Code.LINGERS)
    return Code.LINGERS


def _who(item: ItemRow) -> Who:
    return Who.PERSON if _waits_for_person(item) else Who.PROVIDER


def _waits_for_person(item: ItemRow) -> bool:
    return _note_code(item) in {Code.STUCK, *_LASTING.values()}


# --- what was sent perhaps ---


def _doubts(case: _Case) -> Iterator[Blocker]:
    row = case.row
    if case.count(ItemState.IN_DOUBT) and not in_doubt.hopeful(case.index, row.id):
        text = (
            f"{_sent_perhaps(case)}; nobody can say yet. "
            f"Look at the provider's own list, then `retry {row.short} --in-doubt` or `cancel {row.short}`."
        )
        yield Blocker(Code.IN_DOUBT, Who.PERSON, None, text)
    if case.count(ItemState.PLANNED) and (waiting := case.index.waiting_for_doubts(row.id)):
        text = f"{waiting} wait for an equal one that is in doubt; they are made when it turns out not to be."
        yield Blocker(Code.EQUAL_IN_DOUBT, Who.PROVIDER, None, text)


def _asked_about(case: _Case) -> Iterator[Blocker]:
    if case.count(ItemState.IN_DOUBT) and in_doubt.hopeful(case.index, case.row.id):
        text = f"{_sent_perhaps(case)}; the provider is being asked what became of it."
        yield Blocker(Code.ASKED_ABOUT, Who.PROVIDER, None, text)


def _sent_perhaps(case: _Case) -> str:
    worth = dollars(case.index.doubtful(case.row.id))
    return f"{case.count(ItemState.IN_DOUBT)} sent perhaps, worth up to {worth}"


# --- why nothing new is sent ---


def _why_nothing_is_sent(case: _Case, next_items: Mapping[str, ItemRow]) -> Iterator[Blocker]:
    providers = set(next_items) or {case.row.provider}
    yield from _order_pause(case.row)
    yield from _provider_pauses(case.closures, providers)
    yield from _left_out(providers - PROVIDERS.keys())
    for name in sorted(name for name in providers if not case.settings.provider(name).enabled):
        yield Blocker(Code.SWITCHED_OFF, Who.PERSON, name, _switched_off(name))
    for name in sorted(providers & case.closures.stops.keys()):
        stop = case.closures.stops[name]
        yield Blocker(Code.STOPPED, Who.PERSON, name, f"{name} is stopped: {stop.reason} {_lifting(name, stop)}")
    # two providers may wait for one and the same cap
    yield from dict.fromkeys(cap for item in next_items.values() for cap in _caps(case, item))
    if text := no_room(case.home, case.settings, case.index):
        yield Blocker(Code.NO_ROOM, Who.DISK, None, text)


def _next_items(case: _Case) -> dict[str, ItemRow]:
    """The next item at each provider that has something left to send, by its provider."""
    next_items = {}
    for name in dict.fromkeys(case.row.providers):
        for item in case.index.planned_items(case.row.id, name, 1):
            next_items[name] = item
    return next_items


def _order_pause(row: OrderRow) -> Iterator[Blocker]:
    if row.paused:
        yield Blocker(Code.ORDER_PAUSED, Who.PERSON, None, f"Paused by you; `resume {row.short}`.")


def _provider_pauses(closures: Closures, providers: Collection[str]) -> Iterator[Blocker]:
    for name in sorted(providers):
        if name in closures.pauses:
            yield Blocker(Code.PROVIDER_PAUSED, Who.PERSON, name, f"{name} is paused by you; `resume {name}`.")
    if "" in closures.pauses:
        yield Blocker(Code.ALL_PAUSED, Who.PERSON, None, "Everything is paused by you; `resume`.")


def _left_out(plug_ins: Collection[str]) -> Iterator[Blocker]:
    if not plug_ins:
        return
    # imported late: it looks at every installed package, and `status` rarely needs to know
    from artfactoryd.factories.registry import broken, makers

    problems = broken()
    for name, problem in problems.items():
        if name in plug_ins:
            yield Blocker(Code.FACTORY_BROKEN, Who.PERSON, name, f"{problem.text} {problem.way_out}")
    for name in sorted(set(plug_ins) - problems.keys() - makers().keys()):
        text = f"No factory for {name} is installed: install its package, then start again."
        yield Blocker(Code.FACTORY_MISSING, Who.PERSON, name, text)


def _switched_off(provider: str) -> str:
    return f"{provider} is switched off; `providers.{provider}.enabled: true` in artfactory.yaml lets it go on."


def _lifting(provider: str, stop: StopRow) -> str:
    """What ends a stop."""
    if stop.reason.startswith(NO_KEY):
        return "With a key it goes on by itself; one in a variable counts from the next start."
    if stop.of_key:
        text = "With another key it goes on by itself; this is asked at each start, too."
        return f"{text} At once: `resume {provider}`. {ways_to_give(provider)}"
    return f"When that is mended: `resume {provider}`."


def _caps(case: _Case, item: ItemRow) -> Iterator[Blocker]:
    """The caps that an item waits for. One of a day or a month is kept by waiting, unless the item alone passes it."""
    reserved, caps = budget.set_aside(case.row, item.upper), budget.caps(case.settings, case.row)
    for name, text in budget.reached(case.index, case.row, item, case.settings, case.day).items():
        if name == "order":
            yield Blocker(Code.ORDER_CAP, Who.PERSON, None, text)
        else:
            yield Blocker(Code.PERIOD_CAP, Who.PERSON if reserved > caps[name] else Who.TIME, None, text)


# --- outages, and what passes by itself ---


def _lasting_outages(case: _Case) -> Iterator[Blocker]:
    for name, row in case.closures.outages.items():
        sends = bool(case.count(ItemState.PLANNED)) and name in case.open_providers
        if name in case.row.providers and row.given_up and (sends or case.count(ItemState.RUNNING)):
            yield Blocker(Code.OUTAGE_LASTS, Who.PROVIDER, name, outage(name, row))


def _passing(case: _Case, next_items: Mapping[str, ItemRow], unsent: Collection[Blocker]) -> Iterator[Blocker]:
    """An outage that is new, else a try that surely cost nothing and is sent again: the provider asked to wait."""
    outages = {name: case.closures.outages[name] for name in case.open_providers if name in case.closures.outages}
    if outages:
        unfinished = case.index.state(case.row, case.counts) in UNFINISHED_ORDERS
        for name, row in outages.items():
            if unfinished and not row.given_up:
                yield Blocker(Code.OUTAGE, Who.PROVIDER, name, outage(name, row))
        return
    for name, item in next_items.items():
        if not unsent and name in case.open_providers and item.reason and not item.reason.startswith(_NOTED):
            yield Blocker(Code.PUT_BACK, Who.PROVIDER, name, f"{item.reason} It is sent again by itself.")


def outage(provider: str, row: OutageRow) -> str:
    """In words, with local times."""
    since, again = _clock(row.since), _clock(row.again_at)
    return f"{provider} does not work since {since}, tried again by itself at {again}: {row.reason}"


def _clock(moment: str) -> str:
    return datetime.fromisoformat(moment).astimezone().strftime("%H:%M:%S")


# --- the shelf, and stages that wait for a mark ---


def _of_the_shelf(case: _Case) -> Iterator[Blocker]:
    row = case.row
    if case.count(ItemState.DELIVERING) and (text := no_room(case.home, case.settings)):
        yield Blocker(Code.NO_ROOM, Who.DISK, None, text)
    found = [product.id for product in releasing.found(case.index, row.id)]
    if found:
        yield Blocker(Code.UNMARKED, Who.PERSON, None, _found(row, len(found), releasing.released(case.index, found)))
    if waiting := dependencies.waiting_for_marks(case.index, row.id) - len(found):
        yield Blocker(Code.UNMARKED, Who.PERSON, None, _unmarked(row, waiting))
    if row.folder is None and not row.cancelled and (text := _no_folder(case.home, row.project)):
        yield Blocker(Code.NO_FOLDER, Who.PERSON, None, text)


def _unmarked(row: OrderRow, waiting: int) -> str:
    what = counted(waiting, "picture", "waits", "wait")
    return f"{what} for your mark: `like FILE` sends one on, `cancel {row.short}` ends the rest."


def _found(row: OrderRow, found: int, sent_on: releasing.Released) -> str:
    what = "1 picture is" if found == 1 else f"{found} pictures are"
    return (
        f"{what} liked by what the shelf tells: `approve {row.short}` sends on {counted(sent_on.items, 'item')} for "
        f"up to {dollars(sent_on.most)}."
    )


def _no_folder(home: Home, project: str) -> str:
    """Words when something lies where the project's folder must be; else empty."""
    folder = home.projects / existing_project(home.projects, project)
    if not os.path.lexists(folder) or folder.is_dir():
        return ""
    return f"{folder} is not a folder, so nothing can be put there. Move it away; the work goes on by itself."
