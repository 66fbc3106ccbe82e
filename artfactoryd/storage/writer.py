"""The books: ledger first, then the index, then the act. One thread owns the pen.

Moves waiting at the same time are written together: their lines in one append and one flush, their
changes in one transaction. Each is guarded on its own, so one illegal move fails alone.

    check and change (uncommitted)  ->  append the lines, flush  ->  commit with the ledger's place

Killed before the append: nothing happened. Killed after it: the next start applies the lines beyond
the place the index has recorded, by the same code. The same is done at once when only the commit
fails: what the ledger holds is true, and nothing else is written before the index has followed.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path

from artfactoryd import failpoints
from artfactoryd.clock import iso
from artfactoryd.core.expansion.plan import PlannedItem
from artfactoryd.durable import make_folders
from artfactoryd.errors import IllegalMove, IndexGone, StorageFull, StorageSick
from artfactoryd.home import Home
from artfactoryd.medium import in_words
from artfactoryd.storage import derived, events, in_doubt, ledger, months, projection
from artfactoryd.storage import transitions as legal
from artfactoryd.storage.database import DatabaseError, trouble
from artfactoryd.storage.engines.troubles import OF_VALUES, UNWRITTEN, is_trouble
from artfactoryd.storage.events import Event, Folder
from artfactoryd.storage.index import Index
from artfactoryd.storage.ledger import Ledger, Position
from artfactoryd.storage.lists import words
from artfactoryd.storage.rows import ItemKey, OrderRow, OutageRow, QuestionRow
from artfactoryd.storage.writing import exchange
from artfactoryd.storage.writing.moves import NOTHING, Move, touched, wake
from artfactoryd.storage.writing.recent import Recent

log = logging.getLogger(__name__)

Expander = Callable[[OrderRow], tuple[Sequence[str], Iterator[PlannedItem]]]  # order row -> who runs each
# of its models, items to come
Listener = Callable[[Index, Sequence[Event]], None]
OTHER_STATE = (
    "Or the file is whole, and the index is from another state of it: `artfactoryd reindex` makes the index again from "
    f"the ledger alone, and says so if the file is at fault. {months.RESTORE}"
)
MOST_TOGETHER = 256
MOST_MISSED = 4 * MOST_TOGETHER  # lines that a kill may leave untold; more of them come from an older index put back
ONLY_READING = "whether all in it is as it was only reading it all can tell: `artfactoryd reindex`"
MOST_SEARCHED = 500  # products whose words are taken in at once: others wait meanwhile
TELL_EVERY = 1000  # lines
COMMIT_AGAIN = 1.0  # seconds between tries to commit what the ledger already holds


class Books:
    """Open at most once in a home, by the holder of its lock. `clock` gives aware datetimes.

    `listener` is told what was recorded, by the thread that wrote it, before whoever asked for it goes on.
    """

    def __init__(
        self, ledger_folder: Path, index_file: Path, expander: Expander, clock: Callable[[], datetime],
        listener: Listener | None = None,
    ) -> None:  # fmt: skip
        self._folder = ledger_folder
        self._file = index_file
        self._expander = expander
        self._clock = clock
        self._listener = listener
        self._moves: queue.SimpleQueue[Move | None] = queue.SimpleQueue()
        self._door = threading.Lock()  # nothing is put behind the end of the queue
        self._closing = threading.Event()
        self._behind: StorageSick | None = None  # the index could not follow the ledger
        self._recent = Recent()
        self._exchanging = threading.Lock()  # the index that has the name is about to be another one
        self._ready: Future[None] = Future()
        self._thread = threading.Thread(target=self._write, name="books", daemon=True)
        self._thread.start()
        self._ready.result()
        self.index = Index.look(index_file)  # for reading, by whichever thread asks
        self.index.recent = self._recent

    async def exchange_index(self, home: Home) -> Path | None:
        """The one that was made beside it (storage/rebuild) takes its place, with all that was written since; where the
        old one is kept. On an error the old one stands as it did."""
        kept: list[Path | None] = []

        def place(index: Index) -> None:
            with closing(Index.open(exchange.new_index(home))) as made:
                catch_up(made, self._folder, self._expander)
                exchange.carry_over(self._file, made)
            index.close_all()
            kept.append(exchange.put_in_place(home, self._clock()))

        await self._put(Move(instead=place))
        return kept[0]

    def check_index(self) -> None:
        """Raise IndexGone when its name no longer leads to the file that is written: who looks goes by the name."""
        try:
            with self._exchanging:
                is_there = self.index.has_its_name()
        except (OSError, StorageFull, DatabaseError):
            return  # nobody can look just now: it is no other
        if not is_there:
            words = f"The index {self.index.engine.name} was taken away or exchanged while it was in use."
            raise IndexGone(
                f"{words} Nothing is lost with it: start again, and it is made again from the ledger and the shelf."
            )

    # --- the only ways to write ---

    async def record(self, *events: Event) -> None:
        """Durable in the ledger and visible in the index when this returns; all of them or none.

        Raises IllegalMove, StorageFull (nothing was written) or StorageSick (stop the program).
        """
        at = self._now()
        step = tuple(event if event.at else replace(event, at=at) for event in events)
        await self._put(Move(step, ledger.encode([event.to_line() for event in step])))

    async def expand(self, order: OrderRow) -> None:
        """The item rows of an accepted order, in chunks that let other moves pass. Harmless when done twice."""
        providers, items = await asyncio.to_thread(self._expander, order)
        while chunk := await asyncio.to_thread(_take, items):
            change = partial(derived.add_items, order_id=order.id, providers=providers, items=chunk)
            await self._put(Move(change=change))

    async def set_folder(self, order_id: str, folder: str) -> None:
        """Where an order's folder is. It has a line, so that a lost index does not lose it."""
        await self.record(Folder(order=order_id, folder=folder))

    async def remember_upload(self, provider: str, sha256: str, address: str, expires_at: str | None) -> None:
        """Where a picture was put: free to do again, so it needs no line."""
        known = (provider, sha256, address, expires_at)
        await self._put(Move(change=partial(derived.remember_upload, known=known)))

    async def remember_questions(self, questions: Sequence[QuestionRow]) -> None:
        """What was asked about attempts in doubt: free to ask again, so it needs no line."""
        if questions:
            await self._put(Move(change=partial(in_doubt.remember, questions=tuple(questions))))

    async def note_receipts(self, place: str) -> None:
        """All receipts are up to date with the ledger up to here; without it more of them are looked at."""
        await self._put(Move(change=partial(derived.note_receipts, place=place), touches=NOTHING))

    async def take_into_search(self) -> None:
        """The words of what was made since; free to take in later, so it needs no line."""
        await self._put(Move(change=partial(words.fill, most=MOST_SEARCHED), touches=NOTHING))

    async def note_outage(self, provider: str, outage: OutageRow | None) -> None:
        """That a provider does not answer just now, or (None) that it does: it concerns no money, and has no line."""
        await self._put(Move(change=partial(derived.note_outage, provider=provider, outage=outage)))

    async def note_item(self, key: ItemKey, words: str | None) -> None:
        """Why an item does not go on just now (None: it does), for those who look from outside; it has no line."""
        await self._put(Move(change=partial(derived.note_item, key=key, words=words)))

    async def note(self, change: Callable[[Index], None]) -> None:
        """Of no row that is remembered; free to find out again, so it needs no line."""
        await self._put(Move(change=change, touches=NOTHING))

    async def _put(self, move: Move) -> None:
        move.waiter = asyncio.get_running_loop().create_future()
        with self._door:
            if self._closing.is_set():
                raise StorageSick("The books are closed.")
            self._moves.put(move)
        await move.waiter  # a caller that is cancelled cancels no write: what was asked for will be in the ledger

    def close(self) -> None:
        """Everything asked for before is written first."""
        with self._door:
            self._closing.set()
            self._moves.put(None)
        self._thread.join()
        self.index.close()

    @property
    def alive(self) -> bool:
        """Whether what is asked for will be written."""
        return self._thread.is_alive()

    def _now(self) -> str:
        return iso(self._clock())

    # --- the thread ---

    def _write(self) -> None:
        try:
            make_folders(self._file.parent, 0o700)
            with closing(Index.open(self._file)) as index, closing(Ledger(self._folder)) as book:
                missed: deque[Event] = deque(maxlen=MOST_MISSED + 1)
                catch_up(index, self._folder, self._expander, missed.append)
                self._tell(index, tuple(missed) if len(missed) <= MOST_MISSED else ())
                self._ready.set_result(None)
                for together in self._batches():
                    if together[0].instead:
                        self._exchange(index, together[0])
                    else:
                        self._write_together(index, book, together)
        except BaseException as error:
            if self._ready.done():
                raise
            self._ready.set_exception(error)

    def _batches(self) -> Iterator[list[Move]]:
        while (first := self._moves.get()) is not None:
            together = [first]
            while len(together) < MOST_TOGETHER and not (together[-1].instead or self._moves.empty()):
                following = self._moves.get()
                if following is None:
                    yield together
                    return
                if following.instead:
                    yield together
                    together = []
                together.append(following)
            yield together

    def _exchange(self, index: Index, move: Move) -> None:
        """Between two writings, so that nothing is lost. Who reads just now reads the old one to its end."""
        assert move.instead is not None
        with self._exchanging:
            try:
                move.instead(index)
                move.settle()
            except Exception as error:
                move.settle(error)
            index.reopen()
            self.index.reopen()
        self._recent.forget(None)
        wake([move])

    def _write_together(self, index: Index, book: Ledger, together: Sequence[Move]) -> None:
        written = False
        try:
            if self._behind:
                raise self._behind
            with index.changing():
                legal = self._apply(index, together)
                if steps := [move.data for move in legal if move.data]:
                    position = book.append(steps, self._month())
                    written = True
                    failpoints.point("ledger_written")
                    _remember(index, position, book.mark())
        except Exception as error:
            self._make_good(index, book, together, written, error)
        self._recent.forget(touched(together))
        done = [move for move in together if not move.settled]
        self._tell(index, [event for move in done for event in move.events])
        wake(together)

    def _tell(self, index: Index, events: Sequence[Event]) -> None:
        """What is done is done, whatever becomes of this."""
        if self._listener and events:
            try:
                self._listener(index, events)
            except Exception:
                log.exception("what was recorded could not be told: a defect of this program")

    def _apply(self, index: Index, together: Sequence[Move]) -> list[Move]:
        """Inside the open transaction: all in one step, or, where one of them is illegal, each in its own."""
        try:
            with index.step():
                for move in together:
                    move.apply(index)
            return list(together)
        except Exception as error:
            if is_trouble(error):
                raise
            return [move for move in together if self._try(index, move)]

    def _try(self, index: Index, move: Move) -> bool:
        """Apply one move inside the open transaction; an illegal one is undone alone."""
        try:
            with index.step():
                move.apply(index)
            return True
        except Exception as error:
            if is_trouble(error):  # perhaps nothing is left of the transaction: no move of it may go on
                raise
            move.settle(error)
            return False

    def _make_good(self, index: Index, book: Ledger, together: Sequence[Move], written: bool, error: Exception) -> None:
        """Nothing was committed. If the ledger has the lines all the same, the index must follow it."""
        waiting = [move for move in together if not move.settled]
        if isinstance(error, DatabaseError):
            log.error("the index could not be written: %s", error)
            book.give_room()
            error = trouble(self._file, error)
        if written:
            self._behind = self._follow_ledger(index)
            waiting = [move for move in waiting if self._behind or not move.data]
            passing = StorageFull("The index could not be written just now. It is tried again.").titled(UNWRITTEN)
            error = self._behind or passing
        for move in waiting:
            move.settle(error)

    def _follow_ledger(self, index: Index) -> StorageSick | None:
        """However long the disk takes to have room; why not, when that is hopeless or the program ends."""
        while True:
            try:
                catch_up(index, self._folder, self._expander)
                return None
            except DatabaseError as error:
                log.error("the index cannot follow the ledger (%s); trying until it can", error)
            except Exception as error:
                log.exception("the index cannot follow the ledger")
                return StorageSick(f"The index cannot follow the ledger ({in_words(error)}). Start again.")
            if self._closing.wait(COMMIT_AGAIN):
                return StorageSick("The program ended before the index had followed the ledger. Start again.")

    def _month(self) -> str:
        return self._clock().astimezone().strftime("%Y-%m")


