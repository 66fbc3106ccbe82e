"""The daemon under a supervisor, and the commands that hand it to one.

How the supervisors themselves are spoken to: test_launchd, test_systemd.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from artfactoryd.daemon.supervisors import ABSENT, Answer, notify, run
from artfactoryd.home import Home
from tests.forks import Program
from tests.homes import PATIENCE, TestHome

KEY = "r8_do_not_write_me_down"


# --- what the daemon says to systemd ---


class Ear:
    """What systemd's end of $NOTIFY_SOCKET hears."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self._socket.settimeout(PATIENCE)
        self.heard: list[str] = []

    def hear(self, word: str) -> str:
        """Wait for a line that begins so."""
        while True:
            for line in self._socket.recv(4096).decode().splitlines():
                self.heard.append(line)
            if found := [line for line in self.heard if line.startswith(word)]:
                return found[-1]

    def forget(self) -> None:
        self.heard.clear()

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def ear() -> Iterator[Ear]:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:  # a socket's path is short
        made = Ear(f"{folder}/notify")
        yield made
        made.close()


ADDRESSES = ["PATH"] + (["@artfactoryd-test"] if sys.platform == "linux" else [])


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_word_reaches_the_socket_whole_each_on_one_line(ear: Ear, address: str) -> None:
    one = ear if address == "PATH" else Ear(f"{address}-{time.monotonic_ns()}")
    notify.tell({"NOTIFY_SOCKET": one.address}, "READY=1", "STATUS=waits:\nfor\tyou")
    assert one.hear("STATUS") == "STATUS=waits: for you" and one.heard[0] == "READY=1"
    one.close()


@pytest.mark.parametrize("address", [None, "", "/nowhere/at/all", "@nobody", "vsock:2:1234", "relative"])
def test_where_nobody_listens_nothing_happens(address: str | None) -> None:
    notify.tell({} if address is None else {"NOTIFY_SOCKET": address}, "READY=1")


def test_a_supervisor_that_does_not_read_never_makes_the_daemon_wait(ear: Ear) -> None:
    def talk() -> None:
        for _ in range(2000):
            notify.tell({"NOTIFY_SOCKET": ear.address}, "STATUS=" + "x" * 1000)

    talking = threading.Thread(target=talk, daemon=True)
    talking.start()
    talking.join(PATIENCE)
    assert not talking.is_alive()


@pytest.mark.parametrize(
    ("pause", "asked"),
    [(5.0, []), (20.0, []), (60.0, ["WATCHDOG_USEC=180000000"]), (3600.0, ["WATCHDOG_USEC=10800000000"])],
)
def test_the_watchdog_waits_as_long_as_the_inbox_rests(ear: Ear, pause: float, asked: list[str]) -> None:
    notify.ready({"NOTIFY_SOCKET": ear.address, "WATCHDOG_USEC": "60000000"}, "at work", pause)
    ear.hear("READY")
    assert [line for line in ear.heard if line.startswith("WATCHDOG_USEC")] == asked
    ear.forget()
    notify.ready({"NOTIFY_SOCKET": ear.address}, "at work", pause)
    ear.hear("READY")
    assert ear.heard == ["READY=1", "STATUS=at work", "WATCHDOG=1"]


@contextmanager
def supervised(home: TestHome, ear: Ear) -> Iterator[Program]:
    process = home.start("run", "--supervised", NOTIFY_SOCKET=ear.address)
    try:
        yield process
    finally:
        process.kill()
        process.wait(PATIENCE)


def test_the_daemon_tells_when_it_works_pings_with_each_look_and_tells_when_it_stops(home: TestHome, ear: Ear) -> None:
    with supervised(home, ear) as process:
        ear.hear("READY=1")
        assert ear.hear("STATUS") == f"STATUS=at work; the inbox is {home.home.inbox}"
        for _ in range(3):
            ear.forget()
            ear.hear("WATCHDOG=1")
        process.send_signal(signal.SIGTERM)
        ear.hear("STOPPING=1")
        assert process.wait(PATIENCE) == 0 and home.home.holder() is None


