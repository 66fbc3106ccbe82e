"""What an order, a file and the whole house look like to a person: one document for status, receipt and endpoint."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from datetime import datetime

from artfactoryd import clock
from artfactoryd.core.lifecycle import UNFINISHED_ORDERS, ItemState
from artfactoryd.core.money import dollars
from artfactoryd.home import Home
from artfactoryd.reporting.disk import no_room
from artfactoryd.settings import PROVIDERS, Settings
from artfactoryd.shelf.order_folders import existing_project
from artfactoryd.storage import budget, dependencies, in_doubt
from artfactoryd.storage.index import Index
from artfactoryd.storage.rows import ItemRow, OrderRow, OutageRow, StopRow


def reasons(index: Index, row: OrderRow, home: Home, settings: Settings, day: str = "") -> list[str]:
    """Why an order waits, in words; empty when it does not. `day`: by whose caps of day and month; today."""
    return [
        *blockers(index, row, home, settings, day),
        *_asked_about(index, row),
        *_proof(row),
        *_passing(index, row, home, settings, day),
    ]


def blockers(index: Index, row: OrderRow, home: Home, settings: Settings, day: str = "") -> list[str]:
    """What does not pass by itself: it waits for a person, a provider's consent, or room."""
    if row.is_held:
        return [*(reason.text for reason in row.reasons), *_paused(row)]
    counts, providers = index.counts(row.id), row.providers
    found = []
    may_be_sent = counts.get(ItemState.PLANNED)
    for name, each in index.outages().items():
        told = (may_be_sent and name in _open_ones(index, row)) or counts.get(ItemState.RUNNING)
        if name in providers and each.given_up and told:
            found.append(outage(name, each))
    if counts.get(ItemState.IN_DOUBT) and not in_doubt.hopeful(index, row.id):
        found.append(
            f"{_sent_perhaps(index, row, counts)}; nobody can say yet. "
            f"Look at the provider's own list, then `retry {row.short} --in-doubt` or `cancel {row.short}`."
        )
    if counts.get(ItemState.PLANNED) and (waiting := index.waiting_for_doubts(row.id)):
        found.append(f"{waiting} wait for an equal one that is in doubt; they are made when it turns out not to be.")
    if counts.get(ItemState.PLANNED):
        found += _why_nothing_is_sent(index, row, home, settings, day or clock.today())
    if counts.get(ItemState.DELIVERING) and (words := no_room(home, settings)):
        found.append(words)
    if waiting := dependencies.waiting_for_marks(index, row.id):
        found.append(_unmarked(row, waiting))
    if row.folder is None and not row.cancelled and (words := _no_folder(home, row.project)):
        found.append(words)
    return found


def _unmarked(row: OrderRow, waiting: int) -> str:
    what = "1 picture waits" if waiting == 1 else f"{waiting} pictures wait"
    return f"{what} for your mark: `like FILE` sends one on, `cancel {row.short}` ends the rest."


def _proof(row: OrderRow) -> list[str]:
    if row.proof is None or row.held is not None or row.cancelled:
        return []
    few = _items(len(row.proof_items))
    return [f"Its proof of {few} is made first; the rest waits until you have looked at it."]


def _items(count: int) -> str:
    return "1 item" if count == 1 else f"{count} items"


def proof_done(row: OrderRow, counts: Mapping[str, int], whole: int) -> str:
    """`whole`: what all of it may cost by now, in micro-dollars."""
    made, few = counts.get(ItemState.COMPLETED, 0), len(row.proof_items)
    ended = [f"{made} made", *(f"{counts[s]} {s}" for s in (ItemState.FAILED, ItemState.CANCELLED) if counts.get(s))]
    return (
        f"Its proof is done: {few} of {_items(row.total_items)} ({', '.join(ended)}) for "
        f"{dollars(row.committed)}, in {row.folder}. The other {row.total_items - few} may cost up to "
        f"{dollars(whole - row.committed)}."
    )


def _sent_perhaps(index: Index, row: OrderRow, counts: Mapping[str, int]) -> str:
    return f"{counts[ItemState.IN_DOUBT]} sent perhaps, worth up to {dollars(index.doubtful(row.id))}"


def _asked_about(index: Index, row: OrderRow) -> list[str]:
    counts = index.counts(row.id)
    if not counts.get(ItemState.IN_DOUBT) or not in_doubt.hopeful(index, row.id):
        return []
    return [f"{_sent_perhaps(index, row, counts)}; the provider is being asked what became of it."]


