"""The one way to a terminal: what is printed, folded where a line is wider than it, and the lists of commands."""

from __future__ import annotations

import os
import re
import shutil
import sys
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

import click

from artfactoryd import log_outlet
from artfactoryd.core.names import nfc
from artfactoryd.printable import printable

LEAST_COLUMNS = 40  # of a terminal that is narrower, its own breaking is no worse
_WORD = re.compile(r" *(?:`[^`]*`|[^ `]|`)+")  # what stands in backticks is copied whole
_HANG = re.compile(r" *(?:\S+ {2,})?(?=\S)")  # before a line's own text: the indent, and a title or a name


def echo(text: str, *, err: bool = False, nl: bool = True, raw: bool = False, whole: bool = False) -> None:
    """What would act there is shown as text; what is `raw` is for another program, and goes out as it is.

    A line that is wider than the terminal is folded between words, unless it is to stay `whole`: JSON, a table of data.
    """
    if not err:
        log_outlet.drain()  # the two in the order in which they are said
    if not (raw or whole) and (columns := columns_of_terminal(err=err)):
        text = folded(text, columns)
    click.echo(os.fsencode(text) if raw else printable(text), err=err, nl=nl)


def columns_of_terminal(*, err: bool = False) -> int | None:
    """None where no terminal is: whoever reads a pipe gets each line whole."""
    stream = sys.stderr if err else sys.stdout
    return shutil.get_terminal_size().columns if stream.isatty() else None


def folded(text: str, columns: int) -> str:
    """No line wider than that, as far as its words allow; what is folded begins where the line's own text did."""
    if columns < LEAST_COLUMNS:
        return text
    return "\n".join(piece for line in text.split("\n") for piece in _folded(line, columns))


def _folded(line: str, columns: int) -> Iterator[str]:
    if width(line) <= columns:
        yield line
        return
    hang = _hang(line, columns)
    now = ""
    for word in _words(line, columns - hang):
        own = width(word.lstrip(" "))
        if width(now + word) > columns and (width(now) > hang or columns - hang < own <= columns):
            yield from [now] if now.strip() else []
            now, word = " " * (hang if own <= columns - hang else 0), word.lstrip(" ")
        now += word
    yield now


def _hang(line: str, columns: int) -> int:
    match = _HANG.match(line)
    hang = match.end() if match else 0
    return hang if hang <= columns // 2 else min(len(line) - len(line.lstrip(" ")), columns // 2)


def _words(line: str, room: int) -> Iterator[str]:
    """Each with the blanks before it."""
    for word in _WORD.findall(line):
        yield from [word] if width(word.strip(" ")) <= room else re.findall(r" *[^ ]+", word)


def width(text: str) -> int:
    """Columns it takes: a letter of the far east takes two, also where a Mac tells it in its parts; an accent none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in nfc(text)
    )


def written_over(line: str) -> None:
    """On standard error, in place of the line that was written so before; empty to take that away."""
    click.echo(f"\r\033[K{printable(line)}", err=True, nl=False)


class Menu(click.Group):
    """Commands that are listed by what they are for, each by a whole sentence, whatever the terminal's width."""

    groups: ClassVar[Mapping[str, Sequence[str]]] = {}

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        longest = max(map(len, self.commands))
        for title, names in (self.groups or {"Commands": sorted(self.commands)}).items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(longest), sentence(self.commands[name])) for name in names])


def sentence(command: click.Command) -> str:
    """What its help begins with, whole."""
    return command.get_short_help_str(10_000)
