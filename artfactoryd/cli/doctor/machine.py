"""`doctor`: what is well, what is not, and the way out. Looks from this process, and changes nothing.

A check is a function that yields rows; one that fails itself is a row too, so that the others are still told.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from artfactoryd import credentials
from artfactoryd import settings as settings_room
from artfactoryd.cli.doctor import home as soundness
from artfactoryd.cli.doctor import outward
from artfactoryd.cli.doctor.reachability import Reached, reach
from artfactoryd.cli.doctor.report import BAD, OK, WARNING, Row
from artfactoryd.cli.upkeep import service
from artfactoryd.core.names import counted
from artfactoryd.core.pricing.age import STALE
from artfactoryd.errors import KeyUnusable, Refusal, StorageSick, WrongUse
from artfactoryd.factories.library import fits, requirements
from artfactoryd.factories.registry import broken, makers
from artfactoryd.home import Home
from artfactoryd.intake import inbox
from artfactoryd.medium import in_words
from artfactoryd.mounts import mount_of, mounts
from artfactoryd.reporting.models import listed, ordered_from
from artfactoryd.settings import Settings
from artfactoryd.shelf.look.probe import program
from artfactoryd.storage import ledger
from artfactoryd.storage.database import SQLITE

PYTHONS = ((3, 11), (3, 15))
INOTIFY = Path("/proc/sys/fs/inotify")
CLOCK_OFF = 60.0  # seconds
Rows = Iterator[Row]


def examine(home: Home, environ: Mapping[str, str]) -> list[Row]:
    settings, rows = _settings(home, environ)
    in_use = ordered_from(home)
    reached = {
        name: reach(next(iter(provider.all_addresses.values())))
        for name, provider in settings.providers.items()
        if provider.enabled and provider.all_addresses and name in in_use
    }
    checks: dict[str, Callable[[], Rows]] = {
        "folder": lambda: soundness.folder(home, settings), "privacy": lambda: soundness.privacy(home),
        "inbox": lambda: soundness.left_alone(home, settings),
        "lock": lambda: soundness.lock(home), "service": lambda: _service(home, environ),
        "disk": lambda: soundness.disk(home, settings), "backup": lambda: soundness.backup(home, settings),
        "watcher": lambda: _watcher(home, settings),
        "providers": _providers, "keys": lambda: _keys(settings, environ), "addresses": lambda: _addresses(reached),
        "sqlite": lambda: soundness.sqlite(SQLITE), "database": lambda: soundness.database(home),
        "ledger": lambda: soundness.lines(home), "between": lambda: soundness.between(home),
        "clock": lambda: _clock(home, reached, datetime.now(UTC)),
        "hooks": lambda: outward.hooks(home, settings, environ),
        "notifications": lambda: outward.notifications(home, settings, environ),
        "scan": lambda: outward.scan(settings), "upscale": outward.upscale,
        "python": _python, "libraries": _libraries, "prices": lambda: _prices(home, settings),
        "ffmpeg": _ffmpeg,
    }  # fmt: skip
    for name, check in checks.items():
        try:
            rows += check()
        except Exception as error:
            rows.append(Row(name, BAD, f"This could not be looked at: {type(error).__name__}: {in_words(error)}"))
    return rows


def _ffmpeg() -> Rows:
    if path := program("ffmpeg"):
        yield Row("ffmpeg", OK, f"{path} shows a frame of films and the wave of sounds.")
    else:
        words = "There is none: films and sounds have a card with their kind and length in place of a thumbnail."
        yield Row("ffmpeg", OK, words, "Install it to see a frame of films; nothing else needs it.")


def _prices(home: Home, settings: Settings) -> Rows:
    """Of the providers that are in use."""
    stale = [model for model in listed(home, None, None, None, stale=True).models
             if (provider := settings.providers.get(model.provider)) and provider.enabled]  # fmt: skip
    if not stale:
        yield Row("prices", OK, f"No price is older than {STALE} days.")
        return
    oldest = max(stale, key=lambda model: model.stale_days or 0)
    day = oldest.price and oldest.price.as_of
    words = f"{counted(len(stale), 'price')} looked up more than {STALE} days ago, that of {oldest.name} on {day}."
    yield Row("prices", WARNING, words, "`artfactoryd models --stale` lists them, and says how to look them up again.")


def _service(home: Home, environ: Mapping[str, str]) -> Rows:
    """Whether what was installed runs, and works in this home. To have none is as well."""
    told = service.service_document(home, environ)[1]
    name, held = f"{told['name']} ({told['supervisor']})", told["holder"]
    if not told["installed"]:
        way_out = "" if held else "To have it start by itself: `artfactoryd install`."
        yield Row("service", OK, "No service is installed for this home.", way_out)
    elif told["trouble"] or not told["running"]:
        ended = f" It ended last with {told['last_exit']}." if told["last_exit"] else ""
        words = f"{name} is installed and does not run.{ended} {told['trouble'] or ''}".rstrip()
        yield Row("service", BAD, words, "`artfactoryd logs` says why; `artfactoryd install` starts it again.")
    elif not told["holds_home"]:
        other = f", which process {held['pid']} (artfactoryd {held['command']}) holds" if held else " (yet)"
        yield Row("service", WARNING, f"{name} runs, and does not hold this home{other}.", "End the other one.")
    elif told["enabled"] is False:
        yield Row("service", WARNING, f"{name} runs, and is not started at login.", "`artfactoryd install` again.")
    else:
        yield Row("service", OK, f"{name} runs as process {told['pid']} and holds this home.")


# --- the home ---


def _settings(home: Home, environ: Mapping[str, str]) -> tuple[Settings, list[Row]]:
    """The settings, or the defaults to go on with."""
    path = home.settings_file
    try:
        settings = settings_room.load(path, environ)
    except Refusal as refusal:
        sentence = " ".join(str(problem) for problem in refusal.problems[:3])
        return Settings(), [Row("settings", BAD, sentence, "Until then a daemon goes on with the last good ones.")]
    except WrongUse as error:
        return Settings(), [Row("settings", BAD, str(error), "Check who owns the file.")]
    sentence = f"{path} is well." if path.exists() else f"{path} is not there: the defaults are used."
    mine = [name for name in sorted(environ) if name.startswith(settings_room.PREFIX)]
    mine = [name for name in mine if name not in settings_room.NO_OVERRIDES and not seen_by_services(name)]
    if mine:
        words = f"{sentence} {', '.join(mine)} in this shell overrides it; a service does not see that."
        return settings, [Row("settings", WARNING, words, "Write it into artfactory.yaml.")]
    return settings, [Row("settings", OK, sentence)]


# --- the watcher ---


def _watcher(home: Home, settings: Settings) -> Rows:
    folder = settings.inbox.path or home.inbox
    mount = mount_of(folder.resolve(), mounts())
    every = "every " + counted(settings.inbox.scan_seconds, "second").removeprefix("1 ")
    if mount is not None and mount.kind in inbox.LOCAL:
        yield Row("watcher", OK, f"Native: {folder} is on a local disk ({mount.kind}); it is also looked into {every}.")
        if sys.platform == "linux" and INOTIFY.is_dir() and folder.is_dir():
            yield _inotify(INOTIFY, 1 + sum(entry.is_dir() for entry in folder.iterdir()), _instances(), every)
    else:
        where = f"is on {mount.kind}, which may keep silent about changes" if mount else "is on a disk of unknown kind"
        yield Row("watcher", OK, f"Polling: {folder} {where}, so it is looked into {every}.")


def _inotify(limits: Path, watches: int, instances: int, every: str) -> Row:
    most_watches, most_instances = (
        int((limits / name).read_text()) for name in ("max_user_watches", "max_user_instances")
    )
    words = (
        f"inotify: {watches} of {most_watches} watches are needed here; your programs hold {instances} of "
        f"{most_instances} instances."
    )
    short = ["max_user_watches"] if watches >= most_watches else []
    if instances >= most_instances:
        short.append("max_user_instances")
    if not short:
        return Row("watcher", OK, words)
    raised = "; ".join(f"sudo sysctl fs.inotify.{name}={int((limits / name).read_text()) * 4}" for name in short)
    return Row("watcher", WARNING, f"{words} Without one more the inbox is only looked into {every}.", raised)


def _instances(processes: str = "[0-9]*") -> int:
    """inotify instances held by the processes we may look into: our own user's."""
    held = 0
    for process in Path("/proc").glob(f"{processes}/fd"):
        with suppress(OSError):
            held += sum(_link(process / descriptor) == "anon_inode:inotify" for descriptor in os.listdir(process))
    return held


