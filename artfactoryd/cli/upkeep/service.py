"""`install`, `uninstall` and `service status`: the supervisor of this machine, and what it will not see."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from artfactoryd import credentials
from artfactoryd import settings as settings_room
from artfactoryd.cli.context import as_json, home_of, own_home, say, settings_of, shown_home
from artfactoryd.cli.terminal import Menu, echo
from artfactoryd.cli.upkeep import file_browser
from artfactoryd.daemon.supervisors import Service, Supervisor, run
from artfactoryd.daemon.supervisors.launchd import Launchd
from artfactoryd.daemon.supervisors.systemd import Systemd
from artfactoryd.errors import Refusal, WrongUse
from artfactoryd.home import Home, user_folder
from artfactoryd.settings import Settings

RUNNING, NOT_INSTALLED, NOT_RUNNING = 0, 1, 3  # exit codes


@click.command()
@click.pass_context
def install(ctx: click.Context) -> None:
    """Let launchd or systemd start the daemon when you log in, and again when it dies."""
    home = own_home(ctx)
    for line in list(install_service(home, settings_of(home), os.environ, sys.argv[0])):  # done, then told
        echo(line)
    code, document = service_document(home, os.environ)
    echo(status_text({**document, "warnings": []}))
    ctx.exit(code)


@click.command()
@click.pass_context
def uninstall(ctx: click.Context) -> None:
    """Stop the service and take it away; the factory folder stays as it is."""
    for line in list(uninstall_service(home_of(ctx), os.environ)):  # done, then told
        echo(line)


@click.group(cls=Menu)
def service() -> None:
    """The daemon as launchd or systemd sees it."""


@service.command("status", short_help="Installed, enabled, loaded, running?")
@as_json
@click.pass_context
def service_status(ctx: click.Context, as_json: bool) -> None:
    """Installed, enabled, loaded, running? Exit code 0 running, 3 installed but not running, 1 not installed."""
    code, document = service_document(shown_home(ctx), os.environ)
    say(document, "" if as_json else status_text(document), as_json)
    ctx.exit(code)


def supervisor_of(environ: Mapping[str, str], platform: str = sys.platform) -> Supervisor:
    if platform == "darwin":
        return Launchd(run, os.getuid())
    configuration = Path(environ.get("XDG_CONFIG_HOME") or user_folder(environ) / ".config")
    return Systemd(run, configuration / "systemd" / "user", os.getuid())


def install_service(home: Home, settings: Settings, environ: Mapping[str, str], started_as: str) -> Iterator[str]:
    """What is done, line by line; the caller asks `status` what came of it."""
    supervisor, program = supervisor_of(environ), installed_program(started_as)
    for what, path in (("factory folder", home.root), ("program", program)):
        check_lasting(what, path)
    yield f"Program: {program}"
    yield f"Home:    {home.root}"
    yield from supervisor.install(_service(home), program)
    yield from file_browser.install(_service(home), program, sys.platform, _in_file_browsers(home, environ))
    yield from (f"warning: {word}" for word in unseen(settings, environ, supervisor))


def uninstall_service(home: Home, environ: Mapping[str, str]) -> Iterator[str]:
    service, was_installed = _service(home), False
    for line in supervisor_of(environ).uninstall(service):
        was_installed = True
        yield line
    yield from file_browser.uninstall(_in_file_browsers(home, environ, was_there=True))
    yield (
        f"The service is gone. {home.root} is as it was."
        if was_installed
        else f"No service was installed for {home.root}."
    )


def _in_file_browsers(home: Home, environ: Mapping[str, str], *, was_there: bool = False) -> list[Path]:
    """Where "Order with Art Factory" lies; `was_there`: also of those browsers that are gone by now."""
    browsers = [name for name in file_browser.BROWSERS if was_there or shutil.which(name, path=environ.get("PATH"))]
    data = file_browser.data_folder(environ, user_folder(environ))
    return file_browser.places(_service(home), sys.platform, data, browsers)


def service_document(home: Home, environ: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
    """The exit code (RUNNING, NOT_RUNNING or NOT_INSTALLED) and what is true now."""
    supervisor = supervisor_of(environ)
    condition = supervisor.condition(_service(home))
    holder = home.holder()
    document = {
        "supervisor": condition.supervisor, "name": condition.name, "file": str(condition.file),
        "home": str(home.root), "installed": condition.installed, "enabled": condition.enabled,
        "loaded": condition.loaded, "running": condition.pid is not None, "pid": condition.pid,
        "last_exit": condition.last_exit, "says": condition.says, "trouble": condition.trouble, "holder": holder,
        "holds_home": None if condition.pid is None else (holder or {}).get("pid") == condition.pid,
        "warnings": _warnings(home, environ, supervisor),
    }  # fmt: skip
    if condition.pid is not None:
        return RUNNING, document
    return NOT_RUNNING if condition.installed else NOT_INSTALLED, document


def status_text(document: Mapping[str, Any]) -> str:
    lines = [
        ("Service", f"{document['supervisor']}, {document['name']}"),
        ("Installed", f"yes, {document['file']}" if document["installed"] else "no"),
        ("Enabled", _yes_no(document["enabled"], "yes, it starts when you log in")),
        ("Loaded", _yes_no(document["loaded"], "yes")),
        ("Running", _running(document)),
        ("Last exit", document["last_exit"]),
        ("It says", document["says"]),
        ("Trouble", document["trouble"]),
    ]
    words = [f"{name + ':':<11}{value}" for name, value in lines if value]
    return "\n".join(words + [f"warning: {word}" for word in document["warnings"]])


def _yes_no(value: bool | None, yes: str) -> str:
    return "not known" if value is None else yes if value else "no"


def _running(document: Mapping[str, Any]) -> str:
    holder = document["holder"]
    other = f"{document['home']} is held by process {holder['pid']} (artfactoryd {holder['command']})" if holder else ""
    if not document["running"]:
        return f"no; {other}, which is not this service" if holder else "no"
    if document["holds_home"]:
        return f"yes, process {document['pid']}, which holds {document['home']}"
    return f"yes, process {document['pid']}, but " + (other or "it does not hold the factory folder (yet)")


def _service(home: Home) -> Service:
    return Service(home.root, user_folder(os.environ))


def installed_program(started_as: str) -> Path:
    """The command by the path it was called by, because a link on PATH outlives the environment behind it."""
    for path in (Path(os.path.abspath(started_as)), Path(sysconfig.get_path("scripts"), "artfactoryd")):
        if path.name == "artfactoryd" and path.is_file() and os.access(path, os.X_OK):
            return path
    raise WrongUse("There is no installed command artfactoryd that a service could start. Install it: pipx install …")


def check_lasting(what: str, path: Path) -> None:
    throw_away = Path(tempfile.gettempdir()).resolve()
    if path.resolve().is_relative_to(throw_away):
        raise WrongUse(f"The {what} {path} is in {throw_away}, which does not last. A service needs one that does.")
    if not str(path).isprintable():
        raise WrongUse(f"The name of the {what} {str(path)!r} holds characters that a service file cannot.")


# --- what exists only in this shell ---


def _warnings(home: Home, environ: Mapping[str, str], supervisor: Supervisor) -> list[str]:
    try:
        settings = settings_room.load(home.settings_file, environ)
    except (Refusal, WrongUse) as error:
        return [f"the settings cannot be used: {error}"]
    return list(unseen(settings, environ, supervisor))


def unseen(settings: Settings, environ: Mapping[str, str], supervisor: Supervisor) -> Iterator[str]:
    """A service starts without the variables of a shell: which of them matter, and where they belong."""
    for provider, variable in keys_of_this_shell(settings, environ).items():
        if not supervisor.sees(variable):
            yield _key_words(provider, variable)
    for name in sorted(environ):
        override = name.startswith(settings_room.PREFIX) and name not in settings_room.NO_OVERRIDES
        if override and not supervisor.sees(name):
            yield f"{name} is set in this shell only: the service does not see it. Write it into artfactory.yaml."


def keys_of_this_shell(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """Provider to the variable that holds its key here, where nothing else would give it."""
    variables = {}
    for provider, usual in credentials.KEY_VARIABLES.items():
        source = settings.provider(provider).api_key or f"env:{usual}"
        variable = source.removeprefix("env:")
        if settings.provider(provider).enabled and source != variable and environ.get(variable, "").strip():
            without = {name: value for name, value in environ.items() if name != variable}
            if not _has_key(settings, provider, without):
                variables[provider] = variable
    return variables


def _has_key(settings: Settings, provider: str, environ: Mapping[str, str]) -> bool:
    try:
        return credentials.resolve_key(settings, provider, environ) is not None
    except WrongUse:
        return False


def _key_words(provider: str, variable: str) -> str:
    return (
        f"the key of {provider} is in this shell only ({variable}): the service does not see it, and sends nothing "
        f"there. Put it into the keychain (`artfactoryd keys set {provider}`), or into a file only you can read and "
        f"say so in artfactory.yaml (providers.{provider}.api_key: file:/PATH); then run install again."
    )
