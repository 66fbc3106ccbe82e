"""Settings of one home: artfactory.yaml under the environment's overrides. Reads no globals. As values: `sections`.

Not here: who reads them again, and when (live_settings), and the schema of the keys (schemas/settings.schema.json).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from artfactoryd import __version__, entries, schema
from artfactoryd.core.json_types import Json
from artfactoryd.core.names import PATTERN
from artfactoryd.errors import Path as KeyPath
from artfactoryd.errors import Problem, Refusal, WrongUse
from artfactoryd.home import Home, user_folder
from artfactoryd.identity import init_command
from artfactoryd.settings.addresses import bad_address, bad_server, is_loopback
from artfactoryd.settings.providers import KEYLESS, PROVIDERS, Provider, addresses_in, with_addresses
from artfactoryd.settings.sections import (
    CLAMD,
    Backup,
    Budget,
    Desktop,
    Hook,
    Http,
    Inbox,
    Index,
    Limits,
    Logging,
    Products,
    Scan,
    Settings,
    Thumbnails,
)

if TYPE_CHECKING:  # settings that were good once are not read again, and what reads them is not loaded
    from artfactoryd.documents import Document, Scalar

DEFAULT_TEXT = Path(__file__).parents[1].joinpath("default_settings.yaml").read_text(encoding="utf-8")
PREFIX = "ARTFACTORY_"
NO_OVERRIDES = ("ARTFACTORY_HOME", "ARTFACTORY_FAULT")
FACTORIES = "artfactoryd.factories"  # the entry points by which they are found, plug-ins' too
__all__ = [
    "DEFAULT_TEXT", "FACTORIES", "NO_OVERRIDES", "PREFIX", "PROVIDERS", "Backup", "Budget", "Desktop", "Hook", "Http",
    "Inbox", "Index", "Limits", "Logging", "Products", "Provider", "Scan", "Settings", "Thumbnails", "checked_mark",
    "expanded", "load", "load_copy", "stamp_of",
]  # fmt: skip
NAMES: KeyPath = ("products", "file")
MOST_BYTES = 1 << 20


def load(path: Path, environ: Mapping[str, str]) -> Settings:
    """The settings at `path` under the overrides in `environ`; defaults where neither says anything.

    In a home that was made, a file that is away, or says nothing at all, never means the defaults: that would lift the
    caps unseen. Raises Refusal with every problem: of the file with its line and column, of a variable with its name.
    """
    stamp = stamp_of(path)
    source = _bytes_of(path)
    given, problems = _read(source, path, Home(path.parent).checked_settings)
    if not problems and Home(path.parent).is_made and _says_nothing(given):
        problems = [_vanished(path)]
    overrides, more = _from_environment(environ)
    if problems or more:
        raise Refusal([*problems, *more])
    value = _merged(_in_full(given or {}), overrides)
    for problem in _problems_together(value):
        raise Refusal([_located(problem, source, path, overrides)])
    settings = replace(_build(value, path.parent, environ), stamp=stamp, source=source or b"")
    home = Home(path.parent)
    if why := home.check_inbox(settings.inbox.path or home.inbox):
        problem = Problem("E_VALUE", why, "Choose a folder elsewhere.", ("inbox", "path"))
        raise Refusal([_located(problem, source, path, overrides)])
    return settings


def _problems_together(value: Json) -> Iterator[Problem]:
    """What can be told only of the file and the variables together."""
    if problem := _open_to_others(_section(value, "http")):
        yield problem
    pattern = _section(value, "products").get("file")
    if pattern and pattern != PATTERN:
        from artfactoryd.core import file_names

        yield from (replace(problem, path=NAMES) for problem in file_names.problems(pattern))


def _located(problem: Problem, source: bytes | None, path: Path, overrides: Json) -> Problem:
    """Where the key of the problem was given: by a variable, else in the file (or nowhere: then the variable is it)."""
    document, _ = _document(source, path)
    section, key = (str(step) for step in problem.path)
    if document is not None and key not in _section(overrides, section):
        return document.locate(problem)
    return _of_variable(f"{PREFIX}{section}__{key}".upper(), problem)


def _bytes_of(path: Path) -> bytes | None:
    try:
        return entries.bounded(path, MOST_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise WrongUse(f"The settings {path} cannot be read: {error.strerror}.") from error


def _read(source: bytes | None, path: Path, checked: Path) -> tuple[Json | None, list[Problem]]:
    """What the file says, unless it is away or empty. It is not read again when it is what `checked` tells."""
    known = None if source is None else _known(source, checked)
    if known is not None and not any(_more_problems(known)):
        return known, []
    document, problems = _document(source, path)
    if document is None:
        return None, problems
    problems = schema.check(document, "settings")
    return document.value, problems or [document.locate(problem) for problem in _more_problems(document.value)]


def _document(source: bytes | None, path: Path) -> tuple[Document | None, list[Problem]]:
    """As it can be read, unchecked; None where it says nothing, or cannot."""
    from artfactoryd import documents

    if source is None:
        return None, []
    try:
        read = documents.read_documents(source, str(path))
    except Refusal as refusal:
        nothing = [problem.code for problem in refusal.problems] == ["E_EMPTY"]
        return None, [] if nothing else list(refusal.problems)
    if len(read) > 1:
        several = Problem("E_YAML", "settings are one document.", "Take out the line ---.")
        return None, [several.at(str(path), None, None)]
    return read[0], []


def checked_mark(source: bytes) -> bytes:
    """What is written once settings of these bytes were good: they need not be read and checked again by this
    release."""
    document, _ = _document(source, Path())
    text = json.dumps(document.value if document else None).encode()
    return _mark_of(source, text) + b"\n" + text + b"\n"


def _mark_of(source: bytes, text: bytes) -> bytes:
    """`text`: what they say, as JSON."""
    known = (__version__, schema.schema_mark("settings"), hashlib.sha256(text).hexdigest())
    return hashlib.sha256("\n".join(known).encode() + source).hexdigest().encode()


def _known(source: bytes, checked: Path) -> Json | None:
    """What settings of these bytes say, when that was told at `checked`."""
    try:
        mark, _, rest = entries.bounded(checked, MOST_BYTES).partition(b"\n")
    except OSError:
        return None
    text = rest.removesuffix(b"\n")
    if mark != _mark_of(source, text):
        return None
    known: Json | None = json.loads(text)
    return known


def _says_nothing(value: object) -> bool:
    return all(map(_says_nothing, value.values())) if isinstance(value, dict) else value is None


def _vanished(path: Path) -> Problem:
    what = "the settings say nothing" if os.path.lexists(path) else "the settings are not there"
    message = f"{what}, and without them nothing would be left of your caps."
    return Problem(
        "E_EMPTY", message, f"Put them back, or have them written: {init_command(path.parent)}", file=str(path)
    )


def _from_environment(environ: Mapping[str, str]) -> tuple[Json, list[Problem]]:
    """The overrides as one document. Each variable is checked alone, so that a problem can name it."""
    names = [name for name in sorted(environ) if name.startswith(PREFIX) and name not in NO_OVERRIDES]
    if not names:
        return {}, []
    from artfactoryd import documents

    overrides: Json = {}
    problems: list[Problem] = []
    for name in names:
        keys = name.removeprefix(PREFIX).lower().split("__")
        try:
            override = _nested(keys, documents.read_scalar(environ[name]))
            wrong = schema.check_mapping(override, "settings") or list(_more_problems(override))
        except ValueError as error:
            wrong = [Problem("E_NUMBER", str(error))]
        problems += [_of_variable(name, problem) for problem in wrong]
        if not wrong:
            overrides = _merged(overrides, _in_full(override))
    return overrides, problems


def _of_variable(name: str, problem: Problem) -> Problem:
    mistyped = problem.code == "E_UNKNOWN_KEY" and "__" not in name
    fix = "Two underscores stand for each dot: ARTFACTORY_BUDGET__PER_ORDER." if mistyped else problem.fix
    return replace(problem, file=f"the variable {name}", path=(), fix=fix)


def _nested(keys: list[str], value: Scalar) -> Json:
    *above, last = keys
    nested: Json = {last: value}
    for key in reversed(above):
        nested = {key: nested}
    return nested


def _merged(under: Json, over: Json) -> Json:
    merged = dict(under)
    for key, value in over.items():
        merged[key] = _merged(merged.get(key) or {}, value) if isinstance(value, dict) else value
    return merged


def _section(value: Json, name: str) -> Json:
    """Empty where it is left out, and where the key stands there with nothing after it."""
    section: Json | None = value.get(name)
    return section or {}


def _in_full(value: Json) -> Json:
    """`scan` may be written as nothing but its address."""
    address = value.get("scan")
    return {**value, "scan": {"address": address}} if isinstance(address, str) else value


def _more_problems(value: Json) -> Iterator[Problem]:
    """What the schema cannot say."""
    providers = _section(value, "providers")
    for provider in providers:
        given = _section(providers, provider)
        if provider not in PROVIDERS:
            yield from _mistyped(provider)
        is_keyless = (provider in KEYLESS or provider not in PROVIDERS) and not given.get("api_key")
        for path, address in addresses_in(given):
            if complaint := bad_address(address, is_keyless=is_keyless):
                fix = "Write https://HOST; http:// only for this machine."
                yield Problem("E_VALUE", complaint, fix, ("providers", provider, *path))
    if (clamd := _section(_in_full(value), "scan").get("address")) and not _is_clamd(clamd):
        fix = "Write clamd:unix:/run/clamav/clamd.ctl (the path of its socket) or clamd:tcp://HOST:3310."
        yield Problem("E_VALUE", "this is no address of a clamd.", fix, ("scan", "address"))
    url = _section(value, "index").get("url")
    if url is not None and (complaint := bad_server(url)):
        way_out = "Write postgresql://USER@HOST/DATABASE; a password belongs into ~/.pgpass."
        yield Problem("E_VALUE", complaint, way_out, ("index", "url"))
    boxes = _section(value, "inbox").get("defaults") or {}
    for name, given in boxes.items():
        for problem in schema.check_mapping(given or {}, "order"):
            if problem.code != "E_REQUIRED" or problem.path:  # they are a part of an order
                yield replace(problem, path=("inbox", "defaults", name, *problem.path))


def _mistyped(name: str) -> Iterator[Problem]:
    """A built-in provider's name, nearly. Of a plug-in that is away the settings wait for it."""
    import difflib  # late, as the next: settings seldom name such a one
    from importlib.metadata import entry_points

    near = difflib.get_close_matches(name, PROVIDERS, n=1)
    if near and name not in {point.name for point in entry_points(group=FACTORIES)}:
        fix = f"Did you mean {near[0]}?"
        yield Problem("E_UNKNOWN_KEY", f"there is no provider {name}.", fix, ("providers", name))


