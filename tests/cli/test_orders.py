"""`status` says what keeps the home from working, and never the wrong cause."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.homes import TestHome
from tests.permissions import call


@pytest.fixture
def home(tmp_path: Path) -> TestHome:
    return TestHome.make(tmp_path / "home")


@pytest.mark.parametrize("how", ["a file", "shut", "gone"])
@pytest.mark.parametrize("command", ["status", "orders"])
def test_it_is_said_that_the_inbox_cannot_be_looked_into(home: TestHome, how: str, command: str) -> None:
    inbox = home.home.inbox
    if how == "shut":
        inbox.chmod(0)
    else:
        inbox.rmdir()
    if how == "a file":
        inbox.write_text("")
    done = call(home, command)
    assert done.returncode == 0 and f"Inbox   {inbox} " in done.stdout
    assert "Drop one into the Inbox" not in done.stdout
    assert str(inbox) in call(home, command, "--json").stdout
    inbox.chmod(0o700) if how == "shut" else None


@pytest.mark.parametrize("command", ["status", "once", "reindex"])
@pytest.mark.parametrize("how", ["work shut", "identity shut", "a file", "gone"])
def test_the_true_cause_is_told_when_the_work_folder_cannot_be_used(home: TestHome, command: str, how: str) -> None:
    work, identity = home.home.work, home.home.identity_file
    if how == "work shut":
        work.chmod(0)
    elif how == "identity shut":
        identity.chmod(0)
    else:
        work.rename(home.root / "away")
    if how == "a file":
        work.write_text("")
    done = call(home, command)
    told = done.stdout + done.stderr
    assert "--adopt" not in told and "is a copy" not in told and "Traceback" not in told
    assert "There is no factory folder" not in told
    assert {"a file": "is no folder", "gone": "is missing"}.get(how, "cannot be read (Permission denied)") in told
    assert done.returncode == 2 or command == "status"
    for path in (work, identity):
        if path.exists():
            path.chmod(0o700)
