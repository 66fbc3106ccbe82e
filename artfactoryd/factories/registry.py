"""The factories that are installed: loaded by entry point, and made with their key. Not here: what one promises."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from artfactoryd.credentials import resolve_key
from artfactoryd.durable import make_folders
from artfactoryd.errors import ProviderStopped, WrongUse
from artfactoryd.factories import Call, Factory, FactoryMaker, Outputs, ProviderSettings, ReadsModelFile, Ticket
from artfactoryd.home import Home
from artfactoryd.medium import storage_errors
from artfactoryd.settings import FACTORIES, Settings

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


log = logging.getLogger(__name__)

MODEL_FILES = "artfactoryd.model_files"


@dataclass(frozen=True, slots=True)
class Broken:
    """A factory that is installed and cannot be loaded, in words. `unsafe`: its library may buy twice."""

    text: str
    way_out: str
    unsafe: bool = False


class Unmade:
    """Stands for a factory that could not be made: it buys nothing, and says why."""

    first_ask = 1.0
    output_hosts: frozenset[str] = frozenset()

    def __init__(self, name: str, error: Exception) -> None:
        self.name = name
        self.why = f"The factory of {name} cannot be started: {_on_one_line(error)}."

    async def submit(self, call: Call) -> Ticket:
        raise ProviderStopped(self.why)

    async def collect(self, ticket: Ticket) -> Outputs | None:
        raise ProviderStopped(self.why)

    async def cancel(self, ticket: Ticket) -> None: ...

    async def close(self) -> None: ...


def made(maker: FactoryMaker, settings: ProviderSettings, work: Path) -> Factory:
    """A stranger's factory that cannot be made stops nobody else."""
    try:
        return maker(settings, work)
    except Exception as error:
        return Unmade(settings.name, error)


def makers() -> dict[str, FactoryMaker]:
    """Every factory that can be loaded, by provider name; built-ins come in by the same door as plug-ins."""
    return {name: maker for name, maker in _installed().items() if not isinstance(maker, Broken)}


def broken() -> dict[str, Broken]:
    """Those that cannot be loaded, by provider name: they stop nobody else."""
    return {name: reason for name, reason in _installed().items() if isinstance(reason, Broken)}


def unsafe_start(settings: Settings) -> str | None:
    """Why nothing is started with the libraries that are installed: what to do, in words. None where they are safe."""
    words = [
        f"{factory.text} {factory.way_out} Or go without it (providers.{name}.enabled: false)."
        for name, factory in broken().items()
        if factory.unsafe and settings.provider(name).enabled
    ]
    return " ".join(words) or None


def look_again() -> None:
    """Forget what is installed: somebody may have mended it."""
    _installed.cache_clear()
    _readers.cache_clear()


def model_file_reader(provider: str) -> ReadsModelFile | None:
    """What reads the model files of a provider that has words of its own for them. Raises whatever loading it does."""
    point = _readers().get(provider)
    reader: ReadsModelFile | None = point.load() if point else None
    return reader


@cache
def _readers() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points  # late for the same reason as below

    return {point.name: point for point in entry_points(group=MODEL_FILES)}


@cache
def _installed() -> dict[str, FactoryMaker | Broken]:
    """Looked at once in a process: who made its factories says of them what was so then."""
    from importlib.metadata import entry_points  # imported late: `status` seldom needs it, and it is slow to load

    return {point.name: _loaded(point) for point in entry_points(group=FACTORIES)}


def _loaded(point: EntryPoint) -> FactoryMaker | Broken:
    from artfactoryd.factories.library import UnsafeLibrary  # late for the same reason

    try:
        maker: FactoryMaker = point.load()
    except UnsafeLibrary as error:
        return Broken(f"The factory of {point.name} is not used: {error}.", error.way_out, unsafe=True)
    except Exception as error:  # a stranger's code: anything
        package = point.dist.name if point.dist else point.module
        text = f"The factory of {point.name} ({point.value} of {package}) cannot be loaded: {_on_one_line(error)}."
        return Broken(text, f"Update or mend {package}, or take it away (pip uninstall {package}); then start again.")
    return maker


def _on_one_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split()).rstrip(".")


def make_factories(home: Home, settings: Settings, environ: dict[str, str]) -> dict[str, Factory]:
    """One of each that is installed and enabled, by provider name; the folders for what they make are made too."""
    for reason in broken().values():
        log.error("%s %s", reason.text, reason.way_out)
    factories: dict[str, Factory] = {}
    for name, maker in _enabled(settings):
        work = _work_of(home, name)
        with storage_errors(work):
            make_folders(work)
        factories[name] = made(maker, _for_factory(settings, name, environ), work)
    return factories


@asynccontextmanager
async def asking(home: Home, settings: Settings, environ: Mapping[str, str]) -> AsyncIterator[dict[str, Factory]]:
    """Factories for free questions, beside whoever works in this home; nothing is written."""
    factories = {
        name: made(maker, _for_factory(settings, name, environ), _work_of(home, name))
        for name, maker in _enabled(settings)
    }
    try:
        yield factories
    finally:
        for factory in factories.values():
            await factory.close()


def _enabled(settings: Settings) -> list[tuple[str, FactoryMaker]]:
    return [(name, maker) for name, maker in makers().items() if settings.provider(name).enabled]


def _work_of(home: Home, name: str) -> Path:
    """Where this provider puts outputs that are made on this machine."""
    return home.work / "made" / name


def _for_factory(settings: Settings, name: str, environ: Mapping[str, str]) -> ProviderSettings:
    """A key that cannot be had stops only that provider, when something is first sent there."""
    try:
        key = resolve_key(settings, name, environ)
    except WrongUse as error:
        log.error("%s", error)
        key = None
    return ProviderSettings(name, key, settings.provider(name).all_addresses)
