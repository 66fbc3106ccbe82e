"""docs/troubleshooting.md, row by row: each situation is produced for real, and is found as its row says.

A row names what happens (found again in SITUATIONS below), where the thing lies then, the state of its order,
words that can be read there, and the exit code of `once` or of the command the row names.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import signal
import subprocess
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import artfactoryd
from artfactoryd.home import Home
from artfactoryd.storage.index import Index
from artfactoryd.storage.rows import OrderRow
from tests.emulator.client import Emulator
from tests.fakes import install
from tests.forks import Program
from tests.homes import PATIENCE, TestHome, card_of, copied_at_work, until

CATALOG = Path(artfactoryd.__file__).with_name("catalog")
TABLES = Path(__file__).parents[1] / "docs" / "troubleshooting.md"
NOTHING = "–"  # noqa: RUF001
# A minute after it was dropped; and nothing is waited for that a bundle names.
LATER = """import time; real = time.time; time.time = lambda: real() + 61
from artfactoryd.intake import attachments; attachments.PATIENCE = 0.1"""
IMPATIENT = """from artfactoryd.factories import ProviderSettings
ProviderSettings.__init__.__defaults__ = (*ProviderSettings.__init__.__defaults__[:-1], 1.0)"""
AT_ONCE = (
    "from datetime import timedelta; from artfactoryd.execution import reconciliation as r; r.PATIENCE = timedelta(0)"
)
HASTY = """from artfactoryd.execution import collection
from artfactoryd.execution.pacing import gate
collection.ATTEMPT_AGAIN = (0.01, 0.01); gate.FIRST_PAUSE = 0.01"""
GREEN = "provider: local\nmodel: sketch\nparameters: {prompt: a green car, width: 64, height: 64}\n"
SMALLER = "provider: local\nmodel: resize\nparameters: {width: 32, image: "
PAID = "provider: replicate\nmodel: flux-schnell\nparameters: {prompt: PROMPT}\n"


@dataclass(frozen=True)
class Row:
    happens: str
    place: str
    state: str
    words: str
    exit: str
    advice: str


@dataclass
class Found:
    """What a person finds: where it lies, its order's state, every word to be read there, the exit code."""

    place: str
    state: str
    words: str
    exit: int | None


def rows() -> list[Row]:
    lines = [line for line in TABLES.read_text().splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]
    return [Row(*each) for each in cells if each[0] != "What happens"]


def plain(text: str) -> str:
    return " ".join(text.replace("`", "").split())


# --- the house in which they happen ---


