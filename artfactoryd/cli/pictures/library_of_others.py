"""What other tools keep beside their pictures: folders of wildcards become lookups, A1111's styles templates."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from artfactoryd import documents, durable
from artfactoryd.core.names import folded, numbered
from artfactoryd.core.slug import slug
from artfactoryd.entries import bounded, same_bytes
from artfactoryd.errors import WrongUse

COLUMNS = ("name", "prompt", "negative_prompt")  # of A1111's styles.csv
PLACE, SUBJECT = "{prompt}", "subject"
WILDCARDS = (".txt", ".yaml", ".yml")
MOST_BYTES = 16 << 20


def parted(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Those that go to the Library, and those that are, or hold, pictures."""
    books = [path for path in paths if _is_book(path)]
    return books, [path for path in paths if path not in books]


def _is_book(path: Path) -> bool:
    if path.is_file():
        return path.suffix.lower() in (".csv", ".txt")
    names = [name for _, _, files in os.walk(path) for name in files if not name.startswith(".")]
    return bool(names) and all(name.lower().endswith(WILDCARDS) for name in names)


def take_in(library: Path, books: Sequence[Path], *, dry_run: bool) -> Iterator[Path]:
    """What is made, never over what is there; what is there already is passed over. Raises WrongUse."""
    for book in books:
        if book.suffix.lower() == ".csv":
            yield from _styles(library / "templates" / "styles", book, dry_run)
        else:
            yield from _wildcards(library / "lookups", book, dry_run)


def _wildcards(lookups: Path, book: Path, dry_run: bool) -> Iterator[Path]:
    top = Path(os.path.abspath(book))
    files = [top] if top.is_file() else sorted(path for path in top.rglob("*") if path.suffix.lower() in WILDCARDS)
    folder = lookups if top.is_file() or folded(top.name) == "wildcards" else lookups / top.name
    for file in files:
        target = folder / (file.name if file == top else file.relative_to(top))
        yield from _copied(file, target, dry_run)


def _copied(file: Path, target: Path, dry_run: bool) -> Iterator[Path]:
    for free in (target.with_name(name) for name in numbered(target.stem, target.suffix)):
        if os.path.lexists(free) and same_bytes(file, free):
            return
        if os.path.lexists(free):
            continue
        if not dry_run:
            durable.make_folders(free.parent)
            durable.write_new(free, bounded(file, MOST_BYTES))
        yield free
        return


def _styles(folder: Path, book: Path, dry_run: bool) -> Iterator[Path]:
    text = bounded(book, MOST_BYTES).decode("utf-8-sig", "replace")
    rows = csv.DictReader(io.StringIO(text))
    if not {*COLUMNS} <= {*(rows.fieldnames or ())}:
        raise WrongUse(f"{book} is no table of styles: it has no columns {', '.join(COLUMNS)}.")
    for row in rows:
        name, prompt, negative = ((row[column] or "").strip() for column in COLUMNS)
        if not name or not (prompt or negative):
            continue
        content = _template(name, prompt, negative)
        target = folder / f"{slug(name, otherwise='style')}.yaml"
        for free in (folder / other for other in numbered(target.stem, target.suffix)):
            if os.path.lexists(free) and bounded(free, MOST_BYTES) == content:
                break
            if os.path.lexists(free):
                continue
            if not dry_run:
                durable.make_folders(folder)
                durable.write_new(free, content)
            yield free
            break


def _template(name: str, prompt: str, negative: str) -> bytes:
    """The picture's subject stands where the style has a place for it, else before it."""
    whole = prompt if PLACE in prompt else ", ".join(filter(None, [PLACE, prompt]))
    words = f"[{SUBJECT}]".join(_literal(part) for part in whole.split(PLACE))
    parameters = {"prompt": words, **({"negative_prompt": _literal(negative)} if negative else {})}
    head = f"# A style of A1111: {' '.join(name.split())}\n# In an order: `lookups: {{{SUBJECT}: [a fox, a heron]}}`\n"
    return head.encode() + documents.dump_yaml({"parameters": parameters}).encode()


def _literal(text: str) -> str:
    """What is a token here, and was none there."""
    return re.sub(r"([\\\[\]|])", r"\\\1", text)
