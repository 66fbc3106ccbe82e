"""A home for a test, worked by the real program in its own process."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch

import jsonschema

from artfactoryd import documents, schema
from artfactoryd.cli.upkeep.init import make_home
from artfactoryd.durable import write_file
from artfactoryd.home import Home
from artfactoryd.shelf import sidecars
from artfactoryd.storage import ledger
from artfactoryd.storage.index import Index
from tests.forks import Program

CARS = (Path(__file__).parents[1] / "examples" / "01-cars.yaml").read_text()
SIDECAR = jsonschema.Draft202012Validator(json.loads(schema.schema_text("sidecar")))
TABLES = ("orders", "item", "generation_log", "product", "provider_stop", "command")
PATIENCE = 30.0  # seconds; only a broken program needs them


@dataclass
class TestHome:
    __test__ = False
    placed: ClassVar[Callable[[Path], dict[str, Any]] | None] = None  # the section `index`, where it is no file
    home: Home
    base_url: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)
    fal_url: str | None = None  # of the emulator; without it fal is switched off

    @classmethod
    def make(cls, root: Path, base_url: str | None = None, fal_url: str | None = None, **settings: Any) -> TestHome:
        """Without what `furnish` brings. `settings`: sections of artfactory.yaml, over quick ones."""
        made = cls(Home(root.resolve()), base_url, fal_url=fal_url)
        with patch.object(os, "fsync"):  # nobody cuts the power to a home that is still being made
            made.home.make()
            made.home.settle(adopt=False)
            made.configure(**settings)
        return made

    def configure(self, **settings: Any) -> None:
        replicate: dict[str, Any] = {"concurrency": 4, "requests_per_minute": 60_000}
        if self.base_url:
            replicate["base_url"] = self.base_url
        names = ("queue_url", "rest_url", "cdn_url", "platform_url") if self.fal_url else ()
        fal = {"enabled": bool(self.fal_url), **dict.fromkeys(names, self.fal_url)}
        quick: dict[str, Any] = {
            "providers": {"replicate": replicate, "fal": fal},
            "inbox": {"settle_seconds": 0.05, "scan_seconds": 0.1},
            "limits": {"free_disk_bytes": 1_000_000},
            "http": {"port": 0},
            "desktop": {"notify": False},
        }
        if TestHome.placed:
            quick["index"] = TestHome.placed(self.home.index_file)
        for section, values in settings.items():
            quick[section] = {**quick.get(section, {}), **values}
        write_file(
            self.home.settings_file, documents.dump_yaml(quick).encode(), 0o600
        )  # whole at once: a daemon may look

    def furnish(self) -> TestHome:
        """With what `init` puts into it: examples, what they borrow, and the schemas for editors."""
        with patch.object(os, "fsync"):
            for _ in make_home(self.home):
                pass
        return self

    @property
    def root(self) -> Path:
        return self.home.root

    def drop(self, name: str, text: str | bytes) -> Path:
        path = self.home.inbox / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    # --- the program ---

    def command(self, *words: str) -> list[str]:
        """For a fresh interpreter; `start` is quicker."""
        return [sys.executable, "-m", "artfactoryd", "--home", str(self.root), *words]

    def environment(self, **more: str) -> dict[str, str]:
        kept = {
            key: value for key, value in os.environ.items() if not key.startswith(("ARTFACTORY", "REPLICATE", "FAL_"))
        }
        return {**kept, "REPLICATE_API_TOKEN": "r8_test", "FAL_KEY": "id:secret",
                "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
                **self.environ, **more}  # fmt: skip

    def start(self, *words: str, **environ: str) -> Program:
        return Program(["--home", str(self.root), *words], self.environment(**environ))

    def call(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """A command to its end."""
        program = self.start(*words, **environ)
        out, err = program.communicate()
        return subprocess.CompletedProcess(words, program.wait(), out, err)

    def once(self, **environ: str) -> int:
        return self.call("once", **environ).returncode

    def ask(self, *words: str) -> Any:
        """A command's `--json` answer."""
        done = self.call(*words, "--json")
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    @contextmanager
    def running(self, **environ: str) -> Iterator[Program]:
        """The daemon; stopped at the end in the ordinary way unless it is gone already."""
        process = self.start("run", **environ)
        try:
            until(lambda: process.poll() is not None or self.home.holder() is not None)
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate()

    # --- what it left ---

    @property
    def index(self) -> Index:
        return Index.look(self.home.index_file)

    def orders(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("orders")["orders"]
        return found

    def order(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.ask("order", name)
        return found

    def states(self) -> list[str]:
        """The state of every item, oldest order first."""
        index = Index.if_made(self.home.index_file)
        if index is None:
            return []
        try:
            return [row["state"] for row in index.rows("SELECT state FROM item ORDER BY order_id, number")]
        finally:
            index.close()

    def lines(self, kind: str | None = None) -> list[dict[str, Any]]:
        found = [line for line, _ in ledger.read(self.home.ledger)]
        return [line for line in found if kind in (None, line["kind"])]

    def products(self) -> list[Path]:
        """Pictures, with or without a sidecar, and whatever else has one."""
        found = (p for p in self.home.projects.rglob("*") if _is_product(p))
        return sorted(p for p in found if p.parent.name != "inputs" and not p.name.startswith("contact-sheet"))

    def sidecars(self) -> list[dict[str, Any]]:
        """Each one as its schema says."""
        found = [json.loads(card_of(path).read_text()) for path in self.products()]
        for sidecar in found:
            SIDECAR.validate(sidecar)
        return found

    def receipt(self, folder: Path | None = None) -> dict[str, Any]:
        found = next(self.home.projects.rglob("receipt.yaml")) if folder is None else folder / "receipt.yaml"
        return documents.read_documents(found.read_bytes(), found.name)[0].value

    def words(self, name: str) -> str:
        """What lies beside a rejected or held file."""
        for folder, suffix in ((self.home.rejected, ".error.txt"), (self.home.held, ".why.txt")):
            if (folder / f"{name}{suffix}").exists():
                return (folder / f"{name}{suffix}").read_text()
        return ""


def dump(home: TestHome) -> dict[str, Any]:
    """Everything a start may change: tables and files."""
    index = home.index
    try:
        tables = {table: index.rows(f"SELECT * FROM {table} ORDER BY 1, 2") for table in TABLES}
    finally:
        index.close()
    private = home.home.private
    files = [path for path in everything(home.root) if path.is_file() and private not in path.parents]
    return {**tables, "files": {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(files)}}


def everything(root: Path) -> Iterator[Path]:
    """Below it, also where a folder is a link to another volume; what goes meanwhile is passed over."""
    for folder, folders, files in os.walk(root, followlinks=True):
        yield from (Path(folder, name) for name in (*folders, *files))


def copied_at_work(folder: Path, copy: Path) -> Path:
    """As a person copies a folder that is written into meanwhile: a temporary file may be gone before its turn."""

    def copy_file(source: str, target: str) -> str:
        with suppress(FileNotFoundError):
            shutil.copy2(source, target, follow_symlinks=False)
        return target

    return Path(shutil.copytree(folder, copy, symlinks=True, copy_function=copy_file))


def leftovers(home: TestHome) -> list[str]:
    names = [path.name for path in everything(home.root) if home.home.private not in path.parents]
    return [name for name in names if name.endswith((".tmp", ".part")) or name.startswith((".taken-", ".cleared-"))]


def until(true: Callable[[], object], patience: float = PATIENCE) -> None:
    """Wait for something that comes; fails when it does not."""
    end = time.monotonic() + patience
    while not true():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


def card_of(product: Path) -> Path:
    """Its sidecar, wherever it lies; where one would be written that does not."""
    return sidecars.sidecar_of(product) or product.parent / "sidecars" / f"{product.name}.json"


def _is_product(path: Path) -> bool:
    return path.suffix in (".png", ".webp", ".jpg") or (path.is_file() and sidecars.sidecar_of(path) is not None)
