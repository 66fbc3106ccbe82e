"""A real Chromium of the system's, spoken to by its own protocol; nothing is downloaded for it."""

from __future__ import annotations

import asyncio
import json
import shutil
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
WHY_NOT = "there is no Chromium here: apt install chromium"
QUIET = (  # nothing is asked of anybody else, and nothing is remembered
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync",
    "--disable-extensions", "--disable-component-update", "--no-first-run", "--disable-dev-shm-usage",
    "--remote-debugging-port=0",
)  # fmt: skip
PATIENCE = 10.0  # seconds; only a broken page needs them


@dataclass
class Browser:
    """One tab. `troubles`: what scripts threw, and what the page's policy refused."""

    socket: aiohttp.ClientWebSocketResponse
    troubles: list[str] = field(default_factory=list)
    _last: int = 0

    async def call(self, method: str, **given: Any) -> Any:
        self._last += 1
        await self.socket.send_json({"id": self._last, "method": method, "params": given})
        while True:
            told = await self.socket.receive_json(timeout=PATIENCE)
            if told.get("method") == "Runtime.exceptionThrown" or "Content Security Policy" in json.dumps(told):
                self.troubles.append(json.dumps(told)[:500])
            if told.get("id") == self._last:
                return told["result"]

    async def open(self, address: str, width: int = 1200, scheme: str = "light") -> None:
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        await self.call("Emulation.setEmulatedMedia", features=features)
        await self.call("Page.navigate", url=address)

    async def run(self, script: str) -> Any:
        """The value of an expression."""
        told = await self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        return told["result"].get("value")

    async def until(self, script: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                while not await self.run(f"!!({script})"):
                    await asyncio.sleep(0.03)
        except TimeoutError:
            shown = await self.run("[document.activeElement?.outerHTML, document.body.innerText.slice(0, 600)]")
            raise AssertionError(f"never: {script}\n{shown}\n{self.troubles}") from None

    async def press(self, key: str) -> None:
        text = {"text": key} if len(key) == 1 else {}
        await self.call("Input.dispatchKeyEvent", type="keyDown", key=key, **text)
        await self.call("Input.dispatchKeyEvent", type="keyUp", key=key)


@asynccontextmanager
async def chromium(profile: Path) -> AsyncIterator[Browser]:
    assert PROGRAM
    process = await asyncio.create_subprocess_exec(
        PROGRAM, *QUIET, f"--user-data-dir={profile}", "about:blank", stdout=DEVNULL, stderr=PIPE
    )
    try:
        async with aiohttp.ClientSession() as session, session.get(f"{await _door(process)}/json") as answer:
            target = next(one for one in await answer.json() if one["type"] == "page")
            async with session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                browser = Browser(socket)
                for domain in ("Runtime", "Page", "Log"):
                    await browser.call(f"{domain}.enable")
                yield browser
    finally:
        process.kill()
        await process.wait()


async def _door(process: asyncio.subprocess.Process) -> str:
    assert process.stderr
    async with asyncio.timeout(PATIENCE):
        while line := (await process.stderr.readline()).decode():
            if "DevTools listening on ws://" in line:
                return f"http://{line.split('ws://')[1].split('/')[0]}"
    raise AssertionError("Chromium ended before it listened")
