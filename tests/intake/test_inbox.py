from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import watchfiles

from artfactoryd.core import inbox_rules
from artfactoryd.entries import has_writer
from artfactoryd.intake import inbox as module
from artfactoryd.intake.inbox import Inbox, Scan
from artfactoryd.intake.watching import watcher
from artfactoryd.mounts import Mount, mount_of, parse_mount_output, parse_mountinfo

LINUX = sys.platform.startswith("linux")
linux_only = pytest.mark.skipif(not LINUX, reason="a lease is Linux's")
PATIENCE = 20.0


class Box:
    """An inbox on a real disk, and a wall clock that a test moves: `scan(5)` is a look five seconds from now."""

    def __init__(self, root: Path) -> None:
        self.root, self.folder = root, root / "Inbox"
        self.folder.mkdir()
        self.inbox = self.open()

    def open(self, **settings: float | bool) -> Inbox:
        return Inbox(self.folder, dropboxes=self.root / "dropboxes.json",
                     **{"settle_seconds": 1.0, "scan_seconds": 5.0, **settings})  # type: ignore[arg-type] # fmt: skip

    def drop(self, name: str, data: bytes = b"model: x\n") -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def scan(self, later: float = 0.0) -> Scan:
        return self.inbox.scan(time.monotonic() + later, time.time() + later)

    def ready(self, later: float = 2.0) -> dict[str, tuple[str, str | None]]:
        return {self.name(one.path): (one.kind, one.project) for one in self.scan(later).ready}

    def strays(self, later: float = 61.0) -> dict[str, str]:
        return {self.name(one.path): one.what for one in self.scan(later).strays}

    def name(self, path: Path) -> str:
        return str(path.relative_to(self.folder))


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


# --- settling ---


def test_a_clock_set_forward_does_not_make_a_file_look_quiet_nor_set_back_keep_it(box: Box) -> None:
    for name, by in (("one.yaml", 3600.0), ("two.yaml", -7200.0)):
        box.scan()
        box.drop(name)
        steady, wall = time.monotonic(), time.time() + by
        looks = [box.inbox.scan(steady + later, wall + later).ready for later in (0.0, 0.5, 1.1)]
        assert [len(ready) for ready in looks] == [0, 0, 1]
        (box.folder / name).unlink()


@pytest.mark.parametrize(
    "name", ["cars.yaml", "cars.yml", "cars.json", "CARS.YAML", "two words é.yaml", "autos-红.yaml"]
)
def test_an_order_is_taken_once_it_has_been_quiet_and_not_before(box: Box, name: str) -> None:
    box.drop(name)
    early, late = box.scan(0.4), box.scan(1.1)
    assert (early.ready, early.waiting) == ((), (name,)) and 0.3 < early.due < 0.7
    assert [one.path.name for one in late.ready] == [name] and late.waiting == ()


def test_what_was_quiet_before_the_start_is_taken_at_the_first_look(box: Box) -> None:
    box.drop("cars.yaml")
    assert [one.path.name for one in box.open().scan(0.0, time.time() + 2).ready] == ["cars.yaml"]


def test_a_slow_writer_starts_the_time_anew_with_every_write(box: Box) -> None:
    path = box.drop("cars.yaml", b"model: ")
    assert box.ready(2) == {"cars.yaml": ("file", None)}
    with path.open("ab") as file:
        file.write(b"x")
    assert box.ready(0.5) == {} and box.ready(1.5) == {"cars.yaml": ("file", None)}


def test_the_age_of_what_is_written_in_the_file_does_not_count(box: Box) -> None:
    path = box.drop("cars.yaml")
    os.utime(path, (1, 1))
    assert box.ready(0.5) == {}
    os.utime(path, (2e9, 2e9))
    assert box.ready(2) == {"cars.yaml": ("file", None)}


