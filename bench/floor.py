"""What the promises cost by themselves: the bare script with nothing added but what may not be left out.

    python bench/floor.py BASE N CONCURRENCY FOLDER

Each create on a connection of its own; a line in a ledger, flushed, before it is sent, and behind each step, one flush
for all that wait; a row of an index that follows; of each output its hash, a walk through its chunks, a flush, a
sidecar with its own, a name that overwrites nothing, a flush of its folder. No names, caps, reuse, queue, log, receipt
or word for a person, and nothing is found again. Prints wall seconds and CPU seconds of the work itself.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import queue
import sqlite3
import sys
import threading
import time
import uuid
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import aiohttp

from artfactoryd.core import strict_json
from artfactoryd.medium import flush_folder
from artfactoryd.shelf.media import examined

Answer = dict[str, Any]
Line = dict[str, Any]


class Books(threading.Thread):
    """Lines that wait together are written and flushed together; then the index follows."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self._file = os.open(folder / "ledger.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._index = folder / "index.sqlite3"
        self._waiting: queue.SimpleQueue[tuple[Line, Future[None]]] = queue.SimpleQueue()

    async def record(self, **line: object) -> None:
        done: Future[None] = Future()
        self._waiting.put((line, done))
        await asyncio.wrap_future(done)

    def run(self) -> None:
        db = sqlite3.connect(self._index, isolation_level=None)
        db.execute("PRAGMA journal_mode = wal")
        db.execute("PRAGMA synchronous = normal")
        db.execute("CREATE TABLE item (number INTEGER PRIMARY KEY, state TEXT, facts TEXT)")
        while True:
            together = [self._waiting.get()]
            while not self._waiting.empty():
                together.append(self._waiting.get())
            os.write(self._file, b"".join(strict_json.data(line) + b"\n" for line, _ in together))
            os.fsync(self._file)
            db.execute("BEGIN")
            for line, _ in together:
                row = (line["item"], line["kind"], strict_json.dumps(line))
                db.execute("INSERT OR REPLACE INTO item VALUES (?, ?, ?)", row)
            db.execute("COMMIT")
            for _, done in together:
                done.set_result(None)


def file(data: bytes, folder: Path, name: str, facts: Line) -> Line:
    """As it is placed: whole and flushed before it has its name, its sidecar before it."""
    filed = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    seen = examined(io.BytesIO(data))
    card = strict_json.document({**facts, "file": {**filed, "name": name, "width": seen.width, "height": seen.height}})
    for path, content in ((folder / f"{name}.json", card), (folder / name, data)):
        arriving = f"{path}.tmp"
        number = os.open(arriving, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        os.write(number, content)
        os.fsync(number)
        os.close(number)
        os.link(arriving, path)
        os.unlink(arriving)
    flush_folder(folder)
    return filed


async def make(number: int, base: str, folder: Path, books: Books, session: aiohttp.ClientSession) -> None:
    async def asked(method: str, url: str, **parts: Any) -> Answer:
        async with session.request(method, url, **parts) as answer:
            found: Answer = await answer.json(loads=strict_json.loads_foreign)
            return found

    parameters = {"prompt": "a red car", "seed": number, "output_format": "png"}
    attempt = str(uuid.uuid4())
    await books.record(kind="wish", item=number, attempt=attempt, actual=parameters, reserved=3000)
    url = f"{base}/v1/models/black-forest-labs/flux-schnell/predictions"
    answer = await asked("POST", url, json={"input": parameters}, headers={"Connection": "close"})
    await books.record(kind="ticket", item=number, attempt=attempt, ticket=answer["id"])
    while answer["status"] != "succeeded":
        answer = await asked("GET", f"{base}/v1/predictions/{answer['id']}")
    await books.record(kind="result", item=number, attempt=attempt, outputs=answer["output"])
    async with session.get(answer["output"][0]) as output:
        data = await output.read()
    facts = {"id": attempt, "parameters": parameters, "ticket": answer["id"], "cost": {"usd": 0.003}}
    filed = await asyncio.to_thread(file, data, folder, f"{number}.png", facts)
    await books.record(kind="settlement", item=number, attempt=attempt, cost=3000, products=[filed])


async def main() -> None:
    base, count, concurrency, place = sys.argv[1:]
    folder, slots = Path(place), asyncio.Semaphore(int(concurrency))
    books = Books(folder)
    books.start()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def one(number: int) -> None:
            async with slots:
                await make(number, base, folder, books, session)

        began, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*map(one, range(int(count))))
        print(time.perf_counter() - began, time.process_time() - cpu)


if __name__ == "__main__":
    asyncio.run(main())