@dataclass
class OddHome(TestHome):
    """`before`: Python that runs ahead of the program, in its process. `shell`: what starts that process."""

    __test__ = False
    before: str = ""
    shell: list[str] = field(default_factory=list)

    def start(self, *words: str, **environ: str) -> Program:
        return Program(["--home", str(self.root), *words], self.environment(**environ), self.before)

    def call(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        if not self.shell:
            return super().call(*words, **environ)
        command = [*self.shell, *self.command(*words)]
        return subprocess.run(command, env=self.environment(**environ), capture_output=True, text=True)

    def found(self, name: str, words: str, exit: int | None) -> Found:
        """What was dropped under this name, where it lies now."""
        row = self._order(name)
        folders = {"Inbox": self.home.inbox, "Held": self.home.held, "Rejected": self.home.rejected}
        places = [place for place, folder in folders.items() if os.path.lexists(folder / name)]
        places += ["Projects"] if row and row.folder else []
        claimed = any(os.path.lexists(claim / "dropped" / name) for claim in self.home.claims.glob("*-*"))
        places = places or [".work" if claimed else "nowhere"]
        return Found(" and ".join(places), str(self.index.state(row)) if row else NOTHING, words, exit)

    def _order(self, name: str) -> OrderRow | None:
        index = Index.if_made(self.home.index_file)
        rows = index.orders() if index else []
        return next((row for row in rows if row.file == name), None)

    def papers(self) -> str:
        """Every word in the receipts."""
        found = [self.receipt(path.parent) for path in self.home.projects.glob("*/*/*/receipt.yaml")]
        return " ".join(leaf for each in found for leaf in leaves(each))


def leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from leaves(each)
    else:
        yield str(value)


@pytest.fixture
def home(tmp_path: Path) -> OddHome:
    return OddHome(TestHome.make(tmp_path / "home").home)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(tmp_path_factory.mktemp("cloud") / "bought.jsonl") as running:
        yield running


@pytest.fixture(scope="module")
def heap(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Found]:
    """All of HEAP dropped into one inbox and found by one `once`, a minute later."""
    home = OddHome(TestHome.make(tmp_path_factory.mktemp("heap") / "home").home, before=LATER)
    names = {happens: drop(home) for happens, drop in HEAP.items()}
    code = home.once()
    return {happens: home.found(name, home.words(name), code) for happens, name in names.items() if name}


@dataclass
class Stage:
    home: OddHome
    cloud: Emulator

    def taken(self, name: str, text: str | bytes) -> Found:
        """A file in the inbox, and `once`."""
        self.home.drop(name, text)
        return self.once(name)

    def once(self, name: str, **environ: str) -> Found:
        done = self.home.call("once", **environ)
        return self.home.found(name, f"{self.home.words(name)} {self.home.papers()} {done.stdout}", done.returncode)

    def bought(self, prompt: str, **environ: str) -> Found:
        self.drop_paid(prompt)
        return self.once("car.yaml", **environ)

    def bought_at_fal(self, prompt: str) -> Found:
        with Emulator(self.home.root.parent / "fal.jsonl", "fal") as fal:
            self.home.fal_url = fal.base_url
            self.home.configure()
            paid = PAID.replace("replicate", "fal").replace("PROMPT", f'"{prompt}"')
            return self.taken("car.yaml", paid)

    def drop_paid(self, prompt: str, **settings: Any) -> None:
        """An order for Replicate, which is the emulator."""
        self.home.base_url = self.home.base_url or self.cloud.base_url
        self.home.configure(**settings)
        self.home.drop("car.yaml", PAID.replace("PROMPT", f'"{prompt}"'))

    @contextmanager
    def working(self) -> Iterator[Program]:
        """While `once` is at it; it has ended when this is left."""
        program = self.home.start("once")
        try:
            yield program
            program.wait(PATIENCE)
        finally:
            program.kill()

    def said_of(self, name: str) -> str:
        return self.home.call("why", name).stdout

    def told(self, *words: str, **environ: str) -> Found:
        """What a command says on the terminal."""
        done = self.home.call(*words, **environ)
        return Found("terminal", NOTHING, done.stdout + done.stderr, done.returncode)


Drop = Callable[["OddHome"], str]
Produce = Callable[["Stage"], "Found"]
HEAP: dict[str, Drop] = {}
SITUATIONS: dict[str, Produce] = {}


def dropped(happens: str) -> Callable[[Drop], None]:
    """A situation that is something lying in the inbox, whatever else lies there. Says its name, "" if it cannot be."""

    def known(drop: Drop) -> None:
        assert happens not in HEAP
        HEAP[happens] = drop

    return known


def situation(happens: str) -> Callable[[Produce], None]:
    def known(produce: Produce) -> None:
        assert happens not in SITUATIONS
        SITUATIONS[happens] = produce

    return known


# --- files that are not orders ---


@situation("A file is still being written")
def _(stage: Stage) -> Found:
    path = stage.home.home.inbox / "car.yaml"
    stage.home.configure(inbox={"settle_seconds": 1.5})  # on Linux an open file waits however long it is quiet
    with path.open("w") as file, stage.working() as program:
        file.write(GREEN[:40])
        file.flush()
        until(lambda: stage.said_of("car.yaml"))  # a first start is still making its tables
        found = stage.home.found("car.yaml", stage.said_of("car.yaml"), None)
        file.write(GREEN[40:])
        file.close()
    assert stage.home.states() == ["completed"]
    found.exit = program.returncode
    return found


@dropped("An empty file")
def _(home: OddHome) -> str:
    return home.drop("empty.yaml", "").name


@dropped("A picture by itself")
def _(home: OddHome) -> str:
    return home.drop("car.png", b"\x89PNG\r\n\x1a\n" + bytes(100)).name


@dropped("A text file")
def _(home: OddHome) -> str:
    return home.drop("car.txt", "a red car").name


@dropped("An order whose name ends in .yaml.txt")
def _(home: OddHome) -> str:
    return home.drop("car.yaml.txt", GREEN).name


@dropped("Rich text (.rtf)")
def _(home: OddHome) -> str:
    return home.drop("car.rtf", r"{\rtf1\ansi provider: local}").name


@dropped("An archive")
def _(home: OddHome) -> str:
    return home.drop("cars.zip", b"PK\x03\x04").name


@dropped("A link")
def _(home: OddHome) -> str:
    (home.root / "elsewhere.yaml").write_text(GREEN)
    (home.home.inbox / "link.yaml").symlink_to(home.root / "elsewhere.yaml")
    return "link.yaml"


@dropped("A pipe (FIFO)")
def _(home: OddHome) -> str:
    os.mkfifo(home.home.inbox / "pipe.yaml")
    return "pipe.yaml"


@dropped("A file name that is not UTF-8")
def _(home: OddHome) -> str:
    try:
        Path(os.fsdecode(os.fsencode(home.home.inbox) + b"/caf\xe9.yaml")).write_text(GREEN)
    except OSError as error:
        if error.errno == errno.EILSEQ:  # this disk takes no such name, so nobody can drop one
            return ""
        raise
    return r"caf\xe9.yaml"


@dropped("A conflict copy of a program that syncs")
def _(home: OddHome) -> str:
    return home.drop("car.sync-conflict-20261122-101500-ABCDEFG.yaml", GREEN).name


@dropped("A folder inside a drop-box")
def _(home: OddHome) -> str:
    deep = home.home.inbox / "summer" / "deep"
    deep.mkdir(parents=True)
    (deep / "order.yaml").write_text(GREEN)
    (deep.parent / "car.yaml").write_text(GREEN)
    return "deep"


@dropped("A folder of pictures without an order")
def _(home: OddHome) -> str:
    for name in ("a.png", "b.png"):
        (home.home.inbox / "holiday").mkdir(exist_ok=True)
        (home.home.inbox / "holiday" / name).write_bytes(b"\x89PNG")
    return "holiday"


@dropped("A table of an office program (.xlsx)")
def _(home: OddHome) -> str:
    return home.drop("cars.xlsx", b"PK\x03\x04").name


@dropped("A `defaults.yaml` in the Inbox itself")
def _(home: OddHome) -> str:
    return home.drop("defaults.yaml", "provider: local\n").name


@dropped("A git checkout")
def _(home: OddHome) -> str:
    (home.home.inbox / "recipes" / ".git").mkdir(parents=True)
    (home.home.inbox / "recipes" / "car.yaml").write_text(GREEN)
    return "recipes"


@situation("A file that an editor has open")
def _(stage: Stage) -> Found:
    (stage.home.home.inbox / ".car.yaml.swp").write_bytes(b"")
    stage.home.drop("car.yaml", GREEN)
    found = stage.home.found("car.yaml", "", stage.home.once())
    found.words = stage.said_of("car.yaml")
    (stage.home.home.inbox / ".car.yaml.swp").unlink()
    assert stage.home.once() == 0
    return found


# --- files that cannot be read as an order ---

CAR = "provider: local\nmodel: sketch\nparameters:\n  prompt: "
FILES: dict[str, str | bytes] = {
    "A binary file called .yaml": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4,
    "Rich text called .yaml": r"{\rtf1\ansi provider: local}",
    "A file of 2 MiB": GREEN + "# " + "x" * (2 << 20),
    "100,000 nested brackets": "parameters: " + "[" * 100_000,
    "An alias bomb": "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n" for before, name in pairwise("abcdefghi")
    ),
    "A key written twice": GREEN + "model: sketch\n",
    "A line indented with a tab": "provider: local\nmodel: sketch\nparameters:\n\tprompt: x\n",
    "Curly quotes": CAR + "“a red car”\n",
    "A value of the wrong type": GREEN + "priority: high\n",
    "A key that does not exist": GREEN + "proiect: cars\n",
    "A provider that does not exist": GREEN.replace("local", "locl"),
    "A model that does not exist": GREEN.replace("sketch", "sketsch"),
    "A parameter the model does not have": GREEN.replace("width", "widht"),
    "A field that `file` does not know": GREEN + 'file: "{slg}-{hash8}.{ext}"\n',
    "A value out of the model's range": GREEN.replace("64, height", "9999, height"),
    "A key that is not built yet": GREEN + "collection: a\n",
    "A range that cannot be counted": CAR + "x\n  width: 0.5..2.5\n",
    "More wanted of a token than it has": CAR + '"a [red,blue:3] car"\n',
    "A prompt that begins with a bracket": CAR + "[red,blue] car\n",
    "A token that is not closed": CAR + '"a [red,blue car"\n',
    "Two documents in one file, one of them wrong": GREEN + "---\n" + GREEN + "proiect: cars\n",
    "A project's name with `/`": GREEN + "project: summer/cars\n",
    "A project's name that is `..`": GREEN + "project: ..\n",
    "A project's name with control characters": GREEN + 'project: "summer\\u0007cars"\n',
    "A project's name of 300 characters": GREEN + f"project: {'x' * 300}\n",
    "A picture at an address that is not `https:`": SMALLER + '"http://example.org/a.jpg"}\n',
    "A picture at an address inside your network": SMALLER + '"https://192.168.1.7/a.jpg"}\n',
    "A product as input that is not there": SMALLER + '"product:0192f0de"}\n',
    "A query as input that finds nothing": SMALLER + '"products: project:cars"}\n',
    "A query as input with a mistake in it": SMALLER + '"products: after:yesteryear"}\n',
}  # fmt: skip
for number, (happens, content) in enumerate(FILES.items()):
    dropped(happens)(lambda home, name=f"{number}.yaml", content=content: home.drop(name, content).name)  # type: ignore[misc]


