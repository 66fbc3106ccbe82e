"""What providers say about their models: asked within bounds, kept, and borne when it does not come."""

from __future__ import annotations

import asyncio
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from artfactoryd.errors import CallRefused, ProviderStopped, Unreachable
from artfactoryd.factories import Description
from artfactoryd.factories.replicate import ReplicateFactory
from artfactoryd.planning import model_discovery
from artfactoryd.planning.model_discovery import Descriptions
from artfactoryd.planning.models import load_catalog
from tests.emulator.client import Emulator
from tests.emulator.models import SDXL, SDXL_VERSIONS
from tests.fakes import FakeFactory

OPENAPI = {"components": {"schemas": {"Input": {"properties": {"prompt": {"type": "string"}, "own": {}}}}}}
NAME = ("fake", "acme/painter")


class Telling(FakeFactory):
    def __init__(self, work: Path, answer: Any) -> None:
        super().__init__(work)
        self.answer, self.asked = answer, 0

    async def describe(self, model: str, version: str | None) -> Description:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer is None:
            await asyncio.sleep(1000)
        assert isinstance(self.answer, Description)
        return self.answer


def asking(tmp_path: Path, answer: Any) -> tuple[Descriptions, Telling]:
    fake = Telling(tmp_path, answer)
    (tmp_path / ".artfactory").mkdir(exist_ok=True)
    told = tmp_path / ".artfactory" / "models"
    return Descriptions(told, {"fake": fake}, lambda: date(2026, 11, 22), lambda: clock[0]), fake


clock = [100.0]


async def test_what_is_said_is_kept_with_the_days_price_and_without_what_is_kept_back(tmp_path: Path) -> None:
    found, _ = asking(tmp_path, Description(OPENAPI, "v1", (0.02, "images"), ("own",)))
    heard = await found.learn([NAME])
    [kept] = [each for each in load_catalog(None, tmp_path / ".artfactory" / "models")[0] if each.provider == "fake"]
    assert (kept.full, list(kept.properties)) == ("acme/painter:v1", ["prompt"]) and heard.models[NAME].id == kept.id
    assert kept.price is not None and (kept.price.parts[0].usd, kept.price.as_of) == ("0.02", "2026-11-22")


async def test_without_a_home_it_is_used_and_nothing_is_written(tmp_path: Path) -> None:
    found = Descriptions(tmp_path / "none" / "models", {"fake": Telling(tmp_path, Description(OPENAPI))})
    assert (await found.learn([NAME])).models[NAME].id == "acme/painter" and not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Unreachable("no network."), "no network"), (ProviderStopped("no key."), "no key"),
        (Description({}), "names no parameters"), (None, "did not answer within"),
        (Description({"components": {"schemas": {"Input": {"properties": {"a": {"type": "odd"}}}}}}), "cannot be used"),
    ],
)  # fmt: skip
async def test_what_cannot_be_had_is_told_and_not_asked_for_at_once_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Any, words: str
) -> None:
    monkeypatch.setattr(model_discovery, "LONGEST", 0.01)
    found, fake = asking(tmp_path, answer)
    heard = await found.learn([NAME, NAME])
    assert words in heard.silent[NAME] and not heard.models and not heard.unknown
    assert (await found.learn([NAME])).silent == heard.silent and fake.asked == 1
    clock[0] += model_discovery.ASK_AGAIN
    await found.learn([NAME])
    assert fake.asked == 2


async def test_a_provider_that_does_not_answer_is_asked_about_one_model_only(tmp_path: Path) -> None:
    found, fake = asking(tmp_path, Unreachable("no network."))
    heard = await found.learn([NAME, ("fake", "acme/other")])
    assert len(heard.silent) == 2 and fake.asked == 1


async def test_a_model_there_is_none_of_and_a_provider_that_tells_nothing_are_unknown(tmp_path: Path) -> None:
    found, _ = asking(tmp_path, CallRefused("there is none."))
    heard = await found.learn([NAME, ("local", "acme/x")])
    assert list(heard.unknown) == [NAME, ("local", "acme/x")] and heard.unknown[NAME] == "there is none."


async def test_replicate_pins_a_community_model_and_calls_an_official_one_by_its_name(emulator: Emulator) -> None:
    from artfactoryd.factories import ProviderSettings

    factory = ReplicateFactory(ProviderSettings("replicate", "r8_test", {"base_url": emulator.base_url}))
    try:
        assert (await factory.describe("black-forest-labs/flux-dev", None)).version is None
        assert (await factory.describe(SDXL, None)).version == SDXL_VERSIONS[0]
        assert (await factory.describe(SDXL, SDXL_VERSIONS[1])).version == SDXL_VERSIONS[1]
        for model, version in (("acme/none", None), (SDXL, "0" * 64), ("noslash", None)):
            with pytest.raises(CallRefused):
                await factory.describe(model, version)
        emulator.control(token="r8_other")
        with pytest.raises(ProviderStopped):
            await factory.describe(SDXL, None)
    finally:
        await factory.close()
