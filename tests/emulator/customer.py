"""The Replicate factory as the program uses it, at an address of the test's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from artfactoryd.factories import ProviderSettings
from artfactoryd.factories.replicate import ReplicateFactory, make

KEY = "r8_0123456789abcdefghij"


@asynccontextmanager
async def at(address: str, *, key: str | None = KEY, timeout: float = 20.0) -> AsyncIterator[ReplicateFactory]:
    factory = make(ProviderSettings("replicate", key, {"base_url": address}, timeout), Path("/nowhere"))
    try:
        yield factory
    finally:
        await factory.close()