def test_with_a_change_in_the_future_time_counts_from_first_sight(box: Box) -> None:
    box.drop("cars.yaml")
    yesterday, now = time.time() - 86_400, time.monotonic()
    looks = [box.inbox.scan(now + later, yesterday + later) for later in (0, 0.9, 1.1)]
    assert [len(look.ready) for look in looks] == [0, 0, 1]
    assert 0.05 < looks[1].due < 0.15


def test_on_a_network_volume_time_counts_from_first_sight(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "mounts", lambda: [Mount(Path("/"), "nfs4")])
    box.drop("cars.yaml")
    now, much_later = time.monotonic(), time.time() + 3_600
    assert [len(box.inbox.scan(now + later, much_later).ready) for later in (0, 0.9, 1.1)] == [0, 0, 1]


def test_another_file_of_the_same_name_starts_anew(box: Box) -> None:
    box.drop("cars.yaml")
    yesterday, now = time.time() - 86_400, time.monotonic()
    box.inbox.scan(now, yesterday)
    os.replace(box.drop("other.part", b"model: y\n"), box.folder / "cars.yaml")
    assert box.inbox.scan(now + 1.5, yesterday).ready == ()
    assert len(box.inbox.scan(now + 3, yesterday).ready) == 1


def test_orders_come_oldest_first(box: Box) -> None:
    names = [f"{letter}.yaml" for letter in "gbhdafce"]
    for name in names:
        box.drop(name)
        time.sleep(0.01)  # a ctime is no finer
    assert [one.path.name for one in box.scan(2).ready] == names


@linux_only
def test_a_file_that_somebody_still_writes_waits_and_is_looked_at_again_soon(box: Box) -> None:
    path = box.drop("cars.yaml")
    with path.open("ab"):
        scan = box.scan(2)
        assert (scan.ready, scan.waiting) == ((), ("cars.yaml",)) and scan.due < 0.5
        assert box.scan(40).due > 2, "and less and less often"
    assert box.ready() == {"cars.yaml": ("file", None)}


@linux_only
def test_a_writer_that_comes_while_we_ask_neither_kills_us_nor_loses_its_file(tmp_path: Path) -> None:
    path = tmp_path / "cars.yaml"
    path.write_text("x")
    script = f"import time\nend = time.time() + 1\nwhile time.time() < end: open({str(path)!r}, 'ab').close()"
    with subprocess.Popen([sys.executable, "-c", script]) as writer:
        while writer.poll() is None:
            has_writer(path)
    assert writer.returncode == 0 and not has_writer(path)


def test_a_file_we_may_not_read_is_taken_so_that_it_can_be_answered(box: Box) -> None:
    box.drop("cars.yaml").chmod(0)
    assert box.ready() == {"cars.yaml": ("file", None)}


# --- how editors save ---


def test_a_file_renamed_into_place_is_taken_once_and_its_temporary_name_never(box: Box) -> None:
    temporary = box.drop(".cars.yaml.x7Gh")
    assert box.ready() == {}
    temporary.rename(box.folder / "cars.yaml")
    assert box.ready() == {"cars.yaml": ("file", None)}


def test_an_editor_that_keeps_a_backup_drops_one_order(box: Box) -> None:
    path = box.drop("cars.yaml", b"old")
    path.rename(box.folder / "cars.yaml~")
    box.drop("cars.yaml", b"new")
    assert box.ready() == {"cars.yaml": ("file", None)} and box.strays() == {}


def test_an_editor_that_first_makes_an_empty_file_is_waited_for(box: Box) -> None:
    path = box.drop("cars.yaml", b"")
    assert box.scan(0.5).waiting == ("cars.yaml",)
    assert (box.ready(10), box.strays(10)) == ({}, {})
    path.write_text("model: x")
    assert box.ready() == {"cars.yaml": ("file", None)}


