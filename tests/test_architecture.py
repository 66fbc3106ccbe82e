"""The laws of the house, kept by reading the code (ARCHITECTURE.md tells their reasons).

Each law is a function from one module to its complaints; further down each is seen to complain.
"""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.figures import Package

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "artfactoryd"

# The folders from the lowest to the highest: each imports only what stands below it. `core` imports itself and errors
# alone; `execution` and `intake` stand side by side and do not know each other.
ROOMS = (
    "core", "factories", "shelf", "storage", "planning", "reporting", "intake", "execution", "daemon", "web", "cli",
)  # fmt: skip
SIDE_BY_SIDE = {("execution", "intake"), ("shelf", "factories")}  # the first does not know the second
HALL = "hall"  # the files beside the folders: all but core may import them, and they import only each other and core
BESIDE_ROOMS = {"__init__", "__main__"}  # the way in
ONLY_RUN_KNOWS_WEB = {"cli.run"}
SHARED_BY_FACTORIES = {"factories", "factories.registry", "factories.library", "factories.http"}
DOORS = {  # one place for each library; a folder stands for all in it
    "aiohttp": {"factories.http.transport", "shelf.fetch", "web"},
    "click": {"cli"},
    "fal_client": {"factories.fal"},
    "httpx": {"factories.fal", "factories.replicate", "factories.http"},
    "httpx_aiohttp": {"factories.http.library_wire"},
    "jinja2": {"web"},
    "jsonschema": {"schema"},
    "markupsafe": {"web"},
    "keyring": {"credentials"},
    "mcp": {"cli.agents.server"},
    "mcp_types": {"cli.agents.server"},
    "orjson": {"core.strict_json"},
    "peewee": {"storage"},
    "PIL": {"factories.local", "shelf"},
    "playhouse": {"storage"},
    "replicate": {"factories.replicate"},
    "rich": {"cli"},
    "sqlite3": {"storage"},
    "uuid_utils": {"cli", "daemon", "execution", "intake", "planning"},
    "watchfiles": {"intake.watching"},
    "xattr": {"shelf.desktop"},
    "yaml": {"yaml12", "documents"},
}
# fmt: off
PURE = {
    "__future__", "abc", "array", "base64", "bisect", "collections", "contextlib", "copy", "csv", "dataclasses",
    "datetime", "decimal", "difflib", "enum", "fractions", "functools", "hashlib", "heapq", "io", "itertools", "json",
    "math", "operator", "orjson", "pathlib", "posixpath", "random", "re", "string", "struct", "textwrap", "types",
    "typing",
    "unicodedata", "urllib.parse", "zlib",
}
# fmt: on
PURE_NAMES = {"pathlib": {"PurePath", "PurePosixPath"}, "random": {"Random"}, "io": {"StringIO", "BytesIO"}}
ACTS = {"open", "print", "input", "exec", "eval", "hash", "breakpoint", "__import__"}  # hash() of text differs by run
CLOCKS = {"now", "today", "utcnow"}
RIVALS = {"base", "common", "helper", "helpers", "job", "jobs", "manager", "misc", "task", "tasks", "util", "utils"}
WHOLE_HOUSE = {  # tests about no single module, beside the folders
    "architecture", "chain_whole", "crashes", "docs", "doors", "examples", "lock", "old_home", "pictures_whole",
    "plugins", "soak",
    "troubleshooting", "wheel",
}  # fmt: skip
MOST_LINES, MOST_FUNCTION_LINES = 400, 40


@dataclass(frozen=True)
class Module:
    """One module by its dotted name inside the package: `core.plan`, `factories` for its __init__, `__init__`."""

    name: str
    source: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.source)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """All of the tree: each law looks at them, and walking there costs more than looking."""
        return list(ast.walk(self.tree))

    @property
    def room(self) -> str:
        return room_of(self.name)

    @cached_property
    def imports(self) -> list[tuple[str, set[str]]]:
        """(module, names taken from it) of every import, inside functions and TYPE_CHECKING too."""
        found: list[tuple[str, set[str]]] = []
        for node in self.nodes:
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
        """Modules of ours that it imports, by dotted name: `from artfactoryd.core import order` is core.order."""
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
    """Its folder; the hall for a file beside the folders."""
    first = name.partition(".")[0]
    return first if first in ROOMS else HALL


