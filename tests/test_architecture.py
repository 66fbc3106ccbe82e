"""The laws of the house, kept by reading the code (ARCHITECTURE.md tells their reasons).

Each law is a function from one module to its complaints; further down each is seen to complain.
"""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "artfactoryd"

FLOOR = {
    "database", "documents", "durable", "entries", "errors", "fault", "log", "moments", "mounts", "source", "yaml12",
}  # fmt: skip
HANDS = {
    "claims",
    "commands",
    "fetch",
    "home",
    "inbox",
    "index",
    "keychain",
    "ledger",
    "library",
    "limits",
    "lookups",
    "media",
    "service",
    "reach",
    "settings",
    "shelf",
    "wakefulness",
    "templates",
}
SPINE = {
    "again",
    "books",
    "budget",
    "chain",
    "calls",
    "choosing",
    "companions",
    "daemon",
    "delivery",
    "descriptions",
    "doubts",
    "endings",
    "foreman",
    "gathering",
    "health",
    "held",
    "house",
    "inputs",
    "intake",
    "kept",
    "leftovers",
    "legal",
    "lines",
    "marks",
    "moves",
    "needs",
    "paperwork",
    "proofs",
    "patterns",
    "purchase",
    "receipts",
    "reindex",
    "reports",
    "reuse",
    "stakes",
    "resolution",
    "searching",
    "steering",
    "study",
    "taking",
    "turns",
    "twins",
    "unwritten",
    "workbench",
}
WINDOW = {"followers", "guard", "page", "reads", "status"}  # the status page: it looks in, nothing leans on it
FRONT = {  # the commands: nobody behind them imports them
    "borrowing",
    "cli",
    "diagnosis",
    "doctor",
    "explaining",
    "finding",
    "installing",
    "logs",
    "models",
    "planning",
    "preview",
    "progress",
    "providers",
    "session",
    "setup",
    "show",
    "soundness",
    "spending",
}
BUYERS = {"factories.fal", "factories.replicate"}
PARTS = {  # a factory split along a word, and what several share: who may lean on it
    "factories.answer": {
        *BUYERS,
        "factories.description",
        "factories.fal_answers",
        "factories.fal_models",
        "factories.prediction",
        "factories.wire",
    },
    "factories.description": {"factories.replicate"},
    "factories.fal_answers": {"factories.fal", "factories.fal_models"},
    "factories.fal_models": {"factories.fal"},
    "factories.listing": {"factories.replicate"},
    "factories.pictures": {"factories.local"},
    "factories.prediction": {"factories.description", "factories.replicate"},
    "factories.sketch": {"factories.local"},
    "factories.wire": BUYERS,
}
MAY_IMPORT = {"status": {"daemon"}, "daemon": {"session"}, "session": {"cli"}, "cli": {"__main__"}}
DOORS = {
    "aiohttp": {"factories.wire", "fetch", "status"},
    "click": {"cli", "session"},
    "fal_client": {"factories.fal"},
    "httpx": {*BUYERS, "factories.wire"},
    "httpx_aiohttp": {"factories.wire"},
    "jsonschema": {"documents"},
    "keyring": {"keychain", "settings"},
    "peewee": {"database", "migrations"},
    "PIL": {"factories.pictures", "factories.sketch", "media"},
    "playhouse": {"database", "migrations"},
    "replicate": {"factories.replicate"},
    "rich": {"preview", "progress"},
    "sqlite3": {"database", "migrations"},
    "uuid_utils": {"reuse", "commands", "taking", "foreman", "purchase", "session"},
    "watchfiles": {"inbox"},
    "xattr": {"desktop"},
    "yaml": {"yaml12"},
}
# fmt: off
PURE = {
    "__future__", "abc", "array", "base64", "bisect", "collections", "contextlib", "copy", "csv", "dataclasses",
    "datetime", "decimal", "difflib", "enum", "fractions", "functools", "hashlib", "heapq", "io", "itertools", "json",
    "math", "operator", "pathlib", "posixpath", "random", "re", "string", "struct", "textwrap", "types", "typing",
    "unicodedata", "urllib.parse", "zlib",
}
# fmt: on
PURE_NAMES = {"pathlib": {"PurePath", "PurePosixPath"}, "random": {"Random"}, "io": {"StringIO", "BytesIO"}}
ACTS = {"open", "print", "input", "exec", "eval", "hash", "breakpoint", "__import__"}  # hash() of text differs by run
CLOCKS = {"now", "today", "utcnow"}
RIVALS = {"base", "common", "helper", "helpers", "job", "jobs", "manager", "misc", "task", "tasks", "util", "utils"}
WHOLE_HOUSE = {  # tests about no single module
    "architecture",
    "crashes",
    "docs",
    "lock",
    "examples",
    "pictures_whole",
    "soak",
    "troubleshooting",
    "wheel",
}
MOST_LINES, MOST_FUNCTION_LINES = 400, 40


