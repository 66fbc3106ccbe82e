"""What an order, a file and the whole house look like to a person: one document for status, receipt and endpoint."""

from __future__ import annotations

import heapq
import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from artfactoryd.core.lifecycle import ItemState, OrderState
from artfactoryd.core.model import dollars, providers_of, usd
from artfactoryd.home import Home
from artfactoryd.settings import PROVIDERS, Settings
from artfactoryd.shelf.placing import existing_project
from artfactoryd.storage import budget, dependencies, in_doubt
from artfactoryd.storage.index import Index

Row = Mapping[str, Any]
MOST_FAILURES = 20  # told by `why`; `order ID` shows all
UNFINISHED = frozenset({OrderState.HELD, OrderState.QUEUED, OrderState.PROCESSING})
PRODUCT = ("id", "number", "place", "path", "sha256", "bytes", "mime", "width", "height", "liked", "tags")
MOST_WORDS = 50  # entries of Held/ and Rejected/ whose reasons are told, newest first
WORD_BYTES = 4000


def order_document(
    index: Index, row: Row, reasons: list[str], *, products: bool = True, most: int = 1_000_000
) -> dict[str, Any]:
    """An order in JSON (product: the status endpoint). `most`: products named at the most."""
    counts = index.counts(row["id"])
    found: dict[str, Any] = {
        "order_id": row["id"], "name": row["name"], "project": row["project"],
        "status": str(index.state(row, counts)), "reasons": reasons, "total_items": row["total_items"],
        **{f"{state}_items": counts.get(state, 0) for state in ItemState},
        "total_products": row["total_products"], "reused_items": index.reused(row["id"]),
        **budget.money(index, row["id"]), "price_usd": usd(row["price"]),
        "cap_usd": usd(row["cap"]),
        "paused": row["paused"] is not None,
        "rehearsal": bool(row["rehearsal"]), "accepted_at": row["accepted_at"], "folder": row["folder"],
    }  # fmt: skip
    if products:
        found["overruns"] = budget.overruns(index, row["id"])
        found["products"] = [{key: product[key] for key in PRODUCT} for product in index.products(row["id"], most)]
    return found


def item_document(item: Row) -> dict[str, Any]:
    keys = ("number", "state", "generation", "tokens", "seed", "asked", "ticket", "reason", "attempts")
    return {key: item[key] for key in (*keys, "stage", "parent")}


def reasons(index: Index, row: Row, home: Home, settings: Settings, day: str = "") -> list[str]:
    """Why an order waits, in words; empty when it does not. `day`: by whose caps of day and month; today."""
    return [
        *blockers(index, row, home, settings, day),
        *_asked_about(index, row),
        *_proof(row),
        *_passing(index, row, home, settings, day),
    ]


def blockers(index: Index, row: Row, home: Home, settings: Settings, day: str = "") -> list[str]:
    """What does not pass by itself: it waits for a person, a provider's consent, or room."""
    if row["held"] is not None and not row["cancelled"]:
        return [*(reason["text"] for reason in row["held"]), *_paused(row)]
    counts, providers = index.counts(row["id"]), providers_of(row)
    found = []
    may_be_sent = counts.get(ItemState.PLANNED)
    for name, each in index.outages().items():
        told = (may_be_sent and name in _open_ones(index, row)) or counts.get(ItemState.RUNNING)
        if name in providers and each["given_up"] and told:
            found.append(outage(name, each))
    if counts.get(ItemState.IN_DOUBT) and not in_doubt.hopeful(index, row["id"]):
        found.append(
            f"{_sent_perhaps(index, row, counts)}; nobody can say yet. "
            f"Look at the provider's own list, then `retry {row['id'][:13]} --in-doubt` or `cancel {row['id'][:13]}`."
        )
    if counts.get(ItemState.PLANNED) and (waiting := index.waiting_for_doubts(row["id"])):
        found.append(f"{waiting} wait for an equal one that is in doubt; they are made when it turns out not to be.")
    if counts.get(ItemState.PLANNED):
        found += _why_nothing_is_sent(index, row, home, settings, day or budget.today())
    if counts.get(ItemState.DELIVERING) and (words := no_room(home, settings)):
        found.append(words)
    if waiting := dependencies.waiting_for_marks(index, row["id"]):
        found.append(_unmarked(row, waiting))
    if row["folder"] is None and not row["cancelled"] and (words := _no_folder(home, row["project"])):
        found.append(words)
    return found


