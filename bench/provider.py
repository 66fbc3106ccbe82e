"""A provider for the benchmarks: creates, polls and outputs on loopback, as fast as a server here can be.

    python bench/provider.py LATENCY_SECONDS [never] [noise|textured|webp] [CERTIFICATE.pem]

Prints its address when it is ready; with a certificate (and its key in the same file) it speaks TLS. A prediction is
`processing` at the first question and `succeeded` at the second (with `never`, none ever ends). It keeps no ledger and
makes no mistakes: `tests/emulator` is for those.
"""

from __future__ import annotations

import asyncio
import io
import itertools
import os
import ssl
import sys
import time
from typing import Any

from aiohttp import web

SIDE, LARGE = 660, 1024  # pixels
PICTURES = ("noise", "textured", "webp")
NUMBERS = itertools.count(1)
ASKED: dict[str, int] = {}
CREATED: dict[str, float] = {}  # when, by prompt


def picture(kind: str) -> bytes:
    """`noise`: a PNG stored nearly uncompressed, 1.3 MB and quick to decode. `textured`: a PNG as a model makes them,
    of about 2 MB; `webp`: the same picture."""
    from PIL import Image

    file = io.BytesIO()
    if kind == "noise":
        Image.frombytes("RGB", (SIDE, SIDE), os.urandom(SIDE * SIDE * 3)).save(file, "PNG", compress_level=0)
        return file.getvalue()
    image = Image.new("RGB", (LARGE, LARGE), (120, 120, 120))
    for side, share in ((8, 0.5), (64, 0.35), (256, 0.25), (LARGE, 0.12)):  # coarse over fine, as in a photograph
        grain = Image.frombytes("RGB", (side, side), os.urandom(side * side * 3))
        image = Image.blend(image, grain.resize((LARGE, LARGE), Image.Resampling.BICUBIC), share)
    image.save(file, "PNG" if kind == "textured" else "WEBP", **({} if kind == "textured" else {"quality": 90}))
    return file.getvalue()


def build(latency: float, never: bool, kind: str = "noise") -> web.Application:
    output = picture(kind)
    mime = "image/webp" if kind == "webp" else "image/png"
    ends_at = 1 << 62 if never else 2

    async def create(request: web.Request) -> web.Response:
        came = time.time()
        CREATED[(await request.json())["input"].get("prompt", "")] = came
        await asyncio.sleep(latency)
        number = f"{next(NUMBERS):026d}"
        ASKED[number] = 0
        return web.json_response(prediction(request, number, "starting"), status=201)

    async def ask(request: web.Request) -> web.Response:
        await asyncio.sleep(latency)
        number = request.match_info["id"]
        ASKED[number] += 1
        return web.json_response(prediction(request, number, "processing" if ASKED[number] < ends_at else "succeeded"))

    async def fetch(_: web.Request) -> web.Response:
        return web.Response(body=output, content_type=mime)

    async def created(_: web.Request) -> web.Response:
        return web.json_response(CREATED)

    async def questions(_: web.Request) -> web.Response:
        return web.json_response(sum(ASKED.values()))

    app = web.Application()
    app.router.add_get("/_created", created)
    app.router.add_get("/_questions", questions)
    app.router.add_post("/v1/models/{owner}/{name}/predictions", create)
    app.router.add_get("/v1/predictions/{id}", ask)
    app.router.add_get("/output/{id}.png", fetch)
    return app


def prediction(request: web.Request, number: str, status: str) -> dict[str, Any]:
    base = f"{request.scheme}://{request.host}"
    found: dict[str, Any] = {
        "id": number, "model": "black-forest-labs/flux-schnell", "version": "hidden", "input": {}, "logs": "",
        "error": None, "status": status, "created_at": "2026-01-01T00:00:00.000Z",
        "urls": {"get": f"{base}/v1/predictions/{number}", "cancel": f"{base}/v1/predictions/{number}/cancel"},
    }  # fmt: skip
    if status == "succeeded":
        found |= {"output": [f"{base}/output/{number}.png"], "metrics": {"predict_time": 0.05}}
        found |= {"completed_at": "2026-01-01T00:00:01.000Z"}
    return found


async def main() -> None:
    kind = next((kind for kind in PICTURES if kind in sys.argv), "noise")
    certificate = next((word for word in sys.argv if word.endswith(".pem")), None)
    runner = web.AppRunner(build(float(sys.argv[1]), "never" in sys.argv, kind), access_log=None)
    await runner.setup()
    context = None
    if certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    print(f"http{'s' if certificate else ''}://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
