"""Order + models -> sections: for each model and each case, the axes of its parameters."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from artfactoryd.core.expansion.batching import Packing
from artfactoryd.core.expansion.combinations import Entry, Section, known_as
from artfactoryd.core.expansion.fields import Replaced, about_values, doubles, read_with_fields
from artfactoryd.core.expansion.text_rows import Rows
from artfactoryd.core.grammar.axes import Axis, Given, Reader, TextAxis
from artfactoryd.core.grammar.cases import PERHAPS, Cases, nearest
from artfactoryd.core.grammar.lookups import Lookups, own_lookups
from artfactoryd.core.grammar.shared_words import in_own_words
from artfactoryd.core.grammar.values import Check, Having, Many, ValueAxis, Written
from artfactoryd.core.grammar.wildcards import Wildcards, read_wildcards
from artfactoryd.core.model import Model
from artfactoryd.core.order import LookupValues, Order
from artfactoryd.errors import Path, Problem

MOST_LEFT_OUT = 10_000  # values of one parameter in one entry of `exclude`
MOST_ENTRIES = 1_000
MOST_COMPARED = 200_000  # entries with the cases that they may leave something out of


@dataclass(frozen=True)
class Means:
    """What is needed to read an order and does not stand in it.

    `lookups`: those of the Library. `table`: the text of the file that `cases` names. `raw`: key paths of
    values with !raw before them.
    """

    written: Written
    check: Check
    lookups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    raw: Collection[Path] = ()
    table: str | None = None
    many: Many = field(default_factory=dict)
    own: Callable[[Path], bool] = lambda path: True  # whether the order itself says what stands there
    fields: Collection[str] = ()  # of the order's cases, for the texts of a stage
    having: Having = lambda names: ()
    nested: bool = True  # whether texts inside values are read


@dataclass
class Reading:
    """What an order comes to for some models. `sections`: (place of the model, its section), in their order."""

    sections: list[tuple[int, Section]] = field(default_factory=list)
    problems: dict[Problem, None] = field(default_factory=dict)
    warnings: dict[Problem, None] = field(default_factory=dict)
    pictures: dict[tuple[Path, str], None] = field(default_factory=dict)  # (key path, value) of file parameters
    secrets: dict[tuple[Path, str], None] = field(default_factory=dict)  # (key path, where it is)
    used: dict[str, Sequence[str]] = field(default_factory=dict)  # lookups that the order needs
    spread: dict[str, Sequence[str]] = field(default_factory=dict)  # patterns and queries that it needs
    cases: Cases | None = None
    replaced: frozenset[str] | None = None  # parameters that every case of every model writes over
    left_out: dict[tuple[int, int], Entry] = field(default_factory=dict)  # by model and number of the entry
    fields_used: frozenset[str] = frozenset()
    meant: frozenset[str] = frozenset()  # lookups that a token named nearly


def read(order: Order, models: Sequence[Model], base: int, means: Means) -> Reading:
    reading = Reading()
    own = {name: _own_lookup(name, values, means.written) for name, values in order.lookups.items()}
    cases = read_with_fields(order, models, means.table)
    fields = cases.fields if cases else means.fields
    known = ChainMap(own, means.lookups)  # type: ignore[arg-type]  # only read; of a Library what is used
    lookups = Lookups(known, fields, own)
    of_cases = cases.problems if cases else ()
    reading.problems.update(dict.fromkeys((*own_lookups(order.lookups), *of_cases)))
    if reading.problems:
        cases = None
    raw: set[str | Path] = {*order.raw, *means.raw}
    for number, model in enumerate(models):
        reader = Reader(
            model, order.validate, means.written, means.check, lookups, raw, base, many=means.many,
            having=means.having, nested=means.nested,
        )  # fmt: skip
        _read_model(order, number, reader, cases, reading, means)
    if of_cases:  # what a wrong table would give is not known
        reading.problems = {problem: None for problem in reading.problems if problem.code != "E_UNKNOWN_REF"}
    if not reading.problems:
        reading.warnings.update(
            dict.fromkeys((*_idle(order, models, reading), *_idle_raw(order, models, reading, means)))
        )
    reading.used = {name: _as_read(lookups.known[name]) for name in sorted(lookups.used)}
    reading.fields_used, reading.meant = frozenset(lookups.fields_used), frozenset(lookups.meant)
    if cases:
        reading.cases = cases
        reading.problems.update(dict.fromkeys(map(cases.located, doubles(cases, lookups))))
        reading.warnings.update(dict.fromkeys(map(cases.located, about_values(cases, lookups, models, means.written))))
    return reading


def _as_read(values: Sequence[str]) -> Sequence[str]:
    """A list, unless it has wildcards' syntax in it."""
    return values if isinstance(values, Wildcards) and not values.is_plain else list(values)


