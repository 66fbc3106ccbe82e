"""Understanding an order file: documents -> orders -> plans -> reasons to hold. Writes and spends nothing.

`plan` and the taking of a file both come through here, so what is shown is what would be done.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypedDict

from artfactoryd import documents, schema
from artfactoryd.clock import ago
from artfactoryd.core.catalog import Catalog
from artfactoryd.core.expansion.expand import base_seed, make_plan
from artfactoryd.core.expansion.hold_reasons import Reason, reasons_to_hold
from artfactoryd.core.expansion.plan import Plan
from artfactoryd.core.expansion.product_names import shadowed_names, wrong_names
from artfactoryd.core.expansion.proof import proof_numbers
from artfactoryd.core.grammar.wildcards import Wildcards
from artfactoryd.core.money import micro_dollars
from artfactoryd.core.names import PATTERN
from artfactoryd.core.order import Order, read_order
from artfactoryd.core.parameters.other_tools import other_tool
from artfactoryd.core.sheets import wishes
from artfactoryd.documents import Document
from artfactoryd.errors import MOST_PROBLEMS, Problem, Refusal, not_readable
from artfactoryd.errors import Path as KeyPath
from artfactoryd.home import Home
from artfactoryd.planning import inputs
from artfactoryd.planning import models as library
from artfactoryd.planning import remake as again
from artfactoryd.planning.accepted import LOCAL, price_in_order, with_inputs
from artfactoryd.planning.equal_items import Twins, with_any_seed
from artfactoryd.planning.fingerprint import content_of, fingerprint_of
from artfactoryd.planning.formats import too_long_for_webp
from artfactoryd.planning.input_patterns import Patterns
from artfactoryd.planning.input_sources import Gathering
from artfactoryd.planning.inputs import Input, InputsMissing
from artfactoryd.planning.lookups import LookupFiles
from artfactoryd.planning.model_choice import Choice, Heard, ModelsUnknown, Name, choose, files_as_text
from artfactoryd.planning.origin import Origin
from artfactoryd.planning.template_resolution import READ_ON, Resolved, complaints_of, readable_part, resolve
from artfactoryd.planning.templates import TemplateFiles
from artfactoryd.planning.to_buy import Needs, needs_of
from artfactoryd.settings import Settings
from artfactoryd.storage.index import Index
from artfactoryd.storage.lists import order_lists
from artfactoryd.storage.rows import OrderRow


def most_bytes(settings: Settings) -> int:
    """Of a file that may be an order or a sidecar: what is larger is neither."""
    return max(settings.limits.order_bytes, again.MOST_BYTES)


class Borrowed(TypedDict, total=False):
    """What an order took from elsewhere, as it was then: the acceptance records it, and makes the plan again of it."""

    templates: dict[str, str]  # texts, by name
    defaults: dict[str, str]  # texts of its drop-box's, by where they stand
    lookups: dict[str, list[str]]  # of the Library
    wildcards: dict[str, list[str]]  # of it, those with draws in their values
    table: str  # the text of the file that its cases stand in
    many: dict[str, Sequence[str]]  # pictures, by the pattern or query for them
    secrets: dict[str, str]  # hashes, by where the secret is
    seeds: dict[str, int]  # by item, of what it may be in place of its own (any-seed)
    nested: bool  # whether texts inside values were read
    file: str  # the settings' pattern for names


@dataclass(frozen=True, slots=True)
class Study:
    """One document of a file, understood: what it would do and what would hold it."""

    document: Resolved
    order: Order
    plan: Plan
    cap: int  # micro-dollars the order may spend unasked
    fingerprint: str
    content: str
    reasons: tuple[Reason, ...]
    inputs: tuple[Input, ...] = ()
    library: Borrowed = field(default_factory=Borrowed)
    found: Needs | None = None  # what of it is to be bought; None: all of it
    proof: Sequence[int] = ()  # items made first

    @property
    def needs(self) -> Needs:
        return self.found or Needs(self.plan.buying, self.plan.total_items)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.document.text).hexdigest()

    @property
    def provider(self) -> str:
        """Who really runs the items: a rehearsal is drawn here."""
        return LOCAL if self.order.rehearse else self.plan.model.provider


@dataclass
class _Wrong:
    """What is wrong with all the documents of a file."""

    problems: list[Problem] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)  # inputs that may still come
    unknown: list[Name] = field(default_factory=list)  # models that a provider may know

    def add(self, refusal: Refusal) -> None:
        self.problems += refusal.problems
        if isinstance(refusal, InputsMissing):
            self.missing += refusal.names
        if isinstance(refusal, ModelsUnknown):
            self.unknown += refusal.names

    def refuse(self) -> None:
        """Raises what fits, where anything is wrong."""
        if self.unknown:
            raise ModelsUnknown(self.problems, self.unknown)
        if self.problems:
            raise InputsMissing(self.problems, self.missing) if self.missing else Refusal(self.problems)


class Scholar:
    """Understands order files with what the library, the settings and the index say now."""

    def __init__(
        self, home: Home, settings: Settings, index: Index | None, clock: Callable[[], datetime],
        heard: Heard | None = None,
    ) -> None:  # fmt: skip
        """`heard`: what providers said about models that the catalogue does not know."""
        self._home = home
        self._heard = heard or Heard()
        self._settings = settings
        self._index = index
        self._clock = clock
        self._catalog: Catalog | None = None

    def study(self, data: bytes, origin: Origin) -> list[Study]:
        """Every document of one file. Raises Refusal with everything wrong in all of them.

        ModelsUnknown when a provider may know a model that is not known here: ask it, and study again.
        """
        try:
            return self._studies(data, origin)
        except OSError as error:  # of the Library, of a picture, of the program's own files
            raise Refusal([not_readable(error)]) from error

    def _studies(self, data: bytes, origin: Origin) -> list[Study]:
        request = again.asked(data, origin.file, lambda card: price_in_order(self._index, card))
        if request is not None:
            data, origin = request.text, replace(origin, again=request)
        documents_of_file = documents.read_documents(data, origin.file, most_bytes=self._settings.limits.order_bytes)
        wrong = _Wrong()
        studies: list[Study] = []
        for document in documents_of_file:
            if len(wrong.problems) > MOST_PROBLEMS:
                break
            if tool := other_tool(document.value):
                wrong.problems.append(document.locate(tool))
                continue
            box = {} if request else origin.defaults
            complaints = complaints_of(document, bool(box))
            wrong.problems += complaints
            if (readable := readable_part(document, complaints)) is None:
                continue
            try:
                resolved, problems = self._resolved(readable, box)
                studies.append(self._study(resolved, origin, studies, problems))
            except Refusal as refusal:
                wrong.add(refusal)
        wrong.refuse()
        return studies

    def _resolved(self, document: Document, box: Mapping[str, str]) -> tuple[Resolved, list[Problem]]:
        """With its templates and its drop-box's defaults, and what is wrong with them. Raises Refusal where the rest
        cannot be understood then."""
        wrong: list[Problem] = []
        resolved = resolve(document, TemplateFiles(self._home.library / "templates"), wrong, box)
        borrows = "template" in document.value or bool(box)  # an empty list of templates as well
        missing = schema.check_mapping(resolved.value, "order") if borrows else []
        if missing and not wrong:
            raise Refusal([resolved.locate(problem) for problem in missing])
        if any(problem.code not in READ_ON for problem in missing):
            raise Refusal(wrong)  # what is missing may stand in the template that is not there
        return resolved, wrong

    def _study(self, document: Resolved, origin: Origin, before: Sequence[Study], wrong: Sequence[Problem]) -> Study:
        """`before`: of the documents above it in the file. `wrong`: with its templates; what else is wrong is told
        with it. Raises Refusal."""
        order = self._order(document, origin)
        search = self._search(origin)
        table = self._table(document, order, search)
        plan = self._plan(document, order, table, wrong, Patterns(origin.folder, self._home.library, self._index))
        plan, pictures = self._with_pictures(document, plan, search)
        plan = with_any_seed(plan, self._index, self._home.root)
        if origin.again:
            plan = replace(plan, warnings=(*plan.warnings, *origin.again.notes))
        borrowed = _borrowed(document, order, plan, table)
        if search.secrets:
            borrowed["secrets"] = dict(search.secrets)
        fingerprint = fingerprint_of(document, order, pictures, borrowed)
        content = content_of(document, plan, pictures, borrowed)
        cap = micro_dollars(self._settings.budget.per_order if order.budget is None else order.budget)
        needs = needs_of(plan, Twins(self._index, self._home.root) if self._index else None)
        return Study(
            document, order, plan, cap, fingerprint, content,
            (*self._reasons(plan, cap, needs), *self._repeats(fingerprint, content, order, before, origin)),
            pictures, borrowed | self._own_pattern(document), needs, proof_numbers(plan),
        )  # fmt: skip

    def _order(self, document: Resolved, origin: Origin) -> Order:
        """With the settings' pattern for names where it has none of its own.

        It is recorded with the order: a delivery repeated after a kill must choose the same name.
        """
        stem = origin.stem if document.count == 1 else f"{origin.stem}-{document.number}"
        order = read_order(document.value, name=stem, project=origin.project, rehearse=origin.rehearse)
        return replace(order, file=self._own_pattern(document).get("file", order.file))

    def _own_pattern(self, document: Resolved) -> Borrowed:
        """Of the settings, where they say something else than is usual and the order says nothing."""
        file = self._settings.products.file
        return {} if document.value.get("file") or file == PATTERN else {"file": file}

    def _search(self, origin: Origin) -> inputs.Search:
        expected = origin.again.sha256 if origin.again else {}
        most = self._settings.limits.megapixels
        return inputs.Search(self._gathering(origin), most, expected, bool(origin.agent))

    def _with_pictures(self, document: Resolved, plan: Plan, search: inputs.Search) -> tuple[Plan, tuple[Input, ...]]:
        """The plan with what the pictures themselves tell. Raises Refusal for those that cannot be used."""
        search.look(plan)
        search.resolve(plan)
        self._complain(document, search)
        pictures = tuple(search.found.values())
        seen = with_inputs(plan, [picture.as_json() for picture in pictures], search.secrets)
        return replace(seen, warnings=(*seen.warnings, *too_long_for_webp(seen, pictures))), pictures

    def _gathering(self, origin: Origin) -> Gathering:
        most_bytes = self._settings.limits.product_bytes
        sources = origin.again.sources if origin.again else {}
        row = self._index.order(origin.again.original) if self._index and origin.again else None
        earlier = self._home.root / row.folder if row and row.folder else None
        return Gathering(
            origin.folder, self._home.root, self._home.library, self._index, origin.kept, most_bytes, earlier, sources
        )

    def _table(self, document: Resolved, order: Order, search: inputs.Search) -> str | None:
        """The text of the .csv that the order's cases stand in."""
        if not isinstance(order.cases, str):
            return None
        text = search.table(order.cases, ("cases",), self._settings.limits.order_bytes)
        self._complain(document, search)
        return text

    def _plan(
        self, document: Resolved, order: Order, table: str | None, wrong: Sequence[Problem], patterns: Patterns
    ) -> Plan:
        lookups = LookupFiles(self._home.library / "lookups")
        choices, later = self._choices(order)
        models = [choice.model for choice in choices]
        plan = make_plan(
            order, models[0], self._base(document, order), written=document.written, check=schema.check_value,
            models=models, later=[choice.model for choice in later], lookups=lookups, raw=document.raw, table=table,
            many=patterns, own=document.is_own, having=self.catalog().having,
        )  # fmt: skip
        choices += later
        told = [*(one for choice in choices for one in choice.warnings), *files_as_text(order, choices)]
        plan = replace(plan, warnings=(*told, *shadowed_names(plan), *plan.warnings))
        self._refuse(document, plan, choices, [*wrong, *lookups.problems], patterns.missing)
        return plan

    def _refuse(
        self, document: Resolved, plan: Plan, choices: Sequence[Choice], wrong: Sequence[Problem],
        missing: Sequence[str],
    ) -> None:  # fmt: skip
        """With all that is wrong. `wrong`: with what it borrowed; what that should have brought is not asked for."""
        unknown = [problem for choice in choices for problem in choice.problems]
        problems = [problem for problem in plan.problems if problem.code != "E_REQUIRED" or not wrong]
        problems += wrong_names(plan)
        problems += wishes.problems(plan.order, plan.all_models, [*plan.lookups, *plan.fields])
        if not (wrong or unknown or problems):
            return
        doubts = [warning for warning in plan.warnings if warning.holds]
        told = [*wrong, *(document.locate(problem) for problem in (*unknown, *problems, *doubts))]
        ask = [choice.ask for choice in choices if choice.ask]
        if ask:
            raise ModelsUnknown(told, ask)
        raise InputsMissing(told, missing) if missing else Refusal(told)

    def _reasons(self, plan: Plan, cap: int, needs: Needs) -> list[Reason]:
        ask_above = micro_dollars(self._settings.budget.ask_above)
        most_products = self._settings.limits.products_per_order
        reasons = reasons_to_hold(
            plan, most_products=most_products, cap=cap, ask_above=ask_above, buying=needs.buying,
            strict=self._settings.strict,
        )  # fmt: skip
        return [*reasons, *needs.reasons()]

    def _complain(self, document: Resolved, search: inputs.Search) -> None:
        if search.problems:
            located = [document.locate(problem) for problem in search.problems]
            raise InputsMissing(located, search.missing) if search.missing else Refusal(located)

    def _choices(self, order: Order) -> tuple[list[Choice], list[Choice]]:
        """Of the order's own items, and of its stages."""
        ways: list[tuple[str, str, KeyPath]] = [(order.provider, order.model, ())]
        if order.models:
            ways = [(one.provider, one.model, ("models", n)) for n, one in enumerate(order.models)]
        later = [(stage.provider, stage.model, ("then", n)) for n, stage in enumerate(order.then)]
        return self._choose(ways), self._choose(later)

    def _choose(self, ways: Sequence[tuple[str, str, KeyPath]]) -> list[Choice]:
        """Raises Refusal once more of them are wrong than anybody is told: to look for what was meant takes a while."""
        choices: list[Choice] = []
        wrong: list[Problem] = []
        for way in ways:
            choices.append(self._choice(*way))
            wrong += choices[-1].problems
            if len(wrong) > MOST_PROBLEMS:
                raise Refusal(wrong)
        return choices

    def _choice(self, provider: str, name: str, path: KeyPath) -> Choice:
        return choose(self.catalog(), self._home.told, self._heard, provider, name).below(path)

    def catalog(self) -> Catalog:
        """Read afresh for each file, so that an edit in the Library counts at once."""
        if self._catalog is None:
            models, problems = library.load_catalog(self._home.models, self._home.told)
            if problems:
                raise Refusal(problems)
            self._catalog = Catalog(models)
        return self._catalog

    def _base(self, document: Resolved, order: Order) -> int:
        sha256 = hashlib.sha256(document.text).hexdigest()
        return base_seed(order, self._index.real_runs(sha256) if self._index else 0)

    def _repeats(
        self, fingerprint: str, content: str, order: Order, before: Sequence[Study], origin: Origin
    ) -> Iterator[Reason]:
        if origin.copy_of:
            yield Reason("duplicate", f"It is a duplicate of {origin.copy_of}.")
            return
        if order.rehearse:
            return
        for study in before:
            if study.fingerprint == fingerprint or (origin.agent and study.content == content):
                yield Reason("duplicate", f"It says the same as document {study.document.number} of this file.")
                return
        rows = self._earlier(fingerprint, content, bool(origin.agent))
        repeated = sorted(
            (row for row in rows if self._counts_as_repeated(row, origin.agent)), key=lambda row: row.is_held
        )
        for row in repeated[:1]:  # what was made comes before what is held as its duplicate
            words = f"It is a duplicate of {row.name} ({row.short}, {row.folder or 'Held'})"
            done = "handed in" if row.is_held else "made"
            yield Reason("duplicate", f"{words}, {done} {ago(row.accepted_at, self._clock())}.")

    def _earlier(self, fingerprint: str, content: str, by_agent: bool) -> list[OrderRow]:
        if self._index is None:
            return []
        return order_lists.of_content(self._index, content) if by_agent else self._index.same_orders(fingerprint)

    def _counts_as_repeated(self, row: OrderRow, agent: str) -> bool:
        assert self._index is not None
        if str(self._index.state(row)) in ("held", "queued", "processing"):
            return True
        inbox = self._settings.inbox
        lasts = timedelta(hours=inbox.agent_repeat_hours) if agent else timedelta(minutes=inbox.repeat_minutes)
        recent = datetime.fromisoformat(row.accepted_at) + lasts
        return recent > self._clock() and bool(self._index.attempts(row.id))


def _borrowed(document: Resolved, order: Order, plan: Plan, table: str | None) -> Borrowed:
    borrowed: Borrowed = {}
    if document.templates:
        borrowed["templates"] = dict(document.templates)
    if document.defaults:
        borrowed["defaults"] = dict(document.defaults)
    taken = {name: values for name, values in plan.lookups.items() if name not in order.lookups}
    if lookups := {name: list(values) for name, values in taken.items() if not isinstance(values, Wildcards)}:
        borrowed["lookups"] = lookups
    if wildcards := {name: list(values) for name, values in taken.items() if isinstance(values, Wildcards)}:
        borrowed["wildcards"] = wildcards
    if table:
        borrowed["table"] = table
    if plan.has_nested:
        borrowed["nested"] = True
    if plan.many:
        borrowed["many"] = dict(plan.many)
    if plan.seeds:
        borrowed["seeds"] = {str(number): seed for number, seed in plan.seeds.items()}
    return borrowed
