from __future__ import annotations

import plistlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from artfactoryd.daemon.supervisors import ABSENT, Answer, Service, launchd
from artfactoryd.daemon.supervisors.launchd import (
    Launchd,
    agent_file,
    is_disabled,
    label,
    last_exit,
    parse_print,
    plist,
)
from artfactoryd.errors import SupervisorFailed

LABEL = "io.github.artfactoryd.artfactoryd"
PROGRAM = Path("/Users/me/.local/bin/artfactoryd")
# fmt: off
KNOWN_KEYS: dict[str, type] = {
    "Label": str, "ProgramArguments": list, "RunAtLoad": bool, "KeepAlive": dict, "ThrottleInterval": int,
    "ExitTimeOut": int, "ProcessType": str, "LowPriorityIO": bool, "MaterializeDatalessFiles": bool,
    "WorkingDirectory": str, "Umask": int, "EnvironmentVariables": dict, "SoftResourceLimits": dict,
    "StandardOutPath": str, "StandardErrorPath": str,
}
# fmt: on

PRINTED = """gui/501/io.github.artfactoryd.artfactoryd = {
	active count = 1
	path = /Users/me/Library/LaunchAgents/io.github.artfactoryd.artfactoryd.plist
	type = LaunchAgent
	state = running

	program = /Users/me/.local/bin/artfactoryd
	arguments = {
		/Users/me/.local/bin/artfactoryd
		--home
	}

	default environment = {
		PATH => /usr/bin:/bin
	}

	endpoints = {
		"x" = {
			state = inactive
			pid = 9
		}
	}

	runs = 3
	pid = 4711
	last exit code = 1
	forks = 0
}
"""


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service((tmp_path / "ArtFactory").resolve(), tmp_path.resolve())


def agent(home: str = "/Users/me/ArtFactory", program: Path = PROGRAM) -> dict[str, Any]:
    value: dict[str, Any] = plistlib.loads(plist(Service(Path(home), Path("/Users/me")), program))
    return value


def test_the_agent_starts_at_login_and_again_only_after_a_failure() -> None:
    assert agent() == {
        "Label": LABEL,
        "ProgramArguments": [str(PROGRAM), "--home", "/Users/me/ArtFactory", "run", "--supervised"],
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": 30,
        "ExitTimeOut": 30,
        "ProcessType": "Standard",
        "LowPriorityIO": False,
        "MaterializeDatalessFiles": True,
        "WorkingDirectory": "/Users/me",
        "Umask": 0o022,
        "EnvironmentVariables": {
            "PATH": "/opt/homebrew/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "LC_CTYPE": "UTF-8",
            "PYTHONUNBUFFERED": "1",
            "PYTHONFAULTHANDLER": "1",
        },
        "SoftResourceLimits": {"NumberOfFiles": 4096},
        "StandardOutPath": "/Users/me/Library/Logs/artfactoryd/launchd.out.log",
        "StandardErrorPath": "/Users/me/Library/Logs/artfactoryd/launchd.err.log",
    }


@pytest.mark.parametrize("home", ["/Users/me/ArtFactory", '/Volumes/Big Disk/Kunst & <Werk> "ä" 100%', "/x/(label)"])
def test_any_path_goes_into_the_agent_as_it_is_and_nothing_is_left_open(home: str) -> None:
    value = agent(home)
    assert value["ProgramArguments"][2] == home
    assert {key: type(each) for key, each in value.items()} == KNOWN_KEYS
    paths = [value["WorkingDirectory"], value["StandardOutPath"], value["StandardErrorPath"], PROGRAM, home]
    assert all(Path(path).is_absolute() and "~" not in str(path) for path in paths)
    assert "(" not in str({**value, "ProgramArguments": [], "Label": ""})


def test_each_factory_folder_has_an_agent_of_its_own_and_the_usual_one_the_short_name() -> None:
    user = Path("/Users/me")
    names = [label(Service(user / name, user)) for name in ("ArtFactory", "Other Place", "other/Other Place", "工場")]
    assert names[0] == LABEL and len(set(names)) == 4
    assert names[1].startswith(f"{LABEL}.other-place-")
    assert all(name.isascii() and " " not in name and not name.endswith((".", "-")) for name in names)
    logs = [agent(str(user / name))["StandardErrorPath"] for name in ("ArtFactory", "Other Place")]
    assert len(set(logs)) == 2