def _own_lookup(name: str, values: LookupValues, written: Written) -> Sequence[str]:
    """A list is data; `{wildcards: [...]}` is read as a file of the Library is."""
    if isinstance(values, Mapping):
        lines = _texts(name, values["wildcards"], written, "wildcards")
        return read_wildcards(list(enumerate(lines)))
    return _texts(name, values, written)


def _texts(name: str, values: Sequence[object], written: Written, *below: str) -> list[str]:
    """A number in a lookup is its characters."""
    return [
        value if isinstance(value, str) else written(("lookups", name, *below, number)) or str(value)
        for number, value in enumerate(values)
    ]


def _read_model(
    order: Order, number_of_model: int, reader: Reader, cases: Cases | None, reading: Reading, means: Means
) -> None:
    base: list[Given] = [(name, value, ("parameters", name)) for name, value in order.parameters.items()]
    own = order.models[number_of_model].parameters if order.models else {}
    base = _merged(reader, base, [(n, v, ("models", number_of_model, "parameters", n)) for n, v in own.items()])
    left_out = _left_out(order, reader)
    reading.left_out.update({(number_of_model, number): entry for number, entry in left_out.items()})
    replaced = Replaced(reader, base, means.own)
    for number in range(len(cases.rows) if cases else 1):
        over, fields = (cases.given(number), cases.fields_of(number, means.written)) if cases else ([], {})
        given = in_own_words(reader, _merged(reader, base, over))
        replaced.note(over)
        reader.look_for_missing(given, ("cases", number) if cases else ("parameters",))
        texts, lists = reader.axes(given)
        names = {*(axis.parameter for axis in texts), *(axis.parameter for axis in lists)}
        packing = Packing(reader.model, order.count, reader.model.batch in names)
        entries = tuple(entry for entry in left_out.values() if entry.keys() <= names)
        rows = Rows(texts, fields)
        for written, bound in zip(texts, rows.axes, strict=True):
            for text in bound.texts if written is not bound else ():
                reader.check_lengths(text, ("cases", number))
        reading.sections.append((number_of_model, Section(rows, tuple(lists), packing, entries)))
    problems, warnings = reader.problems, [*reader.warnings, *replaced.warnings(len(cases.rows) if cases else 0)]
    if cases:
        problems, warnings = ([*map(cases.located, cases.told_once(told))] for told in (problems, warnings))
    always = replaced.always(len(cases.rows) if cases else 0)
    reading.replaced = always if reading.replaced is None else reading.replaced & always
    reading.problems.update(dict.fromkeys(problems))
    reading.warnings.update(dict.fromkeys(warnings))
    reading.pictures.update(reader.pictures)
    reading.secrets.update(reader.secrets)
    reading.spread.update(reader.spread)


def _merged(reader: Reader, base: Sequence[Given], over: Sequence[Given]) -> list[Given]:
    """Key by key; what is written over keeps its place, under whichever of its names."""

    def own(name: str) -> str:
        return reader.model.synonyms.get(name, name)

    newer = {own(given[0]): given for given in over}
    merged = [newer.get(own(given[0]), given) for given in base]
    there = {own(given[0]) for given in base}
    return [*merged, *(given for given in over if own(given[0]) not in there)]


# --- what is left out ---


