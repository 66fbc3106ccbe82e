"""Understanding an order file: documents -> orders -> plans -> reasons to hold. Writes and spends nothing.

`plan` and the taking of a file both come through here, so what is shown is what would be done.
"""

from __future__ import annotations

import base64
import difflib
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from artfactoryd import again, documents, inputs, library
from artfactoryd.again import Again
from artfactoryd.core.catalog import Catalog, Model, micro_dollars
from artfactoryd.core.dropped import BUNDLE_NAMES, is_bundle, is_order_name
from artfactoryd.core.order import Order, read_order
from artfactoryd.core.plan import Plan, PlannedItem, Reason, base_seed, make_plan, reasons_to_hold
from artfactoryd.documents import Document
from artfactoryd.errors import Problem, Refusal
from artfactoryd.gathering import Gathering
from artfactoryd.home import Home
from artfactoryd.index import Index
from artfactoryd.inputs import Input, InputsMissing
from artfactoryd.lookups import LookupFiles
from artfactoryd.patterns import Patterns
from artfactoryd.resolution import Resolved, resolve
from artfactoryd.settings import Settings
from artfactoryd.templates import TemplateFiles, TemplateTexts

LOCAL = "local"
READ_ON = frozenset({"E_UNKNOWN_KEY", "E_NOT_BUILT"})  # complaints that do not keep the rest from being understood


@dataclass(frozen=True, slots=True)
class Study:
    """One document of a file, understood: what it would do and what would hold it."""

    document: Resolved
    order: Order
    plan: Plan
    cap: int  # micro-dollars the order may spend unasked
    fingerprint: str
    reasons: tuple[Reason, ...]
    inputs: tuple[Input, ...] = ()
    library: Mapping[str, Any] = field(default_factory=dict)  # what it borrowed, as it was then

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.document.text).hexdigest()

    @property
    def provider(self) -> str:
        """Who really runs the items: a rehearsal is drawn here."""
        return LOCAL if self.order.rehearse else self.plan.model.provider


