"""From a claim to an order: rejected, held, or accepted. Each step finds on a second run what the first one left.

The ids are the claim's own (document 2 is the claim's id plus 1), so a kill between accepting and
clearing never makes a second order.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from artfactoryd import documents, failpoints, news
from artfactoryd.clock import Age
from artfactoryd.entries import bounded
from artfactoryd.errors import ArtFactoryError, Problem, Refusal
from artfactoryd.home import Home
from artfactoryd.intake import attachments, lone_picture, notices, order_folder, order_lines, own_folder, put_back
from artfactoryd.intake.attachments import Attachments
from artfactoryd.intake.claim import Claim
from artfactoryd.intake.claims import Claims
from artfactoryd.intake.key_notices import KeyNotices
from artfactoryd.intake.outcomes import Accepted, Held, Lack, Outcome, PutBack, Rejected, Waiting
from artfactoryd.intake.recipes import of_claim
from artfactoryd.live_settings import LiveSettings
from artfactoryd.log import fields as log_fields
from artfactoryd.planning import inputs
from artfactoryd.planning.accepted import document_bytes, plan_of
from artfactoryd.planning.inputs import InputsMissing
from artfactoryd.planning.model_choice import Heard, ModelsUnknown
from artfactoryd.planning.model_discovery import Descriptions
from artfactoryd.planning.origin import Origin
from artfactoryd.planning.planner import Scholar, Study, most_bytes
from artfactoryd.shelf.scanning.scanner import Scanner
from artfactoryd.storage import budget
from artfactoryd.storage.database import DatabaseError
from artfactoryd.storage.events import Acceptance, Approval, Approved, CommandDone, Event
from artfactoryd.storage.rows import OrderRow
from artfactoryd.storage.writer import Books
from artfactoryd.storage.writing.holds import approved

log = logging.getLogger(__name__)

MOST_READINGS = 3
GATHERED = "kept"  # in a claim's folder: pictures its orders name that lie neither in it nor beside it


def _ids(rows: Sequence[OrderRow]) -> tuple[str, ...]:
    return tuple(row.id for row in rows)


class Intake:
    def __init__(
        self, home: Home, claims: Claims, books: Books, settings: LiveSettings, clock: Callable[[], datetime],
        descriptions: Descriptions, key_notices: KeyNotices, scanner: Scanner,
    ) -> None:  # fmt: skip
        self._home, self._claims, self._books, self._descriptions = home, claims, books, descriptions
        self._key_notices = key_notices
        self._settings, self._clock, self._ages = settings, clock, dict[str, Age]()  # of claims that await a picture
        self._attachments, self._scanner = Attachments(), scanner
        self._whole: set[str] = set()  # claims that are taken as they are
        self._opening = asyncio.Lock()
        self._new: set[str] = set()  # orders accepted by this process, of which no folder was begun yet

    async def take(self, claim: Claim) -> Outcome:
        """Take what was dropped to its next resting place.

        Raises StorageFull, OSError and OutputBad with nothing lost: take it again at a later look.
        """
        with log_fields(order=claim.id):
            if claim.stray:
                word = await attachments.known_in(claim, self._scanner)
                return await asyncio.to_thread(self._take_stray, claim, word)
            return await self._take(claim)

    def _take_stray(self, claim: Claim, word: str) -> PutBack | Rejected:
        index = self._books.index
        if not word and (place := lone_picture.put_back(self._home, index, claim)):
            self._claims.clear(claim)
            return PutBack(place)
        path = self._claims.reject(claim, word or lone_picture.words(self._home, index, claim) or claim.stray)
        news.tell(news.OrderRejected(file=claim.name, path=str(path)))
        return Rejected(path)

    async def _take(self, claim: Claim) -> Outcome:
        if not self._books.index.orders_of_claim(claim.id):
            outcome = await self._take_new(claim)
            if outcome is not None:
                return outcome
        await asyncio.to_thread(self._attachments.decided, claim)
        return await self.settle(claim, self._books.index.orders_of_claim(claim.id))

    async def _take_new(self, claim: Claim) -> Outcome | None:
        """What is not in the books yet. None: now it is, and remains to be settled."""
        approved = await self._approved_by(claim)
        if approved:
            return await self._approve_by_drop(claim, approved)
        decided = await self._decide_safely(claim)
        if not isinstance(decided, list):
            return decided
        await self._books.record(*decided)
        self._new.update(line.order for line in decided if isinstance(line, Acceptance))
        failpoints.point("order_accepted")
        return None

    async def _decide_safely(self, claim: Claim) -> Outcome | list[Event]:
        """Whatever in one file this program was not made for costs that file and no other. Nothing is recorded here."""
        try:
            return await self._decide(claim)
        except (ArtFactoryError, OSError, DatabaseError):  # of the disk and the books: not of this file
            raise
        except ImportError as error:
            return Waiting(Lack.ROOM, f"A part of the program is away ({error}): it was replaced. Start it again.")
        except Exception as error:
            log.exception("%s is set aside: a defect of this program", claim.name)
            return await self._reject(claim, [notices.defect(claim.name, claim.id, error)])

    async def _decide(self, claim: Claim) -> Outcome | list[Event]:
        """What becomes of it, or the lines that make orders of it."""
        if self._is_young(claim) and put_back.awaits_picture(self._home, self._books.index, claim):
            return Waiting(Lack.PICTURE, "The picture that belongs to it may be dropped a moment later.")
        if place := await asyncio.to_thread(self._put_back, claim):
            return PutBack(place)
        return await self._read(claim)

    def _put_back(self, claim: Claim) -> Path | None:
        index, layout = self._books.index, self._settings.now.products.sidecars
        place = put_back.put_back(self._home, index, claim, layout) or own_folder.put_back(self._home, index, claim)
        if place is not None:
            self._claims.clear(claim)
        return place

    async def settle(self, claim: Claim, rows: Sequence[OrderRow]) -> Accepted | Held:
        """What remains to be done for orders that are in the books: `rows`, all of the claim."""
        if any(row.is_held for row in rows):
            return Held(_ids(rows))
        ready = [row for row in rows if not row.cancelled]
        for row in ready:
            await self.open_folder(row, claim)
            await asyncio.to_thread(self._note_key, row.id)
        held = {row.entry for row in rows if row.held_entry}
        binned = any(self._claims.held_gone(entry) for entry in held)
        for entry in held:
            await asyncio.to_thread(self._claims.drop_held, entry)
        await asyncio.to_thread(self._lay_out, claim, ready, binned)
        return Accepted(_ids(rows), _ids(ready))

    def _note_key(self, order_id: str) -> None:
        if (row := self._books.index.order(order_id)) is not None:
            self._key_notices.note(row)

    def _lay_out(self, claim: Claim, ready: Sequence[OrderRow], binned: bool) -> None:
        """The claim is cleared; what it holds beside what its orders used goes to Rejected with a word first: it may be
        the only copy."""
        left = attachments.leftovers(claim, [picture["value"] for row in ready for picture in row.inputs])
        if claim.is_order_folder:
            left = own_folder.beyond_shelf(self._home, self._books.index, claim, left)
        if claim.kind == "file":
            for path in left:
                self._set_aside(path, notices.left_text(path.name, claim.name, bool(ready)))
        elif left and ready:
            attachments.strip(claim, left)
            self._set_aside(claim.entry, notices.left_text(claim.name, claim.name, True))
        elif left and not binned:
            self._claims.reject(claim, notices.left_text(claim.name, claim.name, False))
        self._claims.clear(claim)

    def _set_aside(self, path: Path, text: str) -> None:
        taken_at = self._clock().isoformat(timespec="milliseconds")
        aside = self._claims.take(path, id=str(uuid.uuid4()), project=None, taken_at=taken_at)
        if aside is not None:
            self._claims.reject(aside, text)

    async def _read(self, claim: Claim) -> Rejected | Waiting | list[Event]:
        try:
            studies = await self._understand(claim)
        except Refusal as refusal:
            if text := self._in_editors(claim, refusal):
                return Waiting(Lack.EDITOR, text)
            if isinstance(refusal, InputsMissing) and self._may_wait(claim, refusal):
                missing = "\n".join(str(problem) for problem in refusal.problems)
                return Waiting(Lack.PICTURE, f"{missing}\nIt may be dropped a moment later: a minute is waited for it.")
            if closed := [problem for problem in refusal.problems if problem.code == attachments.NOT_READABLE]:
                return Waiting(Lack.ROOM, "\n".join(map(str, closed)))
            return await self._reject(claim, refusal.problems)
        failpoints.point("order_read")
        return await self._orders(claim, studies)

    async def _reject(self, claim: Claim, problems: Sequence[Problem]) -> Rejected:
        text = notices.rejection_text(claim.submitted or claim.name, problems, was_submitted=bool(claim.submitted))
        path = await asyncio.to_thread(self._claims.reject, claim, text)
        await asyncio.to_thread(self._attachments.decided, claim)
        codes = tuple(problem.code for problem in problems)
        news.tell(news.OrderRejected(file=claim.name, path=str(path), codes=codes))
        return Rejected(path)

    async def _understand(self, claim: Claim) -> list[Study]:
        """Models that are not in the catalogue are asked about between two readings."""
        try:
            return await self._read_once(claim, self._descriptions.heard())
        except ModelsUnknown as unknown:
            if not unknown.names:
                raise
            return await self._read_once(claim, await self._descriptions.learn(unknown.names))

    async def _read_once(self, claim: Claim, heard: Heard) -> list[Study]:
        scanned = await attachments.check(claim, self._scanner)
        studies = await asyncio.to_thread(self._counted_reading, claim, heard)
        await attachments.check(claim, self._scanner, scanned)  # what was taken along meanwhile
        return studies

    def _counted_reading(self, claim: Claim, heard: Heard) -> list[Study]:
        if self._claims.begin_reading(claim) > MOST_READINGS:
            raise Refusal([notices.poison(claim.name)])
        failpoints.point("reading")
        try:
            return self._study_with_pictures(claim, heard)
        finally:  # however it ends: what is counted is deaths
            self._claims.finish_reading(claim)

    def _study_with_pictures(self, claim: Claim, heard: Heard) -> list[Study]:
        """What it names is taken along from where it lay, as far as it is there."""
        try:
            return self._study(claim, heard)
        except InputsMissing as missing:
            settings, wall = self._settings.now, self._clock().timestamp()
            copied = self._attachments.take_along(
                claim, missing.names, settle=settings.inbox.settle_seconds, wall=wall,
                most_bytes=settings.limits.product_bytes,
            )  # fmt: skip
            if not copied:
                raise
            failpoints.point("companions_copied")
            return self._study(claim, heard)

    def _in_editors(self, claim: Claim, refusal: Refusal) -> str:
        """What of it a person has open, where nothing else is wrong; in words."""
        may_come = isinstance(refusal, InputsMissing) and refusal.may_come
        return self._attachments.in_editors(claim) if may_come else ""

    def _may_wait(self, claim: Claim, missing: InputsMissing) -> bool:
        """For a file that is dropped a moment later than its order; what `submit` brought came whole."""
        came_whole = claim.id in self._whole or bool(claim.submission())
        return missing.may_come and not came_whole and self._is_young(claim)

    def given_back(self, claim: Claim) -> None:
        """It lies in the inbox again, as if it had never been taken."""
        self._attachments.given_back(claim)
        self._ages.pop(claim.id, None)

    def takes_as_whole(self, claim: Claim) -> None:
        """Nothing is waited for that it names."""
        self._whole.add(claim.id)

    def _is_young(self, claim: Claim) -> bool:
        age = Age(datetime.fromisoformat(claim.taken_at), self._clock)
        return self._ages.setdefault(claim.id, age).seconds < attachments.PATIENCE

    def is_spoken_for(self, stray: Path) -> bool:
        return self._attachments.is_spoken_for(stray)

    async def clear_inbox(self) -> None:
        """Pictures that orders took along go from the inbox, once no order dropped with them may still want one."""
        if self._attachments.any_safe:
            await asyncio.to_thread(self._attachments.take_away)

    def _study(self, claim: Claim, heard: Heard) -> list[Study]:
        submission = claim.submission()
        stem = str(submission.get("name") or Path(claim.name).stem)
        origin = Origin(
            claim.document, stem, claim.project, bool(submission.get("rehearse")), claim.beside,
            claim.folder / GATHERED, defaults=claim.defaults, copy_of=own_folder.original(self._books.index, claim),
            agent=claim.agent,
        )  # fmt: skip
        scholar = Scholar(self._home, self._settings.now, self._books.index, self._clock, heard)
        return scholar.study(bounded(claim.order_file, most_bytes(self._settings.now)), origin)

    async def _orders(self, claim: Claim, studies: Sequence[Study]) -> list[Event]:
        """The lines for all documents of the file together: accepted, or all held."""
        git = await asyncio.to_thread(of_claim, claim, self._settings.now)
        lines: list[Event] = [order_lines.acceptance(claim, study, self._clock, git) for study in studies]
        if any(study.reasons for study in studies):
            fingerprint = await asyncio.to_thread(self._claims.fingerprint, claim)
            first = order_lines.order_id(claim.id, studies[0].document.number)
            text = notices.hold_text(claim.name, studies, first, claim.agent)
            entry = await asyncio.to_thread(self._claims.hold, claim, text)
            lines += [order_lines.hold(claim, study, entry, fingerprint) for study in studies]
        return lines

    # --- approval ---

    async def _approved_by(self, claim: Claim) -> list[OrderRow]:
        """The held orders this was moved out of Held/ to approve: exactly their bytes, and their entry is gone."""
        done = self._books.index.answer(claim.id)
        if done is not None:  # killed between the approval and its end
            return self._books.index.orders_of_claim(done["claim"])
        held = self._books.index.held_orders()
        if not held:
            return []
        fingerprint = await asyncio.to_thread(self._claims.fingerprint, claim)
        same = [row for row in held if row.held_fingerprint == fingerprint and claim.may_mean(row)]
        twins = [row for row in same if self._claims.held_gone(row.entry)]
        return [row for row in twins if row.claim == twins[0].claim]

    async def _approve_by_drop(self, claim: Claim, rows: Sequence[OrderRow]) -> Accepted | Held:
        """The claim's id is the id of the command that it stands for, so it is carried out once. What an agent asked
        for no drop approves."""
        word = CommandDone(id=claim.id, name="approve", answer={"claim": rows[0].claim})
        held = [row for row in rows if row.is_held]
        if any(row.agent or not reason.waivable for row in held for reason in row.reasons):
            if self._books.index.answer(claim.id) is None:
                await self._books.record(word)
            await self._stay_held(claim, held)
            outcome: Accepted | Held = Held(_ids(held))
        elif held:
            outcome = await self.approve(held, word)
        else:
            outcome = await self.finish_claim(rows[0].claim)
        await asyncio.to_thread(self._claims.clear, claim)
        if isinstance(outcome, Accepted):  # what was cancelled before is no news of this drop
            outcome = Accepted(outcome.ready, outcome.ready)
        return outcome

    async def _stay_held(self, claim: Claim, rows: Sequence[OrderRow]) -> None:
        """Approving is not enough here: the entry is laid back, with words that say so."""
        text = notices.unwaivable_text(claim.name, rows)
        for original in await asyncio.to_thread(self._claims.open):
            if original.id == rows[0].claim:
                await asyncio.to_thread(self._claims.restore_held, original, rows[0].entry, text)

    async def approve(self, rows: Sequence[OrderRow], *also: Event) -> Accepted | Held:
        """Waive the reasons shown and raise the cap to the price shown. `also`: of the same step."""
        lines = [
            Approval(
                order=row.id, waived=[reason.code for reason in row.reasons], cap=max(row.cap, self._price(row)),
                of=approved(row),
            )
            for row in rows
        ]  # fmt: skip
        await self._books.record(*lines, *also)
        failpoints.point("order_approved")
        return await self.finish_claim(rows[0].claim)

    def _price(self, row: OrderRow) -> int:
        """The one shown with the reasons."""
        if row.folder and approved(row) != Approved.ORDER:
            return budget.whole_price(self._books.index, row)
        return row.price or 0

    async def finish_claim(self, claim_id: str) -> Accepted | Held:
        """Settle the orders of a claim that a person has decided about, whether the claim is still open or not."""
        rows = self._books.index.orders_of_claim(claim_id)
        for claim in await asyncio.to_thread(self._claims.open):
            if claim.id == claim_id:
                return await self.settle(claim, rows)
        return Accepted(_ids(rows), _ids([row for row in rows if not row.cancelled]))

    async def open_folder(self, row: OrderRow, claim: Claim | None = None) -> None:
        """The order's folder, complete before anything is sent; found again by the order's id."""
        async with self._opening:  # the claim's taking and the order's expansion may both come for it
            await self._open_folder(self._books.index.order(row.id) or row, claim)

    async def _open_folder(self, row: OrderRow, claim: Claim | None) -> None:
        if row.folder is None:
            if claim is None and row.inputs:
                opened = await asyncio.to_thread(self._claims.open)
                claim = next((claim for claim in opened if claim.id == row.claim), None)
            lying = partial(inputs.lying, claim.beside, claim.folder / GATHERED) if claim else None
            document = (
                await asyncio.to_thread(_as_dropped, row, claim, most_bytes(self._settings.now)) if claim else None
            )
            is_new = row.id in self._new
            self._new.discard(row.id)
            folder = await asyncio.to_thread(
                order_folder.open_folder, self._home, row, plan_of(row), lying, document, is_new=is_new
            )  # fmt: skip
            await self._books.set_folder(row.id, str(folder.relative_to(self._home.root)))


def _as_dropped(row: OrderRow, claim: Claim, most: int) -> bytes | None:
    """The document byte for byte, with its signed addresses; None where the books have it whole."""
    if hashlib.sha256(document_bytes(row.document)).hexdigest() == row.document_sha256:
        return None
    data = bounded(claim.order_file, most)
    texts = (document.text for document in documents.read_documents(data, claim.name, most_bytes=len(data)))
    return next((text for text in texts if hashlib.sha256(text).hexdigest() == row.document_sha256), None)
