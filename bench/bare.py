"""What a person would write instead: create, two polls, download. No durability, no limits, no names.

    python bench/bare.py aiohttp|httpx BASE N CONCURRENCY FOLDER

Prints wall seconds and CPU seconds of the work itself.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

Answer = dict[str, Any]
Send = Callable[[str, str], Awaitable[Answer]]
Save = Callable[[str, Path], Awaitable[None]]


async def item(number: int, base: str, folder: Path, send: Send, save: Save) -> None:
    created = await send("POST", f"{base}/v1/models/black-forest-labs/flux-schnell/predictions")
    answer = created
    while answer["status"] != "succeeded":
        answer = await send("GET", created["urls"]["get"])
    await save(answer["output"][0], folder / f"{number}.png")


async def with_aiohttp(run: Callable[[Send, Save], Awaitable[None]]) -> None:
    import aiohttp

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def send(method: str, url: str) -> Answer:
            async with session.request(method, url, json={"input": {}} if method == "POST" else None) as answer:
                found: Answer = await answer.json()
                return found

        async def save(url: str, path: Path) -> None:
            async with session.get(url) as answer:
                with path.open("wb") as file:
                    async for part in answer.content.iter_chunked(1 << 18):
                        file.write(part)

        await run(send, save)


async def with_httpx(run: Callable[[Send, Save], Awaitable[None]]) -> None:
    import httpx

    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=None), timeout=60) as client:

        async def send(method: str, url: str) -> Answer:
            answer = await client.request(method, url, json={"input": {}} if method == "POST" else None)
            found: Answer = answer.json()
            return found

        async def save(url: str, path: Path) -> None:
            async with client.stream("GET", url) as answer:
                with path.open("wb") as file:
                    async for part in answer.aiter_bytes():
                        file.write(part)

        await run(send, save)


async def main() -> None:
    client, base, count, concurrency, folder = sys.argv[1:]
    places = asyncio.Semaphore(int(concurrency))

    async def run(send: Send, save: Save) -> None:
        async def one(number: int) -> None:
            async with places:
                await item(number, base, Path(folder), send, save)

        await asyncio.gather(*map(one, range(int(count))))

    began, cpu = time.perf_counter(), time.process_time()
    await (with_aiohttp if client == "aiohttp" else with_httpx)(run)
    print(time.perf_counter() - began, time.process_time() - cpu)


if __name__ == "__main__":
    asyncio.run(main())