def catch_up(
    index: Index, folder: Path, expander: Expander, heard: Callable[[Event], object] = lambda event: None, *,
    anew: bool = False, at_work: bool = False, passed: Callable[[Position], object] = lambda position: None,
) -> int:  # fmt: skip
    """Apply the ledger's lines beyond the place the index has recorded, each `heard`. The number of lines applied.

    `anew`: into an index that knows of nothing else, so that a line that does not fit is itself at fault. `passed`:
    told from time to time how far it is. `at_work`: somebody writes lines meanwhile, so that one may be there in half.
    """
    done = 0
    with index.changing():
        position = known = Position.parse(index.meta("ledger"))
        if changed := ledger.difference(folder, known, index.ledger_mark()):
            words = f"The ledger was cut or exchanged: {changed}. {ledger.AS_IT_WAS.capitalize()}"
            raise StorageSick(words).titled(months.CHANGED)
        for path in ledger.touched(folder, known, index.ledger_mark()):
            log.warning("%s was written by another program since. It is as long as it was, and %s", path, ONLY_READING)
        for line, position in ledger.read(folder, known, aloud=not at_work):
            try:
                event = events.from_line(line)
                _apply_again(index, event, expander)
                heard(event)
            except (IllegalMove, LookupError, TypeError, ValueError, AttributeError, *OF_VALUES) as error:
                raise _unfit(folder, position, error, anew) from error
            done += 1
            if done % TELL_EVERY == 0:
                passed(position)
        position = position if at_work else ledger.behind_torn(folder, position)
        _remember(index, position, ledger.mark_at(folder, position))
    return done


