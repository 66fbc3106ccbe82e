"""What a person says of products: liked, rated, tagged, noted, collected; and taken back.

Not here: how it gets into sidecars, and into the folders of collections.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import uuid_utils

from artfactoryd.core.money import dollars
from artfactoryd.core.names import counted, folded, nfc
from artfactoryd.core.order import name_problems
from artfactoryd.daemon.answers import Answer, no, yes
from artfactoryd.daemon.arranging.binning import Binning, back_words, later_words
from artfactoryd.errors import NoSuchProduct, WrongUse
from artfactoryd.execution.assembly import Execution
from artfactoryd.home import Home
from artfactoryd.printable import one_line, printable
from artfactoryd.shelf.arranging.clones import LIKED
from artfactoryd.storage import naming
from artfactoryd.storage.events import Bin, CommandDone, Mark
from artfactoryd.storage.index import Index
from artfactoryd.storage.marks import collected, releasing, undoing
from artfactoryd.storage.marks.applied import Said
from artfactoryd.storage.marks.collected import CloneRow
from artfactoryd.storage.rows import OrderRow, ProductRow
from artfactoryd.storage.writer import Books

HIGHEST = 5  # of ratings
LONGEST_TAG = 300  # characters, as in an order
LONGEST_NOTE = 10_000  # characters
ARRANGES = frozenset({"collect", "like", "bin", "undo", "approve"})  # commands after which collections may differ
Outcome = tuple[Answer, list[str]]  # what is answered, and the orders that may now be worked on


class Marking:
    def __init__(self, home: Home, books: Books, execution: Execution) -> None:
        self._books, self._execution = books, execution
        self._binning = Binning(home.root, books.index, execution.clock)
        self.acts: Mapping[str, Callable[[Mapping[str, Any]], Awaitable[Outcome]]] = {
            "like": self._mark, "tag": self._mark, "rate": self._mark, "note": self._mark,
            "collect": self._collect, "bin": self._bin, "undo": self._undo,
        }  # fmt: skip

    async def _mark(self, command: Mapping[str, Any]) -> Outcome:
        index = self._books.index
        products = _products_named(index, list(command.get("products") or ()))
        changed = list(_changed(index, command, products))
        released = _sent_on(index, changed)
        if released.most > (most := command.get("at_most", released.most)):
            words = f"up to {dollars(released.most)}, not {dollars(most)}"
            raise WrongUse(f"They would send on more than was shown: {words}.")
        marks = [_line(index, row, said, command["id"]) for row, said in changed]
        answer = yes(
            _done(command, len(marks), len(products)) + _words(released), products=[row.id for row in products]
        )
        lying = [clone for clone in command.get("lying") or () if isinstance(clone, CloneRow)]
        return await self._record(command, answer, marks, products, lying)

    async def _collect(self, command: Mapping[str, Any]) -> Outcome:
        """Into a collection, or out of it."""
        index = self._books.index
        name = collected.spelled(index, nfc(_collection(command)))
        if not (command.get("off") or command.get("lying")):
            products = _products_named(index, list(command.get("products") or ()))
            await asyncio.to_thread(self._execution.clones.check_room, products, name)
        return await self._mark({**command, "collection": name})

    async def _bin(self, command: Mapping[str, Any]) -> Outcome:
        """Into the bin of the shelf, or out of it."""
        products = _products_named(self._books.index, list(command.get("products") or ()))
        act = self._binning.out_of if command.get("restore") else self._binning.into
        lines, words = act(products, command["id"])
        return await self._record(command, yes(words, products=[row.id for row in products]), lines, products)

    async def _undo(self, command: Mapping[str, Any]) -> Outcome:
        """The last command that marked anything, whole; what it sent on already goes on."""
        index = self._books.index
        last = undoing.last(index)
        if last is None:
            return no("There is no mark to take back."), []
        if last.places:
            return await self._put_back(command, last)
        rows = [row for product in last.before if (row := index.product(product)) is not None]
        said = [(row, last.before[row.id]) for row in rows]
        released = _sent_on(index, said)
        marks = [replace(_line(index, row, before, ""), undoes=last.command) for row, before in said]
        named = f"{rows[0].path} is" if len(rows) == 1 else f"{counted(len(rows), 'product')} are"
        words = f"Taken back: {last.name}. {named} marked as before.{_words(released)}"
        answer = yes(words, products=[row.id for row in rows])
        return await self._record(command, answer, marks, rows)

    async def _put_back(self, command: Mapping[str, Any], last: undoing.Undoable) -> Outcome:
        lines = self._binning.back(last.places, last.command)
        rows = [row for line in lines if (row := self._books.index.product(line.product)) is not None]
        answer = yes(f"Taken back: {last.name}. {back_words(lines)}", products=[row.id for row in rows])
        return await self._record(command, answer, lines, rows)

    async def send_on(self, command: Mapping[str, Any], row: OrderRow, found: Sequence[ProductRow]) -> Outcome:
        """What is liked by what the shelf tells alone is liked by a person from now on."""
        released = releasing.released(self._books.index, [product.id for product in found])
        marks = [_line(self._books.index, product, Said.of(product), command["id"]) for product in found]
        words = f"{row.name} goes on with {counted(len(found), 'picture')} liked on the shelf.{_words(released)}"
        return await self._record(command, yes(words, order_id=row.id), marks, found)

    async def _record(
        self,
        command: Mapping[str, Any],
        answer: Answer,
        marks: Sequence[Mark | Bin],
        products: Sequence[ProductRow],
        lying: Sequence[CloneRow] = (),
    ) -> Outcome:
        """`lying`: clones that a person put there already."""
        done = CommandDone(id=command["id"], name=command["name"], answer=answer)
        async with self._execution.clones.standing_still():
            await self._books.record(*marks, done)
            if lying:
                await self._execution.clones.take_over(lying)
        order_ids = list(dict.fromkeys(row.order_id for row in products))
        for order_id in order_ids:
            self._execution.wake(order_id)
        moved = [mark.product for mark in marks if isinstance(mark, Bin)]
        await self._execution.bin.follow(moved)
        if waiting := self._execution.bin.waiting(moved):
            answer = {**answer, "text": later_words(waiting, len(moved))}
        await self._execution.cards.write_first()
        if command["name"] in ARRANGES:
            await self._execution.clones.follow_first()
        return answer, [order_id for order_id in order_ids if marks and self._goes_on(order_id)]

    def _goes_on(self, order_id: str) -> bool:
        """A mark may feed a later stage: something of it may be sent now."""
        row = self._books.index.order(order_id)
        names = dict.fromkeys(row.providers) if row else ()
        return any(self._books.index.planned_items(order_id, name, 1) for name in names)


def _done(command: Mapping[str, Any], changed: int, named: int) -> str:
    """What was done to how many of those that were named."""
    rating, many = command.get("rating"), changed > 1
    collection = command.get("collection")
    rated = "without a rating now" if rating is None else f"rated {rating} of {HIGHEST}"
    what, nothing = {
        "like": ("marked as liked", "that is marked as liked already"),
        "rate": (rated, "that is the rating already"),
        "note": ("noted" if command.get("notes") else "without notes now", "these are the notes already"),
        "tag": ("other tags now", "these are the tags already"),
        "collect": (f"in {collection} now", f"that is in {collection} already"),
    }[command["name"]]  # fmt: skip
    if command["name"] == "collect" and command.get("off"):
        what, nothing = f"in {collection} no more", f"that is not in {collection}"
    if command["name"] == "like" and command.get("off"):
        what, nothing = "marked no more", "there is no mark to take off"
    verb = ("have" if many else "has") if command["name"] == "tag" else ("are" if many else "is")
    return f"{changed} of {counted(named, 'product')} {verb} {what}." if changed else f"Nothing changes: {nothing}."


def _line(index: Index, row: ProductRow, said: Said, command: str) -> Mark:
    """Whole: the tags of its order are its own from then on."""
    tags = _tags_of_order(index, row) if said.tags is None else said.tags
    collections = [] if said.collections is None and row.collections is not None else said.collections
    return Mark(
        id=str(uuid_utils.uuid7()), product=row.id, liked=said.liked, tags=tags, rating=said.rating, notes=said.notes,
        collections=collections, command=command,
    )  # fmt: skip


def _tags_of_order(index: Index, row: ProductRow) -> list[str]:
    order = index.order(row.order_id)
    return order.tags if order else []


def _sent_on(index: Index, changed: Sequence[tuple[ProductRow, Said]]) -> releasing.Released:
    return releasing.released(index, [row.id for row, said in changed if said.liked and (row.found or not row.liked)])


def _words(released: releasing.Released) -> str:
    if not released.items:
        return ""
    return f" {counted(released.items, 'item')} may be sent for them, for up to {dollars(released.most)}."


def _products_named(index: Index, names: Sequence[str]) -> list[ProductRow]:
    """The products of these names, each once (storage/naming). Raises where one of them is not to be had."""
    if not names:
        raise NoSuchProduct("Name a product by its path in Projects or by its id.")
    products = [naming.product_named(index, name) for name in names]
    return list({product.id: product for product in products}.values())


def _changed(
    index: Index, command: Mapping[str, Any], products: Sequence[ProductRow]
) -> Iterator[tuple[ProductRow, Said]]:
    """Of each product that it changes, what is said of it from then on."""
    change = _CHANGES[command["name"]](command)
    for product in products:
        own = _tags_of_order(index, product) if product.tags is None else product.tags
        before = replace(Said.of(product), tags=own)
        if (after := change(before)) != before or (product.found and after.liked):
            yield product, after


def check(command: Mapping[str, Any]) -> None:
    """Raises WrongUse for a mark that no product can have, so that of several said together none is made then."""
    if command["name"] == "collect":
        _collection(command)
    else:
        _CHANGES[command["name"]](command)


def _collection(command: Mapping[str, Any]) -> str:
    given = str(command.get("collection") or "").strip()
    if problem := next(iter(name_problems(given, "collection")), None):
        raise WrongUse(f"{problem.sentence} {problem.fix}")
    if folded(given) == folded(LIKED):
        raise WrongUse(f"{LIKED} shows what you like: `like` puts a product there, `like --off` takes it away.")
    return given


def _liked(command: Mapping[str, Any]) -> Callable[[Said], Said]:
    return lambda said: replace(said, liked=not command.get("off"))


def _rated(command: Mapping[str, Any]) -> Callable[[Said], Said]:
    """None: the rating is taken away."""
    rating = command.get("rating")
    if rating is not None and (isinstance(rating, bool) or rating not in range(HIGHEST + 1)):
        raise WrongUse(f"A rating is a whole number from 0 to {HIGHEST}.")
    return lambda said: replace(said, rating=rating)


def _noted(command: Mapping[str, Any]) -> Callable[[Said], Said]:
    """Empty: there are no notes from then on, also where its order has some."""
    notes = str(command.get("notes") or "").strip()
    if len(notes) > LONGEST_NOTE:
        raise WrongUse(f"Notes have at most {LONGEST_NOTE:,} characters, these have {len(notes):,}.")
    if printable(notes) != notes:
        raise WrongUse(f"The notes hold a control character: {one_line(notes)}")
    return lambda said: replace(said, notes=notes)


def _collected(command: Mapping[str, Any]) -> Callable[[Said], Said]:
    name = command["collection"]

    def change(said: Said) -> Said:
        others = [one for one in said.collections or [] if one != name]
        now = others if command.get("off") else [*others, name]
        return said if set(now) == set(said.collections or []) else replace(said, collections=now)

    return change


def _tagged(command: Mapping[str, Any]) -> Callable[[Said], Said]:
    changes = list(command.get("changes") or ())
    if not changes:
        raise WrongUse("Say which tags: +TAG puts one on, -TAG takes one off.")
    for change in changes:
        if one_line(change) != change:
            raise WrongUse(f"The tag {one_line(change[1:])} holds a control character or a line break.")
        if len(change) - 1 > LONGEST_TAG:
            raise WrongUse(f"A tag has at most {LONGEST_TAG} characters, this one has {len(change) - 1}.")
    return lambda said: replace(said, tags=_tags(said.tags or [], changes))


def _tags(before: list[str], changes: list[str]) -> list[str]:
    """`changes`: +tag and -tag, in their order."""
    tags = dict.fromkeys(before)
    for change in changes:
        if change[0] == "+":
            tags[change[1:]] = None
        else:
            tags.pop(change[1:], None)
    return list(tags)


_CHANGES: Mapping[str, Callable[[Mapping[str, Any]], Callable[[Said], Said]]] = {
    "like": _liked, "rate": _rated, "note": _noted, "tag": _tagged, "collect": _collected,
}  # fmt: skip