# fmt: off
JUNK = [
    ".DS_Store", "._cars.yaml", ".cars.yaml.swp", "cars.yaml~", "#cars.yaml#", ".#cars.yaml", "~$cars.docx",
    "cars.yaml.tmp", "cars.yaml.part", "cars.yaml.partial", "cars.yaml.filepart", "cars.yaml.crdownload",
    "cars.yaml.download", "cars.yaml.swo", "cars.yaml.bak", "cars.yaml.orig", "4913", ".syncthing.cars.yaml.tmp",
    "~syncthing~cars.yaml.tmp", "desktop.ini", "Thumbs.db", ".apdisk", ".localized", "cars.yaml.error.txt",
    "cars.yaml.why.txt", ".cars.yaml.icloud", "Icon\r",
]
# fmt: on


@pytest.mark.parametrize("name", JUNK)
def test_junk_is_passed_over_without_a_word(box: Box, name: str) -> None:
    box.drop(name)
    scan = box.scan(1000)
    assert (scan.ready, scan.strays, scan.waiting) == ((), (), ())


@pytest.mark.parametrize("name", ["__MACOSX", "@eaDir", ".stfolder", "cars.download", ".git"])
def test_folders_of_other_programs_are_passed_over(box: Box, name: str) -> None:
    box.drop(f"{name}/cars.yaml")
    assert box.scan(1000) == Scan()


# --- strays ---

STRAYS = [
    ("photo.PNG", b"png", "a picture"),
    ("clip.mp4", b"mp4", "a film"),
    ("empty.yaml", b"", "empty"),
    ("notes.txt", b"a", "a text file"),
    ("clip.mov", b"a", "a picture, a film or a sound"),
    ("table.csv", b"a", "a table without an order"),
    ("order", b"a", "not an order"),
    ("order.toml", b"a", "not an order"),
    ("cars.sync-conflict-20261122-101112-ABCDEFG.yaml", b"a", "conflict copy"),
    ("cars (Ann's conflicted copy 2026-11-22).yaml", b"a", "conflict copy"),
    ("cars (conflicted copy 2026-11-22 101112).yaml", b"a", "conflict copy"),
    ("cars (SFConflict ann@example.org 2026-11-22).yaml", b"a", "conflict copy"),
    ("cars_conflict-20261122-101112.yaml", b"a", "conflict copy"),
    ("cars (Case Conflict 1).yaml", b"a", "conflict copy"),
    ("cars [conflicted].yaml", b"a", "conflict copy"),
    ("cars_mac_Nov-22-101112-2026_Conflict.yaml", b"a", "conflict copy"),
    ("cars (In Konflikt stehende Kopie von Ann 2026-11-22).yaml", b"a", "conflict copy"),
]


@pytest.mark.parametrize(("name", "data", "what"), STRAYS)
def test_what_is_no_order_is_named_after_a_quiet_minute_and_not_before(
    box: Box, name: str, data: bytes, what: str
) -> None:
    box.drop(name, data)
    assert (box.ready(59), box.strays(59)) == ({}, {}) and box.scan(59).due <= 1
    (stray,) = box.scan(61).strays
    assert what in stray.what and stray.advice.endswith(".") and box.scan(61).ready == ()


@pytest.mark.parametrize(("name", "what"), [
    ("order.yaml.txt", "a text file"), ("order.rtf", "rich text"), ("order.docx", "rich text"),
    ("orders.zip", "an archive"), ("table.xlsx", "a spreadsheet's own file"), ("talk.pptx", "a presentation"),
    ("defaults.yaml", "what a drop-box gives its orders"),
])  # fmt: skip
def test_what_can_never_belong_to_an_order_is_answered_at_once(box: Box, name: str, what: str) -> None:
    box.drop(name)
    assert box.strays(0.5) == {} and box.scan(0.5).waiting == (name,)
    (stray,) = box.scan(1.1).strays
    assert what in stray.what and stray.advice.endswith(".") and not stray.may_belong and box.ready(1.1) == {}