def _unmarked(row: Row, waiting: int) -> str:
    what = "1 picture waits" if waiting == 1 else f"{waiting} pictures wait"
    return f"{what} for your mark: `like FILE` sends one on, `cancel {row['id'][:13]}` ends the rest."


def _proof(row: Row) -> list[str]:
    if row["proof"] is None or row["held"] is not None or row["cancelled"]:
        return []
    few = _items(len(row["proof"]))
    return [f"Its proof of {few} is made first; the rest waits until you have looked at it."]


def _items(count: int) -> str:
    return "1 item" if count == 1 else f"{count} items"


def proof_done(row: Row, counts: Mapping[str, int], whole: int) -> str:
    """`whole`: what all of it may cost by now, in micro-dollars."""
    made, few = counts.get(ItemState.COMPLETED, 0), len(row["proof"])
    ended = [f"{made} made", *(f"{counts[s]} {s}" for s in (ItemState.FAILED, ItemState.CANCELLED) if counts.get(s))]
    return (
        f"Its proof is done: {few} of {_items(row['total_items'])} ({', '.join(ended)}) for "
        f"{dollars(row['committed'])}, in {row['folder']}. The other {row['total_items'] - few} may cost up to "
        f"{dollars(whole - row['committed'])}."
    )


def _sent_perhaps(index: Index, row: Row, counts: Mapping[str, int]) -> str:
    return f"{counts[ItemState.IN_DOUBT]} sent perhaps, worth up to {dollars(index.doubtful(row['id']))}"


def _asked_about(index: Index, row: Row) -> list[str]:
    counts = index.counts(row["id"])
    if not counts.get(ItemState.IN_DOUBT) or not in_doubt.hopeful(index, row["id"]):
        return []
    return [f"{_sent_perhaps(index, row, counts)}; the provider is being asked what became of it."]


def doubts(index: Index, row: Row) -> list[dict[str, Any]]:
    """What of an order may have been charged, and what was done to find out. `asked`: None where nobody can be."""
    return [
        {"item": each["number"], "state": each["state"], "attempt": each["id"], "since": each["asked_at"],
         "usd": usd(each["reserved"]), "reason": each["reason"], "ticket": each["ticket"], "asked": each["times"],
         "last_asked_at": each["last_at"], "next_ask_at": None if each["ticket"] else each["next_at"],
         "answer": each["words"] or ""}
        for each in in_doubt.of_order(index, row["id"])
    ]  # fmt: skip


def _why_nothing_is_sent(index: Index, row: Row, home: Home, settings: Settings, day: str) -> list[str]:
    waiting, stops = _next(index, row), index.stops()
    shut = waiting.keys() or {row["provider"]}
    found = _paused(row) + _paused_providers(index, shut)
    found += _left_out(shut - PROVIDERS.keys())
    off = sorted(name for name in shut if not settings.provider(name).enabled)
    found += [
        f"{name} is switched off; `providers.{name}.enabled: true` in artfactory.yaml lets it go on." for name in off
    ]
    for provider in sorted(shut & stops.keys()):
        stop = stops[provider]
        found.append(f"{provider} is stopped: {stop['reason']} {_lifting(provider, stop)}")
    told = (budget.reasons(index, row, item, settings, day) for item in waiting.values())
    found += dict.fromkeys(words for each in told for words in each)
    words = no_room(home, settings, index)
    return [*found, words] if words else found


def _switched_off(provider: str) -> str:
    return f"{provider} is switched off; `providers.{provider}.enabled: true` in artfactory.yaml lets it go on."


def _next(index: Index, row: Row) -> dict[str, Row]:
    """The next item at each provider that has something left to send, by its provider."""
    names = dict.fromkeys(providers_of(row))
    found = ((name, index.planned_items(row["id"], name, 1)) for name in names)
    return {name: items[0] for name, items in found if items}


def _lifting(provider: str, stop: Row) -> str:
    """What ends a stop."""
    if stop["of_key"]:
        return f"It is looked at again at each start and every ten minutes; to go on at once: `resume {provider}`."
    return f"When that is mended: `resume {provider}`."


def outage(provider: str, found: Row) -> str:
    """In words, with local times."""
    since, again = (_clock(found[key]) for key in ("since", "again_at"))
    return f"{provider} does not work since {since}, tried again by itself at {again}: {found['reason']}"


def _clock(moment: str) -> str:
    return datetime.fromisoformat(moment).astimezone().strftime("%H:%M:%S")