def is_within(name: str, places: set[str]) -> bool:
    """Is it one of these modules, or in one of these folders?"""
    return any(name == place or name.startswith(f"{place}.") for place in places)


def core_decides_and_never_acts(module: Module) -> Iterator[str]:
    if module.room != "core":
        return
    for used in module.uses:
        if room_of(used) != "core" and used != "errors":
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


def a_folder_imports_only_what_stands_below_it(module: Module) -> Iterator[str]:
    if module.name in BESIDE_ROOMS:
        return
    for used in module.uses:
        if not may_import(module.room, room_of(used)) or (used == "errors" and module.name == "errors"):
            yield f"imports {used}"


def may_import(room: str, used: str) -> bool:
    if room == HALL:
        return used in (HALL, "core")
    if used == HALL:
        return True
    below = ROOMS[: ROOMS.index(room) + 1]
    return used in below and (room, used) not in SIDE_BY_SIDE


def errors_import_nothing_of_ours(module: Module) -> Iterator[str]:
    if module.name == "errors":
        yield from (f"imports {used}" for used in module.uses)


def factories_do_not_know_their_siblings(module: Module) -> Iterator[str]:
    """A provider's folder knows itself and what all of them share."""
    if module.room != "factories":
        return
    own = ".".join(module.name.split(".")[:2])
    for used in module.uses:
        if used.startswith("factories.") and not is_within(used, {own, *SHARED_BY_FACTORIES - {"factories"}}):
            yield f"imports {used}"


def only_run_knows_the_page(module: Module) -> Iterator[str]:
    if module.room == "cli" and module.name not in ONLY_RUN_KNOWS_WEB:
        yield from (f"imports {used}" for used in module.uses if room_of(used) == "web")


def nobody_goes_back_to_the_way_in(module: Module) -> Iterator[str]:
    if module.name not in BESIDE_ROOMS:
        yield from (f"imports {used}" for used in module.uses if used == "__main__")


def one_door_for_each_dependency(module: Module) -> Iterator[str]:
    for name, _ in module.imports:
        doors = DOORS.get(name.partition(".")[0])
        if doors is not None and not is_within(module.name, doors):
            yield f"imports {name}, which belongs to {', '.join(sorted(doors))}"


def small_enough(module: Module) -> Iterator[str]:
    lines = module.source.count("\n")
    if lines > MOST_LINES:
        yield f"has {lines} lines, {MOST_LINES} at most"
    for node in module.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > MOST_FUNCTION_LINES:
                yield f"{node.name} has {length} lines, {MOST_FUNCTION_LINES} at most"


def only_the_vocabulary(module: Module) -> Iterator[str]:
    for part in module.name.split("."):
        if RIVALS & set(part.split("_")):
            yield f"is called {part}"
    for node in module.nodes:
        if isinstance(node, ast.ClassDef):
            words = {word.lower() for word in re.findall("[A-Z][a-z]+", node.name)}
            if words & RIVALS - {"base"}:
                yield f"has a class {node.name}"


def what_the_system_refuses_is_told_in_words(module: Module) -> Iterator[str]:
    """`[Errno 17] File exists: '/x'` is no sentence: `medium.in_words` makes one of it."""
    for node in module.nodes:
        if isinstance(node, ast.ExceptHandler) and node.name and "OSError" in _caught(node):
            for inner in ast.walk(node):
                if any(isinstance(part, ast.Name) and part.id == node.name for part in _shown_in(inner)):
                    yield f"line {getattr(inner, 'lineno', node.lineno)} shows {node.name} as the system has it"


def _caught(handler: ast.ExceptHandler) -> str:
    return ast.unparse(handler.type) if handler.type else ""