def _is_clamd(address: str) -> bool:
    match = CLAMD.fullmatch(address)
    return match is not None and int(match["port"] or 1) in range(1, 1 << 16)


def _open_to_others(http: Json) -> Problem | None:
    host = http.get("host", Http().host)
    if is_loopback(host) or http.get("token"):
        return None
    message = f"at {host} others than this machine can read the status page, and no token is asked of them."
    return Problem("E_VALUE", message, "Set http.token, or take 127.0.0.1.", ("http", "host"))


def _build(value: Json, folder: Path, environ: Mapping[str, str]) -> Settings:
    providers = _section(value, "providers")
    inbox = _filled(Inbox(), _section(value, "inbox"))
    if inbox.path is not None:
        inbox = replace(inbox, path=folder / expanded(str(inbox.path), environ))
    backup = _filled(Backup(), _section(value, "backup"))
    if backup.path is not None:
        backup = replace(backup, path=folder / expanded(str(backup.path), environ))
    return Settings(
        providers={
            name: _filled(PROVIDERS.get(name, Provider()), with_addresses(_section(providers, name)))
            for name in (*PROVIDERS, *(name for name in providers if name not in PROVIDERS))
        },
        budget=_filled(Budget(), _section(value, "budget")),
        limits=_filled(Limits(), _section(value, "limits")),
        inbox=inbox,
        http=_filled(Http(), _section(value, "http")),
        logging=_filled(Logging(), _section(value, "logging")),
        products=_filled(Products(), _section(value, "products")),
        backup=backup,
        recipes=tuple(folder / expanded(path, environ) for path in value.get("recipes") or ()),
        thumbnails=_filled(Thumbnails(), _section(value, "thumbnails")),
        strict=value.get("strict") or False,
        index=_filled(Index(), _section(value, "index")),
        desktop=_filled(Desktop(), _section(value, "desktop")),
        scan=_filled(Scan(), _section(value, "scan")),
        hooks={event: _hooks(given, folder, environ) for event, given in _section(value, "hooks").items() if given},
    )


