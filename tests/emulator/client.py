"""Start, steer, kill and read the emulator from a test."""

from __future__ import annotations

import json
import select
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from tests.emulator import book

CHECKOUT = Path(__file__).resolve().parents[2]
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
PATIENCE = 30.0  # seconds; only a broken emulator needs them


class Emulator:
    """The emulator in a process of its own. Killed and started again it keeps its ports and its book."""

    def __init__(self, ledger: Path, **weather: Any) -> None:
        self.ledger = ledger
        self._weather = weather
        self._process: subprocess.Popen[bytes] | None = None
        self.base_url = self.output_url = ""

    def __enter__(self) -> Emulator:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.kill()

    def start(self) -> None:
        """Weather is as it was at the first start: what `control` changed is forgotten with the process."""
        ports = [str(urlsplit(url).port or 0) for url in (self.base_url, self.output_url)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.emulator", "--port", ports[0], "--output-port", ports[1],
             "--ledger", str(self.ledger), "--weather", json.dumps(self._weather)],
            cwd=CHECKOUT, stdout=subprocess.PIPE,
        )  # fmt: skip
        ready = self._first_line(self._process)
        self.base_url, self.output_url = ready["base_url"], ready["output_url"]

    def kill(self) -> None:
        """SIGKILL. What it accepted is in the ledger file."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def control(self, **weather: Any) -> None:
        data = json.dumps(weather).encode()
        request = urllib.request.Request(f"{self.base_url}/_control", data, {"Content-Type": "application/json"})
        try:
            _open(request, timeout=PATIENCE).close()
        except urllib.error.HTTPError as error:
            raise ValueError(error.read().decode()) from None

    def calm(self) -> None:
        """Back to the weather it was started with; what it accepted stays in its book."""
        self.control(calm=True, **self._weather)

    def flights(self, after: int = 0, seconds: float = 0.0) -> dict[str, int]:
        """Creates under way that are younger than number `after`, waited for; and how many have ever begun."""
        address = f"{self.base_url}/_flights?after={after}&seconds={seconds}"
        with _open(address, timeout=PATIENCE + seconds) as answer:
            found: dict[str, int] = json.load(answer)
        return found

    def creates(self) -> list[dict[str, Any]]:
        """Every create it accepted, oldest first: what was bought. Also after a kill."""
        if not self.ledger.exists():
            return []
        return [entry["create"] for entry in book.entries(self.ledger) if "create" in entry]

    def seen(self) -> dict[str, int]:
        """Requests since its start, refused ones too: `POST create`, `GET predictions`, `GET output`..."""
        with _open(f"{self.base_url}/_seen", timeout=PATIENCE) as answer:
            counts: dict[str, int] = json.load(answer)
        return counts

    @staticmethod
    def _first_line(process: subprocess.Popen[bytes]) -> dict[str, str]:
        assert process.stdout is not None
        ready, _, _ = select.select([process.stdout], [], [], PATIENCE)
        line = process.stdout.readline() if ready else b""
        if not line:
            process.kill()
            raise RuntimeError(f"the emulator did not start (exit {process.wait()})")
        addresses: dict[str, str] = json.loads(line)
        return addresses
