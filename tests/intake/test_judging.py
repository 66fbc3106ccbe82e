"""One look at what lies in the inbox: what an editor has open, folders without an order, drop-boxes with defaults."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from artfactoryd.core import inbox_rules
from artfactoryd.intake.judging import version_of
from tests.intake.test_inbox import Box, box

__all__ = ["box"]
NOBODY = 2**22 + 1  # above the highest number that a process has


def vim(pid: int, host: str = "") -> bytes:
    """The beginning of a swap file."""
    head = b"b0VIM 9.1".ljust(24, b"\0") + pid.to_bytes(4, "little") + b"ann".ljust(40, b"\0")
    return (head + (host or socket.gethostname()).encode().ljust(40, b"\0")).ljust(1024, b"\0")


def emacs(pid: int, host: str = "") -> str:
    return f"ann@{host or socket.gethostname()}.{pid}:1764489600"


@pytest.mark.parametrize("name", ["cars.yaml", "photo.png", "notes.txt"])
@pytest.mark.parametrize(
    "companion", [".{}.swp", ".{}.swo", ".~lock.{}#", ".{}.kate-swp", "~${}", "4913", "5036", ".#{}"],
)  # fmt: skip
def test_what_an_editor_has_open_waits_until_it_is_closed(box: Box, name: str, companion: str) -> None:
    box.drop(name)
    lock = box.drop(companion.format(name), b"")
    for later in (2, 61, 599):
        assert (box.ready(later), box.strays(later), box.scan(later).open) == ({}, {}, (name,))
    lock.unlink()
    assert [*box.ready(61), *box.strays(61)] == [name]


def test_it_waits_no_longer_than_ten_minutes_for_one_that_says_nobody(
    box: Box, caplog: pytest.LogCaptureFixture
) -> None:
    box.drop("cars.yaml")
    box.drop(".~lock.cars.yaml#")
    assert box.ready(599) == {} and "cars.yaml" not in caplog.text
    assert box.ready(601) == {"cars.yaml": ("file", None)}
    assert "No editor has cars.yaml open any more, though .~lock.cars.yaml# lies beside it." in caplog.text


@pytest.mark.parametrize(("pid", "host", "is_open"), [
    (os.getpid(), "", True), (NOBODY, "", False), (os.getpid(), "elsewhere", False), (0, "", False),
], ids=["this", "nobody", "elsewhere", "unnamed"])  # fmt: skip
@pytest.mark.parametrize("editor", ["vim", "emacs"])
def test_a_process_that_is_named_is_looked_for_while_it_is_one_of_this_machine(
    box: Box, editor: str, pid: int, host: str, is_open: bool
) -> None:
    box.drop("cars.yaml")
    if editor == "vim":
        box.drop(".cars.yaml.swp", vim(pid, host))
    else:
        (box.folder / ".#cars.yaml").symlink_to(emacs(pid, host))
    assert (box.ready(3600) == {}) is is_open
    by_time = host or not pid
    assert (box.ready(2) == {}) is bool(is_open or by_time)


def test_the_companion_of_one_file_keeps_no_other(box: Box) -> None:
    for name in ("cars.yaml", "my.cars.yaml", "car.yaml"):
        box.drop(name)
    box.drop(".cars.yaml.swp", vim(os.getpid()))
    assert set(box.ready()) == {"my.cars.yaml", "car.yaml"}


def test_a_bundle_whose_order_is_open_waits(box: Box) -> None:
    box.drop("cars/order.yaml")
    lock = box.drop("cars/.order.yaml.swp", vim(os.getpid()))
    assert box.ready(3600) == {} and box.scan(3600).open == ("cars",)
    lock.unlink()
    assert box.ready(3600) == {"cars": ("bundle", None)}


def test_what_is_saved_again_is_not_as_it_was_judged(box: Box) -> None:
    path = box.drop("cars.yaml")
    box.drop("boat/order.yaml")
    ready = box.scan(2).ready
    assert len(ready) == 2 and all(entry.is_as_judged for entry in ready)
    box.drop("boat/a.png")
    path.write_text("model: y")
    assert not any(entry.is_as_judged for entry in ready)
    assert version_of(box.folder / "nothing") == ()
    assert box.scan(0.5).waiting == ("cars.yaml", "boat") or box.scan(0.5).waiting == ("boat", "cars.yaml")


# --- folders without an order ---


@pytest.mark.parametrize(("names", "what", "advice", "at_once"), [
    (["a.png", "b.png"], "a folder without an order (2 things in it)", "order.yaml", False),
    (["a.png", ".DS_Store"], "a folder without an order (1 thing in it)", "order.yaml", False),
    (["table.csv", "notes.txt", "deep/a.png"], "a folder without an order (3 things in it)", "order.yaml", False),
    (["deep/order.yaml", "deep/a.png"], "a folder without an order (1 thing in it)", "inside it: drop that", False),
    (["a.zip", "b.zip"], "a folder without an order (2 things in it)", "Unpack it", True),
])  # fmt: skip
def test_a_folder_without_an_order_is_one_thing_and_answered_as_one(
    box: Box, names: list[str], what: str, advice: str, at_once: bool
) -> None:
    for name in names:
        box.drop(f"holiday/{name}")
    assert box.strays(0.5) == {} and (box.strays(59) == {}) is not at_once
    (stray,) = box.scan(61).strays
    assert (stray.path, stray.what) == (box.folder / "holiday", what) and advice in stray.advice


def test_an_empty_folder_is_a_drop_box_and_stays_one_once_an_order_lay_in_it(box: Box) -> None:
    (box.folder / "cars").mkdir()
    assert (box.strays(3600), box.scan(3600).waiting) == ({}, ())
    order = box.drop("cars/red.yaml")
    assert "cars/red.yaml" in box.ready()
    order.unlink()
    for name in ("a.png", "b.png"):
        box.drop(f"cars/{name}")
    assert box.strays() == {f"cars/{name}": inbox_rules.PICTURE.what for name in ("a.png", "b.png")}


# --- defaults ---


def test_defaults_make_a_drop_box_of_a_folder_and_are_no_order(box: Box) -> None:
    box.drop("cars/defaults.yaml")
    assert (box.ready(3600), box.strays(3600)) == ({}, {})
    box.drop("cars/order.yaml")
    box.drop("cars/a.png")
    assert box.ready() == {"cars/order.yaml": ("file", "cars")}
    assert box.strays() == {"cars/a.png": inbox_rules.PICTURE.what}


def test_orders_wait_while_the_defaults_are_being_written(box: Box) -> None:
    order = box.drop("cars/red.yaml")
    os.utime(order, (0, 0))
    box.drop("cars/defaults.yaml")
    assert box.scan(0.5).waiting == ("cars",) or box.scan(0.5).waiting == ("cars/red.yaml",)
    assert "cars/red.yaml" in box.ready()


def test_a_folder_that_the_settings_name_is_a_drop_box_and_what_its_defaults_name_belongs_to_it(tmp_path: Path) -> None:
    box = Box(tmp_path)
    box.inbox._standing = lambda: ["cars"]
    box.inbox._defaults = lambda folder, project: {"inbox.defaults.cars": "parameters: {image: logo.png}"}
    box.drop("cars/order.yaml")
    box.drop("cars/logo.png")
    box.drop("cars/other.png")
    assert box.ready() == {"cars/order.yaml": ("file", "cars")}
    assert box.strays() == {"cars/other.png": inbox_rules.PICTURE.what}


def test_orders_wait_for_defaults_that_an_editor_takes_away_and_writes_again(box: Box) -> None:
    defaults = box.drop("cars/defaults.yaml")
    box.drop("cars/order.yaml")
    assert "cars/order.yaml" in box.ready(2)
    defaults.unlink()  # what is alone in it now looks like a bundle
    assert box.scan(10).ready == () == box.scan(14).ready
    assert box.scan(14).waiting == ("cars/order.yaml",)
    box.drop("cars/defaults.yaml")
    assert "cars/order.yaml" in box.ready(20)
    defaults.unlink()
    assert box.scan(30).ready == () and box.ready(40) == {"cars/order.yaml": ("file", "cars")}


def test_what_a_pattern_of_the_defaults_fits_belongs_to_the_drop_box(box: Box) -> None:
    box.inbox._defaults = lambda folder, project: {"cars/defaults.yaml": "parameters: {image: ['*.PNG', 'in*/*.jpg']}"}
    for name in ("defaults.yaml", "a.yaml", "a.png", "insets/b.jpg", "c.gif", ".hidden.png"):
        box.drop(f"cars/{name}")
    assert box.ready() == {"cars/a.yaml": ("file", "cars")}
    assert box.strays() == {"cars/c.gif": inbox_rules.PICTURE.what}