@dropped("A table of cases that is not there")
def _(home: OddHome) -> str:
    (home.home.inbox / "tableless").mkdir()
    home.drop("tableless/order.yaml", GREEN + "cases: rows.csv\n")
    return "tableless"


@dropped("A table of cases that cannot be read")
def _(home: OddHome) -> str:
    (home.home.inbox / "table").mkdir()
    home.drop("table/order.yaml", GREEN + "cases: rows.csv\n")
    home.drop("table/rows.csv", "seed\n1\n2,3\n")
    return "table"


@situation("A file that ends the program three times while it is read")
def _(stage: Stage) -> Found:
    stage.home.drop("car.yaml", GREEN)
    assert [stage.home.once(ARTFACTORY_FAULT="reading") for _ in range(3)] == [-signal.SIGKILL] * 3
    return stage.once("car.yaml")


@situation("The folder of an order, dragged out of Projects into the inbox")
def _(stage: Stage) -> Found:
    assert stage.taken("car.yaml", GREEN).exit == 0
    (receipt,) = stage.home.home.projects.glob("*/*/*/receipt.yaml")
    shutil.move(receipt.parent, stage.home.home.inbox / "car")
    found = stage.once("car.yaml")
    assert receipt.exists()
    found.words = stage.home.papers()
    return found