def name_of(file: Path) -> str:
    """What a file gives its order as name: its own, or that of the bundle whose order it is."""
    if file.name.lower() not in BUNDLE_NAMES:
        return file.stem
    folder = file.absolute().parent
    return folder.name if is_bundle([each.name for each in folder.iterdir() if is_order_name(each.name)]) else file.stem


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a file came from, as far as its content does not say."""

    file: str  # name for messages
    stem: str  # name of the order
    project: str | None = None  # of the drop-box
    rehearse: bool = False
    folder: Path | None = None  # where the pictures it names lie
    kept: Path | None = None  # where those from elsewhere are kept; None: nowhere
    again: Again | None = None  # the sidecar that it is made of


class Scholar:
    """Understands order files with what the library, the settings and the index say now."""

    def __init__(self, home: Home, settings: Settings, index: Index | None, clock: Callable[[], datetime]) -> None:
        self._home = home
        self._settings = settings
        self._index = index
        self._clock = clock
        self._catalog: Catalog | None = None

    def study(self, data: bytes, origin: Origin) -> list[Study]:
        """Every document of one file. Raises Refusal with everything wrong in all of them."""
        request = again.asked(data, origin.file)
        if request is not None:
            data, origin = request.text, replace(origin, again=request)
        found = documents.read_documents(data, origin.file, most_bytes=self._settings.limits.order_bytes)
        problems: list[Problem] = []
        missing: list[str] = []
        studies: list[Study] = []
        for document in found:
            complaints = _complaints(document)
            problems += complaints
            try:
                if all(complaint.code in READ_ON for complaint in complaints):
                    studies.append(self._one(self._resolved(document), origin, studies))
            except Refusal as refusal:
                problems += refusal.problems
                missing += refusal.names if isinstance(refusal, InputsMissing) else ()
        if problems:
            raise InputsMissing(problems, missing) if missing else Refusal(problems)
        return studies

    def _resolved(self, document: Document) -> Resolved:
        """With its templates. Raises Refusal; what is still missing then is told too."""
        found = resolve(document, TemplateFiles(self._home.library / "templates"))
        missing = documents.check_mapping(found.value, "order") if found.templates else []
        if missing:
            raise Refusal([found.locate(problem) for problem in missing])
        return found

    def _one(self, document: Resolved, origin: Origin, before: Sequence[Study]) -> Study:
        stem = origin.stem if document.count == 1 else f"{origin.stem}-{document.number}"
        order = read_order(document.value, name=stem, project=origin.project, rehearse=origin.rehearse)
        search = inputs.Search(self._gathering(origin), self._settings.limits.megapixels)
        table = self._table(document, order, search)
        plan = self._plan(document, order, table, Patterns(origin.folder, self._home.library, self._index))
        if origin.again:
            plan = replace(plan, warnings=(*plan.warnings, *origin.again.notes))
        search.look(plan)
        self._complain(document, search)
        found = list(search.found.values())
        plan = with_inputs(plan, [each.as_json() for each in found])
        library = _borrowed(document, order, plan, table)
        marks = [hashlib.sha256(json.dumps(library).encode()).hexdigest()] if library else []
        fingerprint = same(document.text, order.project, [*(each.sha256 for each in found), *marks])
        cap = micro_dollars(self._settings.budget.per_order if order.budget is None else order.budget)
        reasons = [*self._reasons(plan, cap), *self._repeats(fingerprint, order, before)]
        return Study(document, order, plan, cap, fingerprint, tuple(reasons), tuple(found), library)

    def _gathering(self, origin: Origin) -> Gathering:
        most_bytes = self._settings.limits.product_bytes
        sources = origin.again.sources if origin.again else {}
        row = self._index.order(origin.again.original) if self._index and origin.again else None
        earlier = self._home.root / row["folder"] if row and row["folder"] else None
        return Gathering(
            origin.folder, self._home.root, self._home.library, self._index, origin.kept, most_bytes, earlier, sources
        )

    def _table(self, document: Resolved, order: Order, search: inputs.Search) -> str | None:
        """The text of the .csv that the order's cases stand in."""
        if not isinstance(order.cases, str):
            return None
        found = search.table(order.cases, ("cases",), self._settings.limits.order_bytes)
        self._complain(document, search)
        return found

    def _plan(self, document: Resolved, order: Order, table: str | None, patterns: Patterns) -> Plan:
        lookups = LookupFiles(self._home.library / "lookups")
        plan = make_plan(
            order, self._model(document, order), self._base(document, order), written=document.written,
            check=documents.check_value, lookups=lookups, raw=document.raw, table=table,
            many=patterns,
        )  # fmt: skip
        found = [document.locate(problem) for problem in plan.problems] + lookups.problems
        if found:
            raise InputsMissing(found, patterns.missing) if patterns.missing else Refusal(found)
        return plan

    def _reasons(self, plan: Plan, cap: int) -> list[Reason]:
        ask_above = micro_dollars(self._settings.budget.ask_above)
        most_products = self._settings.limits.products_per_order
        return reasons_to_hold(plan, most_products=most_products, cap=cap, ask_above=ask_above)

    def _complain(self, document: Resolved, search: inputs.Search) -> None:
        if search.problems:
            located = [document.locate(problem) for problem in search.problems]
            raise InputsMissing(located, search.missing) if search.missing else Refusal(located)

    def _model(self, document: Resolved, order: Order) -> Model:
        catalog = self.catalog()
        if order.provider not in catalog.providers():
            near = difflib.get_close_matches(order.provider, catalog.providers(), n=1)
            fix = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(catalog.providers())}."
            problem = Problem("E_PROVIDER", f"there is no provider {order.provider!r}.", fix, ("provider",))
            raise Refusal([document.locate(problem)])
        model = catalog.find(order.provider, order.model)
        if model is None:
            known = [each.names[-1] for each in catalog if each.provider == order.provider]
            near = catalog.near(order.provider, order.model)
            fix = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(known)}."
            message = f"{order.provider} has no model {order.model!r} that is known here."
            raise Refusal([document.locate(Problem("E_MODEL", message, fix, ("model",)))])
        return model

    def catalog(self) -> Catalog:
        """Read afresh for each file, so that an edit in the Library counts at once."""
        if self._catalog is None:
            models, problems = library.load_catalog(self._home.library / "models")
            if problems:
                raise Refusal(problems)
            self._catalog = Catalog(models)
        return self._catalog

    def _base(self, document: Resolved, order: Order) -> int:
        sha256 = hashlib.sha256(document.text).hexdigest()
        return base_seed(order, self._index.real_runs(sha256) if self._index else 0)

    def _repeats(self, fingerprint: str, order: Order, before: Sequence[Study]) -> Iterator[Reason]:
        if order.rehearse:
            return
        for study in before:
            if study.fingerprint == fingerprint:
                yield Reason("duplicate", f"It says the same as document {study.document.number} of this file.")
                return
        for row in self._index.same_orders(fingerprint) if self._index else ():
            if self._counts_as_repeated(row):
                place = row["folder"] or "Held"
                yield Reason("duplicate", f"It is a duplicate of {row['name']} ({row['id'][:13]}, {place}).")
                return

    def _counts_as_repeated(self, row: Mapping[str, Any]) -> bool:
        assert self._index is not None
        if str(self._index.state(row)) in ("held", "queued", "processing"):
            return True
        recent = datetime.fromisoformat(row["accepted_at"]) + timedelta(minutes=self._settings.inbox.repeat_minutes)
        return recent > self._clock() and bool(self._index.attempts(row["id"]))


