"""What lies in the inbox and waits, and what does not."""

from __future__ import annotations

import os
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
