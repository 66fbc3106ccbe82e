"""A home that was copied while its original is at work: what looks says so, what would change something is refused."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from artfactoryd.cli.program import COMMANDS, main
from artfactoryd.home import Home
from tests.homes import TestHome

LOOKS = [
    ["status"], ["watch"], ["orders"], ["order", "mine"], ["why", "mine"], ["products"], ["projects"], ["collections"],
    ["explain", "none.png"],
    ["spend"], ["logs"], ["models"], ["models", "show", "sketch"], ["sheet"], ["export", "x"], ["lookups"],
    ["templates"], ["templates", "check"], ["plan", "o.yaml"], ["providers", "--offline"], ["keys", "list"],
    ["service", "status"],
]  # fmt: skip
CHANGES = [
    ["submit", "o.yaml"], ["remake", "o.png"], ["cancel", "mine"], ["approve", "mine"], ["retry", "mine"],
    ["tag", "p", "+t"], ["like", "p"], ["pause"], ["pause", "fal"], ["resume"], ["resume", "fal"], ["once"], ["run"],
    ["rate", "0192", "4"], ["note", "0192", "t"], ["collect", "0192", "best"], ["bin", "0192"], ["undo"],
    ["import", "o.png"], ["reindex"], ["backup"],
    ["models", "refresh"], ["install"], ["init"], ["mcp"],
]  # fmt: skip
NO_MATTER = {"demo", "schema", "uninstall", "doctor", "restore"}  # of no home, of the machine, or with a row of its own


@pytest.fixture
def copy(home: TestHome) -> Home:
    """With the papers of a daemon that is at work in the original."""
    holder = {"pid": os.getpid(), "started_at": "now", "command": "run", "page": "http://127.0.0.1:1/"}
    home.home.holder_file.write_text(json.dumps(holder))
    return Home(Path(shutil.copytree(home.root, home.root.with_name("copy"))))


def call(home: Home, *words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(main, ["--home", str(home.root), *words])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr


def test_every_command_is_known_to_look_or_to_change_something() -> None:
    assert {words[0] for words in LOOKS + CHANGES} | NO_MATTER == set(COMMANDS)


def test_what_only_looks_at_a_copy_says_in_one_line_that_it_is_one(copy: Home) -> None:
    for words in LOOKS:
        _, out, err = call(copy, *words)
        told = [line for line in err.splitlines() if "is a copy of" in line]
        assert len(told) == 1 and told[0].endswith(f"--home {copy.root} init --adopt"), (words, err)
        assert "is a copy of" not in out


def test_what_would_change_something_in_a_copy_is_refused_and_changes_nothing(copy: Home) -> None:
    def files() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in copy.root.rglob("*") if path.is_file()}

    before = files()
    for words in CHANGES:
        code, out, err = call(copy, *words)
        assert (code, out) == (2, "") and "is a copy of" in err and err.count("init --adopt") == 1, (words, out, err)
    assert files() == before


def test_no_daemon_of_the_original_is_told_as_the_copys_own_also_once_it_is_adopted(copy: Home, home: TestHome) -> None:
    assert home.home.holder() is not None and copy.holder() is None
    _, out, _ = call(copy, "status")
    assert "process" not in out and "127.0.0.1" not in out and "a copy takes and sends nothing" in out
    with home.home.lock("run"):
        shutil.copy(home.home.holder_file, copy.holder_file)
    assert call(copy, "init", "--adopt")[0] == 0 and copy.holder() is None
    assert call(copy, "status")[1].count("not running") == 1


def test_doctor_tells_the_way_out_of_a_copy_once(copy: Home) -> None:
    before = copy.holder_file.read_bytes()
    _, out, _ = call(copy, "doctor")
    assert copy.holder_file.read_bytes() == before  # it changes nothing
    row = next(line for line in out.splitlines() if line.startswith("folder: bad"))
    assert row.count("init --adopt") == 1
