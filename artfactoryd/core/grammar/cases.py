"""Cases: rows of parameters used together, written in the order or as a table beside it; and fields, the columns that
are no parameter: a text takes one by `[=name]`, the products' names by `{name}`.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from artfactoryd.core.file_names import FIELD
from artfactoryd.core.grammar.tables import read_table
from artfactoryd.core.json_types import Parameters, Value
from artfactoryd.core.model import Model
from artfactoryd.core.parameters.shapes import SHAPES, read_shape
from artfactoryd.errors import Path, Problem

MOST_ROWS = 10_000
MOST_COLUMNS = 500
HERE = ("cases",)
NEAR, PERHAPS = 0.8, 0.6  # how alike two names are, of which one is a slip, or may be
OF_COLUMN = frozenset({"E_PARAMETER", "W_NOT_VALIDATED"})  # what is wrong is its name
MOST_LINES = 8  # told of those that have one mistake
Given = tuple[str, Value, Path]
_REFERRED = re.compile(r"\[[ \t\n]*=([^\[\]]*)\]")


@dataclass(frozen=True, slots=True)
class Cases:
    """`rows`: what each case gives. `columns`: all names in them. `table`: the file they stand in, None for cases in
    the order itself; `lines`: of its rows in that file. `fields`: columns that are no parameter."""

    rows: Sequence[Parameters]
    columns: Sequence[str] = ()
    table: str | None = None
    lines: Sequence[int] = ()
    problems: tuple[Problem, ...] = ()
    fields: frozenset[str] = frozenset()
    taken: Sequence[str] = ()  # those of them that a text or a name of a product may take

    def parted(self, models: Sequence[Model], validate: bool, texts: str, names: Collection[str]) -> Cases:
        """With the columns that are no parameters. `texts`: all of the order. `names`: what products' names take.

        One that is near a parameter's name, and that nothing takes, is a slip; where nobody knows the parameters, a
        field is what a text takes.
        """
        referred = {found[1].strip() for found in _REFERRED.finditer(texts)}
        is_known = validate and all(model.properties for model in models)
        parameters = {name for model in models for name in (*model.properties, *model.synonyms)}
        taken = referred | set(names)
        others = [
            name for name in self.columns if name not in parameters and (name in taken or not self._is_shape(name))
        ]
        fields = [name for name in others if name in referred or (is_known and name in names)]
        spare = [name for name in others if is_known and name not in fields and not nearest(name, parameters, NEAR)]
        return replace(self, fields=frozenset((*fields, *spare)), taken=tuple(fields))

    def _is_shape(self, column: str) -> bool:
        """A column of a word that every model has as its own parameters."""
        return column in SHAPES and all(
            read_shape(column, row[column]) for row in self.rows if row.get(column) is not None
        )

    def given(self, place: int) -> list[Given]:
        """The parameters of a row."""
        row = self.rows[place]
        return [(name, value, (FIELD, place, name)) for name, value in row.items() if name not in self.fields]

    def fields_of(self, place: int, written: Callable[[Path], str | None]) -> dict[str, str]:
        """Of a row those that something takes, as characters; one that it does not give is empty."""
        row = self.rows[place]
        return {name: _characters(row.get(name), (FIELD, place, name), written) for name in self.taken}

    def place_of(self, column: str) -> Path:
        """Where a column is named first."""
        number = next((number for number, row in enumerate(self.rows) if column in row), 0)
        return (FIELD, column) if self.table is not None else (FIELD, number, column)

    def wrong_fields(self) -> Iterator[Problem]:
        for number, row in enumerate(self.rows):
            for name in row.keys() & self.fields:
                if isinstance(row[name], list | dict):
                    message = f"{name} is no parameter of the model, so it is one text for this case, and this is not."
                    yield Problem("E_TYPE", message, "Give each case one value.", (FIELD, number, name), 1)

    def located(self, problem: Problem) -> Problem:
        """A table's problems are told by the table's line: the order itself says only its name."""
        if self.table is None or problem.path[:1] != HERE or problem.file:
            return problem
        if len(problem.path) > 1 and isinstance(problem.path[1], int):
            line = self.lines[problem.path[1]]
            return replace(problem, path=(FIELD, *problem.path[2:]), file=self.table, line=line)
        return replace(problem, file=self.table, line=1) if len(problem.path) > 1 else problem

    def told_once(self, problems: Iterable[Problem]) -> Iterator[Problem]:
        """Of what is wrong in one way with one column the first, and where else it stands."""
        alike: dict[object, list[Problem]] = {}
        for problem in problems:
            alike.setdefault(_kind(problem), []).append(problem)
        for kind, (first, *others) in alike.items():
            if first.code in OF_COLUMN and kind != first and self.table is not None:
                yield replace(first, path=(FIELD, str(first.path[-1])))
            elif others and kind != first and first.code not in OF_COLUMN:
                yield replace(first, message=first.message + self._others(others))
            else:
                yield first

    def _others(self, others: Sequence[Problem]) -> str:
        numbers = sorted({int(problem.path[1]) for problem in others})
        what, places = ("line", self.lines) if self.table is not None else ("case", range(1, len(self.rows) + 1))
        shown = ", ".join(str(places[number]) for number in numbers[:MOST_LINES])
        more = f" and {len(numbers) - MOST_LINES} more" if len(numbers) > MOST_LINES else ""
        return f" The same in {what}{'s' if len(numbers) > 1 else ''} {shown}{more}."


def _kind(problem: Problem) -> object:
    """Equal for problems of one column; any other is of its own kind."""
    if problem.path[:1] != HERE or len(problem.path) < 2 or not isinstance(problem.path[1], int):
        return problem
    column = problem.path[2] if len(problem.path) > 2 else problem.message
    return problem.code, column, problem.holds


def read_cases(written: Sequence[Parameters] | str | None, table: str | None) -> Cases | None:
    """Of the order's `cases`; `table` is the text of the file it names. None: the order has none."""
    if written is None:
        return None
    if isinstance(written, str):
        return _of_table(written, table or "")
    columns = dict.fromkeys(name for row in written for name in row)
    return Cases(written, tuple(columns), problems=tuple(_too_many(written, tuple(columns))))