@pytest.mark.parametrize("name", ["armed_conflict.yaml", "conflict.yaml", "conflict-of-colours.yaml"])
def test_an_order_about_a_conflict_is_an_order(box: Box, name: str) -> None:
    box.drop(name)
    assert list(box.ready()) == [name]


def test_a_name_with_txt_after_yaml_is_told_to_lose_it() -> None:
    word = inbox_rules.stray_file("cars.yaml.txt", "file", 5)
    assert word == inbox_rules.DOUBLE and word != inbox_rules.stray_file("cars.txt", "file", 5)


def test_links_pipes_and_sockets_are_strays_and_never_followed_or_opened(box: Box) -> None:
    (box.root / "target.yaml").write_text("model: x")
    (box.folder / "link.yaml").symlink_to(box.root / "target.yaml")
    (box.folder / "folder").symlink_to(box.root)
    (box.folder / "broken.yaml").symlink_to("nowhere")
    os.mkfifo(box.folder / "pipe.yaml")
    with contextlib.chdir(box.folder), socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.yaml")
    assert box.ready() == {}
    assert box.strays() == {
        "link.yaml": "a link", "folder": "a link", "broken.yaml": "a link", "pipe.yaml": "a pipe",
        "socket.yaml": "a socket",
    }  # fmt: skip


@linux_only
def test_a_name_that_is_not_utf8_is_a_stray_and_stops_nothing(box: Box) -> None:
    (box.folder / os.fsdecode(b"caf\xe9.yaml")).write_text("model: x")
    (box.folder / os.fsdecode(b"b\xfcn")).mkdir()
    (box.folder / os.fsdecode(b"b\xfcn") / "order.yaml").write_text("model: x")
    box.drop("cars.yaml")
    assert sorted(box.scan(0.5).waiting) == ["b\\xfcn", "caf\\xe9.yaml", "cars.yaml"]
    assert box.ready() == {"cars.yaml": ("file", None)}
    assert set(box.strays().values()) == {inbox_rules.BAD_NAME.what} and len(box.strays()) == 2


@linux_only
def test_a_picture_that_is_still_being_copied_is_no_stray(box: Box) -> None:
    path = box.drop("photo.png")
    with path.open("ab"):
        assert box.strays() == {}
    assert box.strays() == {"photo.png": inbox_rules.PICTURE.what}


# --- folders ---


def test_a_folder_with_one_order_of_that_name_is_a_bundle(box: Box) -> None:
    for number, order in enumerate(("order.yaml", "order.yml", "Order.json")):
        box.drop(f"b{number}/{order}")
        box.drop(f"b{number}/red.png")
        box.drop(f"b{number}/more/blue.png")
    assert box.ready() == dict.fromkeys(("b0", "b1", "b2"), ("bundle", None)) and box.strays() == {}


def test_a_bundle_waits_until_all_in_it_is_quiet(box: Box) -> None:
    box.drop("cars/order.yaml")
    picture = box.drop("cars/pictures/red.png")
    yesterday, now = time.time() - 86_400, time.monotonic()
    box.inbox.scan(now, yesterday)
    picture.write_bytes(b"more of it")
    scan = box.inbox.scan(now + 1.5, yesterday)
    assert (scan.ready, scan.waiting) == ((), ("cars",))
    assert len(box.inbox.scan(now + 3, yesterday).ready) == 1


@linux_only
def test_a_bundle_waits_for_a_picture_that_is_still_written(box: Box) -> None:
    box.drop("cars/order.yaml")
    with box.drop("cars/red.png").open("ab"):
        assert box.scan(5).waiting == ("cars",)
    assert box.ready() == {"cars": ("bundle", None)}


def test_a_populated_folder_moved_in_is_one_bundle(box: Box) -> None:
    made = box.root / "made"
    made.mkdir()
    (made / "order.yaml").write_text("model: x")
    (made / "red.png").write_bytes(b"png")
    made.rename(box.folder / "cars")
    assert box.ready() == {"cars": ("bundle", None)}


