"""A secret is sent, and stands nowhere: given by its place, resolved at the wish, known by its hash."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from artfactoryd import documents
from artfactoryd.core.model import Model
from artfactoryd.core.parameters.secret_values import HIDDEN, hidden, references
from artfactoryd.errors import CallRefused
from artfactoryd.factories import Outputs
from artfactoryd.factories.fal.history import _same
from artfactoryd.factories.replicate.listing import _holds
from tests.homes import TestHome, everything
from tests.works import at_work, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
Patch = pytest.MonkeyPatch
SECRET = "sk-nobody-may-read-this"
SPEAKER: dict[str, Any] = {
    "provider": "fake", "model": "acme/speaker", "aliases": ["speaker"],
    "schema": {
        "type": "object",
        "properties": {
            "prompt": {"type": "string"}, "openai_api_key": {"type": "string"},
            "hf": {"type": "string", "format": "password"},
            "login": {"type": "object", "properties": {"password": {"type": "string"}, "name": {"type": "string"}}},
            "weights": {"type": "string"},
        },
    },
    "price": {"usd": 0.02, "per": "image", "as_of": "2026-05-01"},
}  # fmt: skip


@pytest.fixture
def shop(home: TestHome, monkeypatch: Patch) -> TestHome:
    (home.home.library / "models" / "speaker.yaml").write_text(documents.dump_yaml(SPEAKER))
    monkeypatch.setenv("OPENAI_KEY", SECRET)
    return home


def speak(**parameters: Any) -> str:
    return documents.dump_yaml({"provider": "fake", "model": "speaker", "parameters": {"prompt": "say", **parameters}})


def holding(home: TestHome, secret: str = SECRET) -> list[Path]:
    return [path for path in everything(home.root) if path.is_file() and secret.encode() in bytes_of(path)]


def bytes_of(path: Path) -> bytes:
    """Nothing of what has gone meanwhile."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


async def test_a_secret_is_sent_and_stands_nowhere(shop: TestHome, monkeypatch: Patch, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(SECRET)
    file.chmod(0o600)
    async with at_work(shop, monkeypatch) as works:
        echo = {"openai_api_key": SECRET, "prompt": "say"}
        works.fake.script("submit", "ok", CallRefused(f"Incorrect API key provided: {SECRET}."))
        works.fake.script("collect", lambda t: Outputs((works.fake.picture("a"),), echo))
        text = speak(openai_api_key="env:OPENAI_KEY", hf=f"file:{file}", login={"password": "env:OPENAI_KEY"})
        await works.make(text)
        [call] = works.fake.calls()
        assert (call.parameters["openai_api_key"], call.parameters["hf"]) == (SECRET, SECRET)
        assert call.parameters["login"] == {"password": SECRET}
        await works.make(speak(openai_api_key="env:OPENAI_KEY", prompt="another"), "two.yaml")
    assert holding(shop) == []
    [card] = shop.sidecars()
    assert card["parameters"]["actual"]["openai_api_key"] == "env:OPENAI_KEY"
    assert card["parameters"]["returned"]["openai_api_key"] == "(secret)"


async def test_another_secret_is_another_item_and_the_same_one_is_not_bought_again(
    shop: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(shop, monkeypatch) as works:
        await works.make(speak(openai_api_key="env:OPENAI_KEY"))
        monkeypatch.setenv("ELSEWHERE", SECRET)
        await works.make(speak(openai_api_key="env:ELSEWHERE"), "same.yaml")
        assert len(works.fake.calls()) == 1
        monkeypatch.setenv("OPENAI_KEY", "sk-another")
        await works.make(speak(openai_api_key="env:OPENAI_KEY", hf="env:ELSEWHERE"), "other.yaml")
        assert len(works.fake.calls()) == 2


WRONG: list[dict[str, Any]] = [
    {"openai_api_key": SECRET}, {"hf": SECRET}, {"login": {"password": SECRET}}, {"openai_api_key": "env:NOT_SET"},
    {"openai_api_key": [SECRET, "env:OPENAI_KEY"]}, {"weights": f"https://ann:{SECRET}@example.org/x.bin"},
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG, ids=str)
async def test_a_secret_in_the_open_or_not_there_is_refused_without_being_repeated(
    shop: TestHome, monkeypatch: Patch, wrong: dict[str, Any]
) -> None:
    async with at_work(shop, monkeypatch) as works:
        shop.drop("open.yaml", speak(**wrong))
        names = {"open.yaml", "open.yaml.error.txt"}
        await works.until(lambda: {path.name for path in shop.home.rejected.iterdir()} == names)
        await works.until(lambda: {path.parent for path in holding(shop)} <= {shop.home.rejected})  # the order itself
        assert works.fake.calls() == []
    [words] = shop.home.rejected.glob("*.error.txt")
    assert "E_SECRET" in words.read_text() and words not in holding(shop)


def test_a_lost_create_is_known_again_whatever_is_shown_in_place_of_its_secret() -> None:
    model = Model.from_mapping(SPEAKER, "")
    wanted = hidden(model, {"prompt": "say", "openai_api_key": "env:X", "login": {"password": "env:X", "name": "ann"}})
    assert wanted["openai_api_key"] is HIDDEN
    for shown in (SECRET, "[REDACTED]"):
        echo = {"prompt": "say", "openai_api_key": shown, "login": {"password": shown, "name": "ann"}}
        assert _holds(echo, wanted) and _same(echo, wanted)
        assert not _same({**echo, "prompt": "no"}, wanted)
    assert references(model, {"openai_api_key": SECRET}) == []