def given_up(index: Index, row: Row) -> bool:
    """An outage that has outlasted a few tries: nobody need wait for its end."""
    outages, providers = index.outages(), set(providers_of(row))
    return bool(providers) and all(name in outages and outages[name]["given_up"] for name in providers)


def _left_out(plug_ins: Collection[str]) -> list[str]:
    if not plug_ins:
        return []
    from artfactoryd.factories import broken, makers  # imported late: `status` has no time for what nothing waits for

    bad = broken()
    found = [f"{each.text} {each.way_out}" for name, each in bad.items() if name in plug_ins]
    strange = sorted(set(plug_ins) - bad.keys() - makers().keys())
    return found + [f"No factory for {name} is installed: install its package, then start again." for name in strange]


def _paused(row: Row) -> list[str]:
    return [f"Paused by you; `resume {row['id'][:13]}`."] if row["paused"] else []


def _paused_providers(index: Index, providers: Collection[str]) -> list[str]:
    pauses = index.pauses()
    found = [
        f"{provider} is paused by you; `resume {provider}`." for provider in sorted(providers) if provider in pauses
    ]
    return [*found, "Everything is paused by you; `resume`."] if "" in pauses else found


def _providers(index: Index) -> dict[str, Any]:
    """Those that send nothing: stopped by trouble, paused by a person, or not answering."""
    stops, pauses, outages = index.stops(), index.pauses(), index.outages()
    return {
        name: {"stopped": stops[name]["reason"] if name in stops else None, "paused": name in pauses,
               "outage": outage(name, outages[name]) if name in outages else None,
               "since": (stops.get(name) or outages.get(name) or {"since": pauses.get(name)})["since"]}
        for name in sorted(stops.keys() | pauses.keys() | outages.keys()) if name
    }  # fmt: skip


def _open_ones(index: Index, row: Row) -> list[str]:
    """The providers that neither a person nor a stop keeps from being sent something of it."""
    shut = index.stops().keys() | index.pauses().keys()
    if row["paused"] or "" in shut:
        return []
    return [name for name in dict.fromkeys(providers_of(row)) if name not in shut]


def _passing(index: Index, row: Row, home: Home, settings: Settings, day: str) -> list[str]:
    """Put back after a try that surely cost nothing, and sent again by itself: the provider asked to wait."""
    if row["held"] is not None or row["cancelled"]:
        return []
    open_ones, outages = _open_ones(index, row), index.outages()
    troubled = [(name, outages[name]) for name in open_ones if name in outages]
    if troubled:
        unfinished = index.state(row) in UNFINISHED
        return [outage(name, each) for name, each in troubled if unfinished and not each["given_up"]]
    if _why_nothing_is_sent(index, row, home, settings, day or budget.today()):
        return []
    waiting = [each for name, each in _next(index, row).items() if name in open_ones]
    return [f"{each['reason']} It is sent again by itself." for each in waiting if each["reason"]]


def no_room(home: Home, settings: Settings, index: Index | None = None) -> str:
    """Words when nothing new may be sent because the disk is nearly full, read-only or away; else empty.

    With an index, what is on its way must find room too, and one more item.
    """
    least = settings.limits.free_disk_bytes
    coming = (index.outputs_on_the_way() + 1) * index.usual_bytes() if index else 0
    for place in (home.root, home.projects):
        try:
            free, read_only = shutil.disk_usage(place).free, os.statvfs(place).f_flag & os.ST_RDONLY
        except OSError as error:
            return f"{place} cannot be reached ({error.strerror}); nothing new is sent until it can."
        if read_only:
            return f"The disk of {place} is read-only; nothing new is sent until it can be written again."
        if free < least + coming:
            few = f"Less than {least // 1_000_000} MB are free on the disk of {place}"
            beside = (
                f" beside the {max(coming // 1_000_000, 1)} MB that what is on its way may take"
                if free >= least
                else ""
            )
            return f"{few}{beside}; nothing new is sent until there is."
    return ""


def _no_folder(home: Home, project: str) -> str:
    """Words when something lies where the project's folder must be; else empty."""
    place = home.projects / existing_project(home.projects, project)
    if not os.path.lexists(place) or place.is_dir():
        return ""
    return f"{place} is not a folder, so nothing can be put there. Move it away; the work goes on by itself."