@dataclass(frozen=True)
class Module:
    """One module by its dotted name inside the package: `core.plan`, `factories` for its __init__, `__init__`."""

    name: str
    source: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.source)

    @property
    def room(self) -> str:
        return self.name.partition(".")[0]

    @cached_property
    def imports(self) -> list[tuple[str, set[str]]]:
        """(module, names taken from it) of every import, inside functions and TYPE_CHECKING too."""
        found: list[tuple[str, set[str]]] = []
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found += [(alias.name, set()) for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                found.append((self._absolute(node), {alias.name for alias in node.names}))
        return found

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        folder = ["artfactoryd", *self.name.split(".")[:-1]]
        return ".".join([*folder[: len(folder) - node.level + 1], *([node.module] if node.module else [])])

    @cached_property
    def uses(self) -> set[str]:
        """Modules of the house it imports, by dotted name; `from artfactoryd.core.expansion import plan` is core.plan."""
        used: set[str] = set()
        for module, names in self.imports:
            if module == "artfactoryd":
                used |= names - {"__version__"}
            elif module.startswith("artfactoryd."):
                inside = module.removeprefix("artfactoryd.")
                parts = {f"{inside}.{name}" for name in names} & HOUSE.keys()
                used |= parts or {inside}
        return used - {self.name}


def read_house() -> dict[str, Module]:
    house = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)
        house[name] = Module(name, path.read_text(encoding="utf-8"))
    return house


HOUSE: dict[str, Module] = {}
HOUSE.update(read_house())


def room_of(name: str) -> str:
    return name.partition(".")[0]


def core_decides_and_never_acts(module: Module) -> Iterator[str]:
    if module.room != "core":
        return
    for used in module.uses:
        if room_of(used) not in ("core", "errors"):
            yield f"imports {used}"
    for name, names in module.imports:
        root = name.partition(".")[0]
        if root != "artfactoryd" and not PURE & {root, name}:
            yield f"imports {name}"
        elif name in PURE_NAMES and names - PURE_NAMES[name]:
            yield f"takes {', '.join(names - PURE_NAMES[name])} from {name}"
    yield from impure_calls(module.tree)


def impure_calls(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ACTS:
            yield f"line {node.lineno} calls {node.func.id}()"
        if isinstance(node, ast.Attribute):
            owner = node.value.id if isinstance(node.value, ast.Name) else ""
            if node.attr in CLOCKS or (owner in PURE_NAMES and node.attr not in PURE_NAMES[owner]):
                yield f"line {node.lineno} uses {owner or '…'}.{node.attr}"


def hands_do_not_know_each_other(module: Module) -> Iterator[str]:
    """A hand may use core, the floor, and nothing else of the house; the floor only the floor."""
    if module.room in HANDS | {"factories", "migrations"}:
        allowed = FLOOR | {"core", module.room}
    elif module.room in FLOOR:
        allowed = FLOOR
    else:
        return
    for used in module.uses:
        if room_of(used) not in allowed:
            yield f"imports {used}"


def factories_do_not_know_their_siblings(module: Module) -> Iterator[str]:
    if module.room == "factories":
        others = {used for used in module.uses if used.startswith("factories.")}
        yield from (f"imports {used}" for used in others if module.name not in PARTS.get(used, set()))


def only_the_way_in_imports_daemon_and_cli(module: Module) -> Iterator[str]:
    for target, allowed in MAY_IMPORT.items():
        if target in module.uses and not {module.name, module.room} & allowed:
            yield f"imports {target}"


def nobody_goes_back_to_the_front_door(module: Module) -> Iterator[str]:
    if module.room not in FRONT | {"__main__"}:
        yield from (f"imports {used}" for used in module.uses if room_of(used) in FRONT)


def every_room_is_known(module: Module) -> Iterator[str]:
    known = FLOOR | HANDS | SPINE | WINDOW | FRONT | {"__init__", "__main__", "core", "factories", "migrations"}
    if module.room not in known:
        yield "is neither floor, hand, spine, window, front, core, factory nor migration: say so here and in the map"


def one_door_for_each_dependency(module: Module) -> Iterator[str]:
    for name, _ in module.imports:
        doors = DOORS.get(name.partition(".")[0])
        if doors is not None and not doors & {module.name, module.room}:
            yield f"imports {name}, which belongs to {', '.join(sorted(doors))}"


def small_enough(module: Module) -> Iterator[str]:
    lines = module.source.count("\n")
    if lines > MOST_LINES:
        yield f"has {lines} lines, {MOST_LINES} at most"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > MOST_FUNCTION_LINES:
                yield f"{node.name} has {length} lines, {MOST_FUNCTION_LINES} at most"


def only_the_vocabulary(module: Module) -> Iterator[str]:
    for part in module.name.split("."):
        if RIVALS & set(part.split("_")):
            yield f"is called {part}"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ClassDef):
            words = {word.lower() for word in re.findall("[A-Z][a-z]+", node.name)}
            if words & RIVALS - {"base"}:
                yield f"has a class {node.name}"