def _unfit(folder: Path, position: Position, error: Exception, anew: bool) -> StorageSick:
    path = folder / position.file
    number = ledger.line_number(path, position.line)
    why = str(error) if isinstance(error, IllegalMove) else f"it says nothing of {error}"
    why = f"its kind is not known here: {error}" if isinstance(error, events.UnknownKind) else why
    way_out = months.way_out(path, position.line == 0) if anew else OTHER_STATE
    return StorageSick(
        f"{path}, line {number}, does not fit the lines before it ({why.rstrip('.')}). "
        f"It or one before it was damaged or changed by hand, or a newer artfactoryd wrote it. {way_out}"
    ).titled(months.CHANGED)


def _apply_again(index: Index, event: Event, expander: Expander) -> None:
    try:
        projection.apply_again(index, event)
    except legal.UnknownItem as error:
        order = index.order(error.order_id)
        if order is None:
            raise
        providers, items = expander(order)
        while chunk := _take(items):
            derived.add_items(index, order.id, providers, chunk)
        projection.apply_again(index, event)


def _remember(index: Index, position: Position, mark: str) -> None:
    sql = "INSERT INTO meta (key, value) VALUES ('ledger', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
    index.run(sql, str(position))
    index.run("INSERT OR REPLACE INTO ledger_mark (id, mark) VALUES (1, ?)", mark)


def _take(items: Iterator[PlannedItem]) -> list[PlannedItem]:
    return list(islice(items, derived.CHUNK))
