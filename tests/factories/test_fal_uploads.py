"""Uploading to fal's CDN, through the real client's wire, at the emulator."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, Self

import httpx
import pytest

from artfactoryd.errors import AskAgain, CallRefused, ProviderError, ProviderStopped, Unreachable
from artfactoryd.factories import ProviderSettings, Uploads
from artfactoryd.factories import fal as factory_module
from artfactoryd.factories.fal import ADDRESSES, make
from tests.crooked import server
from tests.emulator.client import Emulator

DATA = b"\x89PNG not really, and nobody here minds " * 1000


@pytest.fixture
def emulator(fal: Emulator) -> Emulator:
    return fal


def factory_at(emulator: Emulator) -> factory_module.FalFactory:
    return make(ProviderSettings("fal", "id:secret", dict.fromkeys(ADDRESSES, emulator.base_url)), Path("/nowhere"))


async def test_uploads_arrive_whole_for_a_week_with_leave_asked_for_once(emulator: Emulator) -> None:
    factory, before = factory_at(emulator), emulator.seen().get("POST token", 0)
    bought = emulator.creates()
    assert isinstance(factory, Uploads)
    uploaded = await factory.upload("Büro.png", DATA, "image/png")
    await factory.upload("other.png", DATA, "image/png")
    await factory.close()
    kept = httpx.get(uploaded.address, trust_env=False)
    assert (kept.content, kept.headers["content-type"]) == (DATA, "image/png")
    assert emulator.seen()["POST token"] - before == 1 and emulator.creates() == bought
    assert uploaded.expires_at is not None
    left = datetime.fromisoformat(uploaded.expires_at) - datetime.now(UTC)
    assert 6 < left.total_seconds() / 86400 <= 7 and uploaded.lives == 7 * 86400


async def test_leave_that_has_run_out_is_asked_for_again(emulator: Emulator) -> None:
    emulator.control(token_seconds=30)
    factory, before = factory_at(emulator), emulator.seen().get("POST token", 0)
    await factory.upload("a.png", DATA, "image/png")
    await factory.upload("b.png", DATA, "image/png")
    await factory.close()
    assert emulator.seen()["POST token"] - before == 2


async def test_leave_lasts_by_elapsed_time_as_long_as_fal_s_own_clock_says(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever this machine's clock shows."""
    now = [1000.0]
    addresses = dict.fromkeys(ADDRESSES, emulator.base_url)
    factory = factory_module.FalFactory(ProviderSettings("fal", "id:secret", addresses), steady=lambda: now[0])
    before = emulator.seen().get("POST token", 0)

    class Wrong(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return super().now(tz) + timedelta(days=400)

    emulator.control(token_seconds=3600)
    monkeypatch.setattr(factory_module, "datetime", Wrong)
    for elapsed, tokens in ((0, 1), (3000, 1), (700, 2)):
        now[0] += elapsed
        await factory.upload("a.png", DATA, "image/png")
        assert emulator.seen()["POST token"] - before == tokens
    await factory.close()
    emulator.control(token_seconds=3600)


ANSWERS: list[tuple[Any, type[ProviderError]]] = [
    ("400", CallRefused),
    ("413", CallRefused),
    ("401", AskAgain),  # the leave was not liked, which is not our key
    ("403", AskAgain),
    ("404", AskAgain),  # of an address that is no call's own: it passes
    ("429", AskAgain),
    ("500", Unreachable),
    ("close", Unreachable),
    ("garbage", AskAgain),
]


@pytest.mark.parametrize(("told", "kind"), ANSWERS, ids=str)
async def test_each_answer_to_an_upload_is_told_apart_and_the_next_one_works(
    emulator: Emulator, told: Any, kind: type[ProviderError]
) -> None:
    emulator.control(upload=[told, told])  # a kept connection that was closed is asked once more
    factory = factory_at(emulator)
    with pytest.raises(kind) as caught:
        await factory.upload("a.png", DATA, "image/png")
    assert type(caught.value) is kind
    emulator.control(upload="ok")
    await factory.upload("a.png", DATA, "image/png")
    await factory.close()


async def test_a_key_that_may_not_upload_stops_the_provider(emulator: Emulator) -> None:
    emulator.control(token="another:key")
    factory = factory_at(emulator)
    with pytest.raises(ProviderStopped, match="does not accept the key"):
        await factory.upload("a.png", DATA, "image/png")
    await factory.close()


async def test_a_key_that_is_good_for_all_but_uploads_stops_nothing(emulator: Emulator) -> None:
    async def forbids(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    async with server(forbids) as (address, _):
        addresses = {**dict.fromkeys(ADDRESSES, emulator.base_url), "rest_url": address}
        factory = make(ProviderSettings("fal", "id:secret", addresses), Path("/nowhere"))
        with pytest.raises(AskAgain, match="403"):
            await factory.upload("a.png", DATA, "image/png")  # type: ignore[attr-defined]
        await factory.close()


async def test_a_picture_too_large_for_one_piece_is_refused_unsent(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(factory_module, "LARGEST_UPLOAD", 10)
    with pytest.raises(CallRefused, match="larger"):
        await factory_at(emulator).upload("a.png", DATA, "image/png")
