"""The program of an older commit at work, seen only from outside: its commands, its folders, and the emulators.

Nothing of this repository is imported, so that the scripts beside it run in a checkout of any commit, by the Python
of that checkout's `.venv` and in its folder.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

PATIENCE = 120.0  # seconds
UNSAID = ("outage", "upload", "schema_migration")  # tables that no line of the ledger fills
_open = build_opener(ProxyHandler({})).open


class Provider:
    """An emulator in a process of its own; `book` holds every create that it accepted."""

    def __init__(self, name: str, book: Path, **weather: Any) -> None:
        words = ["--provider", name] if name != "replicate" else []
        command = [sys.executable, "-m", "tests.emulator", *words, "--ledger", str(book)]
        told = ["--weather", json.dumps({"pixels": 24, **weather})]
        self._process = subprocess.Popen([*command, *told], stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.address = json.loads(self._process.stdout.readline())["base_url"]

    def control(self, **weather: Any) -> None:
        data = json.dumps(weather).encode()
        request = Request(f"{self.address}/_control", data, {"Content-Type": "application/json"})
        _open(request, timeout=PATIENCE).close()

    def calm(self) -> None:
        self.control(calm=True, pixels=24)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


class OldProgram:
    """A home, and the program of the checkout that is the current folder."""

    def __init__(self, root: Path, replicate: Provider | None = None, fal: Provider | None = None) -> None:
        self.root, self._replicate, self.fal = root, replicate, fal
        self.call("init")
        if replicate:
            self.configure()

    @property
    def replicate(self) -> Provider:
        assert self._replicate is not None
        return self._replicate

    def configure(self, **sections: Any) -> None:
        """JSON is YAML."""
        providers: dict[str, Any] = {"replicate": {"base_url": self.replicate.address, "concurrency": 1}}
        if self.fal:
            names = ("queue_url", "rest_url", "cdn_url", "platform_url")
            providers["fal"] = dict.fromkeys(names, self.fal.address)
        quick = {
            "providers": providers, "inbox": {"settle_seconds": 0.05, "scan_seconds": 0.1},
            "limits": {"free_disk_bytes": 1_000_000}, "http": {"port": 0},
        }  # fmt: skip
        quick |= {name: {**quick.get(name, {}), **values} for name, values in sections.items()}
        (self.root / "artfactory.yaml").write_text(json.dumps(quick))

    def environment(self, fault: str) -> dict[str, str]:
        ours = ("ARTFACTORY", "REPLICATE", "FAL_")
        more = {"REPLICATE_API_TOKEN": "r8_test", "FAL_KEY": "id:secret"}
        more |= {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
        more |= {"ARTFACTORY_FAULT": fault} if fault else {}
        return {**{key: value for key, value in os.environ.items() if not key.startswith(ours)}, **more}

    def call(self, *words: str, fault: str = "") -> str:
        """What it says. With `fault` it is killed there; it must be reached."""
        command = [sys.executable, "-m", "artfactoryd", "--home", str(self.root), *words]
        done = subprocess.run(command, env=self.environment(fault), capture_output=True, text=True, timeout=600)
        assert "Traceback" not in done.stderr and "Usage:" not in done.stderr, done.stderr
        assert (done.returncode == -signal.SIGKILL) == bool(fault), (words, fault, done)
        print(f"{self.root.name}: {' '.join(words)} -> {done.returncode} {done.stdout.strip()[:300]!r}")
        return done.stdout

    def ask(self, *words: str) -> Any:
        return json.loads(self.call(*words, "--json"))

    def once(self, fault: str = "") -> None:
        self.call("once", fault=fault)

    def drop(self, name: str, *documents: Mapping[str, Any]) -> Path:
        path = self.root / "Inbox" / f"{name}.yaml"
        path.write_text("---\n".join(json.dumps(document, indent=1) + "\n" for document in documents))
        return path

    def make(self, name: str, *documents: Mapping[str, Any], fault: str = "") -> None:
        self.drop(name, *documents)
        self.once(fault)

    @contextmanager
    def running(self) -> Iterator[None]:
        """The daemon, ended by a signal as a person ends it."""
        command = [sys.executable, "-m", "artfactoryd", "--home", str(self.root), "run"]
        daemon = subprocess.Popen(
            command, env=self.environment(""), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            self.until(lambda: (self.root / ".work/holder.json").exists())
            time.sleep(0.5)
            yield
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(PATIENCE)

    def lines(self, kind: str | None = None) -> list[dict[str, Any]]:
        texts = "".join(path.read_text() for path in sorted((self.root / "Ledger").glob("*.jsonl")))
        lines = [json.loads(text) for text in texts.splitlines() if text]
        return [line for line in lines if kind in (None, line["kind"])]

    def wait_for(self, kind: str, count: int = 1, **fields: Any) -> None:
        """Until so many lines of the kind, with these fields, are in the ledger."""

        def is_there() -> bool:
            lines = [line for line in self.lines(kind) if fields.items() <= line.items()]
            return len(lines) >= count

        self.until(is_there)

    def until(self, true: Callable[[], object]) -> None:
        end = time.monotonic() + PATIENCE
        while not true():
            assert time.monotonic() < end, f"{self.root.name}: it did not come"
            time.sleep(0.05)

    def products(self, order: str) -> list[Path]:
        files = [p for p in self.root.glob(f"Projects/**/*{order}*/*") if p.suffix in (".webp", ".png", ".jpg")]
        return sorted(files)


def tables(index: Path) -> dict[str, list[dict[str, Any]]]:
    """Every row that follows from the ledger, in an order of its own, by SQLite alone."""
    with closing(sqlite3.connect(index.absolute().as_uri() + "?mode=ro", uri=True)) as database:
        database.row_factory = sqlite3.Row
        names = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")]
        return {
            name: [dict(row) for row in database.execute(f"SELECT * FROM {name} ORDER BY 1, 2")]
            for name in names
            if name not in UNSAID and not name.startswith("sqlite_")
        }


def commit() -> str:
    """Of the checkout that is the current folder."""
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True)
    return done.stdout.strip()