@situation("A file that meets a defect of this program")
def _(stage: Stage) -> Found:
    stage.home.before = "from artfactoryd.planning.planner import Scholar; Scholar.study = lambda *_: {}['x']"
    return stage.taken("car.yaml", GREEN)


@situation("A product and its sidecar, dragged out of their folder into the inbox")
def _(stage: Stage) -> Found:
    assert stage.taken("car.yaml", GREEN).exit == 0
    (picture,) = stage.home.products()
    card = card_of(picture)
    for path in (picture, card):
        path.rename(stage.home.home.inbox / path.name)
    found = stage.once("car.yaml")
    assert card.is_file() and not list(stage.home.home.inbox.iterdir())
    return found


@situation("A project's name in another script")
def _(stage: Stage) -> Found:
    return stage.taken("car.yaml", GREEN + "project: 夏の車-машины\n")


@situation("One project's name spelled in two ways of Unicode (NFC, NFD)")
def _(stage: Stage) -> Found:
    for number, form in enumerate(("NFC", "NFD")):
        name = unicodedata.normalize(form, "Čaj")  # type: ignore[arg-type]
        stage.home.drop(f"{number}.yaml", GREEN.replace("green", "red" if number else "blue") + f"project: {name}\n")
    found = stage.once("0.yaml")
    assert len(list(stage.home.home.projects.iterdir())) == 1
    return found


# --- orders that wait for you ---


@situation("The same file twice")
def _(stage: Stage) -> Found:
    assert stage.taken("car.yaml", GREEN).exit == 0
    shutil.rmtree(next(stage.home.home.projects.iterdir()))
    return stage.taken("car.yaml", GREEN)


@situation("Products bought before and since deleted or edited")
def _(stage: Stage) -> Found:
    assert stage.bought("car").exit == 0
    shutil.rmtree(next(stage.home.home.projects.iterdir()))
    stage.home.drop("car.yaml", PAID.replace("PROMPT", "car") + "notes: once more\n")
    return stage.once("car.yaml")


@situation("A product that an order would copy is deleted while the order waits")
def _(stage: Stage) -> Found:
    assert stage.bought("car").exit == 0
    stage.home.drop("car.yaml", PAID.replace("PROMPT", "car") + "notes: once more\n")
    stage.home.call("once", ARTFACTORY_FAULT="order_expanded")
    for product in stage.home.products():
        product.unlink()
    return stage.once("car.yaml")


@situation("More than 100 products")
def _(stage: Stage) -> Found:
    return stage.taken("cars.yaml", CAR + 'x\n  seed: "' + ",".join(map(str, range(101))) + '"\n')


@situation("More products than the order's `limit`")
def _(stage: Stage) -> Found:
    return stage.taken("cars.yaml", CAR + '"a [red,blue] car"\nlimit: 1\n')


@situation("A warning, where `strict` is set")
def _(stage: Stage) -> Found:
    stage.home.drop("car.yaml", GREEN + "validate: false\n")
    return stage.once("car.yaml", ARTFACTORY_STRICT="true")


@situation("The `proof` of an order is done")
def _(stage: Stage) -> Found:
    return stage.taken("cars.yaml", CAR + '"a [red,blue] car"\nproof: 1\n')


@situation("A price above the cap")
def _(stage: Stage) -> Found:
    return stage.taken("cars.yaml", PAID.replace("PROMPT", '"a [red,blue] car"') + "budget: 0.005\n")


@situation("A price above `budget.ask_above`")
def _(stage: Stage) -> Found:
    stage.home.configure(budget={"ask_above": 0.005})
    return stage.taken("cars.yaml", PAID.replace("PROMPT", '"a [red,blue] car"'))


@situation("A word that is nearly a lookup's name")
def _(stage: Stage) -> Found:
    return stage.taken("car.yaml", PAID.replace("PROMPT", "'a [color] car'") + "lookups: {colour: [red]}\n")


@situation("Another tool's syntax in a prompt")
def _(stage: Stage) -> Found:
    return stage.taken("car.yaml", GREEN.replace("a green car", "'a (car:1.2)'"))


@situation("A model whose price is not known")
def _(stage: Stage) -> Found:
    model = "provider: local\nmodel: painter\nschema: {type: object, properties: {prompt: {type: string}}}\n"
    (stage.home.home.models / "painter.yaml").write_text(model + "modality: text-to-image\nfamily: painter\n")
    return stage.taken("car.yaml", GREEN.replace("sketch", "painter").replace(", width: 64, height: 64", ""))


# --- the caps ---


