"""`providers` and `keys`: who can be ordered from, with which key, and what stops them; never the key itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keyring
import pytest
from click.testing import CliRunner
from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError

from artfactoryd.cli import main
from tests.emulator.client import Emulator
from tests.homes import TestHome

SECRET = "r8_very_secret"


class Kept(KeyringBackend):
    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def delete_password(self, service: str, username: str) -> None:
        if self.kept.pop((service, username), None) is None:
            raise PasswordDeleteError


@pytest.fixture
def chain(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kept]:
    before, mine = keyring.get_keyring(), Kept()
    keyring.set_keyring(mine)
    for name in ("REPLICATE_API_TOKEN", "FAL_KEY"):
        monkeypatch.delenv(name, raising=False)
    yield mine
    keyring.set_keyring(before)


def call(home: TestHome, *words: str, given: str = "") -> Any:
    return CliRunner().invoke(main, ["--home", str(home.root), *words], input=given)


def test_a_key_is_put_into_the_keychain_used_listed_and_taken_away(home: TestHome, chain: Kept) -> None:
    done = call(home, "keys", "set", "replicate", given=f"{SECRET}\n")
    assert done.exit_code == 0 and chain.kept == {("artfactoryd", "replicate"): SECRET}
    listed = call(home, "keys", "list")
    none, kept = listed.output.splitlines()
    assert none.startswith(
        "fal: no key. `artfactoryd keys set fal` asks for it, and puts it into the keychain; or set FAL_KEY"
    )
    assert none.endswith("providers.fal.api_key: file:/PATH.") and kept == "replicate: key from keychain"
    assert SECRET not in done.output + listed.output
    assert call(home, "keys", "remove", "replicate").exit_code == 0 and not chain.kept
    assert call(home, "keys", "remove", "replicate").exit_code == 1


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [("replicat", SECRET, "There is no provider 'replicat'"), ("local", SECRET, "takes a key"),
     ("fal", "", "No key was given"), ("fal", "two words", "holds blanks")],
)  # fmt: skip
def test_what_is_no_key_is_not_kept(home: TestHome, chain: Kept, name: str, given: str, words: str) -> None:
    done = call(home, "keys", "set", name, given=f"{given}\n")
    assert done.exit_code == 2 and words in done.output and not chain.kept


def test_another_place_that_goes_first_is_named(home: TestHome, chain: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", "id:other")
    done = call(home, "keys", "set", "fal", given=f"{SECRET}\n")
    assert "what is used comes from env:FAL_KEY" in done.output


def test_a_keychain_that_keeps_nothing_is_told(home: TestHome, chain: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "set_password", lambda *given: None)
    done = call(home, "keys", "set", "fal", given=f"{SECRET}\n")
    assert done.exit_code == 2 and "file:/PATH" in done.output and SECRET not in done.output


def test_each_provider_says_its_key_its_pace_and_what_stops_it(tmp_path: Path, emulator: Emulator) -> None:
    home = TestHome.make(tmp_path / "shop", emulator.base_url)
    emulator.control(token="r8_test")
    found = home.ask("providers")["providers"]
    assert (found["replicate"]["key"], found["replicate"]["checked"]) == ("env:REPLICATE_API_TOKEN", "taken")
    assert found["replicate"]["addresses"] == {"base_url": emulator.base_url} and found["fal"]["enabled"] is False
    assert (found["local"]["key"], found["local"]["checked"]) == ("not needed", None)
    refused = json.loads(home.call("providers", "--json", REPLICATE_API_TOKEN="r8_bad_key").stdout)
    assert refused["providers"]["replicate"]["checked"] == "refused" and "r8_bad_key" not in str(refused)
    assert home.ask("providers", "--offline")["providers"]["replicate"]["checked"] is None
    assert home.call("pause", "replicate").returncode == 0
    text = home.call("providers", "--offline").stdout
    assert "replicate: key from env:REPLICATE_API_TOKEN; 4 at once" in text and "paused since" in text
    assert emulator.creates() == []
