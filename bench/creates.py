"""What a create costs on a connection of its own, over TLS on loopback, against one kept for each slot.

The program opens a connection for each create: one that was kept may have been closed by the other side in the moment
that it is written to, and then nobody can tell whether the create was taken. This measures what that costs.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from line import provider

from artfactoryd.factories.http.answer import Answer
from artfactoryd.factories.http.transport import Wire

CREATES = int(os.environ.get("CREATES", "400"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
CONCURRENCY = 32
PATH = "/v1/models/black-forest-labs/flux-schnell/predictions"


async def creates(base: str, certificate: Path, kept: bool) -> tuple[float, float]:
    """CPU milliseconds and median latency in milliseconds, a create."""
    context = ssl.create_default_context(cafile=str(certificate))
    wire = Wire([base], {"Authorization": "Bearer r8_bench"}, context)
    if kept:
        await wire._creates.close()
        wire._creates = wire.questions
    places, took = asyncio.Semaphore(CONCURRENCY), list[float]()

    async def one(number: int) -> None:
        async with places:
            answer, began = Answer("r8_bench"), time.perf_counter()
            await wire.create(base + PATH, b'{"input":{"prompt":"%d"}}' % number, answer, 20)
            took.append(time.perf_counter() - began)
            assert answer.status == 201

    before = time.process_time()
    await asyncio.gather(*map(one, range(CREATES)))
    cpu = time.process_time() - before
    await wire.close()
    return cpu * 1000 / CREATES, statistics.median(took) * 1000


def certificate(folder: Path) -> Path:
    made = folder / "loopback.pem"
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    words += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(folder / "key"), "-out", str(folder / "crt")]
    subprocess.run(words, check=True, capture_output=True)
    made.write_bytes((folder / "key").read_bytes() + (folder / "crt").read_bytes())
    return made


def main() -> None:
    if shutil.which("openssl") is None:
        sys.exit("creates: not measured, for want of openssl, which makes the certificate")
    with tempfile.TemporaryDirectory() as folder:
        pem = certificate(Path(folder))
        with provider(str(pem)) as tls, provider() as plain:
            places = {"its own, no TLS": (plain, False), "its own, TLS": (tls, False), "kept, TLS": (tls, True)}
            figures: dict[str, list[tuple[float, float]]] = {name: [] for name in places}
            for _ in range(ROUNDS):
                for name, (base, kept) in places.items():
                    figures[name].append(asyncio.run(creates(base, pem, kept)))
    print(f"creates: {CREATES}, {CONCURRENCY} at a time, 50 ms a call; {ROUNDS} rounds")
    for name, rounds in figures.items():
        cpu, latency = (statistics.median(figure) for figure in zip(*rounds, strict=True))
        print(f"  a connection of {name:<16} {cpu:5.2f} ms CPU a create, answered after {latency:5.1f} ms")


if __name__ == "__main__":
    main()
