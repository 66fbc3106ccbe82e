"""Shared fixtures: a home, and the emulators of Replicate and of fal, each in its own process."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests import postgres
from tests.emulator.client import Emulator
from tests.homes import TestHome
from tests.volumes import go_into_memory

# A loaded machine is no failing test.
settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")
go_into_memory()
gc.disable()  # until all is loaded and collected


def pytest_collection_finish() -> None:
    """What is there by now stays to the end: no search for garbage goes through it."""
    gc.freeze()
    gc.enable()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What was not tried, in the last lines."""
    if why := postgres.missing():
        terminalreporter.write_line(f"Not tried: the index on PostgreSQL. {why}.")
    elif "not services" in config.getoption("markexpr"):
        terminalreporter.write_line("Not tried here: the index on PostgreSQL. `make test-services` does.")


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    """Fair weather; `control` changes it, `creates()` is what was bought."""
    with Emulator(tmp_path / "bought.jsonl") as running:
        yield running


@pytest.fixture(scope="session")
def fal_at_work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(tmp_path_factory.mktemp("fal") / "bought.jsonl", "fal") as running:
        yield running


@pytest.fixture
def fal(fal_at_work: Emulator) -> Emulator:
    """Fair weather. One for all tests, so its book holds what others bought before."""
    fal_at_work.calm()
    return fal_at_work


@pytest.fixture
def home(tmp_path: Path) -> TestHome:
    """A made home with quick settings and no provider address: local work only."""
    return TestHome.make(tmp_path / "home")


@pytest.fixture
def furnished(home: TestHome) -> TestHome:
    return home.furnish()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[postgres.Server]:
    """One for all tests of a process; each has schemas of its own there."""
    if why := postgres.missing():
        pytest.skip(why)
    with postgres.server() as started:
        yield started
