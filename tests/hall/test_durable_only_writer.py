"""A law of the house: only `durable` writes files. Read from the code; further down it is seen to complain."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "artfactoryd"
WRITER = "durable"

# Calls by their last name, whatever stands before the dot. Taking away (unlink, rmtree) is no writing.
METHODS = frozenset({
    "write_text", "write_bytes", "hardlink_to", "symlink_to", "rename", "mkdir", "makedirs", "mkfifo",
})  # fmt: skip
CALLS = frozenset({
    "os.link", "os.mkdir", "os.mkfifo", "os.rename", "os.renames", "os.replace", "os.symlink", "os.truncate",
    "os.write", "os.ftruncate", "os.fsync", "os.fdatasync", "os.posix_fallocate", "os.sendfile", "os.copy_file_range",
    "shutil.copy", "shutil.copy2", "shutil.copyfile", "shutil.copyfileobj", "shutil.copymode", "shutil.copystat",
    "shutil.copytree", "shutil.move",
    "tempfile.mkstemp", "tempfile.mkdtemp", "tempfile.TemporaryFile", "tempfile.NamedTemporaryFile",
    "tempfile.SpooledTemporaryFile", "tempfile.TemporaryDirectory",
})  # fmt: skip

EXCEPTIONS = {
    ("medium", "os.fsync"): "flushing is what it is for; durable and the ledger call it",
    ("storage.ledger", "os.write"): "the ledger appends, and cuts off what came in half: one open file for good",
    ("storage.ledger", "os.ftruncate"): "see above",
    ("storage.ledger", "os.open"): "see above",
    ("storage.ledger", "os.posix_fallocate"): "the room it keeps aside for itself: bytes that nobody reads",
    ("storage.ledger", "open"): "see above",
    (
        "log",
        "os.open",
    ): "lines behind lines in one file, and never in what is no plain file: to open that may wait",
    ("log", "open"): "see above",
    ("factories.local.upscaling.child", "os.open"): "a word to the kernel, of this process: no file",
    ("factories.local.upscaling.child", "open"): "see above",
    ("planning.input_sources", "tempfile.TemporaryDirectory"): "for a look that keeps nothing, outside every home",
    ("cli.sheet", "tempfile.TemporaryDirectory"): "thumbnails for one sheet, where none are remembered",
    ("cli.upkeep.demo", "tempfile.mkdtemp"): "the throw-away home of the demonstration",
}  # SQLite writes in its own way: it calls none of these. The home's lock is on the folder.


def only_durable_writes_files(name: str, tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Every call that writes, or could, with its line, outside of `durable`. Exceptions are not known here."""
    if name == WRITER:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (call := _writing(node)):
            yield call, node.lineno
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if f"{node.module}.{alias.name}" in CALLS:
                    yield f"{node.module}.{alias.name}", node.lineno


def _writing(call: ast.Call) -> str | None:
    """What it is called in CALLS or METHODS; `open` for any of those with a mode that writes; None for what reads."""
    function = ast.unparse(call.func)
    last = function.rpartition(".")[2]
    if function == "os.open":
        return function if _opens_for_writing(call) else None
    if last in ("open", "fdopen"):
        return "open" if _mode_writes(call) or _mode_is_unknown(call) else None
    if function in CALLS:
        return function
    is_method = isinstance(call.func, ast.Attribute)
    if is_method and last == "replace" and len(call.args) == 1 and not call.keywords:
        return "replace"  # of a path: that of a text takes two, that of a date takes names
    if is_method and last == "touch" and not call.args:
        return "touch"  # of a path
    if is_method and last in METHODS and not function.startswith("durable."):
        return last
    return None


def _opens_for_writing(call: ast.Call) -> bool:
    """Anything but flags that say it is for reading alone."""
    flags = ast.unparse(call.args[1]) if len(call.args) > 1 else ""
    return not ("READ_ONLY" in flags or "os.O_RDONLY" in flags) or "O_CREAT" in flags


def _mode_writes(call: ast.Call) -> bool:
    modes = [argument for argument in call.args if isinstance(argument, ast.Constant)]
    modes += [keyword.value for keyword in call.keywords if isinstance(keyword.value, ast.Constant)]
    return any(isinstance(mode.value, str) and set(mode.value) & set("wax+") and set(mode.value) <= set("rwaxbt+")
               for mode in modes)  # fmt: skip


def _mode_is_unknown(call: ast.Call) -> bool:
    """`open(path, mode)`: a method of another name may be that of anything."""
    is_function = ast.unparse(call.func) in ("open", "io.open", "os.fdopen")
    return is_function and len(call.args) > 1 and not isinstance(call.args[1], ast.Constant)


@cache
def written_by_the_house() -> list[tuple[str, str, int]]:
    """Every call that writes, with its module and line."""
    return [(name, call, line) for name, tree in house() for call, line in only_durable_writes_files(name, tree)]


def house() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)
        yield name, ast.parse(path.read_text(encoding="utf-8"))


def test_only_durable_writes_files() -> None:
    complaints = [
        f"artfactoryd.{name}:{line} {call}"
        for name, call, line in written_by_the_house()
        if (name, call) not in EXCEPTIONS
    ]
    assert not complaints, "give it a verb of durable: " + ", ".join(complaints)


def test_every_exception_is_still_needed() -> None:
    assert set(EXCEPTIONS) <= {(name, call) for name, call, _ in written_by_the_house()}


@pytest.mark.parametrize(
    "source",
    [
        "path.write_text('x')",
        "path.write_bytes(b'x')",
        "Path('x').open('wb')",
        "path.open(mode='a')",
        "open('x', 'w')",
        "open('x', 'r+b')",
        "os.fdopen(fd, 'wb')",
        "open('x', mode)",
        "path.touch(exist_ok=True)",
        "os.open(path, os.O_WRONLY | os.O_CREAT)",
        "os.open(path, flags)",
        "os.open(path, os.O_RDONLY | os.O_CREAT)",
        "os.write(fd, data)",
        "os.fsync(fd)",
        "os.replace(a, b)",
        "a.replace(b)",
        "os.rename(a, b)",
        "a.rename(b)",
        "os.link(a, b)",
        "a.symlink_to(b)",
        "folder.mkdir(exist_ok=True)",
        "os.makedirs(folder)",
        "shutil.copyfile(a, b)",
        "shutil.copytree(a, b)",
        "tempfile.mkstemp()",
        "from shutil import copyfileobj",
        "from os import replace",
    ],
)
def test_the_law_complains(source: str) -> None:
    assert list(only_durable_writes_files("shelf.media", ast.parse(source)))


@pytest.mark.parametrize(
    "source",
    [
        "open(path, 'rb')",
        "path.open(errors='replace')",
        "open(path, encoding='utf-8')",
        "os.open(path, READ_ONLY)",
        "os.open(path, os.O_RDONLY | os.O_DIRECTORY)",
        "text.replace('a', 'b')",
        "moment.replace(tzinfo=UTC)",
        "replace(order, name='x')",
        "durable.rename(a, b)",
        "claims.open()",
        "Index.open(file)",
        "path.unlink()",
        "stream.write(data)",
        "bench.touch(order)",
    ],
)
def test_the_law_lets_reading_be(source: str) -> None:
    assert not list(only_durable_writes_files("shelf.media", ast.parse(source)))


def test_the_writer_itself_may() -> None:
    assert not list(only_durable_writes_files(WRITER, ast.parse("os.replace(a, b)")))
