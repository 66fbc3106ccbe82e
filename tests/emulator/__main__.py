"""`python -m tests.emulator [--port N] [--output-port M] --ledger FILE [--weather JSON]`"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
from pathlib import Path

from aiohttp import web

from tests.emulator.api import Api
from tests.emulator.book import Book
from tests.emulator.outputs import Outputs
from tests.emulator.weather import Weather


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.emulator", description="An emulator of Replicate.")
    parser.add_argument("--port", type=int, default=0, help="of the API; 0 picks one")
    parser.add_argument("--output-port", type=int, default=0, help="of the outputs; 0 picks one")
    parser.add_argument("--ledger", type=Path, required=True, help="where accepted creates are written down")
    parser.add_argument("--weather", type=json.loads, default={}, help="JSON, as for POST /_control")
    return parser.parse_args()


async def _listen(app: web.Application, port: int) -> str:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    return f"http://127.0.0.1:{runner.addresses[0][1]}"


async def serve(port: int, output_port: int, ledger: Path, told: dict[str, object]) -> None:
    book, weather = Book(ledger), Weather()
    weather.change(told)
    api = Api(book, weather)
    api.base = await _listen(api.app(), port)
    api.outputs = await _listen(Outputs(book, weather, api.seen).app(), output_port)
    print(json.dumps({"base_url": api.base, "output_url": api.outputs, "ledger": str(ledger)}), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    given = options()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(given.port, given.output_port, given.ledger, given.weather))
