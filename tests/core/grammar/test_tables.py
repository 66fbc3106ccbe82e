"""Tables as Numbers, Excel and people save them: they work, or it is said what they are."""

from __future__ import annotations

import pytest

from artfactoryd.core.grammar.tables import NotATable, read_table, table_text

ROWS = [{"sku": "M-1", "prompt": "a, b"}, {"sku": "M-2"}]


@pytest.mark.parametrize(
    "data",
    [
        b'sku,prompt\nM-1,"a, b"\nM-2,\n',
        b'\xef\xbb\xbfsku;prompt\r\nM-1;"a, b"\r\nM-2;\r\n',  # Excel where the comma is the decimal sign
        b'sep=;\r\nsku;prompt\r\nM-1;"a, b"\r\nM-2;\r\n',
        "sku\tprompt\r\nM-1\ta, b\r\nM-2\t\r\n".encode("utf-16"),  # Excel's Unicode Text
        "sku\tprompt\nM-1\ta, b\nM-2\n".encode("utf-16-le"),
        b'sku,prompt\rM-1,"a, b"\rM-2,\r',  # old Macs
        b'\n\n sku , prompt ,,\n"M-1","a, b",,\n,,,\nM-2,,,\n\n',  # cells that were cleared
        b'sku, prompt\nM-1, "a, b"\nM-2\n',  # written by hand
        '\u00a0sku,prompt\u00a0\nM-1,"a, b"\nM-2\n'.encode(),
    ],
)
def test_what_people_save_is_the_same_table(data: bytes) -> None:
    table = read_table(table_text(data))
    assert (list(table.rows), list(table.columns), table.problems) == (ROWS, ["sku", "prompt"], ())


def test_a_cell_may_have_lines_and_quotes_and_a_row_is_where_it_begins() -> None:
    table = read_table('a,b\n"1\n2","say ""hi"""\n3,4\n')
    assert list(table.rows) == [{"a": "1\n2", "b": 'say "hi"'}, {"a": "3", "b": "4"}] and list(table.lines) == [2, 4]


@pytest.mark.parametrize(
    ("data", "words", "fix"),
    [
        (b"PK\x03\x04...", "spreadsheet", "Export it as CSV"),
        (b"\xd0\xcf\x11\xe0..", "spreadsheet", "Export it as CSV"),
        ("a".encode("utf-32"), "UTF-32", "UTF-8"), (b"{\\rtf1", "rich text", "Plain Text"),
        ("sku,colour\nM-1,blå\n".encode("cp1252"), "not UTF-8 text (line 2)", "CSV UTF-8"),
        ("sku,colour\rM-1,blå\r".encode("mac-roman"), "not UTF-8 text (line 2)", "Numbers"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_said_to_be_what_it_is(data: bytes, words: str, fix: str) -> None:
    with pytest.raises(NotATable) as raised:
        table_text(data)
    assert words in raised.value.words and fix in raised.value.fix


def test_the_name_of_a_table_that_numbers_writes_is_told() -> None:
    ((message, fix, line),) = read_table("Table 1\nsku,prompt\nM-1,x\n").problems
    assert line == 2 and "1 more line is" in message and "without table names" in fix


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (",".join("a" * 50_000) + "\n1\n", "more than one column is called a."),
        ("," * 50_000 + "z\n" + "1,\n" * 20_000, "column 1 has cells and no name."),
        ("1,\n" * 2 + ",".join("b" * 50_000), "names 1"),
    ],
)
def test_a_table_of_very_many_columns_is_answered_at_once(text: str, words: str) -> None:
    message, *_ = read_table(text).problems[0]
    assert words in message


def test_a_cell_or_a_first_line_may_be_as_long_as_the_table() -> None:
    assert len(read_table("a,b\n" + "x" * 200_000 + ",1\n").rows[0]["a"]) == 200_000
    names = ",".join(f"column {number}" for number in range(20_000))
    assert len(read_table(names + "\n1\n").columns) == 20_000


def test_two_spellings_of_an_accent_are_one_name() -> None:
    assert read_table("cafe\u0301,b\n1,2\n").columns == ["caf\u00e9", "b"]
    assert "more than one column is called caf\u00e9." in read_table("caf\u00e9,cafe\u0301\n1,2\n").problems[0]


def test_a_column_for_people_only_is_passed_over() -> None:
    table = read_table("sku,#note,#,prompt\nA1,mind the glaze,1,a mug\n")
    assert (table.columns, list(table.rows)) == (["sku", "prompt"], [{"sku": "A1", "prompt": "a mug"}])
