"""Start, steer, kill and read the emulator from a test."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from tests.emulator import book
from tests.forks import Fork

CHECKOUT = Path(__file__).resolve().parents[2]
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
PATIENCE = 30.0  # seconds; only a broken emulator needs them


class Emulator:
    """The emulator in a process of its own. Killed and started again it keeps its ports and its book."""

    def __init__(self, ledger: Path, provider: str = "replicate", **weather: Any) -> None:
        self.ledger, self.provider = ledger, provider
        self._weather = weather
        self._process: Fork | None = None
        self.base_url = self.output_url = ""

    def __enter__(self) -> Emulator:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.kill()

    def start(self) -> None:
        """Weather is as it was at the first start: what `control` changed is forgotten with the process."""
        ports = [urlsplit(url).port or 0 for url in (self.base_url, self.output_url)]
        ready, says = Pipe(duplex=False)
        self._process = Fork(_serve, self.provider, *ports, self.ledger, self._weather, says)
        says.close()  # its own end is open there; of one that fails nothing comes but the end
        if not ready.poll(PATIENCE):
            self.kill()
            raise RuntimeError("the emulator did not start")
        said: dict[str, str] = ready.recv()
        self.base_url, self.output_url = said["base_url"], said["output_url"]

    def kill(self) -> None:
        """SIGKILL. What it accepted is in the ledger file."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(PATIENCE)
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

    def forget(self) -> None:
        """ComfyUI alone: its queue and its history are empty, as after a start."""
        _open(urllib.request.Request(f"{self.base_url}/_forget", b"", method="POST"), timeout=PATIENCE).close()

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

    def came(self) -> dict[str, int]:
        """The weather that there was, by door and word: `output 404`."""
        with _open(f"{self.base_url}/_came", timeout=PATIENCE) as answer:
            counts: dict[str, int] = json.load(answer)
        return counts

    def flights(self, after: int = 0, seconds: float = 0.0) -> dict[str, int]:
        """Creates under way that are younger than number `after`, waited for; and how many have ever begun."""
        address = f"{self.base_url}/_flights?after={after}&seconds={seconds}"
        with _open(address, timeout=PATIENCE + seconds) as answer:
            found: dict[str, int] = json.load(answer)
        return found


def _serve(provider: str, port: int, output_port: int, ledger: Path, weather: dict[str, Any], says: Connection) -> None:
    from tests.emulator.__main__ import serve  # a web server, which only that process needs

    asyncio.run(serve(provider, port, output_port, ledger, weather, says.send))
