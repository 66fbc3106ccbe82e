"""What lies in the inbox and waits, and what does not."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from artfactoryd.reporting import status
from artfactoryd.reporting.inbox import names_left_alone, names_waiting
from artfactoryd.reporting.why import why
from artfactoryd.settings import Inbox, Settings
from tests.homes import TestHome


@pytest.mark.parametrize("elsewhere", [False, True])
def test_an_empty_dropbox_waits_for_nothing_and_why_says_what_it_is(
    home: TestHome, tmp_path: Path, elsewhere: bool
) -> None:
    inbox = tmp_path / "drops" if elsewhere else home.home.inbox
    inbox.mkdir(exist_ok=True)
    settings = Settings(inbox=Inbox(path=inbox if elsewhere else None))
    for name in ("my-cars", "bundle", "with-litter"):
        (inbox / name).mkdir()
    (inbox / "with-litter" / ".DS_Store").touch()
    for name in ("bundle/order.yaml", "a.yaml", "b.yaml.crdownload"):
        (inbox / name).write_text("x")
    assert names_waiting(inbox) == status.status(home.home, None, settings, None).inbox == ["a.yaml", "bundle"]
    words, known = why(home.home, None, settings, "my-cars")
    assert (
        known
        and words
        == f"{inbox / 'my-cars'} is an empty drop-box: an order dropped into it belongs to the project my-cars."
    )
    assert "has not been taken yet" in why(home.home, None, settings, "a.yaml")[0]


def test_what_begins_with_a_dot_is_left_alone_and_said_to_be(home: TestHome) -> None:
    inbox = home.home.inbox
    (inbox / "box").mkdir()
    for name in (".yaml", ".cars.yaml", "box/.boat.YML"):
        (inbox / name).write_text("x")
    for name in (".cars.yaml.swp", "._cars.yaml", ".#cars.yaml", "box/.submit.json", ".DS_Store", "cars.yaml~"):
        (inbox / name).write_text("x")  # nobody's order
    hidden = [".cars.yaml", ".yaml", "box/.boat.YML"]
    assert names_left_alone(inbox) == hidden and names_waiting(inbox) == []
    shown = home.call("status").stdout
    for name in hidden:
        words = f"{name} begins with a dot: it is left alone, as what editors and sync tools write is; rename it"
        assert words in shown
        assert words in why(home.home, None, Settings(), f"Inbox/{name}")[0]
        assert words.replace("begins", "in the Inbox begins") in home.call("doctor").stdout
    assert "it is left alone; rename it" in why(home.home, None, Settings(), "Inbox/cars.yaml~")[0]
    assert home.once() == 0 and names_left_alone(inbox) == hidden


def test_what_only_looks_empty_waits(tmp_path: Path) -> None:
    (tmp_path / "cars (conflicted copy)").mkdir()  # a sync program's: it is rejected
    os.symlink(tmp_path, tmp_path / "link")
    assert names_waiting(tmp_path) == ["cars (conflicted copy)", "link"]
    assert names_waiting(tmp_path / "away") == []


def test_what_waits_says_why_from_the_first_second(home: TestHome) -> None:
    inbox = home.home.inbox
    for name in ("box", "photos", "bundle", "whole"):
        (inbox / name).mkdir()
    for name in (
        "table.csv", "clip.mov", "cars.rtf", "open.yaml", ".#open.yaml", "quiet.yaml", "box/defaults.yaml",
        "box/a.yaml", "box/notes.txt", "photos/a.png", "bundle/order.yaml", "bundle/a.png", "bundle.waiting.txt",
        "whole/order.yaml", "whole/a.png", "whole/~$order.yaml", "gone.yaml.waiting.txt",
    ):  # fmt: skip
        (inbox / name).write_text("bundle waits.\n\na.png is not there yet.\n")
    (inbox / ".#left.yaml").symlink_to(f"ann@{socket.gethostname()}.{2**22 + 1}:1764489600")
    claim = home.home.claims / "01900000-0000-7000-8000-0000000000ff"
    (claim / "dropped").mkdir(parents=True)
    (claim / "dropped" / "cars.yaml").write_text("x")
    (claim / "waits.txt").write_text("b.png is not there yet.\nA minute is waited.\n")
    told = status.status(home.home, None, Settings(), None).waits
    a_minute = "waits up to a minute for an order that names it; alone it is"
    assert {name: words.partition(" and is")[0] for name, words in told.items()} == {
        "table.csv": f"{a_minute} a table without an order",
        "clip.mov": f"{a_minute} a picture, a film or a sound without an order",
        "box/notes.txt": f"{a_minute} a text file",
        "photos": f"{a_minute} a folder without an order (1 thing in it)",
        "open.yaml": "is open in an editor (.#open.yaml lies beside it),",
        ".#left.yaml": "is what an editor left behind, which has nothing open any more: it may be removed",
        "whole": "is open in an editor (~$order.yaml lies beside it),",
        "bundle": "waits: a.png is not there yet.", "cars.yaml": "waits: b.png is not there yet. A minute is waited.",
    }  # fmt: skip
    shown = home.call("status").stdout
    assert all(f"{name} {words}" in shown for name, words in told.items()), shown
    assert home.ask("orders")["waiting"] == {
        "bundle": "a.png is not there yet.", "cars.yaml": "b.png is not there yet. A minute is waited.",
    }  # fmt: skip
    assert "waits" in home.call("orders").stdout.partition("cars.yaml")[0]
    for name in ("table.csv", "open.yaml", "bundle"):
        assert told[name].removeprefix("waits: ") in why(home.home, None, Settings(), f"Inbox/{name}")[0]
    assert "b.png is not there" in why(home.home, None, Settings(), "cars.yaml")[0]