def _link(path: Path) -> str:
    """Empty when it was closed meanwhile, as the one by which the folder was listed."""
    try:
        return os.readlink(path)
    except OSError:
        return ""


# --- providers ---


def _providers() -> Rows:
    yield from (Row("providers", BAD, factory.text, factory.way_out) for factory in broken().values())
    yield Row("providers", OK, f"Their factories can be loaded: {', '.join(sorted(makers()))}.")


def _keys(settings: Settings, environ: Mapping[str, str]) -> Rows:
    for name, provider in settings.providers.items():
        if provider.enabled and (provider.api_key or name in credentials.KEY_VARIABLES):
            yield _key(settings, name, environ)


def _key(settings: Settings, name: str, environ: Mapping[str, str]) -> Row:
    try:
        key = credentials.resolve_key(settings, name, environ)
    except KeyUnusable as error:
        return Row("keys", BAD, error.sentence, error.way_out)
    source, ways = credentials.key_place(settings, name, environ), credentials.ways_to_give(name)
    if key is None or source is None:
        return Row("keys", WARNING, f"There is no key for {name}: what is ordered there waits.", ways)
    kind, _, rest = source.partition(":")
    words = {"env": f"the variable {rest}", "keychain": "the keychain", "file": f"the file {rest}"}[kind]
    if kind != "env" or seen_by_services(rest) or _elsewhere(settings, name, rest, environ):
        here = soundness.as_seen_here() if kind == "keychain" else ""
        return Row("keys", OK, f"The key of {name} comes from {words}.{here}")
    words = f"The key of {name} comes from {words}, which exists in this shell only: a service never sees it."
    file = f"a file only you can read (providers.{name}.api_key: file:/PATH)"
    return Row("keys", WARNING, words, f"Put it into the keychain (`artfactoryd keys set {name}`), or into {file}.")