def test_killed_and_started_again_it_says_once_more_that_it_works(home: TestHome, ear: Ear) -> None:
    for _ in range(2):
        with supervised(home, ear) as process:
            ear.forget()
            ear.hear("READY=1")
            holder = home.home.holder()
            assert holder is not None and holder["pid"] == process.pid
            process.kill()
            process.wait(PATIENCE)


def test_bad_settings_keep_a_supervised_daemon_up_and_saying_so_until_they_are_mended(home: TestHome, ear: Ear) -> None:
    good = home.home.settings_file.read_text()
    home.home.settings_file.write_text("limts: {}\n")
    with supervised(home, ear) as process:
        ear.hear("READY=1")
        assert "artfactory.yaml.error.txt" in ear.hear("STATUS=The settings cannot be used, and nothing is taken")
        ear.forget()
        ear.hear("WATCHDOG=1")
        assert process.poll() is None
        home.home.settings_file.write_text(good)
        ear.hear("STATUS=at work")


def test_a_library_that_may_buy_twice_keeps_a_supervised_daemon_waiting_until_another_is_installed(
    home: TestHome, ear: Ear, tmp_path: Path
) -> None:
    metadata = tmp_path / "packages" / "replicate-2.0.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: replicate\nVersion: 2.0.0\n")
    environ = home.environment(
        PYTHONPATH=f"{metadata.parent}{os.pathsep}{Path(__file__).parents[2]}", NOTIFY_SOCKET=ear.address
    )
    with subprocess.Popen(home.command("run", "--supervised"), env=environ) as process:
        try:
            assert "replicate 2.0.0 is installed" in ear.hear("STATUS=The factory of replicate is not used")
            ear.forget()
            ear.hear("WATCHDOG=1")
            assert process.poll() is None
            shutil.rmtree(metadata)
            ear.hear("STATUS=at work")
        finally:
            process.kill()
    log = "".join(path.read_text() for path in home.home.logs.iterdir())
    assert "nothing is started: The factory of replicate is not used" in log


def test_a_held_home_is_waited_for_under_a_supervisor_and_a_failure_in_a_terminal(home: TestHome, ear: Ear) -> None:
    with ExitStack() as other:
        other.enter_context(home.home.lock("once"))
        with supervised(home, ear) as process:
            assert "is held by process" in ear.hear("STATUS=") and "READY=1" in ear.heard
            assert home.call("run").returncode == 1
            assert process.poll() is None
            other.close()
            ear.hear("STATUS=at work")


def test_a_home_that_is_away_is_waited_for(home: TestHome, ear: Ear) -> None:
    away = home.root.rename(home.root.with_name("away"))
    with supervised(home, ear):
        assert "There is no factory folder" in ear.hear("STATUS=")
        away.rename(home.root)
        ear.hear("STATUS=at work")


def test_a_copied_home_and_one_without_settings_keep_a_supervised_daemon_up_and_saying_so(
    home: TestHome, ear: Ear
) -> None:
    settings = home.home.settings_file.rename(home.root.with_name("away.yaml"))
    with supervised(home, ear) as process:
        ear.hear("STATUS=The settings cannot be used, and nothing is taken")
        settings.rename(home.home.settings_file)
        ear.hear("STATUS=at work")
        assert process.poll() is None
    copy = TestHome(Home(home.root.with_name("copy")))
    shutil.copytree(home.root, copy.root)
    with supervised(copy, ear) as process:
        assert "is a copy of" in ear.hear(f"STATUS={copy.root} is a copy")
        ear.forget()
        ear.hear("WATCHDOG=1")
        assert process.poll() is None and copy.call("init", "--adopt").returncode == 0
        ear.hear("STATUS=at work")


def test_what_the_machine_does_not_have_is_an_answer_too() -> None:
    absent = run(["no-such-supervisor"])
    assert absent.code == ABSENT and "no-such-supervisor" in absent.err
    assert run(["/bin/sh", "-c", "echo out; echo err >&2; exit 5"]) == Answer(5, "out\n", "err")


# --- the commands, with a supervisor on PATH that keeps what it is told in a folder ---