def status(home: Home, index: Index | None, settings: Settings, holder: Mapping[str, Any] | None) -> dict[str, Any]:
    """`status --json` and `/api/v1/status`."""
    rows = index.orders(200) if index else []
    orders = [order_document(index, row, reasons(index, row, home, settings), products=False) for row in rows if index]
    return {
        "home": str(home.root),
        "daemon": dict(holder) if holder else None,
        "inbox": _names(settings.inbox.path or home.inbox),
        "held": [name for name in _names(home.held) if not name.endswith(".why.txt")],
        "rejected": [name for name in _names(home.rejected) if not name.endswith(".error.txt")],
        "why": {"held": _words(home.held, ".why.txt"), "rejected": _words(home.rejected, ".error.txt")},
        "paused": index.pauses().get("") if index else None,
        "providers": _providers(index) if index else {},
        "no_room": no_room(home, settings, index),
        "open": [order for order in orders if order["status"] in UNFINISHED],
        "recent": [order for order in orders if order["status"] not in UNFINISHED][:20],
        "products": [
            {key: product[key] for key in (*PRODUCT, "order_id", "created_at")}
            for product in (index.newest_products(12) if index else [])
        ],
        "spent_usd": usd(index.spent_in_all() if index else 0),
        "budget": budget.standing(index, settings, budget.today()),
    }  # fmt: skip


def _names(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    return sorted(each.name for each in folder.iterdir() if not each.name.startswith("."))


def _words(folder: Path, suffix: str) -> dict[str, str]:
    """What is said beside the newest entries: name to words."""
    if not folder.is_dir():
        return {}
    newest = heapq.nlargest(MOST_WORDS, ((_age(path), path) for path in folder.glob(f"*{suffix}")))
    return {path.name.removesuffix(suffix): _beginning(path) for _, path in newest}


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _beginning(path: Path) -> str:
    """The first lines; empty when a person just took the file away."""
    try:
        with path.open("rb") as file:
            return file.read(WORD_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def why(home: Home, index: Index | None, settings: Settings, given: str) -> tuple[str, bool]:
    """What became of a file, in words, and whether anything is known of it at all. The newest of its name counts."""
    path = Path(given)
    name = path.name.removesuffix(".error.txt").removesuffix(".why.txt")
    if os.path.lexists(home.inbox / name):
        return f"{home.inbox / name} lies in the Inbox and has not been taken yet (it must lie quiet first).", True
    product = _why_product(home, index, path) if index else ""
    if product:
        return product, True
    found = [*_why_set_aside(home, name), *(_why_order(home, index, settings, name) if index else ())]
    return (max(found)[1], True) if found else (f"Nothing is known of {given}.", False)


def _why_set_aside(home: Home, name: str) -> Iterator[tuple[float, str]]:
    """When, and the word beside it."""
    for folder, suffix in ((home.rejected, ".error.txt"), (home.held, ".why.txt")):
        word = folder / (name + suffix)
        if word.is_file() and os.path.lexists(folder / name):
            yield word.stat().st_mtime, f"{folder / name}\n\n{word.read_text(errors='replace').rstrip()}"


def _why_product(home: Home, index: Index, path: Path) -> str:
    place = path.resolve()
    projects, root = home.projects.resolve(), home.root.resolve()
    if place.is_relative_to(projects):  # which may be a link to another disk
        place = root / home.projects.name / place.relative_to(projects)
    product = index.find_product(str(place.relative_to(root))) if place.is_relative_to(root) else None
    order = index.order(product["order_id"]) if product else None
    item = index.item(order["id"], product["number"]) if product and order else None
    if product and not order:
        return (
            f"{path.name} was made by order {product['order_id']}, which is not known here. Its sidecar tells the rest."
        )
    if not (product and order and item):
        return ""
    return (
        f"{path.name} is product {product['place']} of order {order['name']} ({order['id']}), "
        f"made from {item['generation']}."
    )


def _why_order(home: Home, index: Index, settings: Settings, name: str) -> Iterator[tuple[float, str]]:
    """The newest order that a file of this name became: its state, what it waits for, what failed."""
    rows = [row for row in index.orders() if row["file"] == name or row["name"] == Path(name).stem]
    for row in rows[:1]:
        lines = [f"{name} became order {row['name']} ({row['id']}): {index.state(row)}."]
        lines += [row["folder"]] if row["folder"] else []
        failed = index.items(row["id"], (ItemState.FAILED, ItemState.IN_DOUBT), MOST_FAILURES)
        lines += reasons(index, row, home, settings)
        lines += [f"Item {item['number']}, {item['state']}: {item['reason']}" for item in failed]
        yield datetime.fromisoformat(row["accepted_at"]).timestamp(), "\n".join(lines)