def _elsewhere(settings: Settings, name: str, variable: str, environ: Mapping[str, str]) -> bool:
    """Whether there is a key where the variable is not."""
    with suppress(WrongUse):
        return credentials.resolve_key(settings, name, {**environ, variable: ""}) is not None
    return False


def seen_by_services(variable: str) -> bool:
    """Whether what launchd or systemd starts has this variable. Its value is not kept."""
    mac = sys.platform == "darwin"
    command = ["launchctl", "getenv", variable] if mac else ["systemctl", "--user", "show-environment"]
    try:
        output = subprocess.run(command, capture_output=True, text=True, timeout=3).stdout
    except (OSError, subprocess.SubprocessError):
        return False
    return bool(output.strip()) if mac else any(line.startswith(f"{variable}=") for line in output.splitlines())


def _addresses(reached: Mapping[str, Reached]) -> Rows:
    for name, answer in reached.items():
        if answer.step == "answered":
            yield Row("addresses", OK, f"{name}: {answer.text}")
        else:
            state = BAD if answer.step == "certificate" else WARNING
            way_out = f"What is ordered there waits, and is tried again by itself; at once: `resume {name}`."
            yield Row("addresses", state, f"{name}: {answer.text}", way_out)


# --- the machine ---


def _clock(home: Home, reached: Mapping[str, Reached], now: datetime) -> Rows:
    told = {name: answer.date for name, answer in reached.items() if answer.date}
    off = {name: (now - date).total_seconds() for name, date in told.items()}
    way_out = "Set the clock by the network: orders, ledger and reconciling with a provider go by it."
    for name, seconds in off.items():
        if abs(seconds) > CLOCK_OFF:
            side = "ahead of" if seconds > 0 else "behind"
            yield Row("clock", WARNING, f"The clock is {abs(seconds):.0f} seconds {side} that of {name}.", way_out)
            return
    last = _last_written(home)
    if last and (datetime.fromisoformat(last) - now).total_seconds() > CLOCK_OFF:
        yield Row("clock", WARNING, f"The clock was set back: the ledger was last written at {last}.", way_out)
        return
    agrees = f" and agrees with {', '.join(told)}" if told else ""
    yield Row("clock", OK, f"It is {now.astimezone().isoformat(timespec='seconds')}{agrees}.")


def _last_written(home: Home) -> str:
    """Empty where nothing was; that a ledger cannot be read has a row of its own."""
    with suppress(StorageSick):
        return max((str(line.get("at", "")) for line, _ in ledger.read(home.ledger)), default="")
    return ""


def _python() -> Rows:
    words = f"Python {platform.python_version()} ({sys.executable})."
    if PYTHONS[0] <= sys.version_info[:2] < PYTHONS[1]:
        yield Row("python", OK, words)
    else:
        yield Row("python", WARNING, f"{words} artfactoryd was not tried with it.", "Use Python 3.11 to 3.14.")


def _libraries() -> Rows:
    asked = requirements()
    versions = {name: _version(name) for name in sorted(asked)}
    words = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    missing = [name for name, version in versions.items() if version is None]
    strange = [asked[name] for name, version in versions.items() if version and not fits(version, asked[name])]
    if missing:
        text = f"Not installed: {', '.join(missing)}. Found: {words}."
        yield Row("libraries", BAD, text, "Install artfactoryd again.")
    if strange:
        way_out = f"Install what it asks for: pip install {' '.join(map(shlex.quote, strange))}"
        yield Row("libraries", BAD, f"Other releases than artfactoryd asks for. Found: {words}.", way_out)
    if not missing and not strange:
        yield Row("libraries", OK, f"{words}.")


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
