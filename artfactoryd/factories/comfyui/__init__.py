"""A ComfyUI of one's own: free, and never asked to do the same thing twice.

Each create carries an id of ours, made from the attempt, so one whose answer was lost is looked up by it. Queue and
history live in ComfyUI's memory: what neither has is not there, and where no node costs money, nothing was bought.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePath
from urllib.parse import quote

from artfactoryd.core.json_types import Document, JsonValue
from artfactoryd.core.model import Model
from artfactoryd.errors import (
    AskAgain,
    CallRefused,
    OutputLost,
    ProviderError,
    ProviderStopped,
    RunFailed,
    Throttled,
    Unreachable,
)
from artfactoryd.factories import Absent, Attempt, Call, Outputs, ProviderSettings, Ticket, Uploaded
from artfactoryd.factories.comfyui.client import USUAL, ComfyClient, form, shows_key
from artfactoryd.factories.comfyui.nodes import Node, completed
from artfactoryd.factories.comfyui.prompts import body, not_taken, partly_wrong, prompt_id, recipe_of, taken_as
from artfactoryd.factories.comfyui.results import Ended, Slip, in_history, is_queued, is_running, outcome, read_ended
from artfactoryd.factories.comfyui.workflow import NotAWorkflow, Recipe
from artfactoryd.factories.http.answer import Answer, fields, text
from artfactoryd.factories.http.transport import READ, UPLOAD, trusted

FOLDER = "artfactory"  # in ComfyUI's input folder
UPLOAD_LIVES = timedelta(hours=1)  # ComfyUI keeps it for ever; a person may tidy up there, or take another machine
CERTAIN = timedelta(minutes=2)  # after which no create can be on its way any more
APART = 1.5  # seconds, at least, between two looks that show a younger create's absence


def make(settings: ProviderSettings, work: Path) -> ComfyUI:
    return ComfyUI(settings)


class ComfyUI:
    name = "comfyui"
    first_ask = 0.3

    def __init__(self, settings: ProviderSettings, steady: Callable[[], float] = time.monotonic) -> None:
        self._base = (settings.addresses.get("base_url") or USUAL).rstrip("/")
        self._key, self._timeout, self._steady = (settings.api_key or "").strip(), settings.timeout, steady
        self.output_hosts = trusted(self._base, "")
        self._client = ComfyClient(self._base)
        self._costs: dict[str, bool] = {}  # by class of nodes, whether others run it for money
        self._missed: dict[str, float] = {}  # by attempt, when it was first seen that nobody has it
        self._stopped: set[str] = set()  # prompts that were cancelled from here

    async def submit(self, call: Call) -> Ticket:
        recipe, name = recipe_of(call), prompt_id(call.attempt)
        key = self._key_for(recipe, await self._paid(recipe))
        document = body(call, recipe, name, key)
        answer, error = await self._client.create(lambda: (f"{self._base}/prompt", document), self._timeout)
        outputs = {node: recipe.workflow.named(node) for node in recipe.outputs}
        if own := taken_as(answer):
            return Slip(own, outputs, partly_wrong(answer, recipe.workflow), bool(recipe.paid)).ticket()
        if answer.status == 500 and await self._is_absent(name):  # its own word, after which nothing comes
            raise CallRefused(f"ComfyUI failed on this before it was queued (500): {answer.reason()}.")
        raise not_taken(error, answer, self._base, recipe.workflow) from error

    async def collect(self, ticket: Ticket) -> Outputs | None:
        slip = Slip.read(ticket)
        run = await self._look(slip.prompt_id)
        if run is _QUEUED:
            return None
        if run is None:
            raise self._gone(slip)
        return outcome(run, slip, self._base)

    async def cancel(self, ticket: Ticket) -> None:
        """Out of the queue, and stopped only where it is the one that runs: what else runs there is none of ours."""
        name = Slip.read(ticket).prompt_id
        self._stopped.add(name)
        await self._told("/queue", {"delete": [name]})
        if is_running(_answered(await self._client.ask("GET", f"{self._base}/queue")), name):
            await self._told("/interrupt", {"prompt_id": name})

    async def probe(self) -> None:
        _answered(await self._client.ask("GET", f"{self._base}/prompt"))

    async def complete(self, model: Model) -> Document:
        """Of the classes of its nodes alone: ComfyUI's word on all of them is megabytes."""
        try:
            recipe = Recipe.read(model.recipe)
        except NotAWorkflow as error:
            raise CallRefused(f"{error}. {error.fix}") from error
        nodes = {kind: await self._node(kind) for kind in recipe.workflow.kinds}
        missing = [kind for kind, node in nodes.items() if node is None]
        if missing:
            words = f"The ComfyUI at {self._base} has no node of the class {', '.join(missing)}"
            raise CallRefused(f"{words}: install the custom nodes that bring it.")
        return completed(recipe, model.schema, {kind: node for kind, node in nodes.items() if node})

    async def upload(self, name: str, data: bytes, mime: str) -> Uploaded:
        """Under the name of its content, so that the same picture lies there once."""
        file = f"{hashlib.sha256(data).hexdigest()[:32]}{PurePath(name).suffix.lower()}"
        parts, kind = form({"type": "input", "subfolder": FOLDER, "overwrite": "true"}, file, data, mime)
        answer = await self._client.put("/upload/image", parts, kind, READ + len(data) / UPLOAD)
        put = fields(answer.accepted())
        own = text(put.get("name"))
        if own is None:
            raise _not_put(answer, name)
        folder = text(put.get("subfolder"))
        expires_at = (datetime.now(UTC) + UPLOAD_LIVES).isoformat(timespec="seconds")
        return Uploaded(f"{folder}/{own}" if folder else own, expires_at, UPLOAD_LIVES.total_seconds())

    async def reconcile(self, doubts: Sequence[Attempt], known: Sequence[Attempt]) -> Mapping[str, Ticket | Absent]:
        """Each by its own id. One that nobody has was not taken: believed at once of an old one, else at a second look,
        and never of one with a node that costs money, for a restart of ComfyUI forgets it."""
        told: dict[str, Ticket | Absent] = {}
        for doubt in doubts:
            answer = await self._became(doubt)
            if answer is not None:
                told[doubt.id] = answer
        return told

    async def _became(self, doubt: Attempt) -> Ticket | Absent | None:
        name, recipe = prompt_id(doubt.id), recipe_of(doubt.call)
        if await self._look(name) is not None:
            outputs = {node: recipe.workflow.named(node) for node in recipe.outputs}
            return Slip(name, outputs, is_paid=bool(recipe.paid)).ticket()
        return Absent() if not recipe.paid and self._is_surely_absent(doubt) else None

    async def close(self) -> None:
        await self._client.close()

    async def _paid(self, recipe: Recipe) -> list[str]:
        """The classes of its nodes that others run for money; asked once for each class. Before anything is sent, so
        that whatever keeps it from being told is an outage, and no doubt."""
        try:
            for kind in recipe.workflow.kinds:
                if kind not in self._costs:
                    node = await self._node(kind)
                    self._costs[kind] = node is not None and node.is_paid
        except AskAgain as error:
            raise Unreachable(f"{error} Nothing was sent.", error.after) from error
        return [kind for kind in recipe.workflow.kinds if self._costs[kind]]

    def _key_for(self, recipe: Recipe, paid: Sequence[str]) -> str:
        """The key that is sent along: none where nothing costs money. Raises CallRefused."""
        if not paid:
            return ""
        words = f"Others run {', '.join(paid)} for money"
        if not set(paid) <= set(recipe.paid):
            raise CallRefused(f"{words}, which nobody knew when this was ordered. Order it again. Nothing was sent.")
        if not self._key:
            how = "say where the key of your account at Comfy is: providers.comfyui.api_key"
            raise CallRefused(f"{words}: {how}. Nothing was sent.")
        if shows_key(self._base):
            how = "over plain http others could read the key on its way. Let providers.comfyui.base_url be https"
            raise CallRefused(f"{words}, and {how}. Nothing was sent.")
        return self._key

    def _is_surely_absent(self, doubt: Attempt) -> bool:
        now = self._steady()
        first = self._missed.setdefault(doubt.id, now)
        return now - first >= APART or datetime.now(UTC) - doubt.asked_at > CERTAIN

    async def _look(self, name: str) -> Ended | None:
        """What became of it; `_QUEUED` while it waits or runs; None where neither queue nor history has it.

        A prompt goes from the queue into the history, so asked in that order it is never missed between them.
        """
        answer = await self._client.ask("GET", f"{self._base}/api/jobs/{quote(name, safe='')}")
        if answer.status != 404:
            return read_ended(_answered(answer)) or _QUEUED
        # It is unknown, or this ComfyUI is older than that address.
        if is_queued(_answered(await self._client.ask("GET", f"{self._base}/queue")), name):
            return _QUEUED
        history = await self._client.ask("GET", f"{self._base}/history/{quote(name, safe='')}")
        return in_history(_answered(history), name)

    async def _is_absent(self, name: str) -> bool:
        try:
            return await self._look(name) is None
        except ProviderError:
            return False

    def _gone(self, slip: Slip) -> ProviderError:
        """Nobody has it any more."""
        if slip.prompt_id in self._stopped:
            return RunFailed("It was taken out of ComfyUI's queue.", charged=slip.is_paid, cancelled=True)
        words = "ComfyUI no longer knows this: it was started again, or its queue was cleared"
        if slip.is_paid:
            return OutputLost(f"{words}. A node of it costs money.", passing=True)
        return RunFailed(f"{words}. It costs nothing and is made again.", charged=False, passing=True)

    async def _told(self, path: str, document: Mapping[str, JsonValue]) -> None:
        _answered(await self._client.tell(path, document), empty=True)

    async def _node(self, kind: str) -> Node | None:
        answer = await self._client.ask("GET", f"{self._base}/object_info/{quote(kind, safe='')}")
        return Node.read(_answered(answer), kind) if answer.status != 404 else None


_QUEUED = Ended()


def _answered(answer: Answer, *, empty: bool = False) -> JsonValue:
    """The document that a question was answered with. Raises what it means that it was not."""
    value = answer.accepted()
    if answer.ok and (value is not None or empty):
        return value
    reason = answer.reason()
    if answer.status in (401, 403, 407):
        raise ProviderStopped(f"What answers in place of ComfyUI lets nobody in ({answer.status}): {reason}.")
    if answer.status == 429:
        raise Throttled(f"ComfyUI asks to wait (429): {reason}.", answer.wait())
    kind = Unreachable if answer.status is None or answer.status >= 500 else AskAgain
    raise kind(f"ComfyUI does not say just now ({answer.status}): {reason}.", answer.wait())


def _not_put(answer: Answer, name: str) -> ProviderError:
    if answer.status in (400, 413, 415, 422):
        return CallRefused(f"ComfyUI did not take {name} ({answer.status}): {answer.reason()}. Nothing was queued.")
    kind = Unreachable if answer.status is None or answer.status >= 500 else AskAgain
    return kind(f"ComfyUI did not take {name} ({answer.status}): {answer.reason()}.", answer.wait())
