"""Cases: rows of parameters used together, written in the order or as a table of comma separated values."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace

from artfactoryd.core.grammar.axes import Given
from artfactoryd.core.json_types import Parameters
from artfactoryd.errors import Problem

MOST_ROWS = 10_000
HERE = ("cases",)


@dataclass(frozen=True, slots=True)
class Cases:
    """`rows`: what each case gives. `table`: the file they stand in, None for cases in the order itself."""

    rows: Sequence[Parameters]
    table: str | None = None
    lines: Sequence[int] = ()  # of the table's rows in their file
    problems: tuple[Problem, ...] = ()

    def given(self, place: int) -> list[Given]:
        return [(name, value, ("cases", place, name)) for name, value in self.rows[place].items()]

    def located(self, problem: Problem) -> Problem:
        """A table's problems are told by the table's line: the order itself says only its name."""
        if self.table is None or problem.path[:1] != HERE or len(problem.path) < 2:
            return problem
        line = self.lines[int(problem.path[1])]
        column = f", character {problem.column_in_value}" if problem.column_in_value else ""
        where = f"{self.table} line {line}, {'.'.join(str(each) for each in problem.path[2:])}{column}: "
        return replace(problem, message=where + problem.message, path=HERE, column_in_value=None)


def read_cases(written: Sequence[Parameters] | str | None, table: str | None) -> Cases | None:
    """Of the order's `cases`; `table` is the text of the file it names. None: the order has none."""
    if written is None:
        return None
    if isinstance(written, str):
        return _read_table(written, table or "")
    return Cases(written, problems=tuple(_empty_rows(written)))


def _empty_rows(rows: Sequence[Parameters]) -> list[Problem]:
    if len(rows) > MOST_ROWS:
        return [_problem(f"there are {len(rows)} cases, more than {MOST_ROWS}.", "Write several orders.")]
    return []


def _problem(message: str, fix: str) -> Problem:
    return Problem("E_CASES", message, fix, HERE)


def _read_table(name: str, text: str) -> Cases:
    """The first line names the parameters; an empty cell gives nothing. Commas, else semicolons or tabs."""
    text = text.removeprefix("\ufeff")
    head = text.partition("\n")[0]
    delimiter = next((sign for sign in ",;\t" if sign in head), ",")
    rows: list[Parameters] = []
    lines: list[int] = []
    problems: list[Problem] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    names: list[str] = []
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if not names:
                names = [cell.strip() for cell in cells]
                problems += _wrong_names(name, names)
            elif len(cells) > len(names):
                message = (
                    f"{name} line {reader.line_num} has {len(cells)} cells, and the first line names {len(names)}."
                )
                problems.append(_problem(message, "Put double quotes around a cell with a comma in it."))
            else:
                rows.append({key: cell for key, cell in zip(names, cells, strict=False) if cell.strip()})
                lines.append(reader.line_num)
    except csv.Error as error:
        problems.append(_problem(f"{name} line {reader.line_num} cannot be read: {error}.", "Save it as CSV again."))
    if not rows and not problems:
        problems.append(_problem(f"{name} has no rows.", "Write parameter names in its first line, and rows below."))
    return Cases(rows, name, lines, (*problems, *_empty_rows(rows)))


def _wrong_names(table: str, names: Sequence[str]) -> list[Problem]:
    fix = "The first line names a parameter for each column, each once."
    if "" in names:
        return [_problem(f"column {names.index('') + 1} of {table} has no name.", fix)]
    twice = sorted({name for name in names if names.count(name) > 1})
    return [_problem(f"{table} has more than one column {', '.join(twice)}.", fix)] if twice else []