def test_a_folder_with_another_order_is_a_drop_box_whose_name_is_the_project(box: Box) -> None:
    box.drop("summer/order.yaml")
    box.drop("summer/cars.yaml")
    assert box.scan(0.5).waiting == ("summer",)
    assert box.ready() == {"summer/cars.yaml": ("file", "summer"), "summer/order.yaml": ("file", "summer")}


def test_a_conflict_copy_beside_it_does_not_make_a_bundle_a_drop_box(box: Box) -> None:
    box.drop("cars/order.yaml")
    box.drop("cars/order.sync-conflict-20261122-101112-ABCDEFG.yaml")
    assert box.ready() == {"cars": ("bundle", None)}


def test_an_empty_folder_stays_and_becomes_a_drop_box(box: Box) -> None:
    (box.folder / "summer").mkdir()
    assert box.scan(1000) == Scan()
    box.drop("summer/cars.yaml")
    assert box.ready() == {"summer/cars.yaml": ("file", "summer")}


def test_what_has_served_as_a_drop_box_is_never_a_bundle_also_after_a_restart(box: Box) -> None:
    cars = box.drop("summer/cars.yaml")
    assert box.ready() == {"summer/cars.yaml": ("file", "summer")}
    cars.unlink()
    box.drop("summer/order.yaml")
    assert box.ready() == {"summer/order.yaml": ("file", "summer")}
    box.inbox = box.open()
    assert box.ready() == {"summer/order.yaml": ("file", "summer")}


def test_a_served_drop_box_does_not_wait_for_everything_in_it(box: Box) -> None:
    box.drop("summer/cars.yaml")
    box.ready()
    box.inbox = box.open()
    yesterday, now = time.time() - 86_400, time.monotonic()
    box.inbox.scan(now, yesterday)
    box.drop("summer/bikes.yaml")
    scan = box.inbox.scan(now + 1.5, yesterday)
    assert [one.path.name for one in scan.ready] == ["cars.yaml"] and scan.waiting == ("summer/bikes.yaml",)


def test_a_drop_box_that_was_removed_is_forgotten(box: Box) -> None:
    box.drop("summer/cars.yaml")
    box.ready()
    shutil.rmtree(box.folder / "summer")
    box.scan()
    box.drop("summer/order.yaml")
    assert box.ready() == {"summer": ("bundle", None)}


def test_a_drop_box_is_not_forgotten_while_the_inbox_itself_is_away(box: Box) -> None:
    box.drop("summer/cars.yaml")
    box.ready()
    box.folder.rename(box.root / "away")
    box.scan()
    box.folder.rmdir()
    (box.root / "away").rename(box.folder)
    (box.folder / "summer" / "cars.yaml").rename(box.folder / "summer" / "order.yaml")
    assert box.ready() == {"summer/order.yaml": ("file", "summer")}


def test_the_project_of_a_drop_box_is_in_one_spelling(box: Box) -> None:
    box.drop("gru\u0308n/a.yaml")
    assert [project for _, project in box.ready().values()] == ["grün"]


def test_strays_in_folders(box: Box) -> None:
    box.drop("summer/cars.yaml")
    box.drop("summer/photo.png")
    box.drop("summer/more/order.yaml")
    (box.folder / "summer" / "link.yaml").symlink_to("cars.yaml")
    box.drop("recipes/.git/HEAD")
    box.drop("recipes/cars.yaml")
    box.drop("hollow/order.yaml", b"")
    box.drop("letter.rtfd/TXT.rtf")
    box.drop("cars (conflicted copy 2026)/order.yaml")
    assert box.ready(59) == {"summer/cars.yaml": ("file", "summer")}
    assert box.strays(59) == {"summer/link.yaml": "a link", "letter.rtfd": inbox_rules.RICH.what}
    assert box.strays() == {
        "summer/photo.png": inbox_rules.PICTURE.what, "summer/more": inbox_rules.NESTED.what,
        "summer/link.yaml": "a link",
        "recipes": inbox_rules.CHECKOUT.what, "hollow": inbox_rules.HOLLOW.what, "letter.rtfd": inbox_rules.RICH.what,
        "cars (conflicted copy 2026)": inbox_rules.SYNC_COPY.what,
    }  # fmt: skip