LAWS: list[Callable[[Module], Iterator[str]]] = [
    core_decides_and_never_acts,
    hands_do_not_know_each_other,
    factories_do_not_know_their_siblings,
    only_the_way_in_imports_daemon_and_cli,
    nobody_goes_back_to_the_front_door,
    every_room_is_known,
    one_door_for_each_dependency,
    small_enough,
    only_the_vocabulary,
]


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_the_house_keeps_the_law(law: Callable[[Module], Iterator[str]]) -> None:
    assert [f"{module.name} {complaint}" for module in HOUSE.values() for complaint in law(module)] == []


BREAKS = [
    (core_decides_and_never_acts, "core.plan", "import os"),
    (core_decides_and_never_acts, "core.plan", "import os.path"),
    (core_decides_and_never_acts, "core.plan", "from time import monotonic"),
    (core_decides_and_never_acts, "core.plan", "from pathlib import Path"),
    (core_decides_and_never_acts, "core.plan", "from artfactoryd.storage import ledger"),
    (core_decides_and_never_acts, "core.plan", "from artfactoryd.documents import Document"),
    (core_decides_and_never_acts, "core.plan", "def f():\n    from ..ledger import append"),
    (core_decides_and_never_acts, "core.plan", "import random\nx = random.choice([1])"),
    (core_decides_and_never_acts, "core.plan", "from random import choice"),
    (core_decides_and_never_acts, "core.plan", "from datetime import datetime\nx = datetime.now()"),
    (core_decides_and_never_acts, "core.plan", "import datetime\nx = datetime.datetime.today()"),
    (core_decides_and_never_acts, "core.plan", "x = hash('red')"),
    (core_decides_and_never_acts, "core.plan", "open('x')"),
    (hands_do_not_know_each_other, "shelf", "from artfactoryd.storage import ledger"),
    (hands_do_not_know_each_other, "shelf", "from artfactoryd.storage.ledger import append"),
    (hands_do_not_know_each_other, "shelf", "import artfactoryd.storage.ledger"),
    (hands_do_not_know_each_other, "shelf", "from .ledger import append"),
    (hands_do_not_know_each_other, "fetch", "from artfactoryd.factories import Output"),
    (hands_do_not_know_each_other, "factories.local", "from artfactoryd.shelf import media"),
    (hands_do_not_know_each_other, "log", "from artfactoryd import home"),
    (hands_do_not_know_each_other, "inbox", "def f():\n    import artfactoryd.execution.worker"),
    (factories_do_not_know_their_siblings, "factories.replicate", "from artfactoryd.factories import local"),
    (factories_do_not_know_their_siblings, "factories.replicate", "from .local import make"),
    (factories_do_not_know_their_siblings, "factories.local", "from .wire import Wire"),
    (factories_do_not_know_their_siblings, "factories.wire", "from .replicate import make"),
    (only_the_way_in_imports_daemon_and_cli, "foreman", "from artfactoryd.daemon import loop as daemon"),
    (only_the_way_in_imports_daemon_and_cli, "foreman", "from artfactoryd.web import server as status"),
    (only_the_way_in_imports_daemon_and_cli, "daemon", "from artfactoryd.cli import main"),
    (nobody_goes_back_to_the_front_door, "foreman", "from artfactoryd.cli import show"),
    (every_room_is_known, "attic", ""),
    (one_door_for_each_dependency, "shelf", "from PIL import Image"),
    (one_door_for_each_dependency, "factories.local", "import replicate.client"),
    (one_door_for_each_dependency, "cli", "def f():\n    import yaml"),
    (small_enough, "shelf", "\n" * 401),
    (small_enough, "shelf", "def f():\n" + "    pass\n" * 40),
    (only_the_vocabulary, "core.utils", ""),
    (only_the_vocabulary, "order_manager", ""),
    (only_the_vocabulary, "shelf", "class DownloadJob: ..."),
    (only_the_vocabulary, "shelf", "class TaskManager: ..."),
]
KEEPS = [
    ("core.plan", "import random\nfrom pathlib import PurePosixPath\nx = random.Random(7)"),
    (
        "core.plan",
        "from urllib.parse import urlsplit\nfrom artfactoryd.core.grammar import tokens as grammar\nfrom . import order",
    ),
    ("core.plan", "from artfactoryd.errors import Problem"),
    ("shelf", "from artfactoryd import documents, log\nfrom artfactoryd.core.sidecar import name"),
    ("factories.replicate", "import replicate\nfrom artfactoryd.factories import Ticket"),
    (
        "foreman",
        "from artfactoryd.shelf import fetch; from artfactoryd.shelf import placing as shelf\nfrom artfactoryd.factories import Ticket",
    ),
    ("session", "def f():\n    from artfactoryd.daemon import loop as daemon"),
    ("migrations.0001_begin", "import peewee"),
    ("shelf", "def f():\n" + "    pass\n" * 39),
]