SYSTEMCTL = """#!/bin/sh
case "$2 $3" in
"show --"*) echo Version=252;;
"show "*) echo LoadState=loaded; echo UnitFileState=enabled; echo "MainPID=$(cat "$SAID/pid" 2>/dev/null || echo 0)";;
restart*) cp "$SAID/start" "$SAID/pid";;
stop*) rm -f "$SAID/pid";;
show-environment*) cat "$SAID/environment";;
esac
"""
LAUNCHCTL = """#!/bin/sh
case "$1" in
managername) echo Aqua;;
print) [ -f "$SAID/loaded" ] || exit 113
  printf 'x = {\\n'; [ -f "$SAID/pid" ] && printf '\\tpid = %s\\n' "$(cat "$SAID/pid")"; printf '}\\n';;
bootstrap) touch "$SAID/loaded"; cp "$SAID/start" "$SAID/pid";;
bootout) rm -f "$SAID/loaded" "$SAID/pid";;
getenv) sed -n "s/^$2=//p" "$SAID/environment";;
esac
"""


class Desk:
    """A person at a machine: a home directory, a factory folder, and a supervisor that does as scripted."""

    def __init__(self, folder: Path, home: TestHome) -> None:
        self.home, self.user, self.said = home, folder / "me", folder / "said"
        bin_folder = folder / "bin"
        for made in (self.user, self.said, bin_folder, folder / "temp"):
            made.mkdir()
        for name, text in (("systemctl", SYSTEMCTL), ("launchctl", LAUNCHCTL), ("loginctl", "#!/bin/sh\n")):
            (bin_folder / name).write_text(text)
            (bin_folder / name).chmod(0o755)
        (self.said / "start").write_text("4711\n")
        (self.said / "environment").write_text("LANG=C\n")
        self.environ = {
            "PATH": f"{bin_folder}:/usr/bin:/bin", "HOME": str(self.user), "SAID": str(self.said),
            "TMPDIR": str(folder / "temp"), "REPLICATE_API_TOKEN": "", "XDG_CONFIG_HOME": "",
        }  # fmt: skip

    def call(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return self.home.call(*words, **{**self.environ, **environ})

    def status(self, **environ: str) -> tuple[int, Mapping[str, Any]]:
        done = self.call("service", "status", "--json", **environ)
        return done.returncode, json.loads(done.stdout)

    def files(self) -> list[Path]:
        return [path for path in self.user.rglob("*") if path.is_file()]


@pytest.fixture
def desk(tmp_path: Path, home: TestHome) -> Desk:
    return Desk(tmp_path, home)


def test_install_says_what_it_starts_and_status_follows_every_step(desk: Desk) -> None:
    assert desk.status()[0] == 1
    done = desk.call("install")
    assert done.returncode == 0, done.stderr
    assert (
        f"Home:    {desk.home.root}" in done.stdout and "artfactoryd\n" in done.stdout and "process 4711" in done.stdout
    )
    (file,) = desk.files()
    code, found = desk.status()
    assert (code, found["pid"], found["file"], found["warnings"]) == (0, 4711, str(file), [])
    assert str(desk.home.root) in file.read_text()
    (desk.said / "pid").unlink()
    code, found = desk.status()
    assert (code, found["installed"], found["running"], found["pid"]) == (3, True, False, None)
    assert "Running:   no" in desk.call("service", "status").stdout


def test_a_service_that_does_not_start_is_not_called_a_success(desk: Desk) -> None:
    (desk.said / "start").write_text("0\n" if sys.platform == "linux" else "")
    done = desk.call("install")
    assert done.returncode == 3 and "Running:   no" in done.stdout


def test_status_tells_whether_the_running_service_is_the_one_that_holds_the_home(desk: Desk) -> None:
    desk.call("install")
    assert desk.status()[1]["holds_home"] is False
    with desk.home.running() as process:
        assert "is held by process" in desk.call("service", "status").stdout
        (desk.said / "pid").write_text(str(process.pid))
        _, found = desk.status()
        assert found["holds_home"] is True and found["holder"]["pid"] == process.pid
        assert f"process {process.pid}, which holds {desk.home.root}" in desk.call("service", "status").stdout


def test_a_key_of_this_shell_is_named_with_the_way_out_and_never_written_down(desk: Desk) -> None:
    done = desk.call("install", REPLICATE_API_TOKEN=KEY)
    assert done.returncode == 0
    assert "warning: the key of replicate is in this shell only (REPLICATE_API_TOKEN)" in done.stdout
    assert "`artfactoryd keys set replicate`" in done.stdout and "file:/PATH" in done.stdout
    (warning,) = desk.status(REPLICATE_API_TOKEN=KEY)[1]["warnings"]
    assert "REPLICATE_API_TOKEN" in warning
    written = [path for path in [*desk.files(), *desk.home.root.rglob("*")] if path.is_file()]
    assert KEY not in done.stdout + done.stderr + warning
    assert [path for path in written if KEY.encode() in path.read_bytes()] == []


def test_a_key_that_the_service_can_see_is_not_spoken_of(desk: Desk, tmp_path: Path) -> None:
    assert desk.status()[1]["warnings"] == []
    (desk.said / "environment").write_text(f"REPLICATE_API_TOKEN={KEY}\n")
    assert desk.status(REPLICATE_API_TOKEN=KEY)[1]["warnings"] == []
    (desk.said / "environment").write_text("")
    assert desk.status(REPLICATE_API_TOKEN=KEY)[1]["warnings"] != []
    key_file = tmp_path / "key"
    key_file.write_text(KEY)
    key_file.chmod(0o600)
    desk.home.configure(providers={"replicate": {"api_key": f"file:{key_file}"}})
    assert desk.status(REPLICATE_API_TOKEN=KEY)[1]["warnings"] == []
    desk.home.configure(providers={"replicate": {"api_key": "env:MY_KEY"}})
    assert "MY_KEY" in desk.status(MY_KEY=KEY)[1]["warnings"][0]
    desk.home.configure(providers={"replicate": {"api_key": "env:MY_KEY", "enabled": False}})
    assert desk.status(MY_KEY=KEY)[1]["warnings"] == []


def test_settings_of_this_shell_are_named_and_bad_ones_do_not_hide_the_status(desk: Desk) -> None:
    (warning,) = desk.status(ARTFACTORY_BUDGET__PER_ORDER="2", ARTFACTORY_HOME=str(desk.home.root))[1]["warnings"]
    assert warning.startswith("ARTFACTORY_BUDGET__PER_ORDER is set in this shell only")
    desk.home.home.settings_file.write_text("limts: {}\n")
    code, found = desk.status()
    assert code == 1 and "limts" in found["warnings"][0]
    assert desk.call("install").returncode == 2 and desk.files() == []


def test_a_home_that_was_never_made_or_does_not_last_is_not_installed(desk: Desk, tmp_path: Path) -> None:
    never = TestHome(type(desk.home.home)(tmp_path / "never"))
    done = never.call("install", **desk.environ)
    assert done.returncode == 2 and "init" in done.stderr
    done = desk.call("install", TMPDIR=str(tmp_path))
    assert done.returncode == 2 and "does not last" in done.stderr
    assert desk.files() == []


def test_uninstall_takes_the_service_away_and_leaves_the_home_alone(desk: Desk) -> None:
    desk.call("install")
    before = {path: path.stat().st_mtime_ns for path in desk.home.root.rglob("*")}
    done = desk.call("uninstall")
    assert done.returncode == 0 and "is as it was" in done.stdout
    assert desk.files() == [] and not (desk.said / "pid").exists()
    assert {path: path.stat().st_mtime_ns for path in desk.home.root.rglob("*")} == before
    assert "No service was installed" in desk.call("uninstall").stdout
    assert desk.status()[0] == 1


def test_on_a_machine_without_a_supervisor_that_is_said_plainly(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    environ = {"PATH": str(tmp_path / "none")}
    done = desk.call("install", **environ)
    assert done.returncode == 1 and "on this machine" in done.stderr and desk.files() == []
    code, found = desk.status(**environ)
    assert code == 1 and found["loaded"] is None and "on this machine" in found["trouble"]
    assert "Trouble:   " in desk.call("service", "status", **environ).stdout
