"""Tables as people save them: CSV of Numbers, Excel and others, read into a line of names and rows of cells.

Not here: what a column means (cases, fields).
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from artfactoryd.core.names import counted, nfc

csv.field_size_limit(1 << 30)  # how large a table may be is said where it is read
SIGNS = ",;\t"  # what parts cells; of two that part the first line as often the first
EXPORT = "Export it as CSV (Numbers: File > Export To > CSV; Excel: Save As > CSV UTF-8)."
SAVE_AGAIN = "Save it as CSV in UTF-8 (Excel: `CSV UTF-8`, not plain `CSV`; Numbers: encoding Unicode (UTF-8))."
_SPREADSHEET = "it is a spreadsheet's own file, whatever its name ends in, and no CSV"
_OTHERS = (
    (b"PK\x03\x04", _SPREADSHEET, EXPORT), (b"\xd0\xcf\x11\xe0", _SPREADSHEET, EXPORT),
    (b"\xff\xfe\0\0", "it is UTF-32 text", SAVE_AGAIN), (b"\0\0\xfe\xff", "it is UTF-32 text", SAVE_AGAIN),
    (b"{\\rtf", "it is rich text, and no CSV", "In TextEdit choose Format > Make Plain Text, and save it again."),
    (b"%PDF", "it is a PDF, and no CSV", EXPORT),
)  # fmt: skip
REMARK = "#"  # before the name of a column that is for people only
MOST_TOLD = 20  # columns of one kind of mistake
_SEPARATOR = re.compile(r"sep=(.)\r?\n?", re.IGNORECASE)  # Excel's first line, for itself


class NotATable(ValueError):
    """`words`: what the bytes are instead. `fix`: the way out."""

    def __init__(self, words: str, fix: str) -> None:
        super().__init__(words)
        self.words, self.fix = words, fix


def table_text(data: bytes) -> str:
    """UTF-8, or UTF-16 as Excel's "Unicode Text" is. Raises NotATable."""
    for beginning, words, fix in _OTHERS:
        if data.startswith(beginning):
            raise NotATable(words, fix)
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    if encoding == "utf-8-sig" and b"\0" in data[:200]:
        encoding = "utf-16-le" if data[1:2] == b"\0" else "utf-16-be"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + data[: error.start].replace(b"\r\n", b"").count(b"\r") + 1
        raise NotATable(f"it is not UTF-8 text (line {line})", SAVE_AGAIN) from None


@dataclass(frozen=True, slots=True)
class Table:
    """`rows`: cells by column, without the empty ones. `lines`: where each row begins in the file."""

    columns: Sequence[str] = ()
    rows: Sequence[dict[str, str]] = ()
    lines: Sequence[int] = ()
    problems: Sequence[tuple[str, str, int | None]] = ()  # message, fix, line


Record = tuple[int, list[str]]  # the line in which it begins, its cells


def read_table(text: str) -> Table:
    """The first line names the columns. Blank lines, and columns without a name and a cell, are passed over."""
    text, skipped, sign = _announced(text.removeprefix("\ufeff"))
    sign = sign or _sign_of(text)
    table = _read(text, sign, skipped, has_blanks=False)
    if table.problems and re.search(f'{re.escape(sign)} +"', text):
        by_hand = _read(text, sign, skipped, has_blanks=True)
        return table if by_hand.problems else by_hand
    return table


def _read(text: str, sign: str, skipped: int, has_blanks: bool) -> Table:
    """`has_blanks`: a cell in quotes may have blanks before it, as one that is written by hand."""
    records: list[Record] = []
    try:
        records = [record for record in _records(text, sign, skipped, has_blanks) if any(record[1])]
    except csv.Error as error:
        line = int(str(error))
        fix = "A cell that begins with a double quote ends with one, and one inside it is written twice."
        return Table(problems=[("a double quote here is not closed, or stands in the middle of a cell.", fix, line)])
    if len(records) < 2:
        fix = "Name the columns in its first line, and write a row in each line below."
        return Table(problems=[("it has no rows.", fix, None)])
    return _of_records(records)


def _counts(name: str) -> bool:
    return bool(name) and not name.startswith(REMARK)


def _of_records(records: Sequence[Record]) -> Table:
    """A column whose name begins with REMARK is for people only."""
    (first, head), *below = records
    names = [nfc(name.strip()) for name in head]
    problems = [*_wrong_names(names, below, first), *_wrong_rows(names, below)]
    if problems:
        return Table(problems=problems)
    rows = [
        {name: cell for name, cell in zip(names, cells, strict=False) if cell.strip() and _counts(name)}
        for _, cells in below
    ]
    return Table([name for name in names if _counts(name)], rows, [line for line, _ in below])


def _announced(text: str) -> tuple[str, int, str]:
    """Without Excel's `sep=;`; how many lines that were, and the sign."""
    found = _SEPARATOR.match(text)
    return (text[found.end() :], 1, found[1]) if found else (text, 0, "")


def _sign_of(text: str) -> str:
    """What parts the first line into most cells."""
    head = text.lstrip("\r\n")
    return max(SIGNS, key=lambda sign: len(next(_reader(head, sign, False), [])))


def _reader(text: str, sign: str, strict: bool) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(text, newline=""), delimiter=sign, strict=strict)


def _records(text: str, sign: str, skipped: int, has_blanks: bool) -> Iterator[Record]:
    """Raises csv.Error with the line alone."""
    file, line = io.StringIO(text, newline=""), skipped
    reader = csv.reader(file, delimiter=sign, strict=True, skipinitialspace=has_blanks)
    while True:
        try:
            cells = next(reader, None)
        except csv.Error:
            raise csv.Error(str(line + 1)) from None
        if cells is None:
            return
        while cells and not cells[-1].strip():
            cells.pop()
        yield line + 1, cells
        line = skipped + reader.line_num


def _wrong_names(names: Sequence[str], below: Sequence[Record], line: int) -> Iterator[tuple[str, str, int | None]]:
    fix = "The first line names each column, each once."
    filled = {
        number
        for _, cells in below
        for number, cell in enumerate(cells[: len(names)])
        if not names[number] and cell.strip()
    }
    for number in sorted(filled)[:MOST_TOLD]:
        yield f"column {number + 1} has cells and no name.", fix, line
    twice = sorted(name for name, times in Counter(names).items() if name and times > 1)
    if twice:
        yield f"more than one column is called {', '.join(twice[:MOST_TOLD])}.", fix, line


def _wrong_rows(names: Sequence[str], below: Sequence[Record]) -> Iterator[tuple[str, str, int | None]]:
    longer = [(line, len(cells)) for line, cells in below if len(cells) > len(names)]
    if not longer:
        return
    line, cells = longer[0]
    more = f" {counted(len(longer) - 1, 'more line', 'is', 'are')} so." if len(longer) > 1 else ""
    message = f"this line has {counted(cells, 'cell')}, and the first line names {len(names)}.{more}"
    fix = "Put double quotes around a cell that holds what parts the cells."
    if len(names) == 1 and len(longer) == len(below) > 1:
        fix += (
            " If the first line is the table's name, as Numbers writes it, take it out or export without table names."
        )
    yield message, fix, line