def _hooks(given: str | list[str | list[str]], folder: Path, environ: Mapping[str, str]) -> tuple[Hook, ...]:
    """Of those of one name each has its own, so that what one does is never told of another."""
    hooks: dict[str, Hook] = {}
    for number, command in enumerate([given] if isinstance(given, str) else given, 1):
        hook = _hook(command, folder, environ)
        name = hook.name if hook.name not in hooks else f"{hook.name}, number {number}"
        hooks[name] = replace(hook, name=name)
    return tuple(hooks.values())


def _hook(command: str | list[str], folder: Path, environ: Mapping[str, str]) -> Hook:
    """One in a single text is for a shell; one in words is run as it stands."""
    if isinstance(command, str):
        return Hook(("/bin/sh", "-c", command), Path(command.split()[0]).name if command.split() else command)
    program = str(folder / expanded(command[0], environ)) if "/" in command[0] else command[0]
    return Hook((program, *command[1:]), Path(program).name)


Section = TypeVar(
    "Section", Provider, Budget, Limits, Inbox, Http, Logging, Products, Thumbnails, Backup, Desktop, Scan, Index
)


def _filled(default: Section, section: Json) -> Section:
    """The default under what a section of a checked document says. A whole number may be written 3.0, and is 3."""
    whole = {key: int(part) for key, part in section.items() if isinstance(part, float) and part.is_integer()}
    return replace(default, **section | whole)


def expanded(path: str, environ: Mapping[str, str]) -> Path:
    if path == "~" or path.startswith("~/"):
        return user_folder(environ) / path[2:]
    return Path(path)


def load_copy(path: Path, home: Home, environ: Mapping[str, str]) -> Settings | None:
    """Settings of this home that were good once, as they lie at `path`; None where there are none."""
    try:
        given, problems = _read(_bytes_of(path), path, home.checked_settings)
        overrides, _ = _from_environment(environ)
        if given is None or problems:
            return None
        return _build(_merged(_in_full(given), overrides), home.root, environ)
    except WrongUse:
        return None


def stamp_of(path: Path) -> tuple[int, ...] | None:
    """Tells one version of the file from another, its mtime (nanoseconds) first; None where there is none."""
    try:
        status = path.stat()
        return status.st_mtime_ns, status.st_size, status.st_ctime_ns, status.st_ino
    except OSError:
        return None