def test_a_folder_in_a_drop_box_is_no_stray_while_it_still_fills(box: Box) -> None:
    box.drop("summer/cars.yaml")
    assert "summer/cars.yaml" in box.ready()
    box.inbox = box.open()
    box.drop("summer/more/deep/a.png")
    yesterday, now = time.time() - 86_400, time.monotonic()
    box.inbox.scan(now, yesterday)
    box.drop("summer/more/deep/b.png")
    assert box.inbox.scan(now + 61, yesterday).strays == ()
    assert [one.path.name for one in box.inbox.scan(now + 122, yesterday).strays] == ["more"]


# --- the inbox itself ---


def test_an_inbox_that_is_gone_is_made_again(box: Box) -> None:
    box.folder.rmdir()
    assert box.scan() == Scan() and box.folder.is_dir()
    box.drop("cars.yaml")
    assert box.ready() == {"cars.yaml": ("file", None)}


@pytest.mark.parametrize("state", ["volume away", "a file"])
def test_an_inbox_that_cannot_be_is_said_once_and_waited_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, state: str
) -> None:
    place = tmp_path / "volume" / "Inbox"
    if state == "a file":
        place.parent.mkdir()
        place.write_text("in the way")
    inbox = Inbox(place, dropboxes=tmp_path / "d.json", settle_seconds=1, scan_seconds=5)
    for _ in range(3):
        scan = inbox.scan(time.monotonic(), time.time())
        assert replace(scan, blind="") == Scan() and "cannot be looked into" in scan.blind
    assert [str(place) in record.getMessage() for record in caplog.records] == [True]
    place.unlink(missing_ok=True)
    place.parent.mkdir(exist_ok=True)
    inbox.scan(time.monotonic(), time.time())
    (place / "cars.yaml").write_text("model: x")
    assert len(inbox.scan(time.monotonic() + 2, time.time() + 2).ready) == 1


def test_a_spoiled_memory_of_drop_boxes_is_no_reason_to_stop(box: Box) -> None:
    for text in ("", "{", "7", "[1]"):
        (box.root / "dropboxes.json").write_text(text)
        assert box.open().scan(0, time.time()) == Scan()


MOUNTINFO = r"""22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
36 22 0:33 / /mnt/my\040nas rw,nosuid shared:18 - cifs //nas/share rw,vers=3.0
40 22 0:40 / /mnt rw - tmpfs tmpfs rw
41 22 0:41 / /home rw master:1 propagate_from:2 - btrfs /dev/sdb rw
42 22 0:42 / /home rw - nfs4 server:/home rw
torn line
"""


@pytest.mark.parametrize(
    ("place", "kind"),
    [("/", "ext4"), ("/srv/x", "ext4"), ("/mnt/my nas/Inbox", "cifs"), ("/mnt/my", "tmpfs"), ("/home/ann", "nfs4")],
)
def test_the_deepest_and_latest_mount_tells_the_file_system(place: str, kind: str) -> None:
    found = mount_of(Path(place), parse_mountinfo(MOUNTINFO))
    assert found and found.kind == kind


def test_what_mount_says_on_a_mac_is_understood() -> None:
    said = "/dev/disk3s5 on / (apfs, local)\n//ann@nas/Pictures (all) on /Volumes/My Nas (smbfs, nodev)\nmap auto\n"
    assert parse_mount_output(said) == [Mount(Path("/"), "apfs"), Mount(Path("/Volumes/My Nas"), "smbfs")]
    assert mount_of(Path("/x"), []) is None