@situation("The cap of the day is reached")
def _(stage: Stage) -> Found:
    stage.drop_paid("a [red,blue] car", budget={"per_day": 0.004})
    return stage.once("car.yaml")


@situation("The cap of the month is reached")
def _(stage: Stage) -> Found:
    stage.drop_paid("a [red,blue] car", budget={"per_month": 0.004})
    return stage.once("car.yaml")


@situation("A stage waits until you like something")
def _(stage: Stage) -> Found:
    later = "then: [{provider: local, model: resize, parameters: {width: 16}, wait: liked}]\n"
    stage.home.drop("car.yaml", GREEN.replace("a green car", "'a [green,blue] car'") + later)
    return stage.once("car.yaml")


@situation("A stage is given to a model that takes no picture")
def _(stage: Stage) -> Found:
    stage.home.drop("car.yaml", GREEN + "then: [{provider: local, model: sketch}]\n")
    return stage.once("car.yaml")


@situation("An item costs more than was set aside")
def _(stage: Stage) -> Found:
    shipped = (CATALOG / "replicate-flux-schnell.yaml").read_text()
    timed = re.sub(r"price: .*", "price: {usd: 0.001, per: second, seconds: 0.0001}", shipped)
    (stage.home.home.models / "timed.yaml").write_text(timed)
    stage.cloud.control(run_seconds=0.05)
    one_by_one = {"replicate": {"concurrency": 1, "base_url": stage.cloud.base_url}}
    stage.drop_paid("a [red,blue] car", providers=one_by_one)
    return stage.once("car.yaml")


# --- the provider ---


@situation("No key")
def _(stage: Stage) -> Found:
    return stage.bought("a car", REPLICATE_API_TOKEN="")


@situation("The key is not accepted (401)")
def _(stage: Stage) -> Found:
    return stage.bought("a car EMU:401")


@situation("No money at the provider (402)")
def _(stage: Stage) -> Found:
    return stage.bought("a car EMU:402")


@situation("The provider refuses an item (422)")
def _(stage: Stage) -> Found:
    return stage.bought("a car EMU:422")


@situation("The provider asks to wait (429)")
def _(stage: Stage) -> Found:
    stage.cloud.control(create=[{"do": "429", "retry_after": 60}])
    stage.drop_paid("a car")
    with stage.home.running():
        until(lambda: "429" in stage.said_of("car.yaml"))
        found = stage.home.found("car.yaml", stage.said_of("car.yaml"), None)
    found.exit = stage.home.once()  # how long to wait is not remembered: asking too early costs nothing
    assert stage.home.states() == ["completed"]
    return found


@situation("The provider answers 500, 502, 503 or 504 to an order")
def _(stage: Stage) -> Found:
    stage.home.before = AT_ONCE
    return stage.bought("a car EMU:502")


@situation("The provider answers 502 to one item after the other")
def _(stage: Stage) -> Found:
    stage.home.before = f"{HASTY}\n{AT_ONCE}"
    stage.cloud.control(create="502", account="502")
    return stage.bought("a [red,green,blue,black,white] car", ARTFACTORY_PROVIDERS__REPLICATE__CONCURRENCY="1")


@situation("The provider takes an order and does not answer")
def _(stage: Stage) -> Found:
    stage.home.before = IMPATIENT
    return stage.bought("a car EMU:hang-after")


@situation("The provider does not show what became of a lost order")
def _(stage: Stage) -> Found:
    stage.cloud.control(list="403")
    return stage.bought("a car EMU:close")


@situation("`retry` of what may have been charged")
def _(stage: Stage) -> Found:
    stage.cloud.control(list="403")
    stage.bought("a car EMU:close")
    return stage.told("retry", "car")


@situation("The connection breaks while an order is being sent")
def _(stage: Stage) -> Found:
    return stage.bought("a car EMU:close")


@situation("The provider cannot be reached")
def _(stage: Stage) -> Found:
    stage.home.base_url, stage.home.before = "http://127.0.0.1:1", HASTY
    return stage.bought("a car")


@situation("The network is away for a moment")
def _(stage: Stage) -> Found:
    stage.cloud.kill()
    stage.home.base_url = stage.cloud.base_url
    stage.home.before = HASTY.replace("= 0.01", "= 1.0")
    stage.drop_paid("a car")
    with stage.working() as program:
        try:
            until(lambda: Index.if_made(stage.home.home.index_file) is not None and stage.home.index.outages())
            assert stage.home.lines("ticket") == []
        finally:  # the rows after this one need it too
            stage.cloud.start()
    return stage.home.found("car.yaml", stage.home.papers(), program.returncode)


@situation("The provider answers 500 when asked about an item")
def _(stage: Stage) -> Found:
    stage.cloud.control(get=["500"])
    return stage.bought("a car")


@situation("An item fails at the provider")
def _(stage: Stage) -> Found:
    return stage.bought("a car EMU:failed")


@situation("An item fails for a reason that passes")
def _(stage: Stage) -> Found:
    stage.home.before = HASTY
    stage.cloud.control(outcome=["interrupted"])
    return stage.bought("a car")


