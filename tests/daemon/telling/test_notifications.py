"""Notifications: what they say, which command shows them, and that one is enough for all that comes together."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from artfactoryd import news
from artfactoryd.daemon.telling import command, notifications
from artfactoryd.daemon.telling.near_caps import CapNear
from artfactoryd.daemon.telling.notifications import Notifications, call_for, gathered, is_desktop
from artfactoryd.home import Home
from artfactoryd.news import News
from artfactoryd.settings import Desktop, Settings
from tests.daemon.telling.test_command import is_gone
from tests.homes import until

Patch = pytest.MonkeyPatch
HOME = Home(Path("/home/me/ArtFactory"))


def ended(kind: type[news.OrderEnded], failed: int = 0, name: str = "cars") -> News:
    return kind(order="o1", name=name, items=4, completed=4 - failed, failed=failed, products=4 - failed,
                pictures=4 - failed, usd=0.012, folder=f"/p/{name}", what=f"{4 - failed} pictures")  # fmt: skip


DONE, FAILED = ended(news.OrderCompleted), ended(news.OrderFailed, 4)
HELD = news.OrderHeld(order="o1", name="cars", codes=("x",), reasons=("It may cost $6.",))
DOUBT = news.ItemInDoubt(order="o1", item=3, usd=0.01, reason="The line broke.")
NEAR = CapNear(order="o1", name="cars", of="day", counted=8.1, cap=10)
REJECTED = news.OrderRejected(file="a.yaml", path="/r/a.yaml")


@pytest.mark.parametrize(
    ("pieces", "words", "folder"),
    [
        ([DONE], "Done: cars: 4 pictures, $0.012", "/p/cars"),
        ([ended(news.OrderPartial, 1)], "Done in part: cars: 3 pictures, 1 failed, $0.012", "/p/cars"),
        ([FAILED], "Failed: cars: 0 pictures, 4 failed, $0.012", "/p/cars"),
        ([HELD], "Waits for you: cars waits for you: It may cost $6.", str(HOME.held)),
        ([REJECTED], "Rejected: a.yaml is rejected: /r/a.yaml.error.txt says why", str(HOME.rejected)),
        ([DOUBT], "In doubt: item 3 may have been bought, at most $0.01: The line broke.", str(HOME.projects)),
        ([NEAR], "Near a cap: the cap of the day is near: $8.10 of $10.00 are spent or set aside", str(HOME.projects)),
        ([DOUBT] * 5, "5 items in doubt", str(HOME.projects)),
        ([DOUBT, DONE, HELD, DONE, FAILED, NEAR, REJECTED],
         "2 orders done, 1 order failed, 1 order waits for you, 1 file rejected, 1 item in doubt, 1 cap is near",
         str(HOME.root)),
        ([ended(news.OrderCompleted, name="-x [y]\n\x1b[31m")], "Done: -x [y]\\n\\u001b[31m: 4 pictures, $0.012",
         "/p/-x [y]\n\x1b[31m"),
        ([ended(news.OrderCompleted, name="token=abcdef123456")], "Done: token=[key] 4 pictures, $0.012",
         "/p/token=abcdef123456"),
    ],
)  # fmt: skip
def test_one_notification_says_all_that_came_together(pieces: list[News], words: str, folder: str) -> None:
    assert gathered(pieces, HOME) == (words, Path(folder))
    long = ended(news.OrderCompleted, name="x" * 1000)
    assert len(gathered([long], HOME)[0]) == notifications.MOST_WORDS


def test_each_system_has_its_own_command_which_takes_words_as_words() -> None:
    words, folder = 'Done: "cars" & <b>`x`</b>', Path("/p/my cars")

    mac = call_for("darwin", lambda name: True, words, folder)
    assert mac == ["terminal-notifier", "-title", "Art Factory", "-message", words, "-open", "file:///p/my%20cars"]
    plain = call_for("darwin", lambda name: name == "osascript", words, folder)
    assert plain[0] == "osascript" and plain[-2:] == [words, "/p/my cars"] and '"cars"' not in "".join(plain[:-2])
    linux = call_for("linux", lambda name: name == "notify-send", words, folder)
    assert linux[:2] == ["/bin/sh", "-c"] and linux[-3:] == [
        "/p/my cars", "Art Factory", 'Done: "cars" &amp; &lt;b&gt;`x`&lt;/b&gt;\n/p/my cars',
    ]  # fmt: skip
    assert [call_for(name, lambda name: False, words, folder) for name in ("darwin", "linux", "win32")] == [[], [], []]


def test_a_desktop_is_where_a_session_has_its_bus(tmp_path: Path) -> None:
    assert is_desktop("linux", {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/x"})
    assert not is_desktop("linux", {}) and not is_desktop("linux", {"XDG_RUNTIME_DIR": str(tmp_path)})
    (tmp_path / "bus").touch()
    assert is_desktop("linux", {"XDG_RUNTIME_DIR": str(tmp_path)})


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: Patch) -> Path:
    """With a notify-send and an xdg-open that write down what they are given."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("notify-send", "xdg-open"):
        (folder / name).write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/{name}.told\n. {tmp_path}/{name}.sh\n')
        (folder / name).chmod(0o755)
        (tmp_path / f"{name}.sh").write_text("")
    monkeypatch.setattr(notifications, "GATHER", 0.01)
    monkeypatch.setattr(notifications, "APART", 0.01)
    monkeypatch.setattr(notifications, "LAST", 20.0)
    return folder


