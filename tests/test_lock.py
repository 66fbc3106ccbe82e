"""What `make demo` and `make test` install: all that is asked for, within its range, by hash, from nowhere named."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCK = (ROOT / "requirements.lock").read_text()
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PYTHONS = ("3.11.0", "3.12.0", "3.13.0", "3.14.0")
LOCKED = ("dev", "bench")  # extras that the tests need
SYSTEMS = {"darwin": "Darwin", "linux": "Linux"}


def asked_for() -> list[Requirement]:
    project = PYPROJECT["project"]
    extras = [line for name in LOCKED for line in project["optional-dependencies"][name]]
    return [Requirement(line) for line in (*PYPROJECT["build-system"]["requires"], *project["dependencies"], *extras)]


def pins() -> list[tuple[Requirement, int]]:
    """Each with the number of its hashes."""
    entries = re.sub(r"\\\n", " ", re.sub(r"^\s*#.*\n", "", LOCK, flags=re.MULTILINE)).splitlines()
    return [(Requirement(re.sub(r"--hash=\S+", "", entry)), entry.count("--hash=sha256:")) for entry in entries]


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("python", PYTHONS)
def test_the_lock_has_one_release_of_all_that_pyproject_asks_for(python: str, system: str) -> None:
    place: dict[str, str] = {
        "python_full_version": python, "python_version": python.rpartition(".")[0],
        "sys_platform": system, "platform_system": SYSTEMS[system], "os_name": "posix",
    }  # fmt: skip
    here = [pin for pin, _ in pins() if pin.marker is None or pin.marker.evaluate(place)]
    versions = {canonicalize_name(pin.name): next(iter(pin.specifier)).version for pin in here}
    assert len(versions) == len(here)
    wanted = [each for each in asked_for() if each.marker is None or each.marker.evaluate(place)]
    for requirement in wanted:
        assert versions[canonicalize_name(requirement.name)] in requirement.specifier, requirement


def test_every_pin_of_the_lock_is_exact_and_has_a_hash() -> None:
    assert len(pins()) > 50
    for pin, hashes in pins():
        assert [specifier.operator for specifier in pin.specifier] == ["=="] and hashes, pin


def test_the_lock_names_no_address() -> None:
    assert not re.search(
        r"://|^\s*-|@", re.sub(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$", "", LOCK, flags=re.MULTILINE)
    )