def with_inputs(plan: Plan, found: Sequence[Mapping[str, Any]]) -> Plan:
    """The plan with what only the pictures themselves tell: which they are, and how large."""
    sizes = {each["value"]: (each["width"], each["height"]) for each in found}
    return replace(plan, inputs={each["value"]: each["sha256"] for each in found}, input_sizes=sizes)


def _complaints(document: Document) -> list[Problem]:
    """What the schema has against it; what is missing may come from a template."""
    found = documents.check(document, "order")
    return [each for each in found if each.code != "E_REQUIRED" or each.path or "template" not in document.value]


def _borrowed(document: Resolved, order: Order, plan: Plan, table: str | None) -> dict[str, Any]:
    """What the order took from elsewhere, as it was: the acceptance keeps it."""
    lookups = {name: list(values) for name, values in plan.lookups.items() if name not in order.lookups}
    parts = (("templates", dict(document.templates)), ("lookups", lookups), ("table", table), ("many", dict(plan.many)))
    return {key: each for key, each in parts if each}


def same(document: bytes, project: str, files: Sequence[str] = ()) -> str:
    """Equal for orders that are the same again: document, project, and the bytes of the files it names."""
    parts = [document, project.encode("utf-8", "surrogatepass"), *(sha256.encode() for sha256 in files)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def document_text(document: bytes) -> str:
    """The bytes as text for a line of JSON; `document_bytes` gives them back unchanged."""
    try:
        return document.decode()
    except UnicodeDecodeError:
        return "base64:" + base64.b64encode(document).decode()


def document_bytes(text: str) -> bytes:
    return base64.b64decode(text[7:]) if text.startswith("base64:") else text.encode()


def _document(row: Mapping[str, Any]) -> Resolved:
    """As it was accepted, whatever the Library says by now."""
    document = documents.read_documents(document_bytes(row["document"]), row["file"])[0]
    return resolve(document, TemplateTexts(row["library"].get("templates", {})))


def order_of(row: Mapping[str, Any], document: Resolved | None = None) -> Order:
    """An accepted order, from what its acceptance recorded."""
    value = (document or _document(row)).value
    return read_order(value, name=row["name"], project=row["project"], rehearse=bool(row["rehearsal"]))


KEPT_PLANS = 32
_plans: dict[tuple[Any, ...], Plan] = {}


def plan_of(row: Mapping[str, Any]) -> Plan:
    """The plan of an accepted order, as it was when it was accepted. Orders never change, so the last few are kept."""
    key = tuple(row[name] for name in ("id", "document", "name", "project", "rehearsal", "base_seed"))
    found = _plans.get(key)
    if found is None:
        if len(_plans) >= KEPT_PLANS:
            _plans.clear()
        found = _plans[key] = _plan_again(row)
    return found


def _plan_again(row: Mapping[str, Any]) -> Plan:
    document = _document(row)
    order = order_of(row, document)
    model = Model.from_snapshot(row["model"])
    library = row["library"]
    plan = make_plan(
        order, model, row["base_seed"], written=document.written, check=documents.check_value,
        lookups=library.get("lookups", {}), raw=document.raw, table=library.get("table"),
        many=library.get("many", {}),
    )  # fmt: skip
    return with_inputs(plan, row["inputs"])


def expander(row: Mapping[str, Any]) -> tuple[str, Iterator[PlannedItem]]:
    """The items of an order that have no rows yet."""
    items = plan_of(row).items(row["expanded_items"] + 1, row["expanded_products"] + 1)
    return row["provider"], items