def showing(folder: Path, bin_folder: Path, notify: str | bool = True, **environ: str) -> Notifications:
    settings = Settings(desktop=Desktop(notify=notify))
    given = {"PATH": f"{bin_folder}:{os.environ['PATH']}", **environ}
    return Notifications(Home(folder), lambda: settings, given, "linux")


def told(folder: Path, name: str = "notify-send") -> list[str]:
    file = folder / f"{name}.told"
    return file.read_text().splitlines() if file.exists() else []


def test_what_comes_is_shown_and_a_click_opens_the_folder(tmp_path: Path, bin_folder: Path) -> None:
    (tmp_path / "notify-send.sh").write_text("echo default")
    shows = showing(tmp_path, bin_folder)
    shows.told(news.SettingsRead())  # that is for nobody
    shows.told(DONE)
    until(lambda: told(tmp_path, "xdg-open"))
    shows.told(HELD)
    shows.close()  # what is still to be shown is shown
    lines = told(tmp_path)
    assert (
        lines[0] == "--app-name=Art Factory --wait --action=default=Open -- Art Factory Done: cars: 4 pictures, $0.012"
    )
    assert told(tmp_path, "xdg-open")[0] == "/p/cars" and any("Waits for you" in line for line in lines)
    shows.told(DONE)
    assert told(tmp_path) == lines


def test_an_older_command_without_actions_is_asked_in_its_own_way(tmp_path: Path, bin_folder: Path) -> None:
    (tmp_path / "notify-send.sh").write_text('case "$*" in *--action*) exit 1;; esac')
    shows = showing(tmp_path, bin_folder)
    shows.told(DONE)
    until(lambda: any(line.startswith("--app-name=Art Factory -- Art") for line in told(tmp_path)))
    shows.close()
    assert told(tmp_path, "xdg-open") == []


@pytest.mark.parametrize(
    ("notify", "environ", "shown"),
    [
        (False, {"DBUS_SESSION_BUS_ADDRESS": "x"}, False),
        ("auto", {}, False),
        ("auto", {"DBUS_SESSION_BUS_ADDRESS": "x"}, True),
        (True, {}, True),
    ],
)
def test_it_is_off_where_there_is_no_session_or_a_person_says_so(
    notify: str | bool, environ: dict[str, str], shown: bool, tmp_path: Path, bin_folder: Path
) -> None:
    shows = showing(tmp_path, bin_folder, notify, **environ)
    shows.told(DONE)
    shows.close()
    assert bool(told(tmp_path)) == shown


def test_one_that_never_answers_holds_up_nothing_and_ends_with_the_program(
    tmp_path: Path, bin_folder: Path, monkeypatch: Patch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(notifications, "LAST", 0.02)
    monkeypatch.setattr(command, "GRACE", 0.02)
    (tmp_path / "notify-send.sh").write_text(f"echo $$ >> {tmp_path}/pid; while :; do sleep 0.05; done")
    shows = showing(tmp_path, bin_folder)
    shows.told(DONE)
    until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip())
    for _ in range(1000):
        shows.told(DOUBT)
    shows.close()
    until(lambda: all(map(is_gone, map(int, (tmp_path / "pid").read_text().split()))))
    assert not caplog.records


def test_that_none_can_be_shown_is_told_once_and_harms_nothing(
    tmp_path: Path, bin_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    (tmp_path / "notify-send.sh").write_text("echo 'no daemon' >&2; exit 1")
    shows = showing(tmp_path, bin_folder)
    shows.told(DONE)
    until(lambda: caplog.records)
    shows.told(DONE)
    shows.close()
    (record,) = caplog.records
    assert record.getMessage() == "no notification could be shown: it ended with code 1: no daemon"