@situation("An item is interrupted at the provider three times")
def _(stage: Stage) -> Found:
    stage.home.before = HASTY
    return stage.bought("a car EMU:interrupted")


@situation("One item of several fails")
def _(stage: Stage) -> Found:
    stage.cloud.control(outcome=["failed"])
    return stage.bought("a [red,blue] car")


@situation("The provider gives an item up before it begins")
def _(stage: Stage) -> Found:
    stage.home.before = HASTY
    return stage.bought("a car EMU:aborted")


@situation("An item is cancelled on the provider's own page")
def _(stage: Stage) -> Found:
    return stage.bought("a car EMU:canceled")


@situation("The content filter refuses an item")
def _(stage: Stage) -> Found:
    return stage.bought("a car EMU:nsfw")


@situation("Fewer pictures come than were asked for")
def _(stage: Stage) -> Found:
    stage.home.base_url = stage.cloud.base_url
    stage.home.configure()
    stage.home.drop("car.yaml", PAID.replace("PROMPT", "a car EMU:fewer, num_outputs: 4"))
    return stage.once("car.yaml")


@situation("No money at fal (403)")
def _(stage: Stage) -> Found:
    return stage.bought_at_fal("a car EMU:403")


@situation("fal's content filter blacks every picture out")
def _(stage: Stage) -> Found:
    return stage.bought_at_fal("a car EMU:nsfw")


@situation("What comes is a web page, or damaged")
def _(stage: Stage) -> Found:
    return stage.bought("a car EMU:out-not-picture")


@situation("What comes is larger than `limits.product_bytes`")
def _(stage: Stage) -> Found:
    stage.drop_paid("a car EMU:out-huge", limits={"product_bytes": 1024})
    return stage.once("car.yaml")


@situation("An item is stuck by a defect of this program")
def _(stage: Stage) -> Found:
    stage.home.before = "from artfactoryd.execution.delivery import Delivery; Delivery.deliver = lambda *_: {}['x']"
    return stage.bought("a car")


@situation("A picture comes cut short")
def _(stage: Stage) -> Found:
    stage.cloud.control(output=["short"])
    return stage.bought("a car")


@situation("A picture is gone before it is fetched (404)")
def _(stage: Stage) -> Found:
    return stage.bought("a car EMU:out-404")


# --- the disk ---


@situation("The disk is nearly full")
def _(stage: Stage) -> Found:
    stage.home.configure(limits={"free_disk_bytes": 1 << 60})
    return stage.taken("car.yaml", GREEN)


@situation("The disk of Projects fills up while a picture is being filed")
def _(stage: Stage) -> Found:
    """On a small disk of its own, which only the program and its shell see."""
    home = stage.home.home
    room = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    mount = f'mount -t tmpfs -o size=20m none "{home.projects}"'
    if shutil.which("unshare") is None or subprocess.run([*room, mount], capture_output=True).returncode:
        pytest.skip("a small disk cannot be made here")
    stage.drop_paid("a car EMU:run=1.5", limits={"free_disk_bytes": 100_000})
    bought = f"""grep -qs '"ticket"' "{home.ledger}"/*.jsonl"""
    fill = f'until {bought}; do sleep 0.05; done; cat /dev/zero >"{home.projects}/zero"'
    stage.home.shell = [*room, f'{mount}; "$@" & {fill}; wait $!', "sh"]
    done = stage.home.call("once")
    found = stage.home.found("car.yaml", done.stdout + done.stderr, done.returncode)
    stage.home.shell = []
    assert stage.home.once() == 0 and len(stage.home.products()) == 1
    return found


def refused_while_filing(stage: Stage, number: int) -> Found:
    """The disk takes no product; then it does, and nothing is bought again."""
    stage.home.before = f"""from artfactoryd.shelf import placing as shelf
def refuse(source, product, card, document): raise OSError({number}, {os.strerror(number)!r}, str(product))
shelf._settle = refuse"""
    stage.home.drop("car.yaml", GREEN)
    done = stage.home.call("once")
    found = stage.home.found("car.yaml", done.stdout + done.stderr, done.returncode)
    assert os.strerror(number) in stage.home.papers() or number == errno.EIO
    stage.home.before = ""
    assert stage.home.once() == 0 and len(stage.home.products()) == len(stage.home.lines("wish")) == 1
    return found


@situation("Projects becomes read-only while a picture is being filed")
def _(stage: Stage) -> Found:
    return refused_while_filing(stage, errno.EROFS)


@situation("The disk of Projects reports an error while a picture is being filed")
def _(stage: Stage) -> Found:
    return refused_while_filing(stage, errno.EIO)


@situation("The disk reports an error while the ledger is written")
def _(stage: Stage) -> Found:
    stage.home.before = """from artfactoryd.storage import ledger
def refuse(fd): raise OSError(5, 'Input/output error')
ledger.flush = refuse"""
    stage.home.drop("car.yaml", GREEN)
    said = stage.told("once")
    assert "Traceback" not in said.words and stage.home.lines("wish") == []
    found = stage.home.found("car.yaml", said.words, said.exit)
    stage.home.before = ""
    assert stage.home.once() == 0 and len(stage.home.lines("wish")) == 1
    return found


