from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from artfactoryd import clock
from artfactoryd.errors import HomeLocked, WrongUse
from artfactoryd.home import Home, guarded_place
from artfactoryd.mounts import Mount, network_place

FOLDERS = (
    "Inbox Held Rejected Projects Library/models Ledger .work/claims .work/commands .artfactory/logs .artfactory/temp"
)
HOLD = """
import subprocess, sys
from pathlib import Path
from artfactoryd.home import Home
with Home(Path(sys.argv[1])).lock("run"):
    if "child" in sys.argv:
        child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], close_fds=False)
        print(child.pid, flush=True)
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "factory")
    made.make()
    return made


@contextmanager
def held_by_another(home: Home, *words: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Another process that holds the lock until its stdin closes, and what it said up to `held`."""
    command = [sys.executable, "-c", HOLD, str(home.root), *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        said = []
        for line in process.stdout:
            if line == "held\n":
                break
            said.append(line.strip())
        yield process, said


@contextmanager
def as_somebody_else() -> Iterator[None]:
    """Root may write anywhere; the test must meet a refusal all the same."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_the_option_comes_before_the_environment_and_that_before_the_default(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "ARTFACTORY_HOME": str(tmp_path / "b")}
    assert Home.find(tmp_path / "a", environ).root == tmp_path / "a"
    assert Home.find(None, environ).root == tmp_path / "b"
    assert Home.find(None, {**environ, "ARTFACTORY_HOME": ""}).root == tmp_path / "ArtFactory"


def test_a_link_to_the_home_is_the_home(home: Home, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(home.root)
    assert Home.find(tmp_path / "link", {}) == home


def test_make_makes_every_folder_and_leaves_what_is_there(home: Home) -> None:
    for folder in FOLDERS.split():
        assert (home.root / folder).is_dir()
    (home.inbox / "cars.yaml").write_text("an order")
    home.make()
    assert (home.inbox / "cars.yaml").read_text() == "an order"


def test_projects_may_be_a_link_to_another_disk_but_not_to_one_that_is_gone(tmp_path: Path) -> None:
    home = Home(tmp_path / "factory")
    home.root.mkdir()
    home.projects.symlink_to(tmp_path / "disk")
    with pytest.raises(WrongUse, match="Connect that disk"):
        home.make()
    (tmp_path / "disk").mkdir()
    home.make()
    assert home.projects.is_symlink()


@pytest.mark.parametrize("place", ["Desktop/f", "Documents", "Downloads/a/b", "Library/Mobile Documents/f"])
def test_guarded_folders_are_refused_with_the_reason(place: str, tmp_path: Path) -> None:
    assert guarded_place(tmp_path / place, tmp_path)
    assert not guarded_place(tmp_path / f"Other {place}", tmp_path)


def test_icloud_is_known_by_its_own_folder_name_too() -> None:
    assert "iCloud" in str(guarded_place(Path("/Volumes/x/com~apple~CloudDocs/f"), Path("/Users/a")))


def test_a_link_does_not_hide_a_guarded_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Documents").mkdir()
    (tmp_path / "innocent").symlink_to("Documents")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(WrongUse, match="under Documents"):
        Home(tmp_path / "innocent" / "factory").make()
    assert not (tmp_path / "Documents" / "factory").exists()


def test_a_guarded_folder_under_another_spelling_is_the_same_folder(tmp_path: Path) -> None:
    (tmp_path / "Documents").mkdir()
    os.symlink("Documents", tmp_path / "DOCUMENTS")  # stands for a disk that does not tell case apart
    assert guarded_place(tmp_path / "DOCUMENTS" / "factory", tmp_path)


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "afpfs", "webdav", "9p"])
def test_network_volumes_are_refused(kind: str) -> None:
    mounts = [Mount(Path("/"), "ext4"), Mount(Path("/net"), kind)]
    assert kind in str(network_place(Path("/net/art/factory"), mounts))
    assert network_place(Path("/network/factory"), mounts) is None


def test_of_mounts_the_deepest_counts_and_of_equals_the_latest() -> None:
    net, local = Mount(Path("/net"), "nfs"), Mount(Path("/net"), "ext4")
    assert network_place(Path("/net/disk/f"), [net, Mount(Path("/net/disk"), "ext4")]) is None
    assert network_place(Path("/net/f"), [net, local]) is None
    assert network_place(Path("/net/f"), [local, net])


def test_a_file_is_no_home(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")
    with pytest.raises(WrongUse, match="a file, not a folder"):
        Home(tmp_path / "f").make()


def test_a_place_that_cannot_be_written_is_refused_with_the_systems_reason() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o555)
        with as_somebody_else():
            for place in (Path(folder), Path(folder, "factory")):
                with pytest.raises(WrongUse, match=r"Permission denied.*--home"):
                    Home(place).make()


def test_a_home_that_was_never_made_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="init"), Home(tmp_path).lock():
        pass


def test_a_second_process_is_told_who_holds_the_home_and_since_when(home: Home) -> None:
    with held_by_another(home) as (process, _):
        since = clock.shown(json.loads(home.holder_file.read_text())["started_at"])
        with pytest.raises(HomeLocked) as caught, home.lock():
            pass
    assert f"process {process.pid} (artfactoryd run) since {since}" in str(caught.value)


def test_two_locks_in_one_process_exclude_each_other_too(home: Home) -> None:
    with home.lock(), pytest.raises(HomeLocked), home.lock():
        pass


def test_kill_9_frees_the_home_and_leaves_no_false_holder(home: Home) -> None:
    with held_by_another(home) as (process, _):
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert home.holder_file.exists() and home.holder() is None
        with home.lock("once"):
            assert home.holder() == json.loads(home.holder_file.read_text())
            assert json.loads(home.holder_file.read_text())["command"] == "once"


def test_a_child_that_outlives_the_holder_does_not_keep_the_lock(home: Home) -> None:
    with held_by_another(home, "child") as (process, said):
        child = int(said[0])
        process.send_signal(signal.SIGKILL)
        process.wait()
        os.kill(child, 0)  # lives on: it waits for the stdin that this test still keeps open
        with home.lock():
            pass


def test_an_error_inside_the_lock_frees_it(home: Home) -> None:
    with pytest.raises(ZeroDivisionError), home.lock():
        raise ZeroDivisionError
    assert not home.holder_file.exists()
    with home.lock():
        pass


def test_a_holder_file_that_cannot_be_written_does_not_keep_the_daemon_from_starting(home: Home) -> None:
    home.holder_file.mkdir()
    with home.lock(), pytest.raises(HomeLocked, match=f"cannot be read in {home.holder_file}"), home.lock():
        pass


DAMAGED = ["", "half a li", "[]", '{"pid": 1}', '{"pid": "1", "command": "run", "started_at": "now"}', None]


@pytest.mark.parametrize("text", DAMAGED)
def test_whether_a_daemon_is_at_work_is_decided_by_the_lock_and_not_by_what_its_file_says(
    home: Home, text: str | None
) -> None:
    def spoil() -> None:
        home.holder_file.unlink() if text is None else home.holder_file.write_text(text)

    with home.lock("run") as held:
        whole = home.holder_file.read_text()
        spoil()
        told = home.at_work()
        assert told and ("starting" if text is None else f"{home.holder_file} cannot be read") in told["unread"]
        held.tell({"waits": "for room"})  # and the next word mends it
        told = home.at_work()
        assert told == {**json.loads(whole), "waits": "for room"}
    home.holder_file.write_text(whole)  # a kill left it, and another process has its number
    assert home.holder() and home.at_work() is None and not home.is_held()


def test_a_user_who_is_nobody_here_may_name_his_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nobody)
    monkeypatch.delenv("HOME")
    home = Home.find(tmp_path / "factory", {})
    home.make()
    assert home.is_made
    with pytest.raises(WrongUse, match="--home"):
        Home.find(None, {})
    with pytest.raises(WrongUse, match="cannot be found"):
        Home.find("~nobody-of-this-name/factory", {})


@pytest.mark.parametrize("umask", [0o022, 0o002, 0o077])
def test_what_tells_of_money_is_made_for_its_owner_alone_and_the_rest_as_the_umask_says(
    tmp_path: Path, umask: int
) -> None:
    before = os.umask(umask)
    try:
        home = Home(tmp_path / "factory")
        home.make()
    finally:
        os.umask(before)
    for folder in (home.ledger, home.work, home.private, home.claims, home.logs):
        assert folder.stat().st_mode & 0o077 == 0, folder
    for folder in (home.inbox, home.projects, home.held, home.rejected, home.library):
        assert folder.stat().st_mode & 0o777 == 0o777 & ~umask, folder
    home.ledger.chmod(0o755)
    home.make()
    assert home.ledger.stat().st_mode & 0o777 == 0o755
