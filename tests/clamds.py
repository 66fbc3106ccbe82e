"""A clamd for the tests: a small one of our own, which speaks as the real one does, and the real one where it is."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import pytest

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}" + b"$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"  # harmless, and known to all
NAME = "Tests.Eicar"
MOST = 1 << 20  # bytes that it takes
REAL_NAME = f"{NAME}.UNOFFICIAL"  # clamd adds that to what is not its makers'
CLAMD = shutil.which("clamd", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin:/usr/bin")
needs_clamd = pytest.mark.skipif(CLAMD is None, reason="no clamd is installed (Debian: apt install clamav-daemon)")


class FakeClamd:
    """`answers`: what it says instead, one after the other; None: it hangs up. `asked`: what it was sent."""

    def __init__(self) -> None:
        self.answers: list[bytes | None] = []
        self.asked: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            command = await reader.readuntil(b"\0")
            answer = b"ClamAV 1.4.3" if command == b"zVERSION\0" else await self._scan(reader)
            if answer is not None:
                writer.write(answer + b"\0")
                await writer.drain()
        writer.close()

    async def _scan(self, reader: asyncio.StreamReader) -> bytes | None:
        data = bytearray()
        while size := int.from_bytes(await reader.readexactly(4), "big"):
            if len(data) + size > MOST:
                return b"INSTREAM size limit exceeded. ERROR"
            data += await reader.readexactly(size)
        self.asked.append(bytes(data))
        if self.answers:
            return self.answers.pop(0)
        return f"stream: {NAME} FOUND".encode() if EICAR in data else b"stream: OK"


@asynccontextmanager
async def fake_clamd(place: Path) -> AsyncIterator[FakeClamd]:
    """At the socket `place`."""
    fake = FakeClamd()
    server = await asyncio.start_unix_server(fake.serve, place)
    async with server:
        yield fake
    place.unlink(missing_ok=True)


@contextmanager
def real_clamd(folder: Path) -> Iterator[tuple[Path, int]]:
    """With one signature, that of EICAR. Its socket, and its port."""
    assert CLAMD is not None
    (signatures := folder / "signatures").mkdir(parents=True)
    (signatures / "tests.ndb").write_text(f"{NAME}:0:*:{EICAR.hex()}\n")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    place = folder / "clamd.socket"
    (folder / "clamd.conf").write_text(
        f"Foreground yes\nLocalSocket {place}\nTCPSocket {port}\nTCPAddr 127.0.0.1\nDatabaseDirectory {signatures}\n"
        f"TemporaryDirectory {folder}\nStreamMaxLength {MOST}\nLogFile {folder}/log\nAlertExceedsMax yes\n"
        "MaxFileSize 300K\nMaxThreads 2\n"
    )
    process = subprocess.Popen([CLAMD, "-c", str(folder / "clamd.conf")], stdout=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 60
        while not place.exists():
            assert process.poll() is None and time.monotonic() < until, (folder / "log").read_text()
            time.sleep(0.05)
        yield place, port
    finally:
        process.terminate()
        process.wait()
