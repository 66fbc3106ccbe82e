"""What became of a file, in words."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator
from datetime import datetime
from pathlib import Path

from artfactoryd import entries
from artfactoryd.core import inbox_rules
from artfactoryd.core.lifecycle import UNFINISHED_ORDERS, ItemState
from artfactoryd.entries import readable
from artfactoryd.errors import WrongUse
from artfactoryd.home import Home
from artfactoryd.printable import redact
from artfactoryd.reporting.inbox import WAITS, is_empty_dropbox, lying, orders_waiting
from artfactoryd.reporting.waiting import reasons
from artfactoryd.reporting.words import ended_words, items_words, parameter_words
from artfactoryd.settings import Settings
from artfactoryd.storage import naming
from artfactoryd.storage.index import Index
from artfactoryd.storage.lists import order_lists
from artfactoryd.storage.rows import OrderRow, ProductRow

MOST_BYTES = 1 << 20  # of an order's file that is looked at
ENDINGS = ("", ".yaml", ".yml", ".json")  # of an order's file, which may be called without
MOST_FAILURES = 20  # reasons told by `why`; `order ID` shows all


def why(home: Home, index: Index | None, settings: Settings, given: str, *, latest: bool = False) -> tuple[str, bool]:
    """What became of a file, a product or an order, in words, and whether anything is known of it at all.

    What lies in Held or Rejected counts before orders that are older. Raises AmbiguousName when several orders or
    products are called so, unless the `latest` is asked for, and WrongUse for what names no file.
    """
    if Path(given).name.strip() in ("", ".."):
        raise WrongUse("Name a file, an order or a product: `why FILE`.")
    name = Path(given).name.removesuffix(".error.txt").removesuffix(".why.txt")
    inbox = settings.inbox.path or home.inbox
    folder = _folder(home, inbox, given)
    for whole in (home.held, home.rejected):  # what lies in a folder there is told of as that is
        if folder is not None and folder != whole and folder.is_relative_to(whole):
            folder, name = whole, folder.relative_to(whole).parts[0]
            given = str(whole / name)
    if folder is None or folder.is_relative_to(inbox):
        entry = (folder or inbox) / name
        if os.path.lexists(entry):
            return _why_in_inbox(entry, inbox, home), True
        if words := _why_waiting(home, name):
            return words, True
    product = _why_product(home, index, given, latest) if index else ""
    if product:
        return product, True
    is_word = folder == home.held and given.endswith(".why.txt")  # perhaps about an order that waits for a key
    from_inbox = folder is None or folder.is_relative_to(inbox) or is_word
    orders = _orders(home, index, given, name if from_inbox else "") if index else []
    folders = (home.rejected, home.held) if folder is None or from_inbox else (folder,)
    set_aside = max(_why_set_aside(home, name, folders), default=None)
    if set_aside and not any(_accepted(order) > set_aside[0] for order in orders):
        return set_aside[1], True
    if not orders or index is None:
        return f"Nothing is known of {given}.", False
    return _why_order(home, index, settings, name, naming.one_of(index, given, orders, latest)), True


def _folder(home: Home, inbox: Path, given: str) -> Path | None:
    """In which folder a path says that it lies: as it stands, or within the home. None of a bare name."""
    if "/" not in given:
        return None
    path = Path(given).expanduser()
    forms: tuple[Path, ...] = (path.absolute().parent, (home.root / path).parent, path.absolute().parent.resolve())
    if not path.exists() and os.path.lexists(inbox / path):
        forms = ((inbox / path).parent,)
    known = (inbox, home.held, home.rejected)
    for form in forms:
        for folder in known:
            for base in (folder, folder.resolve()):
                if form.is_relative_to(base):
                    return folder / form.relative_to(base)
    return forms[0]


def _why_in_inbox(path: Path, inbox: Path, home: Home) -> str:
    try:
        entries.check_readable(path)
    except OSError as error:
        return f"{path} lies in the Inbox and cannot be taken: {error.filename} cannot be read ({error.strerror})."
    if path.name.startswith("."):
        return f"{path} {inbox_rules.LEFT_ALONE}."
    if inbox_rules.is_junk(path.name):
        return f"{path} {inbox_rules.PASSED_OVER}."
    if is_empty_dropbox(path):
        return f"{path} is an empty drop-box: an order dropped into it belongs to the project {readable(path.name)}."
    name = readable(str(path.relative_to(inbox)))
    waiting = orders_waiting(inbox, home.claims)
    if words := waiting.get(name) or waiting.get(name.split("/")[0]):
        return f"{path} waits: {words}"
    if words := lying(inbox).get(name):
        return f"{path} {words}."
    return f"{path} lies in the Inbox and has not been taken yet (it must lie quiet first)."


def _why_waiting(home: Home, name: str) -> str:
    """Of what is taken and not yet an order, held or rejected."""
    for claim in home.claims.glob("[!.]*"):
        words = claim / WAITS
        for dropped in (claim / "dropped").glob("*"):
            if name in (dropped.name, dropped.stem) and words.is_file():
                return f"{dropped.name} is taken, and waits: {entries.words_in(words).rstrip()}"
    return ""


def _why_set_aside(home: Home, name: str, folders: Collection[Path]) -> Iterator[tuple[float, str]]:
    """When, and the word beside it."""
    for folder, suffix in ((home.rejected, ".error.txt"), (home.held, ".why.txt")):
        for ending in ENDINGS if folder in folders else ():
            word = folder / (name + ending + suffix)
            if word.is_file() and os.path.lexists(folder / (name + ending)):
                yield word.stat().st_mtime, f"{folder / name}{ending}\n\n{_text_of(word)}"


def _text_of(word: Path) -> str:
    try:
        return entries.words_in(word).rstrip()
    except OSError as error:
        return f"The word beside it, {word.name}, cannot be read ({error.strerror})."


def _why_product(home: Home, index: Index, given: str, latest: bool) -> str:
    """Empty where no product is meant: then it may be an order."""
    products = naming.products_named(index, naming.product_given(home, given))
    if not products:
        return ""
    both: list[OrderRow | ProductRow] = [*products, *naming.orders_named(index, given)]
    meant = naming.one_of(index, given, sorted(both, key=lambda row: row.id, reverse=True), latest)
    return _made_by(index, Path(given).name, meant) if isinstance(meant, ProductRow) else ""


def _made_by(index: Index, name: str, product: ProductRow) -> str:
    order = index.order(product.order_id)
    item = index.item(product.order_id, product.number)
    if not order:
        return f"{name} was made by order {product.order_id}, which is not known here. Its sidecar tells the rest."
    if not item:
        return ""
    made = parameter_words(item.generation)
    return f"{name} is product {product.place} of order {order.name} ({order.id}), made with {made}."


def _orders(home: Home, index: Index, given: str, name: str) -> list[OrderRow]:
    """Those that are called so, else those that a file of this name became (a path: of these bytes); newest first."""
    if orders := naming.orders_named(index, naming.order_given(home, given)):
        return orders
    if name:
        return order_lists.of_file(index, readable(name), readable(Path(name).stem))
    sha256 = _sha256(Path(given).expanduser())
    return order_lists.of_bytes(index, sha256) if sha256 else []


def _sha256(path: Path) -> str:
    """Of an order's file, wherever it lies; empty where none is to be read."""
    try:
        return hashlib.sha256(entries.bounded(path, MOST_BYTES)).hexdigest() if path.is_file() else ""
    except OSError:
        return ""


def _accepted(order: OrderRow) -> float:
    return datetime.fromisoformat(order.accepted_at).timestamp()


def _why_order(home: Home, index: Index, settings: Settings, name: str, order: OrderRow) -> str:
    """What a file became: the order's state, what it waits for, what failed."""
    file = name if Path(name).stem == order.name else order.file
    counts = index.counts(order.id)
    state = index.state(order, counts)
    ended = ended_words(counts, by_person=bool(order.cancelled)) if state not in UNFINISHED_ORDERS else ""
    lines = [f"{file} became order {order.name} ({order.id}): {state}{f', {ended}' if ended else ''}."]
    if order.folder:
        lines.append(order.folder)
    failed = order_lists.failed_alike(index, order.id, MOST_FAILURES)
    lines += reasons(index, order, home, settings)
    lines += [f"{items_words(numbers)}, {state}: {redact(reason)}" for state, reason, numbers in failed]
    told = sum(len(numbers) for *_, numbers in failed)
    more = counts.get(ItemState.FAILED, 0) + counts.get(ItemState.IN_DOUBT, 0) - told
    if more:
        lines.append(f"And {more} more: `order {order.short}` tells of each.")
    return "\n".join(lines)
