from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from artfactoryd.daemon.supervisors import ABSENT, TOO_LATE, Answer, Service
from artfactoryd.daemon.supervisors.systemd import Systemd, last_exit, parse_show, quoted, unit, unit_text
from artfactoryd.errors import SupervisorFailed, WrongUse

PROGRAM = Path("/home/me/.local/bin/artfactoryd")
STARTED = Answer(0)
HOME = Service(Path("/home/me/ArtFactory"), Path("/home/me"))


def keys(text: bytes) -> dict[str, str]:
    lines = [line for line in text.decode().splitlines() if "=" in line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def test_the_unit_says_when_to_start_it_again_and_when_not() -> None:
    found = keys(unit_text(HOME, PROGRAM))
    assert found["ExecStart"] == ':"/home/me/.local/bin/artfactoryd" --home "/home/me/ArtFactory" run --supervised'
    wanted = {
        "Type": "notify", "NotifyAccess": "main", "Restart": "on-failure", "RestartPreventExitStatus": "2 64 78",
        "WatchdogSec": "60", "KillMode": "mixed", "TimeoutStopSec": "45", "WantedBy": "default.target",
        "Description": "Art Factory at /home/me/ArtFactory",
    }  # fmt: skip
    assert wanted.items() <= found.items()
    assert b"@" not in unit_text(HOME, PROGRAM).split(b"[Unit]")[1]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("/a b", '"/a b"'),
        ("/100%", '"/100%%"'),
        ('/a"b', '"/a\\"b"'),
        ("/a\\b", '"/a\\\\b"'),
        ("/a$HOME", '"/a$HOME"'),
        ("/工場", '"/工場"'),
    ],
)
def test_a_word_of_exec_start_reaches_the_program_as_it_is(text: str, written: str) -> None:
    assert quoted(text) == written


def test_a_folder_called_like_a_word_to_fill_in_is_only_a_folder() -> None:
    text = unit_text(Service(Path("/x/@PROGRAM@"), Path("/home/me")), PROGRAM)
    assert '--home "/x/@PROGRAM@" run' in text.decode()


def analyzed(file: Path, folder: Path) -> str:
    """What `systemd-analyze verify` says of a unit; nothing also where it is not installed."""
    if shutil.which("systemd-analyze") is None:
        return ""
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
    done = subprocess.run(
        ["systemd-analyze", "verify", "--user", str(file)], env=environ, capture_output=True, text=True
    )
    return done.stdout + done.stderr + ("" if done.returncode == 0 else f"exit code {done.returncode}")


@pytest.mark.parametrize(
    ("folder", "home"),
    [("plain", "ArtFactory"), ("a 100% $HOME ${HOME} ; äöü", "a \"quoted\" 100% $HOME \\x41 ; 'place' äöü")],
)
def test_systemd_has_nothing_to_say_about_the_unit_where_it_can_be_asked(
    tmp_path: Path, folder: str, home: str
) -> None:
    program = tmp_path / folder / "artfactoryd"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    service = Service(tmp_path / home, tmp_path)
    file = tmp_path / unit(service)
    file.write_bytes(unit_text(service, program))
    assert analyzed(file, tmp_path) == ""
    assert f"--home {quoted(str(service.home))} run" in keys(file.read_bytes())["ExecStart"]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("ExecMainCode=0\nExecMainStatus=0", None),
        ("ExecMainCode=1\nExecMainStatus=2", "exit code 2"),
        ("ExecMainCode=1\nExecMainStatus=203", "exit code 203 (the program could not be started: is it still there?)"),
        ("ExecMainCode=2\nExecMainStatus=9", "signal 9 SIGKILL"),
        ("", None),
    ],
)
def test_the_last_exit_is_told_in_words(said: str, words: str | None) -> None:
    assert last_exit(parse_show(said)) == words


class Machine:
    """A systemctl and a loginctl that answer like systemd 252."""

    def __init__(self, units: Path, *, there: bool = True, start: Answer = STARTED, linger: str = "yes") -> None:
        self._units, self._there, self._start, self._linger = units, there, start, linger
        self.asked: list[str] = []
        self.enabled = self.running = False

    def __call__(self, command: Sequence[str]) -> Answer:
        if command[0] == "loginctl":
            return Answer(0, f"{self._linger}\n")
        assert command[:2] == ["systemctl", "--user"]
        if not self._there:
            return Answer(1, err="Failed to connect to bus: No medium found")
        self.asked.append(command[2])
        verb, words = command[2], command[3:]
        if verb == "show":
            return Answer(0, self._show(words))
        if verb == "show-environment":
            return Answer(0, "HOME=/home/me\nSEEN=x\n")
        if verb in ("enable", "disable"):
            self.enabled = verb == "enable"
        if verb in ("restart", "stop"):
            self.running = verb == "restart" and self._start.code == 0
            return self._start if verb == "restart" else Answer(0)
        return Answer(0)

    def _show(self, words: Sequence[str]) -> str:
        if not words[0].endswith(".service"):
            return "Version=252\n"
        there = (self._units / words[0]).exists()
        return (
            f"LoadState={'loaded' if there else 'not-found'}\nMainPID={4711 if self.running else 0}\n"
            f"UnitFileState={'enabled' if self.enabled else ''}\nExecMainCode=0\nExecMainStatus=0\n"
            "StatusText=at work; a=b\n"
        )