def test_what_launchctl_prints_is_read_at_the_first_depth_only() -> None:
    found = parse_print(PRINTED)
    assert (found["state"], found["pid"], found["runs"]) == ("running", "4711", "3")
    assert parse_print("") == {} == parse_print('Could not find service "x" in domain for user gui: 501')


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("last exit code = (never exited)", None),
        ("last exit code = 1", "exit code 1"),
        ("last exit code = 78: EX_CONFIG", "exit code 78 (the program could not be started: is it still there?)"),
        ("last terminating signal = Killed: 9", "signal Killed: 9"),
        ("state = running", None),
    ],
)
def test_the_last_exit_is_told_in_words(lines: str, words: str | None) -> None:
    assert last_exit(parse_print(f"gui/501/x = {{\n\t{lines}\n}}\n")) == words


@pytest.mark.parametrize("word", ["disabled", "true"])
def test_switched_off_is_seen_for_this_label_alone(word: str) -> None:
    text = f'disabled services = {{\n\t"{LABEL}.other" => {word}\n\t"{LABEL}" => enabled\n}}'
    assert is_disabled(text, f"{LABEL}.other") and not is_disabled(text, LABEL)


class Machine:
    """A launchctl that answers like a Mac's: bootout is asynchronous, and a bootstrap before its end fails."""

    def __init__(
        self, *, loaded: bool = False, gone_after: int = 3, busy: Sequence[int] = (), starts: bool = True
    ) -> None:
        self.asked: list[list[str]] = []
        self.slept = 0.0
        self.session, self.disabled, self.variables = "Aqua", False, {"SEEN": "x"}
        self.loaded, self._leaving, self._gone_after = loaded, 0, gone_after
        self._busy, self._starts, self.running = list(busy), starts, loaded

    def __call__(self, command: Sequence[str]) -> Answer:
        assert command[0] == "launchctl"
        self.asked.append(list(command[1:]))
        verb = command[1].replace("-", "_")
        answer: Answer = getattr(self, verb)(*command[2:])
        return answer

    def sleep(self, seconds: float) -> None:
        self.slept += seconds

    def verbs(self) -> list[str]:
        """Without the looks, and repeats once."""
        acts = [words[0] for words in self.asked if words[0] not in ("print", "print-disabled", "managername")]
        return [verb for number, verb in enumerate(acts) if acts[number - 1 : number] != [verb]]

    def managername(self) -> Answer:
        return Answer(0, f"{self.session}\n")

    def print(self, target: str) -> Answer:
        if self._leaving:
            self._leaving -= 1
            self.loaded = self.running = self._leaving > 0
        if not self.loaded:
            return Answer(113, err=f'Could not find service "{target}"')
        pid = "\tstate = running\n\tpid = 4711\n" if self.running else "\tstate = not running\n"
        return Answer(0, f"{target} = {{\n{pid}\tlast exit code = (never exited)\n}}\n")

    def print_disabled(self, domain: str) -> Answer:
        return Answer(0, f'disabled services = {{\n\t"{LABEL}" => {"disabled" if self.disabled else "enabled"}\n}}\n')

    def bootout(self, target: str) -> Answer:
        assert target.startswith("gui/501/" + LABEL), "a bootout without a label unloads the whole session"
        self._leaving = self._gone_after
        return Answer(36, err="Operation now in progress")

    def enable(self, target: str) -> Answer:
        self.disabled = False
        return Answer(0)

    def bootstrap(self, domain: str, file: str) -> Answer:
        assert domain == "gui/501" and plistlib.loads(Path(file).read_bytes())
        if self.loaded or self.disabled:
            return Answer(5, err="Bootstrap failed: 5: Input/output error")
        if self._busy:
            return Answer(self._busy.pop(0), err="Bootstrap failed")
        self.loaded, self.running = True, self._starts
        return Answer(0)

    def kickstart(self, target: str) -> Answer:
        self.running = True
        return Answer(0)

    def getenv(self, name: str) -> Answer:
        return Answer(0, self.variables.get(name, "") + "\n")