@pytest.mark.parametrize(("law", "name", "source"), BREAKS)
def test_the_law_complains(law: Callable[[Module], Iterator[str]], name: str, source: str) -> None:
    assert list(law(Module(name, source)))


@pytest.mark.parametrize(("name", "source"), KEEPS)
def test_no_law_complains_of_good_code(name: str, source: str) -> None:
    assert [complaint for law in LAWS for complaint in law(Module(name, source))] == []


def cycle(uses: dict[str, set[str]]) -> list[str]:
    try:
        list(TopologicalSorter(uses).static_order())
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_two_modules_need_each_other() -> None:
    assert cycle({"a": {"b"}, "b": {"c"}, "c": {"a"}})
    assert cycle({module.name: module.uses & HOUSE.keys() for module in HOUSE.values()}) == []


def test_every_dependency_is_used_and_has_its_door() -> None:
    lines = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {re.split("[<>=]", line)[0].replace("-", "_") for line in lines} - {"pydantic"}  # a bound only
    imported = {name.partition(".")[0] for module in HOUSE.values() for name, _ in module.imports}
    known_as = {"pillow": "PIL", "pyyaml": "yaml"}
    assert {name for name in names if known_as.get(name, name) not in imported & DOORS.keys()} == set()


def spoken_of(text: str) -> set[str]:
    """Modules that ARCHITECTURE.md names: `grammar.py`, `core/grammar.py`, and folders as `core/`."""
    return {path.removesuffix(".py") for path in re.findall(r"\b(?:\w+/)*\w+\.py\b", text)} | {
        folder.removesuffix("/") for folder in re.findall(r"\b\w+/", text)
    }


def unnamed(names: set[str], text: str) -> set[str]:
    spoken = {path.rpartition("/")[2] for path in spoken_of(text)}
    return {name for name in names if room_of(name) != "migrations" and name.rpartition(".")[2] not in spoken}


def vanished(names: set[str], text: str) -> set[str]:
    known = {part for name in names for part in name.split(".")} | {path.stem for path in ROOT.glob("*/*.py")}
    return {path for path in re.findall(r"\b(\w+)\.py\b", text) if path not in known}


def test_architecture_names_every_module_and_no_other() -> None:
    assert unnamed({"core.plan", "shelf"}, "`shelf.py`") == {"core.plan"}
    assert vanished({"core.plan"}, "`plan.py` and `ghost.py`") == {"ghost"}
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert unnamed(set(HOUSE), text) == set()
    assert vanished(set(HOUSE), text) == set()


def strangers(tests: set[str], modules: set[str]) -> set[str]:
    """Test files named after nothing: each is test_MODULE.py or test_MODULE_aspect.py."""
    subjects = {part for name in modules for part in name.split(".")} | WHOLE_HOUSE
    named = {test.removeprefix("test_") for test in tests}
    return {name for name in named if not any(name == word or name.startswith(f"{word}_") for word in subjects)}


def test_tests_are_named_after_modules() -> None:
    assert strangers({"test_shelf", "test_ghost", "test_index_speed"}, {"shelf", "index"}) == {"ghost"}
    assert strangers({path.stem for path in ROOT.glob("tests/test_*.py")}, set(HOUSE)) == set()


MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:work|root)/|\.\./" + "shared/")


def test_no_file_names_a_path_of_the_machine_it_was_written_on() -> None:
    assert MACHINE_PATH.search("see /wo" + "rk/x") and not MACHINE_PATH.search("H/.work/claims and /home/work/")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    texts = {path: path.read_bytes().decode("utf-8", "replace") for path in paths if path.is_file()}
    assert [str(path) for path, text in texts.items() if MACHINE_PATH.search(text)] == []