def _shown_in(node: ast.AST) -> Sequence[ast.AST]:
    """What an f-string, str() or a line of the log takes as it is."""
    if isinstance(node, ast.FormattedValue):
        return [node.value]
    if isinstance(node, ast.Call):
        of = ast.unparse(node.func)
        return node.args if of == "str" or of.startswith("log.") or of in ("print", "echo") else ()
    return ()


LAWS: list[Callable[[Module], Iterator[str]]] = [
    core_decides_and_never_acts,
    a_folder_imports_only_what_stands_below_it,
    errors_import_nothing_of_ours,
    factories_do_not_know_their_siblings,
    only_run_knows_the_page,
    nobody_goes_back_to_the_way_in,
    one_door_for_each_dependency,
    small_enough,
    only_the_vocabulary,
    what_the_system_refuses_is_told_in_words,
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
    (a_folder_imports_only_what_stands_below_it, "shelf.placing", "from artfactoryd.storage import ledger"),
    (a_folder_imports_only_what_stands_below_it, "shelf.placing", "from artfactoryd.storage.ledger import append"),
    (a_folder_imports_only_what_stands_below_it, "shelf.placing", "import artfactoryd.storage.ledger"),
    (a_folder_imports_only_what_stands_below_it, "shelf.placing", "from ..storage.ledger import append"),
    (a_folder_imports_only_what_stands_below_it, "shelf.fetch", "from artfactoryd.factories import Output"),
    (a_folder_imports_only_what_stands_below_it, "factories.local", "from artfactoryd.shelf import media"),
    (a_folder_imports_only_what_stands_below_it, "log", "from artfactoryd.storage import index"),
    (a_folder_imports_only_what_stands_below_it, "intake.inbox", "def f():\n    import artfactoryd.execution.worker"),
    (a_folder_imports_only_what_stands_below_it, "execution.worker", "from artfactoryd.intake import claims"),
    (a_folder_imports_only_what_stands_below_it, "execution.worker", "from artfactoryd.daemon import loop"),
    (a_folder_imports_only_what_stands_below_it, "daemon.loop", "from artfactoryd.web import server"),
    (a_folder_imports_only_what_stands_below_it, "daemon.loop", "from artfactoryd.cli import main"),
    (errors_import_nothing_of_ours, "errors", "from artfactoryd import clock"),
    (factories_do_not_know_their_siblings, "factories.replicate", "from artfactoryd.factories import local"),
    (factories_do_not_know_their_siblings, "factories.replicate.listing", "from artfactoryd.factories.fal import make"),
    (factories_do_not_know_their_siblings, "factories.http.transport", "from artfactoryd.factories.fal import make"),
    (only_run_knows_the_page, "cli.orders", "from artfactoryd.web import page"),
    (nobody_goes_back_to_the_way_in, "cli.run", "from artfactoryd import __main__"),
    (one_door_for_each_dependency, "planning.inputs", "from PIL import Image"),
    (one_door_for_each_dependency, "factories.local", "import replicate.client"),
    (one_door_for_each_dependency, "cli.plan", "def f():\n    import yaml"),
    (one_door_for_each_dependency, "intake.inbox", "import watchfiles"),
    (small_enough, "shelf", "\n" * 401),
    (small_enough, "shelf", "def f():\n" + "    pass\n" * 40),
    (only_the_vocabulary, "core.utils", ""),
    (only_the_vocabulary, "order_manager", ""),
    (only_the_vocabulary, "shelf", "class DownloadJob: ..."),
    (only_the_vocabulary, "shelf", "class TaskManager: ..."),
    (what_the_system_refuses_is_told_in_words, "shelf", "try: f()\nexcept OSError as error: log.info('%s', error)"),
    (what_the_system_refuses_is_told_in_words, "shelf", "try: f()\nexcept (OSError, A) as no: g(f'it waits: {no}')"),
    (what_the_system_refuses_is_told_in_words, "shelf", "try: f()\nexcept OSError as error: g(str(error))"),
]
KEEPS = [
    ("core.plan", "import random\nfrom pathlib import PurePosixPath\nx = random.Random(7)"),
    (
        "core.plan",
        "from urllib.parse import urlsplit\nfrom artfactoryd.core.grammar import tokens\nfrom . import order",
    ),
    ("core.plan", "from artfactoryd.errors import Problem"),
    ("shelf.placing", "from artfactoryd import documents, log\nfrom artfactoryd.core.sidecar import name"),
    ("factories.replicate", "import replicate\nfrom artfactoryd.factories import Ticket"),
    ("factories.replicate", "from artfactoryd.factories.http import transport"),
    ("execution.worker", "from artfactoryd.shelf import fetch\nfrom artfactoryd.factories import Ticket"),
    ("cli.run", "from artfactoryd.web import server\nfrom artfactoryd.daemon import loop"),
    ("storage.migrations.0001_begin", "import peewee"),
    ("shelf.placing", "def f():\n" + "    pass\n" * 39),
    ("shelf.placing", "try: f()\nexcept OSError as error: log.info('%s', in_words(error))"),
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


def loaded_with(name: str) -> set[str]:
    """Ours and others, by the import statements that run when it is imported."""
    loaded, waiting = set[str](), [name]
    while waiting:
        one = waiting.pop()
        if one in loaded:
            continue
        loaded.add(one)
        if one in HOUSE:
            at_once = Module(one, "")
            at_once.__dict__["nodes"] = list(run_at_import(HOUSE[one].tree.body))
            waiting += [*at_once.uses, *(other.partition(".")[0] for other, _ in at_once.imports)]
    return loaded


def run_at_import(statements: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in statements:
        if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield statement
        if isinstance(statement, ast.Try | ast.With):
            yield from run_at_import(statement.body)


def test_a_daemon_with_nothing_to_do_does_without_the_megabytes_of_what_only_work_needs() -> None:
    loaded = loaded_with("cli.run")
    assert {"aiohttp", "daemon.noticing.noticer", "shelf.media", "sqlite3"} <= loaded
    assert (
        loaded & {"PIL", "watchfiles", "jinja2", "jsonschema", "keyring", "httpx", "replicate", "fal_client"} == set()
    )


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
    return {name for name in names if ".migrations." not in name and name.rpartition(".")[2] not in spoken}


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
    """Test files named after nothing: each is FOLDER/test_MODULE or test_MODULE_aspect, in the folder of its module.

    `tests`: as `storage/test_writer`; those of the hall are in `hall/`.
    """
    return {test for test in tests if not _is_of_something(*test.rpartition("/")[::2], modules)}


def _is_of_something(folder: str, test: str, modules: set[str]) -> bool:
    name = test.removeprefix("test_")
    if not folder:
        return name in WHOLE_HOUSE
    dotted = "" if folder == HALL else folder.replace("/", ".") + "."
    room = folder.partition("/")[0]
    words = {
        part for module in modules if room_of(module) == room and module.startswith(dotted)
        for part in module.removeprefix(dotted).split(".")
    }  # fmt: skip
    return any(name == word or name.startswith(f"{word}_") for word in words)


def test_tests_lie_in_the_folder_of_what_they_test_and_are_named_after_it() -> None:
    modules = {"shelf.placing", "storage.index", "log"}
    tests = {"shelf/test_placing", "shelf/test_index", "storage/test_index_speed", "hall/test_log", "test_log"}
    assert strangers(tests, modules) == {"shelf/test_index", "test_log"}
    paths = (path.relative_to(ROOT / "tests").with_suffix("") for path in ROOT.glob("tests/**/test_*.py"))
    assert strangers({path.as_posix() for path in paths}, set(HOUSE)) == set()


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


def test_the_house_keeps_its_measures() -> None:
    """Modules side by side, their length, cycles, `Any` and subscripts of rows: what grows back unseen."""
    package = Package(ROOT / "artfactoryd")
    most, folder = package.most_side_by_side()
    assert most <= 20, folder
    assert package.longest_module()[0] <= 400 and package.cycle() == []
    assert 1000 * package.count_any() / package.lines <= 6 and package.subscripts(of_rows=True) < 150
