"""A secret is sent, and stands nowhere: given by its place, resolved at the wish, known by its hash."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import keyring
import pytest
from keyring.backend import KeyringBackend

from artfactoryd import documents
from artfactoryd import printable as door
from artfactoryd.cli import plan
from artfactoryd.core.model import Model
from artfactoryd.core.parameters.secret_values import HIDDEN, hidden, references
from artfactoryd.errors import AskAgain, CallRefused, ProviderStopped, RunFailed
from artfactoryd.factories import Outputs
from artfactoryd.factories.fal.history import _same
from artfactoryd.factories.http.answer import Answer
from artfactoryd.factories.replicate.listing import _holds
from artfactoryd.planning import preview
from tests.fakes import FakeFactory
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


class Keychain(KeyringBackend):
    """In memory, as a machine's own would be."""

    priority = 1.0

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.fixture
def keychain() -> Iterator[Keychain]:
    before, chain = keyring.get_keyring(), Keychain()
    keyring.set_keyring(chain)
    yield chain
    keyring.set_keyring(before)


async def test_a_secret_of_the_keychain_is_known_there_by_its_parameters_name(
    shop: TestHome, monkeypatch: Patch, keychain: Keychain
) -> None:
    keychain.kept = {("artfactoryd", "openai_api_key"): SECRET, ("artfactoryd", "password"): "another-secret"}
    text = speak(openai_api_key="keychain", login={"password": "keychain", "name": "ann"})
    async with at_work(shop, monkeypatch) as works:
        await works.make(text)
        [call] = works.fake.calls()
        assert call.parameters["openai_api_key"] == SECRET
        assert call.parameters["login"] == {"password": "another-secret", "name": "ann"}
        await works.make(text + "notes: again\n", "again.yaml")
        assert len(works.fake.calls()) == 1
        keychain.kept[("artfactoryd", "openai_api_key")] = "a-third-secret"
        await works.make(text + "notes: other\n", "other.yaml")
        assert len(works.fake.calls()) == 2
    assert [holding(shop, secret) for secret in (SECRET, "another-secret", "a-third-secret")] == [[], [], []]


async def test_what_the_keychain_does_not_hold_is_refused_before_paying(
    shop: TestHome, monkeypatch: Patch, keychain: Keychain
) -> None:
    async with at_work(shop, monkeypatch) as works:
        shop.drop("say.yaml", speak(openai_api_key="keychain"))
        await works.until(lambda: list(shop.home.rejected.glob("*.error.txt")))
        assert works.fake.calls() == []
    [words] = shop.home.rejected.glob("*.error.txt")
    assert "E_SECRET" in words.read_text() and "user openai_api_key" in words.read_text()


ECHOES = [f"Incorrect API key: {SECRET}.", "url?key=" + quote(SECRET + "/+", safe=""), json.dumps([SECRET])]


@pytest.mark.parametrize("is_there", [True, False], ids=["resolved again", "gone since"])
async def test_after_a_restart_no_word_of_a_provider_brings_a_secret_in_either(
    shop: TestHome, monkeypatch: Patch, is_there: bool
) -> None:
    """Neither as a failure, nor while it is asked again, nor as what stops the provider or as what was used."""
    text = speak(openai_api_key="env:OPENAI_KEY", prompt="say [1,2,3]")
    async with at_work(shop, monkeypatch, concurrency=3) as works:
        works.fake.script("collect", *[None] * 100_000)
        made = await works.take(text)
        await works.until(lambda: works.states(made) == ["running"] * 3)
    monkeypatch.setattr(door, "_hidden", ())  # as in another process
    if not is_there:
        monkeypatch.delenv("OPENAI_KEY")
    echo = {"model_log": f"using {SECRET}"} if is_there else {}
    answers: list[Any] = [AskAgain(f"busy with {SECRET}")] * 9
    answers += [RunFailed(f"{SECRET} is no key", charged=True, answer=SECRET), ProviderStopped(f"{SECRET}: 402")] * 2

    def script(fake: FakeFactory) -> None:
        fake.script("collect", *answers, lambda t: Outputs((fake.picture("a"),), echo, note=f"with {SECRET}"[:99]))

    async with at_work(shop, monkeypatch, concurrency=3, script=script) as works:
        await works.until(lambda: Counter(works.states(made)) == Counter(failed=2, completed=1))
        await works.rests()
    kept = [path for path in holding(shop) if is_there or "note" not in path.name]
    assert kept == []


@pytest.mark.parametrize("echo", ECHOES)
def test_what_was_sent_is_hidden_in_each_form_in_which_it_may_come_back(monkeypatch: Patch, echo: str) -> None:
    monkeypatch.setattr(door, "_hidden", ())
    for secret in (SECRET, SECRET + "/+", "abc"):
        door.hide(secret)
    assert SECRET not in door.redact(echo) and "[key]" in door.redact(echo)
    assert door.redact("abc") == "abc"  # so short, it would be found in ordinary words
    answer = Answer("", True, 400, {}, bytearray(json.dumps({"detail": "x" * 490 + SECRET}).encode()))
    assert "sk-nob" not in answer.reason()


async def test_the_plan_does_not_show_the_line_in_which_a_secret_stands(
    shop: TestHome, monkeypatch: Patch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = shop.root / "say.yaml"
    file.write_text(
        f"provider: fake\nmodel: speaker\nparameters: {{prompt: say, openai_api_key: {SECRET}, nothing: 1}}\n"
    )
    async with at_work(shop, monkeypatch) as works:
        planned = preview.plan(shop.home, works.house.settings.now, file, rehearse=False, most=None)
    plan.show(planned, print)
    shown = capsys.readouterr().out
    assert "E_SECRET" in shown and SECRET not in shown


def test_a_lost_create_is_known_again_whatever_is_shown_in_place_of_its_secret() -> None:
    model = Model.from_mapping(SPEAKER, "")
    wanted = hidden(model, {"prompt": "say", "openai_api_key": "env:X", "login": {"password": "env:X", "name": "ann"}})
    assert wanted["openai_api_key"] is HIDDEN
    for shown in (SECRET, "[REDACTED]"):
        echo = {"prompt": "say", "openai_api_key": shown, "login": {"password": shown, "name": "ann"}}
        assert _holds(echo, wanted) and _same(echo, wanted)
        assert not _same({**echo, "prompt": "no"}, wanted)
    assert references(model, {"openai_api_key": SECRET}) == []
