"""A client library that may buy twice: a start with it is refused in words, and nothing leaves."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from artfactoryd.errors import ProviderStopped
from artfactoryd.factories import ProviderSettings
from artfactoryd.factories.fal import make as make_fal
from artfactoryd.factories.library import UnsafeLibrary, fits, require, requirements
from artfactoryd.factories.replicate import make as make_replicate
from tests.homes import TestHome

ROOT = Path(__file__).parents[2]
GREEN = "provider: local\nmodel: sketch\nparameters: {prompt: a green car, width: 64, height: 64}\n"
LIBRARIES = {"replicate": "replicate", "fal": "fal-client"}


def pretend(packages: Path, name: str, version: str, *lines: str) -> None:
    """As pip leaves it: only what is asked of the metadata."""
    folder = packages / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(
        "\n".join(["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *lines])
    )


def call(home: TestHome, packages: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environ = home.environment(PYTHONPATH=f"{packages}{os.pathsep}{ROOT}", PYTHONDONTWRITEBYTECODE="1")
    done = subprocess.run(home.command(*words), env=environ, capture_output=True, text=True, timeout=60)
    assert "Traceback" not in done.stdout + done.stderr
    return done


@pytest.mark.parametrize("command", ["run", "once"])
@pytest.mark.parametrize(("provider", "version"), [("replicate", "2.0.0"), ("replicate", "2.1.0b3"), ("fal", "2.0.1")])
def test_a_start_with_a_library_that_may_buy_twice_is_refused_in_words(
    home: TestHome, tmp_path: Path, provider: str, version: str, command: str
) -> None:
    home.configure(providers={provider: {"enabled": True}})
    home.drop("green.yaml", GREEN)
    pretend(tmp_path / "packages", LIBRARIES[provider], version)
    done = call(home, tmp_path / "packages", command)
    assert done.returncode == 2
    for words in (
        f"{LIBRARIES[provider]} {version} is installed",
        "paid for twice",
        "Nothing was sent",
        "pip install '",
    ):
        assert words in done.stderr
    assert f"{LIBRARIES[provider]}<2,>=1.0" in done.stderr and f"providers.{provider}.enabled: false" in done.stderr
    assert (home.home.inbox / "green.yaml").exists() and home.lines() == []


def test_without_that_provider_the_others_go_on(home: TestHome, tmp_path: Path) -> None:
    pretend(tmp_path / "packages", "replicate", "2.0.0")
    home.configure(providers={"replicate": {"enabled": False}})
    home.drop("green.yaml", GREEN)
    assert call(home, tmp_path / "packages", "once").returncode == 0
    assert home.states() == ["completed"]


def test_looking_is_allowed_and_says_what_is_wrong(home: TestHome, tmp_path: Path) -> None:
    pretend(tmp_path / "packages", "replicate", "2.0.0")
    told = json.loads(call(home, tmp_path / "packages", "providers", "--offline", "--json").stdout)["providers"]
    assert "replicate 2.0.0 is installed" in told["replicate"]["broken"] and told["fal"]["broken"] is None
    rows = json.loads(call(home, tmp_path / "packages", "doctor", "--json").stdout)["rows"]
    bad = {row["check"]: row for row in rows if row["state"] == "bad"}
    assert "pip install" in bad["providers"]["way_out"]
    assert "replicate 2.0.0" in bad["libraries"]["text"] and "'replicate<2,>=1.0.7'" in bad["libraries"]["way_out"]


@pytest.mark.parametrize("make", [make_replicate, make_fal])
def test_one_exchanged_while_the_program_runs_sends_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, make: type
) -> None:
    version = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "2.0.0" if name in LIBRARIES.values() else version(name))
    factory = make(ProviderSettings("x", "r8_key", {}), tmp_path)
    with pytest.raises(ProviderStopped, match=r"2\.0\.0 is installed.*Nothing was sent"):
        asyncio.run(factory.upload("a.png", b"picture", "image/png"))


@pytest.mark.parametrize(
    ("version", "requirement", "answer"),
    [
        ("1.0.7", "x<2,>=1.0.7", True), ("1.0.7.post1", "x<2,>=1.0.7", True), ("1.9", "x<2,>=1.0.7", True),
        ("1.0.6", "x<2,>=1.0.7", False), ("2", "x<2,>=1.0.7", False), ("2.0.0a1", "x<2", False), ("10", "x<2", False),
        ("9", "x>=9.0.0", True), ("9.0", "x>=9", True), ("3.1", "x", True), ("odd", "x>=1", False),
    ],
)  # fmt: skip
def test_a_release_is_held_against_the_bounds(version: str, requirement: str, answer: bool) -> None:
    assert fits(version, requirement) is answer


def test_the_ranges_are_those_that_pip_was_given() -> None:
    assert (
        requirements()["replicate"] == "replicate<2,>=1.0.7" and requirements()["fal-client"] == "fal-client<2,>=1.0.3"
    )
    assert ("xattr" in requirements()) is (sys.platform == "darwin")
    assert "pytest" not in requirements() and requirements("surely-not-installed") == {}


def test_a_plug_in_asks_by_its_own_metadata(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(
        tmp_path, "acme-factory", "1.0", "Requires-Dist: Acme_Client (>=1.2,<1.4)", 'Requires-Dist: x<1; extra == "y"'
    )
    pretend(tmp_path, "acme-client", "1.4.0")
    monkeypatch.syspath_prepend(str(tmp_path))
    require("surely-not-installed", of="acme-factory")
    require("acme-client", of="surely-not-installed")
    with pytest.raises(UnsafeLibrary, match=r"acme-client 1\.4\.0 is installed"):
        require("acme-client", of="acme-factory")
