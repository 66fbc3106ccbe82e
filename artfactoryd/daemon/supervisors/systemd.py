"""systemd: a unit of this person's own service manager (`systemctl --user`)."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

from artfactoryd.daemon.supervisors import (
    TOO_LATE,
    Answer,
    Condition,
    Runner,
    Service,
    template,
    write_for_supervisor,
)
from artfactoryd.errors import SupervisorFailed, WrongUse

ASKED = "LoadState,UnitFileState,ActiveState,MainPID,ExecMainCode,ExecMainStatus,Result,StatusText"
EXITED = "1"  # ExecMainCode, from waitid: 1 exited; 2 and 3 died by a signal
UNFIT = set("\"'\\")  # systemd calls them special in the program's own path; in its arguments they may stand
CODES = {203: "the program could not be started: is it still there?"}


def unit(service: Service) -> str:
    return "-".join(filter(None, ("artfactoryd", service.suffix))) + ".service"


def quoted(text: str) -> str:
    """One word of ExecStart. `$` stays itself: the colon before the program turns variables off."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%") + '"'


def unit_text(service: Service, program: Path) -> bytes:
    home = str(service.home)
    words = {"PROGRAM": quoted(str(program)), "HOME": quoted(home), "PLACE": home.replace("\\", "/").replace("%", "%%")}
    text = template("artfactoryd.service").decode()
    return re.sub("@([A-Z]+)@", lambda match: words[match[1]], text).encode()


def parse_show(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def last_exit(shown: Mapping[str, str]) -> str | None:
    """Of the process before this one systemd tells nothing; 0 in ExecMainCode: it has not ended."""
    code, status = shown.get("ExecMainCode", "0"), shown.get("ExecMainStatus", "")
    if code == "0" or not status.isdigit():
        return None
    number = int(status)
    if code == EXITED:
        return f"exit code {number} ({CODES[number]})" if number in CODES else f"exit code {number}"
    name = signal.Signals(number).name if number in set(signal.Signals) else ""
    return f"signal {number} {name}".strip()


class Systemd:
    """`units`: the folder of this person's units, ~/.config/systemd/user."""

    def __init__(self, run: Runner, units: Path, uid: int) -> None:
        self._run, self._units, self._uid = run, units, uid

    def install(self, service: Service, program: Path) -> Iterator[str]:
        if UNFIT & set(str(program)):
            raise WrongUse(f"systemd starts no program with quotes or backslashes in its path: {program}")
        reached = self._ask("show", "--property=Version")
        if reached.code != 0:
            raise SupervisorFailed(f"{_unreachable(reached)} {OTHERWISE}")
        write_for_supervisor(self._file(service), unit_text(service, program))
        yield f"Wrote {self._file(service)}"
        name = unit(service)
        self._must("daemon-reload")
        self._must("enable", name)
        self._ask("reset-failed", name)  # else a start refused for too many before it is refused again
        self._start(name)
        if self._run(["loginctl", "show-user", str(self._uid), "--property=Linger", "--value"]).out.strip() == "no":
            yield "It ends when you log out. To keep it running: loginctl enable-linger"

    def uninstall(self, service: Service) -> Iterator[str]:
        """Also where systemd cannot be asked: then only the files go."""
        name, file = unit(service), self._file(service)
        if self._ask("show", "--property=Version").code == 0 and (file.exists() or self._loaded(name)):
            self._ask("disable", name)
            self._must("stop", name)
        (self._units / "default.target.wants" / name).unlink(missing_ok=True)
        if file.exists():
            file.unlink()
            yield f"Took away {file}"
        self._ask("daemon-reload")
        self._ask("reset-failed", name)

    def condition(self, service: Service) -> Condition:
        answer = self._ask("show", unit(service), f"--property={ASKED}")
        shown = parse_show(answer.out) if answer.code == 0 else {}
        pid = shown.get("MainPID", "0")
        alive = pid.isdigit() and pid != "0"
        return Condition(
            supervisor="systemd", name=unit(service), file=self._file(service),
            installed=self._file(service).is_file(),
            enabled=shown["UnitFileState"] == "enabled" if "UnitFileState" in shown else None,
            loaded=shown["LoadState"] == "loaded" if "LoadState" in shown else None,
            pid=int(pid) if alive else None, last_exit=last_exit(shown),
            says=shown.get("StatusText", "") if alive else "",  # systemd remembers the last word of the dead
            trouble="" if answer.code == 0 else _unreachable(answer),
        )  # fmt: skip

    def sees(self, variable: str) -> bool:
        return any(line.startswith(f"{variable}=") for line in self._ask("show-environment").out.splitlines())

    def _file(self, service: Service) -> Path:
        return self._units / unit(service)

    def _ask(self, *words: str) -> Answer:
        return self._run(["systemctl", "--user", *words])

    def _must(self, *words: str) -> None:
        answer = self._ask(*words)
        if answer.code != 0:
            raise SupervisorFailed(f"systemctl --user {' '.join(words)}: {answer.err or answer.code}")

    def _loaded(self, name: str) -> bool:
        return parse_show(self._ask("show", name, "--property=LoadState").out).get("LoadState") == "loaded"

    def _start(self, name: str) -> None:
        answer = self._ask("restart", name)
        if answer.code not in (0, TOO_LATE):  # too late: it is still starting, and `service status` will tell
            raise SupervisorFailed(f"{name} does not start: {answer.err} See: journalctl --user -u {name}")


OTHERWISE = (
    "Nothing was installed. Where no systemd serves you, let whatever starts your programs keep this running: "
    "artfactoryd run --supervised"
)


def _unreachable(answer: Answer) -> str:
    return f"systemd cannot be asked ({answer.err or answer.code})."
