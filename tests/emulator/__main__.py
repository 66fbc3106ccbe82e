"""`python -m tests.emulator [--provider NAME] [--port N] [--output-port M] --ledger FILE [--weather JSON]`"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from tests.emulator.api import Api
from tests.emulator.book import Book
from tests.emulator.comfyui import ComfyUI, Prompt
from tests.emulator.fal import Fal
from tests.emulator.fal_requests import Request
from tests.emulator.outputs import Outputs
from tests.emulator.predictions import Prediction
from tests.emulator.weather import Weather


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.emulator", description="An emulator of a provider.")
    parser.add_argument("--provider", choices=("replicate", "fal", "comfyui"), default="replicate")
    parser.add_argument("--port", type=int, default=0, help="of the API; 0 picks one")
    parser.add_argument("--output-port", type=int, default=0, help="of the outputs; 0 picks one")
    parser.add_argument("--ledger", type=Path, required=True, help="where accepted creates are written down")
    parser.add_argument("--weather", type=json.loads, default={}, help="JSON, as for POST /_control")
    return parser.parse_args()


async def listen(app: web.Application, port: int, until: contextlib.AsyncExitStack) -> str:
    """`until`: it listens as long as that is open."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    until.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    return f"http://127.0.0.1:{runner.addresses[0][1]}"


async def serve(
    provider: str, port: int, output_port: int, ledger: Path, told: dict[str, object],
    ready: Callable[[dict[str, str]], None],
) -> None:  # fmt: skip
    weather = Weather()
    weather.change(told)
    api: Api | Fal | ComfyUI = Api(Book(ledger, Prediction), weather)
    if provider == "fal":
        api = Fal(Book(ledger, Request), weather)
    if provider == "comfyui":
        api = ComfyUI(Book(ledger, Prompt), weather)
    async with contextlib.AsyncExitStack() as until:
        api.base = await listen(api.app(), port, until)
        api.outputs = await listen(Outputs(api.book, weather, api.seen).app(), output_port, until)
        ready({"base_url": api.base, "output_url": api.outputs, "ledger": str(ledger)})
        await asyncio.Event().wait()


if __name__ == "__main__":
    given = options()
    with contextlib.suppress(KeyboardInterrupt):
        say = lambda ready: print(json.dumps(ready), flush=True)  # noqa: E731
        asyncio.run(serve(given.provider, given.port, given.output_port, given.ledger, given.weather, say))