@situation("Another program exchanged, cut or removed the ledger")
def _(stage: Stage) -> Found:
    assert stage.taken("car.yaml", GREEN).state == "completed"
    (file,) = stage.home.home.ledger.glob("2*.jsonl")
    file.write_bytes(file.read_bytes().splitlines(keepends=True)[0])
    done = stage.home.call("once")
    return Found("Projects", "completed", done.stderr, done.returncode)


@situation("The index is damaged or gone")
def _(stage: Stage) -> Found:
    assert stage.taken("car.yaml", GREEN).exit == 0
    for path in stage.home.home.private.glob("index.sqlite3*"):
        path.write_bytes(b"no database" * 1000)
    done = stage.home.call("once")
    assert len(stage.home.lines("wish")) == len(stage.home.orders()) == 1
    return stage.home.found("car.yaml", done.stderr, done.returncode)


@situation("A picture ends the decoder when it is looked at")
def _(stage: Stage) -> Found:
    stage.home.drop("car.yaml", GREEN)
    words, environ = stage.home.command("once"), stage.home.environment(ARTFACTORY_FAULT="decoding")
    done = subprocess.run(words, env=environ, capture_output=True, text=True)  # with the decoder in its own process
    [product] = stage.home.products()
    assert product.read_bytes().startswith(b"\x89PNG") and stage.home.ask("products")["products"][0]["damaged"]
    assert stage.home.once(ARTFACTORY_FAULT="decoding") == 0  # nothing opens it again
    return stage.home.found("car.yaml", stage.home.call("order", "car").stdout, done.returncode)


@situation("A picture came whole and does not decode")
def _(stage: Stage) -> Found:
    found = stage.bought("a car EMU:out-spoiled")
    assert stage.home.ask("products")["products"][0]["damaged"]
    stage.cloud.control(output=["spoiled"])  # once
    stage.home.drop("next.yaml", PAID.replace("PROMPT", "a van"))
    assert stage.home.once() == 0
    assert next(path.stem[-2:] for path in stage.home.products() if "van" in path.name) == "-2"
    return found


@situation("A file lies where a project's folder should be")
def _(stage: Stage) -> Found:
    (stage.home.home.projects / "unsorted").write_text("")
    return stage.taken("car.yaml", GREEN)


@situation("Projects is a link to a disk that is not there")
def _(stage: Stage) -> Found:
    stage.home.home.projects.rmdir()
    stage.home.home.projects.symlink_to(stage.home.root / "away")
    stage.home.drop("car.yaml", GREEN)
    said = stage.told("once")
    return stage.home.found("car.yaml", said.words, said.exit)


# --- settings and home ---


@situation("A mistake in artfactory.yaml when a command starts")
def _(stage: Stage) -> Found:
    stage.home.home.settings_file.write_text("budget: {per_ordr: 5}\n")
    found = stage.told("once")
    assert [stage.told(*words).exit for words in (["status"], ["plan", __file__], ["submit", __file__])] == [0, 2, 2]
    return found


@situation("A mistake in artfactory.yaml when `run` starts")
def _(stage: Stage) -> Found:
    stage.home.home.settings_file.write_text("budget: {per_ordr: 5}\n")
    return stage.told("run")


@situation("The same under launchd or systemd (`run --supervised`)")
def _(stage: Stage) -> Found:
    stage.home.home.settings_file.write_text("budget: {per_ordr: 5}\n")
    said = stage.home.home.settings_file.with_name("artfactory.yaml.error.txt")
    with supervised(stage.home) as process:
        until(lambda: said.exists() and said.read_text())
        stage.home.drop("car.yaml", GREEN)
        found = stage.home.found("car.yaml", said.read_text(), process.poll())
        stage.home.configure()
        until(lambda: stage.home.states() == ["completed"])
        assert not said.exists()
    return found


@contextmanager
def supervised(home: OddHome) -> Iterator[Program]:
    process = home.start("run", "--supervised")
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


@situation("A mistake in artfactory.yaml while the daemon runs")
def _(stage: Stage) -> Found:
    said = stage.home.home.settings_file.with_name("artfactory.yaml.error.txt")
    with stage.home.running() as process:
        stage.home.drop("before.yaml", GREEN)
        until(lambda: stage.home.states() == ["completed"])
        stage.home.home.settings_file.write_text("budget: {per_order: five}\n")
        until(lambda: said.exists() and said.read_text())
        stage.home.drop("car.yaml", GREEN.replace("green", "red"))
        until(lambda: stage.home.states() == ["completed"] * 2)
        words = said.read_text()
        assert process.poll() is None
    return stage.home.found("car.yaml", words, None)


@situation("artfactory.yaml is away, or empty, when a command starts")
def _(stage: Stage) -> Found:
    stage.home.home.settings_file.unlink()
    return stage.told("once")