# --- looking again and again ---


class Looking:
    """`scans` at work: what it found, in order, taken out of the inbox as a claim would."""

    def __init__(self, scans: AsyncIterator[Scan]) -> None:
        self._scans, self.count = scans, 0

    async def until(self, *names: str) -> list[str]:
        """Look on until all of these were found ready."""
        taken: list[str] = []
        async with asyncio.timeout(PATIENCE):
            while not set(names) <= set(taken):
                scan = await anext(self._scans)
                self.count += 1
                for one in scan.ready:
                    taken.append(one.path.name)
                    one.path.unlink()
        return taken


@contextlib.asynccontextmanager
async def looking(box: Box, **settings: float | bool) -> AsyncIterator[Looking]:
    """A scan period so long that only hints and settling can explain what is found."""
    inbox = box.open(**{"settle_seconds": 0.15, "scan_seconds": 600.0, "polling": False, **settings})
    stop = asyncio.Event()
    scans = inbox.scans(stop)
    try:
        yield Looking(scans)
    finally:
        stop.set()
        async with asyncio.timeout(PATIENCE):
            async for _ in scans:
                pass


async def watching(looking: Looking, box: Box) -> None:
    """Until the watcher is surely at work: something dropped after the first look is found."""
    box.drop("first.yaml")
    await looking.until("first.yaml")