def test_an_install_writes_the_unit_then_reloads_enables_and_starts_it_anew(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "units")
    words = list(Systemd(machine, tmp_path / "units", 1000).install(HOME, PROGRAM))
    file = tmp_path / "units" / "artfactoryd.service"
    assert words == [f"Wrote {file}"] and file.read_bytes() == unit_text(HOME, PROGRAM)
    assert machine.asked == ["show", "daemon-reload", "enable", "reset-failed", "restart"]


@pytest.mark.parametrize("letter", ['"', "'", "\\"])
def test_a_program_that_systemd_would_not_start_is_refused_before_anything_is_written(
    tmp_path: Path, letter: str
) -> None:
    with pytest.raises(WrongUse, match="quotes or backslashes"):
        list(Systemd(Machine(tmp_path), tmp_path, 1000).install(HOME, Path(f"/x{letter}y/artfactoryd")))
    assert list(tmp_path.iterdir()) == []


def test_a_session_that_ends_with_the_logout_is_told_how_to_linger(tmp_path: Path) -> None:
    machine = Machine(tmp_path, linger="no")
    assert "enable-linger" in list(Systemd(machine, tmp_path, 1000).install(HOME, PROGRAM))[-1]


def test_the_condition_is_true_before_during_and_after(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    one = Systemd(machine, tmp_path, 1000)

    def now() -> tuple[object, ...]:
        found = one.condition(HOME)
        return found.installed, found.enabled, found.loaded, found.pid, found.says

    assert now() == (False, False, False, None, "")
    list(one.install(HOME, PROGRAM))
    assert now() == (True, True, True, 4711, "at work; a=b")
    machine.running = False
    assert now() == (True, True, True, None, "")
    assert list(one.uninstall(HOME)) == [f"Took away {tmp_path / 'artfactoryd.service'}"]
    assert now() == (False, False, False, None, "")
    assert list(one.uninstall(HOME)) == []


def test_a_start_that_fails_is_told_with_the_place_to_look_and_a_slow_one_is_not_a_failure(tmp_path: Path) -> None:
    failing = Machine(tmp_path, start=Answer(1, err="Job for artfactoryd.service failed."))
    with pytest.raises(SupervisorFailed, match=r"Job for .* journalctl --user -u artfactoryd\.service"):
        list(Systemd(failing, tmp_path, 1000).install(HOME, PROGRAM))
    list(Systemd(Machine(tmp_path, start=Answer(TOO_LATE)), tmp_path, 1000).install(HOME, PROGRAM))


@pytest.mark.parametrize(
    "answer", [Answer(1, err="Failed to connect to bus"), Answer(ABSENT, err="there is no systemctl")]
)
def test_where_no_systemd_serves_this_person_nothing_is_installed_and_it_is_said(
    tmp_path: Path, answer: Answer
) -> None:
    one = Systemd(lambda command: answer, tmp_path / "units", 1000)
    with pytest.raises(SupervisorFailed, match="run --supervised"):
        list(one.install(HOME, PROGRAM))
    assert not (tmp_path / "units").exists()
    found = one.condition(HOME)
    assert (found.installed, found.enabled, found.loaded, found.pid) == (False, None, None, None)
    assert answer.err in found.trouble


def test_the_files_of_a_unit_go_also_where_systemd_cannot_be_asked(tmp_path: Path) -> None:
    list(Systemd(Machine(tmp_path), tmp_path, 1000).install(HOME, PROGRAM))
    wants = tmp_path / "default.target.wants"
    wants.mkdir()
    (wants / "artfactoryd.service").symlink_to(tmp_path / "artfactoryd.service")
    assert list(Systemd(Machine(tmp_path, there=False), tmp_path, 1000).uninstall(HOME))
    assert [path.name for path in tmp_path.rglob("*")] == ["default.target.wants"]


def test_only_what_systemd_itself_knows_is_seen(tmp_path: Path) -> None:
    one = Systemd(Machine(tmp_path), tmp_path, 1000)
    assert one.sees("SEEN") and not one.sees("SEE")