@situation("artfactory.yaml is deleted or emptied while the daemon runs")
def _(stage: Stage) -> Found:
    word = stage.home.home.root / "artfactory.yaml.error.txt"
    with stage.home.running():
        stage.home.home.settings_file.unlink()
        until(word.exists)
        stage.home.drop("car.yaml", GREEN)
        until(lambda: stage.home.states() == ["completed"])
        return stage.home.found("car.yaml", word.read_text(), None)


@situation("The factory folder is moved, deleted or exchanged while the daemon runs")
def _(stage: Stage) -> Found:
    with stage.home.running() as process:
        until((stage.home.home.work / "at-work.txt").exists)
        copy = copied_at_work(stage.home.root, stage.home.root.with_name("copy"))
        stage.home.root.rename(stage.home.root.with_name("old"))
        copy.rename(stage.home.root)
        stage.home.drop("car.yaml", GREEN)
        out, err = process.communicate()
    return stage.home.found("car.yaml", out + err, process.returncode)


@situation("A copy of a factory folder is started beside its original")
def _(stage: Stage) -> Found:
    copy = stage.home.root.with_name("copy")
    shutil.copytree(stage.home.root, copy)
    stage.home.home = Home(copy)
    return stage.told("once")


@situation("`inbox.path` around or inside the factory folder")
def _(stage: Stage) -> Found:
    stage.home.configure(inbox={"path": ".."})
    return stage.told("once")


@situation("A key written into artfactory.yaml itself")
def _(stage: Stage) -> Found:
    stage.home.home.settings_file.write_text("providers: {replicate: {api_key: r8_0123456789}}\n")
    found = stage.told("once")
    assert "r8_0" not in found.words
    return found


@situation("A variable ARTFACTORY_… that says nothing known")
def _(stage: Stage) -> Found:
    return stage.told("once", ARTFACTORY_BUDGET_PER_ORDER="2")


@situation("Another artfactoryd works in the same home")
def _(stage: Stage) -> Found:
    with stage.home.home.lock("run"):
        found = stage.told("once")
        assert str(os.getpid()) in found.words
    return found


@situation("There is no factory folder")
def _(stage: Stage) -> Found:
    shutil.rmtree(stage.home.root)
    return stage.told("once")


@situation("A factory folder under Desktop, Documents or Downloads")
def _(stage: Stage) -> Found:
    stage.home.home = Home(stage.home.root / "Desktop" / "ArtFactory")
    return stage.told("init", HOME=str(stage.home.root.parents[1]))


@situation("A full id that its provider does not know")
def _(stage: Stage) -> Found:
    stage.home.base_url = stage.cloud.base_url
    stage.home.configure()
    return stage.taken("car.yaml", PAID.replace("flux-schnell", "acme/nothing"))


@situation("A provider whose plug-in cannot be loaded")
def _(stage: Stage) -> Found:
    install(packages := stage.home.root / "packages")
    stage.home.before = f"import sys; sys.path.insert(0, {str(packages)!r})"
    return stage.taken("car.yaml", GREEN.replace("local", "acme"))


@situation("A model that nobody here knows, and its provider cannot be asked")
def _(stage: Stage) -> Found:
    stage.home.base_url = "http://127.0.0.1:9"
    stage.home.configure()
    return stage.taken("car.yaml", PAID.replace("flux-schnell", "acme/far"))


@situation("A command names an order that does not exist")
def _(stage: Stage) -> Found:
    return stage.told("order", "carz")


def two_of_one_name(stage: Stage) -> None:
    for text in (GREEN, GREEN.replace("green", "blue")):
        stage.home.drop("car.yaml", text)
        assert stage.home.once() == 0


@situation("A command that looks is given a name that several orders have")
def _(stage: Stage) -> Found:
    two_of_one_name(stage)
    return stage.told("order", "car")


@situation("A command that changes something is given a name that several orders have")
def _(stage: Stage) -> Found:
    two_of_one_name(stage)
    return stage.told("cancel", "car")


# --- the rows ---


def test_every_situation_has_its_row_and_every_row_its_situation() -> None:
    happens = [row.happens for row in rows()]
    assert len(set(happens)) == len(happens)
    assert set(happens) == HEAP.keys() | SITUATIONS.keys()


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.happens)
def test_what_happens_is_found_as_the_row_says(
    row: Row, home: OddHome, cloud: Emulator, heap: dict[str, Found]
) -> None:
    if row.happens in HEAP:
        found = heap[row.happens] if row.happens in heap else pytest.skip("it cannot happen on this disk")
    else:
        cloud.calm()
        found = SITUATIONS[row.happens](Stage(home, cloud))
    said = {"place": found.place, "state": found.state, "exit": NOTHING if found.exit is None else str(found.exit)}
    assert said == {"place": plain(row.place), "state": plain(row.state), "exit": plain(row.exit)}
    phrases = [plain(phrase) for phrase in row.words.split("…")]
    assert [phrase for phrase in phrases if phrase not in plain(found.words)] == [], found.words
    assert row.advice