def _of_table(name: str, text: str) -> Cases:
    table = read_table(text)
    problems = [
        Problem("E_CASES", message, fix, HERE, file=name, line=line)
        if line
        else Problem("E_CASES", f"{name}: {message}", fix, HERE)
        for message, fix, line in table.problems
    ]
    return Cases(table.rows, table.columns, name, table.lines, (*problems, *_too_many(table.rows, table.columns)))


def _too_many(rows: Sequence[Parameters], columns: Sequence[str]) -> list[Problem]:
    if len(columns) > MOST_COLUMNS:
        message = f"there are {len(columns)} different columns, more than {MOST_COLUMNS}."
        return [Problem("E_CASES", message, "Take out what this order does not use.", HERE)]
    if len(rows) > MOST_ROWS:
        message = f"there are {len(rows)} cases, more than {MOST_ROWS}."
        return [Problem("E_CASES", message, "Write several orders.", HERE)]
    return []


def _characters(value: Value, path: Path, written: Callable[[Path], str | None]) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    characters = written(path)
    return json.dumps(value, ensure_ascii=False) if characters is None else characters


# --- which columns are fields ---


def nearest(name: str, known: Iterable[str], alike: float) -> str | None:
    """The parameter that a name may have meant, blanks and capitals apart."""
    folded = {_folded(one): one for one in known}
    near = difflib.get_close_matches(_folded(name[:100]), folded, n=1, cutoff=alike)
    return folded[near[0]] if near else None


def _folded(name: str) -> str:
    return re.sub(r"[ \-]+", "_", name.strip()).casefold()


def strings_in(*values: object) -> Iterator[str]:
    """All texts in a value, keys apart."""
    unread = list(values)
    while unread:
        value = unread.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            unread += value.values()
        elif isinstance(value, list | tuple):
            unread += value