def _idle(order: Order, models: Sequence[Model], reading: Reading) -> Iterator[Problem]:
    """Entries that leave nothing out: what they name is bought."""
    if len(order.exclude) * len(reading.sections) > MOST_COMPARED:
        return
    shown = _Shown()
    for number, written in enumerate(order.exclude[:MOST_ENTRIES]):
        entries = {model: found for (model, one), found in reading.left_out.items() if one == number}
        here = [(section, entries[model]) for model, section in reading.sections if model in entries]
        if any(shown.meets(section, entry) for section, entry in here):
            continue
        names = {name for _, entry in here for name in entry}
        lost = [name for name in names if not any(shown.meets(section, {name: entry[name]}) for section, entry in here)]
        own = next((one for one in written if not _own_names(one, models).isdisjoint(lost)), next(iter(written), ""))
        message = f"nothing has this value of {own}, so this leaves nothing out."
        if not any(axis.parameter in lost for section, _ in here for axis in section.axes):
            message = f"{own} is not written in this order, so this leaves nothing out."
        fix = "Correct it: a text is written as it is sent, and what is drawn is never left out."
        yield Problem("W_EXCLUDE", message, fix, ("exclude", number, own), holds=True)


def _own_names(written: str, models: Sequence[Model]) -> frozenset[str]:
    return frozenset((written, *(model.synonyms[written] for model in models if written in model.synonyms)))


@dataclass
class _Shown:
    """The values of axes, each looked through once, and not more than `left` in all."""

    left: int = MOST_COMPARED
    _known: dict[int, frozenset[str] | None] = field(default_factory=dict)

    def meets(self, section: Section, entry: Entry) -> bool:
        """Whether each parameter that an entry names has such a value somewhere; also where that is not known."""
        axes = {axis.parameter: axis for axis in section.axes}
        return all(
            name in axes and ((values := self._of(axes[name])) is None or not values.isdisjoint(wanted))
            for name, wanted in entry.items()
        )

    def _of(self, axis: Axis) -> frozenset[str] | None:
        """None where they are many, or follow from others."""
        if id(axis) not in self._known:
            refers = isinstance(axis, TextAxis) and any(text.refers for text in axis.texts)
            is_known = not refers and axis.size <= min(MOST_LEFT_OUT, self.left)
            self.left -= axis.size if is_known else 0
            self._known[id(axis)] = _all_of(axis) if is_known else None
        return self._known[id(axis)]


def _idle_raw(order: Order, models: Sequence[Model], reading: Reading, means: Means) -> Iterator[Problem]:
    """Names under `raw` of nothing that is written: what was to be sent as it is, is read."""
    written = {axis.parameter for _, section in reading.sections for axis in section.axes}
    for number, name in enumerate(order.raw):
        if _own_names(name, models).isdisjoint(written) and means.own(("raw", number)):
            near = nearest(name, written, PERHAPS)
            fix = f"Did you mean {near}?" if near else f"There are: {', '.join(sorted(written))}."
            message = f"nothing in this order is called {name}, so that nothing is taken as written."
            yield Problem("W_UNUSED", message, fix, ("raw", number), holds=True)


def _left_out(order: Order, reader: Reader) -> dict[int, Entry]:
    """Each entry's values by its number, read as the parameters themselves are."""
    entries: dict[int, Entry] = {}
    for number, written in enumerate(order.exclude[:MOST_ENTRIES]):
        given = [(name, value, ("exclude", number, name)) for name, value in written.items()]
        texts, lists = reader.axes(in_own_words(reader, given))
        axes: list[Axis] = [*texts, *lists]
        if axes:
            entries[number] = {axis.parameter: _values(axis, ("exclude", number), reader) for axis in axes}
    if len(order.exclude) > MOST_ENTRIES:
        message = f"{len(order.exclude)} entries are more than {MOST_ENTRIES}."
        reader.problems.append(Problem("E_TOO_LARGE", message, "Put several values into one.", ("exclude",)))
    return entries


def _values(axis: Axis, path: Path, reader: Reader) -> frozenset[str]:
    if axis.size > MOST_LEFT_OUT:
        message = f"{axis.parameter} has {axis.size} values here, more than {MOST_LEFT_OUT}."
        reader.problems.append(Problem("E_TOO_LARGE", message, "Write fewer.", (*path, axis.parameter)))
        return frozenset()
    return _all_of(axis)


def _all_of(axis: Axis) -> frozenset[str]:
    return frozenset(known_as(value) for number in range(axis.size) for value in _each(axis, number))


def _each(axis: Axis, number: int) -> Sequence[object]:
    if isinstance(axis, ValueAxis):
        return [axis.shown(number)]
    text, inside = axis.find(number)
    return text.each_shown(text.counting.digits(inside))