def installed(machine: Machine, service: Service) -> list[str]:
    return list(Launchd(machine, 501, machine.sleep).install(service, PROGRAM))


def test_a_first_install_writes_the_agent_makes_the_log_folder_and_starts_it(service: Service) -> None:
    machine = Machine()
    assert installed(machine, service) == [f"Wrote {agent_file(service)}"]
    assert machine.verbs() == ["enable", "bootstrap"] and machine.running
    assert agent_file(service).read_bytes() == plist(service, PROGRAM)
    assert agent_file(service).stat().st_mode & 0o777 == 0o644
    assert launchd.logs(service).is_dir()
    assert agent_file(service).stem == plistlib.loads(agent_file(service).read_bytes())["Label"]


@pytest.mark.parametrize("looks", [1, 2, 20])
def test_a_running_agent_is_gone_before_it_is_loaded_again(service: Service, looks: int) -> None:
    machine = Machine(loaded=True, gone_after=looks)
    installed(machine, service)
    assert machine.verbs() == ["bootout", "enable", "bootstrap"] and machine.running


def test_a_busy_launchd_is_asked_again_and_not_for_ever(service: Service) -> None:
    patient = Machine(busy=[5, 37])
    installed(patient, service)
    assert patient.running and patient.slept >= 3
    with pytest.raises(SupervisorFailed, match=r"5 \(input/output error"):
        installed(Machine(busy=[5] * 9), service)


def test_another_answer_of_bootstrap_is_told_at_once(service: Service) -> None:
    machine = Machine(busy=[125])
    with pytest.raises(SupervisorFailed, match="log in at the desktop"):
        installed(machine, service)
    assert machine.slept == 0


def test_an_agent_that_never_goes_is_told_and_not_loaded_over(service: Service) -> None:
    machine = Machine(loaded=True, gone_after=999)
    with pytest.raises(SupervisorFailed, match="still holds"):
        installed(machine, service)
    assert machine.verbs() == ["bootout"] and machine.slept == 30


def test_registered_and_not_running_is_kicked_once(service: Service) -> None:
    machine = Machine(starts=False)
    installed(machine, service)
    assert machine.verbs()[-1] == "kickstart" and machine.running


def test_an_agent_that_was_switched_off_is_switched_on(service: Service) -> None:
    machine = Machine()
    machine.disabled = True
    assert Launchd(machine, 501).condition(service).enabled is False
    installed(machine, service)
    assert machine.running and Launchd(machine, 501).condition(service).enabled is True


def test_without_a_desktop_session_it_is_written_and_left_for_the_login(service: Service) -> None:
    machine = Machine()
    machine.session = "Background"
    words = installed(machine, service)
    assert "log in at the desktop" in words[-1] and agent_file(service).is_file()
    assert machine.verbs() == []


def test_without_launchctl_nothing_is_written(service: Service) -> None:
    def absent(command: Sequence[str]) -> Answer:
        return Answer(ABSENT, err="there is no launchctl on this machine")

    with pytest.raises(SupervisorFailed, match="no launchctl"):
        list(Launchd(absent, 501).install(service, PROGRAM))
    assert list(service.user.iterdir()) == []
    found = Launchd(absent, 501).condition(service)
    assert (found.installed, found.enabled, found.loaded, found.pid) == (False, None, None, None)
    assert "no launchctl" in found.trouble


def test_the_condition_is_true_before_during_and_after(service: Service) -> None:
    machine = Machine()
    one = Launchd(machine, 501, machine.sleep)

    def now() -> tuple[object, ...]:
        found = one.condition(service)
        return found.installed, found.loaded, found.pid

    assert now() == (False, False, None)
    list(one.install(service, PROGRAM))
    assert now() == (True, True, 4711)
    machine.running = False
    assert now() == (True, True, None)
    assert list(one.uninstall(service)) == [f"Took away {agent_file(service)}"]
    assert now() == (False, False, None)
    assert list(one.uninstall(service)) == []


def test_only_what_launchd_itself_knows_is_seen() -> None:
    one = Launchd(Machine(), 501)
    assert one.sees("SEEN") and not one.sees("UNSEEN")
