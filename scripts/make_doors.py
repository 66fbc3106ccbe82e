"""The man page and the shells' completions, from the commands as they are: `python -m scripts.make_doors`.

They are kept in the repository, and in the wheel below `share/`; a test says when they are to be made again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
from click.shell_completion import get_completion_class

from artfactoryd.cli.program import COMMANDS, GROUPS, load_command
from artfactoryd.cli.program import main as program

ROOT = Path(__file__).parents[1]
NAME = "artfactoryd"
COMPLETIONS = {"bash": f"completions/{NAME}.bash", "zsh": f"completions/_{NAME}", "fish": f"completions/{NAME}.fish"}
ABOUT = (
    "A factory for generated pictures: write an order as a small YAML file, drop it into a folder, find what was made."
)
STATUS = (
    ("0", "Done."), ("1", "It did not succeed."), ("2", "Wrong use, or wrong settings."),
    ("3", "It waits for a person, a provider or a cap."),
)  # fmt: skip
FILES = (
    ("~/ArtFactory", "The factory folder, unless --home or ARTFACTORY_HOME says another."),
    ("~/ArtFactory/Inbox", "Orders are dropped here."),
    ("~/ArtFactory/Projects", "What was made, by project and day."),
    ("~/ArtFactory/artfactory.yaml", "The settings."),
)


def man_page() -> str:
    """In roff, for man(1)."""
    return "\n".join(_page()) + "\n"


def completion(shell: str) -> str:
    """What bash, zsh or fish reads to complete this program's commands and options."""
    kind = get_completion_class(shell)
    if kind is None:
        raise LookupError(shell)
    return kind(program, {}, NAME, f"_{NAME.upper()}_COMPLETE").source()


def _page() -> Iterator[str]:
    yield f'.TH {NAME.upper()} 1 "" "{NAME}" "User Commands"'
    yield ".SH NAME"
    yield f"{NAME} \\- pictures by paid models, from orders in a folder"
    yield ".SH SYNOPSIS"
    yield f".B {NAME}\n[\\fIOPTIONS\\fR] \\fICOMMAND\\fR [\\fIARGUMENTS\\fR]"
    yield ".SH DESCRIPTION"
    yield _text(ABOUT)
    yield _text("Each command tells more of itself with --help.")
    yield ".SH OPTIONS"
    yield from _options(program)
    for group, names in GROUPS.items():
        yield f'.SH "{group.upper()}"'
        for name in names:
            yield from _command(f"{name}", load_command(name))
    yield ".SH EXIT STATUS"
    yield from _list(STATUS)
    yield ".SH FILES"
    yield from _list(FILES)


def _command(path: str, command: click.Command) -> Iterator[str]:
    context = click.Context(command, info_name=path)
    usage = " ".join(command.collect_usage_pieces(context))
    yield f".SS {_escaped(f'{path} {usage}'.strip())}"
    yield _text(command.help or command.short_help or COMMANDS[path][1])
    yield from _options(command)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            if (inner := command.get_command(context, name)) is not None:
                yield from _command(f"{path} {name}", inner)


def _options(command: click.Command) -> Iterator[str]:
    context = click.Context(command, info_name=command.name)
    told = [record for one in command.get_params(context) if (record := one.get_help_record(context))]
    yield from _list([record for record in told if not record[0].endswith("--help") and record[1]])


def _list(rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    for term, words in rows:
        yield f".TP\n.B {_escaped(term)}\n{_text(words)}"


def _text(words: str) -> str:
    """Paragraphs; what stands between backquotes in bold."""
    paragraphs = [" ".join(paragraph.split()) for paragraph in words.replace("\b", "").split("\n\n")]
    bold = (re.sub(r"`([^`]+)`", r"\\fB\1\\fR", _escaped(paragraph)) for paragraph in paragraphs)
    return "\n.PP\n".join(bold)


def _escaped(words: str) -> str:
    plain = words.replace("\\", "\\e").replace("-", "\\-")
    plain = re.sub(r"[^\x00-\x7f]", lambda found: f"\\[u{ord(found[0]):04X}]", plain)
    return f"\\&{plain}" if plain.startswith((".", "'")) else plain


def main() -> None:
    (ROOT / f"man/{NAME}.1").write_text(man_page(), encoding="utf-8")
    for shell, path in COMPLETIONS.items():
        (ROOT / path).write_text(completion(shell), encoding="utf-8")


if __name__ == "__main__":
    main()
