"""launchd: a LaunchAgent of this person's desktop session.

The traps: bootout is asynchronous, and a bootstrap too soon after it fails with 5 or 37; bootout without a
label unloads the whole session; launchd expands neither ~ nor $HOME; what it prints shows the environment.
"""

from __future__ import annotations

import plistlib
import re
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from artfactoryd.daemon.supervisors import (
    ABSENT,
    Answer,
    Condition,
    Runner,
    Service,
    template,
    write_for_supervisor,
)
from artfactoryd.durable import make_folders
from artfactoryd.errors import SupervisorFailed

LABEL = "io.github.artfactoryd.artfactoryd"
BUSY = (5, 37)  # what bootstrap answers while the last one is still being taken down
PAUSES = (1.0, 2.0, 4.0)  # seconds between tries to bootstrap
LOOK, LOOKS_GONE, LOOKS_STARTED = 0.5, 60, 10  # seconds between looks; how many for going, for starting
CODES = {
    3: "there is no such process",
    5: "input/output error: still being taken down, switched off under System Settings, Login Items, or a bad file",
    36: "it is under way",
    37: "it is under way",
    78: "the program could not be started: is it still there?",
    113: "launchd does not know it",
    125: "there is no such session: log in at the desktop",
}


def label(service: Service) -> str:
    return LABEL + (f".{service.suffix}" if service.suffix else "")


def agent_file(service: Service) -> Path:
    return service.user / "Library" / "LaunchAgents" / f"{label(service)}.plist"


def logs(service: Service) -> Path:
    """For what is said before or beside the daemon's own log: crashes."""
    return service.user / "Library" / "Logs" / "artfactoryd"


def plist(service: Service, program: Path) -> bytes:
    value = plistlib.loads(template("artfactoryd.plist"))
    value["Label"] = label(service)
    value["ProgramArguments"] = service.arguments(program)
    value["WorkingDirectory"] = str(service.user)
    stem = "-".join(filter(None, ("launchd", service.suffix)))
    value["StandardOutPath"] = str(logs(service) / f"{stem}.out.log")
    value["StandardErrorPath"] = str(logs(service) / f"{stem}.err.log")
    return plistlib.dumps(value, sort_keys=False)


def parse_print(text: str) -> dict[str, str]:
    """`key = value` of `launchctl print` at the first depth; what stands in inner braces is about something else."""
    values: dict[str, str] = {}
    depth = 0
    for line in map(str.strip, text.splitlines()):
        key, equals, value = line.partition(" = ")
        if line == "}":
            depth -= 1
        elif line.endswith("{"):
            depth += 1
        elif equals and depth == 1:
            values.setdefault(key, value)
    return values


def is_disabled(text: str, name: str) -> bool:
    """`print-disabled`: `"LABEL" => disabled`, on older systems `=> true`."""
    return re.search(rf'"{re.escape(name)}" => (disabled|true)\b', text) is not None


def last_exit(printed: Mapping[str, str]) -> str | None:
    signal = printed.get("last terminating signal")
    if signal:
        return f"signal {signal}"
    code = re.match(r"\d+", printed.get("last exit code", ""))
    return f"exit code {_meaning(int(code[0]))}" if code else None


def _meaning(code: int) -> str:
    return f"{code} ({CODES[code]})" if code in CODES else str(code)


class Launchd:
    def __init__(self, run: Runner, uid: int, sleep: Callable[[float], None] = time.sleep) -> None:
        self._run, self._sleep = run, sleep
        self._domain = f"gui/{uid}"

    def install(self, service: Service, program: Path) -> Iterator[str]:
        session = self._ask("managername")
        if session.code == ABSENT:
            raise SupervisorFailed(f"launchd cannot be asked: {session.err}.")
        make_folders(logs(service))
        write_for_supervisor(agent_file(service), plist(service, program))
        yield f"Wrote {agent_file(service)}"
        if session.out.strip() != "Aqua":
            answer = session.out.strip() or _meaning(session.code)
            yield f"This is no desktop session (launchctl says {answer}). It starts when you log in at the desktop."
            return
        self._boot_out(service)
        self._ask("enable", self._target(service))
        self._bootstrap(agent_file(service))
        self._see_it_start(service)

    def uninstall(self, service: Service) -> Iterator[str]:
        self._boot_out(service)
        if agent_file(service).exists():
            agent_file(service).unlink()
            yield f"Took away {agent_file(service)}"

    def condition(self, service: Service) -> Condition:
        answer = self._print(service)
        printed = parse_print(answer.out) if answer.code == 0 else {}
        disabled = self._ask("print-disabled", self._domain)
        pid = printed.get("pid", "")
        return Condition(
            supervisor="launchd", name=label(service), file=agent_file(service),
            installed=agent_file(service).is_file(),
            enabled=not is_disabled(disabled.out, label(service)) if disabled.code == 0 else None,
            loaded=None if answer.code == ABSENT else answer.code == 0,
            pid=int(pid) if pid.isdigit() else None, last_exit=last_exit(printed),
            trouble=f"launchd cannot be asked: {answer.err}" if answer.code == ABSENT else "",
        )  # fmt: skip

    def sees(self, variable: str) -> bool:
        return bool(self._ask("getenv", variable).out.strip())

    def _ask(self, *words: str) -> Answer:
        return self._run(["launchctl", *words])

    def _target(self, service: Service) -> str:
        return f"{self._domain}/{label(service)}"

    def _print(self, service: Service) -> Answer:
        return self._ask("print", self._target(service))

    def _boot_out(self, service: Service) -> None:
        """Gone is what `print` no longer knows; what bootout answers says little."""
        if self._print(service).code != 0:
            return
        answer = self._ask("bootout", self._target(service))
        for _ in range(LOOKS_GONE):
            if self._print(service).code != 0:
                return
            self._sleep(LOOK)
        waited = f"{LOOKS_GONE * LOOK:.0f} seconds"
        raise SupervisorFailed(
            f"launchd still holds {label(service)} after {waited} (bootout: {_meaning(answer.code)}). "
            "Run this again; if that does not help, log out and in."
        )

    def _bootstrap(self, file: Path) -> None:
        for pause in (*PAUSES, None):
            answer = self._ask("bootstrap", self._domain, str(file))
            if answer.code == 0:
                return
            if answer.code not in BUSY or pause is None:
                raise SupervisorFailed(f"launchd does not take {file}: {_meaning(answer.code)}. {answer.err}".strip())
            self._sleep(pause)

    def _see_it_start(self, service: Service) -> None:
        """bootstrap now and then leaves it registered and not running."""
        for nudge in (True, False):
            for _ in range(LOOKS_STARTED):
                if "pid" in parse_print(self._print(service).out):
                    return
                self._sleep(LOOK)
            if nudge:
                self._ask("kickstart", self._target(service))