def _why_nothing_is_sent(index: Index, row: OrderRow, home: Home, settings: Settings, day: str) -> list[str]:
    waiting, stops = _next(index, row), index.stops()
    shut = waiting.keys() or {row.provider}
    found = _paused(row) + _paused_providers(index, shut)
    found += _left_out(shut - PROVIDERS.keys())
    off = sorted(name for name in shut if not settings.provider(name).enabled)
    found += [
        f"{name} is switched off; `providers.{name}.enabled: true` in artfactory.yaml lets it go on." for name in off
    ]
    for provider in sorted(shut & stops.keys()):
        stop = stops[provider]
        found.append(f"{provider} is stopped: {stop.reason} {_lifting(provider, stop)}")
    told = (budget.reasons(index, row, item, settings, day) for item in waiting.values())
    found += dict.fromkeys(words for each in told for words in each)
    words = no_room(home, settings, index)
    return [*found, words] if words else found


def _next(index: Index, row: OrderRow) -> dict[str, ItemRow]:
    """The next item at each provider that has something left to send, by its provider."""
    names = dict.fromkeys(row.providers)
    found = ((name, index.planned_items(row.id, name, 1)) for name in names)
    return {name: items[0] for name, items in found if items}


def _lifting(provider: str, stop: StopRow) -> str:
    """What ends a stop."""
    if stop.of_key:
        return f"It is looked at again at each start and every ten minutes; to go on at once: `resume {provider}`."
    return f"When that is mended: `resume {provider}`."


def outage(provider: str, found: OutageRow) -> str:
    """In words, with local times."""
    since, again = _clock(found.since), _clock(found.again_at)
    return f"{provider} does not work since {since}, tried again by itself at {again}: {found.reason}"


def _clock(moment: str) -> str:
    return datetime.fromisoformat(moment).astimezone().strftime("%H:%M:%S")


def given_up(index: Index, row: OrderRow) -> bool:
    """An outage that has outlasted a few tries: nobody need wait for its end."""
    outages, providers = index.outages(), set(row.providers)
    return bool(providers) and all(name in outages and outages[name].given_up for name in providers)


def _left_out(plug_ins: Collection[str]) -> list[str]:
    if not plug_ins:
        return []
    from artfactoryd.factories.registry import broken, makers

    bad = broken()
    found = [f"{each.text} {each.way_out}" for name, each in bad.items() if name in plug_ins]
    strange = sorted(set(plug_ins) - bad.keys() - makers().keys())
    return found + [f"No factory for {name} is installed: install its package, then start again." for name in strange]


def _paused(row: OrderRow) -> list[str]:
    return [f"Paused by you; `resume {row.short}`."] if row.paused else []


def _paused_providers(index: Index, providers: Collection[str]) -> list[str]:
    pauses = index.pauses()
    found = [
        f"{provider} is paused by you; `resume {provider}`." for provider in sorted(providers) if provider in pauses
    ]
    return [*found, "Everything is paused by you; `resume`."] if "" in pauses else found


def _open_ones(index: Index, row: OrderRow) -> list[str]:
    """The providers that neither a person nor a stop keeps from being sent something of it."""
    shut = index.stops().keys() | index.pauses().keys()
    if row.paused or "" in shut:
        return []
    return [name for name in dict.fromkeys(row.providers) if name not in shut]


def _passing(index: Index, row: OrderRow, home: Home, settings: Settings, day: str) -> list[str]:
    """Put back after a try that surely cost nothing, and sent again by itself: the provider asked to wait."""
    if row.held is not None or row.cancelled:
        return []
    open_ones, outages = _open_ones(index, row), index.outages()
    troubled = [(name, outages[name]) for name in open_ones if name in outages]
    if troubled:
        unfinished = index.state(row) in UNFINISHED_ORDERS
        return [outage(name, each) for name, each in troubled if unfinished and not each.given_up]
    if _why_nothing_is_sent(index, row, home, settings, day or clock.today()):
        return []
    waiting = [each for name, each in _next(index, row).items() if name in open_ones]
    return [f"{each.reason} It is sent again by itself." for each in waiting if each.reason]


def _no_folder(home: Home, project: str) -> str:
    """Words when something lies where the project's folder must be; else empty."""
    place = home.projects / existing_project(home.projects, project)
    if not os.path.lexists(place) or place.is_dir():
        return ""
    return f"{place} is not a folder, so nothing can be put there. Move it away; the work goes on by itself."
