"""Whatever tells of a key that is missing or of no use names the ways to give one: the keychain's command first."""

from __future__ import annotations

from pathlib import Path

import pytest

from artfactoryd.credentials import resolve_key
from artfactoryd.errors import KeyUnusable
from artfactoryd.factories.fal import client as fal
from artfactoryd.factories.replicate import client as replicate
from artfactoryd.reporting.waiting import _lifting
from artfactoryd.settings import Provider, Settings
from artfactoryd.storage.rows import StopRow


@pytest.mark.parametrize(
    ("location", "sentence"),
    [
        ("env:MINE", "the variable MINE is not set"), ("file:{}/none", "cannot be read"), ("file:{}/open", "by others"),
        ("file:{}/odd", "holds blanks"), ("keychain", "keychain"),
    ],
)  # fmt: skip
def test_a_key_that_cannot_be_had_from_its_place_is_told_with_the_ways(
    tmp_path: Path, location: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keyring.get_password", lambda service, user: None)
    for name, mode in (("open", 0o644), ("odd", 0o600)):
        (tmp_path / name).write_text("a key of words")
        (tmp_path / name).chmod(mode)
    settings = Settings(providers={"fal": Provider(api_key=location.format(tmp_path))})
    with pytest.raises(KeyUnusable, match=sentence) as error:
        resolve_key(settings, "fal", {})
    assert error.value.way_out.startswith("`artfactoryd keys set fal`") and "a key of words" not in str(error.value)


def test_a_missing_key_and_one_that_is_not_taken_name_command_variable_and_file_in_that_order() -> None:
    stopped = StopRow(provider="fal", kind="stopped", reason="fal does not accept the key.", since="", of_key=True)
    for words, name, variable in (
        (fal.NO_KEY, "fal", "FAL_KEY"), (replicate.NO_KEY, "replicate", "REPLICATE_API_TOKEN"),
        (_lifting("fal", stopped), "fal", "FAL_KEY"),
    ):  # fmt: skip
        places = [words.index(part) for part in (f"keys set {name}", variable, f"providers.{name}.api_key: file:/PATH")]
        assert places == sorted(places)