@pytest.fixture(params=["told by the system", "watched by a thread"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How hints come: on Linux the one, elsewhere the other."""
    if request.param == "told by the system" and not LINUX:
        pytest.skip("only Linux tells the loop")
    monkeypatch.setattr(watcher, "IS_TOLD", request.param == "told by the system")
    return str(request.param)


def replace_watch(monkeypatch: pytest.MonkeyPatch, way: str, watch: Callable[..., object]) -> Callable[..., Any]:
    """What begins to watch, in place of it; and the true one."""
    owner, name = (watcher, "Inotify") if way == "told by the system" else (watchfiles, "watch")
    true: Callable[..., Any] = getattr(owner, name)
    monkeypatch.setattr(owner, name, watch)
    return true


async def test_a_drop_is_found_by_the_hint_long_before_the_next_scan(box: Box, way: str) -> None:
    async with looking(box) as at_work:
        await watching(at_work, box)
        box.drop("cars.yaml")
        assert await at_work.until("cars.yaml") == ["cars.yaml"]


async def test_what_comes_between_the_first_look_and_the_first_watch_is_found(
    box: Box, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    def late(*folders: object, **settings: object) -> object:
        box.drop("early.yaml")
        return watch(*folders, **settings)

    watch = replace_watch(monkeypatch, way, late)
    async with looking(box) as at_work:
        await at_work.until("early.yaml")


async def test_an_inbox_made_anew_at_once_perhaps_with_the_same_inode_is_watched(box: Box, way: str) -> None:
    async with looking(box) as at_work:
        await watching(at_work, box)
        shutil.rmtree(box.folder)
        box.folder.mkdir()
        for name in ("a.yaml", "b.yaml", "c.yaml"):
            box.drop(name)
            await at_work.until(name)


async def test_a_drop_into_a_drop_box_is_found_by_the_hint(box: Box) -> None:
    async with looking(box) as at_work:
        await watching(at_work, box)
        (box.folder / "summer").mkdir()
        box.drop("summer/a.yaml")
        await at_work.until("a.yaml")
        box.drop("summer/b.yaml")
        await at_work.until("b.yaml")


@pytest.mark.parametrize("how", ["deleted", "renamed away"])
async def test_an_inbox_deleted_or_renamed_away_is_made_and_watched_again(box: Box, how: str) -> None:
    async with looking(box, scan_seconds=1.0) as at_work:
        await watching(at_work, box)
        shutil.rmtree(box.folder) if how == "deleted" else box.folder.rename(box.root / "old")
        while not box.folder.exists():
            await anext(at_work._scans)
        box.drop("cars.yaml")
        assert await at_work.until("cars.yaml") == ["cars.yaml"]
        if how == "renamed away":
            (box.root / "old" / "ghost.yaml").write_text("model: x")
        box.drop("bikes.yaml")
        assert await at_work.until("bikes.yaml") == ["bikes.yaml"]


@linux_only
async def test_a_name_that_kills_the_watcher_does_not_stop_the_looking(
    box: Box, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "IS_TOLD", False)  # the system itself takes any name
    async with looking(box, scan_seconds=0.5) as at_work:
        await watching(at_work, box)
        for number in range(3):
            (box.folder / os.fsdecode(b"\xff%d.yaml" % number)).write_text("x")
            box.drop(f"cars{number}.yaml")
            await at_work.until(f"cars{number}.yaml")
    assert sum("Watching" in record.getMessage() for record in caplog.records) == 1


async def test_without_a_watcher_polling_finds_it(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*args: object) -> object:
        raise AssertionError("a network volume is not watched")

    monkeypatch.setattr(module, "mounts", lambda: [Mount(Path("/"), "nfs4")])
    monkeypatch.setattr(watcher.Watcher, "_begin", none)
    async with looking(box, polling=None, scan_seconds=0.2) as at_work:  # type: ignore[arg-type]
        await anext(at_work._scans)
        box.drop("cars.yaml")
        assert await at_work.until("cars.yaml") == ["cars.yaml"]


async def test_a_machine_without_room_for_watchers_is_told_and_polled(
    box: Box, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, way: str
) -> None:
    tries = []

    def none(*args: object, **settings: object) -> object:
        tries.append(args)
        raise OSError(24, "Too many open files")

    replace_watch(monkeypatch, way, none)
    async with looking(box, scan_seconds=0.1) as at_work:
        for name in ("a.yaml", "b.yaml"):
            box.drop(name)
            await at_work.until(name)
    assert sum("Too many files are open" in record.getMessage() for record in caplog.records) == 1
    assert len(tries) <= 4


@pytest.mark.parametrize("polling", [True, False])
async def test_looking_ends_soon_after_stop_although_nothing_happens(box: Box, polling: bool) -> None:
    stop = asyncio.Event()
    scans = box.open(scan_seconds=600.0, polling=polling).scans(stop)
    await anext(scans)
    asyncio.get_running_loop().call_later(0.1, stop.set)
    async with asyncio.timeout(PATIENCE):
        assert [scan async for scan in scans] in ([], [Scan()])


async def test_looking_ends_although_a_dead_volume_never_answers(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    answer, stop = threading.Event(), asyncio.Event()
    monkeypatch.setattr(box.inbox, "scan", lambda now, wall: answer.wait(PATIENCE * 3))
    asyncio.get_running_loop().call_later(0.1, stop.set)
    try:
        async with asyncio.timeout(PATIENCE):
            assert [scan async for scan in box.inbox.scans(stop)] == []
    finally:
        answer.set()


async def test_a_thousand_files_are_each_found_once_in_few_looks(box: Box) -> None:
    names = [f"{number:04d}.yaml" for number in range(1000)]
    async with looking(box) as at_work:
        for name in names:
            box.drop(name)
        assert sorted(await at_work.until(*names)) == names
        assert at_work.count < 200


async def test_the_time_until_a_file_has_settled_counts_from_the_look(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However late that was: a look that comes too early costs another one."""
    look, delays = Inbox.scan, [0.1]

    def late(inbox: Inbox, now: float, wall: float) -> Scan:
        for _ in range(len(delays)):
            time.sleep(delays.pop())
        return look(inbox, time.monotonic(), time.time())

    monkeypatch.setattr(Inbox, "scan", late)
    async with looking(box, settle_seconds=0.4, polling=True) as at_work:
        box.drop("cars.yaml")
        await at_work.until("cars.yaml")
        assert at_work.count == 2
